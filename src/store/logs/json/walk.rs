//! One pass over a JSON message: its shape and its scalar values.
//!
//! The shape is the message with every scalar value replaced by one [`SLOT`] byte: key order,
//! white space and punctuation stay. No JSON text contains that byte, so shapes are unambiguous.

use std::ops::Range;

/// Stands for a scalar value in a shape.
pub const SLOT: u8 = 0;

/// Nesting beyond this is not taken apart: ours, real events stay far below.
pub const DEPTH_MAX: usize = 32;

/// Leaves of a message that are discovered fields (spec logs-insights.md 5.2). A message with
/// more is not taken apart.
pub const LEAVES_MAX: usize = 200;

/// A scalar value in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar<'a> {
    pub token: Token,
    /// For strings what stands between the quotes, as written; else the whole token.
    pub text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// A string without any escape.
    PlainString,
    /// A string with escapes.
    EscapedString,
    Number,
    True,
    False,
    Null,
}

/// Receives what a walk finds, in order.
pub trait Visitor<'a> {
    /// An object member's key, as written between its quotes.
    fn key(&mut self, _key: &'a str) {}
    fn begin_object(&mut self) {}
    fn begin_array(&mut self) {}
    /// Ends the innermost object or array; `start..end` is its text in the input.
    fn end(&mut self, _start: usize, _end: usize) {}
    /// A scalar at `start..end` of the input, quotes included. Returning false stops the walk.
    fn scalar(&mut self, scalar: Scalar<'a>, start: usize, end: usize) -> bool;
}

/// Walks `text` if it is exactly one JSON object, blanks around it allowed. False if it is not,
/// if it nests too deep, or if the visitor stopped; then what was visited means nothing.
pub fn walk<'a>(text: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let mut walker = Walker {
        text,
        bytes: text.as_bytes(),
        at: 0,
        slots_allowed: false,
    };
    walker.document(visitor).is_some()
}

/// As [`walk`], over a shape: each [`SLOT`] counts as a null.
pub fn walk_shape<'a>(shape: &'a str, visitor: &mut impl Visitor<'a>) -> bool {
    let mut walker = Walker {
        text: shape,
        bytes: shape.as_bytes(),
        at: 0,
        slots_allowed: true,
    };
    walker.document(visitor).is_some()
}

/// Reusable buffers for taking messages apart.
#[derive(Debug, Default)]
pub struct Dissection {
    /// The message's shape.
    pub shape: Vec<u8>,
    scalars: Vec<(Token, Range<usize>)>,
}

impl Dissection {
    /// Takes `text` apart; false if it is not a JSON object within the limits.
    pub fn dissect(&mut self, text: &str) -> bool {
        self.shape.clear();
        self.scalars.clear();
        // Cheap refusal of the many messages that are plain text.
        if text.bytes().find(|b| !is_blank(*b)) != Some(b'{') {
            return false;
        }
        let mut dissector = Dissector {
            text,
            copied: 0,
            into: self,
        };
        if !walk(text, &mut dissector) {
            return false;
        }
        let rest = text.as_bytes().get(dissector.copied..);
        self.shape.extend_from_slice(rest.unwrap_or_default());
        true
    }

    /// The scalars of `text`, the message that was taken apart last.
    pub fn scalars<'a>(&self, text: &'a str) -> impl Iterator<Item = Scalar<'a>> {
        self.scalars.iter().map(move |(token, range)| Scalar {
            token: *token,
            text: text.get(range.clone()).unwrap_or_default(),
        })
    }

    pub fn len(&self) -> usize {
        self.scalars.len()
    }

    pub fn is_empty(&self) -> bool {
        self.scalars.is_empty()
    }
}

struct Dissector<'a, 'd> {
    text: &'a str,
    copied: usize,
    into: &'d mut Dissection,
}

impl<'a> Visitor<'a> for Dissector<'a, '_> {
    fn scalar(&mut self, scalar: Scalar<'a>, start: usize, end: usize) -> bool {
        let constant = self.text.as_bytes().get(self.copied..start);
        self.into
            .shape
            .extend_from_slice(constant.unwrap_or_default());
        self.into.shape.push(SLOT);
        self.copied = end;
        let range = match scalar.token {
            Token::PlainString | Token::EscapedString => start + 1..end - 1,
            _ => start..end,
        };
        self.into.scalars.push((scalar.token, range));
        self.into.scalars.len() <= LEAVES_MAX
    }
}

struct Walker<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    slots_allowed: bool,
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

impl<'a> Walker<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn document(&mut self, visitor: &mut impl Visitor<'a>) -> Option<()> {
        self.skip_blanks();
        if self.peek()? != b'{' {
            return None;
        }
        self.containers(visitor)?;
        self.skip_blanks();
        (self.at == self.bytes.len()).then_some(())
    }

    /// The object at the cursor with all that it holds, without recursion.
    fn containers(&mut self, visitor: &mut impl Visitor<'a>) -> Option<()> {
        // (where it starts, whether it is an object) of each open container.
        let mut open: [(usize, bool); DEPTH_MAX] = [(0, false); DEPTH_MAX];
        let mut depth = 0;
        loop {
            // A value starts here.
            self.skip_blanks();
            let start = self.at;
            let opens = match self.peek()? {
                b'{' => Some(true),
                b'[' => Some(false),
                _ => None,
            };
            if let Some(is_object) = opens {
                *open.get_mut(depth)? = (start, is_object);
                depth += 1;
                self.at += 1;
                if is_object {
                    visitor.begin_object();
                } else {
                    visitor.begin_array();
                }
                self.skip_blanks();
                let close = if is_object { b'}' } else { b']' };
                if self.peek()? != close {
                    if is_object {
                        self.key(visitor)?;
                    }
                    continue;
                }
            } else {
                let scalar = self.scalar()?;
                if !visitor.scalar(scalar, start, self.at) {
                    return None;
                }
            }
            // A value ended, or an empty container is about to: close what closes.
            loop {
                self.skip_blanks();
                let (start, is_object) = *open.get(depth.checked_sub(1)?)?;
                match (self.peek()?, is_object) {
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        depth -= 1;
                        visitor.end(start, self.at);
                        if depth == 0 {
                            return Some(());
                        }
                    }
                    (b',', true) => {
                        self.at += 1;
                        self.skip_blanks();
                        self.key(visitor)?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        break;
                    }
                    _ => return None,
                }
            }
        }
    }

    fn key(&mut self, visitor: &mut impl Visitor<'a>) -> Option<()> {
        let (text, _) = self.string()?;
        visitor.key(text);
        self.skip_blanks();
        self.eat(b':')
    }

    fn scalar(&mut self) -> Option<Scalar<'a>> {
        let start = self.at;
        let token = match self.peek()? {
            b'"' => {
                let (text, escaped) = self.string()?;
                let token = if escaped {
                    Token::EscapedString
                } else {
                    Token::PlainString
                };
                return Some(Scalar { token, text });
            }
            b't' => self.word(b"true", Token::True)?,
            b'f' => self.word(b"false", Token::False)?,
            b'n' => self.word(b"null", Token::Null)?,
            SLOT if self.slots_allowed => self.word(&[SLOT], Token::Null)?,
            _ => self.number()?,
        };
        Some(Scalar {
            token,
            text: self.text.get(start..self.at)?,
        })
    }

    fn word(&mut self, word: &[u8], token: Token) -> Option<Token> {
        let end = self.at.checked_add(word.len())?;
        if self.bytes.get(self.at..end)? != word {
            return None;
        }
        self.at = end;
        Some(token)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<Token> {
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(Token::Number)
    }

    /// The string at the cursor: its text between the quotes, and whether it has escapes.
    fn string(&mut self) -> Option<(&'a str, bool)> {
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..)?;
            // Most bytes are ordinary: find the next one that is not.
            let length = memchr::memchr2(b'"', b'\\', rest)?;
            let ordinary = rest.get(..length)?;
            // Without an early exit, so that it compiles to vector instructions.
            let has_control = ordinary.iter().fold(false, |found, &b| found | (b < 0x20));
            if has_control {
                return None;
            }
            self.at += length;
            match self.peek()? {
                b'"' => {
                    let text = self.text.get(start..self.at)?;
                    self.at += 1;
                    return Some((text, escaped));
                }
                b'\\' => {
                    escaped = true;
                    let length = match self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' => {
                            let hex = self.bytes.get(self.at + 2..self.at + 6)?;
                            hex.iter().all(u8::is_ascii_hexdigit).then_some(6)?
                        }
                        _ => return None,
                    };
                    self.at += length;
                }
                // Control characters must be escaped.
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dissect(text: &str) -> Option<(String, Vec<String>)> {
        let mut d = Dissection::default();
        d.dissect(text).then(|| {
            let shape = String::from_utf8(d.shape.clone())
                .unwrap()
                .replace('\0', "¤");
            (shape, d.scalars(text).map(|s| s.text.to_owned()).collect())
        })
    }

    #[test]
    fn separates_shape_and_values() {
        let (shape, values) =
            dissect(r#" {"a": 1, "b":{"c":"x\"y","d":[true,null, -2.5e3]},"e":{}} "#).unwrap();
        assert_eq!(shape, r#" {"a": ¤, "b":{"c":¤,"d":[¤,¤, ¤]},"e":{}} "#);
        assert_eq!(values, ["1", r#"x\"y"#, "true", "null", "-2.5e3"]);
    }

    #[test]
    fn refuses_what_is_not_one_json_object() {
        for text in [
            "",
            "{",
            "[1]",
            "1",
            "{}x",
            "x{}",
            "{\"a\":}",
            "{\"a\":01}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\":[1,]}",
            "{\"a\":[1}}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\0}",
            "{\"a\":tru}",
            "{\"a\":1.}",
            "{\"a\":-}",
            "{\"a\":\"",
            "{}{}",
            "{\"a\":\"\\u12g4\"}",
        ] {
            assert_eq!(dissect(text), None, "{text:?}");
        }
    }

    #[test]
    fn bounds_depth_and_leaves() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(dissect(&deep(DEPTH_MAX - 1)).is_some());
        assert!(dissect(&deep(DEPTH_MAX)).is_none());
        let wide = |n: usize| format!("{{\"a\":[{}]}}", vec!["1"; n].join(","));
        assert!(dissect(&wide(LEAVES_MAX)).is_some());
        assert!(dissect(&wide(LEAVES_MAX + 1)).is_none());
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_what_is_an_object(text in "[{}\\[\\]\",:0-9a-e.\\\\ntrul -]{0,24}") {
            let expected = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            let number_out_of_range = matches!(&expected, Err(e) if e.to_string().contains("out of range"));
            let lone_surrogate = matches!(&expected, Err(e) if e.to_string().contains("surrogate") || e.to_string().contains("hex escape"));
            prop_assume!(!number_out_of_range && !lone_surrogate);
            prop_assert_eq!(dissect(&text).is_some(), expected.is_ok());
        }
    }
}
