//! `SOURCE` (spec logs-insights.md 6.18)

use std::fmt;

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt};
use nom::sequence::{delimited, preceded};

use crate::grammar::{Input, Parsed, broken_rule, span_between, unexpected};

use super::duration::Duration;
use super::expression::Literal;
use super::tokens::{
    bare_log_group, blanks, comma_separated, duration, epoch, keyword, keyword_of, option_key,
    string, symbol,
};
use crate::print::{commas, joined};

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

/// `namePrefix` takes at most this many (documented).
const NAME_PREFIXES_MAX: usize = 5;
/// `accountIdentifiers` takes at most this many (documented).
const ACCOUNTS_MAX: usize = 20;
/// `dataSource` takes at most this many (documented).
const DATA_SOURCES_MAX: usize = 10;
/// `logGroupTags` takes at most this many filters, each with at most this many values (documented).
const TAG_FILTERS_MAX: usize = 5;

impl Source {
    /// Behind `SOURCE`.
    pub(super) fn read(input: Input<'_>) -> Parsed<'_, Self> {
        let (mut rest, first) = source_item(input)?;
        let mut items = vec![first];
        loop {
            if let (_, Some(_)) = opt(alt((option_key("start"), option_key("end")))).parse(rest)? {
                break;
            }
            match opt(source_item).parse(rest)? {
                (after, Some(item)) => {
                    items.push(item);
                    rest = after;
                }
                (_, None) => break,
            }
        }
        let mut source = Self {
            items,
            start: None,
            end: None,
        };
        while let (after, Some((is_start, time))) = opt(time_argument).parse(rest)? {
            let slot = match is_start {
                true => &mut source.start,
                false => &mut source.end,
            };
            if slot.replace(time).is_some() {
                return broken_rule(span_between(rest, after), "the time is given twice");
            }
            rest = after;
        }
        Ok((rest, source))
    }
}

fn source_item(input: Input<'_>) -> Parsed<'_, SourceItem> {
    let (start, ()) = blanks(input)?;
    let function = |word| preceded(keyword(word), symbol("("));
    let close = || cut(symbol(")"));
    let log_groups = delimited(function("logGroups"), cut(log_group_selection), close());
    let data_source = delimited(
        function("dataSource"),
        cut(strings("data sources", DATA_SOURCES_MAX)),
        close(),
    );
    let tags = delimited(
        (function("logGroupTags"), cut(symbol("["))),
        cut(tag_filters),
        (cut(symbol("]")), close()),
    );
    let found = alt((
        map(log_groups, SourceItem::LogGroups),
        map(data_source, SourceItem::DataSource),
        map(tags, SourceItem::LogGroupTags),
        map(string, SourceItem::LogGroup),
        map(bare_log_group, SourceItem::LogGroup),
    ))
    .parse(start);
    match found {
        Err(nom::Err::Error(_)) => unexpected(start, &["a log group", "logGroups(...)"]),
        other => other,
    }
}

#[derive(Clone, Copy)]
enum SelectionKey {
    NamePrefix,
    Account,
    Class,
}

fn log_group_selection(input: Input<'_>) -> Parsed<'_, LogGroupSelection> {
    const KEYS: &[(&str, SelectionKey)] = &[
        ("namePrefix", SelectionKey::NamePrefix),
        ("accountIdentifiers", SelectionKey::Account),
        ("accountIdentifier", SelectionKey::Account),
        ("class", SelectionKey::Class),
        ("logGroupClass", SelectionKey::Class),
    ];
    let mut selection = LogGroupSelection::default();
    let (mut rest, mut key) = opt(keyword_of(KEYS)).parse(input)?;
    while let Some(found) = key {
        let (after, _) = symbol(":")(rest)?;
        let (start, ()) = blanks(after)?;
        let (after, list) = match found {
            SelectionKey::NamePrefix => strings("prefixes", NAME_PREFIXES_MAX)(start)?,
            SelectionKey::Account => strings("accounts", ACCOUNTS_MAX)(start)?,
            SelectionKey::Class => strings("classes", 2)(start)?,
        };
        let repeated = match found {
            SelectionKey::NamePrefix => !replace(&mut selection.name_prefixes, list),
            SelectionKey::Account => !replace(&mut selection.account_identifiers, list),
            SelectionKey::Class => {
                let Some(classes) = list.iter().map(|name| log_group_class(name)).collect() else {
                    let text = "a log group class is STANDARD or INFREQUENT_ACCESS";
                    return broken_rule(span_between(start, after), text);
                };
                !replace(&mut selection.classes, classes)
            }
        };
        if repeated {
            return broken_rule(span_between(start, after), "the option is given twice");
        }
        let (after, comma) = opt(symbol(",")).parse(after)?;
        (rest, key) = match comma {
            Some(_) => map(keyword_of(KEYS), Some).parse(after)?,
            None => (after, None),
        };
    }
    Ok((rest, selection))
}

/// Sets a list that is still empty.
fn replace<T>(list: &mut Vec<T>, given: Vec<T>) -> bool {
    let free = list.is_empty();
    *list = given;
    free
}

fn log_group_class(name: &str) -> Option<LogGroupClass> {
    match name {
        "STANDARD" => Some(LogGroupClass::Standard),
        "INFREQUENT_ACCESS" => Some(LogGroupClass::InfrequentAccess),
        _ => None,
    }
}

/// `["a", "b"]` with at most `max` items, which `what` names.
fn strings<'a>(what: &'static str, max: usize) -> impl Fn(Input<'a>) -> Parsed<'a, Vec<String>> {
    move |input| {
        let (start, ()) = blanks(input)?;
        let (rest, list) =
            delimited(symbol("["), comma_separated(string), symbol("]")).parse(start)?;
        match list.len() > max {
            true => broken_rule(span_between(start, rest), format!("at most {max} {what}")),
            false => Ok((rest, list)),
        }
    }
}

fn tag_filters(input: Input<'_>) -> Parsed<'_, Vec<TagFilter>> {
    let (start, ()) = blanks(input)?;
    let (rest, filters) = comma_separated(tag_filter)(start)?;
    match filters.len() > TAG_FILTERS_MAX {
        true => {
            let text = format!("at most {TAG_FILTERS_MAX} tag filters");
            broken_rule(span_between(start, rest), text)
        }
        false => Ok((rest, filters)),
    }
}

fn tag_filter(input: Input<'_>) -> Parsed<'_, TagFilter> {
    let (rest, _) = symbol("{")(input)?;
    let (rest, key) = preceded((member("key"), symbol(":")), string).parse(rest)?;
    let values = preceded(
        (symbol(","), member("values"), symbol(":")),
        strings("values of a tag", TAG_FILTERS_MAX),
    );
    let (rest, values) = opt(values).parse(rest)?;
    let (rest, _) = symbol("}")(rest)?;
    let values = values.unwrap_or_default();
    Ok((rest, TagFilter { key, values }))
}

/// The quoted name of a member.
fn member<'a>(name: &'static str) -> impl Fn(Input<'a>) -> Parsed<'a, ()> {
    move |input| {
        let (start, ()) = blanks(input)?;
        match string(start) {
            Ok((rest, text)) if text == name => Ok((rest, ())),
            _ => unexpected(start, &[name]),
        }
    }
}

fn time_argument(input: Input<'_>) -> Parsed<'_, (bool, SourceTime)> {
    let which = alt((
        map(option_key("start"), |_| true),
        map(option_key("end"), |_| false),
    ));
    let time = alt((
        map(keyword("now"), |_| SourceTime::Now),
        map(preceded(symbol("-"), cut(duration)), SourceTime::Ago),
        map(epoch, SourceTime::Epoch),
    ));
    (which, cut(time)).parse(input)
}
