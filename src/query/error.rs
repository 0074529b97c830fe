//! What can go wrong in this package.

use belfry_model::{Classified, StatusClass};

use crate::metric_math::error::MathError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's query or parameters are wrong.
    #[error("{0}")]
    Invalid(String),
    /// Understood, but this server does not run it yet.
    #[error("{0}")]
    Unsupported(String),
    #[error("the query {0} does not exist")]
    UnknownQuery(String),
    #[error("{running} queries are running, no more than {max} may")]
    TooManyQueries { running: usize, max: usize },
    #[error("cancelled")]
    Cancelled,
    #[error("the query ran longer than {0} minutes")]
    Timeout(u64),
    #[error("the query needs more memory than it may use: {0}")]
    OutOfMemory(String),
    /// The same call can succeed a moment later.
    #[error("running queries and their answers hold too much memory at this moment: {0}")]
    Busy(String),
    /// Text of AWS (spec metrics.md 8): InvalidParameterCombination.
    #[error(
        "You have requested up to {requested} datapoints, which exceeds the limit of {max}. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
    )]
    TooManyDatapoints { requested: i64, max: i64 },
    #[error("Error in expression '{id}': {error}")]
    Math { id: String, error: MathError },
    #[error(transparent)]
    Store(#[from] belfry_store::Error),
    #[error(transparent)]
    Catalog(#[from] belfry_catalog::Error),
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Classified for Error {
    fn class(&self) -> StatusClass {
        match self {
            Self::Invalid(_) | Self::TooManyDatapoints { .. } => StatusClass::Invalid,
            Self::Unsupported(_) => StatusClass::Unsupported,
            Self::UnknownQuery(_) => StatusClass::NotFound,
            Self::TooManyQueries { .. } | Self::OutOfMemory(_) => StatusClass::LimitExceeded,
            Self::Busy(_) => StatusClass::Throttled,
            Self::Math { error, .. } => error.class(),
            Self::Store(error) => error.class(),
            Self::Catalog(error) => error.class(),
            Self::Cancelled | Self::Timeout(_) | Self::Internal(_) => StatusClass::Internal,
        }
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    /// Errors of ours come back as they went in.
    fn from(error: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as Df;
        match error {
            Df::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => Self::Internal(other.to_string()),
            },
            Df::ArrowError(inner, _) => match *inner {
                arrow::error::ArrowError::ExternalError(inner) => match inner.downcast::<Self>() {
                    Ok(ours) => *ours,
                    Err(other) => Self::Internal(other.to_string()),
                },
                other => Self::Internal(other.to_string()),
            },
            Df::Context(_, inner) => Self::from(*inner),
            Df::ResourcesExhausted(text) => Self::OutOfMemory(text),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<Error> for datafusion::error::DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}
