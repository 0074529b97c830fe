//! What validation finds.

use std::fmt::Write as _;

/// More errors than this are counted, not listed (spec dashboards.md 10); likewise warnings.
const LISTED_MAX: usize = 100;

/// Something wrong or doubtful, and where: a JSON pointer, empty for the body itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub message: String,
}

/// An alarm that a widget shows. Whether it exists is for the caller to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmReference {
    pub path: String,
    pub arn: String,
}

/// Everything there is to say about a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The first errors in the order of the body. Empty: the body is valid.
    pub errors: Vec<Finding>,
    /// How many errors there are in truth.
    pub error_count: usize,
    pub warnings: Vec<Finding>,
    pub alarms: Vec<AlarmReference>,
    pub(super) metric_count: usize,
}

impl Report {
    pub(super) fn error(&mut self, path: &str, message: impl Into<String>) {
        self.error_count += 1;
        if self.errors.len() < LISTED_MAX {
            self.errors.push(finding(path, message));
        }
    }

    /// Adds a warning, unless there are many already.
    pub fn warn(&mut self, path: &str, message: impl Into<String>) {
        if self.warnings.len() < LISTED_MAX {
            self.warnings.push(finding(path, message));
        }
    }

    pub(super) fn alarm(&mut self, path: &str, arn: &str) {
        self.alarms.push(AlarmReference {
            path: path.to_owned(),
            arn: arn.to_owned(),
        });
    }

    /// The text of a refusal, exactly as the service writes it (spec dashboards.md 10): "errors"
    /// even for one, JSON with two spaces.
    pub fn refusal(&self) -> String {
        let count = self.error_count;
        let mut text =
            format!("The dashboard body is invalid, there are {count} validation errors:\n[");
        for (index, finding) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            // Strings are always written, and writing into a string does not fail.
            let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
            let _ = write!(
                text,
                "{separator}\n  {{\n    \"dataPath\": {},\n    \"message\": {}\n  }}",
                quoted(&finding.path),
                quoted(&finding.message)
            );
        }
        text.push_str("\n]");
        text
    }
}

fn finding(path: &str, message: impl Into<String>) -> Finding {
    Finding {
        path: path.to_owned(),
        message: message.into(),
    }
}
