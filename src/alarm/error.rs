//! What can go wrong when alarms are changed or evaluated.

use belfry_model::{Classified, StatusClass};

use crate::definition::DefinitionError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("alarm {name} does not exist")]
    NoSuchAlarm { name: String },
    /// StateReasonData that is no JSON (`InvalidFormat`, spec alarms.md 7).
    #[error("state reason data is not JSON: {why}")]
    ReasonDataNotJson { why: String },
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Others kept changing the alarm; the caller may retry.
    #[error("alarm {name} is being changed by others")]
    Contended { name: String },
    #[error("a notification cannot be written as JSON: {0}")]
    Notification(#[from] serde_json::Error),
    #[error(transparent)]
    Catalog(#[from] belfry_catalog::Error),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Classified for Error {
    fn class(&self) -> StatusClass {
        match self {
            Self::NoSuchAlarm { .. } => StatusClass::NotFound,
            Self::ReasonDataNotJson { .. } | Self::Definition(_) => StatusClass::Invalid,
            Self::Contended { .. } => StatusClass::Throttled,
            Self::Notification(_) => StatusClass::Internal,
            Self::Catalog(error) => error.class(),
        }
    }
}
