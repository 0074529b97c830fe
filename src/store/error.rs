//! What can go wrong in the store.

use std::sync::Arc;

use belfry_model::{Classified, StatusClass};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A hard limit on memory or backlog is reached; the caller backs off and retries.
    #[error("{what} is full: {used} of {limit} bytes")]
    Full {
        what: &'static str,
        used: u64,
        limit: u64,
    },
    /// One write that could never fit.
    #[error("{what} of {size} bytes exceeds {limit} bytes")]
    TooLarge {
        what: &'static str,
        size: u64,
        limit: u64,
    },
    /// The operating system failed us.
    #[error("{what} {name}: {source}")]
    Io {
        what: &'static str,
        name: String,
        source: Arc<std::io::Error>,
    },
    /// A write-ahead log that refused appends after an error it could not undo.
    #[error("write-ahead log {name} stopped after an error and needs a restart: {why}")]
    WalStopped { name: String, why: String },
    /// Bytes of a write-ahead log that were acknowledged and do not check out.
    #[error("write-ahead log {file} at offset {offset}: {why}")]
    WalCorrupt {
        file: String,
        offset: u64,
        why: String,
    },
    /// A write-ahead log without records that are in no object. A restart does not bring them
    /// back: whoever runs the server must.
    #[error(
        "write-ahead log {name} is incomplete: {why}. Restore its directory; \
         `belfry serve --accept-lost-records` goes on without them"
    )]
    WalIncomplete { name: String, why: String },
    /// The object store failed.
    #[error("object {key}: {source}")]
    Object {
        key: String,
        source: object_store::Error,
    },
    /// An object that the catalog names and the object store does not have.
    #[error("object {key} is missing")]
    ObjectMissing { key: String },
    /// Bytes of an object that do not check out.
    #[error("object {key} at offset {offset}: {why}")]
    ObjectCorrupt {
        key: String,
        offset: u64,
        why: String,
    },
    /// The caller's input breaks a rule of the store.
    #[error("{0}")]
    Invalid(String),
    /// What the caller named does not exist. `what` is a noun.
    #[error("{what} {name} does not exist")]
    NotFound { what: &'static str, name: String },
    #[error(transparent)]
    Catalog(#[from] belfry_catalog::Error),
    /// An engine beneath (Parquet, Arrow, tantivy) failed.
    #[error("{engine}: {why}")]
    Engine { engine: &'static str, why: String },
    /// The store is shutting down, or a worker of ours died.
    #[error("{what} has stopped")]
    Stopped { what: &'static str },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(what: &'static str, name: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io {
            what,
            name: name.into(),
            source: Arc::new(source),
        }
    }

    /// One failure of a group commit, told to each of its callers.
    pub(crate) fn share(&self) -> Self {
        match self {
            Self::Io { what, name, source } => Self::Io {
                what,
                name: name.clone(),
                source: Arc::clone(source),
            },
            Self::WalStopped { name, why } => Self::WalStopped {
                name: name.clone(),
                why: why.clone(),
            },
            other => Self::Engine {
                engine: "write-ahead log",
                why: other.to_string(),
            },
        }
    }
}

impl Classified for Error {
    fn class(&self) -> StatusClass {
        match self {
            Self::Full { .. } => StatusClass::Throttled,
            Self::TooLarge { .. } | Self::Invalid(_) => StatusClass::Invalid,
            Self::NotFound { .. } => StatusClass::NotFound,
            Self::WalCorrupt { .. }
            | Self::WalIncomplete { .. }
            | Self::ObjectCorrupt { .. }
            | Self::ObjectMissing { .. } => StatusClass::Corrupt,
            Self::Catalog(inner) => inner.class(),
            Self::Io { .. }
            | Self::WalStopped { .. }
            | Self::Object { .. }
            | Self::Engine { .. }
            | Self::Stopped { .. } => StatusClass::Internal,
        }
    }
}
