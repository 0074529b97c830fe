//! Which way through time a query reads best, and how many rows may be enough.

use belfry_lang::insights::{Command, Direction as SortDirection, ExprKind, Query};
use belfry_store::logs::Direction;

use super::RESULT_ROWS_DEFAULT;

/// A hint for the scan: it changes how soon an answer is complete, never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::insights) struct ReadingOrder {
    pub direction: Direction,
    /// So many rows end the query, if it is by time and nothing has to see all rows.
    pub rows: Option<usize>,
}

impl ReadingOrder {
    pub fn of_query(query: &Query, limit: Option<u32>) -> Self {
        let mut direction = Direction::Descending;
        let mut rows = limit.unwrap_or(RESULT_ROWS_DEFAULT);
        let mut sorted = false;
        for stage in &query.stages {
            match &stage.command {
                // The first cut decides which end of time matters: a sort after it only arranges
                // what is left.
                Command::Limit(limit) => {
                    rows = rows.min(limit.rows);
                    sorted = true;
                }
                Command::Head(head) => {
                    rows = rows.min(head.rows);
                    sorted = true;
                }
                Command::Sort(sort) if !sorted => {
                    sorted = true;
                    let Some(key) = sort.keys.first() else {
                        continue;
                    };
                    let by_time = matches!(&key.expr.kind, ExprKind::Field(path)
                        if path.name() == "@timestamp");
                    if !by_time {
                        return Self::all(direction);
                    }
                    if key.direction == SortDirection::Ascending {
                        direction = Direction::Ascending;
                    }
                }
                Command::Fields(_)
                | Command::Display(_)
                | Command::Filter(_)
                | Command::Parse(_)
                | Command::Unmask(_) => {}
                _ => return Self::all(direction),
            }
        }
        Self {
            direction,
            rows: Some(rows as usize),
        }
    }

    const fn all(direction: Direction) -> Self {
        Self {
            direction,
            rows: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Direction, Option<usize>) {
        let query = belfry_lang::insights::parse(text).unwrap();
        let order = ReadingOrder::of_query(&query, Some(500));
        (order.direction, order.rows)
    }

    #[test]
    fn by_time_and_not() {
        use Direction::{Ascending, Descending};
        for (text, expected) in [
            ("fields a", (Descending, Some(500))),
            ("filter a = 1 | limit 20", (Descending, Some(20))),
            (
                "fields a | sort @timestamp asc | limit 20",
                (Ascending, Some(20)),
            ),
            ("fields a | sort @timestamp desc", (Descending, Some(500))),
            ("fields a | sort a asc | limit 20", (Descending, None)),
            ("stats count(*) by a", (Descending, None)),
            ("fields a | dedup a", (Descending, None)),
            (
                "limit 20 | sort @timestamp asc | limit 3",
                (Descending, None),
            ),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
