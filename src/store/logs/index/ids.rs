//! Which pages of rows may hold an id: one filter a page.
//!
//! A filter is a binary fuse filter of 16-bit fingerprints (Graf and Lemire, "Binary Fuse
//! Filters: Fast and Smaller Than Xor Filters", 2022): about 2.4 bytes an id, wrong once in
//! 65,536 questions.

use std::ops::Range;

/// Rows of one page.
pub const PAGE_ROWS: u32 = 4096;

/// Construction draws a new seed when keys collide; this many never collide in a row.
const ATTEMPTS: u64 = 100;

/// Filters of consecutive pages, while they are built.
#[derive(Debug, Default)]
pub struct IdsBuilder {
    page: Vec<u64>,
    filters: Vec<u8>,
    /// Where each page's filter ends in `filters`.
    ends: Vec<u32>,
}

impl IdsBuilder {
    /// An id in the current page, by its hash.
    pub fn add(&mut self, hash: u64) {
        self.page.push(hash);
    }

    /// Ends the current page.
    pub fn end_page(&mut self) {
        self.page.sort_unstable();
        self.page.dedup();
        build_filter(&self.page, &mut self.filters);
        self.page.clear();
        self.ends.push(self.filters.len() as u32);
    }

    /// All pages: their number, where each ends, the filters.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.ends.len() * 4 + self.filters.len());
        out.extend_from_slice(&(self.ends.len() as u32).to_le_bytes());
        for end in &self.ends {
            out.extend_from_slice(&end.to_le_bytes());
        }
        out.extend_from_slice(&self.filters);
        out
    }
}

/// The filters of a segment.
#[derive(Debug)]
pub struct Ids {
    filters: bytes::Bytes,
    ends: Vec<u32>,
}

impl Ids {
    /// Reads [`IdsBuilder::finish`]; `None` for bytes that are none.
    pub fn open(bytes: &bytes::Bytes) -> Option<Self> {
        let count = u32_at(bytes, 0)? as usize;
        let start = count.checked_mul(4)?.checked_add(4)?;
        let ends: Vec<u32> = bytes
            .get(4..start)?
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default()))
            .collect();
        let filters = bytes.slice(start..);
        let ordered = ends.is_sorted() && ends.last().is_none_or(|&e| e as usize <= filters.len());
        ordered.then_some(Self { filters, ends })
    }

    pub fn pages(&self) -> usize {
        self.ends.len()
    }

    /// Whether page `page` may hold the id with this hash.
    pub fn may_hold(&self, page: usize, hash: u64) -> bool {
        let start = match page {
            0 => 0,
            _ => self.ends.get(page - 1).copied().unwrap_or_default() as usize,
        };
        let end = self.ends.get(page).copied().unwrap_or_default() as usize;
        match self.filters.get(start..end) {
            Some(filter) => filter_holds(filter, hash),
            None => true,
        }
    }

    /// The pages that may hold the id, as ranges of rows; the last may reach beyond the segment.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = Range<u32>> {
        (0..self.pages())
            .filter(move |&page| self.may_hold(page, hash))
            .map(|page| {
                let start = (page as u32).saturating_mul(PAGE_ROWS);
                start..start.saturating_add(PAGE_ROWS)
            })
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let found = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(found.try_into().ok()?))
}

/// Seed, log2 of the segment length, segments; then the fingerprints.
const HEADER_BYTES: usize = 8 + 4 + 4;

#[derive(Clone, Copy, Debug)]
struct Layout {
    segment_bits: u32,
    segments: u32,
}

impl Layout {
    /// The sizes the paper recommends for three hashes.
    fn of(keys: usize) -> Self {
        let n = keys.max(2) as f64;
        let segment_bits = (n.ln() / 3.33f64.ln() + 2.25).floor().clamp(2.0, 18.0) as u32;
        let factor = (0.875 + 0.25 * 1e6f64.ln() / n.ln()).max(1.125);
        let slots = (n * factor).round() as u32;
        let segments = slots.div_ceil(1 << segment_bits).saturating_sub(2).max(1);
        Self {
            segment_bits,
            segments,
        }
    }

    fn slots(self) -> usize {
        (self.segments as usize + 2) << self.segment_bits
    }

    fn places(self, hash: u64) -> [usize; 3] {
        let spread = u64::from(self.segments) << self.segment_bits;
        let first = ((u128::from(hash) * u128::from(spread)) >> 64) as u64;
        let length = 1u64 << self.segment_bits;
        let mask = length - 1;
        [
            first as usize,
            ((first + length) ^ ((hash >> 18) & mask)) as usize,
            ((first + 2 * length) ^ (hash & mask)) as usize,
        ]
    }
}

const fn mix(key: u64, seed: u64) -> u64 {
    let mut x = key.wrapping_add(seed);
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

const fn fingerprint(hash: u64) -> u16 {
    (hash ^ (hash >> 32)) as u16
}

/// Appends the filter of `keys`, which are distinct; nothing if there are none.
fn build_filter(keys: &[u64], out: &mut Vec<u8>) {
    if keys.is_empty() {
        return;
    }
    let layout = Layout::of(keys.len());
    for attempt in 0..ATTEMPTS {
        let seed = mix(attempt, 0x5bd1_e995);
        if let Some(fingerprints) = try_build(keys, layout, seed) {
            out.extend_from_slice(&seed.to_le_bytes());
            out.extend_from_slice(&layout.segment_bits.to_le_bytes());
            out.extend_from_slice(&layout.segments.to_le_bytes());
            for f in fingerprints {
                out.extend_from_slice(&f.to_le_bytes());
            }
            return;
        }
    }
    // Cannot happen for distinct keys; a filter of one byte answers "may hold" to everything.
    out.push(0);
}

fn try_build(keys: &[u64], layout: Layout, seed: u64) -> Option<Vec<u16>> {
    // Peeling: a slot that one key alone maps to decides that key.
    let slots = layout.slots();
    let mut counts = vec![0u32; slots];
    let mut sums = vec![0u64; slots];
    for &key in keys {
        let hash = mix(key, seed);
        for place in layout.places(hash) {
            *counts.get_mut(place)? += 1;
            *sums.get_mut(place)? ^= hash;
        }
    }
    let mut alone: Vec<usize> = (0..slots).filter(|&s| counts.get(s) == Some(&1)).collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(slot) = alone.pop() {
        if counts.get(slot) != Some(&1) {
            continue;
        }
        let hash = *sums.get(slot)?;
        order.push((hash, slot));
        for place in layout.places(hash) {
            let count = counts.get_mut(place)?;
            *count -= 1;
            *sums.get_mut(place)? ^= hash;
            if *count == 1 {
                alone.push(place);
            }
        }
    }
    if order.len() < keys.len() {
        return None;
    }
    let mut fingerprints = vec![0u16; slots];
    for &(hash, slot) in order.iter().rev() {
        let mut value = fingerprint(hash);
        for place in layout.places(hash) {
            if place != slot {
                value ^= fingerprints.get(place)?;
            }
        }
        *fingerprints.get_mut(slot)? = value;
    }
    Some(fingerprints)
}

fn filter_holds(filter: &[u8], key: u64) -> bool {
    if filter.is_empty() {
        return false;
    }
    let check = || -> Option<bool> {
        let seed = u64::from_le_bytes(filter.get(..8)?.try_into().ok()?);
        let layout = Layout {
            segment_bits: u32_at(filter, 8).filter(|&b| b <= 18)?,
            segments: u32_at(filter, 12)?,
        };
        let hash = mix(key, seed);
        let mut value = fingerprint(hash);
        for place in layout.places(hash) {
            let at = place.checked_mul(2)?.checked_add(HEADER_BYTES)?;
            let stored = filter.get(at..at.checked_add(2)?)?;
            value ^= u16::from_le_bytes(stored.try_into().ok()?);
        }
        Some(value == 0)
    };
    check().unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn build(pages: &[Vec<u64>]) -> Ids {
        let mut builder = IdsBuilder::default();
        for page in pages {
            page.iter().for_each(|&h| builder.add(h));
            builder.end_page();
        }
        Ids::open(&bytes::Bytes::from(builder.finish())).unwrap()
    }

    proptest! {
        #[test]
        fn never_misses_an_id(pages in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 0..300), 0..4)) {
            let ids = build(&pages);
            prop_assert_eq!(ids.pages(), pages.len());
            for (page, hashes) in pages.iter().enumerate() {
                for &hash in hashes {
                    prop_assert!(ids.may_hold(page, hash));
                }
            }
        }

        #[test]
        fn damaged_filters_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), hash in any::<u64>()) {
            if let Some(ids) = Ids::open(&bytes::Bytes::from(bytes)) {
                let _ = ids.candidates(hash).count();
            }
        }
    }

    #[test]
    fn is_rarely_wrong_and_small() {
        let hashes: Vec<u64> = (0..10_000).map(|i| mix(i, 1)).collect();
        let ids = build(std::slice::from_ref(&hashes));
        let wrong = (0..1_000_000u64)
            .filter(|&i| ids.may_hold(0, mix(i, 1 << 40)))
            .count();
        assert!(wrong < 60, "{wrong} of a million");
        let bytes = ids.filters.len() as f64 / hashes.len() as f64;
        assert!(bytes < 2.7, "{bytes} bytes an id");
        assert!(build(&[Vec::new()]).candidates(7).next().is_none());
    }
}
