//! Alarms: the pure decision, and what turns it into states, history and notifications.
//!
//! The core is a pure function of definition, datapoints, previous state and time: it gives a
//! verdict, the exact reason texts of CloudWatch, and an explanation. Rules and texts follow
//! `alarms.md` of the specification; section numbers are cited where they apply.
//!
//! | file | what |
//! |---|---|
//! | `range` | when an alarm is evaluated, on which slots |
//! | `verdict` | the state decision: M of N, missing data, premature alarms |
//! | `low_samples` | percentiles with too few samples |
//! | `evaluate` | one evaluation: change of state with reason, and its explanation |
//! | `reason` | StateReason |
//! | `reason_data` | StateReasonData |
//! | `number` | numbers as a Java double prints |
//! | `statistic_text` | how documents write the plain statistics |
//! | `document` | what an action publishes: JSON document, subject, texts by protocol |
//! | `email` | the mail text |
//! | `regions` | display names of regions |
//! | `definition` | what a definition has to be |
//! | `actions` | action ARNs: kinds and validation |
//! | `history` | the items of an alarm's history |
//! | `source` | the door to the metrics |
//! | `store_source` | the metrics store behind it |
//! | `transition` | a change of state with its history and outbox rows |
//! | `schedule` | every alarm with its next turn |
//! | `lease` | which alarms this node evaluates |
//! | `runner` | evaluates alarms in their turns |
//! | `service` | creating, changing, deleting alarms |
//! | `changes` | tells the runner what the service changed |
//! | `error` | what can go wrong |
//! | `cases` | runs golden cases of alarm evaluation |

pub mod actions;
pub mod cases;
pub mod changes;
pub mod definition;
pub mod document;
pub mod email;
pub mod error;
pub mod evaluate;
pub mod history;
pub mod lease;
pub mod low_samples;
pub mod number;
pub mod range;
pub mod reason;
pub mod reason_data;
pub mod regions;
pub mod runner;
pub mod schedule;
pub mod service;
pub mod source;
pub mod statistic_text;
pub mod store_source;
pub mod transition;
pub mod verdict;

#[cfg(test)]
mod random_lives;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod scenarios;

pub use changes::AlarmChanges;
pub use error::{Error, Result};
pub use evaluate::{Change, Explanation, evaluate, explain};
pub use runner::{AlarmRunner, RunReport, RunnerConfig};
pub use schedule::OffsetRule;
pub use service::AlarmService;
pub use source::DatapointSource;
pub use store_source::StoreSource;
pub use transition::ActionSettings;
