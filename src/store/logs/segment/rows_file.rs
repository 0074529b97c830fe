//! `rows.parquet` inside its object, checked as it is read.
//!
//! Parquet asks for a page or two at a time, so the file's own checksum is of no use to it. A
//! part of its own has one for each block of the file; what is read is rounded out to blocks.

use std::sync::{Arc, OnceLock};

use belfry_catalog::objects::ObjectKind;
use bytes::{Buf, Bytes};
use parking_lot::Mutex;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use ulid::Ulid;

use super::layout::{Footer, RowsSums, Span, crc};
use crate::error::{Error, Result};
use crate::objects::Objects;

/// Parquet reads headers of unknown size: so much is fetched for them.
const HEADER_BYTES: u64 = 64 * 1024;

/// Bytes of the file that share a checksum. Pages of small columns have a few KiB.
pub(super) const BLOCK_BYTES: u32 = 8 * 1024;

/// Checksums of the blocks of a file, 4 bytes each.
pub(super) fn sums(file: &[u8]) -> Vec<u8> {
    let blocks = file.chunks(BLOCK_BYTES as usize);
    blocks.flat_map(|b| crc(b).to_le_bytes()).collect()
}

#[derive(Clone)]
pub(in crate::logs) struct RowsFile {
    objects: Objects,
    id: Ulid,
    span: Span,
    /// Files of earlier builds have none.
    sums: Option<RowsSums>,
    loaded: Arc<OnceLock<Bytes>>,
    /// Why a read failed: Parquet passes on no more than a text.
    failed: Arc<Mutex<Option<Error>>>,
}

impl RowsFile {
    pub fn new(objects: &Objects, id: Ulid, footer: &Footer) -> Self {
        Self {
            objects: objects.clone(),
            id,
            span: footer.rows_part,
            sums: footer.rows_sums,
            loaded: Arc::default(),
            failed: Arc::default(),
        }
    }

    /// For one more reader, with errors of its own.
    pub fn for_reader(&self) -> Self {
        Self {
            failed: Arc::default(),
            ..self.clone()
        }
    }

    /// What to report where Parquet failed with `error`: what a read of the object failed with,
    /// or else that the bytes make no sense.
    pub fn error(&self, error: Error) -> Error {
        let read = self.failed.lock().take();
        read.unwrap_or_else(|| self.corrupt(self.span.offset, error.to_string()))
    }

    fn corrupt(&self, offset: u64, why: String) -> Error {
        Error::ObjectCorrupt {
            key: Objects::key(ObjectKind::LogSegment, self.id).to_string(),
            offset,
            why,
        }
    }

    fn range(&self, from: u64, to: u64) -> Result<Bytes> {
        self.objects
            .read_range_blocking(ObjectKind::LogSegment, self.id, from..to)
    }

    fn read(&self, start: u64, length: u64) -> Result<Bytes> {
        let end = start.saturating_add(length);
        if end > self.span.length {
            let at = self.span.offset.saturating_add(start);
            return Err(self.corrupt(at, "a read beyond the end of the rows".to_owned()));
        }
        let Some(sums) = self.sums else {
            return self.range(self.span.offset + start, self.span.offset + end);
        };
        let block = u64::from(sums.block_bytes.max(1));
        let first = start / block;
        let from = first * block;
        let to = end.div_ceil(block).saturating_mul(block);
        let to = to.min(self.span.length);
        let bytes = self.range(self.span.offset + from, self.span.offset + to)?;
        let wanted = self.load(sums)?.chunks_exact(4).skip(first as usize);
        let mut at = self.span.offset + from;
        for (content, sum) in bytes.chunks(block as usize).zip(wanted) {
            let (found, sum) = (crc(content), sum_of(sum));
            if found != sum {
                let why = format!("checksum of the rows is {found:08x}, expected {sum:08x}");
                return Err(self.corrupt(at, why));
            }
            at += content.len() as u64;
        }
        let skip = (start - from) as usize;
        Ok(bytes.slice(skip..skip + length as usize))
    }

    fn load(&self, sums: RowsSums) -> Result<&Bytes> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let part = sums.part;
        let bytes = self.range(part.range().start, part.range().end)?;
        let found = crc(&bytes);
        if found != part.crc32c {
            let why = format!("checksum is {found:08x}, expected {:08x}", part.crc32c);
            return Err(self.corrupt(part.offset, why));
        }
        Ok(self.loaded.get_or_init(|| bytes))
    }

    fn read_for_parquet(&self, start: u64, length: u64) -> parquet::errors::Result<Bytes> {
        self.read(start, length).map_err(|error| {
            let text = ParquetError::General(error.to_string());
            *self.failed.lock() = Some(error);
            text
        })
    }
}

fn sum_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap_or_default())
}

impl Length for RowsFile {
    fn len(&self) -> u64 {
        self.span.length
    }
}

impl ChunkReader for RowsFile {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        let rest = self.span.length.saturating_sub(start);
        let bytes = self.read_for_parquet(start, rest.min(HEADER_BYTES))?;
        Ok(bytes.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.read_for_parquet(start, length as u64)
    }
}
