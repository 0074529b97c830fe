//! `SOURCE` (spec logs-insights.md 6.18)

use std::fmt;

use super::duration::Duration;
use super::expression::Literal;
use super::text::{commas, joined};

/// Selects log groups inside the query. Several items intersect.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Never empty.
    pub items: Vec<SourceItem>,
    /// Overrides the start of the query's time range.
    pub start: Option<SourceTime>,
    /// Overrides the end of the query's time range.
    pub end: Option<SourceTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SourceItem {
    /// One log group by name, quoted or bare.
    LogGroup(String),
    /// `logGroups(namePrefix: […], …)`; without arguments every group.
    LogGroups(LogGroupSelection),
    /// `dataSource(["name.type", …])`
    DataSource(Vec<String>),
    /// `logGroupTags([{"key": …, "values": […]}, …])`: all must hold.
    LogGroupTags(Vec<TagFilter>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogGroupSelection {
    /// At most 5; empty: every name.
    pub name_prefixes: Vec<String>,
    /// At most 20; empty: the own account.
    pub account_identifiers: Vec<String>,
    /// Empty: `STANDARD`.
    pub classes: Vec<LogGroupClass>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogGroupClass {
    Standard,
    InfrequentAccess,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TagFilter {
    pub key: String,
    /// One must hold; `*` is a wildcard, a leading `!` negates. Empty: the tag is present.
    pub values: Vec<String>,
}

/// An end of the time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceTime {
    Now,
    /// `-1d`: before now.
    Ago(Duration),
    /// A number since the epoch, in seconds or milliseconds as in StartQuery (10.1).
    Epoch(i64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SOURCE {}", joined(&self.items, " "))?;
        if let Some(start) = &self.start {
            write!(f, " start={start}")?;
        }
        if let Some(end) = &self.end {
            write!(f, " end={end}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SourceItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogGroup(name) => write!(f, "{}", Literal::String(name.clone())),
            Self::LogGroups(selection) => write!(f, "logGroups({selection})"),
            Self::DataSource(names) => write!(f, "dataSource([{}])", commas(&quoted(names))),
            Self::LogGroupTags(filters) => write!(f, "logGroupTags([{}])", commas(filters)),
        }
    }
}

impl fmt::Display for LogGroupSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arguments = Vec::new();
        if !self.name_prefixes.is_empty() {
            let prefixes = quoted(&self.name_prefixes);
            arguments.push(format!("namePrefix: [{}]", commas(&prefixes)));
        }
        if !self.account_identifiers.is_empty() {
            let accounts = quoted(&self.account_identifiers);
            arguments.push(format!("accountIdentifiers: [{}]", commas(&accounts)));
        }
        if !self.classes.is_empty() {
            arguments.push(format!("class: [{}]", commas(&self.classes)));
        }
        write!(f, "{}", commas(&arguments))
    }
}

impl fmt::Display for LogGroupClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Standard => "'STANDARD'",
            Self::InfrequentAccess => "'INFREQUENT_ACCESS'",
        })
    }
}

impl fmt::Display for TagFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\"key\": {}", Literal::String(self.key.clone()))?;
        if !self.values.is_empty() {
            write!(f, ", \"values\": [{}]", commas(&quoted(&self.values)))?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for SourceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Ago(duration) => write!(f, "-{duration}"),
            Self::Epoch(number) => write!(f, "{number}"),
        }
    }
}

fn quoted(texts: &[String]) -> Vec<Literal> {
    texts.iter().cloned().map(Literal::String).collect()
}
