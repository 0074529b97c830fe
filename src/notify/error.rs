//! What can go wrong with topics and messages, in AWS's words.

use belfry_model::{Classified, StatusClass};

/// The text of each is what the caller reads: AWS's own where one is recorded
/// (spec notifications.md 1.5, 2.2, 2.3, 5.1, 5.4, 5.6).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Holds what follows `Invalid parameter: `.
    #[error("Invalid parameter: {0}")]
    InvalidParameter(String),
    /// Code `InvalidParameter` too, where AWS writes no prefix.
    #[error("{0}")]
    InvalidParameterBare(String),
    /// Message attributes.
    #[error("{0}")]
    ParameterValueInvalid(String),
    #[error("{0}")]
    ValidationError(String),
    #[error("Topic does not exist")]
    TopicNotFound,
    #[error("Subscription does not exist")]
    SubscriptionNotFound,
    /// Tag operations.
    #[error("Resource does not exist")]
    ResourceNotFound,
    #[error("{0}")]
    AuthorizationError(String),
    #[error("Could not complete request: tag quota of per resource exceeded")]
    TagLimitExceeded,
    #[error("Subscription limit exceeded for this topic")]
    SubscriptionLimitExceeded,
    /// Holds what the limit is for.
    #[error("Filter policy limit exceeded for this {0}")]
    FilterPolicyLimitExceeded(&'static str),
    #[error("The batch request contains more entries than permissible.")]
    TooManyEntriesInBatchRequest,
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatchRequest,
    #[error("Two or more batch entries in the request have the same Id.")]
    BatchEntryIdsNotDistinct,
    #[error("The length of all the messages put together is more than the limit.")]
    BatchRequestTooLong,
    #[error("{0}")]
    InvalidBatchEntryId(String),
    #[error("{0}")]
    Catalog(#[source] belfry_catalog::Error),
    /// Our own failure: keys, serialisation.
    #[error("{0}")]
    Internal(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::InvalidParameter(text.into())
    }

    /// The wire code (spec notifications.md 15).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidParameter(_) | Self::InvalidParameterBare(_) => "InvalidParameter",
            Self::ParameterValueInvalid(_) => "ParameterValueInvalid",
            Self::ValidationError(_) => "ValidationError",
            Self::TopicNotFound | Self::SubscriptionNotFound => "NotFound",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::AuthorizationError(_) => "AuthorizationError",
            Self::TagLimitExceeded => "TagLimitExceeded",
            Self::SubscriptionLimitExceeded => "SubscriptionLimitExceeded",
            Self::FilterPolicyLimitExceeded(_) => "FilterPolicyLimitExceeded",
            Self::TooManyEntriesInBatchRequest => "TooManyEntriesInBatchRequest",
            Self::EmptyBatchRequest => "EmptyBatchRequest",
            Self::BatchEntryIdsNotDistinct => "BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "BatchRequestTooLong",
            Self::InvalidBatchEntryId(_) => "InvalidBatchEntryId",
            Self::Catalog(_) | Self::Internal(_) => "InternalError",
        }
    }

    /// Whether the fault is the caller's (`SenderFault` of batch entries).
    pub const fn is_sender_fault(&self) -> bool {
        !matches!(self, Self::Catalog(_) | Self::Internal(_))
    }
}

impl Classified for Error {
    fn class(&self) -> StatusClass {
        match self {
            Self::TopicNotFound | Self::SubscriptionNotFound | Self::ResourceNotFound => {
                StatusClass::NotFound
            }
            Self::TagLimitExceeded
            | Self::SubscriptionLimitExceeded
            | Self::FilterPolicyLimitExceeded(_) => StatusClass::LimitExceeded,
            Self::Catalog(error) => error.class(),
            Self::Internal(_) => StatusClass::Internal,
            _ => StatusClass::Invalid,
        }
    }
}

impl From<belfry_catalog::Error> for Error {
    fn from(error: belfry_catalog::Error) -> Self {
        match error {
            // The only limit that the catalog keeps for topics.
            belfry_catalog::Error::LimitExceeded { of, .. } => Self::FilterPolicyLimitExceeded(of),
            error => Self::Catalog(error),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(format!("payload: {error}"))
    }
}
