//! The label of a metric query that has none of its own (spec metrics.md 10).

use std::collections::HashSet;

use super::metric_data::MetricStat;

/// The labels of the queries that share a call, in their order.
pub(super) fn default_labels(queries: &[&MetricStat]) -> Vec<String> {
    let parts: Vec<[String; 5]> = queries.iter().map(|query| parts(query)).collect();
    let differs: Vec<bool> = (0..5)
        .map(|part| {
            let mut texts = parts.iter().map(|parts| parts.get(part));
            let first = texts.next();
            texts.any(|text| Some(text) != first)
        })
        .collect();
    let differs = |part: usize| differs.get(part).copied().unwrap_or(false);
    let identity = [NAMESPACE, DIMENSIONS, NAME];
    let told_apart = parts
        .iter()
        .map(|parts| identity.map(|part| parts.get(part)))
        .collect::<HashSet<_>>()
        .len()
        == parts.len();
    let identity_differs = identity.into_iter().any(differs);
    let shown: Vec<usize> = (0..5)
        .filter(|part| match *part {
            STATISTIC | PERIOD => differs(*part) && !(identity_differs && told_apart),
            NAME if !identity_differs => true,
            part => differs(part),
        })
        .collect();
    parts
        .iter()
        .map(|parts| {
            let texts = shown.iter().filter_map(|part| parts.get(*part));
            let label: Vec<&str> = texts
                .map(String::as_str)
                .filter(|t| !t.is_empty())
                .collect();
            if label.is_empty() {
                // A metric without the dimension that tells the others apart.
                parts.get(NAME).cloned().unwrap_or_default()
            } else {
                label.join(" ")
            }
        })
        .collect()
}

const NAMESPACE: usize = 0;
const DIMENSIONS: usize = 1;
const NAME: usize = 2;
const STATISTIC: usize = 3;
const PERIOD: usize = 4;

fn parts(query: &MetricStat) -> [String; 5] {
    let dimensions = query.metric.dimensions().iter();
    let values: Vec<&str> = dimensions.map(|dimension| &*dimension.value).collect();
    [
        query.metric.namespace.to_string(),
        values.join(" "),
        query.metric.name.to_string(),
        query.statistic.as_str().to_owned(),
        query.period_s.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use belfry_model::{Dimension, MetricId, Statistic};

    use super::*;

    fn query(
        namespace: &str,
        dimensions: &[(&str, &str)],
        name: &str,
        rest: (&str, u32),
    ) -> MetricStat {
        let dimensions = dimensions.iter().map(|(n, v)| Dimension::new(*n, *v));
        MetricStat {
            metric: MetricId::new(namespace, name, dimensions.collect()),
            period_s: rest.1,
            statistic: Statistic::parse(rest.0).unwrap(),
            unit: None,
        }
    }

    fn labels(queries: &[MetricStat]) -> Vec<String> {
        default_labels(&queries.iter().collect::<Vec<_>>())
    }

    /// The table of spec metrics.md 10.
    #[test]
    fn the_table() {
        let sum = ("Sum", 60);
        assert_eq!(
            labels(&[query("A", &[("d", "x")], "Latency", sum)]),
            ["Latency"]
        );
        assert_eq!(
            labels(&[
                query("A", &[], "Latency", sum),
                query("A", &[], "Latency", ("Maximum", 60))
            ]),
            ["Latency Sum", "Latency Maximum"]
        );
        assert_eq!(
            labels(&[
                query("A", &[], "Latency", sum),
                query("A", &[], "Latency", ("Maximum", 300))
            ]),
            ["Latency Sum 60", "Latency Maximum 300"]
        );
        assert_eq!(
            labels(&[
                query("A", &[("d", "a")], "Latency", sum),
                query("A", &[("d", "b")], "Latency", sum),
                query("A", &[], "Latency", sum),
            ]),
            ["a", "b", "Latency"]
        );
        assert_eq!(
            labels(&[
                query("Shop/Api", &[], "L", sum),
                query("Shop/Web", &[], "L", sum)
            ]),
            ["Shop/Api", "Shop/Web"]
        );
        assert_eq!(
            labels(&[
                query("A", &[], "Latency", sum),
                query("A", &[], "Errors", ("Maximum", 60))
            ]),
            ["Latency", "Errors"]
        );
        assert_eq!(
            labels(&[
                query("A", &[("z", "z1"), ("a", "a1")], "Latency", sum),
                query("A", &[("d", "b")], "Errors", sum)
            ]),
            ["a1 z1 Latency", "b Errors"]
        );
    }

    #[test]
    fn statistics_show_where_the_rest_does_not_tell_queries_apart() {
        let queries = [
            query("A", &[], "L", ("Sum", 60)),
            query("A", &[], "L", ("Maximum", 60)),
            query("A", &[], "E", ("Sum", 60)),
        ];
        assert_eq!(labels(&queries), ["L Sum", "L Maximum", "E Sum"]);
    }
}
