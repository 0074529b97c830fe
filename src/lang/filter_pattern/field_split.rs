//! Splits a message into the fields of a space-delimited pattern (spec filter-patterns.md 6.1).

use std::borrow::Cow;

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The fields, without their quotes or brackets.
pub(super) fn split_fields(message: &str) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::new();
    let mut rest = message.trim_start_matches(is_blank);
    while let Some(first) = rest.chars().next() {
        let (field, after) = match first {
            '"' => quoted(rest.get(1..).unwrap_or_default()),
            '[' => bracketed(rest.get(1..).unwrap_or_default()),
            _ => {
                let (word, after) = rest.split_at(rest.find(is_blank).unwrap_or(rest.len()));
                (Cow::Borrowed(word), after)
            }
        };
        fields.push(field);
        rest = after.trim_start_matches(is_blank);
    }
    fields
}

/// Behind an opening quote: the field and what is behind the closing one.
fn quoted(inside: &str) -> (Cow<'_, str>, &str) {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => {
                let (field, after) = inside.split_at(at);
                return (unescape(field), after.get(1..).unwrap_or_default());
            }
            _ => escaped = c == '\\' && !escaped,
        }
    }
    (unescape(inside), "")
}

/// `\"` is kept as `"`.
fn unescape(field: &str) -> Cow<'_, str> {
    if field.contains("\\\"") {
        Cow::Owned(field.replace("\\\"", "\""))
    } else {
        Cow::Borrowed(field)
    }
}

/// Behind an opening bracket: the field and what is behind the bracket that closes it.
fn bracketed(inside: &str) -> (Cow<'_, str>, &str) {
    let mut open = 1;
    for (at, c) in inside.char_indices() {
        match c {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        if open == 0 {
            let (field, after) = inside.split_at(at);
            return (Cow::Borrowed(field), after.get(1..).unwrap_or_default());
        }
    }
    (Cow::Borrowed(inside), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_brackets_are_one_field() {
        assert_eq!(
            split_fields(r#"10.1.2.3 - al [04/Mar:05 +0] "GET /c \"x\" H" 502  0.7 "#),
            [
                "10.1.2.3",
                "-",
                "al",
                "04/Mar:05 +0",
                r#"GET /c "x" H"#,
                "502",
                "0.7"
            ]
        );
        assert_eq!(split_fields("[a [b] c] d"), ["a [b] c", "d"]);
        assert_eq!(
            split_fields("x \"open to the end"),
            ["x", "open to the end"]
        );
        assert_eq!(split_fields("x [open [y] z"), ["x", "open [y] z"]);
        assert_eq!(split_fields("a\"b c[d"), ["a\"b", "c[d"]);
        assert_eq!(split_fields("  \t "), Vec::<&str>::new());
        assert_eq!(split_fields("\"\" []"), ["", ""]);
    }
}
