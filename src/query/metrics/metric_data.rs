//! GetMetricData (spec metrics.md 7).

use std::collections::HashSet;

use belfry_lang::metric_math::{is_metrics_insights, parse};
use belfry_model::{MetricId, Statistic, Tenant, TimestampMs, Unit};
use belfry_store::metrics::{MetricRead, MetricsStore, UnitBuckets};
use chrono::{FixedOffset, Offset, Utc};

use super::default_label::default_labels;
use super::dynamic_label::{Subject, render};
use super::page::{DatapointCursor, WholeResult, page};
use super::period::{first_bucket, first_readable};
use super::reads::Reads;
use crate::error::{Error, Result};
use crate::metric_math::{
    Budget, Definition, Evaluator, MathError, POINTS, Query, TimeSeries, Value,
};
use crate::off_async::off_async;

/// One of the queries of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDataQuery {
    pub id: String,
    pub label: Option<String>,
    pub return_data: bool,
    pub definition: QueryDefinition,
}

#[derive(Clone, Debug, PartialEq)]
pub enum QueryDefinition {
    Metric(MetricStat),
    Expression { text: String, period_s: Option<u32> },
}

/// A statistic of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricStat {
    pub metric: MetricId,
    pub period_s: u32,
    pub statistic: Statistic,
    pub unit: Option<Unit>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScanBy {
    #[default]
    TimestampDescending,
    TimestampAscending,
}

/// A call whose parameters were checked one by one; what concerns several is checked here.
#[derive(Clone, Debug)]
pub struct MetricDataRequest {
    pub queries: Vec<MetricDataQuery>,
    pub start: TimestampMs,
    /// Not part of the range.
    pub end: TimestampMs,
    pub scan_by: ScanBy,
    pub max_datapoints: usize,
    /// What earlier pages gave: [`MetricDataResponse::next`].
    pub after: Option<DatapointCursor>,
    /// Of times in labels.
    pub label_zone: Option<FixedOffset>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetricDataResponse {
    pub results: Vec<MetricDataResult>,
    /// `after` of the next page, if there is one.
    pub next: Option<DatapointCursor>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MetricDataResult {
    pub id: String,
    pub label: String,
    /// Parallel to `values`, in the order asked for.
    pub timestamps: Vec<TimestampMs>,
    pub values: Vec<f64>,
    pub status: ResultStatus,
    pub messages: Vec<ResultMessage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultStatus {
    Complete,
    /// More follows on the next page.
    PartialData,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultMessage {
    pub code: String,
    pub value: String,
}

/// Answers a call.
///
/// # Errors
/// `Invalid` and `Math`, both of which are ValidationError; what the store reports.
pub async fn get_metric_data(
    store: &MetricsStore,
    tenant: &Tenant,
    request: &MetricDataRequest,
    now: TimestampMs,
) -> Result<MetricDataResponse> {
    check_ids(&request.queries)?;
    let mut reads = Reads::default();
    let places: Vec<Option<usize>> = request
        .queries
        .iter()
        .map(|query| match &query.definition {
            QueryDefinition::Metric(stat) => Some(reads.add(read_of(stat, request, now))),
            QueryDefinition::Expression { .. } => None,
        })
        .collect();
    // Expressions are parsed before anything is read.
    let expressions = expressions(&request.queries)?;
    let call = Call {
        tenant,
        request,
        now,
        labels: metric_labels(&request.queries),
    };
    let budget = Budget::new(&POINTS);
    let mut found: Vec<Option<Found>> = vec![None; request.queries.len()];
    for (first, reads) in reads.portions() {
        let results = reads.run(store, tenant).await?;
        off_async(|| {
            for ((at, query), place) in request.queries.iter().enumerate().zip(&places) {
                if let QueryDefinition::Metric(stat) = &query.definition
                    && let Some(place) = place.and_then(|place| place.checked_sub(first))
                    && let Some(units) = results.find(place)
                    && let Some(slot) = found.get_mut(at)
                {
                    *slot = Some(call.found(at, query, stat, units, &budget)?);
                }
            }
            Ok::<_, Error>(())
        })?;
    }
    let mut queries = Vec::with_capacity(request.queries.len());
    let mut messages = Vec::with_capacity(request.queries.len());
    for ((query, expression), found) in request.queries.iter().zip(expressions).zip(found) {
        let (definition, of_query) = match (&query.definition, expression) {
            (QueryDefinition::Expression { period_s, .. }, Some(expression)) => (
                Definition::Expression {
                    expression,
                    period_s: period_s.map(i64::from),
                    label: query.label.clone(),
                },
                Vec::new(),
            ),
            _ => {
                let (series, messages) = found.unwrap_or_default();
                (Definition::Metric(series), messages)
            }
        };
        queries.push(Query {
            id: query.id.clone(),
            definition,
        });
        messages.push(of_query);
    }
    off_async(|| {
        let evaluated = call.evaluate(&queries, messages, &budget)?;
        let (results, next) = page(
            evaluated,
            request.after,
            request.max_datapoints,
            request.scan_by,
        );
        Ok(MetricDataResponse { results, next })
    })
}

fn check_ids(queries: &[MetricDataQuery]) -> Result<()> {
    let mut ids = HashSet::new();
    for query in queries {
        let id = query.id.as_str();
        let well_formed = id.starts_with(|c: char| c.is_ascii_lowercase())
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !well_formed {
            return Err(Error::Invalid(format!(
                "The value {id} for parameter MetricDataQueries.Id must match the pattern [a-z][A-Za-z0-9_]*."
            )));
        }
        if !ids.insert(id) {
            return Err(Error::Invalid(format!(
                "The id {id} is used by more than one metric data query."
            )));
        }
    }
    Ok(())
}

fn expressions(
    queries: &[MetricDataQuery],
) -> Result<Vec<Option<belfry_lang::metric_math::Expression>>> {
    queries
        .iter()
        .map(|query| match &query.definition {
            QueryDefinition::Metric(_) => Ok(None),
            QueryDefinition::Expression { text, .. } if is_metrics_insights(text) => {
                Err(Error::Unsupported(format!(
                    "Error in expression '{}': Metrics Insights queries are not supported yet",
                    query.id
                )))
            }
            QueryDefinition::Expression { text, .. } => match parse(text) {
                Ok(expression) => Ok(Some(expression)),
                Err(error) => Err(Error::Math {
                    id: query.id.clone(),
                    error: MathError::Syntax(error.to_string()),
                }),
            },
        })
        .collect()
}

fn read_of(stat: &MetricStat, request: &MetricDataRequest, now: TimestampMs) -> MetricRead {
    let first = first_bucket(request.start, stat.period_s, now);
    MetricRead {
        metric: stat.metric.clone(),
        unit: stat.unit,
        start: first_readable(first, stat.period_s, now),
        end: request.end,
        period_s: stat.period_s,
        want_distribution: stat.statistic.needs_distribution(),
    }
}

/// The series of a metric, and what is to be said about it.
type Found = (TimeSeries, Vec<ResultMessage>);

/// The series of one unit, and a message where there are several (spec metrics.md 3).
fn series_of(stat: &MetricStat, units: &[UnitBuckets]) -> Found {
    let points = units.first().into_iter().flat_map(|unit| &unit.buckets);
    let values = points.filter_map(|(time, set)| {
        let value = stat.statistic.compute(set)?;
        Some((time.as_secs(), value))
    });
    let series = TimeSeries::new(i64::from(stat.period_s), values);
    let messages = match units {
        [] | [_] => Vec::new(),
        several => {
            let names: Vec<&str> = several.iter().map(|unit| unit.unit.as_str()).collect();
            vec![ResultMessage {
                code: "MultipleUnits".to_owned(),
                value: format!("Multiple units returned: '[{}]'", names.join(", ")),
            }]
        }
    };
    (series, messages)
}

/// The default label of each metric query. Those that are returned and have no label tell each
/// other apart; the rest, which only members of arrays can show, are told apart among all.
fn metric_labels(queries: &[MetricDataQuery]) -> Vec<Option<String>> {
    let of = |wanted: &dyn Fn(&MetricDataQuery) -> bool| {
        let chosen: Vec<(usize, &MetricStat)> = queries
            .iter()
            .enumerate()
            .filter(|(_, query)| wanted(query))
            .filter_map(|(at, query)| match &query.definition {
                QueryDefinition::Metric(stat) => Some((at, stat)),
                QueryDefinition::Expression { .. } => None,
            })
            .collect();
        let stats: Vec<&MetricStat> = chosen.iter().map(|(_, stat)| *stat).collect();
        let places = chosen.into_iter().map(|(at, _)| at);
        places.zip(default_labels(&stats)).collect::<Vec<_>>()
    };
    let mut labels = vec![None; queries.len()];
    let all = of(&|_| true);
    let returned = of(&|query| query.return_data && query.label.is_none());
    for (at, label) in all.into_iter().chain(returned) {
        if let Some(slot) = labels.get_mut(at) {
            *slot = Some(label);
        }
    }
    labels
}

/// What the results of a call are made from.
struct Call<'c> {
    tenant: &'c Tenant,
    request: &'c MetricDataRequest,
    now: TimestampMs,
    labels: Vec<Option<String>>,
}

impl Call<'_> {
    /// The series of the query at `at`, with its label.
    fn found(
        &self,
        at: usize,
        query: &MetricDataQuery,
        stat: &MetricStat,
        units: &[UnitBuckets],
        budget: &Budget<'_>,
    ) -> Result<Found> {
        let (series, messages) = series_of(stat, units);
        let label = self.metric_label(at, query, stat, &series);
        let series = series.with_label(Some(label));
        budget.series(&series).map_err(|error| Error::Math {
            id: query.id.clone(),
            error,
        })?;
        Ok((series, messages))
    }

    fn evaluate(
        &self,
        queries: &[Query],
        messages: Vec<Vec<ResultMessage>>,
        budget: &Budget<'_>,
    ) -> Result<Vec<WholeResult>> {
        let shortest = queries
            .iter()
            .filter_map(|query| match &query.definition {
                Definition::Metric(series) => u32::try_from(series.period_s).ok(),
                Definition::Expression { period_s, .. } => {
                    period_s.and_then(|p| u32::try_from(p).ok())
                }
            })
            .min();
        let start = first_bucket(self.request.start, shortest.unwrap_or(60), self.now);
        // The last slot is the one that starts before the end.
        let end_s = self.request.end.saturating_add_ms(999).as_secs();
        let mut evaluator = Evaluator::new(queries, start.as_secs(), end_s, budget);
        let mut results = Vec::new();
        for (query, messages) in self.request.queries.iter().zip(messages) {
            let math = |error| Error::Math {
                id: query.id.clone(),
                error,
            };
            // Also what is not returned must be right.
            let value = evaluator.evaluate(&query.id).map_err(math)?;
            if !query.return_data {
                continue;
            }
            match value {
                Value::Series(series) => {
                    let label = match &query.definition {
                        QueryDefinition::Metric(_) => series.label.clone().unwrap_or_default(),
                        QueryDefinition::Expression { .. } => {
                            let period_s = evaluator.period_s(&query.id).map_err(math)?;
                            self.expression_label(query, &series, period_s)
                        }
                    };
                    budget.text(query.id.len() + label.len()).map_err(math)?;
                    results.push(WholeResult {
                        id: query.id.clone(),
                        label,
                        series,
                        messages,
                    });
                }
                Value::Array(members) => {
                    let period_s = evaluator.period_s(&query.id).map_err(math)?;
                    for member in members {
                        let own = self.expression_label(query, &member, period_s);
                        let of_member = member.label.clone().unwrap_or_default();
                        let parts = [own, of_member];
                        let label = parts
                            .iter()
                            .filter(|part| !part.is_empty())
                            .map(String::as_str)
                            .collect::<Vec<_>>()
                            .join(" ");
                        budget.text(query.id.len() + label.len()).map_err(math)?;
                        results.push(WholeResult {
                            id: query.id.clone(),
                            label,
                            series: member,
                            messages: Vec::new(),
                        });
                    }
                }
                other => return Err(math(MathError::Result(other.type_name()))),
            }
        }
        Ok(results)
    }

    fn metric_label(
        &self,
        at: usize,
        query: &MetricDataQuery,
        stat: &MetricStat,
        series: &TimeSeries,
    ) -> String {
        let default = self.labels.get(at).cloned().flatten().unwrap_or_default();
        let Some(label) = &query.label else {
            return default;
        };
        let property = |name: &str| match name {
            "AccountId" | "AccountLabel" => Some(self.tenant.account.to_string()),
            "Region" => Some(self.tenant.region.to_string()),
            "MetricName" => Some(stat.metric.name.to_string()),
            "Namespace" => Some(stat.metric.namespace.to_string()),
            "Period" => Some(stat.period_s.to_string()),
            "Stat" => Some(stat.statistic.as_str().to_owned()),
            // An unknown dimension is empty.
            other => other
                .strip_prefix("Dim.")
                .map(|name| stat.metric.dimension(name).unwrap_or_default().to_owned()),
        };
        self.dynamic(label, series, &default, &property)
    }

    fn expression_label(
        &self,
        query: &MetricDataQuery,
        series: &TimeSeries,
        period_s: i64,
    ) -> String {
        let Some(label) = &query.label else {
            return query.id.clone();
        };
        let property = |name: &str| match name {
            "AccountId" | "AccountLabel" => Some(self.tenant.account.to_string()),
            "Region" => Some(self.tenant.region.to_string()),
            "Period" => Some(period_s.to_string()),
            _ => None,
        };
        self.dynamic(label, series, &query.id, &property)
    }

    fn dynamic(
        &self,
        label: &str,
        series: &TimeSeries,
        default_label: &str,
        property: &dyn Fn(&str) -> Option<String>,
    ) -> String {
        if !label.contains("${") {
            return label.to_owned();
        }
        let points: Vec<(TimestampMs, f64)> = series
            .points()
            .iter()
            .map(|(time, value)| (TimestampMs::from_secs(*time), *value))
            .collect();
        render(
            label,
            &Subject {
                points: &points,
                now: self.now,
                zone: self.request.label_zone.unwrap_or_else(|| Utc.fix()),
                default_label,
                property,
            },
        )
    }
}
