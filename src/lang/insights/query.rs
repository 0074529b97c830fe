//! The pipeline (spec logs-insights.md 1 and 4).

use std::fmt;

use crate::span::Span;

use super::*;

/// A query: where events come from, then commands that each turn rows into rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// `SOURCE …`, always first. In a subquery it may be all there is.
    pub source: Option<Source>,
    /// Empty only if there is a source.
    pub stages: Vec<Stage>,
}

/// One command between two `|`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub command: Command,
    pub span: Span,
}

/// Every command of the language, also those the engine may refuse to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Fields(Fields),
    Display(Display),
    Filter(Filter),
    FilterIndex(FilterIndex),
    Parse(Parse),
    Sort(Sort),
    Limit(Limit),
    Head(Head),
    Tail(Tail),
    Stats(Stats),
    Dedup(Dedup),
    Pattern(Pattern),
    Diff(Diff),
    Anomaly(Anomaly),
    Unmask(Unmask),
    Unnest(Unnest),
    Expand(Expand),
    Lookup(Lookup),
    CidrLookup(CidrLookup),
    Join(Join),
    AddTotals(AddTotals),
    Accum(Accum),
    AutoRegress(AutoRegress),
    FillDown(FillDown),
    FillMissing(FillMissing),
    Outlier(Outlier),
    AppendCols(AppendCols),
    Sessionize(Sessionize),
    CountFrequent(CountFrequent),
    LogCompare(LogCompare),
    RelevantFields(RelevantFields),
    Estimate(Estimate),
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}")?;
        }
        for (at, stage) in self.stages.iter().enumerate() {
            if at > 0 || self.source.is_some() {
                f.write_str(" | ")?;
            }
            write!(f, "{}", stage.command)?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(command) => write!(f, "{command}"),
            Self::Display(command) => write!(f, "{command}"),
            Self::Filter(command) => write!(f, "{command}"),
            Self::FilterIndex(command) => write!(f, "{command}"),
            Self::Parse(command) => write!(f, "{command}"),
            Self::Sort(command) => write!(f, "{command}"),
            Self::Limit(command) => write!(f, "{command}"),
            Self::Head(command) => write!(f, "{command}"),
            Self::Tail(command) => write!(f, "{command}"),
            Self::Stats(command) => write!(f, "{command}"),
            Self::Dedup(command) => write!(f, "{command}"),
            Self::Pattern(command) => write!(f, "{command}"),
            Self::Diff(command) => write!(f, "{command}"),
            Self::Anomaly(command) => write!(f, "{command}"),
            Self::Unmask(command) => write!(f, "{command}"),
            Self::Unnest(command) => write!(f, "{command}"),
            Self::Expand(command) => write!(f, "{command}"),
            Self::Lookup(command) => write!(f, "{command}"),
            Self::CidrLookup(command) => write!(f, "{command}"),
            Self::Join(command) => write!(f, "{command}"),
            Self::AddTotals(command) => write!(f, "{command}"),
            Self::Accum(command) => write!(f, "{command}"),
            Self::AutoRegress(command) => write!(f, "{command}"),
            Self::FillDown(command) => write!(f, "{command}"),
            Self::FillMissing(command) => write!(f, "{command}"),
            Self::Outlier(command) => write!(f, "{command}"),
            Self::AppendCols(command) => write!(f, "{command}"),
            Self::Sessionize(command) => write!(f, "{command}"),
            Self::CountFrequent(command) => write!(f, "{command}"),
            Self::LogCompare(command) => write!(f, "{command}"),
            Self::RelevantFields(command) => write!(f, "{command}"),
            Self::Estimate(command) => write!(f, "{command}"),
        }
    }
}
