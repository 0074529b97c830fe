//! Numbered points at which a crash test kills the process.
//!
//! `BELFRY_FAILPOINT="wal.after_write:3"` aborts the process, without unwinding or flushing, when
//! the point `wal.after_write` is passed for the third time. Without the variable a point costs
//! one load and one branch.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable that arms a point: `name` or `name:count`.
pub const VARIABLE: &str = "BELFRY_FAILPOINT";

/// Every point, in the order in which a write passes them.
pub const POINTS: &[&str] = &[
    "wal.before_write",
    "wal.after_write",
    "wal.after_sync",
    "wal.after_segment_create",
    "metrics.after_append",
    "metrics.before_object_put",
    "object.after_temp_write",
    "object.after_rename",
    "metrics.before_publish",
    "metrics.after_publish",
    "metrics.after_wal_truncate",
    "metrics.compact_before_publish",
    "metrics.compact_after_publish",
    "logs.after_append",
    "logs.before_object_put",
    "logs.before_publish",
    "logs.after_publish",
    "logs.compact_before_publish",
    "logs.compact_after_publish",
];

#[derive(Debug)]
struct Armed {
    name: String,
    passes_left: AtomicU64,
}

impl Armed {
    fn parse(text: &str) -> Option<Self> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => (name, count.parse().ok()?),
            None => (text, 1),
        };
        (count > 0 && !name.is_empty()).then(|| Self {
            name: name.to_owned(),
            passes_left: AtomicU64::new(count),
        })
    }

    /// Whether this pass is the one to die at.
    fn strikes(&self, name: &str) -> bool {
        name == self.name && self.passes_left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Aborts the process if the environment arms this point and its count is reached.
#[inline]
pub fn hit(name: &str) {
    let armed = ARMED.get_or_init(|| {
        std::env::var(VARIABLE)
            .ok()
            .and_then(|text| Armed::parse(&text))
    });
    if let Some(armed) = armed
        && armed.strikes(name)
    {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_on_the_counted_pass_of_its_own_name_only() {
        let armed = Armed::parse("wal.after_write:2").unwrap();
        assert!(!armed.strikes("wal.after_sync"));
        assert!(!armed.strikes("wal.after_write"));
        assert!(armed.strikes("wal.after_write"));
        assert!(!armed.strikes("wal.after_write"));
    }

    #[test]
    fn refuses_texts_without_a_name_or_count() {
        assert!(Armed::parse("").is_none());
        assert!(Armed::parse("x:0").is_none());
        assert!(Armed::parse("x:y").is_none());
        assert!(Armed::parse("x").unwrap().strikes("x"));
    }
}
