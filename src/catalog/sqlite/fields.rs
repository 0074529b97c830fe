//! Rows to Rust and back, with errors that name table and row.

use std::fmt::Display;

use belfry_model::{Tenant, TimestampMs};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Row, Sqlite, Type};

use crate::error::{Error, Result};

/// One row on its way out.
pub(super) struct Fields<'r> {
    row: &'r SqliteRow,
    table: &'static str,
    /// The column that names the row in errors.
    key: &'static str,
}

impl<'r> Fields<'r> {
    pub(super) fn of(row: &'r SqliteRow, table: &'static str, key: &'static str) -> Self {
        Self { row, table, key }
    }

    pub(super) fn get<T>(&self, column: &'static str) -> Result<T>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        &'static str: ColumnIndex<SqliteRow>,
    {
        self.row
            .try_get(column)
            .map_err(|error| self.corrupt(column, error))
    }

    /// A number that is not negative and fits `T`.
    pub(super) fn unsigned<T: TryFrom<i64, Error: Display>>(
        &self,
        column: &'static str,
    ) -> Result<T> {
        T::try_from(self.get::<i64>(column)?).map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn unsigned_opt<T: TryFrom<i64, Error: Display>>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>> {
        self.get::<Option<i64>>(column)?
            .map(|value| T::try_from(value).map_err(|error| self.corrupt(column, error)))
            .transpose()
    }

    pub(super) fn time(&self, column: &'static str) -> Result<TimestampMs> {
        self.get(column).map(TimestampMs)
    }

    pub(super) fn time_opt(&self, column: &'static str) -> Result<Option<TimestampMs>> {
        Ok(self.get::<Option<i64>>(column)?.map(TimestampMs))
    }

    pub(super) fn tenant(&self) -> Result<Tenant> {
        Ok(Tenant::new(
            self.get::<&str>("account")?,
            self.get::<&str>("region")?,
        ))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(self.get(column)?).map_err(|error| self.corrupt(column, error))
    }

    /// A word of a closed set.
    pub(super) fn word<T>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let text = self.get(column)?;
        parse(text).ok_or_else(|| self.corrupt(column, format_args!("unknown word {text:?}")))
    }

    pub(super) fn corrupt(&self, column: &'static str, why: impl Display) -> Error {
        let key = self.row.try_get_unchecked::<String, _>(self.key);
        Error::Corrupt {
            table: self.table,
            key: key.unwrap_or_else(|_| "(unnamed)".to_owned()),
            why: format!("{column}: {why}"),
        }
    }
}

/// An unsigned number as the database stores it.
pub(super) fn stored(what: &'static str, name: &str, value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::Unstorable {
        what,
        name: name.to_owned(),
        why: format!("{value} is beyond {}", i64::MAX),
    })
}

pub(super) fn to_json<T: Serialize + ?Sized>(
    what: &'static str,
    name: &str,
    value: &T,
) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unstorable {
        what,
        name: name.to_owned(),
        why: error.to_string(),
    })
}
