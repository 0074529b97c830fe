//! Row sets of the values of a column of low cardinality.

use super::super::row_set::RowSet;

/// The values of a column in order of their bytes, each with the rows that have it.
#[derive(Debug, Default)]
pub struct Values {
    entries: Vec<(Vec<u8>, RowSet)>,
}

impl Values {
    /// `entries` in any order; values distinct.
    pub fn new(mut entries: Vec<(Vec<u8>, RowSet)>) -> Self {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Self { entries }
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
        entries
            .is_sorted_by(|a, b| a.0 < b.0)
            .then_some(Self { entries })
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
        assert_eq!(read.get(b"warn").map(RowSet::len), Some(2));
        assert!(read.get(b"error").is_none());
        assert_eq!(read.rows_where(|v| v.len() == 4).len(), 69_992);
        for cut in 0..bytes.len() {
            assert!(Values::deserialize(&bytes[..cut]).is_none());
        }
    }
}
