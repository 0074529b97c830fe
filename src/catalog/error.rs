//! What can go wrong in the catalog.

use belfry_model::{Classified, StatusClass};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The thing named does not exist. `what` is a noun: "log group".
    #[error("{what} {name} does not exist")]
    NotFound { what: &'static str, name: String },
    /// The thing to be created exists.
    #[error("{what} {name} already exists")]
    AlreadyExists { what: &'static str, name: String },
    /// Somebody else changed it first: read again, then retry.
    #[error("{what} {name} was changed meanwhile")]
    Conflict { what: &'static str, name: String },
    /// One more would be too many. `of` is what it is limited for.
    #[error("{of} has {limit} {what} already")]
    LimitExceeded {
        what: &'static str,
        of: &'static str,
        limit: u64,
    },
    /// A row holds what this version cannot read.
    #[error("catalog row {table} {key} is unreadable: {why}")]
    Corrupt {
        table: &'static str,
        key: String,
        why: String,
    },
    /// A continuation that this catalog did not hand out.
    #[error("continuation {cursor:?} is not one of this listing")]
    InvalidCursor { cursor: String },
    /// A value that could be written but not read back as it was: not a number, or beyond
    /// the range of a column.
    #[error("{what} {name} cannot be stored: {why}")]
    Unstorable {
        what: &'static str,
        name: String,
        why: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "catalog has format version {found}, newer than {known}, the newest this program knows"
    )]
    NewerFormat { found: i64, known: i64 },
    /// The database was written by an older version and is to be read as it is.
    #[error(
        "catalog has format version {found}, older than {known}: a server of this version brings it \
         up to date when it starts"
    )]
    OlderFormat { found: i64, known: i64 },
    #[error("catalog: {0}")]
    Database(#[from] sqlx::Error),
    #[error("catalog migration: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Classified for Error {
    fn class(&self) -> StatusClass {
        match self {
            Self::NotFound { .. } => StatusClass::NotFound,
            Self::AlreadyExists { .. } | Self::Conflict { .. } => StatusClass::Conflict,
            Self::LimitExceeded { .. } => StatusClass::LimitExceeded,
            Self::Corrupt { .. } => StatusClass::Corrupt,
            Self::InvalidCursor { .. } | Self::Unstorable { .. } => StatusClass::Invalid,
            Self::NewerFormat { .. } | Self::OlderFormat { .. } => StatusClass::Unsupported,
            Self::Database(_) | Self::Migration(_) => StatusClass::Internal,
        }
    }
}
