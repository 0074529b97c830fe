//! The bytes of segment headers and records (`docs/formats/wal.md`).

use super::Lsn;

pub(super) const SEGMENT_MAGIC: &[u8; 8] = b"BELFRYWL";
pub(super) const SEGMENT_VERSION: u32 = 1;
pub(super) const SEGMENT_HEADER_BYTES: usize = 24;
pub(super) const RECORD_HEADER_BYTES: usize = 28;

/// The fixed part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    pub lsn: Lsn,
    /// First record of the same group commit.
    pub commit: Lsn,
    pub kind: u8,
}

pub(super) fn segment_header(first: Lsn) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(SEGMENT_MAGIC);
    header[8..12].copy_from_slice(&SEGMENT_VERSION.to_le_bytes());
    header[12..20].copy_from_slice(&first.0.to_le_bytes());
    let crc = crc32c::crc32c(&header[..20]);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// The first lsn a segment's header names, or why it cannot be read.
pub(super) fn parse_segment_header(bytes: &[u8]) -> Result<Lsn, String> {
    let header = bytes
        .first_chunk::<SEGMENT_HEADER_BYTES>()
        .ok_or_else(|| format!("segment header is cut off after {} bytes", bytes.len()))?;
    if header[..8] != SEGMENT_MAGIC[..] {
        return Err("not a segment: wrong magic".to_owned());
    }
    let found = crc32c::crc32c(&header[..20]);
    let expected = u32_at(bytes, 20).unwrap_or_default();
    if found != expected {
        return Err(format!(
            "segment header checksum is {found:08x}, expected {expected:08x}"
        ));
    }
    let version = u32_at(bytes, 8).unwrap_or_default();
    if version != SEGMENT_VERSION {
        return Err(format!("segment version {version} is not supported"));
    }
    Ok(Lsn(u64_at(bytes, 12).unwrap_or_default()))
}

/// Bytes of a record's header that are zero.
pub(super) const RECORD_PADDING: std::ops::Range<usize> = 25..RECORD_HEADER_BYTES;

/// Appends a record to `out`.
pub(super) fn encode(header: RecordHeader, payload: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&header.lsn.0.to_le_bytes());
    out.extend_from_slice(&header.commit.0.to_le_bytes());
    out.extend_from_slice(&[header.kind, 0, 0, 0]);
    out.extend_from_slice(payload);
    let crc = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the record at the start of `bytes`: its header and the length of its payload, which
/// follows the header.
pub(super) fn parse(bytes: &[u8]) -> Result<(RecordHeader, usize), String> {
    let (header, length) = parse_header(bytes)
        .ok_or_else(|| format!("record header is cut off after {} bytes", bytes.len()))?;
    let end = RECORD_HEADER_BYTES.saturating_add(length);
    let checked = bytes
        .get(4..end)
        .ok_or_else(|| format!("record of {end} bytes is cut off after {}", bytes.len()))?;
    let found = crc32c::crc32c(checked);
    let expected = u32_at(bytes, 0).unwrap_or_default();
    if found != expected {
        return Err(format!(
            "record checksum is {found:08x}, expected {expected:08x}"
        ));
    }
    Ok((header, length))
}

/// The header's fields, unchecked.
pub(super) fn parse_header(bytes: &[u8]) -> Option<(RecordHeader, usize)> {
    let header = RecordHeader {
        lsn: Lsn(u64_at(bytes, 8)?),
        commit: Lsn(u64_at(bytes, 16)?),
        kind: *bytes.get(24)?,
    };
    bytes.get(..RECORD_HEADER_BYTES)?;
    Some((header, usize::try_from(u32_at(bytes, 4)?).ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let slice = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(slice.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let slice = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(slice.try_into().ok()?))
}
