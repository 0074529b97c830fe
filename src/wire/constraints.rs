//! Declared constraints of inputs, with AWS's texts (spec wire-protocols.md 5.1).
//!
//! An input structure lists the limits of its members; [`check`] gathers every violation into
//! one message under the service's own code:
//!
//! ```
//! use belfry_wire::constraints::{Constrained, Constraints, Pattern, check};
//! use belfry_wire::Service;
//!
//! static GROUP_NAME: Pattern = Pattern::new(r"[\.\-_/#A-Za-z0-9]+");
//!
//! #[derive(Debug, Default)]
//! struct Tag { key: Option<String> }
//!
//! impl Constrained for Tag {
//!     fn check(&self, c: &mut Constraints) {
//!         c.member("Key", &self.key).required().length(1..=128);
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Input { log_group_name: Option<String>, limit: Option<i64>, tags: Option<Vec<Tag>> }
//!
//! impl Constrained for Input {
//!     fn check(&self, c: &mut Constraints) {
//!         c.member("logGroupName", &self.log_group_name)
//!             .required()
//!             .length(1..=512)
//!             .pattern(&GROUP_NAME);
//!         c.member("limit", &self.limit).range(1..=10_000);
//!         c.member("tags", &self.tags).length(..=50).elements();
//!     }
//! }
//!
//! let input = Input { limit: Some(10_001), tags: Some(vec![Tag::default()]), ..Input::default() };
//! let error = check(Service::Logs, &input).unwrap_err();
//! assert_eq!(error.code, "InvalidParameterException");
//! assert_eq!(
//!     error.message.unwrap(),
//!     "3 validation errors detected: \
//!      Value null at 'logGroupName' failed to satisfy constraint: Member must not be null; \
//!      Value '10001' at 'limit' failed to satisfy constraint: \
//!      Member must have value less than or equal to 10000; \
//!      Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null"
//! );
//! ```

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt::{self, Debug, Display, Write as _};
use std::ops::{Bound, RangeBounds};
use std::sync::OnceLock;

use regex::Regex;

use crate::Service;
use crate::errors::{self, ApiError};

/// Texts beyond this many violations tell nobody anything; the count still does.
const VIOLATIONS_SHOWN_MAX: usize = 50;

/// A longer value is cut in the text.
const VALUE_CHARS_MAX: usize = 1_024;

/// An input structure, or a part of one, that declares the limits of its members.
pub trait Constrained {
    fn check(&self, c: &mut Constraints);
}

/// Checks `input` and turns its violations into the error `service` answers with.
///
/// # Errors
/// One error that names all violations.
pub fn check<T: Constrained + ?Sized>(service: Service, input: &T) -> Result<(), ApiError> {
    let mut constraints = Constraints::default();
    input.check(&mut constraints);
    match constraints.into_message() {
        None => Ok(()),
        Some(message) => Err(errors::constraint(service, message)),
    }
}

/// A regular expression that a whole value has to match. Declared as a `static`.
pub struct Pattern {
    text: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `text` is the pattern as the model has it; it is shown to callers.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            regex: OnceLock::new(),
        }
    }

    /// Whether `value` as a whole matches. A pattern that does not compile matches nothing.
    pub fn matches(&self, value: &str) -> bool {
        self.regex
            .get_or_init(|| Regex::new(&format!("^(?:{})$", self.text)).ok())
            .as_ref()
            .is_some_and(|regex| regex.is_match(value))
    }
}

/// The violations found so far, and the place in the input being checked.
#[derive(Debug, Default)]
pub struct Constraints {
    /// The path of the structure being checked; empty at the top.
    path: String,
    count: usize,
    shown: Vec<String>,
    /// Takes the place of the whole message.
    own_text: Option<&'static str>,
}

impl Constraints {
    /// Begins the constraints of an optional member, spelled as in the model; the first letter
    /// becomes lower case in texts.
    pub fn member<'c, T>(&'c mut self, name: &'c str, value: &'c Option<T>) -> Member<'c, T> {
        Member {
            constraints: self,
            name,
            value: value.as_ref(),
        }
    }

    /// Begins the constraints of a member that is always there.
    pub fn value<'c, T>(&'c mut self, name: &'c str, value: &'c T) -> Member<'c, T> {
        Member {
            constraints: self,
            name,
            value: Some(value),
        }
    }

    /// `N validation error(s) detected: …`, when there are any.
    fn into_message(self) -> Option<String> {
        if let Some(text) = self.own_text {
            return Some(text.to_owned());
        }
        let errors = match self.count {
            0 => return None,
            1 => "error",
            _ => "errors",
        };
        let texts = self.shown.join("; ");
        Some(format!(
            "{} validation {errors} detected: {texts}",
            self.count
        ))
    }

    fn violated(&mut self, name: &str, value: &dyn Display, rule: &dyn Display) {
        self.count += 1;
        if self.shown.len() >= VIOLATIONS_SHOWN_MAX {
            return;
        }
        let path = self.path_of(name);
        self.shown.push(format!(
            "Value {value} at '{path}' failed to satisfy constraint: {rule}"
        ));
    }

    fn path_of(&self, name: &str) -> String {
        let name = lower_first(name);
        match (self.path.is_empty(), name.is_empty()) {
            (true, _) => name,
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{name}", self.path),
        }
    }

    /// Runs `check` one level down.
    fn within(&mut self, segments: fmt::Arguments<'_>, check: impl FnOnce(&mut Self)) {
        let len = self.path.len();
        if len > 0 {
            self.path.push('.');
        }
        // Writing into a `String` does not fail.
        let _ = self.path.write_fmt(segments);
        check(self);
        self.path.truncate(len);
    }
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// A value between quotes, cut when it is long.
struct Quoted<'v>(&'v dyn Display);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        match text.char_indices().nth(VALUE_CHARS_MAX) {
            Some((end, _)) => write!(f, "'{}...'", text.get(..end).unwrap_or_default()),
            None => write!(f, "'{text}'"),
        }
    }
}

/// A member under check. Every method passes it on, so that rules chain; rules other than
/// [`Member::required`] hold for a member that is absent.
pub struct Member<'c, T> {
    constraints: &'c mut Constraints,
    name: &'c str,
    value: Option<&'c T>,
}

impl<T> Member<'_, T> {
    pub fn required(self) -> Self {
        if self.value.is_none() {
            self.constraints
                .violated(self.name, &"null", &"Member must not be null");
        }
        self
    }

    /// A bound on a size: of a text in characters, of a list or map in elements.
    fn sized(&mut self, size: usize, limits: &impl RangeBounds<usize>, value: &dyn Display) {
        self.bounded(&size, limits, "length", value);
    }

    fn bounded<N: PartialOrd + Display>(
        &mut self,
        measure: &N,
        limits: &impl RangeBounds<N>,
        what: &str,
        value: &dyn Display,
    ) {
        if let Bound::Included(least) = limits.start_bound()
            && measure.partial_cmp(least).is_none_or(Ordering::is_lt)
        {
            let rule = format!("Member must have {what} greater than or equal to {least}");
            self.constraints.violated(self.name, &Quoted(value), &rule);
        }
        if let Bound::Included(most) = limits.end_bound()
            && measure.partial_cmp(most).is_none_or(Ordering::is_gt)
        {
            let rule = format!("Member must have {what} less than or equal to {most}");
            self.constraints.violated(self.name, &Quoted(value), &rule);
        }
    }
}

impl<T: Debug> Member<'_, T> {
    /// A rule of the caller's own: violated when `holds` says no.
    pub fn rule(self, holds: impl FnOnce(&T) -> bool, rule: &str) -> Self {
        if let Some(value) = self.value
            && !holds(value)
        {
            let shown = format!("{value:?}");
            self.constraints
                .violated(self.name, &Quoted(&bare(&shown)), &rule);
        }
        self
    }
}

/// The debug form of a value; strings without their quotes.
fn bare(debug: &str) -> &str {
    debug
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(debug)
}

impl Member<'_, String> {
    /// In characters.
    pub fn length(mut self, limits: impl RangeBounds<usize>) -> Self {
        if let Some(value) = self.value {
            self.sized(value.chars().count(), &limits, value);
        }
        self
    }

    /// An upper bound in characters for which the service has a text of its own, which then is
    /// all that the caller is told.
    pub fn length_or(self, most: usize, text: &'static str) -> Self {
        if let Some(value) = self.value
            && value.chars().count() > most
        {
            self.constraints.own_text = Some(text);
        }
        self
    }

    pub fn pattern(self, pattern: &Pattern) -> Self {
        if let Some(value) = self.value
            && !pattern.matches(value)
        {
            let rule = format!(
                "Member must satisfy regular expression pattern: {}",
                pattern.text
            );
            self.constraints.violated(self.name, &Quoted(value), &rule);
        }
        self
    }

    pub fn one_of(self, values: &[&str]) -> Self {
        if let Some(value) = self.value
            && !values.contains(&value.as_str())
        {
            let rule = format!(
                "Member must satisfy enum value set: [{}]",
                values.join(", ")
            );
            self.constraints.violated(self.name, &Quoted(value), &rule);
        }
        self
    }
}

/// The length of a list that was decoded into columns and is no `Vec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted(pub usize);

impl Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} elements]", self.0)
    }
}

impl Member<'_, Counted> {
    /// In elements.
    pub fn length(mut self, limits: impl RangeBounds<usize>) -> Self {
        if let Some(list) = self.value {
            self.sized(list.0, &limits, list);
        }
        self
    }
}

/// The numeric types of members.
pub trait Number: PartialOrd + Display {}

impl Number for i32 {}
impl Number for i64 {}
impl Number for u32 {}
impl Number for u64 {}
impl Number for f64 {}

impl<N: Number> Member<'_, N> {
    pub fn range(mut self, limits: impl RangeBounds<N>) -> Self {
        if let Some(value) = self.value {
            self.bounded(value, &limits, "value", value);
        }
        self
    }

    pub fn one_of_numbers(self, values: &[N]) -> Self {
        if let Some(value) = self.value
            && !values.contains(value)
        {
            let values: Vec<String> = values.iter().map(N::to_string).collect();
            let rule = format!(
                "Member must satisfy enum value set: [{}]",
                values.join(", ")
            );
            self.constraints.violated(self.name, &Quoted(value), &rule);
        }
        self
    }
}

/// How a list reads in a text: `[a, b]`.
struct Listed<'v, T>(&'v [T]);

impl<T: Debug> Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('[')?;
        for (index, element) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", bare(&format!("{element:?}")))?;
        }
        f.write_char(']')
    }
}

impl<T: Debug> Member<'_, Vec<T>> {
    /// In elements.
    pub fn length(mut self, limits: impl RangeBounds<usize>) -> Self {
        if let Some(list) = self.value {
            self.sized(list.len(), &limits, &Listed(list));
        }
        self
    }

    /// Applies rules to each element: `.each(|name| name.length(1..=255))`.
    pub fn each<F>(self, mut rules: F) -> Self
    where
        F: for<'e> FnMut(Member<'e, T>) -> Member<'e, T>,
    {
        let name = lower_first(self.name);
        for (index, element) in self.value.into_iter().flatten().enumerate() {
            let place = format_args!("{name}.{}.member", index + 1);
            self.constraints.within(place, |constraints| {
                rules(Member {
                    constraints,
                    name: "",
                    value: Some(element),
                });
            });
        }
        self
    }
}

impl<T: Constrained> Member<'_, Vec<T>> {
    /// Checks the members of each element.
    pub fn elements(self) -> Self {
        let name = lower_first(self.name);
        for (index, element) in self.value.into_iter().flatten().enumerate() {
            let place = format_args!("{name}.{}.member", index + 1);
            self.constraints
                .within(place, |constraints| element.check(constraints));
        }
        self
    }
}

impl<T: Constrained> Member<'_, T> {
    /// Checks the members of the structure.
    pub fn structure(self) -> Self {
        if let Some(value) = self.value {
            let name = lower_first(self.name);
            self.constraints
                .within(format_args!("{name}"), |constraints| {
                    value.check(constraints);
                });
        }
        self
    }
}

/// The map types of members: anything that yields pairs.
impl<M> Member<'_, M> {
    /// Bounds the number of entries, and applies rules to each key and each value:
    /// `.entries(1..=50, |key| key.length(1..=128), |value| value.length(..=256))`.
    pub fn entries<K, V, FK, FV>(
        mut self,
        limits: impl RangeBounds<usize>,
        mut key_rules: FK,
        mut value_rules: FV,
    ) -> Self
    where
        M: Debug,
        for<'m> &'m M: IntoIterator<Item = (&'m K, &'m V)>,
        K: Borrow<String>,
        FK: for<'e> FnMut(Member<'e, String>) -> Member<'e, String>,
        FV: for<'e> FnMut(Member<'e, V>) -> Member<'e, V>,
    {
        let Some(map) = self.value else {
            return self;
        };
        let count = map.into_iter().count();
        let shown = format!("{map:?}");
        self.sized(count, &limits, &shown);
        let name = lower_first(self.name);
        for (key, value) in map {
            let key: &String = key.borrow();
            self.constraints
                .within(format_args!("{name}.key"), |constraints| {
                    key_rules(Member {
                        constraints,
                        name: "",
                        value: Some(key),
                    });
                });
            self.constraints
                .within(format_args!("{name}.{key}.value"), |constraints| {
                    value_rules(Member {
                        constraints,
                        name: "",
                        value: Some(value),
                    });
                });
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(check: impl FnOnce(&mut Constraints)) -> Option<String> {
        let mut constraints = Constraints::default();
        check(&mut constraints);
        constraints.into_message()
    }

    #[test]
    fn a_text_of_the_services_own_is_all_that_is_told() {
        let text = message(|c| {
            c.member("limit", &Some(10_001_i32)).range(1..=10_000);
            c.member("name", &Some("äbc".to_owned()))
                .length_or(3, "Longer than three.");
        });
        assert!(text.is_some_and(|text| text.starts_with("1 validation error")));
        let text = message(|c| {
            c.member("limit", &Some(10_001_i32)).range(1..=10_000);
            c.member("name", &Some("äbcd".to_owned()))
                .length_or(3, "Longer than three.");
        });
        assert_eq!(text.as_deref(), Some("Longer than three."));
    }

    #[test]
    fn the_recorded_text() {
        let text = message(|c| {
            c.member("limit", &Some(10_001_i32)).range(1..=10_000);
        });
        assert_eq!(
            text.as_deref(),
            Some(
                "1 validation error detected: Value '10001' at 'limit' failed to satisfy \
                 constraint: Member must have value less than or equal to 10000"
            )
        );
    }

    #[test]
    fn absent_members_violate_nothing_but_required() {
        let none: Option<String> = None;
        assert_eq!(
            message(|c| {
                c.member("a", &none)
                    .length(1..=2)
                    .one_of(&["x"])
                    .pattern(&Pattern::new("y"));
            }),
            None
        );
        let text = message(|c| {
            c.member("Namespace", &none).required().length(1..);
        });
        assert_eq!(
            text.as_deref(),
            Some(
                "1 validation error detected: Value null at 'namespace' failed to satisfy \
                 constraint: Member must not be null"
            )
        );
    }

    #[test]
    fn lists_texts_enums_and_maps() {
        let names = Some(vec!["ok".to_owned(), "é".repeat(3)]);
        let unit = Some("Bogus".to_owned());
        let tags = Some(BTreeMap::from([("k".to_owned(), "long".to_owned())]));
        let text = message(|c| {
            c.member("AlarmNames", &names)
                .length(..=1)
                .each(|name| name.length(1..=2).pattern(&Pattern::new("[a-z]+")));
            c.member("Unit", &unit).one_of(&["Seconds", "None"]);
            c.member("tags", &tags)
                .entries(2.., |key| key.length(1..), |value| value.length(..=3));
        })
        .expect("violations");
        let (head, texts) = text.split_once(": ").expect("head");
        assert_eq!(head, "6 validation errors detected");
        let found: Vec<&str> = texts.split("; ").collect();
        assert_eq!(
            found,
            [
                "Value '[ok, ééé]' at 'alarmNames' failed to satisfy constraint: Member must have length less than or equal to 1",
                "Value 'ééé' at 'alarmNames.2.member' failed to satisfy constraint: Member must have length less than or equal to 2",
                "Value 'ééé' at 'alarmNames.2.member' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+",
                "Value 'Bogus' at 'unit' failed to satisfy constraint: Member must satisfy enum value set: [Seconds, None]",
                "Value '{\"k\": \"long\"}' at 'tags' failed to satisfy constraint: Member must have length greater than or equal to 2",
                "Value 'long' at 'tags.k.value' failed to satisfy constraint: Member must have length less than or equal to 3",
            ]
        );
    }

    #[test]
    fn counted_lists_and_rules_of_ones_own() {
        let text = message(|c| {
            c.member("LogEvents", &Some(Counted(0))).length(1..=10_000);
            c.member("Name", &Some("aws/x".to_owned())).rule(
                |name| !name.starts_with("aws/"),
                "Member must not be reserved",
            );
        });
        assert_eq!(
            text.as_deref(),
            Some(
                "2 validation errors detected: Value '[0 elements]' at 'logEvents' failed to \
                 satisfy constraint: Member must have length greater than or equal to 1; \
                 Value 'aws/x' at 'name' failed to satisfy constraint: Member must not be reserved"
            )
        );
    }

    #[test]
    fn a_pattern_covers_the_whole_value() {
        let pattern = Pattern::new("a|b");
        assert!(pattern.matches("a") && pattern.matches("b"));
        assert!(!pattern.matches("ab") && !pattern.matches("") && !pattern.matches("b\n"));
    }

    #[test]
    fn nan_is_in_no_range() {
        let text = message(|c| {
            c.member("Value", &Some(f64::NAN)).range(0.0..=1.0);
        });
        assert!(text.is_some_and(|text| text.starts_with("2 validation errors")));
    }

    #[test]
    fn long_values_and_many_violations_stay_bounded() {
        let long = Some(vec!["x".repeat(100_000); 1_000]);
        let text = message(|c| {
            c.member("names", &long).each(|name| name.length(..=1));
        })
        .expect("violations");
        assert!(text.starts_with("1000 validation errors detected: "));
        assert!(text.len() < 100_000, "{}", text.len());
    }
}
