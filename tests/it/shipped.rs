//! What we ship for users to start from is right: every query compiles, every expression parses,
//! every dashboard is accepted, and what they say of Belfry itself exists.

use std::fs;
use std::path::{Path, PathBuf};

use belfry_lang::{dashboard, metric_math};
use belfry_query::insights;
use belfry_server::own_metrics::DECLARED;
use serde_json::Value;

fn files(dir: &str, extension: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A name in the namespace `Belfry` that the server publishes.
fn assert_own(metric: &str, path: &Path) {
    let known = DECLARED.iter().any(|own| own.metric == metric);
    assert!(known, "{}: no metric {metric}", path.display());
}

#[test]
fn queries_compile() {
    for path in files("queries/logs-insights", "query") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# "),
            "{}: says what it is for",
            path.display()
        );
        if let Err(error) = insights::compile(&text) {
            panic!("{}: {error}", path.display());
        }
    }
}

#[test]
fn metric_math_parses() {
    for path in files("queries/metric-math", "json") {
        let queries = json(&path);
        let queries = queries.as_array().unwrap();
        for query in queries {
            if let Some(expression) = query["Expression"].as_str() {
                metric_math::parse(expression)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            let metric = &query["MetricStat"]["Metric"];
            if metric["Namespace"] == "Belfry" {
                assert_own(metric["MetricName"].as_str().unwrap(), &path);
            }
        }
        let shown = queries.iter().filter(|query| query["ReturnData"] != false);
        assert_eq!(shown.count(), 1, "{}: one result", path.display());
    }
}

#[test]
fn dashboards_are_accepted() {
    for path in files("dashboards", "json") {
        let text = fs::read_to_string(&path).unwrap();
        let report = dashboard::validate(&text).unwrap();
        assert!(
            report.errors.is_empty(),
            "{}: {:?}",
            path.display(),
            report.errors
        );
        assert!(
            report.warnings.is_empty(),
            "{}: {:?}",
            path.display(),
            report.warnings
        );
        let body = json(&path);
        for widget in body["widgets"].as_array().unwrap() {
            for row in widget["properties"]["metrics"]
                .as_array()
                .into_iter()
                .flatten()
            {
                if row[0] == "Belfry" {
                    assert_own(row[1].as_str().unwrap(), &path);
                }
            }
        }
    }
}
