//! Pieces of the printers.

use std::fmt;

/// Prints a list with `, ` between.
pub(crate) fn commas<T>(items: &[T]) -> Joined<'_, T> {
    joined(items, ", ")
}

pub(crate) fn joined<'a, T>(items: &'a [T], between: &'static str) -> Joined<'a, T> {
    Joined { items, between }
}

pub(crate) struct Joined<'a, T> {
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

/// A finite number that is not negative, in the shortest of the forms that all languages read.
pub(crate) struct PlainNumber(pub f64);

impl fmt::Display for PlainNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both forms read back to the same float; decimals are kept where they are short.
        if self.0 == 0.0 || (1e-6..1e17).contains(&self.0) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}
