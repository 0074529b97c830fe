//! Reading one segment, and telling a torn tail from a torn middle.

use bytes::Bytes;

use super::record::{self, RECORD_HEADER_BYTES, RECORD_PADDING, SEGMENT_HEADER_BYTES};
use super::{Lsn, WalDir, WalRecord};
use crate::error::{Error, Result};

const SUFFIX: &str = ".wal";

/// What one segment file holds.
pub(super) struct SegmentContent {
    pub records: Vec<WalRecord>,
    /// Bytes up to the end of the last good record.
    pub good_bytes: u64,
    /// The lsn after the last good record.
    pub end_lsn: Lsn,
    /// Why reading stopped before the end of the file, if it did.
    pub damage: Option<Damage>,
}

/// Bytes that are no record.
#[derive(Debug)]
pub(super) struct Damage {
    pub why: String,
    /// A good record of a later group commit follows: what is broken was acknowledged.
    pub middle: bool,
}

pub(super) fn file_name(first: Lsn) -> String {
    format!("{:020}{SUFFIX}", first.0)
}

pub(super) fn parse_file_name(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok().map(Lsn))?
}

/// Reads a segment up to the first bytes that are no record.
///
/// # Errors
/// If the file cannot be read or its header is not that of the segment its name promises.
pub(super) fn read(dir: &dyn WalDir, name: &str) -> Result<SegmentContent> {
    let bytes = dir
        .read(name)
        .map(Bytes::from)
        .map_err(|e| Error::io("write-ahead log", name, e))?;
    let corrupt = |why: String| Error::WalCorrupt {
        file: name.to_owned(),
        offset: 0,
        why,
    };
    let first = record::parse_segment_header(&bytes).map_err(corrupt)?;
    if parse_file_name(name) != Some(first) {
        return Err(corrupt(format!("header names first lsn {}", first.0)));
    }
    Ok(parse(&bytes, first))
}

/// Whether the file is the trace of a crash while it was created: no good header, no record.
pub(super) fn is_unborn(dir: &dyn WalDir, name: &str) -> Result<bool> {
    let bytes = dir
        .read(name)
        .map_err(|e| Error::io("write-ahead log", name, e))?;
    Ok(record::parse_segment_header(&bytes).is_err() && bytes.len() <= SEGMENT_HEADER_BYTES)
}

fn parse(bytes: &Bytes, first: Lsn) -> SegmentContent {
    let mut records = Vec::new();
    let mut at = SEGMENT_HEADER_BYTES;
    let mut next = first;
    let mut damage = None;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let parsed = record::parse(rest).and_then(|(header, length)| {
            if header.lsn == next {
                Ok((header, length))
            } else {
                Err(format!("record has lsn {}, not {}", header.lsn.0, next.0))
            }
        });
        match parsed {
            Ok((header, length)) => {
                let payload_at = at + RECORD_HEADER_BYTES;
                records.push(WalRecord {
                    lsn: header.lsn,
                    kind: header.kind,
                    payload: bytes.slice(payload_at..payload_at + length),
                });
                at = payload_at + length;
                next = next.next();
            }
            Err(why) => {
                let middle = later_commit_follows(rest, next);
                damage = Some(Damage { why, middle });
                break;
            }
        }
    }
    SegmentContent {
        records,
        good_bytes: at as u64,
        end_lsn: next,
        damage,
    }
}

/// Whether `bytes` hold, at any offset, a good record of a group commit that began after `broken`.
fn later_commit_follows(bytes: &[u8], broken: Lsn) -> bool {
    // No more records than fit can lie between.
    let last = Lsn(broken
        .0
        .saturating_add((bytes.len() / RECORD_HEADER_BYTES) as u64));
    (1..bytes.len()).any(|at| {
        let rest = bytes.get(at..).unwrap_or_default();
        // The cheap look at the header spares the checksum at nearly all offsets. It must be a
        // close one: a payload of small numbers looks like a header at every other offset, and to
        // sum all that follows each of them takes minutes.
        record::parse_header(rest).is_some_and(|(header, length)| {
            header.commit > broken
                && header.lsn >= header.commit
                && header.lsn <= last
                && rest.get(RECORD_PADDING) == Some(&[0; 3])
                && length <= rest.len()
                && record::parse(rest).is_ok()
        })
    })
}
