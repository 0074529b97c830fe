//! How one attempt at a delivery ended.

/// The status and detail are for the record, the kind decides what happens next
/// (spec notifications.md 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub verdict: Verdict,
    /// The HTTP status or the SMTP reply code, if there was an answer.
    pub status_code: Option<u16>,
    /// The beginning of the answer, or what went wrong.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// Another attempt may help, but not before this many milliseconds.
    Retry {
        not_before_ms: i64,
    },
    /// The receiver, or we, will never take it.
    Permanent,
}

impl Attempt {
    pub fn delivered(status_code: u16, detail: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Delivered,
            status_code: Some(status_code),
            detail: detail.into(),
        }
    }

    pub fn retry(status_code: Option<u16>, detail: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Retry { not_before_ms: 0 },
            status_code,
            detail: detail.into(),
        }
    }

    pub fn permanent(status_code: Option<u16>, detail: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Permanent,
            status_code,
            detail: detail.into(),
        }
    }

    /// The subscription's protocol is known, but nothing is set up to carry it
    /// (spec notifications.md 2.1).
    pub fn no_transport() -> Self {
        Self::permanent(None, "no transport configured")
    }
}
