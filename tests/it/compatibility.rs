//! `docs/compatibility.md` says what this server does. Its tables are written from what the code
//! declares and from what it answers to a sample of each command and function; this test fails
//! when they differ. `UPDATE=1 cargo test -p belfry --test it compatibility` writes them anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use belfry_lang::insights::{self, Command, FunctionKind};
use belfry_lang::metric_math;
use belfry_model::Statistic;
use belfry_query::insights::compile;
use belfry_query::metric_math::{
    Budget, Definition, Evaluator, MathError, POINTS, Query, TimeSeries,
};
use belfry_wire::{Service, errors, operations};

/// Offered operations of which something is missing, and what.
const PARTLY: &[(Service, &str, &str)] = &[
    (
        Service::Monitoring,
        "DescribeAlarmHistory",
        "no history of contributors",
    ),
    (
        Service::Monitoring,
        "DescribeAlarms",
        "`CompositeAlarms` and `LogAlarms` are always empty",
    ),
    (
        Service::Monitoring,
        "GetMetricData",
        "no Metrics Insights queries; the metric math functions below; other accounts answer `Forbidden`",
    ),
    (
        Service::Monitoring,
        "ListMetrics",
        "`IncludeLinkedAccounts` finds the caller's own account only",
    ),
    (
        Service::Monitoring,
        "PutMetricAlarm",
        "alarms on one metric only: see Alarms below",
    ),
    (
        Service::Monitoring,
        "PutMetricData",
        "entities are checked, not kept ([why](deviations/entities.md))",
    ),
    (
        Service::Logs,
        "CreateLogGroup",
        "`kmsKeyId` is kept, nothing is encrypted; class DELIVERY keeps for two days, the others differ in what reads them only",
    ),
    (
        Service::Logs,
        "DescribeLogGroups",
        "`includeLinkedAccounts` finds the caller's own account only",
    ),
    (
        Service::Logs,
        "FilterLogEvents",
        "`unmask` has no effect: nothing is masked",
    ),
    (
        Service::Logs,
        "GetLogEvents",
        "`unmask` has no effect: nothing is masked",
    ),
    (
        Service::Logs,
        "GetLogRecord",
        "`unmask` has no effect: nothing is masked",
    ),
    (
        Service::Logs,
        "PutLogEvents",
        "the entity is checked, not kept ([why](deviations/entities.md))",
    ),
    (
        Service::Logs,
        "StartQuery",
        "`CWLI` only; the commands and functions below",
    ),
    (
        Service::Sns,
        "AddPermission",
        "kept and shown; other accounts are refused all the same",
    ),
    (
        Service::Sns,
        "CreateTopic",
        "no FIFO topics, no data protection; attributes below",
    ),
    (
        Service::Sns,
        "Publish",
        "to topics only: not to phone numbers and endpoints",
    ),
    (Service::Sns, "RemovePermission", "as AddPermission"),
    (Service::Sns, "Subscribe", "the protocols below"),
];

/// A query for every command of Logs Insights.
const COMMAND_SAMPLES: &[&str] = &[
    "fields a",
    "display a",
    "filter a = 1",
    "filterIndex a = 1",
    "parse @message '* *' as b, c",
    "sort a",
    "limit 5",
    "head 5",
    "tail 5",
    "stats count(*)",
    "dedup a",
    "pattern @message",
    "pattern @message | diff",
    "pattern @message | anomaly",
    "unmask @message",
    "unnest a into b",
    "expand a",
    "lookup t a OUTPUT b",
    "cidrlookup t a as c OUTPUT b",
    "join type=inner left=l right=r where l.a=r.a (SOURCE 'g')",
    "addtotals a, b",
    "accum a as b",
    "autoregress a",
    "filldown a",
    "stats avg(a) as n by bin(1m) | fillmissing with 0 for n",
    "outlier a",
    "stats count(*) as n by a | appendcols (stats sum(b) as m by a)",
    "sessionize a maxspan 5m as sid",
    "countFrequent a",
    "logcompare timeshift 1d",
    "relevantfields where a = 1",
    "estimate",
];

/// Parts of queries that are no commands.
const CLAUSE_SAMPLES: &[(&str, &str)] = &[
    ("SOURCE", "SOURCE logGroups(namePrefix: ['/app'])"),
    ("in (subquery)", "filter a in (SOURCE 'g' | fields b)"),
    ("stats ... offset", "stats count(*) by bin(1h) offset 1d"),
];

/// Arguments of the functions of Logs Insights for which `a, a, ...` makes no sense.
const FUNCTION_ARGUMENTS: &[(&str, &str)] = &[
    ("pct", "a, 99"),
    ("topk", "5, a"),
    ("histogram", "a, 4"),
    ("isIpInSubnet", "a, '10.0.0.0/8'"),
    ("isIpv4InSubnet", "a, '10.0.0.0/8'"),
    ("isIpv6InSubnet", "a, '2001:db8::/32'"),
];

/// Expressions for the functions of metric math that `F(m)` does not call rightly.
const MATH_SAMPLES: &[(&str, &str)] = &[
    ("METRICS", "METRICS()"),
    ("FILL", "FILL(m, 0)"),
    ("SLICE", "SLICE([m, m], 0)"),
    ("SORT", "SORT([m, m], SUM, ASC)"),
    ("REMOVE_EMPTY", "REMOVE_EMPTY([m, m])"),
    ("FIRST", "FIRST([m, m])"),
    ("LAST", "LAST([m, m])"),
    ("TIME_SERIES", "TIME_SERIES(1)"),
    ("METRIC_COUNT", "m + METRIC_COUNT([m, m])"),
    ("AVG", "m + AVG(m)"),
    ("SUM", "m + SUM(m)"),
    ("MIN", "m + MIN(m)"),
    ("MAX", "m + MAX(m)"),
    ("STDDEV", "m + STDDEV(m)"),
    ("DATAPOINT_COUNT", "m + DATAPOINT_COUNT(m)"),
    ("PERIOD", "m + PERIOD(m)"),
    ("IF", "IF(m > 1, m)"),
    ("SEARCH", "SEARCH('{Shop} latency', 'Sum')"),
    ("ANOMALY_DETECTION_BAND", "ANOMALY_DETECTION_BAND(m)"),
    ("INSIGHT_RULE_METRIC", "INSIGHT_RULE_METRIC('r', 'Sum')"),
    ("SERVICE_QUOTA", "SERVICE_QUOTA(m)"),
    ("DB_PERF_INSIGHTS", "DB_PERF_INSIGHTS('RDS', 'db', 'x')"),
    ("LAMBDA", "LAMBDA('f')"),
];

/// One spelling of each statistic.
const STATISTICS: &[&str] = &[
    "SampleCount",
    "Sum",
    "Average",
    "Minimum",
    "Maximum",
    "p99.9",
    "tm90",
    "TM(10%:90%)",
    "wm90",
    "WM(10%:90%)",
    "tc90",
    "TC(10%:90%)",
    "ts90",
    "TS(10%:90%)",
    "PR(100:2000)",
    "IQM",
];

fn services() -> [(Service, &'static str); 5] {
    [
        (Service::Monitoring, "CloudWatch"),
        (Service::Logs, "CloudWatch Logs"),
        (Service::Sns, "SNS"),
        (Service::Sts, "STS"),
        (Service::Xray, "X-Ray"),
    ]
}

fn is_offered(service: Service, name: &str) -> bool {
    belfry_api::table::find(service, name).is_some()
}

fn operation_tables() -> String {
    let mut text = String::new();
    for (service, title) in services() {
        let all: Vec<_> = operations::all()
            .filter(|op| op.service == service)
            .collect();
        let offered = all.iter().filter(|op| is_offered(service, op.name)).count();
        writeln!(text, "\n### {title}: {offered} of {}\n", all.len()).unwrap();
        if offered > 0 {
            text.push_str("| operation | |\n|---|---|\n");
        }
        let mut refused = Vec::new();
        for operation in all {
            let note = PARTLY
                .iter()
                .find(|(of, name, _)| (*of, *name) == (service, operation.name));
            match (is_offered(service, operation.name), note) {
                (false, _) => refused.push(format!("`{}`", operation.name)),
                (true, None) => writeln!(text, "| `{}` | works |", operation.name).unwrap(),
                (true, Some((_, _, note))) => {
                    writeln!(text, "| `{}` | partly: {note} |", operation.name).unwrap();
                }
            }
        }
        if !refused.is_empty() {
            let error = errors::not_offered(service, "");
            let shape = if error.shape == error.code {
                String::new()
            } else {
                format!(" (in JSON and CBOR `{}`)", error.shape)
            };
            let names = refused.join(", ");
            writeln!(text, "\nRefused with `{}`{shape}: {names}.", error.code).unwrap();
        }
    }
    text
}

/// Whether a query runs; `None` when it is right but refused.
fn runs(query: &str) -> bool {
    match compile(query) {
        Ok(_) => true,
        Err(error) if error.unsupported => false,
        Err(error) => panic!("the sample is wrong: {query}: {error}"),
    }
}

/// The name of a command; a new one has no place here until it has a name and a sample.
fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Fields(_) => "fields",
        Command::Display(_) => "display",
        Command::Filter(_) => "filter",
        Command::FilterIndex(_) => "filterIndex",
        Command::Parse(_) => "parse",
        Command::Sort(_) => "sort",
        Command::Limit(_) => "limit",
        Command::Head(_) => "head",
        Command::Tail(_) => "tail",
        Command::Stats(_) => "stats",
        Command::Dedup(_) => "dedup",
        Command::Pattern(_) => "pattern",
        Command::Diff(_) => "diff",
        Command::Anomaly(_) => "anomaly",
        Command::Unmask(_) => "unmask",
        Command::Unnest(_) => "unnest",
        Command::Expand(_) => "expand",
        Command::Lookup(_) => "lookup",
        Command::CidrLookup(_) => "cidrlookup",
        Command::Join(_) => "join",
        Command::AddTotals(_) => "addtotals",
        Command::Accum(_) => "accum",
        Command::AutoRegress(_) => "autoregress",
        Command::FillDown(_) => "filldown",
        Command::FillMissing(_) => "fillmissing",
        Command::Outlier(_) => "outlier",
        Command::AppendCols(_) => "appendcols",
        Command::Sessionize(_) => "sessionize",
        Command::CountFrequent(_) => "countFrequent",
        Command::LogCompare(_) => "logcompare",
        Command::RelevantFields(_) => "relevantFields",
        Command::Estimate(_) => "estimate",
    }
}

fn split(names: impl IntoIterator<Item = (String, bool)>, refusal: &str) -> String {
    let (works, refused): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, works)| *works);
    let list = |names: Vec<(String, bool)>| {
        let names: Vec<String> = names
            .into_iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        names.join(", ")
    };
    let mut text = format!("\nWork: {}.\n", list(works));
    if !refused.is_empty() {
        writeln!(text, "\nRefused with {refusal}: {}.", list(refused)).unwrap();
    }
    text
}

fn insights_commands() -> String {
    let mut names = Vec::new();
    for sample in COMMAND_SAMPLES {
        let query = insights::parse(sample).unwrap_or_else(|error| panic!("{sample}: {error}"));
        // What stands before the last command is there for its sake.
        let name = command_name(&query.stages.last().expect("a stage").command);
        names.push((name.to_owned(), runs(sample)));
    }
    for (name, sample) in CLAUSE_SAMPLES {
        names.push(((*name).to_owned(), runs(sample)));
    }
    split(names, "`MalformedQueryException`")
}

fn insights_functions() -> String {
    let names = insights::FUNCTIONS.iter().map(|declared| {
        let special = FUNCTION_ARGUMENTS
            .iter()
            .find(|(name, _)| *name == declared.name);
        let arguments = match special {
            Some((_, arguments)) => (*arguments).to_owned(),
            None => (0..declared.min_arguments)
                .map(|at| {
                    if declared.duration_argument == Some(at) {
                        "5m"
                    } else {
                        "a"
                    }
                })
                .collect::<Vec<_>>()
                .join(", "),
        };
        let command = match declared.kind {
            FunctionKind::Scalar => "fields",
            FunctionKind::Aggregate => "stats",
        };
        let works = runs(&format!("{command} {}({arguments})", declared.name));
        let names: Vec<&str> = [declared.name]
            .into_iter()
            .chain(declared.synonyms.iter().copied())
            .collect();
        (names.join("` = `"), works)
    });
    split(names, "`MalformedQueryException`")
}

fn math_functions() -> String {
    let names = metric_math::FUNCTIONS.iter().map(|declared| {
        let sample = MATH_SAMPLES.iter().find(|(name, _)| *name == declared.name);
        let text = sample.map_or_else(
            || format!("{}(m)", declared.name),
            |(_, sample)| (*sample).to_owned(),
        );
        let queries = [
            Query {
                id: "m".to_owned(),
                definition: Definition::Metric(TimeSeries::new(60, vec![(0, 1.0), (60, 2.0)])),
            },
            Query {
                id: "e".to_owned(),
                definition: Definition::Expression {
                    expression: metric_math::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}")),
                    period_s: None,
                    label: None,
                },
            },
        ];
        let budget = Budget::new(&POINTS);
        let works = match Evaluator::new(&queries, 0, 120, &budget).evaluate("e") {
            Ok(_) => true,
            Err(MathError::UnsupportedFunction(_)) => false,
            Err(error) => panic!("the sample is wrong: {text}: {error}"),
        };
        (declared.name.to_owned(), works)
    });
    split(names, "`ValidationError`")
}

fn statistics() -> String {
    let names = STATISTICS
        .iter()
        .map(|text| ((*text).to_owned(), Statistic::parse(text).is_ok()));
    split(names, "`InvalidParameterValue`")
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")
}

/// Puts `made` between the markers of section `name`.
fn replace(text: &str, name: &str, made: &str) -> String {
    let (begin, end) = (
        format!("<!-- begin {name} -->\n"),
        format!("<!-- end {name} -->"),
    );
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("no {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
    format!("{before}{begin}{made}\n{end}{after}")
}

#[test]
fn the_page_says_what_the_code_does() {
    let written = std::fs::read_to_string(path()).expect("docs/compatibility.md");
    let mut made = written.clone();
    for (name, section) in [
        ("operations", operation_tables()),
        ("insights commands", insights_commands()),
        ("insights functions", insights_functions()),
        ("metric math functions", math_functions()),
        ("statistics", statistics()),
    ] {
        made = replace(&made, name, &section);
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path(), made).expect("docs/compatibility.md");
        return;
    }
    assert!(
        made == written,
        "docs/compatibility.md is out of date: UPDATE=1 cargo test -p belfry --test it compatibility"
    );
}

#[test]
fn what_works_partly_is_offered() {
    for (service, name, _) in PARTLY {
        assert!(is_offered(*service, name), "{name}");
    }
}

#[test]
fn every_sample_names_something() {
    for (name, _) in FUNCTION_ARGUMENTS {
        assert!(
            insights::FUNCTIONS.iter().any(|f| f.name == *name),
            "{name}"
        );
    }
    for (name, _) in MATH_SAMPLES {
        assert!(
            metric_math::FUNCTIONS.iter().any(|f| f.name == *name),
            "{name}"
        );
    }
}
