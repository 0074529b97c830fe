//! Finds the values of all selectors of a pattern in one pass over a JSON message.
//!
//! The selectors form a tree of steps. A message is walked along that tree: what no selector asks
//! for is skipped without being built, what one asks for is kept as raw text, so that a number can
//! be compared as it was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::selector::{Selector, SelectorStep};

/// The steps of several selectors, shared beginnings merged.
#[derive(Clone, Debug, Default)]
pub(super) struct SelectorTree {
    /// Selectors that end here.
    ends: Vec<usize>,
    /// All selectors that end here or below.
    below: Vec<usize>,
    keys: Vec<(String, SelectorTree)>,
    indexes: Vec<(usize, SelectorTree)>,
    any_value: Option<Box<SelectorTree>>,
    any_element: Option<Box<SelectorTree>>,
}

impl SelectorTree {
    pub fn new(selectors: &[Selector]) -> Self {
        let mut root = Self::default();
        for (slot, selector) in selectors.iter().enumerate() {
            let mut node = &mut root;
            node.below.push(slot);
            for step in &selector.steps {
                node = node.child(step);
                node.below.push(slot);
            }
            node.ends.push(slot);
        }
        root
    }

    fn child(&mut self, step: &SelectorStep) -> &mut Self {
        match step {
            SelectorStep::Key(key) => entry(&mut self.keys, key),
            SelectorStep::Index(index) => entry(&mut self.indexes, index),
            SelectorStep::AnyValue => self.any_value.get_or_insert_default(),
            SelectorStep::AnyElement => self.any_element.get_or_insert_default(),
        }
    }

    fn has_children(&self) -> bool {
        !self.keys.is_empty()
            || !self.indexes.is_empty()
            || self.any_value.is_some()
            || self.any_element.is_some()
    }

    /// What the selectors find in a message; `None` if the message is not one JSON object.
    pub fn select<'m>(&self, message: &'m str, selectors: usize) -> Option<Selection<'m>> {
        let message = message.trim();
        if !message.starts_with('{') {
            return None;
        }
        let mut selection = Selection {
            found: vec![Vec::new(); selectors],
        };
        let mut deserializer = serde_json::Deserializer::from_str(message);
        let walk = Walk {
            node: self,
            selection: &mut selection,
        };
        walk.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(selection)
    }
}

fn entry<'t, K: Clone + PartialEq>(
    children: &'t mut Vec<(K, SelectorTree)>,
    key: &K,
) -> &'t mut SelectorTree {
    let at = children.iter().position(|(known, _)| known == key);
    let at = at.unwrap_or_else(|| {
        children.push((key.clone(), SelectorTree::default()));
        children.len() - 1
    });
    &mut children[at].1
}

/// The raw values that each selector found, in document order.
#[derive(Debug)]
pub(super) struct Selection<'m> {
    found: Vec<Vec<&'m str>>,
}

impl<'m> Selection<'m> {
    /// The values of one selector, by its number.
    pub fn values(&self, slot: usize) -> impl Iterator<Item = Scalar<'m>> {
        let raw = self.found.get(slot).map_or(&[] as &[&str], Vec::as_slice);
        raw.iter().map(|raw| Scalar::of(raw))
    }

    fn lengths(&self, slots: &[usize]) -> Vec<usize> {
        let length = |slot: &usize| self.found.get(*slot).map_or(0, Vec::len);
        slots.iter().map(length).collect()
    }

    fn truncate(&mut self, slots: &[usize], lengths: &[usize]) {
        for (slot, length) in slots.iter().zip(lengths) {
            if let Some(values) = self.found.get_mut(*slot) {
                values.truncate(*length);
            }
        }
    }
}

/// A selected value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'m> {
    String(Cow<'m, str>),
    /// As written in the message.
    Number(&'m str),
    Boolean(bool),
    Null,
    /// An object or array, or a string that is no text.
    Structure,
}

impl<'m> Scalar<'m> {
    fn of(raw: &'m str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => {
                let inside = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
                if !inside.contains('\\') {
                    return Self::String(Cow::Borrowed(inside));
                }
                serde_json::from_str(raw)
                    .map_or(Self::Structure, |text| Self::String(Cow::Owned(text)))
            }
            Some(b't') => Self::Boolean(true),
            Some(b'f') => Self::Boolean(false),
            Some(b'n') => Self::Null,
            Some(b'-' | b'0'..=b'9') => Self::Number(raw),
            _ => Self::Structure,
        }
    }

    /// How the value compares and is extracted as text; `None` for null and structures.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        match self {
            Self::String(text) => Some(text.clone()),
            Self::Number(text) => Some(Cow::Borrowed(text)),
            Self::Boolean(true) => Some(Cow::Borrowed("true")),
            Self::Boolean(false) => Some(Cow::Borrowed("false")),
            Self::Null | Self::Structure => None,
        }
    }
}

/// Walks one value along one node of the tree.
struct Walk<'t, 's, 'm> {
    node: &'t SelectorTree,
    selection: &'s mut Selection<'m>,
}

impl<'m> DeserializeSeed<'m> for Walk<'_, '_, 'm> {
    type Value = ();

    fn deserialize<D: Deserializer<'m>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node.ends.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let raw = <&RawValue as serde::Deserialize>::deserialize(deserializer)?.get();
        for slot in &self.node.ends {
            if let Some(values) = self.selection.found.get_mut(*slot) {
                values.push(raw);
            }
        }
        if self.node.has_children() && raw.starts_with(['{', '[']) {
            // Some selectors end here and others go on: only then a part is read again.
            let mut inside = serde_json::Deserializer::from_str(raw);
            let walked = inside.deserialize_any(self);
            return walked.map_err(serde::de::Error::custom);
        }
        Ok(())
    }
}

impl<'m> Visitor<'m> for Walk<'_, '_, 'm> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'m>>(self, mut members: A) -> Result<(), A::Error> {
        if let Some(any_value) = &self.node.any_value {
            return self.visit_members(any_value, members);
        }
        // Of repeated keys the last one counts: forget what the earlier one gave.
        let mut seen: Vec<(usize, Vec<usize>)> = Vec::new();
        while let Some(key) = members.next_key::<Key<'m>>()? {
            let child = self.node.keys.iter().enumerate();
            let Some((at, (_, child))) = child.into_iter().find(|(_, (name, _))| *name == key.0)
            else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            match seen.iter().find(|(seen_at, _)| *seen_at == at) {
                Some((_, lengths)) => self.selection.truncate(&child.below, lengths),
                None => seen.push((at, self.selection.lengths(&child.below))),
            }
            members.next_value_seed(Walk {
                node: child,
                selection: &mut *self.selection,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'m>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let by_index = self
                .node
                .indexes
                .iter()
                .find(|(wanted, _)| *wanted == index);
            let more = match (by_index, &self.node.any_element) {
                (None, None) => elements.next_element::<IgnoredAny>()?.is_some(),
                (Some((_, node)), None) => elements
                    .next_element_seed(Walk {
                        node,
                        selection: &mut *self.selection,
                    })?
                    .is_some(),
                (by_index, Some(any)) => match elements.next_element::<&RawValue>()? {
                    Some(raw) => {
                        let nodes = by_index.map(|(_, node)| node).into_iter().chain([&**any]);
                        for node in nodes {
                            self.selection.walk_raw(node, raw)?;
                        }
                        true
                    }
                    None => false,
                },
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'m> Walk<'_, '_, 'm> {
    /// An object of which every value is wanted.
    fn visit_members<A: MapAccess<'m>>(
        self,
        any_value: &SelectorTree,
        mut members: A,
    ) -> Result<(), A::Error> {
        let mut last: indexmap::IndexMap<Cow<'m, str>, &'m RawValue> = indexmap::IndexMap::new();
        while let Some((key, raw)) = members.next_entry::<Key<'m>, &'m RawValue>()? {
            last.insert(key.0, raw);
        }
        for (key, raw) in last {
            let by_key = self.node.keys.iter().find(|(name, _)| *name == key);
            let nodes = by_key.map(|(_, node)| node).into_iter().chain([any_value]);
            for node in nodes {
                self.selection.walk_raw(node, raw)?;
            }
        }
        Ok(())
    }
}

impl<'m> Selection<'m> {
    fn walk_raw<E: serde::de::Error>(
        &mut self,
        node: &SelectorTree,
        raw: &'m RawValue,
    ) -> Result<(), E> {
        let walk = Walk {
            node,
            selection: self,
        };
        let mut inside = serde_json::Deserializer::from_str(raw.get());
        walk.deserialize(&mut inside).map_err(E::custom)
    }
}

/// A key, borrowed from the message unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'m>(#[serde(borrow)] Cow<'m, str>);
