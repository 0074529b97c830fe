//! Every example case through `belfry test`'s code: those in scope pass, the rest is listed.

use std::collections::BTreeMap;
use std::path::Path;

use belfry::cases::{self, Outcome};

const FILES: &[&str] = &[
    "alarm-evaluation.jsonl",
    "filter-patterns.jsonl",
    "logs-insights/cases.jsonl",
    "metric-filters.jsonl",
    "metric-math.jsonl",
    "metric-statistics.jsonl",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_example_in_scope_passes() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples");
    let (mut passed, mut failed) = (0, Vec::new());
    let mut unsupported: BTreeMap<String, usize> = BTreeMap::new();
    for file in FILES {
        let text = std::fs::read_to_string(dir.join(file)).unwrap();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, outcome) = cases::run(line).await;
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed(difference) => failed.push(format!("{file} {name}: {difference}")),
                Outcome::Unsupported(what) => *unsupported.entry(what).or_default() += 1,
            }
        }
    }
    for (what, count) in &unsupported {
        println!("not supported yet: {count:3} {what}");
    }
    println!("{passed} cases passed");
    assert!(failed.is_empty(), "{failed:#?}");
    // All filter patterns and all alarms are in scope.
    let strangers: Vec<&String> = unsupported
        .keys()
        .filter(|what| what.contains("pattern ") || what.contains("alarm"))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(passed >= 394, "only {passed} cases passed");
}
