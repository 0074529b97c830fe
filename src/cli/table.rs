//! Rows of named values as a table.

use std::collections::HashSet;

/// Fields and their values, in the order of the query. Fields without a value are left out.
pub type Row = Vec<(String, String)>;

/// Prints the names of all fields, then a line for each row.
pub fn print(rows: &[Row]) {
    let columns = columns(rows);
    let cell = |row: &Row, column: &str| {
        row.iter()
            .find(|(field, _)| field == column)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let width = |column: &str| {
        let cells = rows.iter().map(|row| cell(row, column).chars().count());
        cells.max().unwrap_or(0).max(column.chars().count())
    };
    let widths: Vec<usize> = columns.iter().map(|column| width(column)).collect();
    let line = |cells: Vec<String>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(text, width)| format!("{text:width$}"));
        println!("{}", padded.collect::<Vec<_>>().join("  ").trim_end());
    };
    line(columns.iter().map(|column| (*column).to_owned()).collect());
    for row in rows {
        line(columns.iter().map(|column| cell(row, column)).collect());
    }
}

/// The fields of all rows, in an order that every row keeps. The first row alone may not show it:
/// a field that it lacks belongs between two that it has.
fn columns(rows: &[Row]) -> Vec<&str> {
    let mut waiting: Vec<&str> = Vec::new();
    let mut neighbours: HashSet<(&str, &str)> = HashSet::new();
    for row in rows {
        let mut before = None;
        for (field, _) in row {
            let field = field.as_str();
            if !waiting.contains(&field) {
                waiting.push(field);
            }
            neighbours.extend(before.map(|before| (before, field)));
            before = Some(field);
        }
    }
    let mut columns = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let follows_none = |field: &&str| {
            let mut pairs = neighbours.iter();
            !pairs.any(|(before, after)| after == field && waiting.contains(before))
        };
        // Rows that contradict each other leave no such field.
        let next = waiting.iter().position(follows_none).unwrap_or(0);
        columns.push(waiting.remove(next));
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(rows: &[&str]) -> String {
        let fields = |row: &&str| -> Row {
            let fields = row.split_whitespace();
            fields
                .map(|field| (field.to_owned(), "value".to_owned()))
                .collect()
        };
        let rows: Vec<Row> = rows.iter().map(fields).collect();
        columns(&rows).join(" ")
    }

    #[test]
    fn columns_keep_the_order_of_every_row() {
        assert_eq!(
            ordered(&["time ms", "time operation ms"]),
            "time operation ms"
        );
        assert_eq!(ordered(&["a d", "b d", "a b c", "c d"]), "a b c d");
        assert_eq!(ordered(&["time ms", "time operation"]), "time ms operation");
        assert_eq!(ordered(&["a b", "b a"]), "a b");
        assert_eq!(ordered(&[]), "");
    }
}
