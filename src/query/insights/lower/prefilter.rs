//! What an index can know of a query's filters: a necessary condition on events.
//!
//! The filters before the first command that shapes rows count, as far as they speak of events. A
//! message that is not JSON may have any field (spec logs-insights.md 5.2), so a condition on a
//! field always lets such messages through.

use std::collections::BTreeSet;
use std::sync::Arc;

use belfry_lang::insights::{
    Command, ComparisonOperator, Expr, ExprKind, FieldPath, Function, InSet, Item, Literal,
    MatchPattern, ParsePattern, Query,
};
use belfry_store::logs::Prefilter;
use regex_syntax::hir::{Hir, HirKind};

use super::expression::constant_text;
use crate::discovery::json_object;
use crate::values::number_text::parse_number;

pub(in crate::insights) fn of_query(query: &Query) -> Prefilter {
    let mut made = Made::default();
    let mut conditions = Vec::new();
    for stage in &query.stages {
        match &stage.command {
            Command::Fields(fields) => made.add_items(&fields.items),
            Command::Display(display) => made.add_items(&display.items),
            Command::Parse(parse) => made.add_parse(&parse.pattern),
            Command::Sort(sort) => {
                let aliases = sort.keys.iter().filter_map(|key| key.alias.as_ref());
                made.0.extend(aliases.map(|name| name.text.clone()));
            }
            Command::Unmask(_) => {}
            Command::Filter(filter) => conditions.push(of_condition(&filter.condition, &made)),
            _ => break,
        }
    }
    all(conditions)
}

/// Names that commands have made: they are not fields of the event any more.
#[derive(Default)]
struct Made(BTreeSet<String>);

impl Made {
    fn add_items(&mut self, items: &[Item]) {
        let aliases = items.iter().filter_map(Item::alias);
        self.0.extend(aliases.map(|name| name.text.clone()));
    }

    fn add_parse(&mut self, pattern: &ParsePattern) {
        let names = match pattern {
            ParsePattern::Glob { names, .. } => names,
            ParsePattern::Regex { regex, names } => {
                if let Ok(regex) = regex.compile() {
                    let groups = regex.capture_names().flatten();
                    self.0.extend(groups.map(str::to_owned));
                }
                names
            }
        };
        self.0.extend(names.iter().map(|name| name.text.clone()));
    }

    fn hides(&self, path: &FieldPath) -> bool {
        (1..=path.segments.len()).any(|count| self.0.contains(&path.prefix_name(count)))
    }
}

fn all(conditions: Vec<Prefilter>) -> Prefilter {
    conditions.into_iter().fold(Prefilter::All, Prefilter::and)
}

fn any(conditions: Vec<Prefilter>) -> Prefilter {
    if conditions.contains(&Prefilter::All) {
        Prefilter::All
    } else {
        Prefilter::Or(conditions)
    }
}

fn of_condition(condition: &Expr, made: &Made) -> Prefilter {
    match &condition.kind {
        ExprKind::And(parts) => all(parts.iter().map(|part| of_condition(part, made)).collect()),
        ExprKind::Or(parts) => any(parts.iter().map(|part| of_condition(part, made)).collect()),
        ExprKind::Comparison {
            operator,
            left,
            right,
        } => match (subject(left, made), literal(right)) {
            (Some(subject), Some(value)) => compared(*operator, &subject, value),
            _ => match (literal(left), subject(right, made)) {
                (Some(value), Some(subject)) => compared(mirrored(*operator), &subject, value),
                _ => Prefilter::All,
            },
        },
        ExprKind::Like {
            value,
            pattern: MatchPattern::Text(text),
            negated: false,
        } => match (subject(value, made), constant_text(text)) {
            (Some(subject), Some(text)) => contained(&subject, text),
            _ => Prefilter::All,
        },
        ExprKind::Like {
            value,
            pattern: MatchPattern::Regex(regex),
            negated: false,
        }
        | ExprKind::RegexMatch {
            value,
            pattern: MatchPattern::Regex(regex),
        } => match (subject(value, made), required_text(&regex.pattern)) {
            (Some(subject), Some(text)) => contained(&subject, &text),
            _ => Prefilter::All,
        },
        ExprKind::In {
            value,
            set: InSet::List(items),
            negated: false,
        } => match subject(value, made) {
            Some(subject) => any(items
                .iter()
                .map(|item| match literal(item) {
                    Some(value) => compared(ComparisonOperator::Equal, &subject, value),
                    None => Prefilter::All,
                })
                .collect()),
            None => Prefilter::All,
        },
        ExprKind::Call(call) => {
            let arguments: Vec<&Expr> = call.expressions().collect();
            match (call.function, arguments.as_slice()) {
                (Function::StrContains, [value, text])
                | (Function::StartsWith | Function::EndsWith, [value, text]) => {
                    match (subject(value, made), constant_text(text)) {
                        (Some(subject), Some(text)) => contained(&subject, text),
                        _ => Prefilter::All,
                    }
                }
                (Function::IsPresent, [value]) => match subject(value, made) {
                    Some(Subject::Field(path)) => {
                        or_not_json(vec![Prefilter::FieldPresent { path }])
                    }
                    _ => Prefilter::All,
                },
                _ => Prefilter::All,
            }
        }
        _ => Prefilter::All,
    }
}

/// What an index knows something about.
enum Subject {
    Message,
    /// A discovered field of JSON messages.
    Field(Arc<str>),
}

fn subject(expr: &Expr, made: &Made) -> Option<Subject> {
    let ExprKind::Field(path) = &expr.kind else {
        return None;
    };
    if made.hides(path) {
        return None;
    }
    match path.name().as_str() {
        "@message" => Some(Subject::Message),
        name => json_object::path(name).map(|path| Subject::Field(Arc::from(path))),
    }
}

#[derive(Clone, Copy)]
enum Constant<'e> {
    Text(&'e str),
    Number(f64),
}

fn literal(expr: &Expr) -> Option<Constant<'_>> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => Some(Constant::Text(text)),
        ExprKind::Literal(Literal::Number(number)) => Some(Constant::Number(*number)),
        ExprKind::Literal(Literal::Boolean(b)) => Some(Constant::Number(f64::from(u8::from(*b)))),
        _ => None,
    }
}

const fn mirrored(operator: ComparisonOperator) -> ComparisonOperator {
    match operator {
        ComparisonOperator::Less => ComparisonOperator::Greater,
        ComparisonOperator::LessOrEqual => ComparisonOperator::GreaterOrEqual,
        ComparisonOperator::Greater => ComparisonOperator::Less,
        ComparisonOperator::GreaterOrEqual => ComparisonOperator::LessOrEqual,
        same => same,
    }
}

fn compared(operator: ComparisonOperator, subject: &Subject, value: Constant<'_>) -> Prefilter {
    let path = match (subject, value) {
        (Subject::Message, Constant::Text(text)) if operator == ComparisonOperator::Equal => {
            // Numeric texts compare as numbers.
            return match parse_number(text) {
                None => Prefilter::contains(text),
                Some(_) => Prefilter::All,
            };
        }
        (Subject::Message, _) => return Prefilter::All,
        (Subject::Field(path), _) => path,
    };
    let number = match value {
        Constant::Number(number) => Some(number),
        Constant::Text(text) => parse_number(text),
    };
    let present = Prefilter::FieldPresent {
        path: Arc::clone(path),
    };
    let condition = match (operator, number, value) {
        (ComparisonOperator::Equal, None, Constant::Text(text)) => {
            let equals = Prefilter::field_equals(Arc::clone(path), text);
            return spelled(or_not_json(vec![equals]), text);
        }
        (ComparisonOperator::Equal, Some(number), _) => numbers(path, number, number),
        // Beside a number what is not numeric is missing; beside a numeric text, texts compare.
        (
            ComparisonOperator::Less | ComparisonOperator::LessOrEqual,
            Some(number),
            Constant::Number(_),
        ) => numbers(path, f64::NEG_INFINITY, number),
        (
            ComparisonOperator::Greater | ComparisonOperator::GreaterOrEqual,
            Some(number),
            Constant::Number(_),
        ) => numbers(path, number, f64::INFINITY),
        _ => vec![present],
    };
    or_not_json(condition)
}

/// Numbers between the bounds, and the booleans, which are 1 and 0.
fn numbers(path: &Arc<str>, min: f64, max: f64) -> Vec<Prefilter> {
    let mut conditions = vec![Prefilter::FieldNumber {
        path: Arc::clone(path),
        min,
        max,
    }];
    for (value, text) in [(1.0, "true"), (0.0, "false")] {
        if (min..=max).contains(&value) {
            conditions.push(Prefilter::field_equals(Arc::clone(path), text));
        }
    }
    conditions
}

fn contained(subject: &Subject, text: &str) -> Prefilter {
    match subject {
        Subject::Message => Prefilter::contains(text),
        // The shown text of a boolean is not the stored one.
        Subject::Field(_) if "10".contains(text) => Prefilter::All,
        Subject::Field(path) => {
            let contains = Prefilter::FieldContains {
                path: Arc::clone(path),
                text: Arc::from(text),
            };
            spelled(or_not_json(vec![contains]), text)
        }
    }
}

/// A condition on a field that holds `text`: the message then holds it too, as far as it cannot
/// be more than one token of JSON (an object or array compares without the blanks of the message).
fn spelled(condition: Prefilter, text: &str) -> Prefilter {
    let structural = |c: char| c.is_whitespace() || c.is_control() || "{}[],:\"\\".contains(c);
    match text.split(structural).max_by_key(|run| run.len()) {
        Some(run) if !run.is_empty() => condition.and(Prefilter::MessageSpells(Arc::from(run))),
        _ => condition,
    }
}

/// The longest text that every match of a regex contains.
fn required_text(pattern: &str) -> Option<String> {
    longest_text(&regex_syntax::parse(pattern).ok()?)
}

fn longest_text(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => String::from_utf8(literal.0.to_vec()).ok(),
        HirKind::Capture(capture) => longest_text(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => longest_text(&repetition.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(longest_text)
            .max_by_key(String::len),
        _ => None,
    }
}

fn or_not_json(mut conditions: Vec<Prefilter>) -> Prefilter {
    conditions.push(Prefilter::NotJson);
    Prefilter::Or(conditions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Prefilter {
        of_query(&belfry_lang::insights::parse(text).unwrap())
    }

    fn equals(path: &str, value: &str) -> Prefilter {
        spelled(
            or_not_json(vec![Prefilter::field_equals(path, value)]),
            value,
        )
    }

    #[test]
    fn conjunctions_are_kept_and_unknown_parts_left_out() {
        assert_eq!(
            of("filter @message like \"a\" and strlen(x) > 3 | filter level = \"E\""),
            Prefilter::And(vec![Prefilter::contains("a"), equals("level", "E")])
        );
        assert_eq!(of("filter level = \"E\" or strlen(x) > 3"), Prefilter::All);
        assert_eq!(of("filter not level = \"E\""), Prefilter::All);
        assert_eq!(
            of("filter level != \"E\" | stats count(*)"),
            or_not_json(vec![Prefilter::FieldPresent {
                path: "level".into()
            }])
        );
    }

    #[test]
    fn made_names_are_not_fields() {
        assert_eq!(
            of("fields x as level | filter level = \"E\""),
            Prefilter::All
        );
        assert_eq!(of("parse \"* \" as a | filter a.b = \"E\""), Prefilter::All);
        assert_eq!(
            of("stats count(*) as n by level | filter level = \"E\""),
            Prefilter::All
        );
        assert_eq!(
            of("fields level | filter level = \"E\""),
            equals("level", "E")
        );
    }

    #[test]
    fn regexes_tell_a_text_they_need() {
        for (pattern, text) in [
            ("conn(ection)? refused", Some(" refused")),
            ("(?:timeout)+ at [0-9]+ms", Some("timeout")),
            ("a|bcd", None),
            ("(?i)error", None),
            ("x*", None),
        ] {
            assert_eq!(required_text(pattern).as_deref(), text, "{pattern}");
        }
        assert_eq!(
            of("filter @message like /panic: .*/"),
            Prefilter::contains("panic: ")
        );
    }

    #[test]
    fn numbers_let_booleans_through() {
        let Prefilter::Or(conditions) = of("filter 0 < ok") else {
            panic!("alternatives");
        };
        assert!(conditions.contains(&Prefilter::field_equals("ok", "true")));
        assert!(conditions.contains(&Prefilter::NotJson));
    }
}
