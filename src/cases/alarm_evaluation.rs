//! An alarm, datapoints, and the state that follows (spec alarms.md 3-6, 8).

use belfry_alarm::cases;

use super::Outcome;

pub fn run(line: &str) -> Outcome {
    match cases::run(line) {
        cases::Outcome::Passed => Outcome::Passed,
        cases::Outcome::Failed(difference) => Outcome::Failed(difference),
        cases::Outcome::Unsupported(what) => Outcome::Unsupported(what),
    }
}
