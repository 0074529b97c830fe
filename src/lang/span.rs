//! Where in a text something was written.

use std::ops::Range;

/// A byte range of the parsed text.
///
/// Two spans always compare as equal: a position is not part of what was said, so two syntax trees
/// are equal when they mean the same, wherever they were written. That is what makes the property
/// `parse(print(tree)) == tree` possible. To compare positions, compare [`Span::range`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// First byte.
    pub const fn start(self) -> usize {
        self.start
    }

    /// Byte after the last one.
    pub const fn end(self) -> usize {
        self.end
    }

    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// What was written there; empty if the span is not one of `source`.
    pub fn text(self, source: &str) -> &str {
        source.get(self.range()).unwrap_or_default()
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_both_and_reads_back() {
        let both = Span::new(7, 9).to(Span::new(2, 4));
        assert_eq!(both.range(), 2..9);
        assert_eq!(both.text("0123456789"), "2345678");
        assert_eq!(Span::new(5, 50).text("short"), "");
    }
}
