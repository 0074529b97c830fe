//! Bytes on disk. Checksums guard them, so that plain noise never comes far: these checks seal
//! the noise again.

use std::io;
use std::sync::Arc;

use belfry_store::logs::json::escape::escape;
use belfry_store::logs::json::shape::Shape;
use belfry_store::logs::json::value::{classify, unescape_exactly};
use belfry_store::logs::json::walk::{Dissection, Scalar, Token};
use belfry_store::metrics::verify_object;
use belfry_store::wal::{Lsn, Wal, WalConfig, WalDir, WalFile};
use bytes::Bytes;

use super::checks::Check;

/// Every target of the store, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("wal_segment", wal_segment),
    ("metrics_block", metrics_block),
    ("log_json", log_json),
];

const SEGMENT: &str = "00000000000000000001.wal";
/// The headers of `docs/formats/wal.md`.
const HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 28;

/// Opens a log of one segment and replays it.
pub fn wal_segment(data: &[u8]) {
    let mut bytes = b"BELFRYWL\x01\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(data);
    seal_records(bytes.get_mut(HEADER_BYTES..).unwrap_or_default());
    let dir = Arc::new(OneFile(bytes));
    if let Ok(mut log) = Wal::open_in("fuzz", dir, Lsn::FIRST, WalConfig::default()) {
        let mut before = None;
        let _ = log.replay(Lsn::FIRST, |record| {
            assert!(before < Some(record.lsn), "numbers of records rise");
            before = Some(record.lsn);
            Ok(())
        });
        log.close();
    }
}

/// Gives the records that lengths lead to their checksums; an odd first byte leaves one broken.
fn seal_records(mut bytes: &mut [u8]) {
    while let Some(length) = bytes.get(4..8).and_then(|four| four.first_chunk()) {
        let end = RECORD_HEADER_BYTES.saturating_add(u32::from_le_bytes(*length) as usize);
        let Some((record, rest)) = bytes.split_at_mut_checked(end) else {
            return;
        };
        if record[0] % 2 == 0 {
            let crc = crc32c::crc32c(&record[4..]);
            record[..4].copy_from_slice(&crc.to_le_bytes());
        }
        bytes = rest;
    }
}

/// A directory of one segment, to which nothing can be written.
struct OneFile(Vec<u8>);

impl WalDir for OneFile {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(vec![SEGMENT.to_owned()])
    }

    fn read(&self, _name: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }

    fn create(&self, _name: &str) -> io::Result<Box<dyn WalFile>> {
        Ok(Box::new(Nowhere))
    }

    fn open_at(&self, _name: &str, _len: u64) -> io::Result<Box<dyn WalFile>> {
        Ok(Box::new(Nowhere))
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

struct Nowhere;

impl WalFile for Nowhere {
    fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

/// Verifies a block: everything that `belfry check` reads of it. The footer's checksum is made
/// right, those of the sections are not.
pub fn metrics_block(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal_footer(&mut bytes);
    let _ = verify_object("fuzz", Bytes::from(bytes));
}

/// The tail: length and checksum of the footer, version, magic (`docs/formats/metrics-block.md`).
fn seal_footer(bytes: &mut [u8]) -> Option<()> {
    let tail = bytes.len().checked_sub(20)?;
    let length = u32::from_le_bytes(*bytes.get(tail..)?.first_chunk()?) as usize;
    let crc = crc32c::crc32c(bytes.get(tail.checked_sub(length)?..tail)?);
    bytes
        .get_mut(tail + 4..tail + 8)?
        .copy_from_slice(&crc.to_le_bytes());
    Some(())
}

/// Takes a message apart and puts it together again, byte for byte.
pub fn log_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut parts = Dissection::default();
    if !parts.dissect(text) {
        return;
    }
    // Keys that occur twice, or have escapes: such a message is kept as it is.
    let Some(shape) = Shape::parse(&parts.shape) else {
        return;
    };
    let mut again = Vec::new();
    let mut scalars = parts.scalars(text);
    for (position, constant) in shape.constants().enumerate() {
        if position > 0 {
            let scalar = scalars.next().expect("a scalar for each slot");
            if render(&scalar, &mut again).is_none() {
                return;
            }
        }
        again.extend_from_slice(constant.as_bytes());
    }
    assert_eq!(String::from_utf8_lossy(&again), text);
}

/// `None` for a string that no style of escaping gives back.
fn render(scalar: &Scalar<'_>, out: &mut Vec<u8>) -> Option<()> {
    match (classify(scalar), scalar.token) {
        (Some(value), _) => value.render(out),
        (None, Token::Null) => out.extend_from_slice(b"null"),
        (None, _) => {
            let mut plain = String::new();
            let style = unescape_exactly(scalar.text, &mut plain).ok()?;
            out.push(b'"');
            escape(&plain, style, out);
            out.push(b'"');
        }
    }
    Some(())
}
