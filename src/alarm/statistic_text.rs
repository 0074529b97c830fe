//! How alarm documents write the five plain statistics (spec alarms.md 16 and 18).

use belfry_model::Statistic;

/// `SAMPLE_COUNT`, `AVERAGE`, …; `None` for the extended statistics, which are written as the
/// user wrote them.
pub const fn plain_name(statistic: &Statistic) -> Option<&'static str> {
    match statistic {
        Statistic::SampleCount => Some("SAMPLE_COUNT"),
        Statistic::Sum => Some("SUM"),
        Statistic::Average => Some("AVERAGE"),
        Statistic::Minimum => Some("MINIMUM"),
        Statistic::Maximum => Some("MAXIMUM"),
        Statistic::Extended(_) => None,
    }
}
