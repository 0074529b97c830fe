//! The Query protocol's input as a serde source: form fields whose dotted names spell a tree
//! (spec wire-protocols.md 3.2).
//!
//! `A.member.1.B=x` is a list, `A.entry.1.key=k` with `A.entry.1.value=v` a map, `A.B=x` a
//! structure, and `A=` an empty list. Scalars are text. The recursion follows the target type,
//! whose depth is bounded; text that no member asks for is never descended into.

use std::borrow::Cow;

use memchr::memchr;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};

use super::DecodeError;
use super::budget::Budget;
use super::form::{Field, Form};

/// Reads the members of an input structure from `form`.
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    form: &Form<'de>,
    seed: S,
) -> Result<S::Value, DecodeError> {
    let sorted = form.sorted()?;
    seed.deserialize(Node {
        fields: &sorted,
        offset: 0,
        budget: &Budget::default(),
    })
}

/// The fields that share a name up to `offset`, in segment order.
#[derive(Clone, Copy)]
struct Node<'f, 'de> {
    fields: &'f [&'f Field<'de>],
    /// Where the next segment begins in each name; one past the end of a name that ends here.
    offset: usize,
    budget: &'f Budget,
}

impl<'f, 'de> Node<'f, 'de> {
    /// The value of the name that ends here. It sorts before all longer names.
    fn leaf(&self) -> Option<&'f Cow<'de, str>> {
        let first = self.fields.first()?;
        (first.name.len() < self.offset).then_some(&first.value)
    }

    fn text(&self) -> Result<&'f Cow<'de, str>, DecodeError> {
        self.leaf()
            .ok_or_else(|| DecodeError::new("expected a value, found a structure"))
    }

    fn children(&self) -> Children<'f, 'de> {
        let rest = match self.leaf() {
            Some(_) => self.fields.get(1..).unwrap_or_default(),
            None => self.fields,
        };
        Children {
            rest,
            offset: self.offset,
            budget: self.budget,
        }
    }

    fn child(&self, names: &[&str]) -> Option<Self> {
        self.children()
            .find(|(segment, _)| names.contains(segment))
            .map(|(_, node)| node)
    }

    /// The elements of a list or the entries of a map, by ascending index. `wrapper` is the
    /// segment between the name and the index; flattened lists go without it.
    fn numbered(&self, wrapper: &str) -> Result<Vec<Self>, DecodeError> {
        let holder = self.child(&[wrapper]).unwrap_or(*self);
        if holder.children().next().is_none() {
            return match self.leaf() {
                Some(text) if !text.is_empty() => Err(DecodeError::new("expected a list")),
                _ => Ok(Vec::new()),
            };
        }
        let mut numbered = Vec::new();
        for (segment, node) in holder.children() {
            let index: u32 = segment
                .parse()
                .map_err(|_| DecodeError::new(format!("expected an index, found {segment}")))?;
            numbered.push((index, node));
        }
        numbered.sort_by_key(|(index, _)| *index);
        Ok(numbered.into_iter().map(|(_, node)| node).collect())
    }
}

/// The distinct next segments below a node.
struct Children<'f, 'de> {
    rest: &'f [&'f Field<'de>],
    offset: usize,
    budget: &'f Budget,
}

impl<'f, 'de> Iterator for Children<'f, 'de> {
    type Item = (&'f str, Node<'f, 'de>);

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let segment = segment_at(self.rest.first()?, offset);
        let is_below = |field: &&Field<'_>| segment_at(field, offset) == segment;
        // Most groups are small and a few are nearly all: look twice as far each time.
        let mut near = 4;
        while self.rest.get(near).is_some_and(is_below) {
            near *= 2;
        }
        let reach = self.rest.get(..near).unwrap_or(self.rest);
        let (fields, rest) = self
            .rest
            .split_at_checked(reach.partition_point(is_below))?;
        self.rest = rest;
        let node = Node {
            fields,
            offset: offset + segment.len() + 1,
            budget: self.budget,
        };
        Some((segment, node))
    }
}

fn segment_at<'f>(field: &'f Field<'_>, offset: usize) -> &'f str {
    let rest = field.name.get(offset..).unwrap_or_default();
    match memchr(b'.', rest.as_bytes()) {
        Some(end) => rest.get(..end).unwrap_or_default(),
        None => rest,
    }
}

fn visit_text<'de, V: Visitor<'de>>(
    text: &Cow<'de, str>,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_str(text),
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            let text = self.text()?.trim();
            match text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(DecodeError::invalid_value(Unexpected::Str(text), &$what)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_, 'de> {
    type Error = DecodeError;

    parsed! {
        deserialize_i8 visit_i8 "an integer"
        deserialize_i16 visit_i16 "an integer"
        deserialize_i32 visit_i32 "an integer"
        deserialize_i64 visit_i64 "an integer"
        deserialize_i128 visit_i128 "an integer"
        deserialize_u8 visit_u8 "an integer"
        deserialize_u16 visit_u16 "an integer"
        deserialize_u32 visit_u32 "an integer"
        deserialize_u64 visit_u64 "an integer"
        deserialize_u128 visit_u128 "an integer"
        deserialize_f32 visit_f32 "a number"
        deserialize_f64 visit_f64 "a number"
        deserialize_char visit_char "a character"
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let text = self.text()?.trim();
        if text.eq_ignore_ascii_case("true") {
            visitor.visit_bool(true)
        } else if text.eq_ignore_ascii_case("false") {
            visitor.visit_bool(false)
        } else {
            Err(DecodeError::invalid_value(
                Unexpected::Str(text),
                &"true or false",
            ))
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visit_text(self.text()?, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    derived_shapes!();

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Elements {
            nodes: self.numbered("member")?.into_iter(),
            taken: 0,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let is_numbered = |(segment, _): (&str, _)| segment == "entry" || is_index(segment);
        if self.children().all(is_numbered) {
            self.budget.spend_map()?;
            visitor.visit_map(Entries {
                nodes: self.numbered("entry")?.into_iter(),
                value: None,
            })
        } else {
            self.deserialize_struct("", &[], visitor)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if self.leaf().is_some_and(|text| !text.is_empty()) && self.children().next().is_none() {
            return Err(DecodeError::new("expected a structure, found a value"));
        }
        self.budget.spend_map()?;
        visitor.visit_map(Members {
            children: self.children(),
            current: None,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self.text()?.as_ref().into_deserializer())
    }

    /// For members whose type leaves it to the input: the names tell the kind.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.children().next() {
            None => match self.leaf() {
                Some(text) => visit_text(text, visitor),
                None => visitor.visit_map(Members {
                    children: self.children(),
                    current: None,
                }),
            },
            Some(("member", _)) => self.deserialize_seq(visitor),
            Some(("entry", _)) => self.deserialize_map(visitor),
            Some(_) => self.deserialize_struct("", &[], visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}

fn is_index(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

struct Elements<'f, 'de> {
    nodes: std::vec::IntoIter<Node<'f, 'de>>,
    taken: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(node) = self.nodes.next() else {
            return Ok(None);
        };
        let index = self.taken;
        self.taken += 1;
        seed.deserialize(node)
            .map(Some)
            .map_err(|error| error.within_element(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

struct Members<'f, 'de> {
    children: Children<'f, 'de>,
    current: Option<(&'f str, Node<'f, 'de>)>,
}

impl<'de> MapAccess<'de> for Members<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.current = self.children.next();
        match self.current {
            Some((segment, _)) => seed.deserialize(StrDeserializer::new(segment)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let (segment, node) = self
            .current
            .take()
            .ok_or_else(|| DecodeError::new("a value was asked for before its key"))?;
        seed.deserialize(node)
            .map_err(|error| error.within(segment))
    }
}

struct Entries<'f, 'de> {
    nodes: std::vec::IntoIter<Node<'f, 'de>>,
    value: Option<(&'f str, Node<'f, 'de>)>,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let Some(entry) = self.nodes.next() else {
            return Ok(None);
        };
        let key = entry
            .child(&["key", "Name", "Key"])
            .ok_or_else(|| DecodeError::new("a map entry has no key"))?
            .text()?;
        let value = entry
            .child(&["value", "Value"])
            .ok_or_else(|| DecodeError::new("no value").within(key))?;
        self.value = Some((key, value));
        let key = match key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StrDeserializer::new(key)),
        };
        key.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let (key, node) = self
            .value
            .take()
            .ok_or_else(|| DecodeError::new("a value was asked for before its key"))?;
        seed.deserialize(node).map_err(|error| error.within(key))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}
