//! The values of one field and kind while a segment is built.

use ahash::AHashMap;

use crate::logs::json::value::{Kind, Value, pack_hex};

/// A text column keeps codes into a dictionary up to so many distinct values.
const DICTIONARY_MAX: usize = 4096;

/// Distinct integers are followed up to so many.
const DISTINCT_INTEGERS_MAX: usize = 256;

/// Texts, as codes into a dictionary while they repeat, else one after the other.
#[derive(Debug)]
pub enum Texts {
    Dictionary {
        codes_of: AHashMap<Box<str>, u32>,
        values: Vec<Box<str>>,
        codes: Vec<u32>,
    },
    Plain {
        text: String,
        ends: Vec<u32>,
    },
}

impl Default for Texts {
    fn default() -> Self {
        Self::Dictionary {
            codes_of: AHashMap::new(),
            values: Vec::new(),
            codes: Vec::new(),
        }
    }
}

impl Texts {
    /// Texts that are not expected to repeat.
    pub fn plain() -> Self {
        Self::Plain {
            text: String::new(),
            ends: Vec::new(),
        }
    }

    pub fn push(&mut self, value: &str) {
        match self {
            Self::Plain { text, ends } => {
                text.push_str(value);
                ends.push(text.len() as u32);
            }
            Self::Dictionary {
                codes_of,
                values,
                codes,
            } => {
                if let Some(&code) = codes_of.get(value) {
                    codes.push(code);
                } else if values.len() < DICTIONARY_MAX {
                    let code = values.len() as u32;
                    codes_of.insert(Box::from(value), code);
                    values.push(Box::from(value));
                    codes.push(code);
                } else {
                    self.spill();
                    self.push(value);
                }
            }
        }
    }

    /// Gives up the dictionary.
    fn spill(&mut self) {
        let mut plain = Self::plain();
        for i in 0..self.len() {
            plain.push(self.get(i));
        }
        *self = plain;
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Dictionary { codes, .. } => codes.len(),
            Self::Plain { ends, .. } => ends.len(),
        }
    }

    pub fn get(&self, i: usize) -> &str {
        match self {
            Self::Dictionary { values, codes, .. } => codes
                .get(i)
                .and_then(|&c| values.get(c as usize))
                .map_or("", |v| v),
            Self::Plain { text, ends } => {
                let start = match i {
                    0 => 0,
                    _ => ends.get(i - 1).copied().unwrap_or_default(),
                };
                let end = ends.get(i).copied().unwrap_or_default();
                text.get(start as usize..end as usize).unwrap_or("")
            }
        }
    }
}

/// Values of one kind, in order of rows.
#[derive(Debug)]
pub enum ColumnValues {
    /// Integers and times.
    Integers {
        values: Vec<i64>,
        /// Distinct values, `None` once there are too many.
        distinct: Option<AHashMap<i64, u32>>,
    },
    Floats {
        values: Vec<f64>,
    },
    Booleans(Vec<bool>),
    Texts(Texts),
    Uuids(Vec<[u8; 16]>),
    /// Packed digits, one value after the other.
    Hex {
        bytes: Vec<u8>,
        ends: Vec<u32>,
    },
}

/// A column while a segment is built: values, and the rows that have one.
#[derive(Debug)]
pub struct ColumnData {
    pub path: String,
    pub kind: Kind,
    pub rows: Vec<u32>,
    pub values: ColumnValues,
    /// Most digits in a row of any number here, for lookups of digits.
    pub digits_max: u32,
}

impl ColumnData {
    pub fn new(path: &str, kind: Kind) -> Self {
        let values = match kind {
            Kind::Int => ColumnValues::Integers {
                values: Vec::new(),
                distinct: Some(AHashMap::new()),
            },
            Kind::Time => ColumnValues::Integers {
                values: Vec::new(),
                distinct: None,
            },
            Kind::Float | Kind::FloatPoint => ColumnValues::Floats { values: Vec::new() },
            Kind::Bool => ColumnValues::Booleans(Vec::new()),
            Kind::NumberText | Kind::String | Kind::AsciiString => {
                ColumnValues::Texts(Texts::default())
            }
            Kind::Uuid => ColumnValues::Uuids(Vec::new()),
            Kind::Hex => ColumnValues::Hex {
                bytes: Vec::new(),
                ends: Vec::new(),
            },
        };
        Self {
            path: path.to_owned(),
            kind,
            rows: Vec::new(),
            values,
            digits_max: 0,
        }
    }

    /// Adds the value of `row`, which is larger than all before. `text` is the value as written.
    pub fn push(&mut self, row: u32, value: &Value<'_>, text: &str) {
        match (&mut self.values, value) {
            (ColumnValues::Integers { values, distinct }, Value::Int(i) | Value::Time(i)) => {
                values.push(*i);
                if let Some(seen) = distinct {
                    *seen.entry(*i).or_default() += 1;
                    if seen.len() > DISTINCT_INTEGERS_MAX {
                        *distinct = None;
                    }
                }
                self.digits_max = self.digits_max.max(text.len() as u32);
            }
            (ColumnValues::Floats { values }, Value::Float(f) | Value::FloatPoint(f)) => {
                values.push(*f);
                let longest = text.split('.').map(str::len).max().unwrap_or_default();
                self.digits_max = self.digits_max.max(longest as u32);
            }
            (ColumnValues::Booleans(values), Value::Bool(b)) => values.push(*b),
            (
                ColumnValues::Texts(texts),
                Value::NumberText(t) | Value::String(t) | Value::AsciiString(t),
            ) => texts.push(t),
            (ColumnValues::Uuids(values), Value::Uuid(uuid)) => values.push(*uuid),
            (ColumnValues::Hex { bytes, ends }, Value::Hex(digits)) => {
                pack_hex(digits, bytes);
                ends.push(bytes.len() as u32);
            }
            // The caller chose the column by the value's kind.
            _ => {
                debug_assert!(false, "value of another kind");
                return;
            }
        }
        self.rows.push(row);
    }

    /// Number of distinct values where it is known.
    pub fn distinct(&self) -> Option<usize> {
        match &self.values {
            ColumnValues::Integers { distinct, .. } => distinct.as_ref().map(|d| d.len()),
            ColumnValues::Texts(Texts::Dictionary { values, .. }) => Some(values.len()),
            ColumnValues::Booleans(_) => Some(2),
            _ => None,
        }
    }
}
