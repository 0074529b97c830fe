//! Lists of timestamps. Series that are sampled together share one; a regular one costs a step.

use std::collections::HashMap;

use ahash::RandomState;

use super::chunks::CHUNK_SAMPLES_MAX;
use crate::metrics::varint::{self, Reader};

/// Collects clocks and hands out their numbers.
#[derive(Debug, Default)]
pub(super) struct ClocksBuilder {
    known: HashMap<Box<[i64]>, u32, RandomState>,
    entries: Vec<u8>,
    last: Option<(Box<[i64]>, u32)>,
}

impl ClocksBuilder {
    /// The number of a list of ascending times.
    pub(super) fn number_of(&mut self, times: &[i64]) -> u32 {
        if let Some((last, number)) = &self.last
            && **last == *times
        {
            return *number;
        }
        let next = self.known.len() as u32;
        let number = match self.known.get(times) {
            Some(number) => *number,
            None => {
                encode(times, &mut self.entries);
                self.known.insert(times.into(), next);
                next
            }
        };
        self.last = Some((times.into(), number));
        number
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() + 5);
        varint::write(self.known.len() as u64, &mut out);
        out.extend_from_slice(&self.entries);
        out
    }
}

/// Count, first, last, length of the packed steps (0: all steps are equal), packed steps in
/// units of their greatest common divisor.
fn encode(times: &[i64], out: &mut Vec<u8>) {
    let (first, last) = (
        times.first().copied().unwrap_or_default(),
        times.last().copied().unwrap_or_default(),
    );
    varint::write(times.len() as u64, out);
    varint::write_signed(first, out);
    varint::write(last.wrapping_sub(first) as u64, out);
    let steps = || times.windows(2).map(|w| w[1].wrapping_sub(w[0]) as u64);
    let step = steps().next().unwrap_or_default();
    if steps().all(|s| s == step) {
        varint::write(0, out);
        return;
    }
    let divisor = steps().fold(0, greatest_common_divisor).max(1);
    let mut packed = Vec::with_capacity(times.len());
    varint::write(divisor, &mut packed);
    for step in steps() {
        varint::write(step / divisor, &mut packed);
    }
    varint::write_bytes(&packed, out);
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The clocks of a block in memory, irregular ones still packed.
#[derive(Debug)]
pub(crate) struct Clocks {
    raw: Vec<u8>,
    clocks: Vec<Clock>,
}

/// The ends of a list of timestamps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub count: u32,
    pub first: i64,
    pub last: i64,
    /// The packed steps in `raw`; empty: all steps are equal.
    packed: (u32, u32),
}

impl Clocks {
    /// `None` if the bytes hold no clocks.
    pub(super) fn parse(raw: Vec<u8>) -> Option<Self> {
        let mut reader = Reader::new(&raw);
        let count = reader.usize()?;
        if count > reader.left() / 4 {
            return None;
        }
        let mut clocks = Vec::with_capacity(count);
        for _ in 0..count {
            let count = reader.u32()?;
            let first = reader.i64()?;
            let last = first.checked_add(i64::try_from(reader.u64()?).ok()?)?;
            let packed = reader.bytes()?;
            let end = u32::try_from(raw.len() - reader.left()).ok()?;
            let packed = (end - packed.len() as u32, end);
            // A regular clock's steps must come out even, a packed one has a byte a step.
            let sound = (1..=CHUNK_SAMPLES_MAX as u32).contains(&count)
                && if packed.0 == packed.1 {
                    match i64::from(count) - 1 {
                        0 => first == last,
                        steps => (last - first) % steps == 0,
                    }
                } else {
                    packed.1 - packed.0 >= count
                };
            if !sound {
                return None;
            }
            clocks.push(Clock {
                count,
                first,
                last,
                packed,
            });
        }
        reader.is_empty().then_some(Self { raw, clocks })
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Clock> {
        self.clocks.get(number as usize)
    }

    /// Replaces `out` by the timestamps of a clock. `None`, with `out` unspecified, if it is
    /// damaged.
    pub(crate) fn unpack(&self, number: u32, out: &mut Vec<i64>) -> Option<()> {
        let clock = self.get(number)?;
        out.clear();
        if clock.packed.0 == clock.packed.1 {
            let steps = i64::from(clock.count) - 1;
            let step = (clock.last - clock.first) / steps.max(1);
            out.extend((0..=steps).map(|i| clock.first + i * step));
            return Some(());
        }
        let packed = self
            .raw
            .get(clock.packed.0 as usize..clock.packed.1 as usize)?;
        let mut reader = Reader::new(packed);
        let divisor = i64::try_from(reader.u64()?).ok()?;
        let mut time = clock.first;
        out.reserve(clock.count as usize);
        out.push(time);
        while !reader.is_empty() {
            let step = i64::try_from(reader.u64()?).ok()?.checked_mul(divisor)?;
            time = time.checked_add(step)?;
            out.push(time);
        }
        (out.len() == clock.count as usize && time == clock.last).then_some(())
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.clocks.len()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.raw.capacity() + self.clocks.capacity() * size_of::<Clock>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shared_and_regular_clocks_cost_next_to_nothing() {
        let regular: Vec<i64> = (0..8_000).map(|i| 1_700_000_000_000 + i * 10_000).collect();
        let mut builder = ClocksBuilder::default();
        for _ in 0..100 {
            assert_eq!(builder.number_of(&regular), 0);
        }
        assert_eq!(builder.number_of(&regular[..5]), 1);
        assert_eq!(builder.number_of(&regular), 0);
        let raw = builder.finish();
        assert!(raw.len() < 40);
        let clocks = Clocks::parse(raw).unwrap();
        let mut times = Vec::new();
        clocks.unpack(0, &mut times).unwrap();
        assert_eq!(times, regular);
    }

    proptest! {
        #[test]
        fn clocks_read_back(lists in proptest::collection::vec(
            proptest::collection::btree_set((-1000i64..1000).prop_map(|t| t * 60_000), 1..50), 0..10)
        ) {
            let lists: Vec<Vec<i64>> = lists.into_iter().map(|l| l.into_iter().collect()).collect();
            let mut builder = ClocksBuilder::default();
            let numbers: Vec<u32> = lists.iter().map(|l| builder.number_of(l)).collect();
            let clocks = Clocks::parse(builder.finish()).unwrap();
            let mut times = Vec::new();
            for (list, number) in lists.iter().zip(numbers) {
                clocks.unpack(number, &mut times).unwrap();
                prop_assert_eq!(&times, list);
                let clock = clocks.get(number).unwrap();
                prop_assert_eq!((clock.first, clock.last), (list[0], list[list.len() - 1]));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(raw in proptest::collection::vec(0u8..9, 0..60)) {
            if let Some(clocks) = Clocks::parse(raw) {
                let mut times = Vec::new();
                for number in 0..clocks.len() as u32 {
                    let _ = clocks.unpack(number, &mut times);
                }
            }
        }
    }
}
