//! The AWS operations: one file each, in the folder of its service.
//!
//! An operation validates its input, calls a service and returns a typed output; it does not
//! decide anything that another operation might decide too. Its input structure is what the
//! codecs of `belfry-wire` decode, so that Query, JSON and CBOR give the same value.
//!
//! | folder or file | what |
//! |---|---|
//! | `monitoring/` | CloudWatch: metrics, alarms, dashboards, tags |
//! | `logs/` | CloudWatch Logs: groups, streams, events, queries, tags |
//! | `sns/` | topics, subscriptions, publishing, tags |
//! | `sts/` | GetCallerIdentity |
//! | `operation` | what an operation is, and who calls it |
//! | `services` | what operations call |
//! | `failure` | errors of the layers below, as callers see them |
//! | `page_token` | paging tokens |
//! | `pages` | where a listing continues, as operations say it |
//! | `table` | all operations by service and name |

pub mod failure;
pub mod logs;
pub mod monitoring;
pub mod operation;
pub mod page_token;
mod pages;
pub mod services;
pub mod sns;
pub mod sts;
pub mod table;
#[cfg(test)]
mod tests;

pub use operation::{Call, Handler, Operation};
pub use services::{Services, Settings};
