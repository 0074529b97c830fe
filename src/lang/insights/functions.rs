//! The declared functions of Logs Insights (spec logs-insights.md 7 and 8).
//!
//! One table: the name as documented, other accepted names, the kind, how many arguments, and where
//! a duration stands. Everything that knows a function by name derives from it.

/// Whether a function works on one row or on a group of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    Scalar,
    /// Only inside `stats`.
    Aggregate,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declaration {
    pub function: Function,
    /// As the documentation writes it; the printer uses it.
    pub name: &'static str,
    /// Other names of the same function.
    pub synonyms: &'static [&'static str],
    pub kind: FunctionKind,
    pub min_arguments: usize,
    /// `usize::MAX` for any number.
    pub max_arguments: usize,
    /// Index of the argument that is a duration (`5m`) and nothing else.
    pub duration_argument: Option<usize>,
}

const MANY: usize = usize::MAX;

macro_rules! functions {
    ($($variant:ident $kind:ident $name:literal $(= $synonym:literal)* ($min:expr, $max:expr) $(duration $at:literal)? ;)*) => {
        /// Every function of the language; [`Function::declaration`] tells its name and arity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        /// The table, in the order of the specification.
        pub const FUNCTIONS: &[Declaration] = &[
            $(Declaration {
                function: Function::$variant,
                name: $name,
                synonyms: &[$($synonym),*],
                kind: FunctionKind::$kind,
                min_arguments: $min,
                max_arguments: $max,
                duration_argument: functions!(@duration $($at)?),
            },)*
        ];

        impl Function {
            pub const fn declaration(self) -> &'static Declaration {
                match self {
                    $(Self::$variant => &Declaration {
                        function: Function::$variant,
                        name: $name,
                        synonyms: &[$($synonym),*],
                        kind: FunctionKind::$kind,
                        min_arguments: $min,
                        max_arguments: $max,
                        duration_argument: functions!(@duration $($at)?),
                    },)*
                }
            }
        }
    };
    (@duration) => { None };
    (@duration $at:literal) => { Some($at) };
}

functions! {
    // 7.1 numeric
    Abs Scalar "abs" (1, 1);
    Ceil Scalar "ceil" (1, 1);
    Floor Scalar "floor" (1, 1);
    Greatest Scalar "greatest" (1, MANY);
    Least Scalar "least" (1, MANY);
    Log Scalar "log" (1, 1);
    Sqrt Scalar "sqrt" (1, 1);
    Round Scalar "round" (1, 2);
    Haversine Scalar "haversine" (4, 4);
    ToNumber Scalar "toNumber" (1, 1);
    ToDouble Scalar "toDouble" (1, 1);
    ToInt Scalar "toInt" (1, 1);
    ToLong Scalar "toLong" (1, 1);
    HexToDec Scalar "hexToDec" (1, 1);
    DecToHex Scalar "decToHex" (1, 1);
    Ipv4ToNumber Scalar "ipv4ToNumber" (1, 1);
    // 7.2 general
    IsPresent Scalar "isPresent" (1, 1);
    Coalesce Scalar "coalesce" (1, MANY);
    If Scalar "if" (3, 3);
    Case Scalar "case" (2, CASE_BRANCHES_MAX * 2 + 1);
    IsNumeric Scalar "isNumeric" (1, 1);
    MessageSize Scalar "messageSize" (1, 1);
    QueryStartTime Scalar "queryStartTime" (0, 0);
    QueryEndTime Scalar "queryEndTime" (0, 0);
    QueryTimeRange Scalar "queryTimeRange" (0, 0);
    Now Scalar "now" (0, 0);
    // 7.3 string
    IsEmpty Scalar "isEmpty" (1, 1);
    IsBlank Scalar "isBlank" (1, 1);
    Concat Scalar "concat" (1, MANY);
    Ltrim Scalar "ltrim" (1, 2);
    Rtrim Scalar "rtrim" (1, 2);
    Trim Scalar "trim" (1, 2);
    Strlen Scalar "strlen" (1, 1);
    ToUpper Scalar "toUpper" (1, 1);
    ToLower Scalar "toLower" (1, 1);
    Substr Scalar "substr" (2, 3);
    Replace Scalar "replace" (3, 3);
    RegexReplace Scalar "regexReplace" (3, 3);
    StrContains Scalar "strContains" (2, 3);
    StartsWith Scalar "startsWith" (2, 2);
    EndsWith Scalar "endsWith" (2, 2);
    UrlEncode Scalar "urlencode" (1, 1);
    UrlDecode Scalar "urldecode" (1, 1);
    Base64Encode Scalar "base64encode" (1, 1);
    Base64Decode Scalar "base64decode" (1, 1);
    Split Scalar "split" (2, 2);
    HexToAscii Scalar "hexToAscii" (1, 1);
    Md5 Scalar "md5" (1, 1);
    Sha256 Scalar "sha256" (1, 1);
    // 7.4 date and time
    Bin Scalar "bin" (1, 1) duration 0;
    DateFloor Scalar "datefloor" (2, 2) duration 1;
    DateCeil Scalar "dateceil" (2, 2) duration 1;
    FromMillis Scalar "fromMillis" (1, 1);
    ToMillis Scalar "toMillis" (1, 1);
    ParseDate Scalar "parseDate" (2, 3);
    FormatDate Scalar "formatDate" = "strftime" (2, 3);
    // 7.5 JSON and structures
    JsonParse Scalar "jsonParse" (1, 1);
    JsonStringify Scalar "jsonStringify" (1, 1);
    JsonArraySize Scalar "jsonArraySize" (1, 1);
    JsonArrayContains Scalar "jsonArrayContains" (2, 2);
    // 7.6 IP
    IsValidIp Scalar "isValidIp" (1, 1);
    IsValidIpV4 Scalar "isValidIpV4" (1, 1);
    IsValidIpV6 Scalar "isValidIpV6" (1, 1);
    IsIpInSubnet Scalar "isIpInSubnet" (2, 2);
    IsIpv4InSubnet Scalar "isIpv4InSubnet" (2, 2);
    IsIpv6InSubnet Scalar "isIpv6InSubnet" (2, 2);
    IsPrivateIp Scalar "isPrivateIP" (1, 1);
    IsReservedIp Scalar "isReservedIP" (1, 1);
    IsPublicIp Scalar "isPublicIP" (1, 1);
    // 6.17, the function form
    Unmask Scalar "unmask" (1, 1);
    // 8 aggregates; `count(*)` is a call of no arguments with a star
    Count Aggregate "count" (0, 1);
    CountDistinct Aggregate "countDistinct" (1, 1);
    Sum Aggregate "sum" (1, 1);
    Avg Aggregate "avg" (1, 1);
    Min Aggregate "min" (1, 1);
    Max Aggregate "max" (1, 1);
    Stddev Aggregate "stddev" (1, 1);
    Variance Aggregate "variance" (1, 1);
    Pct Aggregate "pct" = "percentile" (2, 2);
    Median Aggregate "median" (1, 1);
    Earliest Aggregate "earliest" (1, 1);
    Latest Aggregate "latest" (1, 1);
    SortsFirst Aggregate "sortsFirst" (1, 1);
    SortsLast Aggregate "sortsLast" (1, 1);
    Values Aggregate "values" = "collectValues" (1, 1);
    TopK Aggregate "topk" (2, 2);
    Rate Aggregate "rate" (2, 2) duration 1;
    CountOverTime Aggregate "countOverTime" (1, 1);
    SumOverTime Aggregate "sumOverTime" (1, 1);
    Histogram Aggregate "histogram" (2, 2);
}

/// Pairs of condition and value that `case` takes (spec logs-insights.md 7.2, documented).
pub const CASE_BRANCHES_MAX: usize = 10;

impl Function {
    /// Finds a function as users spell it: letter case and underscores do not matter (spec
    /// logs-insights.md 2), so `count_distinct`, `COUNTDISTINCT` and `countDistinct` are one.
    pub fn by_name(name: &str) -> Option<Self> {
        FUNCTIONS
            .iter()
            .find(|declared| {
                same_function_name(declared.name, name)
                    || declared
                        .synonyms
                        .iter()
                        .any(|synonym| same_function_name(synonym, name))
            })
            .map(|declared| declared.function)
    }

    pub const fn name(self) -> &'static str {
        self.declaration().name
    }

    pub const fn is_aggregate(self) -> bool {
        matches!(self.declaration().kind, FunctionKind::Aggregate)
    }
}

fn same_function_name(left: &str, right: &str) -> bool {
    fold(left).eq(fold(right))
}

fn fold(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes()
        .filter(|byte| *byte != b'_')
        .map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_function() {
        for name in ["count_distinct", "countDistinct", "COUNTDISTINCT"] {
            assert_eq!(Function::by_name(name), Some(Function::CountDistinct));
        }
        assert_eq!(Function::by_name("collect_values"), Some(Function::Values));
        assert_eq!(Function::by_name("strftime"), Some(Function::FormatDate));
        assert_eq!(Function::by_name("ispresent"), Some(Function::IsPresent));
        assert_eq!(Function::by_name("nosuch"), None);
        assert_eq!(Function::by_name(""), None);
    }

    #[test]
    fn names_are_distinct_and_arities_sound() {
        for (at, declared) in FUNCTIONS.iter().enumerate() {
            assert_eq!(Function::by_name(declared.name), Some(declared.function));
            assert_eq!(declared.function.declaration(), declared);
            assert!(declared.min_arguments <= declared.max_arguments);
            for other in &FUNCTIONS[at + 1..] {
                assert!(!same_function_name(declared.name, other.name));
            }
        }
    }
}
