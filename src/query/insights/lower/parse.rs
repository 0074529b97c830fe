//! `parse` (spec logs-insights.md 6.10).

use belfry_lang::Span;
use belfry_lang::insights::{FieldPath, Parse, ParsePattern, compile_regex};
use datafusion::functions::core::expr_fn::get_field;
use regex::Regex;

use super::Pipeline;
use super::scope::column;
use crate::functions::extract::{extract, group_field};
use crate::insights::compile_error::Problem;
use crate::values::ValueType;

impl Pipeline<'_> {
    pub(super) fn parse(&mut self, parse: &Parse, span: Span) -> Result<(), Problem> {
        let source = match &parse.source {
            Some(source) => self.expressions().operand(source)?,
            None => self.scope.resolve(&FieldPath::key("@message"))?,
        };
        let (regex, fields) = pattern(&parse.pattern, span)?;
        let groups = fields.iter().map(|(group, _)| *group).collect();
        // All groups in one pass, then one column each.
        let extracted = self.new_column();
        self.add_columns(vec![(
            extracted.clone(),
            extract(source.text(), regex, groups),
        )])?;
        let mut made = Vec::new();
        let mut bindings = Vec::new();
        for (at, (_, name)) in fields.iter().enumerate() {
            let target = self.new_column();
            made.push((
                target.clone(),
                get_field(column(&extracted), group_field(at)),
            ));
            bindings.push((name, target));
        }
        self.add_columns(made)?;
        for (name, target) in bindings {
            self.scope.bind(name, target, ValueType::Text);
        }
        let names = fields.iter().map(|(_, name)| name.clone());
        self.output.add_created(names);
        Ok(())
    }
}

/// The regex, and the names of its groups.
fn pattern(pattern: &ParsePattern, span: Span) -> Result<(Regex, Vec<(usize, String)>), Problem> {
    let compiled = |regex: Result<Regex, regex::Error>| {
        regex.map_err(|error| {
            Problem::malformed(format!("the pattern does not compile: {error}"), span)
        })
    };
    match pattern {
        ParsePattern::Glob { glob, names } => {
            let regex = compiled(compile_regex(&glob.to_regex()))?;
            let fields = names.iter().enumerate();
            Ok((
                regex,
                fields.map(|(i, n)| (i + 1, n.text.clone())).collect(),
            ))
        }
        ParsePattern::Regex { regex, names } => {
            let regex = compiled(regex.compile())?;
            let mut unnamed = names.iter();
            let fields = regex
                .capture_names()
                .enumerate()
                .skip(1)
                .filter_map(|(i, group)| match group {
                    Some(group) => Some((i, group.to_owned())),
                    None => unnamed.next().map(|name| (i, name.text.clone())),
                })
                .collect();
            Ok((regex, fields))
        }
    }
}
