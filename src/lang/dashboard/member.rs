//! A JSON value of a body and its place; its checks write errors in the manner of JSON Schema
//! validators (spec dashboards.md 10).

use std::fmt::Display;

use regex::Regex;
use serde_json::{Map, Value};

use super::report::Report;

/// A value that is there.
#[derive(Clone, Debug)]
pub(super) struct Member<'v> {
    pub path: String,
    pub value: &'v Value,
}

/// An object that is there.
#[derive(Clone, Debug)]
pub(super) struct Object<'v> {
    pub path: String,
    pub members: &'v Map<String, Value>,
}

impl<'v> Object<'v> {
    /// `null` counts as a value, as it does in JSON Schema.
    pub fn get(&self, name: &str) -> Option<Member<'v>> {
        self.members.get(name).map(|value| Member {
            path: format!("{}/{name}", self.path),
            value,
        })
    }

    /// An error if the member is missing.
    pub fn required(&self, name: &str, report: &mut Report) -> Option<Member<'v>> {
        let found = self.get(name);
        if found.is_none() {
            report.error(&self.path, missing(name));
        }
        found
    }

    /// Checks the type of those of `names` that are there.
    pub fn booleans(&self, names: &[&str], report: &mut Report) {
        for member in names.iter().filter_map(|name| self.get(name)) {
            member.boolean(report);
        }
    }

    pub fn strings(&self, names: &[&str], report: &mut Report) {
        for member in names.iter().filter_map(|name| self.get(name)) {
            member.string(report);
        }
    }

    pub fn numbers(&self, names: &[&str], report: &mut Report) {
        for member in names.iter().filter_map(|name| self.get(name)) {
            if !member.value.is_number() {
                report.error(&member.path, "Should be number");
            }
        }
    }

    pub fn one_of(&self, name: &str, allowed: &[&str], report: &mut Report) -> Option<&'v str> {
        self.get(name)?.one_of(allowed, report)
    }

    pub fn object(&self, name: &str, report: &mut Report) -> Option<Object<'v>> {
        self.get(name)?.object(report)
    }

    pub fn array(&self, name: &str, report: &mut Report) -> Option<Vec<Member<'v>>> {
        self.get(name)?.array(report)
    }
}

pub(super) fn missing(name: &str) -> String {
    format!("Should have required property '{name}'")
}

pub(super) fn too_many(most: impl Display) -> String {
    format!("Should NOT have more than {most} items")
}

impl<'v> Member<'v> {
    pub fn object(&self, report: &mut Report) -> Option<Object<'v>> {
        let object = self.value.as_object().map(|members| Object {
            path: self.path.clone(),
            members,
        });
        if object.is_none() {
            report.error(&self.path, "Should be object");
        }
        object
    }

    pub fn array(&self, report: &mut Report) -> Option<Vec<Member<'v>>> {
        let Some(values) = self.value.as_array() else {
            report.error(&self.path, "Should be array");
            return None;
        };
        let elements = values.iter().enumerate();
        Some(
            elements
                .map(|(index, value)| Member {
                    path: format!("{}/{index}", self.path),
                    value,
                })
                .collect(),
        )
    }

    pub fn string(&self, report: &mut Report) -> Option<&'v str> {
        let text = self.value.as_str();
        if text.is_none() {
            report.error(&self.path, "Should be string");
        }
        text
    }

    pub fn boolean(&self, report: &mut Report) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            report.error(&self.path, "Should be boolean");
        }
        value
    }

    pub fn integer(&self, report: &mut Report) -> Option<i64> {
        let value = integer(self.value);
        if value.is_none() {
            report.error(&self.path, "Should be integer");
        }
        value
    }

    /// Bounds are inclusive.
    pub fn integer_within(
        &self,
        least: i64,
        most: Option<i64>,
        report: &mut Report,
    ) -> Option<i64> {
        let value = self.integer(report)?;
        if value < least {
            report.error(&self.path, format!("Should be >= {least}"));
            return None;
        }
        if let Some(most) = most
            && value > most
        {
            report.error(&self.path, format!("Should be <= {most}"));
            return None;
        }
        Some(value)
    }

    pub fn one_of(&self, allowed: &[&str], report: &mut Report) -> Option<&'v str> {
        let text = self.value.as_str().filter(|text| allowed.contains(text));
        if text.is_none() {
            report.error(&self.path, "Should be equal to one of the allowed values");
        }
        text
    }

    /// `pattern` as it is shown, and compiled; `None` for one that does not compile, which
    /// everything fits.
    pub fn fits(&self, pattern: &str, regex: Option<&Regex>, report: &mut Report) {
        if let Some(text) = self.string(report)
            && regex.is_some_and(|regex| !regex.is_match(text))
        {
            let message = format!("Should match pattern \"{pattern}\"");
            report.error(&self.path, message);
        }
    }
}

/// Numbers such as `6.0` are integers, as in JSON Schema.
pub(super) fn integer(value: &Value) -> Option<i64> {
    /// Every double below has exactly one integer.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
    })
}
