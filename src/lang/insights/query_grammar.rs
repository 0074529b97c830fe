//! The parser of the pipeline: stages, commands by name, subqueries.

use nom::Parser;
use nom::combinator::{cut, opt};

use crate::error::{Language, SyntaxError};
use crate::grammar::{Input, Parsed, broken_rule, nested, parse_all, span_between, unexpected};

use super::field::continues_name;
use super::query::{Command, Query, Stage};
use super::scope::check_query;
use super::tokens::{blanks, keyword, symbol};
use super::*;

/// `queryString` is at most this long (documented).
pub const QUERY_CHARACTERS_MAX: usize = 10_000;

/// Parses a whole query and checks the rules that its text alone can break: the order of commands,
/// the places of aggregates, names behind a `stats`.
///
/// # Errors
/// What MalformedQueryException reports (spec logs-insights.md 10.2), with the place.
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    parse_all(Language::Insights, text, QUERY_CHARACTERS_MAX, |input| {
        let (rest, query) = whole_query(input)?;
        check_query(&query)?;
        Ok((rest, query))
    })
}

/// The grammar alone, without the rules on order and names.
pub(super) fn whole_query(input: Input<'_>) -> Parsed<'_, Query> {
    let (rest, query) = query(input)?;
    let (rest, ()) = blanks(rest)?;
    if !rest.fragment().is_empty() {
        return unexpected(rest, &["|", "the end of the query"]);
    }
    Ok((rest, query))
}

type CommandParser = fn(Input<'_>) -> Parsed<'_, Command>;

macro_rules! commands {
    ($($word:literal $command:ident,)*) => {
        /// Every name of every command.
        const COMMANDS: &[(&str, CommandParser)] = &[
            $(($word, |input| {
                let (rest, command) = $command::read(input)?;
                Ok((rest, Command::$command(command)))
            }),)*
        ];
    };
}

commands! {
    "fields" Fields,
    "display" Display,
    "filter" Filter,
    "where" Filter,
    "search" Filter,
    "filterIndex" FilterIndex,
    "parse" Parse,
    "sort" Sort,
    "order" Sort,
    "limit" Limit,
    "head" Head,
    "tail" Tail,
    "stats" Stats,
    "dedup" Dedup,
    "pattern" Pattern,
    "diff" Diff,
    "anomaly" Anomaly,
    "unmask" Unmask,
    "unnest" Unnest,
    "expand" Expand,
    "lookup" Lookup,
    "cidrlookup" CidrLookup,
    "join" Join,
    "addtotals" AddTotals,
    "accum" Accum,
    "autoregress" AutoRegress,
    "filldown" FillDown,
    "fillmissing" FillMissing,
    "outlier" Outlier,
    "appendcols" AppendCols,
    "sessionize" Sessionize,
    "countFrequent" CountFrequent,
    "count_frequent" CountFrequent,
    "logcompare" LogCompare,
    "relevantfields" RelevantFields,
    "estimate" Estimate,
}

/// Whether a word names a command or is `SOURCE`.
pub(super) fn is_command_word(word: &str) -> bool {
    let mut words = COMMANDS.iter().map(|(name, _)| *name).chain(["source"]);
    words.any(|name| name.eq_ignore_ascii_case(word))
}

/// The command's name at this place, if it is one, and what is behind it.
fn command_name(input: Input<'_>) -> Option<(Input<'_>, CommandParser)> {
    COMMANDS.iter().find_map(|(word, parser)| {
        let (rest, _) = keyword(word)(input).ok()?;
        Some((rest, *parser))
    })
}

/// Whether a query rather than an expression stands here: a command or `SOURCE`, and behind it
/// nothing that would make it a field.
pub(super) fn starts_query(input: Input<'_>) -> bool {
    let source = || keyword("source")(input).ok().map(|(rest, _)| rest);
    let Some(rest) = command_name(input).map(|(rest, _)| rest).or_else(source) else {
        return false;
    };
    let Ok((rest, ())) = blanks(rest) else {
        return false;
    };
    let continues_expression = |word| keyword(word)(rest).is_ok();
    if ["and", "or", "in", "like"]
        .into_iter()
        .any(continues_expression)
    {
        return false;
    }
    rest.fragment()
        .starts_with(|c: char| continues_name(c) || "\"'`/|!([".contains(c))
}

/// `( query )`
pub(super) fn subquery(input: Input<'_>) -> Parsed<'_, Query> {
    let (start, ()) = blanks(input)?;
    let (inside, _) = symbol("(")(start)?;
    if inside.extra.in_subquery {
        return broken_rule(span_between(start, inside), "a query inside a subquery");
    }
    let (rest, inner) = nested(inside, |mut inside| {
        inside.extra.in_subquery = true;
        cut(query).parse(inside)
    })?;
    let (end, ()) = blanks(rest)?;
    match symbol(")")(end) {
        Ok((rest, _)) => Ok((rest, inner)),
        Err(_) => cut(|end| unexpected(end, &["|", ")"])).parse(end),
    }
}

fn query(input: Input<'_>) -> Parsed<'_, Query> {
    let mut query = Query {
        source: None,
        stages: Vec::new(),
    };
    let mut rest = input;
    if let (after, Some(_)) = opt(keyword("source")).parse(rest)? {
        let (after, source) = cut(Source::read).parse(after)?;
        query.source = Some(source);
        match opt(symbol("|")).parse(after)? {
            (after, Some(_)) => rest = after,
            (after, None) => return Ok((after, query)),
        }
    }
    loop {
        let (after, stage) = cut(stage).parse(rest)?;
        query.stages.push(stage);
        match opt(symbol("|")).parse(after)? {
            (after, Some(_)) => rest = after,
            (after, None) => return Ok((after, query)),
        }
    }
}

fn stage(input: Input<'_>) -> Parsed<'_, Stage> {
    let (start, ()) = blanks(input)?;
    if start.fragment().starts_with('$') {
        return broken_rule(
            span_between(start, start),
            "calls of saved queries are not supported",
        );
    }
    let Some((rest, parser)) = command_name(start) else {
        return unexpected(start, &["a command"]);
    };
    let (rest, command) = cut(parser).parse(rest)?;
    let span = span_between(start, rest);
    Ok((rest, Stage { command, span }))
}
