//! The declared functions of metric math (spec metric-math.md 5).

/// A word that stands for itself as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Keyword {
    Repeat,
    Linear,
    Avg,
    Min,
    Max,
    Sum,
    Asc,
    Desc,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub function: Function,
    pub name: &'static str,
    pub min_arguments: usize,
    /// `usize::MAX` for any number.
    pub max_arguments: usize,
}

const MANY: usize = usize::MAX;

macro_rules! functions {
    ($($variant:ident $name:literal ($min:expr, $max:expr);)*) => {
        /// Every function; [`Function::declaration`] tells its name and arity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        /// The table, in the order of the specification.
        pub const FUNCTIONS: &[Declaration] = &[$(Declaration {
            function: Function::$variant,
            name: $name,
            min_arguments: $min,
            max_arguments: $max,
        },)*];

        impl Function {
            pub const fn declaration(self) -> &'static Declaration {
                match self {
                    $(Self::$variant => &Declaration {
                        function: Function::$variant,
                        name: $name,
                        min_arguments: $min,
                        max_arguments: $max,
                    },)*
                }
            }
        }
    };
}

functions! {
    Abs "ABS" (1, 1);
    Ceil "CEIL" (1, 1);
    Floor "FLOOR" (1, 1);
    Log "LOG" (1, 1);
    Log10 "LOG10" (1, 1);
    Avg "AVG" (1, 1);
    Sum "SUM" (1, 1);
    Min "MIN" (1, 1);
    Max "MAX" (1, 1);
    Stddev "STDDEV" (1, 1);
    DatapointCount "DATAPOINT_COUNT" (1, 1);
    MetricCount "METRIC_COUNT" (1, 1);
    Metrics "METRICS" (0, 1);
    Diff "DIFF" (1, 1);
    DiffTime "DIFF_TIME" (1, 1);
    Rate "RATE" (1, 1);
    RunningSum "RUNNING_SUM" (1, 1);
    Fill "FILL" (2, 2);
    First "FIRST" (1, 1);
    Last "LAST" (1, 1);
    Slice "SLICE" (2, 3);
    Sort "SORT" (3, 4);
    RemoveEmpty "REMOVE_EMPTY" (1, 1);
    TimeSeries "TIME_SERIES" (1, 1);
    Period "PERIOD" (1, 1);
    Minute "MINUTE" (1, 1);
    Hour "HOUR" (1, 1);
    Day "DAY" (1, 1);
    Date "DATE" (1, 1);
    Month "MONTH" (1, 1);
    Year "YEAR" (1, 1);
    Epoch "EPOCH" (1, 1);
    If "IF" (2, 3);
    AnomalyDetectionBand "ANOMALY_DETECTION_BAND" (1, 2);
    InsightRuleMetric "INSIGHT_RULE_METRIC" (2, 2);
    Search "SEARCH" (2, 3);
    ServiceQuota "SERVICE_QUOTA" (1, 1);
    DbPerfInsights "DB_PERF_INSIGHTS" (3, 3);
    Lambda "LAMBDA" (1, MANY);
}

/// What may stand as one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgumentForm {
    Expression,
    /// One of the words, nothing else.
    Keyword(&'static [Keyword]),
    /// One of the words or an expression.
    Either(&'static [Keyword]),
}

impl Function {
    /// Upper case only (documented).
    pub fn by_name(name: &str) -> Option<Self> {
        let declared = FUNCTIONS.iter().find(|declared| declared.name == name);
        declared.map(|declared| declared.function)
    }

    pub const fn name(self) -> &'static str {
        self.declaration().name
    }

    pub(super) const fn argument_form(self, index: usize) -> ArgumentForm {
        use Keyword::{Asc, Avg, Desc, Linear, Max, Min, Repeat, Sum};
        match (self, index) {
            (Self::Fill, 1) => ArgumentForm::Either(&[Repeat, Linear]),
            (Self::Sort, 1) => ArgumentForm::Keyword(&[Avg, Min, Max, Sum]),
            (Self::Sort, 2) => ArgumentForm::Keyword(&[Asc, Desc]),
            _ => ArgumentForm::Expression,
        }
    }
}

impl Keyword {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Repeat => "REPEAT",
            Self::Linear => "LINEAR",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
            Self::Sum => "SUM",
            Self::Asc => "ASC",
            Self::Desc => "DESC",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        for (at, declared) in FUNCTIONS.iter().enumerate() {
            assert_eq!(Function::by_name(declared.name), Some(declared.function));
            assert_eq!(declared.function.declaration(), declared);
            assert!(
                FUNCTIONS[at + 1..]
                    .iter()
                    .all(|other| other.name != declared.name)
            );
        }
        assert_eq!(Function::by_name("sum"), None);
    }
}
