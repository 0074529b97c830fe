//! Sets of row numbers. The only file here that names the bitmap engine.

use std::ops::Range;

use croaring::{Bitmap, Portable};

/// A set of rows of one segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSet(Bitmap);

impl RowSet {
    pub fn new() -> Self {
        Self(Bitmap::new())
    }

    pub fn of_range(rows: Range<u32>) -> Self {
        Self(Bitmap::from_range(rows))
    }

    /// `rows` need not be sorted.
    pub fn of_rows(rows: &[u32]) -> Self {
        let mut bitmap = Bitmap::new();
        bitmap.add_many(rows);
        Self(bitmap)
    }

    pub fn add_rows(&mut self, rows: &[u32]) {
        self.0.add_many(rows);
    }

    pub fn add_range(&mut self, rows: Range<u32>) {
        self.0.add_range(rows);
    }

    pub fn len(&self) -> u64 {
        self.0.cardinality()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From the smallest to behind the largest member.
    pub fn span(&self) -> Range<u32> {
        match (self.0.minimum(), self.0.maximum()) {
            (Some(first), Some(last)) => first..last.saturating_add(1),
            _ => 0..0,
        }
    }

    pub fn intersect(&mut self, other: &Self) {
        self.0.and_inplace(&other.0);
    }

    pub fn unite(&mut self, other: &Self) {
        self.0.or_inplace(&other.0);
    }

    /// Only the members in `rows`.
    #[must_use]
    pub fn restricted(&self, rows: Range<u32>) -> Self {
        let mut window = Bitmap::from_range(rows);
        window.and_inplace(&self.0);
        Self(window)
    }

    /// `count` members in order, from the `first`-th smallest on (from 0).
    pub fn iter_from(&self, first: u32, count: u32) -> impl Iterator<Item = u32> {
        let mut members = self.0.iter();
        let taken = match self.0.select(first) {
            Some(start) => {
                members.reset_at_or_after(start);
                count as usize
            }
            None => 0,
        };
        members.take(taken)
    }

    /// The portable format of roaring bitmaps.
    pub fn serialize(&self, out: &mut Vec<u8>) {
        let mut compact = self.0.clone();
        compact.run_optimize();
        out.extend_from_slice(&compact.serialize::<Portable>());
    }

    /// Reads [`RowSet::serialize`]; `None` for bytes that are no valid set.
    pub fn deserialize(bytes: &[u8]) -> Option<Self> {
        let bitmap = Bitmap::try_deserialize::<Portable>(bytes)?;
        bitmap.internal_validate().ok()?;
        Some(Self(bitmap))
    }
}

impl FromIterator<u32> for RowSet {
    fn from_iter<T: IntoIterator<Item = u32>>(rows: T) -> Self {
        Self(rows.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(
            a in proptest::collection::btree_set(0u32..200_000, 0..200),
            b in proptest::collection::btree_set(0u32..200_000, 0..200),
            from in 0u32..200_000, length in 0u32..100_000,
        ) {
            let set = |s: &BTreeSet<u32>| s.iter().copied().collect::<RowSet>();
            let (x, y) = (set(&a), set(&b));
            let mut both = x.clone();
            both.intersect(&y);
            prop_assert_eq!(both, set(&a.intersection(&b).copied().collect()));
            let mut either = x.clone();
            either.unite(&y);
            prop_assert_eq!(&either, &set(&a.union(&b).copied().collect()));
            let window = from..from + length;
            let inside: BTreeSet<u32> = a.iter().copied().filter(|r| window.contains(r)).collect();
            prop_assert_eq!(x.restricted(window), set(&inside));
            let mut bytes = Vec::new();
            either.serialize(&mut bytes);
            prop_assert_eq!(RowSet::deserialize(&bytes), Some(either));
            for cut in 0..bytes.len().min(40) {
                let _ = RowSet::deserialize(&bytes[..cut]);
            }
        }
    }
}
