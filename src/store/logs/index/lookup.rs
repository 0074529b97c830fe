//! From a condition to candidate rows of a segment.

use super::tokens::{Class, Needle, id_hash, is_hex, needles, tokenize};
use super::words::TermMatch;
use crate::error::Result;
use crate::logs::json::escape::{Style, escape, needs_no_escape};
use crate::logs::json::value::Kind;
use crate::logs::number::parse_number;
use crate::logs::prefilter::Prefilter;
use crate::logs::row_set::RowSet;
use crate::logs::segment::layout::{
    ColumnEntry, IndexKind, ROWS_LONG_TOKEN, ROWS_RAW_JSON, ValuesKey,
};
use crate::logs::segment::opened::OpenSegment;

/// Rows that may meet a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidates {
    /// `None` stands for all rows.
    pub rows: Option<RowSet>,
    /// Exactly these rows meet it.
    pub exact: bool,
}

impl Candidates {
    const ALL: Self = Self {
        rows: None,
        exact: false,
    };

    fn exactly(rows: RowSet) -> Self {
        Self {
            rows: Some(rows),
            exact: true,
        }
    }

    fn perhaps(rows: RowSet) -> Self {
        Self {
            rows: Some(rows),
            exact: false,
        }
    }

    fn and(self, other: Self) -> Self {
        let exact = self.exact && other.exact;
        let rows = match (self.rows, other.rows) {
            (Some(mut a), Some(b)) => {
                a.intersect(&b);
                Some(a)
            }
            (one, None) | (None, one) => one,
        };
        Self { rows, exact }
    }

    fn or(self, other: Self) -> Self {
        let exact = self.exact && other.exact;
        let rows = match (self.rows, other.rows) {
            (Some(mut a), Some(b)) => {
                a.unite(&b);
                Some(a)
            }
            _ => None,
        };
        Self { rows, exact }
    }
}

/// The rows of `segment` that may meet `filter`. Blocks on I/O.
pub fn candidates(segment: &OpenSegment, filter: &Prefilter) -> Result<Candidates> {
    Ok(match filter {
        Prefilter::All => Candidates {
            rows: None,
            exact: true,
        },
        Prefilter::Nothing => Candidates::exactly(RowSet::new()),
        Prefilter::And(all) => {
            let mut found = Candidates {
                rows: None,
                exact: true,
            };
            for filter in all {
                found = found.and(candidates(segment, filter)?);
                if found.rows.as_ref().is_some_and(RowSet::is_empty) {
                    return Ok(Candidates::exactly(RowSet::new()));
                }
            }
            found
        }
        Prefilter::Or(any) => {
            let mut found = Candidates::exactly(RowSet::new());
            for filter in any {
                found = found.or(candidates(segment, filter)?);
            }
            found
        }
        Prefilter::MessageContains(text) => message_contains(segment, text, false)?,
        Prefilter::MessageContainsIgnoreCase(text) => {
            if text.is_ascii() {
                message_contains(segment, text, true)?
            } else {
                Candidates::ALL
            }
        }
        // Stands beside a condition that the index knows better.
        Prefilter::MessageSpells(_) => Candidates::ALL,
        Prefilter::FieldEquals { path, value } => field(segment, path, &FieldTest::Equals(value))?,
        Prefilter::FieldContains { path, text } => {
            field(segment, path, &FieldTest::Contains(text))?
        }
        Prefilter::FieldNumber { path, min, max } => {
            field(segment, path, &FieldTest::Number(*min, *max))?
        }
        Prefilter::NotJson => {
            let shapes = segment.values(ValuesKey::Shape)?;
            Candidates::perhaps(shapes.get(&[0; 4]).cloned().unwrap_or_default())
        }
        Prefilter::FieldPresent { path } => field(segment, path, &FieldTest::Present)?,
    })
}

/// A token that is searched for, in a given way.
#[derive(Clone, Copy)]
struct Search<'a> {
    needle: Needle<'a>,
    ignore_case: bool,
}

impl Search<'_> {
    fn term_match(&self) -> TermMatch<'_> {
        TermMatch {
            text: self.needle.token.text,
            bounded_left: self.needle.bounded_left,
            bounded_right: self.needle.bounded_right,
            ignore_case: self.ignore_case,
        }
    }

    /// Whether some token of `text` matches.
    fn matches_in(&self, text: &[u8]) -> bool {
        if text.len() < self.length() {
            return false;
        }
        let wanted = self.term_match();
        let mut found = false;
        tokenize(text, |token| found |= wanted.matches(token.text));
        // The runs inside of a UUID are not tokens: compare loosely.
        found || (self.is_hex() && memchr::memmem::find(text, self.needle.token.text).is_some())
    }

    fn is_hex(&self) -> bool {
        is_hex(self.needle.token.text)
    }

    fn is_digits(&self) -> bool {
        self.needle.token.text.iter().all(u8::is_ascii_digit)
    }

    fn length(&self) -> usize {
        self.needle.token.text.len()
    }

    /// Whether `word` could be a token that matches.
    fn matches(&self, word: &[u8]) -> bool {
        self.term_match().matches(word)
    }
}

fn message_contains(segment: &OpenSegment, text: &str, ignore_case: bool) -> Result<Candidates> {
    let searches: Vec<Search<'_>> = needles(text.as_bytes(), false)
        .into_iter()
        .map(|needle| Search {
            needle,
            ignore_case,
        })
        .collect();
    let mut found = Candidates {
        rows: None,
        // Exact only if the text is one run of token bytes: then its token's rows are the answer.
        exact: matches!(searches.as_slice(), [one] if one.length() == text.len()),
    };
    if searches.is_empty() {
        return Ok(Candidates {
            rows: None,
            exact: text.is_empty(),
        });
    }
    for search in &searches {
        found = found.and(message_token(segment, search)?);
        if found.rows.as_ref().is_some_and(RowSet::is_empty) {
            break;
        }
    }
    Ok(found)
}

/// Rows whose message may hold a token.
fn message_token(segment: &OpenSegment, search: &Search<'_>) -> Result<Candidates> {
    if search.needle.token.class == Class::Long || has_hidden_token(segment, search) {
        return Ok(Candidates::ALL);
    }
    let mut exact = true;
    let mut rows = RowSet::new();
    let is_uuid = search.needle.token.class == Class::Uuid;
    rows.unite(&shapes_with(segment, search)?);
    for (i, column) in segment.footer.columns.iter().enumerate() {
        match column.index {
            IndexKind::Values => {
                let values = segment.values(ValuesKey::Column(i as u32))?;
                let too_short = |longest| longest < search.length();
                if !values.longest_written().is_some_and(too_short) {
                    rows.unite(&values.rows_where(|v| value_has_token(column, v, search)));
                }
            }
            // UUIDs are never words: spare the reading of the text index.
            IndexKind::Words(_) if is_uuid => {}
            IndexKind::Words(field) => {
                rows.unite(
                    &segment
                        .words()?
                        .rows(field as usize, &search.term_match())?,
                );
                // A value with escapes is indexed unescaped as well; only what is beyond ASCII
                // can stand there and not in the message.
                exact &= !column.has_escapes || search.needle.token.text.is_ascii();
            }
            IndexKind::Ids | IndexKind::None => {}
        }
    }
    if !is_uuid {
        rows.unite(&segment.words()?.rows(0, &search.term_match())?);
    }
    let ids = id_rows(segment, search)?;
    exact &= ids.is_empty();
    rows.unite(&ids);
    let long = special_rows(segment, ROWS_LONG_TOKEN)?;
    exact &= long.is_empty();
    rows.unite(&long);
    Ok(Candidates {
        rows: Some(rows),
        exact,
    })
}

/// Rows by a name of `layout`.
fn special_rows(segment: &OpenSegment, name: &[u8]) -> Result<RowSet> {
    let rows = segment.values(ValuesKey::Rows)?;
    Ok(rows.get(name).cloned().unwrap_or_default())
}

/// Rows of the shapes whose constant text has a matching token.
fn shapes_with(segment: &OpenSegment, search: &Search<'_>) -> Result<RowSet> {
    let mut rows = RowSet::new();
    let shapes = segment.values(ValuesKey::Shape)?;
    for (i, shape) in segment.footer.shapes.iter().enumerate() {
        if search.matches_in(shape.text.as_bytes())
            && let Some(set) = shapes.get(&(i as u32 + 1).to_be_bytes())
        {
            rows.unite(set);
        }
    }
    Ok(rows)
}

/// Whether the text of an indexed value, as it is written in the message, has a matching token.
fn value_has_token(column: &ColumnEntry, value: &[u8], search: &Search<'_>) -> bool {
    let style = match column.kind {
        Kind::String => Style::Utf8,
        Kind::AsciiString => Style::Ascii,
        _ => return search.matches_in(value),
    };
    // All values of a column are asked: most are words that stand in the message as they are.
    if needs_no_escape(value, style) {
        return search.matches_in(value);
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return true;
    };
    let mut written = Vec::new();
    escape(text, style, &mut written);
    search.matches_in(&written)
}

/// Rows of pages whose filter may hold the id that is searched for.
fn id_rows(segment: &OpenSegment, search: &Search<'_>) -> Result<RowSet> {
    let is_uuid = search.needle.token.class == Class::Uuid;
    let same_length = 1u64 << search.length().min(63);
    let may_be_id = search.is_hex() && segment.footer.id_lengths & same_length != 0;
    let mut rows = RowSet::new();
    if is_uuid || may_be_id {
        let ids = segment.ids()?;
        for page in ids.candidates(id_hash(search.needle.token.text)) {
            rows.add_range(page.start..page.end.min(segment.footer.rows));
        }
    }
    Ok(rows)
}

/// Whether the token may stand somewhere that is not indexed: then any row may hold it.
fn has_hidden_token(segment: &OpenSegment, search: &Search<'_>) -> bool {
    let footer = &segment.footer;
    let length = search.length();
    if search.needle.token.class == Class::Uuid {
        // UUIDs are indexed in lower and upper case as they are written.
        return search.ignore_case;
    }
    if search.is_hex() {
        if search.ignore_case && footer.id_lengths != 0 {
            return true;
        }
        let bounded = search.needle.bounded_left && search.needle.bounded_right;
        let longer = length < 63 && footer.id_lengths >> (length + 1) != 0;
        let longest = length >= 63 && footer.id_lengths >> 63 != 0;
        if longest || (!bounded && longer) {
            return true;
        }
        // Runs of a UUID are 4, 8 and 12 long.
        if length <= 12 {
            let could_be_run = if bounded {
                matches!(length, 4 | 8 | 12)
            } else {
                true
            };
            if could_be_run && footer.has_uuids {
                return true;
            }
        }
    }
    if !footer.shapes.is_empty() && search.matches(b"null") {
        return true;
    }
    footer.columns.iter().any(|column| match column.kind {
        _ if column.index == IndexKind::Values => false,
        Kind::Bool => search.matches(b"true") || search.matches(b"false"),
        // `2026-01-15T12:00:00.123Z`: 2026, 01, 15T12, 00, 123Z.
        Kind::Time => {
            length <= 5
                && search.needle.token.text.iter().all(|b| {
                    b.is_ascii_digit()
                        || b.eq_ignore_ascii_case(&b'T')
                        || b.eq_ignore_ascii_case(&b'Z')
                })
        }
        // Integers of six digits and more are in the id filters (see `id_lengths`).
        Kind::Int => search.is_digits() && length < 6 && length <= column.digits_max as usize,
        Kind::Float | Kind::FloatPoint => {
            let part = search
                .needle
                .token
                .text
                .iter()
                .all(|b| b.is_ascii_digit() || b.eq_ignore_ascii_case(&b'e'));
            part && length <= column.digits_max as usize
        }
        _ => false,
    })
}

/// What is asked of a field.
enum FieldTest<'a> {
    Equals(&'a str),
    Contains(&'a str),
    Number(f64, f64),
    Present,
}

impl FieldTest<'_> {
    fn accepts(&self, value: &str) -> bool {
        match self {
            Self::Equals(wanted) => value == *wanted,
            Self::Contains(text) => value.contains(text),
            Self::Number(min, max) => {
                parse_number(value).is_some_and(|number| *min <= number && number <= *max)
            }
            Self::Present => true,
        }
    }
}

/// Rows whose field may meet a test.
fn field(segment: &OpenSegment, path: &str, test: &FieldTest<'_>) -> Result<Candidates> {
    let footer = &segment.footer;
    let mut found = Candidates::exactly(RowSet::new());
    for (i, column) in footer.columns.iter().enumerate() {
        if column.path == path {
            found = found.or(column_rows(segment, i, column, test)?);
        }
    }
    // Messages kept as text, and fields that are objects or arrays, are not in columns.
    let raw = special_rows(segment, ROWS_RAW_JSON)?;
    if !raw.is_empty() {
        found = found.or(Candidates::perhaps(raw));
    }
    let structures = segment.rows_with_structure(path)?;
    if !structures.is_empty() {
        found = found.or(Candidates::perhaps(structures));
    }
    Ok(found)
}

fn column_rows(
    segment: &OpenSegment,
    position: usize,
    column: &ColumnEntry,
    test: &FieldTest<'_>,
) -> Result<Candidates> {
    // Where the column is not indexed for this: all rows whose shape has the field.
    let unknown = || Ok(Candidates::perhaps(segment.rows_with_leaf(&column.path)?));
    match (column.index, test) {
        (IndexKind::Values, FieldTest::Number(min, max)) if column.kind == Kind::Bool => {
            let values = segment.values(ValuesKey::Column(position as u32))?;
            let in_range = |n: f64| *min <= n && n <= *max;
            Ok(Candidates::exactly(values.rows_where(|v| {
                in_range(if v == b"true" { 1.0 } else { 0.0 })
            })))
        }
        (IndexKind::Values, _) => {
            let values = segment.values(ValuesKey::Column(position as u32))?;
            Ok(Candidates::exactly(values.rows_where(|v| {
                std::str::from_utf8(v).is_ok_and(|v| test.accepts(v))
            })))
        }
        (IndexKind::Words(field), FieldTest::Equals(text)) => {
            words_with(segment, column, field, text, true)
        }
        (IndexKind::Words(field), FieldTest::Contains(text)) => {
            words_with(segment, column, field, text, false)
        }
        (IndexKind::Ids, FieldTest::Equals(text)) if column.kind != Kind::Int => {
            if column.kind == Kind::Hex && text.len() < 16 {
                return Ok(Candidates::exactly(RowSet::new()));
            }
            let ids = segment.ids()?;
            let mut rows = RowSet::new();
            for page in ids.candidates(id_hash(text.as_bytes())) {
                rows.add_range(page.start..page.end.min(segment.footer.rows));
            }
            Ok(Candidates::perhaps(rows))
        }
        _ => unknown(),
    }
}

/// Rows whose words in a field include those of `text`.
fn words_with(
    segment: &OpenSegment,
    column: &ColumnEntry,
    field: u32,
    text: &str,
    whole: bool,
) -> Result<Candidates> {
    let searches = needles(text.as_bytes(), whole);
    let one_word =
        !whole && matches!(searches.as_slice(), [one] if one.token.text.len() == text.len());
    let mut found = Candidates {
        rows: None,
        exact: false,
    };
    let footer = &segment.footer;
    for needle in searches {
        let search = Search {
            needle,
            ignore_case: false,
        };
        let length = search.length();
        if needle.token.class == Class::Long {
            continue;
        }
        let mut exact = one_word;
        let mut rows = RowSet::new();
        if needle.token.class != Class::Uuid {
            if search.is_hex() {
                let bounded = needle.bounded_left && needle.bounded_right;
                let longer = length >= 62 || footer.id_lengths >> (length + 1) != 0;
                if (length <= 12 && footer.has_uuids) || (!bounded && longer) || length >= 63 {
                    continue;
                }
            }
            rows = segment
                .words()?
                .rows(field as usize, &search.term_match())?;
        }
        let ids = id_rows(segment, &search)?;
        exact &= ids.is_empty();
        rows.unite(&ids);
        let long = special_rows(segment, ROWS_LONG_TOKEN)?;
        exact &= long.is_empty();
        rows.unite(&long);
        found = Candidates {
            exact: exact && !column.has_escapes,
            ..found.and(Candidates::exactly(rows))
        };
    }
    if found.rows.is_none() {
        return Ok(Candidates::perhaps(segment.rows_with_leaf(&column.path)?));
    }
    Ok(found)
}
