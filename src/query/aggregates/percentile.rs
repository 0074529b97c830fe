//! `pct` and `median`: nearest rank, exact (spec logs-insights.md 8.6).

use super::value_aggregate::{Aggregation, PARTS_PER_PERCENT};
use crate::values::Value;

#[derive(Debug)]
pub(super) struct Percentile {
    parts: u64,
    values: Vec<f64>,
}

impl Percentile {
    pub fn new(parts: u64) -> Self {
        Self {
            parts,
            values: Vec::new(),
        }
    }
}

impl Aggregation for Percentile {
    fn update(&mut self, arguments: &[Value<'_>], _: i128) {
        self.values
            .extend(arguments.first().and_then(Value::to_number));
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        out.reserve(self.values.len() * 8);
        for value in &self.values {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn merge(&mut self, state: &[u8]) {
        let (values, _) = state.as_chunks::<8>();
        self.values
            .extend(values.iter().map(|bytes| f64::from_le_bytes(*bytes)));
    }

    /// The value at rank ⌈p·n/100⌉, at least 1.
    fn finish(&self) -> Value<'_> {
        let whole = 100 * PARTS_PER_PERCENT as u128;
        let rank = (u128::from(self.parts) * self.values.len() as u128).div_ceil(whole);
        let index = (rank.max(1) - 1) as usize;
        let mut values = self.values.clone();
        if index >= values.len() {
            return Value::Missing;
        }
        let (_, value, _) = values.select_nth_unstable_by(index, f64::total_cmp);
        Value::number(*value)
    }

    fn heap_bytes(&self) -> usize {
        // Finishing copies.
        self.values.capacity() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let pct = |p: f64, n: u32| {
            let mut percentile = Percentile::new((p * PARTS_PER_PERCENT) as u64);
            for v in (1..=n).rev() {
                percentile.update(&[Value::Number(f64::from(v))], 0);
            }
            percentile.finish().to_number()
        };
        assert_eq!(pct(50.0, 4), Some(2.0));
        assert_eq!(pct(51.0, 4), Some(3.0));
        assert_eq!(pct(0.0, 4), Some(1.0));
        assert_eq!(pct(100.0, 4), Some(4.0));
        assert_eq!(pct(99.9, 1000), Some(999.0));
        assert_eq!(pct(50.0, 0), None);
    }
}
