//! Reading metrics: GetMetricData, GetMetricStatistics, and the datapoints of alarms.
//!
//! | file | what |
//! |---|---|
//! | `period` | which periods exist, where buckets start, what is too old for a period |
//! | `metric_data` | GetMetricData: queries, reads shared among them, results |
//! | `metric_statistics` | GetMetricStatistics |
//! | `datapoints` | one value per period of a range, for alarms |
//! | `reads` | reads of one call, each made once |
//! | `default_label` | the label of a query that has none |
//! | `dynamic_label` | `${AVG}` and its kin in labels |
//! | `page` | results in pages of so many datapoints |

pub mod datapoints;
mod default_label;
mod dynamic_label;
pub mod metric_data;
pub mod metric_statistics;
mod page;
pub mod period;
mod reads;
#[cfg(test)]
mod tests;

pub use datapoints::{Datapoint, DatapointRead, datapoints, datapoints_of};
pub use metric_data::{
    MetricDataQuery, MetricDataRequest, MetricDataResponse, MetricDataResult, MetricStat,
    QueryDefinition, ResultMessage, ResultStatus, ScanBy, get_metric_data,
};
pub use metric_statistics::{MetricStatisticsRequest, StatisticsDatapoint, get_metric_statistics};
pub use page::DatapointCursor;
