//! Which series have a dimension of a certain name and value: sorted row numbers, and the
//! dictionary of (name, value) that leads to them. The same in head and block.

use std::collections::HashMap;

use ahash::RandomState;
use croaring::{Bitmap, Portable};

/// Up to so many rows a plain list is smaller and faster than a bitmap.
const LIST_ROWS_MAX: usize = 32;

/// Ascending row numbers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PostingList {
    Few(Vec<u32>),
    Many(Bitmap),
}

impl Default for PostingList {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl PostingList {
    /// Adds a row; rows come in ascending order, each once.
    pub(super) fn push(&mut self, row: u32) {
        match self {
            Self::Few(rows) if rows.len() < LIST_ROWS_MAX => rows.push(row),
            Self::Few(rows) => {
                let mut bitmap = Bitmap::of(rows);
                bitmap.add(row);
                *self = Self::Many(bitmap);
            }
            Self::Many(bitmap) => bitmap.add(row),
        }
    }

    fn to_bitmap(&self) -> Bitmap {
        match self {
            Self::Few(rows) => Bitmap::of(rows),
            Self::Many(bitmap) => bitmap.clone(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Few(rows) => rows.capacity() * size_of::<u32>(),
            Self::Many(bitmap) => bitmap.get_serialized_size_in_bytes::<Portable>(),
        }
    }
}

/// Rows of the series that have some dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rows(Bitmap);

impl Rows {
    pub(super) fn contains(&self, row: u32) -> bool {
        self.0.contains(row)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter()
    }

    /// The first row that is not less than `from`.
    pub(super) fn next_from(&self, from: u32) -> Option<u32> {
        let mut rows = self.0.iter();
        rows.reset_at_or_after(from);
        rows.next()
    }

    /// The portable form, as blocks store it.
    pub(super) fn serialize(&self) -> Vec<u8> {
        let mut rows = self.0.clone();
        rows.run_optimize();
        rows.serialize::<Portable>()
    }

    /// `None` for bytes that are no valid set: what the engine does with an invalid one is not
    /// defined.
    pub(super) fn deserialize(bytes: &[u8]) -> Option<Self> {
        let bitmap = Bitmap::try_deserialize::<Portable>(bytes)?;
        bitmap.internal_validate().ok()?;
        Some(Self(bitmap))
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.and_inplace(&other.0);
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.0.or_inplace(&other.0);
    }
}

/// The dictionary of a head: it grows.
#[derive(Clone, Debug, Default)]
pub(super) struct Postings {
    names: HashMap<Box<str>, HashMap<Box<str>, PostingList, RandomState>, RandomState>,
    heap_bytes: usize,
}

impl Postings {
    /// Notes that the series in `row` has the dimension. Rows come in ascending order.
    pub(super) fn add(&mut self, name: &str, value: &str, row: u32) {
        if !self.names.contains_key(name) {
            self.heap_bytes += 64 + name.len();
            self.names.insert(name.into(), HashMap::default());
        }
        let Some(values) = self.names.get_mut(name) else {
            return;
        };
        if let Some(list) = values.get_mut(value) {
            let before = list.heap_bytes();
            list.push(row);
            self.heap_bytes += list.heap_bytes().saturating_sub(before);
        } else {
            let mut list = PostingList::default();
            list.push(row);
            self.heap_bytes += 64 + value.len() + list.heap_bytes();
            values.insert(value.into(), list);
        }
    }

    /// The series that have all of the dimensions; a value left out means any value. `None` when
    /// no dimension is asked for.
    pub(super) fn find(&self, dimensions: &[(&str, Option<&str>)]) -> Option<Rows> {
        let mut found: Option<Bitmap> = None;
        for (name, value) in dimensions {
            let values = self.names.get(*name);
            let rows = match value {
                Some(value) => values
                    .and_then(|v| v.get(*value))
                    .map(PostingList::to_bitmap),
                None => values.map(|v| {
                    let lists: Vec<Bitmap> = v.values().map(PostingList::to_bitmap).collect();
                    Bitmap::fast_or(&lists.iter().collect::<Vec<_>>())
                }),
            };
            let rows = rows.unwrap_or_default();
            match &mut found {
                Some(found) => found.and_inplace(&rows),
                None => found = Some(rows),
            }
        }
        found.map(Rows)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

/// Collects the posting lists of a block, for series that come in order of rows.
#[derive(Debug, Default)]
pub(super) struct PostingsBuilder {
    lists: std::collections::BTreeMap<Vec<u8>, PostingList>,
}

impl PostingsBuilder {
    pub(super) fn add(&mut self, name: &str, value: &str, row: u32) {
        let term = term(name, Some(value));
        self.lists.entry(term).or_default().push(row);
    }

    /// Terms in order, with their rows.
    pub(super) fn finish(self) -> impl Iterator<Item = (Vec<u8>, Rows)> {
        self.lists
            .into_iter()
            .map(|(term, list)| (term, Rows(list.to_bitmap())))
    }
}

/// A dictionary entry: `name 01 value`, or the beginning of all entries of a name.
pub(super) fn term(name: &str, value: Option<&str>) -> Vec<u8> {
    let mut term = Vec::with_capacity(name.len() + 1 + value.map_or(0, str::len));
    term.extend_from_slice(name.as_bytes());
    term.push(1);
    term.extend_from_slice(value.unwrap_or_default().as_bytes());
    term
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_series_by_dimensions() {
        let mut postings = Postings::default();
        for row in 0..1000u32 {
            postings.add("host", &format!("h{}", row % 100), row);
            if row % 2 == 0 {
                postings.add("even", "yes", row);
            }
        }
        let find = |dimensions: &[(&str, Option<&str>)]| -> Vec<u32> {
            postings.find(dimensions).unwrap().iter().collect()
        };
        assert_eq!(find(&[("host", Some("h7"))]).len(), 10);
        assert_eq!(find(&[("even", None)]).len(), 500);
        assert_eq!(
            find(&[("even", None), ("host", Some("h8"))]),
            (0..10).map(|i| i * 100 + 8).collect::<Vec<_>>()
        );
        assert!(find(&[("even", None), ("host", Some("h7"))]).is_empty());
        assert!(find(&[("none", None)]).is_empty());
        assert_eq!(postings.find(&[]), None);
        assert!(postings.heap_bytes() > 1000);
    }

    /// The bitmap engine reads rows in any order, and then breaks its own promises.
    #[test]
    fn rows_out_of_order_are_refused() {
        let stored = Rows(Bitmap::of(&[3, 5])).serialize();
        let mut swapped = stored.clone();
        let at = swapped.len() - 4;
        swapped[at..].rotate_left(2);
        assert!(Rows::deserialize(&stored).is_some());
        assert_eq!(Rows::deserialize(&swapped), None);
    }

    proptest! {
        #[test]
        fn rows_read_back(rows in proptest::collection::btree_set(any::<u32>(), 0..200)) {
            let mut list = PostingList::default();
            for row in &rows {
                list.push(*row);
            }
            let stored = Rows(list.to_bitmap()).serialize();
            let read = Rows::deserialize(&stored).unwrap();
            prop_assert_eq!(read.iter().collect::<Vec<_>>(), rows.iter().copied().collect::<Vec<_>>());
            if !stored.is_empty() {
                prop_assert!(Rows::deserialize(&stored[..stored.len() - 1]).is_none());
            }
        }
    }
}
