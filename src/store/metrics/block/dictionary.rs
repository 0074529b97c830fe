//! The dimensions of a block: (name, value) and the rows of the series that have them.

use crate::metrics::postings::{Rows, term};
use crate::metrics::varint::Reader;

/// Sorted entries, their rows still serialised.
#[derive(Debug)]
pub(crate) struct BlockPostings {
    raw: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    term: (u32, u32),
    rows: (u32, u32),
}

impl BlockPostings {
    /// `None` if the bytes are no dictionary.
    pub(super) fn parse(raw: Vec<u8>) -> Option<Self> {
        let mut reader = Reader::new(&raw);
        let count = reader.usize()?;
        if count > reader.left() / 2 {
            return None;
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(count);
        for _ in 0..count {
            let mut range = || {
                let length = reader.bytes()?.len() as u32;
                let end = u32::try_from(raw.len() - reader.left()).ok()?;
                Some((end - length, end))
            };
            let entry = Entry {
                term: range()?,
                rows: range()?,
            };
            entries.push(entry);
        }
        let postings = reader.is_empty().then_some(Self { entries, raw })?;
        let ascending = postings
            .entries
            .is_sorted_by(|a, b| postings.slice(a.term) < postings.slice(b.term));
        ascending.then_some(postings)
    }

    /// The series that have all of the dimensions; a value left out means any value. The outer
    /// `None`: no dimension is asked for. An error names the damage.
    pub(crate) fn find(&self, dimensions: &[(&str, Option<&str>)]) -> Result<Option<Rows>, String> {
        let mut found: Option<Rows> = None;
        for (name, value) in dimensions {
            let rows = self.rows_of(name, *value)?;
            match &mut found {
                Some(found) => found.intersect(&rows),
                None => found = Some(rows),
            }
        }
        Ok(found)
    }

    fn rows_of(&self, name: &str, value: Option<&str>) -> Result<Rows, String> {
        let wanted = term(name, value);
        let mut rows = Rows::default();
        let from = self
            .entries
            .partition_point(|e| self.slice(e.term) < &*wanted);
        for entry in self.entries.iter().skip(from) {
            let matches = match value {
                Some(_) => self.slice(entry.term) == wanted,
                None => self.slice(entry.term).starts_with(&wanted),
            };
            if !matches {
                break;
            }
            let stored = Rows::deserialize(self.slice(entry.rows))
                .ok_or_else(|| format!("rows of dimension {name} are malformed"))?;
            rows.unite(&stored);
        }
        Ok(rows)
    }

    /// Checks all rows.
    pub(super) fn check(&self, series_count: usize) -> Result<(), String> {
        for entry in &self.entries {
            let rows = Rows::deserialize(self.slice(entry.rows)).ok_or("rows are malformed")?;
            if rows.iter().any(|row| row as usize >= series_count) {
                return Err("rows name a series that does not exist".to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.raw.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn slice(&self, range: (u32, u32)) -> &[u8] {
        self.raw
            .get(range.0 as usize..range.1 as usize)
            .unwrap_or_default()
    }
}
