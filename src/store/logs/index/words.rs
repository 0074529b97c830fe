//! Terms to rows. The only file that names tantivy.
//!
//! One tantivy segment, in memory while it is built and while it is read: one field for each
//! indexed column, document id = row number, no positions, no norms, no fast fields, nothing
//! stored. The writer that guarantees `document id = insertion order` is hidden in tantivy's
//! documentation; a test below is its contract.

use std::io::Write;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use tantivy::directory::error::OpenReadError;
use tantivy::directory::{Directory, RamDirectory};
use tantivy::index::SegmentComponent;
use tantivy::indexer::SingleSegmentIndexWriter;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::store::Compressor;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{DocSet, Index, IndexSettings, SegmentReader, TERMINATED, TantivyDocument};

use crate::decoding::decoding;
use crate::error::{Error, Result};
use crate::logs::row_set::RowSet;

/// Memory that tantivy's writer may ask for at most before it complains.
const WRITER_BYTES: usize = 256 * 1024 * 1024;

/// Ours: nothing larger is unpacked, whatever a damaged length says.
const FILE_BYTES_MAX: usize = 1 << 30;

/// What errors call it.
const ENGINE: &str = "text index";

/// The files of a segment that was never changed.
const COMPONENTS: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
    SegmentComponent::Terms,
    SegmentComponent::Store,
];

/// Our tokenizer's name inside the index.
const TOKENIZER: &str = "belfry";

/// Text handed to tantivy is words, separated by this.
pub const SEPARATOR: u8 = b' ';

fn engine_error(error: impl std::fmt::Display) -> Error {
    Error::Engine {
        engine: ENGINE,
        why: error.to_string(),
    }
}

/// Splits at [`SEPARATOR`]: the text was cut into words before.
#[derive(Clone, Debug, Default)]
struct SplitAtBlanks {
    token: Token,
}

struct Words<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for SplitAtBlanks {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.token.reset();
        Words {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let end = memchr::memchr(SEPARATOR, self.rest.as_bytes()).unwrap_or(self.rest.len());
        let (Some(word), rest) = (self.rest.get(..end), self.rest.get(end + 1..)) else {
            return false;
        };
        if word.is_empty() {
            return false;
        }
        self.token.text.clear();
        self.token.text.push_str(word);
        self.token.position = self.token.position.wrapping_add(1);
        self.rest = rest.unwrap_or("");
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Builds the index of one segment.
pub struct WordsBuilder {
    directory: RamDirectory,
    writer: SingleSegmentIndexWriter,
    fields: Vec<Field>,
}

fn schema(fields: usize) -> (Schema, Vec<Field>) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let options = TextOptions::default().set_indexing_options(indexing);
    let mut builder = Schema::builder();
    let fields = (0..fields)
        .map(|i| builder.add_text_field(&format!("w{i}"), options.clone()))
        .collect();
    (builder.build(), fields)
}

impl WordsBuilder {
    /// `columns` is the number of indexed columns.
    pub fn new(columns: usize) -> Result<Self> {
        let (schema, fields) = schema(columns);
        let directory = RamDirectory::create();
        let settings = IndexSettings {
            docstore_compression: Compressor::None,
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let builder = Index::builder().schema(schema).settings(settings);
        let index_tokenizers = tantivy::tokenizer::TokenizerManager::new();
        index_tokenizers.register(TOKENIZER, SplitAtBlanks::default());
        let writer = builder
            .tokenizers(index_tokenizers)
            .single_segment_index_writer(directory.clone(), WRITER_BYTES)
            .map_err(engine_error)?;
        Ok(Self {
            directory,
            writer,
            fields,
        })
    }

    /// The next row: words of (column, words separated by blanks). Every row must be added.
    pub fn add_row<'t>(&mut self, texts: impl Iterator<Item = (usize, &'t str)>) -> Result<()> {
        let mut document = TantivyDocument::new();
        for (column, words) in texts {
            if let Some(&field) = self.fields.get(column) {
                document.add_text(field, words);
            }
        }
        self.writer.add_document(document).map_err(engine_error)
    }

    /// The files of the index in one piece.
    pub fn finish(self) -> Result<Vec<u8>> {
        let index = self.writer.finalize().map_err(engine_error)?;
        let mut names = vec![PathBuf::from("meta.json")];
        for meta in index.searchable_segment_metas().map_err(engine_error)? {
            names.extend(COMPONENTS.iter().map(|c| meta.relative_path(c.clone())));
        }
        let mut files = Vec::new();
        for name in names {
            match self.directory.get_file_handle(&name) {
                Ok(handle) => {
                    let bytes = handle.read_bytes(0..handle.len()).map_err(engine_error)?;
                    files.push((name.to_string_lossy().into_owned(), bytes.to_vec()));
                }
                // There may be none, such as positions.
                Err(OpenReadError::FileDoesNotExist(_)) => {}
                Err(error) => return Err(engine_error(error)),
            }
        }
        bundle(&files)
    }
}

/// Number of files; for each: length of name, name, whether compressed, stored length, length;
/// then the contents. Little endian.
fn bundle(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut head = (files.len() as u32).to_le_bytes().to_vec();
    let mut body = Vec::new();
    for (name, content) in files {
        let packed = zstd::bulk::compress(content, 1).map_err(engine_error)?;
        // Term dictionaries and postings hardly shrink and are read in place.
        let compress = packed.len() < content.len() / 2;
        let stored = if compress { &packed } else { content };
        head.extend_from_slice(&(name.len() as u32).to_le_bytes());
        head.extend_from_slice(name.as_bytes());
        head.push(u8::from(compress));
        head.extend_from_slice(&(stored.len() as u64).to_le_bytes());
        head.extend_from_slice(&(content.len() as u64).to_le_bytes());
        body.extend_from_slice(stored);
    }
    head.extend_from_slice(&body);
    Ok(head)
}

fn unbundle(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut at = 0usize;
    let mut take = |length: usize| -> Option<&[u8]> {
        let found = bytes.get(at..at.checked_add(length)?)?;
        at += length;
        Some(found)
    };
    let count = u32::from_le_bytes(take(4)?.try_into().ok()?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let length = u32::from_le_bytes(take(4)?.try_into().ok()?);
        let name = std::str::from_utf8(take(length as usize)?).ok()?.to_owned();
        let compressed = take(1)? == [1];
        let stored = u64::from_le_bytes(take(8)?.try_into().ok()?);
        let length = u64::from_le_bytes(take(8)?.try_into().ok()?);
        entries.push((
            name,
            compressed,
            usize::try_from(stored).ok()?,
            usize::try_from(length).ok()?,
        ));
    }
    let mut files = Vec::new();
    for (name, compressed, stored, length) in entries {
        let content = take(stored)?;
        let content = if compressed {
            if length > FILE_BYTES_MAX {
                return None;
            }
            zstd::bulk::decompress(content, length).ok()?
        } else {
            content.to_vec()
        };
        files.push((name, content));
    }
    Some(files)
}

/// The index of a segment, opened.
pub struct WordsIndex {
    reader: SegmentReader,
    fields: Vec<Field>,
    /// The terms of each column, for searching inside of them; read at first use.
    vocabularies: Vec<Mutex<Option<std::sync::Arc<Vocabulary>>>>,
}

/// The terms of a column in order, each followed by a line feed (no term holds one).
struct Vocabulary {
    text: Vec<u8>,
    /// Where each term starts in `text`.
    starts: Vec<u32>,
}

/// How a term must relate to a text that is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermMatch<'a> {
    pub text: &'a [u8],
    /// The term must start (end) where the text starts (ends).
    pub bounded_left: bool,
    pub bounded_right: bool,
    pub ignore_case: bool,
}

impl TermMatch<'_> {
    /// Whether `term` relates so to the text.
    pub fn matches(&self, term: &[u8]) -> bool {
        let n = self.text.len();
        if term.len() < n {
            return false;
        }
        let same = |part: &[u8]| {
            if self.ignore_case {
                part.eq_ignore_ascii_case(self.text)
            } else {
                part == self.text
            }
        };
        match (self.bounded_left, self.bounded_right) {
            (true, true) => same(term),
            (true, false) => term.get(..n).is_some_and(same),
            (false, true) => term.get(term.len() - n..).is_some_and(same),
            (false, false) => n == 0 || term.windows(n).any(same),
        }
    }
}

impl WordsIndex {
    /// Opens what [`WordsBuilder::finish`] wrote for so many columns.
    pub fn open(bytes: &[u8], columns: usize) -> Result<Self> {
        decoding(ENGINE, || Self::open_files(bytes, columns))
    }

    fn open_files(bytes: &[u8], columns: usize) -> Result<Self> {
        let files = unbundle(bytes).ok_or_else(|| engine_error("damaged bundle of files"))?;
        let directory = RamDirectory::create();
        for (name, content) in files {
            let path = Path::new(&name);
            if name == "meta.json" {
                directory
                    .atomic_write(path, &content)
                    .map_err(engine_error)?;
            } else {
                let mut file = directory.open_write(path).map_err(engine_error)?;
                file.write_all(&content).map_err(engine_error)?;
                tantivy::directory::TerminatingWrite::terminate(file).map_err(engine_error)?;
            }
        }
        let index = Index::open(directory).map_err(engine_error)?;
        let segments = index.searchable_segments().map_err(engine_error)?;
        let segment = segments.first().ok_or_else(|| engine_error("no segment"))?;
        let reader = SegmentReader::open(segment).map_err(engine_error)?;
        let (_, fields) = schema(columns);
        Ok(Self {
            reader,
            vocabularies: fields.iter().map(|_| Mutex::new(None)).collect(),
            fields,
        })
    }

    /// Rows whose words in `column` include one that relates to the text as asked.
    pub fn rows(&self, column: usize, wanted: &TermMatch<'_>) -> Result<RowSet> {
        decoding(ENGINE, || self.find_rows(column, wanted))
    }

    fn find_rows(&self, column: usize, wanted: &TermMatch<'_>) -> Result<RowSet> {
        let Some(&field) = self.fields.get(column) else {
            return Ok(RowSet::new());
        };
        let index = self.reader.inverted_index(field).map_err(engine_error)?;
        let mut rows = RowSet::new();
        let mut buffer = Vec::new();
        let mut add = |info: &tantivy::postings::TermInfo| -> Result<()> {
            let mut postings = index
                .read_postings_from_terminfo(info, IndexRecordOption::Basic)
                .map_err(engine_error)?;
            loop {
                let doc = postings.doc();
                if doc == TERMINATED {
                    break;
                }
                buffer.push(doc);
                if buffer.len() == 4096 {
                    rows.add_rows(&buffer);
                    buffer.clear();
                }
                postings.advance();
            }
            rows.add_rows(&buffer);
            buffer.clear();
            Ok(())
        };
        if wanted.bounded_left && wanted.bounded_right && !wanted.ignore_case {
            if let Some(info) = index.terms().get(wanted.text).map_err(engine_error)? {
                add(&info)?;
            }
            return Ok(rows);
        }
        let vocabulary = self.vocabulary(column, &index)?;
        for term in vocabulary.matching(wanted) {
            if let Some(info) = index.terms().get(term).map_err(engine_error)? {
                add(&info)?;
            }
        }
        Ok(rows)
    }

    fn vocabulary(
        &self,
        column: usize,
        index: &tantivy::InvertedIndexReader,
    ) -> Result<std::sync::Arc<Vocabulary>> {
        let slot = self
            .vocabularies
            .get(column)
            .ok_or_else(|| engine_error("no such column"))?;
        let mut slot = slot.lock();
        if let Some(vocabulary) = &*slot {
            return Ok(std::sync::Arc::clone(vocabulary));
        }
        let mut vocabulary = Vocabulary {
            text: Vec::new(),
            starts: Vec::new(),
        };
        let mut terms = index.terms().stream().map_err(engine_error)?;
        while terms.advance() {
            vocabulary.starts.push(vocabulary.text.len() as u32);
            vocabulary.text.extend_from_slice(terms.key());
            vocabulary.text.push(b'\n');
        }
        let vocabulary = std::sync::Arc::new(vocabulary);
        *slot = Some(std::sync::Arc::clone(&vocabulary));
        Ok(vocabulary)
    }
}

impl Vocabulary {
    fn term(&self, number: usize) -> &[u8] {
        let start = self.starts.get(number).copied().unwrap_or_default() as usize;
        let end = self
            .starts
            .get(number + 1)
            .map_or(self.text.len(), |&s| s as usize);
        self.text
            .get(start..end.saturating_sub(1).max(start))
            .unwrap_or_default()
    }

    fn matching<'v>(&'v self, wanted: &TermMatch<'_>) -> Vec<&'v [u8]> {
        let mut found = Vec::new();
        if wanted.ignore_case || wanted.text.is_empty() {
            found.extend(
                (0..self.starts.len())
                    .map(|n| self.term(n))
                    .filter(|t| wanted.matches(t)),
            );
            return found;
        }
        let mut next = 0;
        for at in memchr::memmem::find_iter(&self.text, wanted.text) {
            let number = self
                .starts
                .partition_point(|&s| s as usize <= at)
                .saturating_sub(1);
            if number < next {
                continue;
            }
            let term = self.term(number);
            if wanted.matches(term) {
                found.push(term);
                next = number + 1;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str, bounded_left: bool, bounded_right: bool) -> TermMatch<'_> {
        TermMatch {
            text: text.as_bytes(),
            bounded_left,
            bounded_right,
            ignore_case: false,
        }
    }

    /// tantivy's `SingleSegmentIndexWriter` is hidden in its documentation: what we need of it.
    #[test]
    fn document_ids_are_insertion_order() {
        let mut builder = WordsBuilder::new(2).unwrap();
        let rows = 20_000u32;
        for row in 0..rows {
            let words = format!("all row{row} mod{}", row % 7);
            let second = (row % 1000 == 3).then_some((1, "second all"));
            builder
                .add_row([(0, words.as_str())].into_iter().chain(second))
                .unwrap();
        }
        let index = WordsIndex::open(&builder.finish().unwrap(), 2).unwrap();
        let find = |column, w| index.rows(column, &w).unwrap();
        assert_eq!(find(0, wanted("all", true, true)).len(), u64::from(rows));
        for row in [0, 1, 4095, 4096, 19_999] {
            let word = format!("row{row}");
            let found = index.rows(0, &wanted(&word, true, true)).unwrap();
            assert_eq!(found, RowSet::of_rows(&[row]));
        }
        let sevens = find(0, wanted("mod3", true, true));
        assert!(sevens.iter_from(0, rows).all(|r| r % 7 == 3));
        assert_eq!(find(1, wanted("all", true, true)).len(), 20);
        assert_eq!(find(1, wanted("row3", true, true)).len(), 0);
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        let mut bytes = [1u32, 1].map(u32::to_le_bytes).concat();
        bytes.extend_from_slice(b"a\x01");
        bytes.extend_from_slice(&0u64.to_le_bytes());
        bytes.extend_from_slice(&(1u64 << 62).to_le_bytes());
        assert!(unbundle(&bytes).is_none());
        assert!(WordsIndex::open(&bytes, 1).is_err());
    }

    #[test]
    fn terms_are_found_by_their_parts() {
        let mut builder = WordsBuilder::new(1).unwrap();
        for words in ["timeout time", "xtime", "Time", "", "é"] {
            builder.add_row([(0, words)].into_iter()).unwrap();
        }
        let index = WordsIndex::open(&builder.finish().unwrap(), 1).unwrap();
        let find = |text, left, right| -> Vec<u32> {
            index
                .rows(0, &wanted(text, left, right))
                .unwrap()
                .iter_from(0, 9)
                .collect()
        };
        assert_eq!(find("time", true, true), [0]);
        assert_eq!(find("time", true, false), [0]);
        assert_eq!(find("time", false, true), [0, 1]);
        assert_eq!(find("tim", false, false), [0, 1]);
        assert_eq!(find("imeout", false, true), [0]);
        assert_eq!(find("é", true, true), [4]);
        let any_case = TermMatch {
            ignore_case: true,
            ..wanted("TIME", true, true)
        };
        let found: Vec<u32> = index.rows(0, &any_case).unwrap().iter_from(0, 9).collect();
        assert_eq!(found, [0, 2]);
    }
}
