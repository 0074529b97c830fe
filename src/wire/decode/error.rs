//! [`DecodeError`]: why a body is not the input its operation takes.

use std::fmt;

use serde::de;

/// What is wrong, and with which member. Shown to the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct DecodeError {
    message: String,
    /// Innermost segment first.
    path: Vec<String>,
}

/// A deeper path than this adds nothing for a reader.
const PATH_SEGMENTS_MAX: usize = 16;

impl DecodeError {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            path: Vec::new(),
        }
    }

    /// Says that the error arose inside of the member `segment`.
    #[must_use]
    pub(crate) fn within(mut self, segment: &str) -> Self {
        if self.path.len() < PATH_SEGMENTS_MAX {
            self.path.push(segment.to_owned());
        }
        self
    }

    /// Says that the error arose inside of the list element at `index`, counted from 0.
    #[must_use]
    pub(crate) fn within_element(self, index: usize) -> Self {
        self.within(&index.saturating_add(1).to_string())
    }

    /// The member at fault, such as `MetricData.1.Value`; empty for the body as a whole.
    pub fn member(&self) -> String {
        let segments: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        segments.join(".")
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.member(), self.message)
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
