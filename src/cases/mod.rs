//! Runs cases: JSON Lines that say what the server must answer, through the server's own code.
//!
//! `belfry test FILE...` uses this, so that users can keep cases of their own (filter patterns,
//! queries, alarms) and run them in CI. The formats are described in `docs/cases.md`; a case's
//! kind follows from its members.
//!
//! | file | kind | recognised by |
//! |---|---|---|
//! | `metric_statistics` | one bucket of samples, one statistic | `samples` |
//! | `metric_math` | series and an expression | `series` |
//! | `filter_patterns` | a pattern, messages that match it or not | `messages` |
//! | `insights` | log events and a query | `query` |
//! | `alarm_evaluation` | datapoints and an alarm | `alarm` |

mod alarm_evaluation;
mod filter_patterns;
mod insights;
mod metric_math;
mod metric_statistics;

use serde_json::Value;

/// How a case went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// What was expected and what came, for people.
    Failed(String),
    /// What the case needs that this server does not do yet.
    Unsupported(String),
}

/// Runs one case, given as a line of a file.
pub async fn run(line: &str) -> (String, Outcome) {
    let case: Value = match serde_json::from_str(line) {
        Ok(case) => case,
        Err(error) => {
            return (
                "(unreadable)".to_owned(),
                Outcome::Failed(format!("not JSON: {error}")),
            );
        }
    };
    let name = case["name"].as_str().unwrap_or("(unnamed)").to_owned();
    let has = |member: &str| case.get(member).is_some();
    let outcome = if has("samples") {
        metric_statistics::run(&case)
    } else if has("series") {
        metric_math::run(&case)
    } else if has("messages") {
        filter_patterns::run(&case)
    } else if has("query") {
        insights::run(&case).await
    } else if has("alarm") {
        alarm_evaluation::run(line)
    } else if has("rule") {
        Outcome::Unsupported("composite alarms".to_owned())
    } else if has("transformation") {
        Outcome::Unsupported("metric filters".to_owned())
    } else if has("event") {
        Outcome::Unsupported("the embedded metric format".to_owned())
    } else {
        Outcome::Failed("a case of no known kind".to_owned())
    };
    (name, outcome)
}

/// Numbers agree when they differ by at most a billionth (of themselves, beyond 1).
fn numbers_agree(got: f64, want: f64) -> bool {
    (got - want).abs() <= 1e-9 * want.abs().max(1.0)
}

fn compare<T: PartialEq + std::fmt::Debug>(got: &T, want: &T) -> Outcome {
    if got == want {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("- expected {want:?}\n+ got      {got:?}"))
    }
}
