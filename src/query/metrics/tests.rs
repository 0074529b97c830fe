//! The calls over a real store.

use std::sync::Arc;

use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, Dimension, ManualClock, MetricId, Statistic, Tenant, TimestampMs, Unit};
use belfry_store::Objects;
use belfry_store::metrics::{MetricBatch, MetricValue, MetricsConfig, MetricsStore};

use super::*;
use crate::error::Error;

const NOW: TimestampMs = TimestampMs(1_780_000_000_000); // 2026-05-28T20:26:40Z

struct Bench {
    _directory: tempfile::TempDir,
    store: MetricsStore,
    tenant: Tenant,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let catalog: Arc<dyn Catalog> = Arc::new(
            SqliteCatalog::open(&directory.path().join("catalog.db"))
                .await
                .unwrap(),
        );
        let clock = ManualClock::new(NOW);
        let store = MetricsStore::open(
            &directory.path().join("wal"),
            Objects::open_local(&directory.path().join("objects")).unwrap(),
            catalog,
            clock as Arc<dyn Clock>,
            MetricsConfig::default(),
        )
        .await
        .unwrap();
        Self {
            _directory: directory,
            store,
            tenant: Tenant::new("000000000000", "eu-west-1"),
        }
    }

    /// Puts one sample so many seconds before now.
    async fn put(&self, metric: &MetricId, unit: Unit, ago_s: i64, value: f64) {
        let mut batch = MetricBatch::new();
        let dimensions: Vec<(&str, &str)> = metric
            .dimensions()
            .iter()
            .map(|d| (&*d.name, &*d.value))
            .collect();
        batch
            .push(
                &metric.namespace,
                &metric.name,
                &dimensions,
                NOW.saturating_sub_ms(ago_s * 1000),
                unit,
                60,
                MetricValue::Single(value),
            )
            .unwrap();
        self.store.put(&self.tenant, batch, None).await.unwrap();
    }

    async fn get(&self, queries: Vec<MetricDataQuery>) -> Result<Vec<MetricDataResult>, Error> {
        let request = request(queries);
        let response = get_metric_data(&self.store, &self.tenant, &request, NOW).await?;
        Ok(response.results)
    }
}

fn request(queries: Vec<MetricDataQuery>) -> MetricDataRequest {
    MetricDataRequest {
        queries,
        start: NOW.saturating_sub_ms(600_000),
        end: NOW,
        scan_by: ScanBy::TimestampAscending,
        max_datapoints: 100_800,
        after: None,
        label_zone: None,
    }
}

fn latency(route: &str) -> MetricId {
    MetricId::new("Shop/Api", "Latency", vec![Dimension::new("Route", route)])
}

fn stat(id: &str, metric: MetricId, statistic: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        label: None,
        return_data: true,
        definition: QueryDefinition::Metric(MetricStat {
            metric,
            period_s: 60,
            statistic: Statistic::parse(statistic).unwrap(),
            unit: None,
        }),
    }
}

fn expression(id: &str, text: &str) -> MetricDataQuery {
    MetricDataQuery {
        id: id.to_owned(),
        label: None,
        return_data: true,
        definition: QueryDefinition::Expression {
            text: text.to_owned(),
            period_s: None,
        },
    }
}

#[tokio::test]
async fn metrics_and_expressions_with_labels() {
    let bench = Bench::new().await;
    for (ago_s, value) in [(300, 4.0), (300, 6.0), (120, 9.0)] {
        bench.put(&latency("/a"), Unit::Seconds, ago_s, value).await;
    }
    bench.put(&latency("/b"), Unit::Seconds, 120, 1.0).await;
    let mut labelled = stat("m3", latency("/a"), "Sum");
    labelled.label = Some("max ${MAX} ${PROP('Dim.Route')}".to_owned());
    let results = bench
        .get(vec![
            stat("m1", latency("/a"), "Average"),
            stat("m2", latency("/b"), "Average"),
            labelled,
            expression("e1", "m1 + m2"),
            expression("e2", "METRICS(\"m1\")"),
            stat("m4", MetricId::new("Shop/Api", "Nothing", vec![]), "p99"),
        ])
        .await
        .unwrap();
    let shown: Vec<(&str, &str, &[f64])> = results
        .iter()
        .map(|r| (r.id.as_str(), r.label.as_str(), r.values.as_slice()))
        .collect();
    assert_eq!(
        shown,
        [
            ("m1", "/a Latency", &[5.0, 9.0][..]),
            ("m2", "/b Latency", &[1.0]),
            ("m3", "max 10 /a", &[10.0, 9.0]),
            ("e1", "e1", &[5.0, 10.0]),
            ("e2", "e2 /a Latency", &[5.0, 9.0]),
            ("m4", "Nothing", &[]),
        ]
    );
    // Buckets start at the rounded start of the range.
    let minute = NOW.floor_to(60_000);
    assert_eq!(
        results[0].timestamps,
        [
            minute.saturating_sub_ms(300_000),
            minute.saturating_sub_ms(120_000)
        ]
    );
}

#[tokio::test]
async fn several_units_give_the_first_and_a_message() {
    let bench = Bench::new().await;
    bench.put(&latency("/a"), Unit::Seconds, 120, 3.0).await;
    bench
        .put(&latency("/a"), Unit::Milliseconds, 120, 5.0)
        .await;
    let results = bench
        .get(vec![stat("m1", latency("/a"), "Sum")])
        .await
        .unwrap();
    assert_eq!(results[0].values, [5.0]);
    assert_eq!(
        results[0].messages,
        [ResultMessage {
            code: "MultipleUnits".to_owned(),
            value: "Multiple units returned: '[Milliseconds, Seconds]'".to_owned(),
        }]
    );
}

#[tokio::test]
async fn mistakes_in_expressions_fail_the_call() {
    let bench = Bench::new().await;
    for text in [
        "m1 +",
        "m9",
        "AVG(m1)",
        "e1",
        "SEARCH('x', 'Sum')",
        "SELECT AVG(x)",
    ] {
        let queries = vec![stat("m1", latency("/a"), "Sum"), expression("e1", text)];
        let error = bench.get(queries).await.unwrap_err();
        assert!(
            error.to_string().starts_with("Error in expression 'e1': "),
            "{text}: {error}"
        );
    }
    let twice = vec![stat("m1", latency("/a"), "Sum"), expression("m1", "1")];
    assert!(matches!(bench.get(twice).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    let bench = Bench::new().await;
    for ago_s in [540, 480, 420, 360] {
        bench
            .put(&latency("/a"), Unit::Count, ago_s, ago_s as f64)
            .await;
    }
    let mut request = request(vec![stat("m1", latency("/a"), "Sum")]);
    request.max_datapoints = 3;
    request.scan_by = ScanBy::TimestampDescending;
    let first = get_metric_data(&bench.store, &bench.tenant, &request, NOW)
        .await
        .unwrap();
    assert_eq!(first.results[0].values, [360.0, 420.0, 480.0]);
    assert_eq!(first.results[0].status, ResultStatus::PartialData);
    request.after = first.next;
    // What arrives meanwhile was before the first page.
    bench.put(&latency("/a"), Unit::Count, 120, 120.0).await;
    let second = get_metric_data(&bench.store, &bench.tenant, &request, NOW)
        .await
        .unwrap();
    assert_eq!(second.results[0].values, [540.0]);
    assert_eq!(
        (second.results[0].status, second.next),
        (ResultStatus::Complete, None)
    );
}

#[tokio::test]
async fn statistics_come_per_unit_and_only_where_they_exist() {
    let bench = Bench::new().await;
    bench.put(&latency("/a"), Unit::Seconds, 120, 3.0).await;
    bench.put(&latency("/a"), Unit::Seconds, 120, 5.0).await;
    bench
        .put(&latency("/a"), Unit::Milliseconds, 120, -7.0)
        .await;
    let mut request = MetricStatisticsRequest {
        metric: latency("/a"),
        unit: None,
        start: NOW.saturating_sub_ms(600_000),
        end: NOW,
        period_s: 300,
        statistics: ["Sum", "p50"]
            .map(|s| Statistic::parse(s).unwrap())
            .to_vec(),
    };
    let datapoints = get_metric_statistics(&bench.store, &bench.tenant, &request, NOW)
        .await
        .unwrap();
    let shown: Vec<(Unit, Vec<f64>)> = datapoints
        .iter()
        .map(|d| (d.unit, d.statistics.iter().map(|(_, v)| *v).collect()))
        .collect();
    // A negative value leaves no percentile.
    assert_eq!(
        shown,
        [
            (Unit::Milliseconds, vec![-7.0]),
            (Unit::Seconds, vec![8.0, 3.0])
        ]
    );
    request.period_s = 1;
    request.start = NOW.saturating_sub_ms(86_400_000);
    let refused = get_metric_statistics(&bench.store, &bench.tenant, &request, NOW).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range."
    );
}

#[tokio::test]
async fn alarms_get_one_slot_per_period() {
    let bench = Bench::new().await;
    let end = NOW.floor_to(60_000);
    let ago = |time: TimestampMs| (NOW - time) / 1000;
    bench
        .put(
            &latency("/a"),
            Unit::Count,
            ago(end.saturating_sub_ms(180_000)),
            2.0,
        )
        .await;
    for value in [4.0, 8.0] {
        bench
            .put(
                &latency("/a"),
                Unit::Count,
                ago(end.saturating_sub_ms(60_000)),
                value,
            )
            .await;
    }
    // Not part of the range.
    bench
        .put(&latency("/a"), Unit::Count, ago(end), 100.0)
        .await;
    let read = DatapointRead {
        metric: latency("/a"),
        statistic: Statistic::Average,
        unit: None,
        start: end.saturating_sub_ms(240_000),
        end,
        period_s: 60,
    };
    let slots = datapoints(&bench.store, &bench.tenant, read).await.unwrap();
    let datapoint = |value, sample_count| {
        Some(Datapoint {
            value,
            sample_count,
        })
    };
    assert_eq!(
        slots,
        [None, datapoint(2.0, 1.0), None, datapoint(6.0, 2.0)]
    );
}
