//! JSON input as a serde source (spec wire-protocols.md 3.3).
//!
//! serde_json does the reading and bounds the nesting. The layer around it does what it does not:
//! it takes only objects for structures (serde's derived code would also take arrays, by
//! position), it takes the texts `NaN`, `Infinity` and `-Infinity` for numbers, it looks at what
//! is passed over as closely as at the rest, and it remembers in which member an error arose.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::{Deserialize, de};

use super::DecodeError;
use super::budget::Budget;

/// Reads one JSON value that must be all of `input`. An empty body is an empty object.
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    input: &'de [u8],
    seed: S,
) -> Result<S::Value, DecodeError> {
    let input = if input.trim_ascii().is_empty() {
        b"{}"
    } else {
        input
    };
    let watch = Watch::default();
    let mut json = serde_json::Deserializer::from_slice(input);
    let guarded = Guard {
        inner: &mut json,
        watch: &watch,
    };
    let value = seed.deserialize(guarded).and_then(|value| {
        json.end()?;
        Ok(value)
    });
    value.map_err(|error| {
        let segments = watch.path.take();
        segments
            .iter()
            .fold(DecodeError::new(error.to_string()), |error, segment| {
                error.within(segment)
            })
    })
}

/// What is known of one decoding.
#[derive(Default)]
struct Watch {
    /// Where the error arose, innermost segment first.
    path: RefCell<Vec<String>>,
    budget: Budget,
}

impl Watch {
    fn push(&self, segment: &str) {
        if let Ok(mut path) = self.path.try_borrow_mut() {
            path.push(segment.to_owned());
        }
    }
}

/// A deserializer, visitor or access of serde_json, watched.
struct Guard<'p, T> {
    inner: T,
    watch: &'p Watch,
}

macro_rules! forward {
    ($($method:ident => $inner:ident ($($arg:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(
            self,
            $($arg: $type,)*
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            $(let _ = &$arg;)*
            let visitor = Guard { inner: visitor, watch: self.watch };
            forward!(@call self.inner, $inner, visitor, $($arg),*)
        }
    )*};
    (@call $on:expr, deserialize_map, $visitor:ident, $($arg:ident),*) => {
        $on.deserialize_map($visitor)
    };
    (@call $on:expr, $inner:ident, $visitor:ident, $($arg:ident),*) => {
        $on.$inner($($arg,)* $visitor)
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guard<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any => deserialize_any()
        deserialize_bool => deserialize_bool()
        deserialize_i8 => deserialize_i8()
        deserialize_i16 => deserialize_i16()
        deserialize_i32 => deserialize_i32()
        deserialize_i64 => deserialize_i64()
        deserialize_i128 => deserialize_i128()
        deserialize_u8 => deserialize_u8()
        deserialize_u16 => deserialize_u16()
        deserialize_u32 => deserialize_u32()
        deserialize_u64 => deserialize_u64()
        deserialize_u128 => deserialize_u128()
        deserialize_f32 => deserialize_f32()
        deserialize_char => deserialize_char()
        deserialize_str => deserialize_str()
        deserialize_string => deserialize_string()
        deserialize_bytes => deserialize_bytes()
        deserialize_byte_buf => deserialize_byte_buf()
        deserialize_option => deserialize_option()
        deserialize_unit => deserialize_unit()
        deserialize_seq => deserialize_seq()
        deserialize_map => deserialize_map()
        deserialize_identifier => deserialize_identifier()
        deserialize_unit_struct => deserialize_unit_struct(name: &'static str)
        deserialize_newtype_struct => deserialize_newtype_struct(name: &'static str)
        deserialize_tuple => deserialize_tuple(len: usize)
        deserialize_tuple_struct => deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_enum => deserialize_enum(
            name: &'static str, variants: &'static [&'static str])
        deserialize_struct => deserialize_map(
            _name: &'static str, _fields: &'static [&'static str])
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(Double(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        Passed.deserialize(self.inner)?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Takes a number, or the text that stands for one that JSON cannot write.
struct Double<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Double<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<V::Value, E> {
        self.0.visit_i64(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<V::Value, E> {
        self.0.visit_u64(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<V::Value, E> {
        self.0.visit_f64(value)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<V::Value, E> {
        match text {
            "NaN" => self.0.visit_f64(f64::NAN),
            "Infinity" => self.0.visit_f64(f64::INFINITY),
            "-Infinity" => self.0.visit_f64(f64::NEG_INFINITY),
            _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }
}

/// A value that nobody asks for. Read rather than skipped, since serde_json skips without looking
/// at depth or at UTF-8.
struct Passed;

impl<'de> DeserializeSeed<'de> for Passed {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! pass {
    ($($method:ident: $type:ty)*) => {$(
        fn $method<E: de::Error>(self, _: $type) -> Result<(), E> {
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Passed {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    pass! {
        visit_bool: bool
        visit_i64: i64
        visit_u64: u64
        visit_f64: f64
        visit_str: &str
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while access.next_element_seed(Passed)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        while access.next_entry_seed(Passed, Passed)?.is_some() {}
        Ok(())
    }
}

macro_rules! visit {
    ($($method:ident: $type:ty)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guard<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_bool: bool
        visit_i64: i64
        visit_i128: i128
        visit_u64: u64
        visit_u128: u128
        visit_f64: f64
        visit_str: &str
        visit_borrowed_str: &'de str
        visit_string: String
        visit_bytes: &[u8]
        visit_borrowed_bytes: &'de [u8]
        visit_byte_buf: Vec<u8>
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Guard {
            inner: deserializer,
            watch: self.watch,
        })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Guard {
            inner: deserializer,
            watch: self.watch,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Elements {
            inner: access,
            watch: self.watch,
            taken: 0,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.watch.budget.spend_map()?;
        self.inner.visit_map(Members {
            inner: access,
            watch: self.watch,
            key: Cow::Borrowed(""),
        })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Guard {
            inner: access,
            watch: self.watch,
        })
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guard<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guard {
            inner: deserializer,
            watch: self.watch,
        })
    }
}

impl<'de, 'p, A: EnumAccess<'de>> EnumAccess<'de> for Guard<'p, A> {
    type Error = A::Error;
    type Variant = Guard<'p, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let watch = self.watch;
        let (value, variant) = self.inner.variant_seed(Guard { inner: seed, watch })?;
        let variant = Guard {
            inner: variant,
            watch,
        };
        Ok((value, variant))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guard<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Guard {
            inner: seed,
            watch: self.watch,
        })
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = Guard {
            inner: visitor,
            watch: self.watch,
        };
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = Guard {
            inner: visitor,
            watch: self.watch,
        };
        self.inner.struct_variant(fields, visitor)
    }
}

struct Elements<'p, A> {
    inner: A,
    watch: &'p Watch,
    taken: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.taken += 1;
        self.watch.budget.spend_element()?;
        let element = self.inner.next_element_seed(Guard {
            inner: seed,
            watch: self.watch,
        });
        if element.is_err() {
            self.watch.push(&self.taken.to_string());
        }
        element
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

struct Members<'de, 'p, A> {
    inner: A,
    watch: &'p Watch,
    key: Cow<'de, str>,
}

/// An object's key, borrowed from the body where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string as key")
            }

            fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, '_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some(Key(key)) = self.inner.next_key()? else {
            return Ok(None);
        };
        self.watch.budget.spend_element()?;
        self.key = key;
        match &self.key {
            Cow::Borrowed(key) => seed.deserialize(BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(StrDeserializer::new(key)),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.inner.next_value_seed(Guard {
            inner: seed,
            watch: self.watch,
        });
        if value.is_err() {
            self.watch.push(&self.key);
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}
