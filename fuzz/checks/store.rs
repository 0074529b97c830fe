//! Bytes on disk. Checksums guard them, so that plain noise never comes far: these checks seal
//! the noise again.

use std::io;
use std::sync::Arc;

use belfry_catalog::objects::{ObjectKind, ObjectRow};
use belfry_model::{Tenant, TimestampMs};
use belfry_store::Objects;
use belfry_store::logs::json::escape::escape;
use belfry_store::logs::json::shape::Shape;
use belfry_store::logs::json::value::{classify, unescape_exactly};
use belfry_store::logs::json::walk::{Dissection, Scalar, Token};
use belfry_store::logs::{self, EventKey, EventPtr, SegmentPart};
use belfry_store::metrics::{self, BlockPart};
use belfry_store::wal::{Lsn, Wal, WalConfig, WalDir, WalFile, WalRecord};
use bytes::Bytes;
use serde_json::{Value, json};

use super::checks::Check;

/// Every target of the store, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("wal_segment", wal_segment),
    ("wal_record", wal_record),
    ("metrics_block", metrics_block),
    ("block_part", block_part),
    ("log_segment", log_segment),
    ("segment_part", segment_part),
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

/// A letter for the log (`m`etrics or `l`ogs), the kind of the record (a byte), its payload.
pub fn wal_record(data: &[u8]) {
    let [log, kind, payload @ ..] = data else {
        return;
    };
    let record = WalRecord {
        lsn: Lsn::FIRST,
        kind: *kind,
        payload: Bytes::copy_from_slice(payload),
    };
    let _ = match log {
        b'm' => metrics::verify_record(&record),
        _ => logs::verify_record(&record),
    };
}

/// Verifies a block: everything that `belfry check` reads of it. The footer's checksum is made
/// right, those of the sections are not.
pub fn metrics_block(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal_footer(&mut bytes);
    let _ = metrics::verify_object("fuzz", Bytes::from(bytes));
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

/// The number of the part (a byte), its bytes.
pub fn block_part(data: &[u8]) {
    if let Some((number, raw)) = data.split_first() {
        let parts = BlockPart::ALL;
        let _ = parts[usize::from(*number) % parts.len()].read(raw);
    }
}

/// As [`block_part`].
pub fn segment_part(data: &[u8]) {
    if let Some((number, raw)) = data.split_first() {
        let parts = SegmentPart::ALL;
        let _ = parts[usize::from(*number) % parts.len()].read(raw);
    }
}

/// Verifies a segment: everything that `belfry check` reads of it. All checksums are made right
/// that the footer leads to.
pub fn log_segment(data: &[u8]) {
    thread_local! {
        static STORE: (tempfile::TempDir, Objects) = {
            let directory = tempfile::tempdir().expect("a directory");
            let objects = Objects::open_local(directory.path()).expect("a store");
            (directory, objects)
        };
    }
    let Some((bytes, row)) = sealed_segment(data) else {
        return;
    };
    STORE.with(|(directory, objects)| {
        let key = Objects::key(ObjectKind::LogSegment, row.id).to_string();
        std::fs::write(directory.path().join(key), bytes).expect("room for a file");
        let _ = logs::verify_object(objects, &row);
    });
}

/// Length, checksum, version, magic (`docs/formats/log-segment.md`).
const SEGMENT_TRAILER_BYTES: usize = 20;

/// The segment with its checksums right, and the row that the catalog would have of it.
fn sealed_segment(data: &[u8]) -> Option<(Vec<u8>, ObjectRow)> {
    let trailer_at = data.len().checked_sub(SEGMENT_TRAILER_BYTES)?;
    let (before, trailer) = data.split_at(trailer_at);
    let length = u32::from_le_bytes(*trailer.first_chunk()?) as usize;
    let (body, footer) = before.split_at(before.len().checked_sub(length)?);
    let mut footer: Value = serde_json::from_slice(footer).ok()?;
    // Checksums of blocks would keep all noise out.
    footer.as_object_mut()?.remove("rows_sums");
    for part in ["rows_part", "words_part", "values_part", "ids_part"] {
        seal_span(body, 0, footer.get_mut(part));
    }
    let values_at = footer.pointer("/values_part/offset")?.as_u64()?;
    for entry in footer.get_mut("values")?.as_array_mut()? {
        seal_span(body, values_at, Some(entry));
    }
    let number = |name: &str| footer.get(name).and_then(Value::as_i64).unwrap_or_default();
    let row = ObjectRow {
        id: Default::default(),
        kind: ObjectKind::LogSegment,
        tenant: Tenant::new("000000000000", "us-east-1"),
        level: 0,
        retention_class: "forever".to_owned(),
        min_ts: TimestampMs(number("min_ts")),
        max_ts: TimestampMs(number("max_ts")),
        rows: number("rows").cast_unsigned(),
        bytes: 0,
        created_at: TimestampMs(0),
        meta: json!({ "groups": footer.get("groups"), "text_bytes": number("text_bytes") }),
    };
    let footer = serde_json::to_vec(&footer).ok()?;
    let mut bytes = body.to_vec();
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&u32::try_from(footer.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
    bytes.extend_from_slice(trailer.get(8..)?);
    let row = ObjectRow {
        bytes: bytes.len() as u64,
        ..row
    };
    Some((bytes, row))
}

/// Gives the bytes that a span of the footer names their checksum.
fn seal_span(body: &[u8], base: u64, span: Option<&mut Value>) -> Option<()> {
    let span = span?;
    let offset = base.checked_add(span.get("offset")?.as_u64()?)?;
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(span.get("length")?.as_u64()?).ok()?)?;
    let crc = crc32c::crc32c(body.get(start..end)?);
    *span.get_mut("crc32c")? = json!(crc);
    Some(())
}

/// Takes a message apart and puts it together again, byte for byte.
pub fn log_json(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    log_texts(text);
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

/// What callers hand back of an event, and what columns take for a number.
fn log_texts(text: &str) {
    if let Some(key) = EventKey::parse(text) {
        assert_eq!(EventKey::parse(&key.to_text()), Some(key));
    }
    let _ = (EventPtr::parse(text), logs::parse_number(text));
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
