//! GetMetricData.

use std::collections::VecDeque;

use belfry_model::quota::{METRIC_DATA_DATAPOINTS_MAX, METRIC_DATA_QUERIES_MAX};
use belfry_model::{Statistic, TimestampMs, Unit};
use belfry_query::metrics::{
    self as planning, DatapointCursor, QueryDefinition, ResultStatus, ScanBy, period,
};
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Service, Timestamp};
use chrono::FixedOffset;
use serde::{Deserialize, Serialize};

use super::metric_data_query::{MetricDataQuery, MetricStat};
use super::{dimension, fail, limits};
use crate::operation::{Call, Operation};
use crate::pages::Pages;
use crate::services::Services;

pub struct GetMetricData;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub metric_data_queries: Option<Vec<MetricDataQuery>>,
    pub start_time: Option<Timestamp>,
    pub end_time: Option<Timestamp>,
    pub next_token: Option<String>,
    pub scan_by: Option<String>,
    pub max_datapoints: Option<i32>,
    pub label_options: Option<LabelOptions>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LabelOptions {
    pub timezone: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("MetricDataQueries", &self.metric_data_queries)
            .required()
            .elements();
        c.member("StartTime", &self.start_time).required();
        c.member("EndTime", &self.end_time).required();
        c.member("ScanBy", &self.scan_by).one_of(limits::SCAN_BY);
        c.member("MaxDatapoints", &self.max_datapoints)
            .range(1..=METRIC_DATA_DATAPOINTS_MAX as i32);
    }
}

/// `Messages` is always there, that of a result only when it has any (spec metrics.md 7).
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub metric_data_results: Vec<MetricDataResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub messages: Vec<Message>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricDataResult {
    pub id: String,
    pub label: String,
    pub timestamps: Vec<Timestamp>,
    pub values: Vec<f64>,
    pub status_code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    pub code: String,
    pub value: String,
}

impl From<planning::ResultMessage> for Message {
    fn from(message: planning::ResultMessage) -> Self {
        Self {
            code: message.code,
            value: message.value,
        }
    }
}

impl From<planning::MetricDataResult> for MetricDataResult {
    fn from(result: planning::MetricDataResult) -> Self {
        Self {
            id: result.id,
            label: result.label,
            timestamps: result.timestamps.into_iter().map(Timestamp::from).collect(),
            values: result.values,
            status_code: match result.status {
                ResultStatus::Complete => "Complete",
                ResultStatus::PartialData => "PartialData",
            },
            messages: result.messages.into_iter().map(Message::from).collect(),
        }
    }
}

impl MetricDataResult {
    /// Of a query for the metrics of another account: none is linked to the caller's.
    fn forbidden(query: &MetricDataQuery) -> Self {
        let id = query.id.clone().unwrap_or_default();
        Self {
            label: query.label.clone().unwrap_or_else(|| id.clone()),
            id,
            timestamps: Vec::new(),
            values: Vec::new(),
            status_code: "Forbidden",
            messages: vec![Message {
                code: "Forbidden".to_owned(),
                value: "The account is not linked to this account.".to_owned(),
            }],
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ApiError> {
    Err(monitoring::validation_error(message))
}

/// A period that the store can answer.
fn checked_period(seconds: i32) -> Result<u32, ApiError> {
    match u32::try_from(seconds) {
        Ok(seconds) if period::is_valid(seconds) => Ok(seconds),
        _ => refuse(format!(
            "The period {seconds} must be 1, 5, 10, 20, 30 or a multiple of 60."
        )),
    }
}

fn metric_stat(id: &str, stat: &MetricStat) -> Result<planning::MetricStat, ApiError> {
    let metric = stat.metric.as_ref();
    let namespace = metric.and_then(|metric| metric.namespace.as_deref());
    let name = metric.and_then(|metric| metric.metric_name.as_deref());
    let (Some(namespace), Some(name)) = (namespace, name) else {
        return refuse(format!("{id} needs a Namespace and a MetricName."));
    };
    let dimensions = metric.and_then(|metric| metric.dimensions.as_deref());
    let text = stat.stat.as_deref().unwrap_or_default();
    let Ok(statistic) = Statistic::parse(text) else {
        return refuse(format!(
            "The value {text} for parameter Stat is not supported."
        ));
    };
    Ok(planning::MetricStat {
        metric: dimension::metric_id(
            namespace,
            name,
            dimensions.unwrap_or_default(),
            monitoring::validation_error,
        )?,
        period_s: checked_period(stat.period.unwrap_or_default())?,
        statistic,
        unit: stat.unit.as_deref().and_then(Unit::parse),
    })
}

fn planned(query: &MetricDataQuery) -> Result<planning::MetricDataQuery, ApiError> {
    let id = query.id.clone().unwrap_or_default();
    let definition = match (&query.metric_stat, &query.expression) {
        (Some(stat), None) => QueryDefinition::Metric(metric_stat(&id, stat)?),
        (None, Some(text)) => QueryDefinition::Expression {
            text: text.clone(),
            period_s: query.period.map(checked_period).transpose()?,
        },
        _ => {
            return refuse(format!(
                "{id} must have exactly one of MetricStat and Expression."
            ));
        }
    };
    Ok(planning::MetricDataQuery {
        id,
        label: query.label.clone(),
        return_data: query.returns_data(),
        definition,
    })
}

/// `+0130`; the first two digits are hours.
fn label_zone(text: &str) -> Result<FixedOffset, ApiError> {
    let parse = || {
        let (sign, digits) = match text.split_at_checked(1)? {
            ("+", digits) => (1, digits),
            ("-", digits) => (-1, digits),
            _ => return None,
        };
        if digits.len() != 4 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number: i32 = digits.parse().ok()?;
        let (hours, minutes) = (number / 100, number % 100);
        let valid = minutes < 60;
        valid.then(|| FixedOffset::east_opt(sign * (hours * 3_600 + minutes * 60)))?
    };
    parse().ok_or_else(|| {
        monitoring::validation_error(format!(
            "The value {text} for parameter LabelOptions.Timezone is invalid."
        ))
    })
}

impl Input {
    fn range(&self) -> Result<(TimestampMs, TimestampMs), ApiError> {
        let start = self.start_time.unwrap_or_default().ms();
        let end = self.end_time.unwrap_or_default().ms();
        if start >= end {
            return refuse("The parameter StartTime must be less than the parameter EndTime.");
        }
        Ok((start, end))
    }

    fn queries(&self) -> &[MetricDataQuery] {
        self.metric_data_queries.as_deref().unwrap_or_default()
    }
}

impl Operation for GetMetricData {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "GetMetricData";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let (start, end) = input.range()?;
        if input.queries().len() > METRIC_DATA_QUERIES_MAX {
            return refuse(format!(
                "The collection MetricDataQueries must not have a size greater than {METRIC_DATA_QUERIES_MAX}."
            ));
        }
        let unpaged = Input {
            next_token: None,
            ..input.clone()
        };
        let pages = Pages::new(services, call, Self::NAME, &unpaged);
        let token = input.next_token.as_deref();
        let after: Option<DatapointCursor> = pages
            .open(token)?
            .map(|cursor| cursor.parse())
            .transpose()
            .map_err(|_| monitoring::invalid_next_token(token.unwrap_or_default()))?;
        let is_foreign = |query: &MetricDataQuery| {
            let account = query.account_id.as_deref();
            account.is_some_and(|account| account != &*call.tenant.account)
        };
        let own = input.queries().iter().filter(|query| !is_foreign(query));
        let zone = input.label_options.as_ref();
        let zone = zone.and_then(|options| options.timezone.as_deref());
        let max_datapoints = input
            .max_datapoints
            .and_then(|most| usize::try_from(most).ok());
        let request = planning::MetricDataRequest {
            queries: own.map(planned).collect::<Result<_, _>>()?,
            start,
            end,
            scan_by: match input.scan_by.as_deref() {
                Some("TimestampAscending") => ScanBy::TimestampAscending,
                _ => ScanBy::TimestampDescending,
            },
            max_datapoints: max_datapoints.unwrap_or(METRIC_DATA_DATAPOINTS_MAX),
            after,
            label_zone: zone.map(label_zone).transpose()?,
        };
        let answered =
            planning::get_metric_data(&services.metrics, &call.tenant, &request, call.now);
        let response = answered.await.map_err(fail)?;
        let next = response.next.map(|cursor| pages.seal(&cursor.to_string()));
        let mut results = VecDeque::from(response.results);
        let mut ordered = Vec::with_capacity(results.len());
        for query in input.queries() {
            if is_foreign(query) && query.returns_data() && after.is_none() {
                ordered.push(MetricDataResult::forbidden(query));
            }
            let of_query =
                |result: &planning::MetricDataResult| Some(&result.id) == query.id.as_ref();
            while let Some(result) = results.pop_front_if(|result| of_query(result)) {
                ordered.push(MetricDataResult::from(result));
            }
        }
        Ok(Output {
            metric_data_results: ordered,
            next_token: next,
            messages: Vec::new(),
        })
    }
}
