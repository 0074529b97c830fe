//! The regex subset between two `%` (spec filter-patterns.md 5).

use std::fmt;

use regex::{Regex, RegexBuilder};

/// Bytes that one compiled regex may take: counted repetitions multiply.
const COMPILED_BYTES_LIMIT: usize = 1 << 20;

/// A regex of the allowed subset, searched unanchored and case-sensitively.
#[derive(Clone, Debug)]
pub struct PatternRegex {
    /// As written between the percent signs.
    text: String,
    compiled: Regex,
}

impl PatternRegex {
    /// # Errors
    /// In words what is not allowed.
    pub fn new(text: &str) -> Result<Self, String> {
        let translated = translate(text)?;
        let compiled = RegexBuilder::new(&translated)
            .size_limit(COMPILED_BYTES_LIMIT)
            .dfa_size_limit(COMPILED_BYTES_LIMIT)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default();
                format!("the regex does not compile: {reason}")
            })?;
        Ok(Self {
            text: text.to_owned(),
            compiled,
        })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_found_in(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }
}

impl PartialEq for PatternRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for PatternRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}%", self.text)
    }
}

/// Checks the subset and writes it in the dialect of the regex library.
fn translate(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("an empty regex".to_owned());
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    let mut class = ClassState::Outside;
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.push_str(&escape(&mut characters)?),
            '[' if class == ClassState::Outside => {
                out.push('[');
                class = ClassState::AtStart;
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                continue;
            }
            // A first bracket is a member of the class.
            ']' if class == ClassState::AtStart => out.push_str(r"\]"),
            ']' if class == ClassState::Inside => {
                out.push(']');
                class = ClassState::Outside;
                continue;
            }
            // The library would read nested classes and set differences here.
            '[' => out.push_str(r"\["),
            '-' if class == ClassState::Inside && out.ends_with('-') => out.push_str(r"\-"),
            '{' if class == ClassState::Outside => out.push_str(&repetition(&mut characters)?),
            '}' if class == ClassState::Outside => return Err("a } without its {".to_owned()),
            '{' | '}' => out.push(c),
            c if c.is_ascii_alphanumeric() || ":_#=@/;,- ^$?]|*+.".contains(c) => out.push(c),
            c => return Err(format!("'{c}' is not allowed in a regex, write \\xhh")),
        }
        if class == ClassState::AtStart {
            class = ClassState::Inside;
        }
    }
    match class {
        ClassState::Outside => Ok(out),
        _ => Err("a [ without its ]".to_owned()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClassState {
    Outside,
    /// Directly behind `[` or `[^`.
    AtStart,
    Inside,
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Behind a backslash. All replacements work inside a class as well, where classes may nest.
fn escape(characters: &mut Characters<'_>) -> Result<String, String> {
    let replacement = match characters.next() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => r"[\t \n\r]",
        Some('S') => r"[^\t \n\r]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('x') => {
            let hex: String = characters.by_ref().take(2).collect();
            return match u8::from_str_radix(&hex, 16) {
                Ok(code) if hex.len() == 2 && code.is_ascii() => Ok(format!("\\x{hex}")),
                _ => Err("\\x needs two hexadecimal digits of an ASCII character".to_owned()),
            };
        }
        Some(operator) if r"^$?[]{}|\*+.".contains(operator) => {
            return Ok(format!("\\{operator}"));
        }
        Some(other) => return Err(format!("the escape \\{other} is not allowed in a regex")),
        None => return Err("a backslash at the end of a regex".to_owned()),
    };
    Ok(replacement.to_owned())
}

/// Behind `{`: `m}`, `m,n}`, `m,}` or `,n}`, with blanks around the comma.
fn repetition(characters: &mut Characters<'_>) -> Result<String, String> {
    let mut inside = String::new();
    loop {
        match characters.next() {
            Some('}') => break,
            Some(c) => inside.push(c),
            None => return Err("a { without its }".to_owned()),
        }
    }
    let bound = |text: &str| text.trim_matches(' ').to_owned();
    let is_number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (low, high) = match inside.split_once(',') {
        Some((low, high)) => (bound(low), Some(bound(high))),
        None => (bound(&inside), None),
    };
    let all_numbers = is_number(&low) && high.as_deref().is_none_or(is_number);
    let some_number = !low.is_empty() || high.as_deref().is_some_and(|high| !high.is_empty());
    if !all_numbers || !some_number {
        return Err(format!("'{{{inside}}}' is not a number of repetitions"));
    }
    let low = if low.is_empty() { "0" } else { &low };
    Ok(match high {
        Some(high) => format!("{{{low},{high}}}"),
        None => format!("{{{low}}}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(regex: &str, text: &str) -> bool {
        PatternRegex::new(regex).unwrap().is_found_in(text)
    }

    #[test]
    fn classes_and_repetitions() {
        assert!(found("a{2, 3}b", "aab"));
        assert!(!found("a{2, 3}b", "ab"));
        assert!(found("^a{,2}$", "aa") && !found("^a{,2}$", "aaa"));
        assert!(found("^a{2}$", "aa") && found("^a{2,}$", "aaaa"));
        assert!(found(r"^[\d.]+$", "1.5") && !found(r"^[\d.]+$", "1,5"));
        assert!(found("^[]a]+$", "]a"));
        assert!(found("^[[a]+$", "[a"));
        assert!(found("^[+--]+$", "+,-"));
        assert!(found(r"\x28[a-z]+\x29", "call(abc)"));
        assert!(found("^starting|^stopping", "stopping"));
        assert!(!found("^starting|^stopping", "x stopping"));
    }

    #[test]
    fn dialect_is_ascii_and_by_line_text() {
        assert!(!found(r"^\w$", "ä") && found(r"^\W$", "ä"));
        assert!(!found(r"^\d$", "٣"));
        assert!(!found("a.b", "a\nb") && found(r"a\sb", "a\nb"));
        assert!(!found("^b", "a\nb"));
    }

    #[test]
    fn what_the_subset_leaves_out() {
        for regex in [
            "",
            "(a|b)",
            "oops!",
            "ä",
            "a<b",
            "a{x}",
            "a{}",
            "a{,}",
            "a{2",
            "a}",
            "[a",
            r"a\b",
            "\\",
            r"\xZZ",
            r"\xe4",
            r"\x2",
            "*a",
            "a{9999999}",
            "a{3,2}",
            "[z-a]",
            "a&b",
            "a~",
            "'",
        ] {
            assert!(PatternRegex::new(regex).is_err(), "{regex}");
        }
    }
}
