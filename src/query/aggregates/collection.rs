//! `values` and `topk`: lists, shown as JSON (spec logs-insights.md 8.9, 8.10).

use std::collections::HashMap;

use ahash::RandomState;

use super::value_aggregate::{Aggregation, read_bytes, write_bytes};
use crate::values::Value;
use crate::values::json::write_json;
use crate::values::sort_key::write_sort_key;

/// Distinct values by shown text, with their sort key, bytes, and how often they occurred.
#[derive(Debug, Default)]
struct Distinct {
    by_text: HashMap<String, Entry, RandomState>,
    heap_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    key: Vec<u8>,
    value: Vec<u8>,
    count: u64,
}

impl Distinct {
    fn add(&mut self, value: &Value<'_>, count: u64) {
        let mut key = Vec::new();
        let Some(text) = value.to_text() else {
            return;
        };
        if let Some(entry) = self.by_text.get_mut(&*text) {
            entry.count += count;
            return;
        }
        if !write_sort_key(&mut key, value) {
            return;
        }
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        self.heap_bytes +=
            text.len() + key.len() + bytes.len() + size_of::<Entry>() + size_of::<String>();
        let entry = Entry {
            key,
            value: bytes,
            count,
        };
        self.by_text.insert(text.into_owned(), entry);
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        for entry in self.by_text.values() {
            write_bytes(out, &entry.value);
            out.extend_from_slice(&entry.count.to_le_bytes());
        }
    }

    fn merge(&mut self, mut state: &[u8]) {
        while let Some(value) = read_bytes(&mut state)
            && let Some((count, rest)) = state.split_first_chunk::<8>()
        {
            state = rest;
            self.add(&Value::decode(value), u64::from_le_bytes(*count));
        }
    }

    /// Ascending; values of one sort key by their text.
    fn ascending(&self) -> Vec<(&String, &Entry)> {
        let mut entries: Vec<_> = self.by_text.iter().collect();
        entries.sort_unstable_by(|(a_text, a), (b_text, b)| {
            a.key.cmp(&b.key).then_with(|| a_text.cmp(b_text))
        });
        entries
    }
}

fn json_list<'a>(values: impl Iterator<Item = &'a Entry>) -> Value<'static> {
    let mut json = String::from("[");
    for (i, entry) in values.enumerate() {
        if i > 0 {
            json.push(',');
        }
        write_json(&mut json, &bare_numbers(Value::decode(&entry.value)));
    }
    json.push(']');
    Value::Json(json.into())
}

/// A number as an event spells it need not be JSON (` 1`, `.5` from texts are no numbers by kind).
fn bare_numbers(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Written(text) if serde_json::from_str::<serde_json::Number>(&text).is_err() => {
            Value::Text(text)
        }
        other => other,
    }
}

/// `values(f)`: distinct values, ascending.
#[derive(Debug, Default)]
pub(super) struct Values(Distinct);

impl Aggregation for Values {
    fn update(&mut self, arguments: &[Value<'_>], _: i128) {
        if let Some(value) = arguments.first() {
            self.0.add(value, 1);
        }
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        self.0.write_state(out);
    }

    fn merge(&mut self, state: &[u8]) {
        self.0.merge(state);
    }

    fn finish(&self) -> Value<'_> {
        json_list(self.0.ascending().into_iter().map(|(_, entry)| entry))
    }

    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes
    }
}

/// `topk(k, f)`: the most frequent values, ties ascending.
#[derive(Debug)]
pub(super) struct TopK {
    count: usize,
    distinct: Distinct,
}

impl TopK {
    pub fn new(count: usize) -> Self {
        Self {
            count,
            distinct: Distinct::default(),
        }
    }
}

impl Aggregation for TopK {
    fn update(&mut self, arguments: &[Value<'_>], _: i128) {
        if let Some(value) = arguments.first() {
            self.distinct.add(value, 1);
        }
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        self.distinct.write_state(out);
    }

    fn merge(&mut self, state: &[u8]) {
        self.distinct.merge(state);
    }

    fn finish(&self) -> Value<'_> {
        let mut entries = self.distinct.ascending();
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.count));
        json_list(entries.into_iter().take(self.count).map(|(_, entry)| entry))
    }

    fn heap_bytes(&self) -> usize {
        self.distinct.heap_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_by_text_ascending_and_by_frequency() {
        let input = ["b", "12", "a", "12", "9", "b", "b"];
        let mut values = Values::default();
        let mut top = TopK::new(2);
        for text in input {
            values.update(&[Value::text(text)], 0);
            top.update(&[Value::text(text)], 0);
        }
        values.update(&[Value::Written("9".into())], 0);
        values.update(&[Value::Missing], 0);
        let mut merged = Values::default();
        let mut state = Vec::new();
        values.write_state(&mut state);
        merged.merge(&state);
        merged.update(&[Value::Written("7.50".into())], 0);
        assert_eq!(
            merged.finish(),
            Value::Json(r#"["a","b",7.50,"9","12"]"#.into())
        );
        assert_eq!(top.finish(), Value::Json(r#"["b","12"]"#.into()));
    }
}
