//! The catalog: the only mutable truth of a Belfry installation.
//!
//! Objects (metrics blocks, log segments) are immutable; which of them count, and all
//! configuration (log groups, alarms, dashboards, topics, tags, leases, the outbox), is rows
//! here. Every method is one transaction: it happened durably, or not at all. Nothing above
//! this package writes SQL; SQLite is the first engine behind the [`Catalog`] trait.
//!
//! | file | what |
//! |---|---|
//! | `objects` | which blocks and segments are live; publish and checkpoint in one transaction |
//! | `log_groups` | log groups, log streams, retention |
//! | `alarms` | alarm definitions, states, history |
//! | `dashboards` | dashboard bodies |
//! | `topics` | topics, subscriptions, confirmation tokens |
//! | `tags` | tags by ARN, for every kind of resource |
//! | `queries` | Logs Insights queries: status, statistics, results |
//! | `leases` | who owns a piece of periodic work, with epochs |
//! | `outbox` | notifications to be delivered, at least once |
//! | `check` | what `belfry check` reports of a catalog |
//! | `contract/` | what every engine must do, as tests |
//! | `sqlite/` | the engine of the single binary, one file for each of the above |

pub mod alarms;
pub mod check;
#[cfg(test)]
mod contract;
pub mod dashboards;
pub mod error;
pub mod leases;
pub mod log_groups;
pub mod objects;
pub mod outbox;
pub mod queries;
pub mod sqlite;
pub mod tags;
pub mod topics;

pub use alarms::AlarmCatalog;
pub use check::{CheckCatalog, CheckReport};
pub use dashboards::DashboardCatalog;
pub use error::{Error, Result};
pub use leases::LeaseCatalog;
pub use log_groups::LogGroupCatalog;
pub use objects::ObjectCatalog;
pub use outbox::OutboxCatalog;
pub use queries::QueryCatalog;
pub use sqlite::SqliteCatalog;
pub use tags::TagCatalog;
pub use topics::TopicCatalog;

/// What the store of logs asks of its catalog.
pub trait LogsCatalog: ObjectCatalog + LogGroupCatalog {}

impl<T> LogsCatalog for T where T: ObjectCatalog + LogGroupCatalog {}

/// Everything a node asks of its catalog.
pub trait Catalog:
    LogsCatalog
    + AlarmCatalog
    + DashboardCatalog
    + TopicCatalog
    + TagCatalog
    + QueryCatalog
    + LeaseCatalog
    + OutboxCatalog
{
}

impl<T> Catalog for T where
    T: LogsCatalog
        + AlarmCatalog
        + DashboardCatalog
        + TopicCatalog
        + TagCatalog
        + QueryCatalog
        + LeaseCatalog
        + OutboxCatalog
{
}

/// A page of a listing ordered by a text key, and where the next one starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The key of the last item here when more follow: pass it as `after`.
    pub next_after: Option<String>,
}

impl<T> Page<T> {
    /// The same page of what each item becomes.
    pub fn map<U>(self, with: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(with).collect(),
            next_after: self.next_after,
        }
    }
}
