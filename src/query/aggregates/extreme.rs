//! `min`, `max`, `sortsFirst`, `sortsLast`: the ends of the sort order (spec logs-insights.md 6.7,
//! 8.4, 8.8).

use super::value_aggregate::{Aggregation, read_bytes, write_bytes};
use crate::values::Value;
use crate::values::sort_key::{is_number_key, write_sort_key};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

#[derive(Debug)]
pub(super) struct Extreme {
    end: End,
    /// `min` and `max` of numbers only give a computed number.
    computed: bool,
    /// The sort key of the best value and its bytes; both empty before the first.
    key: Vec<u8>,
    value: Vec<u8>,
    all_numbers: bool,
    scratch: Vec<u8>,
}

impl Extreme {
    pub fn computed(end: End) -> Self {
        Self::new(end, true)
    }

    pub fn as_written(end: End) -> Self {
        Self::new(end, false)
    }

    fn new(end: End, computed: bool) -> Self {
        Self {
            end,
            computed,
            key: Vec::new(),
            value: Vec::new(),
            all_numbers: true,
            scratch: Vec::new(),
        }
    }

    fn is_better(&self, key: &[u8]) -> bool {
        self.key.is_empty()
            || match self.end {
                End::First => key < self.key.as_slice(),
                End::Last => key > self.key.as_slice(),
            }
    }
}

impl Aggregation for Extreme {
    fn update(&mut self, arguments: &[Value<'_>], _: i128) {
        let Some(value) = arguments.first() else {
            return;
        };
        let mut key = std::mem::take(&mut self.scratch);
        if write_sort_key(&mut key, value) {
            self.all_numbers &= is_number_key(&key);
            if self.is_better(&key) {
                value.encode(&mut self.value);
                std::mem::swap(&mut self.key, &mut key);
            }
        }
        self.scratch = key;
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        write_bytes(out, &self.key);
        write_bytes(out, &self.value);
        out.push(u8::from(self.all_numbers));
    }

    fn merge(&mut self, mut state: &[u8]) {
        let (Some(key), Some(value)) = (read_bytes(&mut state), read_bytes(&mut state)) else {
            return;
        };
        self.all_numbers &= state.first() != Some(&0);
        if !key.is_empty() && self.is_better(key) {
            self.key = key.to_vec();
            self.value = value.to_vec();
        }
    }

    fn finish(&self) -> Value<'_> {
        match Value::decode(&self.value) {
            value @ Value::Time(_) => value,
            value if self.computed && self.all_numbers => Value::from_number(value.to_number()),
            value => value,
        }
    }

    fn heap_bytes(&self) -> usize {
        self.key.capacity() + self.value.capacity() + self.scratch.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut aggregation: Extreme, values: &[Value<'_>]) -> Value<'static> {
        // Half of the values come by way of a partial state.
        let mut partial = Extreme::new(aggregation.end, aggregation.computed);
        for (i, value) in values.iter().enumerate() {
            let target = if i % 2 == 0 {
                &mut partial
            } else {
                &mut aggregation
            };
            target.update(std::slice::from_ref(value), 0);
        }
        let mut state = Vec::new();
        partial.write_state(&mut state);
        aggregation.merge(&state);
        aggregation.finish().into_owned()
    }

    #[test]
    fn numbers_only_are_computed_and_mixed_values_show_as_written() {
        let numbers = [
            Value::Written("1.50".into()),
            Value::Written("0.2".into()),
            Value::Missing,
        ];
        assert_eq!(
            run(Extreme::computed(End::Last), &numbers),
            Value::Number(1.5)
        );
        assert_eq!(
            run(Extreme::as_written(End::Last), &numbers),
            Value::Written("1.50".into())
        );
        let mixed = [
            Value::text("abc"),
            Value::Written("1.50".into()),
            Value::text("x"),
        ];
        assert_eq!(
            run(Extreme::computed(End::First), &mixed),
            Value::text("abc")
        );
        assert_eq!(
            run(Extreme::computed(End::Last), &mixed),
            Value::Written("1.50".into())
        );
        assert_eq!(
            run(Extreme::computed(End::Last), &[Value::Missing]),
            Value::Missing
        );
        let times = [Value::Time(5), Value::Time(3)];
        assert_eq!(run(Extreme::computed(End::First), &times), Value::Time(3));
    }
}
