//! DescribeAlarmHistory.

use belfry_catalog::Error;
use belfry_catalog::alarms::{AlarmHistoryItem, HistoryFilter, HistoryItemType};
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Service, Timestamp};
use serde::{Deserialize, Serialize};

use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

/// Items of a page when MaxRecords does not say: the most there can be.
const PAGE_DEFAULT: usize = 100;
const ITEM_TYPES: &[&str] = &[
    "ConfigurationUpdate",
    "StateUpdate",
    "Action",
    "AlarmContributorStateUpdate",
    "AlarmContributorAction",
];

pub struct DescribeAlarmHistory;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub alarm_name: Option<String>,
    pub alarm_contributor_id: Option<String>,
    pub alarm_types: Option<Vec<String>>,
    pub history_item_type: Option<String>,
    pub start_date: Option<Timestamp>,
    pub end_date: Option<Timestamp>,
    pub max_records: Option<i32>,
    pub next_token: Option<String>,
    pub scan_by: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::alarm_name(c, "AlarmName", &self.alarm_name);
        c.member("AlarmContributorId", &self.alarm_contributor_id)
            .length(1..=16);
        limits::alarm_types(c, &self.alarm_types);
        c.member("HistoryItemType", &self.history_item_type)
            .one_of(ITEM_TYPES);
        limits::max_records(c, &self.max_records);
        c.member("ScanBy", &self.scan_by).one_of(limits::SCAN_BY);
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub alarm_history_items: Vec<HistoryItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryItem {
    pub alarm_name: String,
    pub alarm_type: String,
    pub timestamp: Timestamp,
    pub history_item_type: &'static str,
    pub history_summary: String,
    pub history_data: String,
}

impl From<AlarmHistoryItem> for HistoryItem {
    fn from(item: AlarmHistoryItem) -> Self {
        Self {
            alarm_name: item.alarm_name,
            alarm_type: item.alarm_type,
            timestamp: item.timestamp.into(),
            history_item_type: item.item_type.as_str(),
            history_summary: item.summary,
            history_data: item.data,
        }
    }
}

impl Input {
    /// `None` if nothing can match: contributors have no history here yet.
    fn filter(&self) -> Option<HistoryFilter> {
        let item_type = match &self.history_item_type {
            Some(text) => Some(HistoryItemType::parse(text)?),
            None => None,
        };
        if self.alarm_contributor_id.is_some() {
            return None;
        }
        let mut alarm_types = self.alarm_types.clone().unwrap_or_default();
        if alarm_types.is_empty() {
            alarm_types.push("MetricAlarm".to_owned());
        }
        Some(HistoryFilter {
            alarm_name: self.alarm_name.clone(),
            alarm_types,
            item_type,
            start: self.start_date.map(Timestamp::ms),
            end: self.end_date.map(Timestamp::ms),
            ascending: self.scan_by.as_deref() == Some("TimestampAscending"),
        })
    }
}

impl Operation for DescribeAlarmHistory {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "DescribeAlarmHistory";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let unpaged = Input {
            max_records: None,
            next_token: None,
            ..input.clone()
        };
        let pages = Pages::new(services, call, Self::NAME, &unpaged);
        let after = pages.open(input.next_token.as_deref())?;
        let Some(filter) = input.filter() else {
            return Ok(Output::default());
        };
        let limit = page_size(input.max_records, PAGE_DEFAULT);
        let listed = services
            .catalog
            .alarm_history(&call.tenant, &filter, after.as_deref(), limit)
            .await;
        let page = match listed {
            Ok(page) => page,
            Err(Error::InvalidCursor { .. }) => {
                let token = input.next_token.as_deref().unwrap_or_default();
                return Err(monitoring::invalid_next_token(token));
            }
            Err(error) => return Err(fail(error)),
        };
        Ok(Output {
            alarm_history_items: page.items.into_iter().map(HistoryItem::from).collect(),
            next_token: pages.next(page.next_after),
        })
    }
}
