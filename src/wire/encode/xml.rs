//! The XML of the Query protocol, written from any serde value (spec wire-protocols.md 4.1).
//!
//! Lists become `<member>` elements, maps `<entry><key/><value/></entry>`, structures one
//! element per member. A `None` leaves no trace; an empty list is an empty element, because
//! clients tell the two apart. Characters that XML 1.0 does not allow are dropped.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct};
use serde_json::Value;

use crate::timestamp::{TIMESTAMP_NAME, Timestamp};

/// A value that has no form in XML: a mistake in an output structure.
#[derive(Debug)]
pub struct XmlError(String);

impl Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for XmlError {}

impl ser::Error for XmlError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl From<fmt::Error> for XmlError {
    fn from(error: fmt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Writes the content of `value`, without an element around it, at the end of `out`.
pub(super) fn write<T: Serialize + ?Sized>(out: &mut String, value: &T) -> Result<(), XmlError> {
    value.serialize(Content { out }).map(drop)
}

/// Writes a member of an error's structure: its objects are structures, not maps.
pub(super) fn write_json_member(out: &mut String, name: &str, value: &Value) {
    let mut text = String::new();
    match value {
        Value::Null => return,
        Value::String(value) => escape_into(&mut text, value),
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| write_json_member(&mut text, "member", element)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| write_json_member(&mut text, name, value)),
        Value::Bool(_) | Value::Number(_) => text = value.to_string(),
    }
    for part in ["<", name, ">", &text, "</", name, ">"] {
        out.push_str(part);
    }
}

/// Appends `text` escaped, without the characters that XML 1.0 forbids.
pub(super) fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A parser would turn a bare carriage return into a line feed.
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(character),
        }
    }
}

/// Writes `<name>value</name>`; nothing when the value is `None`.
fn element<T: Serialize + ?Sized>(out: &mut String, name: &str, value: &T) -> Result<(), XmlError> {
    let start = out.len();
    out.push('<');
    out.push_str(name);
    out.push('>');
    let content = out.len();
    if value.serialize(Content { out })? == Written::Absent {
        out.truncate(start);
    } else if out.len() == content {
        out.truncate(content - 1);
        out.push_str("/>");
    } else {
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
    Ok(())
}

/// Whether a value was there at all.
#[derive(PartialEq, Eq)]
enum Written {
    Present,
    Absent,
}

/// Writes a value as the content of an element.
struct Content<'o> {
    out: &'o mut String,
}

impl Content<'_> {
    fn display(self, value: impl Display) -> Result<Written, XmlError> {
        write!(self.out, "{value}")?;
        Ok(Written::Present)
    }
}

macro_rules! display {
    ($($method:ident: $type:ty)*) => {$(
        fn $method(self, value: $type) -> Result<Written, XmlError> {
            self.display(value)
        }
    )*};
}

impl<'o> ser::Serializer for Content<'o> {
    type Ok = Written;
    type Error = XmlError;
    type SerializeSeq = Parts<'o>;
    type SerializeTuple = Impossible<Written, XmlError>;
    type SerializeTupleStruct = Impossible<Written, XmlError>;
    type SerializeTupleVariant = Impossible<Written, XmlError>;
    type SerializeMap = Parts<'o>;
    type SerializeStruct = Parts<'o>;
    type SerializeStructVariant = Impossible<Written, XmlError>;

    display! {
        serialize_bool: bool
        serialize_i8: i8
        serialize_i16: i16
        serialize_i32: i32
        serialize_i64: i64
        serialize_i128: i128
        serialize_u8: u8
        serialize_u16: u16
        serialize_u32: u32
        serialize_u64: u64
        serialize_u128: u128
    }

    fn serialize_f32(self, value: f32) -> Result<Written, XmlError> {
        self.serialize_f64(f64::from(value))
    }

    /// `1.5`, `2.0`, `1e-9`; XML Schema's spelling of the others.
    fn serialize_f64(self, value: f64) -> Result<Written, XmlError> {
        if value.is_finite() {
            self.display(format_args!("{value:?}"))
        } else if value.is_nan() {
            self.display("NaN")
        } else if value > 0.0 {
            self.display("Infinity")
        } else {
            self.display("-Infinity")
        }
    }

    fn serialize_char(self, value: char) -> Result<Written, XmlError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<Written, XmlError> {
        escape_into(self.out, value);
        Ok(Written::Present)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Written, XmlError> {
        self.display(crate::Blob(value.to_vec()).to_base64())
    }

    fn serialize_none(self) -> Result<Written, XmlError> {
        Ok(Written::Absent)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Written, XmlError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Written, XmlError> {
        Ok(Written::Absent)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Written, XmlError> {
        Ok(Written::Present)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Written, XmlError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Written, XmlError> {
        if name != TIMESTAMP_NAME {
            return value.serialize(self);
        }
        let seconds = serde_json::to_value(value).map_err(|error| XmlError(error.to_string()))?;
        let timestamp = seconds
            .as_f64()
            .and_then(Timestamp::from_epoch_seconds)
            .ok_or_else(|| XmlError("a timestamp has no calendar date".to_owned()))?;
        self.display(timestamp)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Written, XmlError> {
        element(self.out, variant, value)?;
        Ok(Written::Present)
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'o>, XmlError> {
        Ok(Parts { out: self.out })
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, XmlError> {
        Err(XmlError("a tuple has no XML form".to_owned()))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, XmlError> {
        Err(XmlError(format!("tuple {name} has no XML form")))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, XmlError> {
        Err(XmlError(format!("tuple variant {variant} has no XML form")))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'o>, XmlError> {
        Ok(Parts { out: self.out })
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'o>, XmlError> {
        Ok(Parts { out: self.out })
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, XmlError> {
        Err(XmlError(format!(
            "struct variant {variant} has no XML form"
        )))
    }
}

/// The elements of a list, the entries of a map or the members of a structure.
struct Parts<'o> {
    out: &'o mut String,
}

impl SerializeSeq for Parts<'_> {
    type Ok = Written;
    type Error = XmlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        element(self.out, "member", value)
    }

    fn end(self) -> Result<Written, XmlError> {
        Ok(Written::Present)
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = Written;
    type Error = XmlError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), XmlError> {
        self.out.push_str("<entry>");
        element(self.out, "key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        element(self.out, "value", value)?;
        self.out.push_str("</entry>");
        Ok(())
    }

    fn end(self) -> Result<Written, XmlError> {
        Ok(Written::Present)
    }
}

impl SerializeStruct for Parts<'_> {
    type Ok = Written;
    type Error = XmlError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), XmlError> {
        element(self.out, key, value)
    }

    fn end(self) -> Result<Written, XmlError> {
        Ok(Written::Present)
    }
}
