//! How an error looks from outside, decided where it arises.

/// The kind of answer an error deserves. `api` picks the AWS code, `wire` renders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusClass {
    /// The caller's input is wrong; a retry cannot help.
    Invalid,
    /// What the caller named does not exist.
    NotFound,
    /// What the caller wants to create exists, or changed meanwhile.
    Conflict,
    /// A limit of the caller's plan: more of the same will not fit.
    LimitExceeded,
    /// Too much at this moment: the caller should back off and retry.
    Throttled,
    /// Understood, but not offered by this server.
    Unsupported,
    /// Stored bytes do not check out.
    Corrupt,
    /// The world failed: disk, network, a bug of ours.
    Internal,
}

impl StatusClass {
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Internal)
    }
}

/// Implemented by every package's error enum.
pub trait Classified: std::error::Error {
    fn class(&self) -> StatusClass;
}
