//! The bodies of `tests/examples/dashboards`: valid ones give no finding, invalid ones exactly
//! the messages that go with them.

use serde_json::{Value, json};

use super::{Finding, NotAnObject, validate};

const DIRECTORY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/examples/dashboards"
);

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{DIRECTORY}/{name}")).expect(name)
}

fn listed(findings: &[Finding]) -> Value {
    findings
        .iter()
        .map(|f| json!({"DataPath": f.path, "Message": f.message}))
        .collect()
}

/// The body of a case: given as text, as JSON, or by a recipe.
fn body(case: &Value) -> String {
    if let Some(text) = case["bodyText"].as_str() {
        return text.to_owned();
    }
    if !case["body"].is_null() {
        return case["body"].to_string();
    }
    let text = json!({"type": "text", "properties": {"markdown": "x"}});
    match case["name"].as_str().expect("name") {
        "501-widgets" => json!({"widgets": vec![text; 501]}).to_string(),
        "501-metrics" => json!({"widgets": [{"type": "metric", "properties": {
            "region": "eu-central-1", "metrics": vec![json!(["App", "Errors"]); 501]}}]})
        .to_string(),
        other => panic!("case {other} has no body"),
    }
}

#[test]
fn valid_bodies_have_no_findings() {
    let mut seen = 0;
    for entry in std::fs::read_dir(DIRECTORY).expect("examples") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("name").to_string_lossy();
        if name == "invalid-cases.json" {
            continue;
        }
        let report = validate(&read(&name)).expect("an object");
        assert_eq!(listed(&report.errors), json!([]), "{name}");
        assert_eq!(listed(&report.warnings), json!([]), "{name}");
        seen += 1;
    }
    assert!(seen >= 7, "{seen}");
}

#[test]
fn invalid_bodies_have_the_expected_errors() {
    let cases: Value = serde_json::from_str(&read("invalid-cases.json")).expect("JSON");
    let cases = cases["cases"].as_array().expect("cases");
    assert!(cases.len() > 30);
    for case in cases {
        let name = &case["name"];
        match validate(&body(case)) {
            Err(error) => assert_eq!(json!(error.to_string()), case["message"], "{name}"),
            Ok(report) => {
                assert_eq!(listed(&report.errors), case["expect"], "{name}");
                if !case["message"].is_null() {
                    assert_eq!(json!(report.refusal()), case["message"], "{name}");
                }
            }
        }
    }
}

#[test]
fn doubtful_bodies_have_the_expected_warnings() {
    let cases: Value = serde_json::from_str(&read("invalid-cases.json")).expect("JSON");
    for case in cases["warnings"].as_array().expect("warnings") {
        let report = validate(&body(case)).expect("an object");
        assert_eq!(report.errors, [], "{}", case["name"]);
        assert_eq!(listed(&report.warnings), case["expect"], "{}", case["name"]);
    }
}

fn warnings(body: Value) -> Vec<String> {
    let report = validate(&body.to_string()).expect("an object");
    assert_eq!(report.errors, []);
    let told = |f: Finding| format!("{} {}", f.path, f.message);
    report.warnings.into_iter().map(told).collect()
}

#[test]
fn other_doubts() {
    let metric = |properties: Value| {
        let mut all = json!({"region": "eu-central-1"});
        let members = properties.as_object().expect("object").clone();
        all.as_object_mut().expect("object").extend(members);
        json!({"widgets": [{"type": "metric", "properties": all}]})
    };
    let found = warnings(metric(json!({"stat": "Meen", "metrics": [
        ["A", "B", {"id": "a"}],
        ["A", "C", {"id": "a"}],
        [{"expression": "a +"}],
    ]})));
    let expected = [
        "/widgets/0/properties/metrics/1/2/id The id a is used more than once",
        "/widgets/0/properties/metrics/2/0/expression Expression is not valid: ",
        "/widgets/0/properties/stat The statistic Meen is not known",
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    assert_eq!(
        warnings(metric(
            json!({"sparkline": true, "setPeriodToTimeRange": true, "metrics": [["A", "B"]], "view": "singleValue"})
        )),
        ["/widgets/0/properties/sparkline The sparkline is ignored with setPeriodToTimeRange"]
    );
    let text = |x, y| json!({"type": "text", "x": x, "y": y, "width": 6, "height": 2, "properties": {"markdown": ""}});
    assert_eq!(
        warnings(json!({"widgets": [text(0, 0), text(6, 0), text(5, 1), text(20, 0)]})),
        ["/widgets/2 The widget overlaps /widgets/0"]
    );
}

#[test]
fn alarms_are_reported_with_their_place() {
    let arn = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a";
    let body = json!({"widgets": [
        {"type": "alarm", "properties": {"alarms": [arn]}},
        {"type": "metric", "properties": {"region": "eu-west-1", "annotations": {"alarms": [arn]}}},
    ]});
    let report = validate(&body.to_string()).expect("an object");
    assert_eq!(report.errors, []);
    let paths: Vec<_> = report.alarms.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/widgets/0/properties/alarms/0",
            "/widgets/1/properties/annotations/alarms/0"
        ]
    );
}

#[test]
fn many_errors_are_counted_and_not_all_listed() {
    let body = json!({"widgets": vec![json!({"type": "text", "properties": {}}); 300]});
    let report = validate(&body.to_string()).expect("an object");
    assert_eq!((report.errors.len(), report.error_count), (100, 300));
    assert!(report.refusal().contains("there are 300 validation errors"));
}

#[test]
fn times_are_relative_or_absolute() {
    let errors = |start: &str| {
        let body = json!({"start": start, "widgets": []}).to_string();
        validate(&body).expect("an object").errors.len()
    };
    for start in [
        "-PT15M",
        "-P7D",
        "-P3M",
        "-P1Y2M3W4DT5H6M7S",
        "2026-03-01T06:00:00.000Z",
        "2026-03-01T06:00:00",
        "2026-03-01T06:00:00+01:00",
    ] {
        assert_eq!(errors(start), 0, "{start}");
    }
    for start in ["", "-P", "-PT", "PT1H", "yesterday", "2026-03-01", "-P1H"] {
        assert_eq!(errors(start), 1, "{start}");
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = format!(
        "{{\"widgets\": {}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert_eq!(validate(&deep), Err(NotAnObject));
}
