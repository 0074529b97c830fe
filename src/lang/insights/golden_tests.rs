//! Every query of `tests/examples/logs-insights` parses, prints and is refused as declared.

use serde_json::Value;

use super::parse;

const CASES: &str = include_str!("../../../tests/examples/logs-insights/cases.jsonl");

fn cases() -> impl Iterator<Item = (String, String, bool)> {
    CASES.lines().filter(|line| !line.is_empty()).map(|line| {
        let case: Value = serde_json::from_str(line).unwrap();
        (
            case["name"].as_str().unwrap().to_owned(),
            case["query"].as_str().unwrap().to_owned(),
            case["expect"].get("error").is_some(),
        )
    })
}

#[test]
fn queries_parse_and_errors_are_refused() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, query, refused) in cases() {
        seen += 1;
        match (parse(&query), refused) {
            (Ok(_), false) | (Err(_), true) => {}
            (Ok(_), true) => wrong.push(format!("{name}: accepted")),
            (Err(error), false) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert_eq!(seen, 150);
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_is_printed_parses_to_the_same_tree() {
    for (name, query, _) in cases().filter(|(_, _, refused)| !refused) {
        let tree = parse(&query).unwrap();
        let printed = tree.to_string();
        let again = parse(&printed).unwrap_or_else(|error| panic!("{name}: {printed}: {error}"));
        assert_eq!(again, tree, "{name}: {printed}");
    }
}
