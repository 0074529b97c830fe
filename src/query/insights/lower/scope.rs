//! What names mean at a place in the pipeline.

use std::collections::HashMap;
use std::sync::Arc;

use belfry_lang::Span;
use belfry_lang::insights::{FieldPath, Segment};
use datafusion::common::Column;
use datafusion::logical_expr::expr::Sort as SortExpr;
use datafusion::logical_expr::{Expr, lit};
use datafusion::scalar::ScalarValue;
use indexmap::IndexMap;

use crate::functions::conversion;
use crate::insights::compile_error::Problem;
use crate::scan::ScanColumn;
use crate::values::ValueType;
use crate::values::json::Step;

/// A column of the plan.
pub(in crate::insights) fn column(name: impl Into<String>) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

pub(in crate::insights) fn scan_column(of: &ScanColumn) -> Expr {
    column(of.name())
}

/// A value while it is lowered.
#[derive(Clone, Debug)]
pub(in crate::insights) enum Operand {
    Typed(Expr, ValueType),
    /// A discovered field, of which the scan can deliver several forms.
    Field(Arc<str>),
}

impl Operand {
    pub fn missing() -> Self {
        Self::Typed(lit(ScalarValue::Binary(None)), ValueType::Dynamic)
    }

    pub fn text_constant(text: impl Into<String>) -> Self {
        let scalar = ScalarValue::Utf8View(Some(text.into()));
        Self::Typed(lit(scalar), ValueType::Text)
    }

    pub fn number_constant(number: f64) -> Self {
        Self::Typed(lit(number + 0.0), ValueType::Number)
    }

    pub fn typed(self) -> (Expr, ValueType) {
        match self {
            Self::Typed(expr, value_type) => (expr, value_type),
            Self::Field(name) => {
                let dynamic = ScanColumn::Field(name, ValueType::Dynamic);
                (scan_column(&dynamic), ValueType::Dynamic)
            }
        }
    }

    pub fn number(self) -> Expr {
        match self {
            Self::Typed(expr, value_type) => conversion::to_number(expr, value_type),
            Self::Field(name) => scan_column(&ScanColumn::Field(name, ValueType::Number)),
        }
    }

    pub fn text(self) -> Expr {
        match self {
            Self::Typed(expr, value_type) => conversion::to_text(expr, value_type),
            Self::Field(name) => scan_column(&ScanColumn::Field(name, ValueType::Text)),
        }
    }

    pub fn dynamic(self) -> Expr {
        let (expr, value_type) = self.typed();
        conversion::to_dynamic(expr, value_type)
    }

    pub fn condition(self) -> Expr {
        let (expr, value_type) = self.typed();
        conversion::to_condition(expr, value_type)
    }

    /// Whether there is a value, structures included.
    pub fn present(self) -> Expr {
        match self {
            Self::Typed(expr, _) => expr.is_not_null(),
            field @ Self::Field(_) => field.text().is_not_null(),
        }
    }

    /// What `stats by`, `dedup` and `countDistinct` compare: the time itself, else the shown text.
    pub fn group_key(self) -> (Expr, ValueType) {
        match self {
            Self::Typed(expr, ValueType::Time) => (expr, ValueType::Time),
            other => (other.text(), ValueType::Text),
        }
    }

    pub fn sort_key(self) -> Expr {
        let (expr, value_type) = self.typed();
        conversion::sort_key(expr, value_type)
    }
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(in crate::insights) struct Binding {
    /// Of the plan's column, not the name users see.
    pub column: String,
    pub value_type: ValueType,
}

/// The names at a place in the pipeline, and the order of its rows.
#[derive(Clone, Debug)]
pub(in crate::insights) struct Scope {
    /// Query-made fields by name.
    pub made: IndexMap<String, Binding>,
    /// Unnamed columns that are one call, by what the call folds to (spec 6.6.3).
    pub calls: HashMap<String, String>,
    /// After `stats` only its outputs exist.
    pub closed: bool,
    /// The rows are events: they have a pointer, a time order, and fields.
    pub events: bool,
    /// The order of the rows, as columns of the plan; unique where the rows are events.
    pub order: Vec<SortExpr>,
    /// A number that descends along the base order of the rows.
    pub base_order: Option<String>,
    /// Account and region, for the fields that name them.
    pub account: Arc<str>,
    pub region: Arc<str>,
}

impl Scope {
    /// At the start of the pipeline: events, newest first, ties by later ingestion (spec 1.1).
    pub fn of_events(account: Arc<str>, region: Arc<str>) -> Self {
        let order = scan_column(&ScanColumn::Order);
        Self {
            made: IndexMap::new(),
            calls: HashMap::new(),
            closed: false,
            events: true,
            order: vec![SortExpr::new(order, false, false)],
            base_order: Some(ScanColumn::Order.name()),
            account,
            region,
        }
    }

    pub fn bind(&mut self, name: &str, column: String, value_type: ValueType) {
        let binding = Binding { column, value_type };
        self.made.insert(name.to_owned(), binding);
    }

    pub fn resolve(&self, path: &FieldPath) -> Result<Operand, Problem> {
        // The longest prefix that names a column is the column; the rest steps into its value.
        for count in (1..=path.segments.len()).rev() {
            if let Some(binding) = self.made.get(&path.prefix_name(count)) {
                let value = Operand::Typed(column(&binding.column), binding.value_type);
                let rest = path.segments.get(count..).unwrap_or_default();
                return Ok(step_into(value, rest));
            }
        }
        let is_indexed = path.segments.iter().any(|s| matches!(s, Segment::Index(_)));
        if is_indexed && !self.closed {
            // Discovered fields are never structures.
            return Ok(Operand::missing());
        }
        self.name(&path.name(), path.span)
    }

    /// By the text of the name.
    pub fn name(&self, name: &str, span: Span) -> Result<Operand, Problem> {
        if let Some(binding) = self.made.get(name) {
            return Ok(Operand::Typed(column(&binding.column), binding.value_type));
        }
        if self.closed {
            return Err(Problem::malformed(
                format!("Unknown symbols found in or after stats: {name}"),
                span,
            ));
        }
        let system = match name {
            "@timestamp" => (ScanColumn::Timestamp, ValueType::Time),
            "@ingestionTime" => (ScanColumn::IngestionTime, ValueType::Time),
            "@message" => (ScanColumn::Message, ValueType::Text),
            "@logStream" => (ScanColumn::LogStream, ValueType::Text),
            "@log" => (ScanColumn::Log, ValueType::Text),
            "@ptr" => (ScanColumn::Ptr, ValueType::Text),
            "@aws.account" => return Ok(Operand::text_constant(&*self.account)),
            "@aws.region" => return Ok(Operand::text_constant(&*self.region)),
            _ => return Ok(Operand::Field(Arc::from(name))),
        };
        Ok(Operand::Typed(scan_column(&system.0), system.1))
    }
}

/// A step into the value of a structure.
pub(in crate::insights) fn step_into(value: Operand, segments: &[Segment]) -> Operand {
    if segments.is_empty() {
        return value;
    }
    let (expr, value_type) = value.typed();
    if value_type != ValueType::Dynamic {
        return Operand::missing();
    }
    let steps = segments
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => Step::Key(key.clone()),
            Segment::Index(index) => Step::Index(*index),
        })
        .collect();
    Operand::Typed(conversion::access(expr, steps), ValueType::Dynamic)
}
