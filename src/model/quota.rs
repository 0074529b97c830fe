//! Every limit of the API, named once. The source of each is spec wire-protocols.md 9 unless
//! the line says otherwise.

/// PutMetricData's body as received, that is, still compressed. The sizes of other operations
/// are counted after decoding, where percent signs and escapes do not count.
pub const REQUEST_BYTES_MAX: usize = 1_048_576;
/// Ours: what a compressed body may inflate to, and any other body may be.
pub const INFLATED_BYTES_MAX: usize = 10 * 1_048_576;

/// PutMetricAlarm's body, decompressed (spec alarms.md 2).
pub const ALARM_BYTES_MAX: usize = 120 * 1_024;

pub const METRIC_DATUMS_MAX: usize = 1_000;
pub const METRIC_VALUES_MAX: usize = 150;
pub const METRIC_DIMENSIONS_MAX: usize = 30;
pub const METRIC_NAME_CHARS_MAX: usize = 255;
pub const METRIC_NAMESPACE_CHARS_MAX: usize = 255;
pub const DIMENSION_NAME_CHARS_MAX: usize = 255;
pub const DIMENSION_VALUE_CHARS_MAX: usize = 1_024;
/// A datapoint's value lies within plus or minus this: 2^360.
pub const METRIC_VALUE_ABS_MAX: f64 = 2.348_542_582_773_833_4e108;
pub const METRIC_AGE_MS_MAX: i64 = 14 * crate::time::DAY_MS;
pub const METRIC_FUTURE_MS_MAX: i64 = 2 * crate::time::HOUR_MS;

pub const METRIC_DATA_QUERIES_MAX: usize = 500;
pub const METRIC_DATA_DATAPOINTS_MAX: usize = 100_800;
pub const METRIC_STATISTICS_DATAPOINTS_MAX: i64 = 1_440;
pub const LIST_METRICS_PAGE: usize = 500;

pub const LOG_EVENTS_MAX: usize = 10_000;
pub const LOG_BATCH_BYTES_MAX: usize = 1_048_576;
/// Added to each event's UTF-8 bytes when a batch is measured.
pub const LOG_EVENT_OVERHEAD_BYTES: usize = 26;
pub const LOG_BATCH_SPAN_MS_MAX: i64 = crate::time::DAY_MS;
pub const LOG_AGE_MS_MAX: i64 = 14 * crate::time::DAY_MS;
pub const LOG_FUTURE_MS_MAX: i64 = 2 * crate::time::HOUR_MS;
pub const LOG_PAGE_EVENTS_MAX: usize = 10_000;
pub const LOG_PAGE_BYTES_MAX: usize = 1_048_576;

/// Spec logs-semantics.md 1.2.
pub const RETENTION_DAYS: &[u32] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub const ALARM_HISTORY_DAYS: i64 = 30;
pub const TAGS_MAX: usize = 50;
