//! The heads of CBOR data items (RFC 8949, section 3): kind and argument, read from a slice.
//!
//! Written out because a PutMetricData has tens of thousands of them, and a reader made for
//! streams takes longer over each than all the rest of decoding does.

use super::DecodeError;

/// One head, before the content of its item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Header {
    Positive(u64),
    /// Stores `-1 - argument`.
    Negative(u64),
    /// `None`: in chunks, up to a break. The same for the three below.
    Bytes(Option<u64>),
    Text(Option<u64>),
    Array(Option<u64>),
    Map(Option<u64>),
    Tag,
    Float(f64),
    Bool(bool),
    /// `null` and `undefined`.
    Null,
    /// A simple value without a meaning for us.
    Other,
    Break,
}

/// First bytes of items that are recognised before they are read.
pub(super) const NULL: u8 = 0xf6;
pub(super) const UNDEFINED: u8 = 0xf7;
pub(super) const BREAK: u8 = 0xff;

pub(super) fn truncated() -> DecodeError {
    DecodeError::new("the CBOR data ends early")
}

fn malformed() -> DecodeError {
    DecodeError::new("malformed CBOR data")
}

/// The header at the start of `input`, and what comes after it.
#[inline]
pub(super) fn read(input: &[u8]) -> Result<(Header, &[u8]), DecodeError> {
    let (&first, rest) = input.split_first().ok_or_else(truncated)?;
    let minor = first & 0x1f;
    let (argument, rest) = match minor {
        0..=23 => (Some(u64::from(minor)), rest),
        24 => fixed::<1>(rest).map(|([a], rest)| (Some(u64::from(a)), rest))?,
        25 => fixed(rest).map(|(a, rest)| (Some(u64::from(u16::from_be_bytes(a))), rest))?,
        26 => fixed(rest).map(|(a, rest)| (Some(u64::from(u32::from_be_bytes(a))), rest))?,
        27 => fixed(rest).map(|(a, rest)| (Some(u64::from_be_bytes(a)), rest))?,
        31 => (None, rest),
        _ => return Err(malformed()),
    };
    let header = match (first >> 5, argument) {
        (0, Some(value)) => Header::Positive(value),
        (1, Some(value)) => Header::Negative(value),
        (2, len) => Header::Bytes(len),
        (3, len) => Header::Text(len),
        (4, len) => Header::Array(len),
        (5, len) => Header::Map(len),
        (6, Some(_)) => Header::Tag,
        (7, Some(bits)) => simple_or_float(minor, bits),
        (7, None) => Header::Break,
        _ => return Err(malformed()),
    };
    Ok((header, rest))
}

#[inline]
fn fixed<const N: usize>(input: &[u8]) -> Result<([u8; N], &[u8]), DecodeError> {
    input
        .split_first_chunk()
        .map(|(chunk, rest)| (*chunk, rest))
        .ok_or_else(truncated)
}

#[inline]
fn simple_or_float(minor: u8, bits: u64) -> Header {
    match (minor, bits) {
        // The casts undo the widening above.
        (25, bits) => Header::Float(half::f16::from_bits(bits as u16).to_f64()),
        (26, bits) => Header::Float(f64::from(f32::from_bits(bits as u32))),
        (27, bits) => Header::Float(f64::from_bits(bits)),
        (_, 20) => Header::Bool(false),
        (_, 21) => Header::Bool(true),
        (_, 22 | 23) => Header::Null,
        _ => Header::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949, appendix A.
    #[test]
    fn examples_of_the_rfc() {
        for (bytes, header) in [
            (&b"\x00"[..], Header::Positive(0)),
            (b"\x17", Header::Positive(23)),
            (b"\x18\x64", Header::Positive(100)),
            (b"\x19\x03\xe8", Header::Positive(1_000)),
            (b"\x1a\x00\x0f\x42\x40", Header::Positive(1_000_000)),
            (
                b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
                Header::Positive(u64::MAX),
            ),
            (b"\x38\x63", Header::Negative(99)),
            (b"\xf9\x00\x01", Header::Float(5.960_464_477_539_063e-8)),
            (b"\xf9\x7c\x00", Header::Float(f64::INFINITY)),
            (b"\xf9\xc4\x00", Header::Float(-4.0)),
            (b"\xfa\x47\xc3\x50\x00", Header::Float(100_000.0)),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", Header::Float(1.1)),
            (b"\xf4", Header::Bool(false)),
            (b"\xf5", Header::Bool(true)),
            (b"\xf6", Header::Null),
            (b"\xf7", Header::Null),
            (b"\xf0", Header::Other),
            (b"\xf8\xff", Header::Other),
            (b"\xc1", Header::Tag),
            (b"\xd8\x20", Header::Tag),
            (b"\x44", Header::Bytes(Some(4))),
            (b"\x5f", Header::Bytes(None)),
            (b"\x60", Header::Text(Some(0))),
            (b"\x98\x19", Header::Array(Some(25))),
            (b"\x9f", Header::Array(None)),
            (b"\xa1", Header::Map(Some(1))),
            (b"\xbf", Header::Map(None)),
            (b"\xff", Header::Break),
        ] {
            assert_eq!(read(bytes), Ok((header, &b""[..])), "{bytes:x?}");
        }
        for bytes in [
            &b""[..],
            b"\x18",
            b"\x1b\x00",
            b"\x1c",
            b"\x1f",
            b"\xdf",
            b"\xfc",
        ] {
            assert!(read(bytes).is_err(), "{bytes:x?}");
        }
    }
}
