//! The bytes that identify a series inside a tenant, in memory and on disk.
//!
//! `namespace 00 name 00 (dimension-name 01 dimension-value 00)*`, dimensions sorted. The strings
//! hold no byte below 2 (spec metrics.md 1 forbids control characters), so that the order of the
//! bytes is the order of namespace, name, dimensions: the order of ListMetrics (spec metrics.md 9).

use belfry_model::{Dimension, MetricId};

use crate::error::{Error, Result};

const END: u8 = 0;
const IS: u8 = 1;

/// Appends the key of a metric to `out`. Dimensions may come in any order.
///
/// # Errors
/// [`Error::Invalid`] if a string holds a byte that delimits.
pub(super) fn encode(
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    let pushed = encode_unchecked(namespace, name, dimensions, out);
    if pushed.is_err() {
        out.truncate(start);
    }
    pushed
}

fn encode_unchecked(
    namespace: &str,
    name: &str,
    dimensions: &[(&str, &str)],
    out: &mut Vec<u8>,
) -> Result<()> {
    push(namespace, END, out)?;
    push(name, END, out)?;
    if dimensions.is_sorted() {
        return push_dimensions(dimensions, out);
    }
    let mut sorted: smallvec::SmallVec<[(&str, &str); 30]> = dimensions.into();
    sorted.sort_unstable();
    push_dimensions(&sorted, out)
}

fn push_dimensions(dimensions: &[(&str, &str)], out: &mut Vec<u8>) -> Result<()> {
    for (name, value) in dimensions {
        push(name, IS, out)?;
        push(value, END, out)?;
    }
    Ok(())
}

fn push(text: &str, delimiter: u8, out: &mut Vec<u8>) -> Result<()> {
    // Without an early end the loop takes many bytes a step, and strings are short.
    if text.bytes().fold(false, |found, b| found | (b <= IS)) {
        return Err(Error::Invalid(format!(
            "{text:?} holds a control character"
        )));
    }
    out.extend_from_slice(text.as_bytes());
    out.push(delimiter);
    Ok(())
}

/// The key of a metric: its namespace, name and dimensions as ordered bytes.
///
/// # Errors
/// [`Error::Invalid`] if a string holds a control character.
pub fn of(metric: &MetricId) -> Result<Vec<u8>> {
    let dimensions: Vec<(&str, &str)> = metric
        .dimensions()
        .iter()
        .map(|d| (&*d.name, &*d.value))
        .collect();
    let mut key = Vec::new();
    encode(&metric.namespace, &metric.name, &dimensions, &mut key)?;
    Ok(key)
}

/// The first bytes of the keys of a namespace, or of a name in it.
pub(super) fn prefix(namespace: &str, name: Option<&str>) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(namespace.len() + 1);
    prefix.extend_from_slice(namespace.as_bytes());
    prefix.push(END);
    if let Some(name) = name {
        prefix.extend_from_slice(name.as_bytes());
        prefix.push(END);
    }
    prefix
}

/// A series' strings, borrowed from its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesKey<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    dimensions: &'a [u8],
}

impl<'a> SeriesKey<'a> {
    /// `None` if the bytes are no key.
    pub(super) fn parse(key: &'a [u8]) -> Option<Self> {
        let (namespace, rest) = split(key, END)?;
        let (name, dimensions) = split(rest, END)?;
        let parsed = Self {
            namespace,
            name,
            dimensions,
        };
        let mut rest = dimensions;
        while !rest.is_empty() {
            rest = split_dimension(rest)?.2;
        }
        Some(parsed)
    }

    /// Names and values, in order of names.
    pub fn dimensions(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut rest = self.dimensions;
        std::iter::from_fn(move || {
            let (name, value, after) = split_dimension(rest)?;
            rest = after;
            Some((name, value))
        })
    }

    pub fn to_metric_id(&self) -> MetricId {
        let dimensions = self
            .dimensions()
            .map(|(name, value)| Dimension::new(name, value))
            .collect();
        MetricId::new(self.namespace, self.name, dimensions)
    }
}

fn split_dimension(bytes: &[u8]) -> Option<(&str, &str, &[u8])> {
    let (name, rest) = split(bytes, IS)?;
    let (value, rest) = split(rest, END)?;
    Some((name, value, rest))
}

fn split(bytes: &[u8], delimiter: u8) -> Option<(&str, &[u8])> {
    let at = memchr::memchr(delimiter, bytes)?;
    let text = std::str::from_utf8(bytes.get(..at)?).ok()?;
    Some((text, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metric() -> impl Strategy<Value = MetricId> {
        let text = || "[ -~]{0,4}|[a-b]{1,2}";
        (
            text(),
            text(),
            proptest::collection::vec((text(), text()), 0..4),
        )
            .prop_map(|(namespace, name, dimensions)| {
                let dimensions = dimensions
                    .into_iter()
                    .map(|(n, v)| Dimension::new(n, v))
                    .collect();
                MetricId::new(namespace, name, dimensions)
            })
    }

    proptest! {
        #[test]
        fn keys_read_back_and_sort_like_metrics(a in metric(), b in metric()) {
            let (key_a, key_b) = (of(&a).unwrap(), of(&b).unwrap());
            prop_assert_eq!(SeriesKey::parse(&key_a).unwrap().to_metric_id(), a.clone());
            prop_assert_eq!(key_a.cmp(&key_b), a.cmp(&b));
            prop_assert!(key_a.starts_with(&prefix(&a.namespace, Some(&a.name))));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(0u8..4, 0..20)) {
            if let Some(key) = SeriesKey::parse(&bytes) {
                prop_assert!(key.dimensions().count() <= bytes.len());
            }
        }
    }

    #[test]
    fn the_order_of_dimensions_does_not_matter() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        encode("n", "m", &[("x", "1"), ("a", "2")], &mut a).unwrap();
        encode("n", "m", &[("a", "2"), ("x", "1")], &mut b).unwrap();
        assert_eq!(a, b);
        assert!(encode("n", "m", &[("x", "\u{1}")], &mut a).is_err());
        assert_eq!(a, b, "a refused key leaves no trace");
    }
}
