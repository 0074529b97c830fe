//! Decoding a PutMetricData straight into the columns of a [`MetricBatch`]: no tree, nothing
//! allocated per datum.
//!
//! This path takes only what is right in every respect, of any protocol. At the first doubt it
//! gives up, and the request is read again as a tree, which finds the exact refusal or accepts
//! after all: what this path accepts, that one accepts with the same batch (a test compares
//! them). So the texts of refusals are in one place, and cost those who send them.

use std::borrow::Cow;
use std::fmt;

use belfry_model::Unit;
use belfry_model::quota::{
    DIMENSION_NAME_CHARS_MAX, DIMENSION_VALUE_CHARS_MAX, METRIC_DATUMS_MAX, METRIC_DIMENSIONS_MAX,
    METRIC_NAME_CHARS_MAX, METRIC_NAMESPACE_CHARS_MAX, METRIC_VALUES_MAX,
};
use belfry_store::metrics::{MetricBatch, MetricValue};
use belfry_wire::{Input, Timestamp};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::metric_datum::{StatisticValues, TimeWindow, is_count, is_value};
use super::metric_text;

/// The batch, if the request is right in every respect.
pub fn decode(input: &Input<'_>, window: TimeWindow, allow_aws: bool) -> Option<MetricBatch> {
    let context = |namespace| Context {
        window,
        allow_aws,
        namespace,
    };
    // The order of members is the client's; a form is read in order of names.
    let first = match input {
        Input::Form(form) => form
            .get("Namespace")
            .map(|text| Cow::Owned(text.to_owned())),
        _ => None,
    };
    let was_known = first.is_some();
    match input.decode_seed(RequestSeed(context(first))) {
        Ok(Decoded::Batch(batch)) => Some(batch),
        Ok(Decoded::NamespaceComesLater) if !was_known => {
            let NamespaceOnly { namespace } = input.decode_seed(NamespaceSeed).ok()?;
            match input.decode_seed(RequestSeed(context(namespace.map(|text| text.0)))) {
                Ok(Decoded::Batch(batch)) => Some(batch),
                _ => None,
            }
        }
        _ => None,
    }
}

enum Decoded {
    Batch(MetricBatch),
    NamespaceComesLater,
}

struct Context<'de> {
    window: TimeWindow,
    allow_aws: bool,
    namespace: Option<Cow<'de, str>>,
}

/// Why this path gives up; nobody reads it.
fn doubtful<E: de::Error>() -> E {
    E::custom("")
}

/// A text, borrowed from the body where it stands there as it is.
struct Text<'de>(Cow<'de, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

#[derive(Deserialize)]
struct NamespaceOnly<'a> {
    #[serde(rename = "Namespace", borrow)]
    namespace: Option<Text<'a>>,
}

struct NamespaceSeed;

impl<'de> DeserializeSeed<'de> for NamespaceSeed {
    type Value = NamespaceOnly<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        NamespaceOnly::deserialize(deserializer)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier)]
enum RequestMember {
    Namespace,
    MetricData,
    EntityMetricData,
    StrictEntityValidation,
    #[serde(other)]
    Other,
}

struct RequestSeed<'de>(Context<'de>);

impl<'de> DeserializeSeed<'de> for RequestSeed<'de> {
    type Value = Decoded;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decoded, D::Error> {
        deserializer.deserialize_struct("", &[], self)
    }
}

impl<'de> Visitor<'de> for RequestSeed<'de> {
    type Value = Decoded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a structure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Decoded, A::Error> {
        let Context {
            window,
            allow_aws,
            mut namespace,
        } = self.0;
        let mut has_namespace = false;
        let mut batch: Option<MetricBatch> = None;
        while let Some(member) = members.next_key()? {
            match member {
                RequestMember::Namespace => {
                    if std::mem::replace(&mut has_namespace, true) {
                        return Err(doubtful());
                    }
                    let Text(text) = members.next_value()?;
                    // The same one, when it was looked up before.
                    namespace = Some(text);
                }
                RequestMember::MetricData => {
                    if batch.is_some() {
                        return Err(doubtful());
                    }
                    let Some(namespace) = &namespace else {
                        members.next_value::<IgnoredAny>()?;
                        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                        return Ok(Decoded::NamespaceComesLater);
                    };
                    if !is_namespace(namespace, allow_aws) {
                        return Err(doubtful());
                    }
                    let seed = DatumsSeed { namespace, window };
                    batch = Some(members.next_value_seed(seed)?);
                }
                // The tree looks at entities.
                RequestMember::EntityMetricData | RequestMember::StrictEntityValidation => {
                    return Err(doubtful());
                }
                RequestMember::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        match batch {
            Some(batch) if has_namespace && !batch.is_empty() => Ok(Decoded::Batch(batch)),
            _ => Err(doubtful()),
        }
    }
}

fn is_namespace(text: &str, allow_aws: bool) -> bool {
    text.len() <= METRIC_NAMESPACE_CHARS_MAX
        && !text.starts_with(':')
        && metric_text::check_namespace(text, allow_aws).is_ok()
}

struct DatumsSeed<'n> {
    namespace: &'n str,
    window: TimeWindow,
}

impl<'de> DeserializeSeed<'de> for DatumsSeed<'_> {
    type Value = MetricBatch;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<MetricBatch, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for DatumsSeed<'_> {
    type Value = MetricBatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut datums: A) -> Result<MetricBatch, A::Error> {
        let expected = datums.size_hint().unwrap_or(METRIC_DATUMS_MAX);
        let mut batch = MetricBatch::with_capacity(expected.min(METRIC_DATUMS_MAX));
        let mut scratch = Scratch::default();
        loop {
            scratch.clear();
            let Some(datum) = datums.next_element_seed(DatumSeed(&mut scratch))? else {
                return Ok(batch);
            };
            if batch.len() >= METRIC_DATUMS_MAX {
                return Err(doubtful());
            }
            datum
                .push(&scratch, &mut batch, self.namespace, self.window)
                .ok_or_else(doubtful)?;
        }
    }
}

/// The lists of one datum; reused for the next.
#[derive(Default)]
struct Scratch<'de> {
    dimensions: Vec<(Cow<'de, str>, Cow<'de, str>)>,
    values: Vec<f64>,
    counts: Vec<f64>,
}

impl Scratch<'_> {
    fn clear(&mut self) {
        self.dimensions.clear();
        self.values.clear();
        self.counts.clear();
    }
}

/// All of a datum but its lists.
#[derive(Default)]
struct Datum<'de> {
    name: Option<Text<'de>>,
    timestamp: Option<Timestamp>,
    value: Option<f64>,
    statistic_values: Option<StatisticValues>,
    unit: Option<Text<'de>>,
    storage_resolution: Option<i32>,
}

impl Datum<'_> {
    /// `None` at the first doubt.
    fn push(
        &self,
        scratch: &Scratch<'_>,
        batch: &mut MetricBatch,
        namespace: &str,
        window: TimeWindow,
    ) -> Option<()> {
        let name = &*self.name.as_ref()?.0;
        if name.len() > METRIC_NAME_CHARS_MAX || !metric_text::is_valid(name) {
            return None;
        }
        let dimensions = checked_dimensions(&scratch.dimensions)?;
        let timestamp = self.timestamp.map_or(window.now, Timestamp::ms);
        if timestamp < window.oldest || timestamp > window.newest {
            return None;
        }
        let unit = match &self.unit {
            Some(text) => Unit::parse(&text.0)?,
            None => Unit::None,
        };
        let resolution = match self.storage_resolution {
            None | Some(60) => 60,
            Some(1) => 1,
            Some(_) => return None,
        };
        let value = self.stored_value(scratch)?;
        let pushed = batch.push(
            namespace,
            name,
            &dimensions,
            timestamp,
            unit,
            resolution,
            value,
        );
        pushed.ok()
    }

    fn stored_value<'s>(&self, scratch: &'s Scratch<'_>) -> Option<MetricValue<'s>> {
        let Scratch { values, counts, .. } = scratch;
        match (self.value, &self.statistic_values) {
            (Some(value), None) if values.is_empty() && counts.is_empty() => {
                is_value(value).then_some(MetricValue::Single(value))
            }
            (None, Some(set)) if values.is_empty() && counts.is_empty() => {
                let (count, sum, min, max) = set.numbers();
                let sound = set.is_complete()
                    && [count, sum, min, max].into_iter().all(is_value)
                    && count > 0.0
                    && min <= max;
                sound.then(|| set.stored())
            }
            (None, None) => {
                let sound = (1..=METRIC_VALUES_MAX).contains(&values.len())
                    && (counts.is_empty() || counts.len() == values.len())
                    && values.iter().copied().all(is_value)
                    && counts.iter().copied().all(is_count);
                sound.then(|| MetricValue::Values {
                    values,
                    weights: (!counts.is_empty()).then_some(&**counts),
                })
            }
            _ => None,
        }
    }
}

type Pairs<'s> = smallvec::SmallVec<[(&'s str, &'s str); METRIC_DIMENSIONS_MAX]>;

fn checked_dimensions<'s>(dimensions: &'s [(Cow<'_, str>, Cow<'_, str>)]) -> Option<Pairs<'s>> {
    let mut pairs = Pairs::new();
    for (name, value) in dimensions {
        let sound = name.len() <= DIMENSION_NAME_CHARS_MAX
            && value.len() <= DIMENSION_VALUE_CHARS_MAX
            && metric_text::is_valid_dimension_name(name)
            && metric_text::is_valid(value);
        if !sound {
            return None;
        }
        pairs.push((name, value));
    }
    (!metric_text::has_duplicate_names(&pairs)).then_some(pairs)
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(field_identifier)]
enum DatumMember {
    MetricName,
    Dimensions,
    Timestamp,
    Value,
    StatisticValues,
    Values,
    Counts,
    Unit,
    StorageResolution,
    #[serde(other)]
    Other,
}

struct DatumSeed<'s, 'de>(&'s mut Scratch<'de>);

impl<'de> DeserializeSeed<'de> for DatumSeed<'_, 'de> {
    type Value = Datum<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Datum<'de>, D::Error> {
        deserializer.deserialize_struct("", &[], self)
    }
}

impl<'de> Visitor<'de> for DatumSeed<'_, 'de> {
    type Value = Datum<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a structure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Datum<'de>, A::Error> {
        let mut datum = Datum::default();
        let mut seen = 0_u16;
        while let Some(member) = members.next_key::<DatumMember>()? {
            if member != DatumMember::Other {
                let bit = 1 << member as u16;
                if seen & bit != 0 {
                    return Err(doubtful());
                }
                seen |= bit;
            }
            match member {
                DatumMember::MetricName => datum.name = members.next_value()?,
                DatumMember::Dimensions => {
                    members.next_value_seed(DimensionsSeed(&mut self.0.dimensions))?;
                }
                DatumMember::Timestamp => datum.timestamp = members.next_value()?,
                DatumMember::Value => datum.value = members.next_value()?,
                DatumMember::StatisticValues => {
                    datum.statistic_values = members.next_value()?;
                }
                DatumMember::Values => {
                    members.next_value_seed(NumbersSeed(&mut self.0.values))?;
                }
                DatumMember::Counts => {
                    members.next_value_seed(NumbersSeed(&mut self.0.counts))?;
                }
                DatumMember::Unit => datum.unit = members.next_value()?,
                DatumMember::StorageResolution => {
                    datum.storage_resolution = members.next_value()?;
                }
                DatumMember::Other => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(datum)
    }
}

/// A list of numbers. More than there may be is left to the tree.
struct NumbersSeed<'s>(&'s mut Vec<f64>);

impl<'de> DeserializeSeed<'de> for NumbersSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for NumbersSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<(), A::Error> {
        while let Some(number) = numbers.next_element()? {
            if self.0.len() >= METRIC_VALUES_MAX {
                return Err(doubtful());
            }
            self.0.push(number);
        }
        Ok(())
    }
}

struct DimensionsSeed<'s, 'de>(&'s mut Vec<(Cow<'de, str>, Cow<'de, str>)>);

impl<'de> DeserializeSeed<'de> for DimensionsSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for DimensionsSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut dimensions: A) -> Result<(), A::Error> {
        while let Some(dimension) = dimensions.next_element::<DimensionText<'de>>()? {
            let (Some(Text(name)), Some(Text(value))) = (dimension.name, dimension.value) else {
                return Err(doubtful());
            };
            if self.0.len() >= METRIC_DIMENSIONS_MAX {
                return Err(doubtful());
            }
            self.0.push((name, value));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DimensionText<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
}
