//! `fromMillis` and `toMillis` (spec logs-insights.md 7.4).

use crate::values::Value;

pub fn from_millis<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments.first().and_then(Value::to_number) {
        Some(ms) => Value::Time(ms as i64),
        None => Value::Missing,
    }
}

pub fn to_millis<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::from_number(arguments.first().and_then(Value::to_number))
}
