//! The languages of the service: text in, typed trees with positions out, and back.
//!
//! Guarantees: a parser never panics, whatever the text; size and nesting are bounded; what a tree
//! prints parses to the same tree; an error names its place.
//!
//! | file | what |
//! |---|---|
//! | `span.rs` | where something was written |
//! | `error.rs` | the one error: what was found, what was expected, where |
//! | `grammar.rs` | the input with its place, faults, the guard against deep nesting |
//! | `dashboard/` | dashboard bodies and their validation |
//! | `filter_pattern/` | filter patterns, with their matcher |
//! | `insights/` | Logs Insights queries |
//! | `metric_math/` | metric math expressions |
//! | `print.rs` | pieces of the printers |

pub mod dashboard;
pub mod error;
pub mod filter_pattern;
mod grammar;
pub mod insights;
pub mod metric_math;
mod print;
pub mod span;

pub use error::{Language, SyntaxError, SyntaxErrorKind};
pub use span::Span;

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Files that hold tests only need no place in a table.
    const TEST_FILES: &[&str] = &["golden_tests", "property_tests", "syntax_tests", "tests"];

    #[test]
    fn every_file_is_in_its_folders_table() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = [
            (root.to_owned(), include_str!("lib.rs")),
            (root.join("insights"), include_str!("insights/mod.rs")),
            (
                root.join("filter_pattern"),
                include_str!("filter_pattern/mod.rs"),
            ),
            (root.join("metric_math"), include_str!("metric_math/mod.rs")),
        ];
        for (folder, text) in folders {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let stem = path.file_stem().unwrap().to_str().unwrap();
                let is_rust = path.extension().is_some_and(|extension| extension == "rs");
                if !is_rust || ["lib", "mod"].contains(&stem) || TEST_FILES.contains(&stem) {
                    continue;
                }
                let mut rows = text.lines().filter(|line| line.starts_with("//! | "));
                let named = [format!("`{stem}`"), format!("`{stem}.rs`")];
                let found = rows.any(|row| named.iter().any(|name| row.contains(name)));
                assert!(found, "{} is in no table", path.display());
            }
        }
    }
}
