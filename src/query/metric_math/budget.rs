//! What a call may take: of memory, which all calls share, and of time.
//!
//! Memory is counted in points of series, 16 bytes each. A series counts too, with its label, so
//! that very many of none or few points are not for nothing.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::MathError;
use super::series::TimeSeries;

/// Points of all series of one call: some forty times what it can answer in a page
/// (spec metrics.md 7), 64 MB.
pub const CALL_POINTS_MAX: usize = 4_000_000;

/// Points that one call looks at, one by one: several seconds of computing.
pub const CALL_STEPS_MAX: usize = 1_000_000_000;

/// What a series takes besides its points.
const SERIES_POINTS: usize = 16;
const POINT_BYTES: usize = size_of::<(i64, f64)>();

/// What the calls of this process share: 128 MB.
pub static POINTS: PointPool = PointPool::new(2 * CALL_POINTS_MAX);

/// Points that may be held at one time.
#[derive(Debug)]
pub struct PointPool {
    left: AtomicUsize,
}

impl PointPool {
    pub const fn new(points: usize) -> Self {
        Self {
            left: AtomicUsize::new(points),
        }
    }

    fn take(&self, points: usize) -> bool {
        let less = |left: usize| left.checked_sub(points);
        let order = Ordering::Relaxed;
        self.left.fetch_update(order, order, less).is_ok()
    }
}

/// What one call has taken. It gives everything back when it is dropped.
#[derive(Debug)]
pub struct Budget<'p> {
    pool: &'p PointPool,
    points: Cell<usize>,
    steps: Cell<usize>,
}

impl<'p> Budget<'p> {
    pub const fn new(pool: &'p PointPool) -> Self {
        Self {
            pool,
            points: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Pays for a series that was made.
    ///
    /// # Errors
    /// `TooManyPoints` for one call, `Busy` where others have taken what is left.
    pub fn series(&self, series: &TimeSeries) -> Result<(), MathError> {
        self.points(series.points().len())?;
        self.share(series)
    }

    /// Pays for a copy that shares its points with another.
    ///
    /// # Errors
    /// As of [`Self::series`].
    pub fn share(&self, series: &TimeSeries) -> Result<(), MathError> {
        self.text(series.label.as_ref().map_or(0, String::len))
    }

    /// Pays for a series without points that has texts of so many bytes.
    ///
    /// # Errors
    /// As of [`Self::series`].
    pub fn text(&self, bytes: usize) -> Result<(), MathError> {
        self.points(SERIES_POINTS + bytes / POINT_BYTES)
    }

    fn points(&self, points: usize) -> Result<(), MathError> {
        let taken = self.points.get().saturating_add(points);
        if taken > CALL_POINTS_MAX {
            return Err(MathError::TooManyPoints(CALL_POINTS_MAX));
        }
        if !self.pool.take(points) {
            return Err(MathError::Busy);
        }
        self.points.set(taken);
        Ok(())
    }

    /// Pays for looking at points.
    ///
    /// # Errors
    /// `TooManySteps`.
    pub fn steps(&self, steps: usize) -> Result<(), MathError> {
        let taken = self.steps.get().saturating_add(steps);
        if taken > CALL_STEPS_MAX {
            return Err(MathError::TooManySteps(CALL_STEPS_MAX));
        }
        self.steps.set(taken);
        Ok(())
    }
}

impl Drop for Budget<'_> {
    fn drop(&mut self) {
        let taken = self.points.get();
        self.pool.left.fetch_add(taken, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: i64) -> TimeSeries {
        TimeSeries::new(60, (0..points).map(|at| (at * 60, 1.0)))
    }

    #[test]
    fn a_call_that_ended_gives_back_what_it_took() {
        let pool = PointPool::new(300);
        let first = Budget::new(&pool);
        first.series(&series(200)).unwrap();
        let second = Budget::new(&pool);
        assert_eq!(second.series(&series(200)), Err(MathError::Busy));
        drop(first);
        // What could be taken before the refusal counts until its own call ends.
        drop(second);
        Budget::new(&pool).series(&series(284)).unwrap();
        assert_eq!(pool.left.load(Ordering::Relaxed), 300);
    }

    #[test]
    fn labels_count() {
        let pool = PointPool::new(1_000);
        let labelled = series(0).with_label(Some("l".repeat(16_000)));
        let budget = Budget::new(&pool);
        assert_eq!(budget.share(&labelled), Err(MathError::Busy));
    }

    #[test]
    fn a_call_has_a_limit_of_its_own() {
        let pool = PointPool::new(usize::MAX);
        let budget = Budget::new(&pool);
        let big = series(1_000_000);
        for _ in 0..3 {
            budget.series(&big).unwrap();
        }
        let refused = Err(MathError::TooManyPoints(CALL_POINTS_MAX));
        assert_eq!(budget.series(&big), refused);
        budget.steps(CALL_STEPS_MAX).unwrap();
        assert_eq!(
            budget.steps(1),
            Err(MathError::TooManySteps(CALL_STEPS_MAX))
        );
    }
}
