//! Regular expressions between slashes (spec logs-insights.md 2.5).

use std::fmt;

use crate::span::Span;

/// A regex that compiles.
#[derive(Clone, Debug, PartialEq)]
pub struct RegexLiteral {
    /// The pattern with `\/` resolved to a slash.
    pub pattern: String,
    pub span: Span,
}

/// Bytes that one compiled regex may take: a pattern of the largest query that multiplies counted
/// repetitions must not exhaust memory.
pub const COMPILED_REGEX_BYTES_LIMIT: usize = 1 << 20;

impl RegexLiteral {
    pub fn new(pattern: impl Into<String>) -> Self {
        Self {
            pattern: pattern.into(),
            span: Span::default(),
        }
    }

    /// See [`compile_regex`].
    pub fn compile(&self) -> Result<regex::Regex, regex::Error> {
        compile_regex(&self.pattern)
    }

    /// The names of its named groups, from left to right.
    pub fn group_names(&self) -> Vec<String> {
        match self.compile() {
            Ok(regex) => {
                let names = regex.capture_names().flatten();
                names.map(str::to_owned).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// The one dialect of the language, RE2's: linear time, no look-around or back-references,
/// unanchored, case-sensitive, `.` without newline, `^` and `$` at the ends of the whole text,
/// classes such as `\d` and `\w` of ASCII. Every regex of a query is compiled by this function, also
/// those that are ordinary strings.
pub fn compile_regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(&translate(pattern))
        .size_limit(COMPILED_REGEX_BYTES_LIMIT)
        .dfa_size_limit(COMPILED_REGEX_BYTES_LIMIT)
        .build()
}

/// Writes an RE2 pattern in the dialect of the regex library, where the two differ: the library's
/// perl classes and word boundaries are Unicode's, which is slower besides, and its bracketed
/// classes nest and subtract.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut characters = pattern.chars().peekable();
    // Behind the bracket that opens a class: how many characters, zero while `]` is a member.
    let mut class: Option<usize> = None;
    // The character before, unless it was escaped.
    let mut before = None;
    while let Some(c) = characters.next() {
        let doubled = before == Some(c);
        before = Some(c).filter(|c| *c != '\\');
        match (c, class) {
            ('\\', _) => match characters.next() {
                Some('b') if class.is_none() => out.push_str(r"(?-u:\b)"),
                Some(escaped) => match ascii_class(escaped) {
                    Some(ascii) => out.push_str(ascii),
                    None => out.extend(['\\', escaped]),
                },
                None => out.push('\\'),
            },
            ('[', None) => {
                out.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Some(0);
                continue;
            }
            (']', Some(0)) => out.push_str(r"\]"),
            (']', Some(_)) => {
                out.push(']');
                class = None;
                continue;
            }
            ('[', Some(_)) if characters.peek() == Some(&':') => {
                // `[:alpha:]` is the same in both.
                out.push('[');
                for member in characters.by_ref() {
                    out.push(member);
                    if member == ']' {
                        break;
                    }
                }
            }
            ('[', Some(_)) => out.push_str(r"\["),
            ('&' | '~' | '-', Some(_)) if doubled => {
                out.extend(['\\', c]);
            }
            _ => out.push(c),
        }
        class = class.map(|members| members + 1);
    }
    out
}

fn ascii_class(escaped: char) -> Option<&'static str> {
    Some(match escaped {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0C\r\x20]",
        'S' => r"[^\t\n\x0C\r\x20]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

impl fmt::Display for RegexLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern.replace('/', r"\/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        match compile_regex(pattern) {
            Ok(regex) => regex.is_match(text),
            Err(error) => panic!("{pattern}: {error}"),
        }
    }

    #[test]
    fn classes_are_ascii() {
        assert!(found(r"^\d+$", "42") && !found(r"^\d+$", "٤٢"));
        assert!(found(r"^\W$", "é") && !found(r"^[\w]$", "é"));
        assert!(found(r"(?x) ^ [^\s] \s $ # x", "a ") && !found(r"^\s$", "\u{a0}"));
        assert!(found(r"\bx\b", "éxé") && !found(r"\bx\b", "axa"));
        assert!(found(r"^[\D]+$", "ab") && found(r"^[^\D]+$", "12"));
        assert!(found("^.$", "é") && found("(?i)É", "é"));
    }

    #[test]
    fn brackets_are_members() {
        assert!(found("^[]a]+$", "]a") && found("^[^]]$", "a"));
        assert!(found("^[[a]+$", "[a") && found("^[[:alpha:]_]+$", "a_"));
        assert!(found("^[a&&b]+$", "a&b") && found("^[~~]+$", "~"));
        assert!(found(r"^[\--/]+$", "-./"));
        assert!(found(r"^[\]\[]+$", "[]") && found(r"^\[x\]$", "[x]"));
        assert!(found(r"^[\\]$", "\\") && found(r"^\\d$", "\\d"));
    }

    #[test]
    fn what_takes_more_than_linear_time_or_memory_is_refused() {
        for pattern in [
            r"(?=a)",
            r"(a)\1",
            "(?<!a)b",
            "(",
            "a{1000}{1000}{1000}",
            r"\",
        ] {
            assert!(compile_regex(pattern).is_err(), "{pattern}");
        }
        assert!(compile_regex(r"\w{1,100}\d+\w{100}").is_ok());
    }
}
