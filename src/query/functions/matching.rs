//! `like`, `=~` and `regexReplace` (spec logs-insights.md 3.5, 7.3).

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use belfry_lang::insights::compile_regex;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use memchr::memmem::Finder;
use regex::Regex;

use super::row_function::{Inputs, any_arguments, each_row, row_call, udf};
use crate::values::{ColumnView, Value, ValueType};

/// Whether a column of texts contains a constant.
pub fn contains(text: Expr, part: &str) -> Expr {
    udf(TextTest {
        test: Test::Contains(Box::new(Finder::new(part).into_owned())),
        signature: any_arguments(),
    })
    .call(vec![text])
}

/// Whether a regex occurs in a column of texts.
pub fn matches_regex(text: Expr, regex: Regex) -> Expr {
    udf(TextTest {
        test: Test::Regex(regex),
        signature: any_arguments(),
    })
    .call(vec![text])
}

/// `like` with a pattern that depends on the row.
pub fn contains_value(text: Expr, part: Expr) -> Expr {
    row_call("contains", contains_row, ValueType::Bool, vec![text, part])
}

/// `=~` with a pattern that depends on the row. A pattern that does not compile is missing.
pub fn matches_value(text: Expr, pattern: Expr) -> Expr {
    row_call("matches", matches_row, ValueType::Bool, vec![text, pattern])
}

/// `regexReplace` with a constant pattern.
pub fn replace_regex(text: Expr, regex: Regex, by: Expr) -> Expr {
    udf(RegexReplace {
        regex: ByPattern(regex),
        signature: any_arguments(),
    })
    .call(vec![text, by])
}

/// `regexReplace` with a pattern that depends on the row.
pub fn replace_value(text: Expr, pattern: Expr, by: Expr) -> Expr {
    let arguments = vec![text, pattern, by];
    row_call("regex_replace", replace_row, ValueType::Text, arguments)
}

fn contains_row<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [text, part] => match (text.to_text(), part.to_text()) {
            (Some(text), Some(part)) => Value::Bool(text.contains(&*part)),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }
}

fn matches_row<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [text, pattern] => match (text.to_text(), compile(pattern)) {
            (Some(text), Some(regex)) => Value::Bool(regex.is_match(&text)),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }
}

fn replace_row<'a>(arguments: &[Value<'a>]) -> Value<'a> {
    match arguments {
        [text, pattern, by] => match (text.to_text(), compile(pattern), by.to_text()) {
            (Some(text), Some(regex), Some(by)) => Value::text(replace_all(&regex, &text, &by)),
            _ => Value::Missing,
        },
        _ => Value::Missing,
    }
}

fn compile(pattern: &Value<'_>) -> Option<Regex> {
    compile_regex(&pattern.to_text()?).ok()
}

/// `$1`, `${name}` and `\1` in `by` refer to groups.
fn replace_all(regex: &Regex, text: &str, by: &str) -> String {
    regex.replace_all(text, template(by)).into_owned()
}

/// Rewrites `\1` and `$1` to the braced form, in which a following letter is no part of the name.
fn template(by: &str) -> String {
    let mut out = String::with_capacity(by.len());
    let mut chars = by.chars().peekable();
    while let Some(c) = chars.next() {
        if (c == '\\' || c == '$') && chars.peek().is_some_and(char::is_ascii_digit) {
            out.push_str("${");
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                out.push(digit);
            }
            out.push('}');
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Debug)]
enum Test {
    Contains(Box<Finder<'static>>),
    Regex(Regex),
}

impl Test {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Self::Regex(regex) => regex.is_match(text),
        }
    }

    fn key(&self) -> (bool, &[u8]) {
        match self {
            Self::Contains(finder) => (false, finder.needle()),
            Self::Regex(regex) => (true, regex.as_str().as_bytes()),
        }
    }
}

#[derive(Debug)]
struct TextTest {
    test: Test,
    signature: Signature,
}

impl PartialEq for TextTest {
    fn eq(&self, other: &Self) -> bool {
        self.test.key() == other.test.key()
    }
}

impl Eq for TextTest {}

impl Hash for TextTest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.test.key().hash(state);
    }
}

impl ScalarUDFImpl for TextTest {
    fn name(&self) -> &str {
        match self.test {
            Test::Contains(_) => "like",
            Test::Regex(_) => "like_regex",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let inputs = Inputs::new(&args.args, args.number_rows)?;
        match inputs.view(0)?.column() {
            Some(ColumnView::Text(texts)) => {
                let found: BooleanArray = texts
                    .iter()
                    .map(|text| text.map(|text| self.test.matches(text)))
                    .collect();
                inputs.finish(Arc::new(found))
            }
            _ => each_row(&args, ValueType::Bool, |arguments| {
                match arguments.first().and_then(Value::to_text) {
                    Some(text) => Value::Bool(self.test.matches(&text)),
                    None => Value::Missing,
                }
            }),
        }
    }
}

/// A regex that is equal to another of the same pattern.
#[derive(Debug)]
pub(super) struct ByPattern(pub Regex);

impl PartialEq for ByPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for ByPattern {}

impl Hash for ByPattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct RegexReplace {
    regex: ByPattern,
    signature: Signature,
}

impl ScalarUDFImpl for RegexReplace {
    fn name(&self) -> &str {
        "regex_replace"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        each_row(&args, ValueType::Text, |arguments| match arguments {
            [text, by] => match (text.to_text(), by.to_text()) {
                (Some(text), Some(by)) => Value::text(replace_all(&self.regex.0, &text, &by)),
                _ => Value::Missing,
            },
            _ => Value::Missing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement_refers_to_groups() {
        let regex = Regex::new(r"(?<k>\w+)=(\d+)").unwrap();
        for (by, expected) in [
            ("$2", "1 x"),
            (r"\2b", "1b x"),
            ("$2b", "1b x"),
            ("${k}!", "a! x"),
            (r"\n", r"\n x"),
        ] {
            assert_eq!(replace_all(&regex, "a=1 x", by), expected, "{by}");
        }
    }
}
