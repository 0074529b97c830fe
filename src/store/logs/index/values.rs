//! Row sets of the values of a column of low cardinality.

use super::super::json::escape::{Style, needs_no_escape};
use super::super::row_set::RowSet;

/// The values of a column in order of their bytes, each with the rows that have it.
#[derive(Debug, Default)]
pub struct Values {
    entries: Vec<(Vec<u8>, RowSet)>,
    /// See [`Values::longest_written`].
    longest_written: Option<usize>,
}

impl Values {
    /// `entries` in any order; values distinct.
    pub fn new(mut entries: Vec<(Vec<u8>, RowSet)>) -> Self {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self::of_sorted(entries)
    }

    fn of_sorted(entries: Vec<(Vec<u8>, RowSet)>) -> Self {
        let plain = |value: &[u8]| needs_no_escape(value, Style::Ascii);
        let longest_written = entries
            .iter()
            .map(|(value, _)| plain(value).then_some(value.len()))
            .try_fold(0, |longest, length| Some(longest.max(length?)));
        Self {
            entries,
            longest_written,
        }
    }

    /// Bytes of the longest value as it stands in messages. `None` if some value may be escaped
    /// there.
    pub fn longest_written(&self) -> Option<usize> {
        self.longest_written
    }

    pub fn get(&self, value: &[u8]) -> Option<&RowSet> {
        let at = self
            .entries
            .binary_search_by(|(v, _)| v.as_slice().cmp(value))
            .ok()?;
        self.entries.get(at).map(|(_, rows)| rows)
    }

    /// Rows of all values that `accept` takes.
    pub fn rows_where(&self, mut accept: impl FnMut(&[u8]) -> bool) -> RowSet {
        let mut rows = RowSet::new();
        for (_, set) in self.entries.iter().filter(|(value, _)| accept(value)) {
            rows.unite(set);
        }
        rows
    }

    /// Number of values; for each: length, value, length of its set, set. Little endian.
    pub fn serialize(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        let mut set = Vec::new();
        for (value, rows) in &self.entries {
            set.clear();
            rows.serialize(&mut set);
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(value);
            out.extend_from_slice(&(set.len() as u32).to_le_bytes());
            out.extend_from_slice(&set);
        }
    }

    /// Reads [`Values::serialize`]; `None` for bytes that are none.
    pub fn deserialize(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut take = |length: usize| -> Option<&[u8]> {
            let (found, left) = rest.split_at_checked(length)?;
            rest = left;
            Some(found)
        };
        let count = u32::from_le_bytes(take(4)?.try_into().ok()?);
        let mut entries = Vec::new();
        for _ in 0..count {
            let length = u32::from_le_bytes(take(4)?.try_into().ok()?);
            let value = take(length as usize)?.to_vec();
            let length = u32::from_le_bytes(take(4)?.try_into().ok()?);
            entries.push((value, RowSet::deserialize(take(length as usize)?)?));
        }
        let sorted = entries.is_sorted_by(|a, b| a.0 < b.0);
        sorted.then(|| Self::of_sorted(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        let values = Values::new(vec![
            (b"warn".to_vec(), RowSet::of_rows(&[2, 5])),
            (b"info".to_vec(), RowSet::of_range(10..70_000)),
        ]);
        let mut bytes = Vec::new();
        values.serialize(&mut bytes);
        let read = Values::deserialize(&bytes).unwrap();
        assert_eq!(read.entries, values.entries);
        assert_eq!(read.longest_written(), Some(4));
        assert_eq!(read.get(b"warn").map(RowSet::len), Some(2));
        assert!(read.get(b"error").is_none());
        assert_eq!(read.rows_where(|v| v.len() == 4).len(), 69_992);
        for cut in 0..bytes.len() {
            assert!(Values::deserialize(&bytes[..cut]).is_none());
        }
    }

    #[test]
    fn values_that_may_be_escaped_have_no_length_in_messages() {
        for value in ["a\"b", "a\\", "\n", "\u{e9}"] {
            let rows = || RowSet::of_rows(&[1]);
            let values = vec![(b"x".to_vec(), rows()), (value.into(), rows())];
            assert_eq!(Values::new(values).longest_written(), None, "{value:?}");
        }
    }
}
