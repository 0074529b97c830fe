//! A condition on the messages of the head, which has no index: made ready once for each scan,
//! and asked of whole chunks at a time where it names a text.

use std::ops::Range;

use memchr::memmem::Finder;

use super::head::Chunk;
use super::prefilter::Prefilter;

/// What a byte of a JSON escape is: a value with one may be spelled in many ways.
const BACKSLASH: &[u8] = b"\\";

/// A [`Prefilter`] ready to be asked of messages: exact for texts, open for fields.
pub(super) struct HeadFilter {
    condition: Condition,
    /// A text that the condition needs, if there is one.
    needed: Option<Needed>,
}

enum Condition {
    Any,
    Nothing,
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Contains(Finder<'static>),
    ContainsIgnoreCase(Box<str>),
    Spells(Finder<'static>),
}

/// What the message of every row that meets the condition holds.
struct Needed {
    text: Finder<'static>,
    /// Or a backslash in its place.
    or_backslash: bool,
}

impl HeadFilter {
    pub fn new(filter: &Prefilter) -> Self {
        Self {
            condition: Condition::new(filter),
            needed: needed(filter),
        }
    }

    /// Whether a message may meet the condition.
    pub fn may_match(&self, message: &str) -> bool {
        self.condition.may_match(message)
    }

    /// Of `rows` those whose messages hold the text that the condition needs, ascending. `None`
    /// where it needs none.
    pub fn candidates(&self, chunk: &Chunk, rows: &Range<usize>) -> Option<Vec<u32>> {
        let needed = self.needed.as_ref()?;
        let mut found = chunk.rows_with(&needed.text, rows);
        if needed.or_backslash {
            let escaped = chunk.rows_with(&Finder::new(BACKSLASH), rows);
            if !escaped.is_empty() {
                found.extend(escaped);
                found.sort_unstable();
                found.dedup();
            }
        }
        Some(found)
    }
}

fn finder(text: &str) -> Finder<'static> {
    Finder::new(text.as_bytes()).into_owned()
}

/// The longest text that a conjunction needs.
fn needed(filter: &Prefilter) -> Option<Needed> {
    let of = |text: &str, or_backslash| {
        (!text.is_empty()).then(|| Needed {
            text: finder(text),
            or_backslash,
        })
    };
    match filter {
        Prefilter::MessageContains(text) => of(text, false),
        Prefilter::MessageSpells(text) => of(text, true),
        Prefilter::And(all) => all
            .iter()
            .filter_map(needed)
            .max_by_key(|n| (!n.or_backslash, n.text.needle().len())),
        _ => None,
    }
}

impl Condition {
    fn new(filter: &Prefilter) -> Self {
        match filter {
            Prefilter::Nothing => Self::Nothing,
            Prefilter::And(all) => Self::And(all.iter().map(Self::new).collect()),
            Prefilter::Or(any) => Self::Or(any.iter().map(Self::new).collect()),
            Prefilter::MessageContains(text) => Self::Contains(finder(text)),
            Prefilter::MessageContainsIgnoreCase(text) => {
                Self::ContainsIgnoreCase(Box::from(&**text))
            }
            Prefilter::MessageSpells(text) => Self::Spells(finder(text)),
            Prefilter::All
            | Prefilter::NotJson
            | Prefilter::FieldEquals { .. }
            | Prefilter::FieldContains { .. }
            | Prefilter::FieldNumber { .. }
            | Prefilter::FieldPresent { .. } => Self::Any,
        }
    }

    fn may_match(&self, message: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Nothing => false,
            Self::And(all) => all.iter().all(|c| c.may_match(message)),
            Self::Or(any) => any.iter().any(|c| c.may_match(message)),
            Self::Contains(text) => text.find(message.as_bytes()).is_some(),
            Self::ContainsIgnoreCase(text) => contains_ignore_case(message, text),
            Self::Spells(text) => {
                text.find(message.as_bytes()).is_some()
                    || memchr::memchr(b'\\', message.as_bytes()).is_some()
            }
        }
    }
}

/// Whether [`HeadFilter::may_match`] decides a condition.
pub(super) fn is_exact(filter: &Prefilter) -> bool {
    match filter {
        Prefilter::All | Prefilter::Nothing | Prefilter::MessageContains(_) => true,
        Prefilter::And(all) | Prefilter::Or(all) => all.iter().all(is_exact),
        _ => false,
    }
}

/// Exact for ASCII. Where either side goes beyond, case is too subtle for a prefilter: yes.
fn contains_ignore_case(message: &str, text: &str) -> bool {
    if !text.is_ascii() {
        return true;
    }
    let Some(first) = text.bytes().next() else {
        return true;
    };
    let bytes = message.as_bytes();
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    // Some characters beyond ASCII fold into it, such as the Kelvin sign.
    if !message.is_ascii() {
        return true;
    }
    memchr::memchr2_iter(lower, upper, bytes).any(|at| {
        bytes
            .get(at..at + text.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(text.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use belfry_catalog::log_groups::LogStreamId;
    use belfry_model::TimestampMs;
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::head::Source;
    use super::*;

    fn chunk(messages: &[String]) -> Chunk {
        let mut text = String::new();
        let mut ends = Vec::new();
        for message in messages {
            text.push_str(message);
            ends.push(text.len() as u32);
        }
        let source = Source {
            seq: 1,
            stream: LogStreamId(1),
            ingestion_time: TimestampMs(0),
        };
        let times = (0..messages.len() as i64).collect();
        Chunk::of_call(source, 0, times, ends, Bytes::from(text))
    }

    proptest! {
        /// Also where a text lies across the border of two messages, or twice in one.
        #[test]
        fn candidates_are_the_rows_that_match(
            messages in proptest::collection::vec("[ab\\\\]{0,6}", 1..30),
            text in "[ab]{1,3}",
            spelled: bool,
            from in 0usize..30,
            to in 0usize..30,
        ) {
            let filter = match spelled {
                true => Prefilter::MessageSpells(text.as_str().into()),
                false => Prefilter::contains(text.as_str()),
            };
            let filter = HeadFilter::new(&Prefilter::And(vec![filter, Prefilter::NotJson]));
            let chunk = chunk(&messages);
            let rows = from.min(messages.len())..to.clamp(from.min(messages.len()), messages.len());
            let expected: Vec<u32> = rows
                .clone()
                .filter(|&row| {
                    messages[row].contains(&text) || (spelled && messages[row].contains('\\'))
                })
                .map(|row| row as u32)
                .collect();
            let matching: Vec<u32> = rows
                .clone()
                .filter(|&row| filter.may_match(&messages[row]))
                .map(|row| row as u32)
                .collect();
            prop_assert_eq!(&matching, &expected);
            prop_assert_eq!(filter.candidates(&chunk, &rows), Some(expected));
        }
    }

    #[test]
    fn a_choice_needs_no_text() {
        let either = Prefilter::Or(vec![Prefilter::contains("a"), Prefilter::NotJson]);
        assert!(HeadFilter::new(&either).needed.is_none());
        let both = either
            .and(Prefilter::contains("bcd"))
            .and(Prefilter::contains("e"));
        let needed = HeadFilter::new(&both)
            .needed
            .map(|n| n.text.needle().to_vec());
        assert_eq!(needed.as_deref(), Some(b"bcd".as_slice()));
    }
}
