//! String functions (spec logs-insights.md 7.3). Positions and lengths are code points.

use std::borrow::Cow;

use crate::values::Value;
use crate::values::json::write_string;

fn text<'a>(arguments: &[Value<'a>], index: usize) -> Option<Cow<'a, str>> {
    arguments.get(index).and_then(Value::to_cow)
}

/// Missing counts as empty.
pub fn is_empty<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(text(arguments, 0).is_none_or(|t| t.is_empty()))
}

pub fn is_blank<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::Bool(text(arguments, 0).is_none_or(|t| t.trim().is_empty()))
}

/// Missing arguments count as empty.
pub fn concat<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::text(
        arguments
            .iter()
            .filter_map(Value::to_cow)
            .collect::<String>(),
    )
}

pub fn ltrim<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    trim_ends(arguments, true, false)
}

pub fn rtrim<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    trim_ends(arguments, false, true)
}

pub fn trim<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    trim_ends(arguments, true, true)
}

/// One argument: white space; two: the characters of the second, and white space stays.
fn trim_ends<'a>(arguments: &[Value<'a>], start: bool, end: bool) -> Value<'a> {
    let Some(subject) = text(arguments, 0) else {
        return Value::Missing;
    };
    let set = match arguments.len() {
        1 => None,
        _ => match text(arguments, 1) {
            Some(set) => Some(set),
            None => return Value::Missing,
        },
    };
    let wanted = |c: char| match &set {
        Some(set) => set.contains(c),
        None => c.is_whitespace(),
    };
    let mut rest: &str = &subject;
    if start {
        rest = rest.trim_start_matches(wanted);
    }
    if end {
        rest = rest.trim_end_matches(wanted);
    }
    Value::text(rest.to_owned())
}

pub fn strlen<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::from_number(text(arguments, 0).map(|t| t.chars().count() as f64))
}

pub fn to_upper<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::from_text(text(arguments, 0).map(|t| t.to_uppercase()))
}

pub fn to_lower<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    Value::from_text(text(arguments, 0).map(|t| t.to_lowercase()))
}

/// Zero-based; a negative start counts as 0, a negative length as none.
pub fn substr<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let (Some(subject), Some(start)) = (
        text(arguments, 0),
        arguments.get(1).and_then(Value::to_number),
    ) else {
        return Value::Missing;
    };
    let length = match arguments.get(2) {
        None => usize::MAX,
        Some(length) => match length.to_number() {
            Some(length) => length.max(0.0) as usize,
            None => return Value::Missing,
        },
    };
    let start = start.max(0.0) as usize;
    Value::text(subject.chars().skip(start).take(length).collect::<String>())
}

/// All occurrences, literally; an empty search text changes nothing.
pub fn replace<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match (text(arguments, 0), text(arguments, 1), text(arguments, 2)) {
        (Some(subject), Some(find), Some(by)) if !find.is_empty() => {
            Value::text(subject.replace(&*find, &by))
        }
        (Some(subject), Some(_), Some(_)) => Value::Text(subject),
        _ => Value::Missing,
    }
}

/// 1 or 0, 0 for missing; a true third argument ignores case.
pub fn str_contains<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let ignore_case = arguments
        .get(2)
        .is_some_and(|v| v.to_condition() == Some(true));
    Value::Bool(match (text(arguments, 0), text(arguments, 1)) {
        (Some(subject), Some(part)) if ignore_case => {
            subject.to_lowercase().contains(&part.to_lowercase())
        }
        (Some(subject), Some(part)) => subject.contains(&*part),
        _ => false,
    })
}

pub fn starts_with<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let found = text(arguments, 0).zip(text(arguments, 1));
    Value::Bool(found.is_some_and(|(subject, part)| subject.starts_with(&*part)))
}

pub fn ends_with<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let found = text(arguments, 0).zip(text(arguments, 1));
    Value::Bool(found.is_some_and(|(subject, part)| subject.ends_with(&*part)))
}

/// A list; an empty delimiter gives a list of one.
pub fn split<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    let (Some(subject), Some(delimiter)) = (text(arguments, 0), text(arguments, 1)) else {
        return Value::Missing;
    };
    let parts: Vec<&str> = match &*delimiter {
        "" => vec![&subject],
        delimiter => subject.split(delimiter).collect(),
    };
    let mut json = String::from("[");
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            json.push(',');
        }
        write_string(&mut json, part);
    }
    json.push(']');
    Value::Json(json.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(
        f: for<'a> fn(&[Value<'a>]) -> Value<'a>,
        arguments: &[&'static str],
    ) -> Value<'static> {
        let values: Vec<Value<'static>> = arguments.iter().map(|a| Value::text(*a)).collect();
        f(&values)
    }

    /// The anchors of spec 7.3.
    #[test]
    fn anchors() {
        assert_eq!(call(ltrim, &["--=a-b--", "-="]), Value::text("a-b--"));
        assert_eq!(call(rtrim, &["abcc--c", "-c"]), Value::text("ab"));
        assert_eq!(call(trim, &["[[x]]", "[]"]), Value::text("x"));
        assert_eq!(
            call(substr, &["logs-insights", "5", "3"]),
            Value::text("ins")
        );
        assert_eq!(call(replace, &["a.b.c", ".", "/"]), Value::text("a/b/c"));
    }

    #[test]
    fn edges() {
        assert_eq!(call(substr, &["äöü", "1", "1"]), Value::text("ö"));
        assert_eq!(call(substr, &["abc", "9"]), Value::text(""));
        assert_eq!(call(substr, &["abc", "-2", "-1"]), Value::text(""));
        assert_eq!(call(replace, &["abc", "", "x"]), Value::text("abc"));
        assert_eq!(
            call(str_contains, &["aBc", "ABC", "true"]),
            Value::Bool(true)
        );
        assert_eq!(call(str_contains, &["aBc", "ABC"]), Value::Bool(false));
        assert_eq!(
            call(split, &["a,b", ","]),
            Value::Json(r#"["a","b"]"#.into())
        );
        assert_eq!(
            call(split, &["a\"b", ""]),
            Value::Json(r#"["a\"b"]"#.into())
        );
        assert_eq!(is_empty(&[Value::Missing]), Value::Bool(true));
        assert_eq!(
            starts_with(&[Value::Missing, Value::text("")]),
            Value::Bool(false)
        );
        assert_eq!(
            concat(&[Value::Missing, Value::Number(1.0 / 3.0)]),
            Value::text("0.3333")
        );
    }
}
