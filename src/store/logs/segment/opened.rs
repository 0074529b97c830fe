//! A segment that is read: footer, index and file metadata, loaded when needed and cached.
//!
//! Everything here blocks on I/O.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ahash::AHashMap;
use arrow::datatypes::{DataType, Field, Schema};
use belfry_catalog::log_groups::LogStreamId;
use belfry_catalog::objects::ObjectKind;
use bytes::Bytes;
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use ulid::Ulid;

use super::layout::{
    Footer, MAGIC, Span, TRAILER_BYTES, ValuesKey, crc, decode_footer, decode_trailer,
};
use super::rebuild::Shapes;
use super::rows_file::RowsFile;
use super::rows_part::{parquet_error, system_fields};
use super::time_pages;
use crate::decoding::decoding;
use crate::error::{Error, Result};
use crate::logs::index::ids::Ids;
use crate::logs::index::values::Values;
use crate::logs::index::words::WordsIndex;
use crate::logs::json::value::Kind;
use crate::logs::row_set::RowSet;
use crate::objects::Objects;

/// The first read of an object fetches so much of its end: trailer and, mostly, the footer.
const TAIL_BYTES: u64 = 64 * 1024;

/// An opened segment.
pub struct OpenSegment {
    pub id: Ulid,
    pub footer: Footer,
    objects: Objects,
    file: RowsFile,
    stream_positions: AHashMap<LogStreamId, u32>,
    metadata: OnceLock<ArrowReaderMetadata>,
    words: OnceLock<WordsIndex>,
    ids: OnceLock<Ids>,
    shapes: OnceLock<Shapes>,
    values: Mutex<HashMap<ValuesKey, Arc<Values>>>,
    /// Memory held, about.
    loaded_bytes: AtomicU64,
}

fn corrupt(id: Ulid, offset: u64, why: impl Into<String>) -> Error {
    Error::ObjectCorrupt {
        key: Objects::key(ObjectKind::LogSegment, id).to_string(),
        offset,
        why: why.into(),
    }
}

impl OpenSegment {
    /// Reads the footer of an object of `size` bytes.
    pub fn open(objects: &Objects, id: Ulid, size: u64) -> Result<Self> {
        let read = |range| objects.read_range_blocking(ObjectKind::LogSegment, id, range);
        let tail_start = size.saturating_sub(TAIL_BYTES);
        let tail = read(tail_start..size)?;
        let trailer_at = tail.len().saturating_sub(TRAILER_BYTES);
        let (length, checksum) = decode_trailer(tail.get(trailer_at..).unwrap_or_default())
            .map_err(|why| corrupt(id, size, why))?;
        let end = size.saturating_sub(TRAILER_BYTES as u64);
        let start = end
            .checked_sub(length as u64)
            .ok_or_else(|| corrupt(id, end, "footer is longer than the object"))?;
        let footer = if start >= tail_start {
            let from = (start - tail_start) as usize;
            tail.slice(from..trailer_at)
        } else {
            read(start..end)?
        };
        let footer_bytes = footer.len() as u64;
        let footer = decode_footer(&footer, checksum).map_err(|why| corrupt(id, start, why))?;
        let stream_positions = footer
            .streams
            .iter()
            .enumerate()
            .map(|(position, &stream)| (stream, position as u32))
            .collect();
        Ok(Self {
            id,
            file: RowsFile::new(objects, id, &footer),
            objects: objects.clone(),
            footer,
            stream_positions,
            metadata: OnceLock::new(),
            words: OnceLock::new(),
            ids: OnceLock::new(),
            shapes: OnceLock::new(),
            values: Mutex::default(),
            loaded_bytes: AtomicU64::new(2 * footer_bytes),
        })
    }

    pub fn loaded_bytes(&self) -> u64 {
        self.loaded_bytes.load(Ordering::Relaxed)
    }

    /// Compares every part with its checksum.
    pub fn verify_parts(&self) -> Result<()> {
        let footer = &self.footer;
        let magic_end = MAGIC.len() as u64;
        let start =
            self.objects
                .read_range_blocking(ObjectKind::LogSegment, self.id, 0..magic_end)?;
        if start != MAGIC[..] {
            return Err(corrupt(self.id, 0, "not a log segment: wrong magic"));
        }
        let sums = footer.rows_sums.map(|sums| sums.part);
        let parts = [
            footer.rows_part,
            footer.words_part,
            footer.values_part,
            footer.ids_part,
        ];
        for span in parts.into_iter().chain(sums) {
            self.part(span)?;
        }
        self.words()?;
        self.ids()?;
        self.shapes()?;
        for entry in &footer.values {
            self.values(entry.key)?;
        }
        Ok(())
    }

    /// The rows, for one reader: errors of reading go to it.
    pub(in crate::logs) fn file(&self) -> RowsFile {
        self.file.for_reader()
    }

    pub fn stream_position(&self, stream: LogStreamId) -> Option<u32> {
        self.stream_positions.get(&stream).copied()
    }

    fn part(&self, span: Span) -> Result<Bytes> {
        let bytes =
            self.objects
                .read_range_blocking(ObjectKind::LogSegment, self.id, span.range())?;
        let found = crc(&bytes);
        if found != span.crc32c {
            let why = format!("checksum is {found:08x}, expected {:08x}", span.crc32c);
            return Err(corrupt(self.id, span.offset, why));
        }
        self.loaded_bytes.fetch_add(span.length, Ordering::Relaxed);
        Ok(bytes)
    }

    /// The text index.
    pub fn words(&self) -> Result<&WordsIndex> {
        if let Some(words) = self.words.get() {
            return Ok(words);
        }
        let bytes = self.part(self.footer.words_part)?;
        let opened = WordsIndex::open(&bytes, self.footer.word_fields as usize)
            .map_err(|e| corrupt(self.id, self.footer.words_part.offset, e.to_string()))?;
        Ok(self.words.get_or_init(|| opened))
    }

    /// The id filters.
    pub fn ids(&self) -> Result<&Ids> {
        if let Some(ids) = self.ids.get() {
            return Ok(ids);
        }
        let bytes = self.part(self.footer.ids_part)?;
        let opened = Ids::open(&bytes)
            .ok_or_else(|| corrupt(self.id, self.footer.ids_part.offset, "damaged id filters"))?;
        Ok(self.ids.get_or_init(|| opened))
    }

    /// Row sets of a kind of values; none where the segment has none of them.
    pub fn values(&self, key: ValuesKey) -> Result<Arc<Values>> {
        if let Some(values) = self.values.lock().get(&key) {
            return Ok(Arc::clone(values));
        }
        let entry = self.footer.values.iter().find(|e| e.key == key);
        let values = match entry {
            None => Values::default(),
            Some(entry) => {
                let offset = self.footer.values_part.offset.saturating_add(entry.offset);
                let bytes = self.part(Span {
                    offset,
                    length: entry.length,
                    crc32c: entry.crc32c,
                })?;
                Values::deserialize(&bytes)
                    .ok_or_else(|| corrupt(self.id, offset, "damaged row sets"))?
            }
        };
        let values = Arc::new(values);
        self.values.lock().insert(key, Arc::clone(&values));
        Ok(values)
    }

    /// The shapes of messages, ready for putting messages together.
    pub(super) fn shapes(&self) -> Result<&Shapes> {
        if let Some(shapes) = self.shapes.get() {
            return Ok(shapes);
        }
        let parsed = Shapes::parse(&self.footer)
            .map_err(|why| corrupt(self.id, self.footer.rows_part.offset, why))?;
        Ok(self.shapes.get_or_init(|| parsed))
    }

    /// Rows whose message has a value under `path` (or a null), kept in columns.
    pub fn rows_with_leaf(&self, path: &str) -> Result<RowSet> {
        self.rows_of_shapes(self.shapes()?.with_leaf(path))
    }

    /// Rows whose message has an object or array under `path`, and is kept in columns.
    pub fn rows_with_structure(&self, path: &str) -> Result<RowSet> {
        self.rows_of_shapes(self.shapes()?.with_structure(path))
    }

    fn rows_of_shapes(&self, positions: &[u32]) -> Result<RowSet> {
        let mut rows = RowSet::new();
        if positions.is_empty() {
            return Ok(rows);
        }
        let shapes = self.values(ValuesKey::Shape)?;
        for position in positions {
            if let Some(set) = shapes.get(&position.saturating_add(1).to_be_bytes()) {
                rows.unite(set);
            }
        }
        Ok(rows)
    }

    /// Metadata of the Parquet file, with its page index.
    pub(in crate::logs) fn metadata(&self) -> Result<&ArrowReaderMetadata> {
        if let Some(metadata) = self.metadata.get() {
            return Ok(metadata);
        }
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_schema(Arc::new(read_schema(&self.footer)));
        let file = self.file();
        let loaded = decoding("parquet", || {
            ArrowReaderMetadata::load(&file, options).map_err(|e| parquet_error(&e))
        })
        .map_err(|e| file.error(e))?;
        time_pages::check_rows(loaded.metadata(), self.footer.rows)
            .map_err(|why| corrupt(self.id, self.footer.rows_part.offset, why))?;
        let size = loaded.metadata().memory_size() as u64;
        self.loaded_bytes.fetch_add(size, Ordering::Relaxed);
        Ok(self.metadata.get_or_init(|| loaded))
    }
}

/// Number of system columns before the columns of fields.
pub(super) const SYSTEM_COLUMNS: usize = 7;

/// The types in which columns are read.
fn read_schema(footer: &Footer) -> Schema {
    let mut fields = system_fields(DataType::Utf8View);
    for column in &footer.columns {
        let data_type = match column.kind {
            Kind::Int | Kind::Time => DataType::Int64,
            Kind::Float | Kind::FloatPoint => DataType::Float64,
            Kind::Bool => DataType::Boolean,
            Kind::NumberText | Kind::String | Kind::AsciiString => DataType::Utf8View,
            Kind::Uuid => DataType::FixedSizeBinary(16),
            Kind::Hex => DataType::BinaryView,
        };
        fields.push(Field::new(&column.column, data_type, true));
    }
    Schema::new(fields)
}

/// Opened segments, the least recently used dropped first.
pub struct SegmentCache {
    objects: Objects,
    bytes_max: u64,
    /// Least recently used first.
    segments: Mutex<Vec<Arc<OpenSegment>>>,
}

impl SegmentCache {
    pub fn new(objects: Objects, bytes_max: u64) -> Self {
        Self {
            objects,
            bytes_max,
            segments: Mutex::default(),
        }
    }

    /// The opened segment of an object of `size` bytes.
    pub fn get(&self, id: Ulid, size: u64) -> Result<Arc<OpenSegment>> {
        {
            let mut segments = self.segments.lock();
            if let Some(at) = segments.iter().position(|s| s.id == id) {
                let found = segments.remove(at);
                segments.push(Arc::clone(&found));
                return Ok(found);
            }
        }
        let opened = Arc::new(OpenSegment::open(&self.objects, id, size)?);
        let mut segments = self.segments.lock();
        segments.push(Arc::clone(&opened));
        let mut used: u64 = segments.iter().map(|s| s.loaded_bytes()).sum();
        while used > self.bytes_max && segments.len() > 1 {
            used = used.saturating_sub(segments.remove(0).loaded_bytes());
        }
        Ok(opened)
    }

    /// Drops segments that are no longer live.
    pub fn forget(&self, ids: &[Ulid]) {
        self.segments.lock().retain(|s| !ids.contains(&s.id));
    }
}
