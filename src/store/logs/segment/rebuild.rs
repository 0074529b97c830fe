//! Messages from shapes and columns, byte for byte.

use ahash::AHashMap;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, Float64Array,
    Int64Array, StringViewArray,
};
use arrow::datatypes::{Float64Type, Int64Type};

use super::layout::Footer;
use crate::logs::json::shape::Shape;
use crate::logs::json::value::{Kind, Value, unpack_hex};

/// The shapes of a segment.
#[derive(Debug, Default)]
pub struct Shapes {
    plans: Vec<ShapePlan>,
    /// Positions of the shapes that have a value under a path,
    leaves: AHashMap<String, Vec<u32>>,
    /// or an object or array.
    structures: AHashMap<String, Vec<u32>>,
}

#[derive(Debug)]
pub(super) struct ShapePlan {
    /// The text before each slot, and after the last.
    constants: Vec<String>,
    /// For each slot the columns one of which may hold its value.
    slots: Vec<Vec<u32>>,
}

impl Shapes {
    pub fn parse(footer: &Footer) -> Result<Self, String> {
        let mut by_path: AHashMap<&str, Vec<u32>> = AHashMap::new();
        for (i, column) in footer.columns.iter().enumerate() {
            by_path.entry(&column.path).or_default().push(i as u32);
        }
        let mut shapes = Self::default();
        for (position, entry) in footer.shapes.iter().enumerate() {
            let shape = Shape::parse(entry.text.as_bytes())
                .ok_or_else(|| format!("shape {:?} is not readable", entry.text))?;
            let slots = shape
                .paths
                .iter()
                .map(|path| by_path.get(path.as_str()).cloned().unwrap_or_default())
                .collect();
            shapes.plans.push(ShapePlan {
                constants: shape.constants().map(str::to_owned).collect(),
                slots,
            });
            let position = position as u32;
            for path in shape.paths {
                shapes.leaves.entry(path).or_default().push(position);
            }
            for path in shape.structures {
                shapes.structures.entry(path).or_default().push(position);
            }
        }
        Ok(shapes)
    }

    /// Positions of the shapes that have a value under `path`.
    pub fn with_leaf(&self, path: &str) -> &[u32] {
        self.leaves.get(path).map_or(&[], |s| s)
    }

    /// Positions of the shapes that have an object or array under `path`.
    pub fn with_structure(&self, path: &str) -> &[u32] {
        self.structures.get(path).map_or(&[], |s| s)
    }
}

/// Typed access to a column of values.
pub(super) struct Cells<'a> {
    kind: Kind,
    array: TypedArray<'a>,
}

enum TypedArray<'a> {
    Integers(&'a Int64Array),
    Floats(&'a Float64Array),
    Booleans(&'a BooleanArray),
    Texts(&'a StringViewArray),
    Uuids(&'a FixedSizeBinaryArray),
    Hex(&'a BinaryViewArray),
}

impl<'a> Cells<'a> {
    /// `None` if the array is not of the type its kind is read as.
    pub fn new(kind: Kind, array: &'a ArrayRef) -> Option<Self> {
        let array = match kind {
            Kind::Int | Kind::Time => TypedArray::Integers(array.as_primitive_opt::<Int64Type>()?),
            Kind::Float | Kind::FloatPoint => {
                TypedArray::Floats(array.as_primitive_opt::<Float64Type>()?)
            }
            Kind::Bool => TypedArray::Booleans(array.as_boolean_opt()?),
            Kind::NumberText | Kind::String | Kind::AsciiString => {
                TypedArray::Texts(array.as_string_view_opt()?)
            }
            Kind::Uuid => TypedArray::Uuids(array.as_fixed_size_binary_opt()?),
            Kind::Hex => TypedArray::Hex(array.as_binary_view_opt()?),
        };
        Some(Self { kind, array })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value of a row; `digits` holds unpacked ones.
    pub fn value<'v>(&'v self, row: usize, digits: &'v mut Vec<u8>) -> Option<Value<'v>> {
        match self.array {
            TypedArray::Integers(a) if a.is_valid(row) => Some(match self.kind {
                Kind::Time => Value::Time(a.value(row)),
                _ => Value::Int(a.value(row)),
            }),
            TypedArray::Floats(a) if a.is_valid(row) => Some(match self.kind {
                Kind::FloatPoint => Value::FloatPoint(a.value(row)),
                _ => Value::Float(a.value(row)),
            }),
            TypedArray::Booleans(a) if a.is_valid(row) => Some(Value::Bool(a.value(row))),
            TypedArray::Texts(a) if a.is_valid(row) => Some(match self.kind {
                Kind::NumberText => Value::NumberText(a.value(row)),
                Kind::AsciiString => Value::AsciiString(a.value(row)),
                _ => Value::String(a.value(row)),
            }),
            TypedArray::Uuids(a) if a.is_valid(row) => {
                Some(Value::Uuid(a.value(row).try_into().ok()?))
            }
            TypedArray::Hex(a) if a.is_valid(row) => {
                digits.clear();
                unpack_hex(a.value(row), digits);
                Some(Value::Hex(std::str::from_utf8(digits).ok()?))
            }
            _ => None,
        }
    }
}

/// Puts messages of one batch together.
pub(super) struct Rebuilder<'a> {
    pub shapes: &'a Shapes,
    /// The column of shape numbers, and that of messages kept as text.
    pub shape_of: &'a [u32],
    pub messages: &'a StringViewArray,
    /// The columns of fields that were read, by their position in the footer.
    pub cells: &'a [Option<Cells<'a>>],
}

impl Rebuilder<'_> {
    /// Appends the message of `row`.
    pub fn append(&self, row: usize, out: &mut Vec<u8>) {
        let shape = self.shape_of.get(row).copied().unwrap_or_default() as usize;
        let plan = shape.checked_sub(1).and_then(|s| self.shapes.plans.get(s));
        let Some(plan) = plan else {
            if self.messages.is_valid(row) {
                out.extend_from_slice(self.messages.value(row).as_bytes());
            }
            return;
        };
        let mut digits = Vec::new();
        for (i, constant) in plan.constants.iter().enumerate() {
            out.extend_from_slice(constant.as_bytes());
            let Some(columns) = plan.slots.get(i) else {
                break;
            };
            let value = columns.iter().find_map(|&c| {
                let cells = self.cells.get(c as usize)?.as_ref()?;
                cells.value(row, &mut digits).map(|v| v.render(out))
            });
            if value.is_none() {
                out.extend_from_slice(b"null");
            }
        }
    }
}
