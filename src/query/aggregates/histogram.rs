//! `histogram(f, n)`: buckets of equal width from the least to the greatest value, as a JSON map
//! (spec logs-insights.md 8.13).

use super::value_aggregate::Aggregation;
use crate::values::Value;
use crate::values::json::write_string;
use crate::values::number_text::show_number;

#[derive(Debug)]
pub(super) struct Histogram {
    buckets: usize,
    values: Vec<f64>,
}

impl Histogram {
    pub fn new(buckets: usize) -> Self {
        Self {
            buckets,
            values: Vec::new(),
        }
    }
}

impl Aggregation for Histogram {
    fn update(&mut self, arguments: &[Value<'_>], _: i128) {
        self.values
            .extend(arguments.first().and_then(Value::to_number));
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        for value in &self.values {
            out.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn merge(&mut self, state: &[u8]) {
        let (values, _) = state.as_chunks::<8>();
        self.values
            .extend(values.iter().map(|bytes| f64::from_le_bytes(*bytes)));
    }

    fn finish(&self) -> Value<'_> {
        let least = self.values.iter().copied().reduce(f64::min);
        let greatest = self.values.iter().copied().reduce(f64::max);
        let Some((least, greatest)) = least.zip(greatest) else {
            return Value::Missing;
        };
        let buckets = if least == greatest {
            1
        } else {
            self.buckets.max(1)
        };
        let width = (greatest - least) / buckets as f64;
        let mut counts = vec![0_u64; buckets];
        for value in &self.values {
            // The last bucket is closed.
            let bucket = ((value - least) / width) as usize;
            if let Some(count) = counts.get_mut(bucket.min(buckets - 1)) {
                *count += 1;
            }
        }
        let bound = |i: usize| {
            if i == buckets {
                greatest
            } else {
                least + width * i as f64
            }
        };
        let mut json = String::from("{");
        for (i, count) in counts.iter().enumerate() {
            if i > 0 {
                json.push(',');
            }
            let range = format!("{}-{}", show_number(bound(i)), show_number(bound(i + 1)));
            write_string(&mut json, &range);
            json.push(':');
            json.push_str(&count.to_string());
        }
        json.push('}');
        Value::Json(json.into())
    }

    fn heap_bytes(&self) -> usize {
        self.values.capacity() * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(buckets: usize, values: &[f64]) -> String {
        let mut histogram = Histogram::new(buckets);
        for value in values {
            histogram.update(&[Value::Number(*value)], 0);
        }
        histogram.finish().show().unwrap_or_default().into_owned()
    }

    #[test]
    fn buckets() {
        assert_eq!(show(2, &[0.0, 1.0, 5.0, 10.0]), r#"{"0-5":2,"5-10":2}"#);
        assert_eq!(show(3, &[4.0, 4.0]), r#"{"4-4":2}"#);
        assert_eq!(show(3, &[]), "");
    }
}
