//! Why an expression cannot be evaluated. All of these are the caller's mistakes; GetMetricData
//! answers them with ValidationError (spec metric-math.md 5).

use belfry_model::{Classified, StatusClass};

use super::series::Value;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MathError {
    #[error("{0}")]
    Syntax(String),
    #[error("unknown id {0}")]
    UnknownId(String),
    #[error("the id {0} refers to itself")]
    Cycle(String),
    #[error("the function {0} is not supported yet")]
    UnsupportedFunction(&'static str),
    #[error("{function} takes {expected}, but has {found} arguments")]
    Arity {
        function: &'static str,
        expected: &'static str,
        found: usize,
    },
    #[error("{what} needs {expected}, not {found}")]
    Type {
        what: String,
        expected: &'static str,
        found: String,
    },
    #[error("the result must be a time series or an array of time series, not a {0}")]
    Result(&'static str),
    #[error("{0}")]
    Argument(String),
    #[error("the range holds {slots} periods, more than {max}")]
    TooLarge { slots: i64, max: i64 },
    #[error("the time series hold more than {0} datapoints")]
    TooManyPoints(usize),
    #[error("the expressions look at more than {0} datapoints")]
    TooManySteps(usize),
    #[error("other calls hold too many datapoints at this moment")]
    Busy,
    #[error("expressions refer to each other more than {0} levels deep")]
    TooDeep(usize),
}

impl MathError {
    pub(super) fn argument(what: &str, expected: &'static str, found: &Value) -> Self {
        Self::Type {
            what: what.to_owned(),
            expected,
            found: format!("a {}", found.type_name()),
        }
    }
}

impl Classified for MathError {
    fn class(&self) -> StatusClass {
        match self {
            Self::UnsupportedFunction(_) => StatusClass::Unsupported,
            Self::Busy => StatusClass::Throttled,
            _ => StatusClass::Invalid,
        }
    }
}
