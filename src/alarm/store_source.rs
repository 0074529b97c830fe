//! Datapoints from the metrics store: the source of a running node.

use std::collections::BTreeMap;

use async_trait::async_trait;
use belfry_model::{StatisticSet, Tenant, TimestampMs};
use belfry_store::metrics::{MetricRead, MetricReadResult, MetricsStore};

use crate::source::{DatapointSource, Datapoints, ReadError, ReadRequest};
use crate::verdict::Datapoint;

/// Reads alarms' datapoints from the store of this node.
#[derive(Clone)]
pub struct StoreSource {
    store: MetricsStore,
}

impl StoreSource {
    pub fn new(store: MetricsStore) -> Self {
        Self { store }
    }

    /// The datapoints of requests of one tenant, in their order: one pass over the store.
    async fn read_of(
        &self,
        tenant: &Tenant,
        requests: Vec<ReadRequest>,
    ) -> Result<Vec<Datapoints>, ReadError> {
        let reads: Vec<MetricRead> = requests.iter().map(metric_read).collect();
        let results = self.store.read(tenant, &reads).await?;
        // Percentiles sort: not on the async threads.
        let computed = tokio::task::spawn_blocking(move || {
            let pairs = requests.iter().zip(results);
            pairs
                .map(|(request, result)| datapoints(request, result))
                .collect()
        });
        Ok(computed.await?)
    }
}

fn metric_read(request: &ReadRequest) -> MetricRead {
    MetricRead {
        metric: request.metric.clone(),
        unit: request.unit,
        start: request.window.start(),
        end: request.window.end,
        period_s: request.window.period_s,
        want_distribution: request.statistic.needs_distribution(),
    }
}

/// An alarm without a unit on a metric that has several watches the one that sorts first, as
/// GetMetricData does (spec metrics.md 3).
fn datapoints(request: &ReadRequest, result: MetricReadResult) -> Datapoints {
    let compute = |(start, set): (TimestampMs, StatisticSet)| {
        let value = request.statistic.compute(&set)?;
        Some((start, Datapoint::new(value, set.count)))
    };
    let first_unit = result.units.into_iter().next();
    let buckets = first_unit.map(|unit| unit.buckets).unwrap_or_default();
    buckets.into_iter().filter_map(compute).collect()
}

#[async_trait]
impl DatapointSource for StoreSource {
    async fn read(&self, requests: &[ReadRequest]) -> Vec<Result<Datapoints, ReadError>> {
        let mut by_tenant: BTreeMap<&Tenant, Vec<usize>> = BTreeMap::new();
        for (position, request) in requests.iter().enumerate() {
            by_tenant.entry(&request.tenant).or_default().push(position);
        }
        let mut answers = BTreeMap::new();
        for (tenant, positions) in by_tenant {
            let part = positions.iter().filter_map(|p| requests.get(*p)).cloned();
            let read: Vec<_> = match self.read_of(tenant, part.collect()).await {
                Ok(read) => read.into_iter().map(Ok).collect(),
                Err(error) => {
                    let why = error.to_string();
                    let failed = positions.iter().map(|_| Err(why.as_str().into()));
                    failed.collect()
                }
            };
            answers.extend(positions.into_iter().zip(read));
        }
        // Every position has its answer, and the map keeps them in order.
        answers.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::Window;
    use crate::sample::{self, at};
    use belfry_catalog::SqliteCatalog;
    use belfry_model::{ManualClock, MetricId, Statistic, Unit};
    use belfry_store::metrics::{MetricBatch, MetricValue, MetricsConfig};
    use belfry_store::objects::Objects;
    use std::sync::Arc;

    async fn store(dir: &std::path::Path) -> MetricsStore {
        let catalog = Arc::new(SqliteCatalog::open_in_memory().await.expect("catalog"));
        let clock = ManualClock::new(at("2026-03-01T00:10:00Z"));
        let objects = Objects::open_local(&dir.join("objects")).expect("objects");
        let wal = dir.join("wal");
        let opened = MetricsStore::open(&wal, objects, catalog, clock, MetricsConfig::default());
        opened.await.expect("store")
    }

    fn request(tenant: &Tenant, statistic: &str) -> ReadRequest {
        ReadRequest {
            tenant: tenant.clone(),
            metric: MetricId::new("Shop/Api", "Latency", Vec::new()),
            statistic: Statistic::parse(statistic).expect("a statistic"),
            unit: None,
            // 00:01 to 00:10 in slots of three minutes, which do not lie on multiples of three.
            window: Window {
                end: at("2026-03-01T00:10:00Z"),
                period_s: 180,
                slots: 3,
            },
        }
    }

    async fn put(store: &MetricsStore, tenant: &Tenant, data: &[(&str, Unit, f64)]) {
        let mut batch = MetricBatch::new();
        for (time, unit, value) in data {
            let (time, value) = (at(time), MetricValue::Single(*value));
            batch
                .push("Shop/Api", "Latency", &[], time, *unit, 60, value)
                .expect("a datum");
        }
        store.put(tenant, batch, None).await.expect("put");
    }

    fn values(datapoints: &Datapoints) -> Vec<(String, f64, f64)> {
        let mut listed: Vec<_> = datapoints
            .iter()
            .map(|(start, d)| (start.to_iso8601(), d.value, d.sample_count))
            .collect();
        listed.sort_by(|a, b| a.0.cmp(&b.0));
        listed
    }

    #[tokio::test]
    async fn slots_slide_and_tenants_stay_apart() {
        let dir = tempfile::tempdir().expect("directory");
        let store = store(dir.path()).await;
        let (mine, other) = (sample::tenant(), Tenant::new("999988887777", "eu-west-1"));
        let data = [
            ("2026-03-01T00:00:59Z", Unit::None, 100.0), // before the range
            ("2026-03-01T00:01:00Z", Unit::None, 1.0),
            ("2026-03-01T00:03:59Z", Unit::None, 3.0),
            ("2026-03-01T00:09:00Z", Unit::None, 5.0),
            ("2026-03-01T00:10:00Z", Unit::None, 100.0), // after it
        ];
        put(&store, &mine, &data).await;
        put(&store, &other, &[("2026-03-01T00:05:00Z", Unit::None, 9.0)]).await;
        let source = StoreSource::new(store.clone());
        let mut unknown = request(&mine, "Average");
        unknown.metric = MetricId::new("Shop/Api", "Unknown", Vec::new());
        let requests = [
            request(&mine, "Average"),
            request(&other, "Sum"),
            unknown,
            request(&mine, "p100"),
        ];
        for flushed in [false, true] {
            if flushed {
                store.flush().await.expect("flush");
            }
            let answers = source.read(&requests).await;
            let read: Vec<_> = answers
                .iter()
                .map(|answer| values(answer.as_ref().expect("read")))
                .collect();
            let first = "2026-03-01T00:01:00Z".to_owned();
            let second = "2026-03-01T00:04:00Z".to_owned();
            let third = "2026-03-01T00:07:00Z".to_owned();
            assert_eq!(
                read[0],
                [(first.clone(), 2.0, 2.0), (third.clone(), 5.0, 1.0)]
            );
            assert_eq!(read[1], [(second, 9.0, 1.0)]);
            assert_eq!(read[2], []);
            assert_eq!(read[3], [(first, 3.0, 2.0), (third, 5.0, 1.0)]);
        }
    }

    #[tokio::test]
    async fn of_several_units_the_first_by_name_is_watched() {
        let dir = tempfile::tempdir().expect("directory");
        let store = store(dir.path()).await;
        let tenant = sample::tenant();
        let data = [
            ("2026-03-01T00:05:00Z", Unit::Seconds, 1.0),
            ("2026-03-01T00:05:00Z", Unit::Milliseconds, 900.0),
        ];
        put(&store, &tenant, &data).await;
        let source = StoreSource::new(store);
        let mut seconds = request(&tenant, "Maximum");
        seconds.unit = Some(Unit::Seconds);
        let answers = source.read(&[request(&tenant, "Maximum"), seconds]).await;
        let slot = || "2026-03-01T00:04:00Z".to_owned();
        let read = |i: usize| values(answers[i].as_ref().expect("read"));
        assert_eq!(read(0), [(slot(), 900.0, 1.0)]);
        assert_eq!(read(1), [(slot(), 1.0, 1.0)]);
    }
}
