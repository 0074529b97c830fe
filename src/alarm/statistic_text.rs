//! The two spellings of a statistic: as requests write it, and as alarm documents write the
//! five plain ones (spec alarms.md 16 and 18).

use belfry_model::Statistic;

/// `Average`, `p99`, `TM(10%:90%)`: what the user wrote.
pub fn written(statistic: &Statistic) -> String {
    match statistic {
        Statistic::SampleCount => "SampleCount",
        Statistic::Sum => "Sum",
        Statistic::Average => "Average",
        Statistic::Minimum => "Minimum",
        Statistic::Maximum => "Maximum",
    }
    .to_owned()
}

/// `SAMPLE_COUNT`, `AVERAGE`, …; `None` for the extended statistics.
pub const fn plain_name(statistic: &Statistic) -> Option<&'static str> {
    match statistic {
        Statistic::SampleCount => Some("SAMPLE_COUNT"),
        Statistic::Sum => Some("SUM"),
        Statistic::Average => Some("AVERAGE"),
        Statistic::Minimum => Some("MINIMUM"),
        Statistic::Maximum => Some("MAXIMUM"),
    }
}
