//! The words every other package of Belfry speaks: tenants, time, metrics,
//! statistics, alarms, ARNs, quotas and the classification of errors.
//!
//! Nothing here does I/O. The one door to the time of day is [`clock::Clock`].
//!
//! | file | what |
//! |---|---|
//! | `tenant` | account and region: the key of everything |
//! | `time` | [`TimestampMs`] and its text forms |
//! | `clock` | [`Clock`], the system clock and the clock tests drive |
//! | `metric` | namespace, name and dimensions: the identity of a metric |
//! | `unit` | the 27 units |
//! | `distribution` | [`StatisticSet`]: what one datapoint is, and how datapoints add |
//! | `statistic` | `Average`, `p99`, `TM(10%:90%)`: parsing and computing |
//! | `alarm` | definitions and states of alarms |
//! | `arn` | building and taking apart ARNs |
//! | `error` | [`Classified`]: how an error looks from outside |
//! | `quota` | every limit, named once, with its source |

pub mod alarm;
pub mod arn;
pub mod clock;
pub mod distribution;
pub mod error;
pub mod metric;
pub mod quota;
pub mod statistic;
pub mod tenant;
pub mod time;
pub mod unit;

pub use clock::{Clock, ManualClock, SystemClock};
pub use distribution::StatisticSet;
pub use error::{Classified, StatusClass};
pub use metric::{Dimension, MetricId};
pub use statistic::Statistic;
pub use tenant::Tenant;
pub use time::TimestampMs;
pub use unit::Unit;
