//! Form fields: the pairs of a query string and of an `application/x-www-form-urlencoded` body.

use std::borrow::Cow;
use std::cmp::Ordering;

use memchr::memchr2;
use percent_encoding::percent_decode_str;

use super::DecodeError;

/// A full PutMetricData (1,000 datums, 150 values and counts each) has about 370,000 fields, but
/// no such body fits into the inflated size we take; this many do.
const FIELDS_MAX: usize = 262_144;

/// No member of the models is nested deeper; each list or map level costs two segments.
const KEY_SEGMENTS_MAX: usize = 32;

/// One decoded field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, str>,
}

/// All fields of a Query request, those of the body before those of the query string. Where
/// both have a field, the body's counts.
#[derive(Clone, Debug, Default)]
pub struct Form<'a> {
    fields: Vec<Field<'a>>,
    /// The fields from here on come from the query string.
    query_start: usize,
}

impl<'a> Form<'a> {
    /// # Errors
    /// Text that is not UTF-8 after percent-decoding, too many fields, too deep names.
    pub fn parse(query: &'a str, body: &'a [u8]) -> Result<Self, DecodeError> {
        let body = std::str::from_utf8(body)
            .map_err(|_| DecodeError::new("the form is not valid UTF-8"))?;
        let mut form = Self::default();
        form.append(body)?;
        form.query_start = form.fields.len();
        form.append(query)?;
        Ok(form)
    }

    fn append(&mut self, text: &'a str) -> Result<(), DecodeError> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if self.fields.len() >= FIELDS_MAX {
                return Err(DecodeError::new(format!(
                    "the form has more than {FIELDS_MAX} fields"
                )));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            let dots = name.bytes().filter(|byte| *byte == b'.').count();
            if dots >= KEY_SEGMENTS_MAX || name.bytes().any(|byte| byte == 0) {
                return Err(DecodeError::new("a field has a malformed name"));
            }
            let value = decode(value)?;
            self.fields.push(Field { name, value });
        }
        Ok(())
    }

    /// The value of the field of exactly this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.name == name)
            .map(|field| &*field.value)
    }

    /// All fields in the order received, those of the body first.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &Field<'a>> {
        self.fields.iter()
    }

    /// The fields ordered by name segments, each name once.
    pub(super) fn sorted(&self) -> Result<Vec<&Field<'a>>, DecodeError> {
        let (body, query) = self
            .fields
            .split_at_checked(self.query_start)
            .unwrap_or_default();
        let mut sorted: Vec<(&Field<'a>, bool)> = body
            .iter()
            .map(|field| (field, false))
            .chain(query.iter().map(|field| (field, true)))
            .collect();
        sorted.sort_by(|(a, _), (b, _)| segment_order(&a.name, &b.name));

        let mut unique: Vec<(&Field<'a>, bool)> = Vec::with_capacity(sorted.len());
        for (field, from_query) in sorted {
            match unique.last() {
                Some((last, last_from_query)) if last.name == field.name => {
                    if *last_from_query == from_query {
                        return Err(DecodeError::new("given more than once").within(&field.name));
                    }
                }
                _ => unique.push((field, from_query)),
            }
        }
        Ok(unique.into_iter().map(|(field, _)| field).collect())
    }
}

/// An order that keeps all fields below one name together: the dot comes first.
///
/// Names of a large form share long beginnings, which are compared a word at a time.
fn segment_order(a: &str, b: &str) -> Ordering {
    let (a_words, _) = a.as_bytes().as_chunks::<8>();
    let (b_words, _) = b.as_bytes().as_chunks::<8>();
    let same_words = a_words
        .iter()
        .zip(b_words)
        .take_while(|(a, b)| a == b)
        .count();
    let dot_first = |byte: u8| if byte == b'.' { 0 } else { byte };
    let a_rest = a.bytes().skip(same_words * 8).map(dot_first);
    let b_rest = b.bytes().skip(same_words * 8).map(dot_first);
    a_rest.cmp(b_rest)
}

/// Both `+` and `%20` are spaces (spec wire-protocols.md 3.2).
fn decode(text: &str) -> Result<Cow<'_, str>, DecodeError> {
    let not_utf8 = || DecodeError::new("a field is not valid UTF-8");
    if memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced)
            .decode_utf8()
            .map_err(|_| not_utf8())?;
        Ok(Cow::Owned(decoded.into_owned()))
    } else {
        percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| not_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names<'a>(form: &'a Form<'_>) -> Vec<&'a str> {
        form.sorted()
            .expect("sorted")
            .iter()
            .map(|field| &*field.name)
            .collect()
    }

    #[test]
    fn spaces_and_percent_signs() {
        let form = Form::parse("", b"a=x+y&b=x%20y&c=%C3%A9&d&=e&f=50%").expect("form");
        for (name, value) in [
            ("a", "x y"),
            ("b", "x y"),
            ("c", "é"),
            ("d", ""),
            ("f", "50%"),
        ] {
            assert_eq!(form.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn keeps_what_belongs_together() {
        let form = Form::parse("", b"A-B=1&A.b=2&A=3&A.a=4&AB=5").expect("form");
        assert_eq!(names(&form), ["A", "A.a", "A.b", "A-B", "AB"]);
    }

    #[test]
    fn the_body_wins_over_the_query_string_and_repeats_are_refused() {
        let form = Form::parse("a=query&b=query", b"a=body").expect("form");
        assert_eq!(names(&form), ["a", "b"]);
        assert_eq!(form.get("a"), Some("body"));
        let twice = Form::parse("", b"a=1&a=2").expect("form");
        assert!(twice.sorted().is_err());
    }

    #[test]
    fn refuses_what_is_not_text() {
        assert!(Form::parse("", b"a=%ff").is_err());
        assert!(Form::parse("", b"a=\xff").is_err());
        let deep = "a.".repeat(40);
        assert!(Form::parse(&deep, b"").is_err());
    }
}
