//! Every case of `tests/examples/filter-patterns.jsonl` and the extractions of
//! `metric-filters.jsonl`.

use serde_json::Value;

use super::FilterPattern;

const PATTERNS: &str = include_str!("../../../tests/examples/filter-patterns.jsonl");
const METRIC_FILTERS: &str = include_str!("../../../tests/examples/metric-filters.jsonl");

fn cases(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
}

fn messages(case: &Value) -> Vec<String> {
    let messages = case["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn patterns_match_as_declared() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for case in cases(PATTERNS) {
        seen += 1;
        let name = &case["name"];
        let text = case["pattern"].as_str().unwrap();
        let refused = case["expect"].get("error").is_some();
        match (FilterPattern::parse(text), refused) {
            (Err(_), true) => {}
            (Ok(_), true) => wrong.push(format!("{name}: accepted")),
            (Err(error), false) => wrong.push(format!("{name}: {error}")),
            (Ok(pattern), false) => {
                let messages = messages(&case);
                let found: Vec<bool> = messages.iter().map(|m| pattern.matches(m)).collect();
                if serde_json::json!(found) != case["expect"] {
                    wrong.push(format!("{name}: {found:?}"));
                }
                for message in messages.iter().filter(|message| pattern.matches(message)) {
                    for list in pattern.required_literals() {
                        let occurs = list.iter().any(|literal| message.contains(literal));
                        assert!(occurs, "{name}: {list:?} not in {message}");
                    }
                }
                let printed = pattern.to_string();
                let again = FilterPattern::parse(&printed);
                assert_eq!(again.as_ref(), Ok(&pattern), "{name}: {printed}");
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen, 55);
}

#[test]
fn values_are_extracted_as_declared() {
    let mut seen = 0;
    for case in cases(METRIC_FILTERS).filter(|case| case["kind"] == "extract") {
        seen += 1;
        let pattern = FilterPattern::parse(case["pattern"].as_str().unwrap()).unwrap();
        let mut found = Vec::new();
        for (at, message) in messages(&case).iter().enumerate() {
            if let Some(values) = pattern.extract(message) {
                let values: serde_json::Map<String, Value> = values
                    .into_iter()
                    .map(|(name, value)| (name, Value::from(value)))
                    .collect();
                found.push(serde_json::json!({"eventNumber": at + 1, "extractedValues": values}));
            }
        }
        assert_eq!(Value::from(found), case["expect"], "{}", case["name"]);
    }
    assert!(seen > 3, "{seen}");
}
