//! General functions (spec logs-insights.md 7.2).

use crate::values::Value;

pub fn is_present<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(arguments.first().is_some_and(|v| !v.is_missing()))
}

/// The first that is not missing; an empty text counts.
pub fn coalesce<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let present = arguments.iter().find(|v| !v.is_missing());
    present.cloned().unwrap_or(Value::Missing)
}

/// A missing condition chooses the second branch.
pub fn if_<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    case(arguments)
}

/// `case(c1, v1, c2, v2, … [, default])`.
pub fn case<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    for branch in arguments.chunks(2) {
        match branch {
            [condition, value] if condition.to_condition() == Some(true) => return value.clone(),
            [default] => return default.clone(),
            _ => {}
        }
    }
    Value::Missing
}

pub fn is_numeric<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(arguments.first().and_then(Value::to_number).is_some())
}

/// Bytes of UTF-8.
pub fn message_size<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let text = arguments.first().and_then(Value::to_text);
    Value::from_number(text.map(|t| t.len() as f64))
}

/// `unmask`: this server masks nothing, so the value is the value.
pub fn unmask<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    arguments.first().cloned().unwrap_or(Value::Missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches() {
        let t = |t: &'static str| Value::text(t);
        assert_eq!(if_(&[Value::Missing, t("yes"), t("no")]), t("no"));
        assert_eq!(if_(&[Value::Bool(true), t("yes"), t("no")]), t("yes"));
        assert_eq!(case(&[Value::Bool(false), t("a")]), Value::Missing);
        assert_eq!(
            case(&[Value::Bool(false), t("a"), t("1"), t("b"), t("c")]),
            t("b")
        );
    }
}
