//! The sorted keys of a block, front-coded: each entry stores how many bytes it shares with the
//! one before; every sixteenth shares none, so that a search can begin there.

use crate::metrics::batch::shared_prefix;
use crate::metrics::varint::{self, Reader};

const RESTART_EVERY: usize = 16;

/// Collects keys in order.
#[derive(Debug, Default)]
pub(super) struct SeriesTableBuilder {
    entries: Vec<u8>,
    last: Vec<u8>,
    count: usize,
}

impl SeriesTableBuilder {
    /// Adds a key; false, and nothing done, unless it is greater than all before.
    pub(super) fn push(&mut self, key: &[u8]) -> bool {
        if self.count > 0 && key <= &*self.last {
            return false;
        }
        let shared = if self.count.is_multiple_of(RESTART_EVERY) {
            0
        } else {
            shared_prefix(&self.last, key)
        };
        varint::write(shared as u64, &mut self.entries);
        varint::write_bytes(key.get(shared..).unwrap_or_default(), &mut self.entries);
        self.last.clear();
        self.last.extend_from_slice(key);
        self.count += 1;
        true
    }

    /// Whether `key` was added last.
    pub(super) fn ends_with(&self, key: &[u8]) -> bool {
        self.count > 0 && self.last == key
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() + 5);
        varint::write(self.count as u64, &mut out);
        out.extend_from_slice(&self.entries);
        out
    }
}

/// The keys of a block in memory, still front-coded.
#[derive(Debug)]
pub(crate) struct SeriesTable {
    entries: Vec<u8>,
    /// Where every sixteenth entry begins.
    restarts: Vec<u32>,
    count: usize,
}

impl SeriesTable {
    /// Checks and indexes a table; `None` if it is none.
    pub(super) fn parse(raw: Vec<u8>) -> Option<Self> {
        let mut reader = Reader::new(&raw);
        let count = reader.usize()?;
        // An entry takes two bytes at least.
        if count > reader.left() / 2 {
            return None;
        }
        let mut restarts = Vec::with_capacity(count / RESTART_EVERY + 1);
        let mut last_len = 0;
        for i in 0..count {
            if i % RESTART_EVERY == 0 {
                restarts.push(u32::try_from(raw.len() - reader.left()).ok()?);
            }
            let shared = reader.usize()?;
            let restart_shares = i % RESTART_EVERY == 0 && shared > 0;
            if shared > last_len || restart_shares {
                return None;
            }
            last_len = shared + reader.bytes()?.len();
        }
        reader.is_empty().then_some(Self {
            entries: raw,
            restarts,
            count,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.capacity() + self.restarts.capacity() * 4
    }

    /// The first row whose key is not less than `key`.
    pub(crate) fn lower_bound(&self, key: &[u8]) -> usize {
        // The last restart whose key is less than or equal: the row lies in its run.
        let run = self
            .restarts
            .partition_point(|at| self.restart_key(*at).is_some_and(|k| k <= key))
            .saturating_sub(1);
        let mut cursor = self.cursor(run * RESTART_EVERY);
        while let Some((row, found)) = cursor.next() {
            if found >= key {
                return row;
            }
        }
        self.count
    }

    /// The row of a key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<usize> {
        let row = self.lower_bound(key);
        let mut cursor = self.cursor(row);
        cursor.next().filter(|(_, found)| *found == key)?;
        Some(row)
    }

    fn restart_key(&self, at: u32) -> Option<&[u8]> {
        let mut reader = Reader::new(self.entries.get(at as usize..)?);
        reader.u64()?;
        reader.bytes()
    }

    /// Walks the keys from a row on.
    pub(crate) fn cursor(&self, row: usize) -> SeriesCursor<'_> {
        let run = row / RESTART_EVERY;
        let at = self
            .restarts
            .get(run)
            .map_or(self.entries.len(), |r| *r as usize);
        let mut cursor = SeriesCursor {
            reader: Reader::new(self.entries.get(at..).unwrap_or_default()),
            key: Vec::new(),
            row: run * RESTART_EVERY,
        };
        while cursor.row < row && cursor.next().is_some() {}
        cursor
    }
}

/// A walk over the keys of a block.
#[derive(Debug)]
pub(crate) struct SeriesCursor<'a> {
    reader: Reader<'a>,
    key: Vec<u8>,
    row: usize,
}

impl SeriesCursor<'_> {
    /// The next row and its key.
    #[allow(clippy::should_implement_trait, reason = "lends its own buffer")]
    pub(crate) fn next(&mut self) -> Option<(usize, &[u8])> {
        let shared = self.reader.usize()?;
        self.key.truncate(shared);
        self.key.extend_from_slice(self.reader.bytes()?);
        self.row += 1;
        Some((self.row - 1, &self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_each_key_and_the_place_of_any(
            keys in proptest::collection::btree_set("[ab]{0,3}[a-z]{0,3}", 0..100),
            probe in "[ab]{0,3}[a-z]{0,3}",
        ) {
            let mut builder = SeriesTableBuilder::default();
            for key in &keys {
                prop_assert!(builder.push(key.as_bytes()));
            }
            let keys: Vec<_> = keys.into_iter().collect();
            if let Some(last) = keys.last() {
                prop_assert!(!builder.push(last.as_bytes()));
            }
            let raw = builder.finish();
            let table = SeriesTable::parse(raw.clone()).unwrap();
            prop_assert_eq!(table.len(), keys.len());
            for (row, key) in keys.iter().enumerate() {
                prop_assert_eq!(table.find(key.as_bytes()), Some(row));
            }
            let expected = keys.partition_point(|k| *k < probe);
            prop_assert_eq!(table.lower_bound(probe.as_bytes()), expected);
            let mut cursor = table.cursor(keys.len() / 2);
            for (row, key) in keys.iter().enumerate().skip(keys.len() / 2) {
                prop_assert_eq!(cursor.next(), Some((row, key.as_bytes())));
            }
            prop_assert_eq!(cursor.next(), None);
            prop_assert!(SeriesTable::parse(raw[..raw.len() - 1].to_vec()).is_none());
        }

        #[test]
        fn any_bytes_are_read_or_refused(raw in proptest::collection::vec(0u8..20, 0..60)) {
            if let Some(table) = SeriesTable::parse(raw) {
                for row in 0..table.len() {
                    prop_assert!(table.cursor(row).next().is_some());
                }
                table.lower_bound(&[3, 1]);
            }
        }
    }
}
