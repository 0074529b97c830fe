//! Comparisons of two values (spec logs-insights.md 3.3). `None` is missing.

use std::cmp::Ordering;

use super::value::Value;

/// `=`; `!=` is its negation, except that structures are neither (rule 2).
pub fn equals(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Missing, _) | (_, Value::Missing) => None,
        (Value::Json(_), _) | (_, Value::Json(_)) => Some(false),
        (Value::Time(_), _) | (_, Value::Time(_)) => Some(left.to_number()? == right.to_number()?),
        (Value::Text(l), Value::Text(r)) => Some(l == r),
        _ => Some(match (left.to_number(), right.to_number()) {
            (Some(l), Some(r)) => l == r,
            _ => left.to_text() == right.to_text(),
        }),
    }
}

/// Whether one of the two is a map or a list: every comparison with it is false.
pub const fn has_structure(left: &Value<'_>, right: &Value<'_>) -> bool {
    matches!(left, Value::Json(_)) || matches!(right, Value::Json(_))
}

/// The order that `<` and its kin use. `None` is missing; structures are for the caller.
pub fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    if left.is_missing() || right.is_missing() {
        return None;
    }
    match (left.to_number(), right.to_number()) {
        (Some(l), Some(r)) => l.partial_cmp(&r),
        _ => match (left, right) {
            // UTF-8 sorts as its code points do.
            (Value::Text(l), Value::Text(r)) => Some(l.as_bytes().cmp(r.as_bytes())),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Value<'_> {
        Value::Written(text.into())
    }

    #[test]
    fn equality() {
        let text = |t: &'static str| Value::text(t);
        for (left, right, expected) in [
            (written("200"), text("200"), Some(true)),
            (text("200"), Value::Number(200.0), Some(true)),
            (text("0200"), Value::Number(200.0), Some(true)),
            (text("1.0"), text("1.00"), Some(false)),
            (written("1.0"), text("1.00"), Some(true)),
            (Value::Bool(true), Value::Number(1.0), Some(true)),
            (Value::Bool(true), text("true"), Some(false)),
            (Value::Missing, text("a"), None),
            (Value::Json("[]".into()), text("[]"), Some(false)),
            (Value::Time(5), Value::Number(5.0), Some(true)),
            (Value::Time(5), text("2026-01-01"), None),
        ] {
            assert_eq!(equals(&left, &right), expected, "{left:?} = {right:?}");
            assert_eq!(equals(&right, &left), expected, "{right:?} = {left:?}");
        }
    }

    #[test]
    fn ordering() {
        use Ordering::*;
        let text = |t: &'static str| Value::text(t);
        for (left, right, expected) in [
            (text("2.9"), text("2.10"), Some(Greater)),
            (text("abc"), Value::Number(400.0), None),
            (text("-"), written("3"), None),
            (text("abc"), text("abd"), Some(Less)),
            (written("95"), Value::Number(95.0), Some(Equal)),
            (Value::Missing, Value::Number(1.0), None),
        ] {
            assert_eq!(order(&left, &right), expected, "{left:?} ? {right:?}");
        }
    }
}
