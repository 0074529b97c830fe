//! Every number without labels that Belfry tells of itself: its names, unit and meaning.

use belfry_model::Unit;

/// Whether a number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
}

/// One number.
#[derive(Debug)]
pub struct Declared {
    pub own: Own,
    pub kind: Kind,
    /// Its name at `GET /metrics`, without `belfry_` and, of counters, `_total`. `None` for what
    /// is there with labels.
    pub exposed: Option<&'static str>,
    /// Its name in the namespace `Belfry`; of counters, what was added in a minute.
    pub metric: &'static str,
    pub unit: Unit,
    pub help: &'static str,
}

macro_rules! declare {
    ($($own:ident, $kind:ident, $exposed:expr, $unit:ident, $help:literal;)*) => {
        /// The numbers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Own {
            $($own,)*
        }

        /// Each at the place that its [`Own`] has as a number.
        pub const DECLARED: &[Declared] = &[$(Declared {
            own: Own::$own,
            kind: Kind::$kind,
            exposed: $exposed,
            metric: stringify!($own),
            unit: Unit::$unit,
            help: $help,
        },)*];
    };
}

declare! {
    Requests, Counter, None, Count, "Requests answered";
    FailedRequests, Counter, None, Count, "Requests answered with a 5xx status";
    ThrottledRequests, Counter, Some("server_throttled"), Count,
        "Requests refused because there was no room for their bodies";
    ReceivedBytes, Counter, Some("server_received_bytes"), Bytes,
        "Bytes of request bodies, as received";
    BodyBytesHeld, Gauge, Some("server_body_bytes_held"), Bytes,
        "Bytes reserved for request bodies that are being worked on";
    MetricsWalBytes, Gauge, Some("metrics_wal_bytes"), Bytes,
        "Size of the write-ahead log of metrics";
    MetricsHeadBytes, Gauge, Some("metrics_head_bytes"), Bytes,
        "Memory held by metrics that are not in blocks yet";
    MetricsHeadSeries, Gauge, Some("metrics_head_series"), Count,
        "Series that have samples in the head";
    MetricsHeadSamples, Gauge, Some("metrics_head_samples"), Count,
        "Samples that are not in blocks yet";
    MetricsBlocks, Gauge, Some("metrics_blocks"), Count, "Blocks of metrics";
    MetricsBlockBytes, Gauge, Some("metrics_block_bytes"), Bytes, "Size of all blocks of metrics";
    LogsWalBytes, Gauge, Some("logs_wal_bytes"), Bytes, "Size of the write-ahead log of logs";
    LogsHeadBytes, Gauge, Some("logs_head_bytes"), Bytes,
        "Memory held by log events that are not in segments yet";
    LogsSegments, Gauge, Some("logs_segments"), Count, "Segments of log events";
    LogsSegmentBytes, Gauge, Some("logs_segment_bytes"), Bytes, "Size of all segments";
    QueriesRunning, Gauge, Some("queries_running"), Count,
        "Logs Insights queries that wait or run";
    QueriesFinished, Counter, Some("queries_finished"), Count,
        "Logs Insights queries that ended with a result";
    QueriesFailed, Counter, Some("queries_failed"), Count,
        "Logs Insights queries that failed or took too long";
    AlarmEvaluations, Counter, Some("alarms_evaluations"), Count, "Alarms judged";
    AlarmTransitions, Counter, Some("alarms_transitions"), Count,
        "States of alarms changed by an evaluation";
    AlarmFailures, Counter, Some("alarms_failures"), Count,
        "Evaluations whose datapoints could not be read, or whose change could not be written";
    OutboxRows, Gauge, Some("outbox_rows"), Count,
        "Messages and deliveries that wait or are under way";
    Delivered, Counter, Some("deliveries_delivered"), Count, "Deliveries made";
    DeliveriesRetried, Counter, Some("deliveries_retried"), Count,
        "Attempts at deliveries that failed and are made again";
    DeliveriesFailed, Counter, Some("deliveries_failed"), Count,
        "Deliveries given up for good";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_in_its_place() {
        for (place, declared) in DECLARED.iter().enumerate() {
            assert_eq!(declared.own as usize, place);
        }
    }

    #[test]
    fn the_operations_page_names_them_all() {
        let page = include_str!("../../../docs/operations.md");
        for declared in DECLARED {
            let total = match declared.kind {
                Kind::Counter => "_total",
                Kind::Gauge => "",
            };
            let name = declared
                .exposed
                .map_or_else(|| "—".to_owned(), |name| format!("`belfry_{name}{total}`"));
            let row = format!("| {name} | `{}` | {} |", declared.metric, declared.help);
            assert!(page.contains(&row), "{row}");
        }
    }
}
