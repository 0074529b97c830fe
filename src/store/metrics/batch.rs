//! The datums of one PutMetricData call, in columns, and their form in the write-ahead log.
//!
//! `api` decodes a request straight into a [`MetricBatch`]: strings go into one arena, numbers
//! into another; nothing is allocated per datum.

use belfry_model::{StatisticSet, Tenant, TimestampMs, Unit};

use super::tier::Tier;
use super::varint::{self, Reader};
use super::{MetricValue, key};
use crate::error::{Error, Result};

/// First byte of a record; the layout is in `docs/formats/metrics-block.md`.
const RECORD_VERSION: u8 = 1;

/// Ours: spec metrics.md 2 allows 1,000 datums a call; other doors may batch more.
const ROWS_MAX: usize = 1 << 20;

/// What a new series costs at most besides its key: its entries in the head, the first room for
/// samples, and posting lists of a few dimensions that no other series has.
const NEW_SERIES_BYTES: usize = 640;

/// Datums of one tenant that are stored all or not at all.
#[derive(Clone, Debug, Default)]
pub struct MetricBatch {
    /// Series keys, one after the other; equal neighbours share one.
    keys: Vec<u8>,
    rows: Vec<Row>,
    /// Values, weights and aggregates of the rows that are not a single value.
    numbers: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    key_start: usize,
    key_end: usize,
    timestamp: TimestampMs,
    unit: Unit,
    tier: Tier,
    value: RowValue,
}

#[derive(Clone, Copy, Debug)]
enum RowValue {
    Single(f64),
    /// `values` numbers at `at`, then as many weights if `weighted`.
    Values {
        at: usize,
        values: usize,
        weighted: bool,
    },
    /// Count, sum, minimum, maximum at `at`.
    Aggregate {
        at: usize,
    },
}

/// Ours: 285,000 years from 1970. Reckoning with times this side of it cannot overflow.
const TIME_MS_MAX: u64 = 1 << 53;

const KIND_SINGLE: u8 = 0;
const KIND_VALUES: u8 = 1;
const KIND_WEIGHTED: u8 = 2;
const KIND_AGGREGATE: u8 = 3;
const HIGH_RESOLUTION: u8 = 0x80;

/// One datum, as the head takes it.
pub(super) struct Datum<'a> {
    pub key: &'a [u8],
    pub timestamp: TimestampMs,
    pub unit: Unit,
    pub tier: Tier,
    pub value: MetricValue<'a>,
}

impl MetricBatch {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(datums: usize) -> Self {
        Self {
            keys: Vec::with_capacity(datums.min(ROWS_MAX) * 64),
            rows: Vec::with_capacity(datums.min(ROWS_MAX)),
            numbers: Vec::new(),
        }
    }

    /// How many datums were pushed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a datum. `resolution_s` is 1 or 60; the timestamp is rounded down to it (spec
    /// metrics.md 2). Dimensions may come in any order.
    ///
    /// # Errors
    /// [`Error::Invalid`] for strings with control characters, numbers that are not finite,
    /// weights below zero, another resolution, a time that no calendar reaches; [`Error::TooLarge`] for too many datums. The batch
    /// is unchanged then.
    #[allow(clippy::too_many_arguments, reason = "the members of a MetricDatum")]
    pub fn push(
        &mut self,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        timestamp: TimestampMs,
        unit: Unit,
        resolution_s: u32,
        value: MetricValue<'_>,
    ) -> Result<()> {
        let tier = match resolution_s {
            1 => Tier::S1,
            60 => Tier::S60,
            other => {
                return Err(Error::Invalid(format!(
                    "storage resolution {other} is not 1 or 60"
                )));
            }
        };
        check_value(&value)?;
        let start = self.keys.len();
        key::encode(namespace, name, dimensions, &mut self.keys)?;
        let pushed = self.push_row(start, timestamp, unit, tier, value);
        if pushed.is_err() {
            self.keys.truncate(start);
        }
        pushed
    }

    /// Adds a row whose key was just appended at `start`. A batch that is read back from the log
    /// passes here too: nothing may be refused that was once taken.
    fn push_row(
        &mut self,
        start: usize,
        timestamp: TimestampMs,
        unit: Unit,
        tier: Tier,
        value: MetricValue<'_>,
    ) -> Result<()> {
        if self.rows.len() >= ROWS_MAX {
            return Err(Error::TooLarge {
                what: "metric batch",
                size: self.rows.len() as u64 + 1,
                limit: ROWS_MAX as u64,
            });
        }
        if timestamp.0.unsigned_abs() > TIME_MS_MAX {
            return Err(Error::Invalid(format!(
                "time {} ms is too far from 1970",
                timestamp.0
            )));
        }
        let mut range = (start, self.keys.len());
        if let Some(before) = self.rows.last()
            && self.keys.get(before.key_start..before.key_end) == self.keys.get(start..)
        {
            self.keys.truncate(start);
            range = (before.key_start, before.key_end);
        }
        let at = self.numbers.len();
        let value = match value {
            MetricValue::Single(value) => RowValue::Single(value),
            MetricValue::Values { values, weights } => {
                self.numbers.extend_from_slice(values);
                if let Some(weights) = weights {
                    self.numbers.extend_from_slice(weights);
                }
                RowValue::Values {
                    at,
                    values: values.len(),
                    weighted: weights.is_some(),
                }
            }
            MetricValue::Aggregate {
                count,
                sum,
                min,
                max,
            } => {
                self.numbers.extend([count, sum, min, max]);
                RowValue::Aggregate { at }
            }
        };
        self.rows.push(Row {
            key_start: range.0,
            key_end: range.1,
            timestamp: timestamp.floor_to(tier.resolution_ms()),
            unit,
            tier,
            value,
        });
        Ok(())
    }

    pub(super) fn datums(&self) -> impl Iterator<Item = Datum<'_>> {
        self.rows.iter().map(|row| Datum {
            key: self
                .keys
                .get(row.key_start..row.key_end)
                .unwrap_or_default(),
            timestamp: row.timestamp,
            unit: row.unit,
            tier: row.tier,
            value: self.value_of(row.value),
        })
    }

    fn value_of(&self, value: RowValue) -> MetricValue<'_> {
        let numbers = |at: usize, n: usize| self.numbers.get(at..at + n).unwrap_or_default();
        match value {
            RowValue::Single(value) => MetricValue::Single(value),
            RowValue::Values {
                at,
                values,
                weighted,
            } => MetricValue::Values {
                values: numbers(at, values),
                weights: weighted.then(|| numbers(at + values, values)),
            },
            RowValue::Aggregate { at } => {
                let number = |i: usize| self.numbers.get(at + i).copied().unwrap_or_default();
                MetricValue::Aggregate {
                    count: number(0),
                    sum: number(1),
                    min: number(2),
                    max: number(3),
                }
            }
        }
    }

    /// An upper estimate of what the batch adds to a head in which no series is known.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() * 2 + self.numbers.len() * 16 + self.rows.len() * NEW_SERIES_BYTES
    }

    /// The record of this batch in the write-ahead log.
    pub(super) fn encode(&self, header: &RecordHeader<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.keys.len() / 2 + self.rows.len() * 16);
        out.push(RECORD_VERSION);
        varint::write_bytes(header.tenant.account.as_bytes(), &mut out);
        varint::write_bytes(header.tenant.region.as_bytes(), &mut out);
        varint::write_bytes(header.invocation.unwrap_or_default().as_bytes(), &mut out);
        varint::write_signed(header.applied_at.0, &mut out);
        varint::write(self.rows.len() as u64, &mut out);
        let mut key_before: &[u8] = &[];
        let mut time_before = 0;
        for datum in self.datums() {
            let shared = shared_prefix(key_before, datum.key);
            varint::write(shared as u64, &mut out);
            varint::write_bytes(datum.key.get(shared..).unwrap_or_default(), &mut out);
            key_before = datum.key;
            varint::write_signed(datum.timestamp.as_secs() - time_before, &mut out);
            time_before = datum.timestamp.as_secs();
            out.push(datum.unit.code());
            let resolution = match datum.tier {
                Tier::S1 => HIGH_RESOLUTION,
                _ => 0,
            };
            match datum.value {
                MetricValue::Single(value) => {
                    out.push(KIND_SINGLE | resolution);
                    out.extend_from_slice(&value.to_le_bytes());
                }
                MetricValue::Values { values, weights } => {
                    let kind = weights.map_or(KIND_VALUES, |_| KIND_WEIGHTED);
                    out.push(kind | resolution);
                    varint::write(values.len() as u64, &mut out);
                    for number in values.iter().chain(weights.unwrap_or_default()) {
                        out.extend_from_slice(&number.to_le_bytes());
                    }
                }
                MetricValue::Aggregate {
                    count,
                    sum,
                    min,
                    max,
                } => {
                    out.push(KIND_AGGREGATE | resolution);
                    for number in [count, sum, min, max] {
                        out.extend_from_slice(&number.to_le_bytes());
                    }
                }
            }
        }
        out
    }

    /// Reads a record back. `None` if the bytes are none: the log's checksum was right, so that
    /// is a fault of ours or a newer version.
    pub(super) fn decode(record: &[u8]) -> Option<(OwnedRecordHeader, Self)> {
        let mut reader = Reader::new(record);
        if reader.u8()? != RECORD_VERSION {
            return None;
        }
        let mut text = || {
            let bytes = reader.bytes()?;
            std::str::from_utf8(bytes).ok()
        };
        let (account, region, invocation) = (text()?, text()?, text()?);
        let header = OwnedRecordHeader {
            tenant: Tenant::new(account, region),
            invocation: (!invocation.is_empty()).then(|| invocation.to_owned()),
            applied_at: TimestampMs(reader.i64()?),
        };
        let count = reader.usize()?;
        let mut batch = Self::with_capacity(count.min(reader.left()));
        let mut key = Vec::new();
        let mut seconds = 0i64;
        for _ in 0..count {
            let shared = reader.usize()?;
            if shared > key.len() {
                return None;
            }
            key.truncate(shared);
            key.extend_from_slice(reader.bytes()?);
            key::SeriesKey::parse(&key)?;
            seconds = seconds.checked_add(reader.i64()?)?;
            let unit = Unit::from_code(reader.u8()?)?;
            let flags = reader.u8()?;
            let tier = match flags & HIGH_RESOLUTION {
                0 => Tier::S60,
                _ => Tier::S1,
            };
            let (first, second);
            let value = match flags & !HIGH_RESOLUTION {
                KIND_SINGLE => MetricValue::Single(reader.f64()?),
                kind @ (KIND_VALUES | KIND_WEIGHTED) => {
                    let n = reader.usize()?;
                    first = read_numbers(&mut reader, n)?;
                    second = match kind {
                        KIND_WEIGHTED => Some(read_numbers(&mut reader, n)?),
                        _ => None,
                    };
                    MetricValue::Values {
                        values: &first,
                        weights: second.as_deref(),
                    }
                }
                KIND_AGGREGATE => MetricValue::Aggregate {
                    count: reader.f64()?,
                    sum: reader.f64()?,
                    min: reader.f64()?,
                    max: reader.f64()?,
                },
                _ => return None,
            };
            check_value(&value).ok()?;
            let start = batch.keys.len();
            batch.keys.extend_from_slice(&key);
            let timestamp = TimestampMs::from_secs(seconds);
            batch.push_row(start, timestamp, unit, tier, value).ok()?;
        }
        reader.is_empty().then_some((header, batch))
    }
}

fn read_numbers(reader: &mut Reader<'_>, n: usize) -> Option<Vec<f64>> {
    if n > reader.left() / size_of::<f64>() {
        return None;
    }
    (0..n).map(|_| reader.f64()).collect()
}

/// What stands in front of a batch's rows in its record.
pub(super) struct RecordHeader<'a> {
    pub tenant: &'a Tenant,
    pub invocation: Option<&'a str>,
    pub applied_at: TimestampMs,
}

/// As [`RecordHeader`], read back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OwnedRecordHeader {
    pub tenant: Tenant,
    pub invocation: Option<String>,
    pub applied_at: TimestampMs,
}

/// How many bytes two keys share at their beginning. Keys are long and alike: eight bytes a step.
pub(super) fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    let (words_a, words_b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    let words = words_a.iter().zip(words_b).take_while(|(x, y)| x == y);
    let at = words.count() * 8;
    let (a, b) = (
        a.get(at..).unwrap_or_default(),
        b.get(at..).unwrap_or_default(),
    );
    at + a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

/// Numbers that the store can hold and add without losing its footing.
fn check_value(value: &MetricValue<'_>) -> Result<()> {
    let sound = match value {
        MetricValue::Single(value) => value.is_finite(),
        MetricValue::Values { values, weights } => {
            let weights_fit = weights.is_none_or(|weights| {
                weights.len() == values.len() && weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            });
            !values.is_empty() && weights_fit && values.iter().all(|v| v.is_finite()) && {
                let set = value.to_set();
                set.count.is_finite() && set.sum.is_finite()
            }
        }
        MetricValue::Aggregate {
            count,
            sum,
            min,
            max,
        } => [count, sum, min, max].iter().all(|n| n.is_finite()) && *count > 0.0 && min <= max,
    };
    if sound {
        Ok(())
    } else {
        Err(Error::Invalid("a metric's numbers are unsound".to_owned()))
    }
}

impl MetricValue<'_> {
    /// The statistic set of the datum.
    pub fn to_set(&self) -> StatisticSet {
        match *self {
            Self::Single(value) => StatisticSet::from_value(value),
            Self::Values { values, weights } => StatisticSet::from_values(values, weights),
            Self::Aggregate {
                count,
                sum,
                min,
                max,
            } => StatisticSet::from_aggregate(count, sum, min, max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> MetricBatch {
        let mut batch = MetricBatch::new();
        let at = TimestampMs(1_700_000_012_345);
        let dims = [("host", "a"), ("az", "1")];
        let mut push = |unit, resolution, value| {
            batch
                .push("ns", "m", &dims, at, unit, resolution, value)
                .unwrap();
        };
        push(Unit::Count, 60, MetricValue::Single(1.5));
        push(Unit::Count, 1, MetricValue::Single(-2.0));
        push(
            Unit::Bytes,
            60,
            MetricValue::Values {
                values: &[1.0, 2.0],
                weights: None,
            },
        );
        push(
            Unit::Bytes,
            60,
            MetricValue::Values {
                values: &[1.0, 2.0],
                weights: Some(&[0.0, 2.5]),
            },
        );
        push(
            Unit::None,
            1,
            MetricValue::Aggregate {
                count: 3.0,
                sum: 6.0,
                min: 1.0,
                max: 3.0,
            },
        );
        batch
            .push(
                "ns",
                "other",
                &[],
                at,
                Unit::None,
                60,
                MetricValue::Single(0.0),
            )
            .unwrap();
        batch
    }

    #[test]
    fn records_read_back() {
        let batch = sample();
        let tenant = Tenant::new("111122223333", "eu-west-1");
        let header = RecordHeader {
            tenant: &tenant,
            invocation: Some("abc"),
            applied_at: TimestampMs(77),
        };
        let record = batch.encode(&header);
        let (read_header, read) = MetricBatch::decode(&record).unwrap();
        assert_eq!(read_header.tenant, tenant);
        assert_eq!(read_header.invocation.as_deref(), Some("abc"));
        assert_eq!(read.encode(&header), record);
        let units: Vec<_> = read.datums().map(|d| (d.unit, d.timestamp.0)).collect();
        assert_eq!(units[0], (Unit::Count, 1_699_999_980_000));
        assert_eq!(units[1], (Unit::Count, 1_700_000_012_000));
        assert_eq!(units.len(), 6);
        for cut in 0..record.len() {
            assert!(MetricBatch::decode(&record[..cut]).is_none());
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_refused() {
        for (ms, taken) in [
            (TIME_MS_MAX as i64, true),
            (-(TIME_MS_MAX as i64), true),
            (TIME_MS_MAX as i64 + 1, false),
            (i64::MIN, false),
        ] {
            let mut batch = MetricBatch::new();
            let value = MetricValue::Single(1.0);
            let pushed = batch.push("ns", "m", &[], TimestampMs(ms), Unit::None, 60, value);
            assert_eq!((pushed.is_ok(), batch.len()), (taken, usize::from(taken)));
        }
    }

    #[test]
    fn prefixes_are_counted_to_the_byte() {
        let key = b"a key of a series, longer than two words";
        for at in 0..key.len() {
            let mut other = key.to_vec();
            other[at] ^= 1;
            assert_eq!(shared_prefix(key, &other), at);
            assert_eq!(shared_prefix(key, &key[..at]), at);
        }
    }

    #[test]
    fn unsound_datums_are_refused_and_leave_no_trace() {
        let mut batch = sample();
        let before = (batch.len(), batch.keys.len(), batch.numbers.len());
        let mut refuse = |resolution, value| {
            let at = TimestampMs(0);
            let pushed = batch.push("n", "m", &[], at, Unit::None, resolution, value);
            assert!(matches!(pushed, Err(Error::Invalid(_))));
        };
        refuse(5, MetricValue::Single(1.0));
        refuse(60, MetricValue::Single(f64::NAN));
        let values = |values: &'static [f64], weights: Option<&'static [f64]>| {
            MetricValue::Values { values, weights }
        };
        refuse(60, values(&[], None));
        refuse(60, values(&[1.0], Some(&[1.0, 2.0])));
        refuse(60, values(&[1.0], Some(&[-1.0])));
        refuse(60, values(&[1e308], Some(&[1e308])));
        refuse(
            60,
            MetricValue::Aggregate {
                count: 0.0,
                sum: 0.0,
                min: 0.0,
                max: 0.0,
            },
        );
        assert_eq!(before, (batch.len(), batch.keys.len(), batch.numbers.len()));
    }
}
