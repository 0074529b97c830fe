//! CBOR input as a serde source (spec wire-protocols.md 3.4).
//!
//! Takes what encoders of any make send: definite and indefinite strings, arrays and maps; any
//! numeric form for a numeric member; tags, which are looked through; `null` and `undefined` as
//! absent. Structures must be maps. Nesting is bounded. Text is borrowed from the body.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};

use super::DecodeError;
use super::budget::Budget;
use super::cbor_header::{self, BREAK, Header, NULL, UNDEFINED, truncated};

/// No member of the models is nested deeper than a dozen levels.
const DEPTH_MAX: usize = 64;

/// Reads one data item that must be all of `input`. An empty body is an empty map.
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    input: &'de [u8],
    seed: S,
) -> Result<S::Value, DecodeError> {
    const EMPTY_MAP: &[u8] = &[0xa0];
    let input = if input.is_empty() { EMPTY_MAP } else { input };
    let mut items = Items {
        input,
        depth_left: DEPTH_MAX,
        budget: Budget::default(),
    };
    let value = seed.deserialize(&mut items)?;
    if items.input.is_empty() {
        Ok(value)
    } else {
        Err(DecodeError::new("bytes follow the CBOR data item"))
    }
}

/// The data items not read yet.
struct Items<'de> {
    input: &'de [u8],
    depth_left: usize,
    budget: Budget,
}

impl<'de> Items<'de> {
    fn header(&mut self) -> Result<Header, DecodeError> {
        let (header, rest) = cbor_header::read(self.input)?;
        self.input = rest;
        Ok(header)
    }

    /// The next header that is not a tag.
    fn untagged(&mut self) -> Result<Header, DecodeError> {
        loop {
            match self.header()? {
                Header::Tag => {}
                header => return Ok(header),
            }
        }
    }

    fn take(&mut self, len: u64) -> Result<&'de [u8], DecodeError> {
        let len = usize::try_from(len).map_err(|_| truncated())?;
        let (taken, rest) = self.input.split_at_checked(len).ok_or_else(truncated)?;
        self.input = rest;
        Ok(taken)
    }

    /// The chunks of a string whose header announced `len`, or of an indefinite one.
    fn bytes(&mut self, len: Option<u64>, is_text: bool) -> Result<Cow<'de, [u8]>, DecodeError> {
        if let Some(len) = len {
            return self.take(len).map(Cow::Borrowed);
        }
        let mut joined = Vec::new();
        loop {
            match self.header()? {
                Header::Break => return Ok(Cow::Owned(joined)),
                Header::Text(Some(len)) if is_text => joined.extend_from_slice(self.take(len)?),
                Header::Bytes(Some(len)) if !is_text => joined.extend_from_slice(self.take(len)?),
                _ => return Err(DecodeError::new("malformed chunk of a CBOR string")),
            }
        }
    }

    fn text(&mut self, len: Option<u64>) -> Result<Cow<'de, str>, DecodeError> {
        let not_utf8 = || DecodeError::new("a CBOR text is not valid UTF-8");
        match self.bytes(len, true)? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| not_utf8()),
            Cow::Owned(bytes) => String::from_utf8(bytes)
                .map(Cow::Owned)
                .map_err(|_| not_utf8()),
        }
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.depth_left = self
            .depth_left
            .checked_sub(1)
            .ok_or_else(|| DecodeError::new("the CBOR data is nested too deeply"))?;
        let value = read(self);
        self.depth_left += 1;
        value
    }

    fn seq<V: Visitor<'de>>(
        &mut self,
        len: Option<u64>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|items| {
            let mut elements = Container::array(items, len);
            let value = visitor.visit_seq(&mut elements)?;
            elements.finish()?;
            Ok(value)
        })
    }

    fn map<V: Visitor<'de>>(
        &mut self,
        len: Option<u64>,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.budget.spend_map()?;
        self.nested(|items| {
            let mut entries = Container::map(items, len);
            let value = visitor.visit_map(&mut entries)?;
            entries.finish()?;
            Ok(value)
        })
    }

    /// Passes over one data item, whatever it is.
    fn skip(&mut self) -> Result<(), DecodeError> {
        match self.untagged()? {
            Header::Positive(_)
            | Header::Negative(_)
            | Header::Float(_)
            | Header::Bool(_)
            | Header::Null
            | Header::Other => Ok(()),
            Header::Bytes(len) => self.bytes(len, false).map(drop),
            Header::Text(len) => self.text(len).map(drop),
            Header::Array(len) => self.nested(|items| Container::array(items, len).finish()),
            Header::Map(len) => self.nested(|items| Container::map(items, len).finish()),
            Header::Break | Header::Tag => Err(DecodeError::new("malformed CBOR data")),
        }
    }

    /// Whether an array or map with `left` elements to come is at its end; counts one down.
    fn ends(&mut self, left: &mut Option<u64>) -> Result<bool, DecodeError> {
        match left {
            Some(left) => match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    Ok(false)
                }
                None => Ok(true),
            },
            None => match self.input.split_first() {
                Some((&BREAK, rest)) => {
                    self.input = rest;
                    Ok(true)
                }
                Some(_) => Ok(false),
                None => Err(truncated()),
            },
        }
    }

    fn visit<V: Visitor<'de>>(
        &mut self,
        header: Header,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match header {
            Header::Positive(value) => visitor.visit_u64(value),
            Header::Negative(_) => visitor.visit_i64(negative(header)?),
            Header::Float(value) => visitor.visit_f64(value),
            Header::Bool(value) => visitor.visit_bool(value),
            Header::Null => visitor.visit_unit(),
            Header::Bytes(len) => match self.bytes(len, false)? {
                Cow::Borrowed(bytes) => visitor.visit_borrowed_bytes(bytes),
                Cow::Owned(bytes) => visitor.visit_byte_buf(bytes),
            },
            Header::Text(len) => match self.text(len)? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Header::Array(len) => self.seq(len, visitor),
            Header::Map(len) => self.map(len, visitor),
            Header::Other | Header::Break | Header::Tag => {
                Err(DecodeError::new("malformed CBOR data"))
            }
        }
    }
}

/// CBOR stores a negative number as its bitwise complement.
fn negative(header: Header) -> Result<i64, DecodeError> {
    match header {
        Header::Negative(inverted) => i64::try_from(inverted)
            .map(|value| !value)
            .map_err(|_| DecodeError::new("an integer is out of range")),
        _ => Err(unexpected(header, "an integer")),
    }
}

fn unexpected(header: Header, expected: &'static str) -> DecodeError {
    let found = match header {
        Header::Positive(value) => Unexpected::Unsigned(value),
        Header::Negative(_) => Unexpected::Other("a negative integer"),
        Header::Float(value) => Unexpected::Float(value),
        Header::Bool(value) => Unexpected::Bool(value),
        Header::Null => Unexpected::Other("null"),
        Header::Bytes(_) => Unexpected::Other("bytes"),
        Header::Text(_) => Unexpected::Other("a string"),
        Header::Array(_) => Unexpected::Seq,
        Header::Map(_) => Unexpected::Map,
        Header::Other | Header::Tag | Header::Break => Unexpected::Other("something else"),
    };
    DecodeError::invalid_type(found, &expected)
}

/// The largest magnitude below which every double with no fraction is exactly one integer.
const DOUBLE_INTEGER_MAX: f64 = 9_007_199_254_740_992.0;

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.untagged()? {
                Header::Positive(value) => visitor.visit_u64(value),
                header @ Header::Negative(_) => visitor.visit_i64(negative(header)?),
                Header::Float(value)
                    if value.fract() == 0.0 && value.abs() <= DOUBLE_INTEGER_MAX =>
                {
                    visitor.visit_i64(value as i64)
                }
                header => Err(unexpected(header, "an integer")),
            }
        }
    )*};
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let header = self.untagged()?;
            self.visit(header, visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Items<'de> {
    type Error = DecodeError;

    fn is_human_readable(&self) -> bool {
        false
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    forward! {
        deserialize_any deserialize_bool deserialize_char deserialize_bytes deserialize_byte_buf
        deserialize_unit
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            Header::Float(value) => visitor.visit_f64(value),
            Header::Positive(value) => visitor.visit_f64(value as f64),
            Header::Negative(inverted) => visitor.visit_f64(-1.0 - inverted as f64),
            header => Err(unexpected(header, "a number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            header @ Header::Text(_) => self.visit(header, visitor),
            header => Err(unexpected(header, "a string")),
        }
    }

    derived_shapes!();

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.input.split_first() {
            Some((&(NULL | UNDEFINED), rest)) => {
                self.input = rest;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            Header::Array(len) => self.seq(len, visitor),
            header => Err(unexpected(header, "a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            Header::Map(len) => self.map(len, visitor),
            header => Err(unexpected(header, "a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            Header::Map(len) => self.map(len, visitor),
            header => Err(unexpected(header, "a structure")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.untagged()? {
            Header::Text(len) => {
                let text = self.text(len)?;
                visitor.visit_enum(text.as_ref().into_deserializer())
            }
            header => Err(unexpected(header, "a string")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// An array or a map that is being read.
struct Container<'a, 'de> {
    items: &'a mut Items<'de>,
    /// Elements or entries to come; `None` where a break ends them.
    left: Option<u64>,
    /// 1, or 2 of an entry: its key and its value.
    items_per_element: usize,
    ended: bool,
    /// Elements begun.
    taken: usize,
    /// Of the entry begun.
    key: Cow<'de, str>,
}

impl<'a, 'de> Container<'a, 'de> {
    const fn array(items: &'a mut Items<'de>, len: Option<u64>) -> Self {
        Self::new(items, len, 1)
    }

    const fn map(items: &'a mut Items<'de>, len: Option<u64>) -> Self {
        Self::new(items, len, 2)
    }

    const fn new(items: &'a mut Items<'de>, left: Option<u64>, items_per_element: usize) -> Self {
        Self {
            items,
            left,
            items_per_element,
            ended: false,
            taken: 0,
            key: Cow::Borrowed(""),
        }
    }

    fn is_at_end(&mut self) -> Result<bool, DecodeError> {
        if !self.ended {
            self.ended = self.items.ends(&mut self.left)?;
        }
        Ok(self.ended)
    }

    /// Passes over what the visitor left.
    fn finish(&mut self) -> Result<(), DecodeError> {
        while !self.is_at_end()? {
            for _ in 0..self.items_per_element {
                self.items.skip()?;
            }
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Container<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        if self.is_at_end()? {
            return Ok(None);
        }
        self.items.budget.spend_element()?;
        let index = self.taken;
        self.taken += 1;
        seed.deserialize(&mut *self.items)
            .map(Some)
            .map_err(|error| error.within_element(index))
    }

    /// Each element takes at least a byte, so that a lie about the length costs nothing.
    fn size_hint(&self) -> Option<usize> {
        let left = usize::try_from(self.left?).unwrap_or(usize::MAX);
        Some(left.min(self.items.input.len()))
    }
}

impl<'de> MapAccess<'de> for &mut Container<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        if self.is_at_end()? {
            return Ok(None);
        }
        self.items.budget.spend_element()?;
        self.key = match self.items.untagged()? {
            Header::Text(len) => self.items.text(len)?,
            header => return Err(unexpected(header, "a string as key")),
        };
        match &self.key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StrDeserializer::new(key)),
        }
        .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        seed.deserialize(&mut *self.items)
            .map_err(|error| error.within(&self.key))
    }
}
