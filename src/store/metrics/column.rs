//! Numbers in columns: decimals become whole numbers, whole numbers go through `pco`.
//!
//! Metrics are mostly decimals with few digits. `99.5` has no short binary form, but 995 has, and
//! 995 / 10 is `99.5` again, to the last bit; that is checked for every value before it is stored.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};

use super::varint::{self, Reader};

/// More digits after the point are stored as floating point.
const EXPONENT_MAX: usize = 12;

/// Powers of ten that are exact in floating point.
const POWERS: [f64; EXPONENT_MAX + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
];

/// Whole numbers up to this are exact in floating point.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The whole number that stands for `value` at an exponent, if one does.
fn scale(value: f64, exponent: usize) -> Option<i64> {
    let power = POWERS.get(exponent)?;
    let whole = (value * power).round_ties_even();
    // Back from the integer, which has no -0.
    let back = (whole as i64) as f64 / power;
    let exact = whole.abs() <= WHOLE_MAX && back.to_bits() == value.to_bits();
    exact.then_some(whole as i64)
}

/// Turns values into whole numbers, `value * 10^exponent`, and returns the exponent; `None`, with
/// `out` as it was, if there is no exponent that keeps every value exactly.
pub(super) fn to_decimals(values: &[f64], out: &mut Vec<i64>) -> Option<u8> {
    let start = out.len();
    let mut exponent = 0;
    'exponents: loop {
        out.truncate(start);
        out.reserve(values.len());
        for value in values {
            match scale(*value, exponent) {
                Some(whole) => out.push(whole),
                None if exponent < EXPONENT_MAX => {
                    // Skip to the first exponent that suits this value.
                    exponent = (exponent + 1..=EXPONENT_MAX)
                        .find(|e| scale(*value, *e).is_some())
                        .unwrap_or(EXPONENT_MAX + 1);
                    if exponent > EXPONENT_MAX {
                        out.truncate(start);
                        return None;
                    }
                    continue 'exponents;
                }
                None => {
                    out.truncate(start);
                    return None;
                }
            }
        }
        return Some(exponent as u8);
    }
}

/// Undoes [`to_decimals`]. `None` for an exponent that never was.
pub(super) fn power_of(exponent: u8) -> Option<f64> {
    POWERS.get(usize::from(exponent)).copied()
}

const ALL_EQUAL: u8 = 0;
const DECIMALS: u8 = 1;
const FLOATS: u8 = 2;

/// Appends a self-contained column. The count is not stored.
pub(super) fn encode(values: &[f64], out: &mut Vec<u8>) -> Result<(), pco::errors::PcoError> {
    let Some(first) = values.first() else {
        return Ok(());
    };
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        out.push(ALL_EQUAL);
        out.extend_from_slice(&first.to_le_bytes());
        return Ok(());
    }
    let mut decimals = Vec::new();
    let config = ChunkConfig::default();
    let packed = match to_decimals(values, &mut decimals) {
        Some(exponent) => {
            out.extend([DECIMALS, exponent]);
            simple_compress(&decimals, &config)?
        }
        None => {
            out.push(FLOATS);
            simple_compress(values, &config)?
        }
    };
    varint::write_bytes(&packed, out);
    Ok(())
}

/// Reads a column of `count` numbers. `None` if the bytes are none. The caller bounds `count`:
/// equal numbers take no bytes.
pub(super) fn decode(reader: &mut Reader<'_>, count: usize) -> Option<Vec<f64>> {
    if count == 0 {
        return Some(Vec::new());
    }
    let values = match reader.u8()? {
        ALL_EQUAL => return Some(vec![reader.f64()?; count]),
        DECIMALS => {
            let power = power_of(reader.u8()?)?;
            let decimals: Vec<i64> = unpack(reader.bytes()?, count)?;
            decimals.into_iter().map(|d| d as f64 / power).collect()
        }
        FLOATS => unpack(reader.bytes()?, count)?,
        _ => return None,
    };
    Some(values)
}

/// Exactly `count` numbers, whatever the bytes say of their number: a few damaged bytes may
/// claim gigabytes.
fn unpack<T: Number + Default>(packed: &[u8], count: usize) -> Option<Vec<T>> {
    let mut numbers = vec![T::default(); count];
    let progress = simple_decompress_into(packed, &mut numbers).ok()?;
    (progress.finished && progress.n_processed == count).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_smallest_exponent() {
        let mut out = Vec::new();
        assert_eq!(to_decimals(&[1.0, 99.5, 0.25], &mut out), Some(2));
        assert_eq!(out, [100, 9950, 25]);
        assert_eq!(to_decimals(&[1.0, std::f64::consts::PI], &mut out), None);
        assert_eq!(out.len(), 3);
        assert_eq!(to_decimals(&[-0.0], &mut out), None, "the sign is kept");
        assert_eq!(to_decimals(&[1e300], &mut out), None);
        out.clear();
        assert_eq!(to_decimals(&[0.1, 1234567.8, 1e14], &mut out), Some(1));
    }

    fn round_trip(values: &[f64]) {
        let mut bytes = Vec::new();
        encode(values, &mut bytes).unwrap();
        let mut reader = Reader::new(&bytes);
        let read = decode(&mut reader, values.len()).unwrap();
        assert!(reader.is_empty());
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(values));
    }

    #[test]
    fn another_number_of_numbers_is_refused() {
        for packed in [&[1.0, 2.5][..], &[1.0, std::f64::consts::PI]] {
            let mut bytes = Vec::new();
            encode(packed, &mut bytes).unwrap();
            for (count, fits) in [(1, false), (2, true), (3, false), (300, false)] {
                let read = decode(&mut Reader::new(&bytes), count);
                assert_eq!(read.is_some(), fits, "{count}");
            }
        }
    }

    proptest! {
        #[test]
        fn columns_read_back_to_the_last_bit(
            floats in proptest::collection::vec(any::<f64>(), 0..50),
            decimals in proptest::collection::vec((-100_000i32..100_000, 0i32..6), 0..50),
            equal in any::<f64>(),
        ) {
            round_trip(&floats);
            round_trip(&decimals.iter().map(|(n, e)| f64::from(*n) / 10f64.powi(*e)).collect::<Vec<_>>());
            round_trip(&[equal; 9]);
        }
    }
}
