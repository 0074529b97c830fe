//! What a check of a catalog finds: `belfry check` prints it.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Faults kept one by one; the rest is counted. A broken disk page can spoil every row.
pub const FAULTS_MAX: usize = 1_000;

/// A row, or a table, that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub table: String,
    /// The row's name; empty when the fault is not one row's.
    pub key: String,
    pub why: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, why } = self;
        if key.is_empty() {
            write!(f, "catalog table {table}: {why}")
        } else {
            write!(f, "catalog table {table}, row {key}: {why}")
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Rows read, by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// The first [`FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub faults_omitted: u64,
}

impl CheckReport {
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.faults_omitted = self.faults_omitted.saturating_add(1);
        }
    }
}

/// Not part of [`Catalog`](crate::Catalog): no node checks its catalog while it works.
#[async_trait]
pub trait CheckCatalog: Send + Sync {
    /// Reads every row as the program reads it, compares what is stored twice, and runs the
    /// engine's own checks. Changes nothing.
    ///
    /// # Errors
    /// Only if the catalog cannot be asked at all; what is wrong in it is in the report.
    async fn check(&self) -> Result<CheckReport>;
}
