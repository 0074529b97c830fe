//! Pieces of the printer.

use std::fmt;

/// Prints a list with `, ` between.
pub(super) fn commas<T>(items: &[T]) -> Joined<'_, T> {
    joined(items, ", ")
}

pub(super) fn joined<'a, T>(items: &'a [T], between: &'static str) -> Joined<'a, T> {
    Joined { items, between }
}

pub(super) struct Joined<'a, T> {
    items: &'a [T],
    between: &'static str,
}

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                f.write_str(self.between)?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}
