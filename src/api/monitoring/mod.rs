//! CloudWatch: one file for each operation.
//!
//! Beside the operations:
//!
//! | file | what |
//! |---|---|
//! | `limits` | constraints that many operations share |
//! | `dimension`, `tag`, `metric_data_query`, `metric_alarm` | structures that many operations share |
//! | `alarm_kind` | which kinds of alarm a request asks for, and the rules of those not watched yet |
//! | `metric_datum` | a datum of PutMetricData as a tree, and its refusals |
//! | `metric_datum_decode` | requests of PutMetricData straight into columns |
//! | `metric_entity`, `metric_text` | entities beside metrics; what names may consist of |
//! | `dashboard_name` | names of dashboards |

mod alarm_kind;
mod dashboard_name;
mod delete_alarms;
mod delete_dashboards;
mod describe_alarm_history;
mod describe_alarms;
mod describe_alarms_for_metric;
mod dimension;
mod disable_alarm_actions;
mod enable_alarm_actions;
mod get_dashboard;
mod get_metric_data;
mod get_metric_statistics;
mod limits;
mod list_dashboards;
mod list_metrics;
mod list_tags_for_resource;
mod metric_alarm;
mod metric_data_query;
mod metric_datum;
mod metric_datum_decode;
mod metric_entity;
mod metric_text;
mod put_dashboard;
mod put_metric_alarm;
mod put_metric_data;
mod set_alarm_state;
mod tag;
mod tag_resource;
mod untag_resource;

use belfry_model::Classified;
use belfry_wire::{ApiError, Service};

use crate::failure::failure;
use crate::operation::{Handler, Typed};

pub use delete_alarms::DeleteAlarms;
pub use delete_dashboards::DeleteDashboards;
pub use describe_alarm_history::DescribeAlarmHistory;
pub use describe_alarms::DescribeAlarms;
pub use describe_alarms_for_metric::DescribeAlarmsForMetric;
pub use disable_alarm_actions::DisableAlarmActions;
pub use enable_alarm_actions::EnableAlarmActions;
pub use get_dashboard::GetDashboard;
pub use get_metric_data::GetMetricData;
pub use get_metric_statistics::GetMetricStatistics;
pub use list_dashboards::ListDashboards;
pub use list_metrics::ListMetrics;
pub use list_tags_for_resource::ListTagsForResource;
pub use metric_datum::TimeWindow;
pub use put_dashboard::PutDashboard;
pub use put_metric_alarm::PutMetricAlarm;
pub use put_metric_data::{Accepted, PutMetricData, accept};
pub use set_alarm_state::SetAlarmState;
pub use tag_resource::TagResource;
pub use untag_resource::UntagResource;

pub const OPERATIONS: &[&dyn Handler] = &[
    &Typed::<DeleteAlarms>::NEW,
    &Typed::<DeleteDashboards>::NEW,
    &Typed::<DescribeAlarmHistory>::NEW,
    &Typed::<DescribeAlarms>::NEW,
    &Typed::<DescribeAlarmsForMetric>::NEW,
    &Typed::<DisableAlarmActions>::NEW,
    &Typed::<EnableAlarmActions>::NEW,
    &Typed::<GetDashboard>::NEW,
    &Typed::<GetMetricData>::NEW,
    &Typed::<GetMetricStatistics>::NEW,
    &Typed::<ListDashboards>::NEW,
    &Typed::<ListMetrics>::NEW,
    &Typed::<ListTagsForResource>::NEW,
    &Typed::<PutDashboard>::NEW,
    &Typed::<PutMetricAlarm>::NEW,
    &PutMetricData,
    &Typed::<SetAlarmState>::NEW,
    &Typed::<TagResource>::NEW,
    &Typed::<UntagResource>::NEW,
];

/// What is left of an error that the operation did not expect.
fn fail<E: Classified>(error: E) -> ApiError {
    failure(Service::Monitoring, error)
}

#[cfg(test)]
mod tests;
