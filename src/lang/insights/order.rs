//! Which command may stand where (spec logs-insights.md 6.24).

use crate::grammar::{Fault, rule};

use super::expression::{Expr, ExprKind};
use super::functions::Function;
use super::query::{Command, Query, Stage};
use super::stats::Stats;

/// `stats` commands in one query (documented).
pub const STATS_PER_QUERY_MAX: usize = 10;

/// Checks one query, not the queries inside it.
pub(super) fn check_order(query: &Query) -> Result<(), nom::Err<Fault>> {
    let stages = query.stages.as_slice();
    for (at, stage) in stages.iter().enumerate() {
        let before = stages.get(..at).unwrap_or_default();
        let after = stages.get(at + 1..).unwrap_or_default();
        if let Some(reason) = misplaced(&stage.command, before, after) {
            return Err(rule(stage.span, reason));
        }
    }
    Ok(())
}

fn misplaced(command: &Command, before: &[Stage], after: &[Stage]) -> Option<&'static str> {
    let is_before = |wanted: fn(&Command) -> bool| commands(before).any(wanted);
    let follows_dedup = matches!(commands(before).last(), Some(Command::Dedup(_)))
        || commands(before).any(is_dedup);
    if follows_dedup && !matches!(command, Command::Limit(_) | Command::Head(_)) {
        return Some("only limit may follow dedup");
    }
    match command {
        Command::Sort(_) if commands(after).any(is_stats) => Some("sort before the last stats"),
        Command::Limit(_) | Command::Head(_) | Command::Tail(_)
            if commands(after).any(is_stats) =>
        {
            Some("limit before the last stats")
        }
        Command::Stats(_) => {
            let earlier = commands(before).filter(|command| is_stats(command)).count();
            (earlier >= STATS_PER_QUERY_MAX).then_some("more than 10 stats commands")
        }
        Command::Pattern(_) if is_before(is_sort) => Some("pattern after sort"),
        Command::Pattern(_)
        | Command::Diff(_)
        | Command::LogCompare(_)
        | Command::Anomaly(_)
        | Command::RelevantFields(_)
            if is_before(is_stats) =>
        {
            Some("a command that needs the events' text after stats")
        }
        Command::Estimate(_) if !after.is_empty() => Some("estimate is not the last command"),
        Command::Join(_) if is_before(|command| matches!(command, Command::Join(_))) => {
            Some("a second join")
        }
        Command::FillMissing(_) if !is_before(is_stats_by_bin) => {
            Some("fillmissing needs a stats command by bin before it")
        }
        Command::FilterIndex(_) if !is_before_only_filters(before) => {
            Some("filterIndex after a command that changes the rows")
        }
        _ => None,
    }
}

fn commands(stages: &[Stage]) -> impl DoubleEndedIterator<Item = &Command> {
    stages.iter().map(|stage| &stage.command)
}

fn is_stats(command: &Command) -> bool {
    matches!(command, Command::Stats(_))
}

fn is_sort(command: &Command) -> bool {
    matches!(command, Command::Sort(_))
}

fn is_dedup(command: &Command) -> bool {
    matches!(command, Command::Dedup(_))
}

fn is_stats_by_bin(command: &Command) -> bool {
    match command {
        Command::Stats(Stats { by, .. }) => by.iter().any(|key| calls_bin(&key.expr)),
        _ => false,
    }
}

fn calls_bin(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(call) if call.function == Function::Bin)
        || expr.children().into_iter().any(calls_bin)
}

/// Whether every row so far is an event in its place.
fn is_before_only_filters(before: &[Stage]) -> bool {
    commands(before).all(|command| {
        matches!(
            command,
            Command::Fields(_)
                | Command::Display(_)
                | Command::Filter(_)
                | Command::FilterIndex(_)
                | Command::Parse(_)
                | Command::Unmask(_)
                | Command::Lookup(_)
                | Command::CidrLookup(_)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn refusal(query: &str) -> String {
        parse(query).unwrap_err().to_string()
    }

    #[test]
    fn misplaced_commands_are_refused_with_their_place() {
        for (query, message) in [
            (
                "sort a | stats count(*)",
                "sort before the last stats at line 1 and position 0",
            ),
            (
                "stats count(*) as n by a | limit 5 | stats max(n)",
                "limit before the last stats at line 1 and position 27",
            ),
            (
                "dedup a | filter a = 1",
                "only limit may follow dedup at line 1 and position 10",
            ),
            (
                "dedup a | limit 1 | dedup a",
                "only limit may follow dedup at line 1 and position 20",
            ),
            (
                "sort a | pattern @message",
                "pattern after sort at line 1 and position 9",
            ),
            (
                "estimate | limit 1",
                "estimate is not the last command at line 1 and position 0",
            ),
            (
                "stats count(*) as n by a | fillmissing",
                "fillmissing needs a stats command by bin before it at line 1 and position 27",
            ),
            (
                "limit 1 | filterIndex a = 1",
                "filterIndex after a command that changes the rows at line 1 and position 10",
            ),
            (
                "stats count(*) as n | diff",
                "a command that needs the events' text after stats at line 1 and position 22",
            ),
        ] {
            assert_eq!(refusal(query), message, "{query}");
        }
        let stats = ["stats count(*) as n"; 11].join(" | ");
        assert!(refusal(&stats).starts_with("more than 10 stats"));
        let join = "join left=a right=b where a.x = b.x (SOURCE 'g')";
        assert!(refusal(&format!("{join} | {join}")).starts_with("a second join"));
    }

    #[test]
    fn the_rules_hold_inside_a_subquery_too() {
        let query = "filter a in (SOURCE 'g' | dedup a | fields a)";
        assert!(refusal(query).starts_with("only limit may follow dedup"));
    }

    #[test]
    fn what_the_rules_allow() {
        for query in [
            "pattern @message | sort @sampleCount desc",
            "dedup a, b | limit 5",
            "fields a | filterIndex a = 1 and b in [1, 2] | filter c = 2",
            "stats count(*) as n by bin(1m) as t | filter n > 1 | fillmissing with 0 for n",
            "diff | filter @differenceCount > 0 | stats sum(@sampleCount) as n",
            "filter a = 1 | estimate",
        ] {
            assert!(parse(query).is_ok(), "{query}");
        }
    }
}
