//! What a reader may ask of the logs: which rows, which columns, and what may be skipped.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use belfry_catalog::log_groups::{LogGroup, LogGroupId, LogStreamId};
use belfry_model::TimestampMs;
use belfry_model::time::DAY_MS;

use super::event::EventKey;
use super::prefilter::Prefilter;

/// A log group as a read sees it: the caller resolved its name and rights in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupScope {
    pub id: LogGroupId,
    /// `account-id:log-group-name`, the value of `@log`.
    pub log: Arc<str>,
    /// Older events are hidden: by the retention now, or by a shorter one before.
    pub visible_from: TimestampMs,
}

impl GroupScope {
    pub fn new(group: &LogGroup, now: TimestampMs) -> Self {
        let by_retention = group.retention_days.map_or(TimestampMs::MIN, |days| {
            now.saturating_sub_ms(i64::from(days).saturating_mul(DAY_MS))
        });
        Self {
            id: group.id,
            log: Arc::from(format!("{}:{}", group.tenant.account, group.name)),
            visible_from: by_retention.max(group.hidden_before.unwrap_or(TimestampMs::MIN)),
        }
    }
}

/// Which way through time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Ascending,
    Descending,
}

/// A column a scan can deliver.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldRef {
    /// `@timestamp`: `Int64`, milliseconds.
    Timestamp,
    /// `@ingestionTime`: `Int64`, milliseconds.
    IngestionTime,
    /// `@message`: `Utf8View`, rebuilt only when asked for.
    Message,
    /// `@message#text`: the message where it is not one JSON object, else null: `Utf8View`. Costs
    /// nothing for JSON messages, which are not rebuilt.
    TextMessage,
    /// `@logStream`: `Utf8View`, the stream's name.
    LogStream,
    /// `@log`: `Utf8View`, `account-id:log-group-name`.
    Log,
    /// `@ptr`: `Utf8View`, the text of an [`super::EventPtr`].
    Ptr,
    /// `@group`: `UInt64`, the number of the log group.
    GroupId,
    /// `@stream`: `UInt64`, the number of the log stream.
    StreamId,
    /// `@seq`: `UInt64`; with `@timestamp` and `@index` the [`EventKey`].
    Seq,
    /// `@index`: `UInt32`.
    Index,
    /// A discovered field by its dotted path (spec logs-insights.md 5.2), as text: `Utf8View`.
    /// Strings unescaped; numbers as written in the event; `true` and `false`; objects and arrays
    /// as compact JSON; null where the field is missing or JSON null.
    /// Column name: the path.
    Json(Arc<str>),
    /// The same field as a number: `Float64`; booleans are 1 and 0; null where the value is
    /// missing, or a text that is not entirely a number. Column name: `path#number`.
    JsonNumber(Arc<str>),
    /// What the value is: `UInt8`, a [`ValueKind`]. Column name: `path#kind`.
    JsonKind(Arc<str>),
}

/// What a discovered field holds in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ValueKind {
    /// Absent, or JSON null.
    Missing = 0,
    String = 1,
    Number = 2,
    Boolean = 3,
    /// An object or an array.
    Structure = 4,
}

impl FieldRef {
    pub fn json(path: impl Into<Arc<str>>) -> Self {
        Self::Json(path.into())
    }

    /// The name of the column in a batch.
    pub fn column_name(&self) -> String {
        match self {
            Self::Timestamp => "@timestamp".to_owned(),
            Self::IngestionTime => "@ingestionTime".to_owned(),
            Self::Message => "@message".to_owned(),
            Self::TextMessage => "@message#text".to_owned(),
            Self::LogStream => "@logStream".to_owned(),
            Self::Log => "@log".to_owned(),
            Self::Ptr => "@ptr".to_owned(),
            Self::GroupId => "@group".to_owned(),
            Self::StreamId => "@stream".to_owned(),
            Self::Seq => "@seq".to_owned(),
            Self::Index => "@index".to_owned(),
            Self::Json(path) => path.to_string(),
            Self::JsonNumber(path) => format!("{path}#number"),
            Self::JsonKind(path) => format!("{path}#kind"),
        }
    }

    pub fn data_type(&self) -> DataType {
        match self {
            Self::Timestamp | Self::IngestionTime => DataType::Int64,
            Self::Message
            | Self::TextMessage
            | Self::Ptr
            | Self::LogStream
            | Self::Log
            | Self::Json(_) => DataType::Utf8View,
            Self::GroupId | Self::StreamId | Self::Seq => DataType::UInt64,
            Self::Index => DataType::UInt32,
            Self::JsonNumber(_) => DataType::Float64,
            Self::JsonKind(_) => DataType::UInt8,
        }
    }

    pub fn is_nullable(&self) -> bool {
        matches!(
            self,
            Self::TextMessage | Self::Json(_) | Self::JsonNumber(_)
        )
    }
}

/// One read of the logs.
///
/// Rows come back restricted by group, live stream, time and what retention hides exactly, and
/// by `prefilter` approximately: every row that satisfies it, and possibly others.
#[derive(Clone, Debug)]
pub struct LogScan {
    pub groups: Vec<GroupScope>,
    /// Only these streams; `None` for all.
    pub streams: Option<BTreeSet<LogStreamId>>,
    /// First and last millisecond, both inclusive.
    pub start: TimestampMs,
    pub end: TimestampMs,
    /// The columns of the batches, in this order.
    pub columns: Vec<FieldRef>,
    pub prefilter: Prefilter,
    /// Order of the parts, and of the rows in a part, as far as possible: a part holds rows of
    /// one group after the other, each in the order of [`EventKey`].
    pub direction: Direction,
    /// The caller stops after about this many rows: makes the first batches small.
    pub limit_hint: Option<usize>,
}

impl LogScan {
    /// All columns-less rows of some groups in a time range: a base for `..` updates.
    pub fn new(groups: Vec<GroupScope>, start: TimestampMs, end: TimestampMs) -> Self {
        Self {
            groups,
            streams: None,
            start,
            end,
            columns: Vec::new(),
            prefilter: Prefilter::All,
            direction: Direction::Ascending,
            limit_hint: None,
        }
    }

    /// The schema of this scan's batches. Never depends on the data.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|c| Field::new(c.column_name(), c.data_type(), c.is_nullable()))
            .collect();
        Arc::new(Schema::new(fields))
    }
}

/// What a read cost. Adds up over parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanStatistics {
    /// Rows looked at, after the index.
    pub rows_scanned: u64,
    /// Message bytes of those rows.
    pub bytes_scanned: u64,
    /// Rows in the time range that the index ruled out.
    pub rows_skipped: u64,
    /// Rows delivered.
    pub rows_returned: u64,
}

impl ScanStatistics {
    pub fn add(&mut self, other: &Self) {
        self.rows_scanned = self.rows_scanned.saturating_add(other.rows_scanned);
        self.bytes_scanned = self.bytes_scanned.saturating_add(other.bytes_scanned);
        self.rows_skipped = self.rows_skipped.saturating_add(other.rows_skipped);
        self.rows_returned = self.rows_returned.saturating_add(other.rows_returned);
    }

    /// What was added to `before` to make this.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            rows_scanned: self.rows_scanned.saturating_sub(before.rows_scanned),
            bytes_scanned: self.bytes_scanned.saturating_sub(before.bytes_scanned),
            rows_skipped: self.rows_skipped.saturating_sub(before.rows_skipped),
            rows_returned: self.rows_returned.saturating_sub(before.rows_returned),
        }
    }
}

/// Decides whether an event is wanted, by its message.
pub type EventMatcher = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A read of one group in the exact order of its events, for GetLogEvents and FilterLogEvents.
#[derive(Clone)]
pub struct EventScan {
    pub group: GroupScope,
    pub streams: Option<BTreeSet<LogStreamId>>,
    /// Both inclusive.
    pub start: TimestampMs,
    pub end: TimestampMs,
    pub direction: Direction,
    /// Only events beyond this one, in `direction`.
    pub after: Option<EventKey>,
    /// What `matcher` certainly needs, to skip by the index.
    pub prefilter: Prefilter,
    /// `None` takes every event.
    pub matcher: Option<EventMatcher>,
    /// At most this many events,
    pub limit: usize,
    /// this many bytes of messages plus 26 each (but always one event),
    pub bytes_max: usize,
    /// and about this many message bytes looked at.
    pub scan_bytes_max: u64,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsPage {
    /// In the scan's direction.
    pub events: Vec<super::event::LogEvent>,
    /// Pass as `after` to go on. The last event delivered or, when the page ended for want of
    /// scan budget, the last one looked at. `None` when nothing was looked at.
    pub next: Option<EventKey>,
    /// Nothing more lies beyond `next` now.
    pub reached_end: bool,
    pub statistics: ScanStatistics,
}
