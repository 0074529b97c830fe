//! `earliest`, `latest`, `rate`: by the time order of rows, ties by ingestion
//! (spec logs-insights.md 8.7, 8.11).

use super::value_aggregate::{Aggregation, read_bytes, write_bytes};
use crate::values::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Earliest,
    Latest,
}

/// The value of the first or last row that has one.
#[derive(Debug)]
pub(super) struct AtEnd {
    end: End,
    best: Option<i128>,
    value: Vec<u8>,
}

impl AtEnd {
    pub fn new(end: End) -> Self {
        Self {
            end,
            best: None,
            value: Vec::new(),
        }
    }

    fn is_better(&self, order: i128) -> bool {
        self.best.is_none_or(|best| match self.end {
            End::Earliest => order < best,
            End::Latest => order > best,
        })
    }
}

impl Aggregation for AtEnd {
    fn update(&mut self, arguments: &[Value<'_>], order: i128) {
        if let Some(value) = arguments.first()
            && !value.is_missing()
            && self.is_better(order)
        {
            self.best = Some(order);
            value.encode(&mut self.value);
        }
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        if let Some(best) = self.best {
            out.extend_from_slice(&best.to_le_bytes());
            write_bytes(out, &self.value);
        }
    }

    fn merge(&mut self, state: &[u8]) {
        let Some((order, mut rest)) = state.split_first_chunk::<16>() else {
            return;
        };
        let order = i128::from_le_bytes(*order);
        if let Some(value) = read_bytes(&mut rest)
            && self.is_better(order)
        {
            self.best = Some(order);
            self.value = value.to_vec();
        }
    }

    fn finish(&self) -> Value<'_> {
        Value::decode(&self.value)
    }

    fn heap_bytes(&self) -> usize {
        self.value.capacity()
    }
}

/// `(last − first) / (t_last − t_first) × period`.
#[derive(Debug)]
pub(super) struct Rate {
    period_ms: u64,
    /// (order, time in ms, value) of the two ends.
    ends: Option<[(i128, f64, f64); 2]>,
}

impl Rate {
    pub fn new(period_ms: u64) -> Self {
        Self {
            period_ms,
            ends: None,
        }
    }

    fn take(&mut self, sample: (i128, f64, f64)) {
        match &mut self.ends {
            None => self.ends = Some([sample, sample]),
            Some([first, last]) => {
                if sample.0 < first.0 {
                    *first = sample;
                }
                if sample.0 > last.0 {
                    *last = sample;
                }
            }
        }
    }
}

impl Aggregation for Rate {
    fn update(&mut self, arguments: &[Value<'_>], order: i128) {
        if let [value, time] = arguments
            && let (Some(value), Some(time_ms)) = (value.to_number(), time.to_number())
        {
            self.take((order, time_ms, value));
        }
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        for (order, time_ms, value) in self.ends.iter().flatten() {
            out.extend_from_slice(&order.to_le_bytes());
            out.extend_from_slice(&time_ms.to_le_bytes());
            out.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn merge(&mut self, mut state: &[u8]) {
        while let Some((order, rest)) = state.split_first_chunk::<16>()
            && let Some((time_ms, rest)) = rest.split_first_chunk::<8>()
            && let Some((value, rest)) = rest.split_first_chunk::<8>()
        {
            self.take((
                i128::from_le_bytes(*order),
                f64::from_le_bytes(*time_ms),
                f64::from_le_bytes(*value),
            ));
            state = rest;
        }
    }

    fn finish(&self) -> Value<'_> {
        match self.ends {
            Some([first, last]) if last.1 > first.1 => {
                Value::number((last.2 - first.2) / (last.1 - first.1) * self.period_ms as f64)
            }
            _ => Value::Missing,
        }
    }

    fn heap_bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_the_value_do_not_count() {
        let mut latest = AtEnd::new(End::Latest);
        latest.update(&[Value::text("a")], 1);
        latest.update(&[Value::Missing], 2);
        let mut other = AtEnd::new(End::Latest);
        let mut state = Vec::new();
        latest.write_state(&mut state);
        other.merge(&state);
        assert_eq!(other.finish(), Value::text("a"));
    }

    #[test]
    fn rates_need_two_instants() {
        let mut rate = Rate::new(60_000);
        rate.update(&[Value::Number(10.0), Value::Time(0)], 0);
        assert_eq!(rate.finish(), Value::Missing);
        rate.update(&[Value::Number(99.0), Value::Time(0)], 1);
        assert_eq!(rate.finish(), Value::Missing);
        rate.update(&[Value::Number(40.0), Value::Time(30_000)], 2);
        assert_eq!(rate.finish(), Value::Number(60.0));
    }
}
