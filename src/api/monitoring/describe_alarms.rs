//! DescribeAlarms.

use belfry_catalog::alarms::AlarmFilter;
use belfry_model::alarm::AlarmState;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::metric_alarm::MetricAlarm;
use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::pages::{Pages, page_size};
use crate::services::Services;

/// Items of a page when MaxRecords does not say (spec alarms.md 21).
const PAGE_DEFAULT: usize = 50;

pub struct DescribeAlarms;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub alarm_names: Option<Vec<String>>,
    pub alarm_name_prefix: Option<String>,
    pub alarm_types: Option<Vec<String>>,
    pub children_of_alarm_name: Option<String>,
    pub parents_of_alarm_name: Option<String>,
    pub state_value: Option<String>,
    pub action_prefix: Option<String>,
    pub max_records: Option<i32>,
    pub next_token: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::alarm_names(c, &self.alarm_names);
        limits::alarm_name(c, "AlarmNamePrefix", &self.alarm_name_prefix);
        limits::alarm_types(c, &self.alarm_types);
        limits::alarm_name(c, "ChildrenOfAlarmName", &self.children_of_alarm_name);
        limits::alarm_name(c, "ParentsOfAlarmName", &self.parents_of_alarm_name);
        c.member("StateValue", &self.state_value)
            .one_of(limits::STATES);
        c.member("ActionPrefix", &self.action_prefix)
            .length(1..=1_024);
        limits::max_records(c, &self.max_records);
    }
}

/// All three lists are always there (spec alarms.md 21).
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    /// No alarm of that kind can be made yet.
    pub composite_alarms: Vec<Empty>,
    pub metric_alarms: Vec<MetricAlarm>,
    /// No alarm of that kind can be made yet.
    pub log_alarms: Vec<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl Input {
    /// What decides which alarms are listed, whatever page of them.
    fn without_paging(&self) -> Self {
        Self {
            max_records: None,
            next_token: None,
            ..self.clone()
        }
    }

    /// # Errors
    /// ValidationError for parameters that exclude each other.
    fn check_combination(&self) -> Result<(), ApiError> {
        if has_any(&self.alarm_names) && self.alarm_name_prefix.is_some() {
            return Err(monitoring::validation_error(
                "AlarmNames and AlarmNamePrefix are mutually exclusive",
            ));
        }
        let relatives = [
            ("ChildrenOfAlarmName", &self.children_of_alarm_name),
            ("ParentsOfAlarmName", &self.parents_of_alarm_name),
        ];
        for (member, name) in relatives {
            let alone = Self {
                children_of_alarm_name: None,
                parents_of_alarm_name: None,
                ..self.without_paging()
            };
            let both = relatives.iter().all(|(_, name)| name.is_some());
            if name.is_some() && (both || alone != Self::default()) {
                return Err(monitoring::validation_error(format!(
                    "{member} cannot be combined with other parameters than MaxRecords and NextToken"
                )));
            }
        }
        Ok(())
    }

    /// Without a list of types only metric alarms are meant.
    fn wants_metric_alarms(&self) -> bool {
        let types = self.alarm_types.as_deref().unwrap_or_default();
        types.is_empty() || types.iter().any(|kind| kind == "MetricAlarm")
    }
}

fn has_any(names: &Option<Vec<String>>) -> bool {
    names.as_ref().is_some_and(|names| !names.is_empty())
}

impl Operation for DescribeAlarms {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "DescribeAlarms";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        input.check_combination()?;
        let pages = Pages::new(services, call, Self::NAME, &input.without_paging());
        let after = pages.open(input.next_token.as_deref())?;
        let of_relatives =
            input.children_of_alarm_name.is_some() || input.parents_of_alarm_name.is_some();
        // Only composite alarms have children, and only their children have parents.
        if of_relatives || !input.wants_metric_alarms() {
            return Ok(Output::default());
        }
        let filter = AlarmFilter {
            names: input.alarm_names.unwrap_or_default(),
            prefix: input.alarm_name_prefix,
            state: input.state_value.as_deref().and_then(AlarmState::parse),
            action_prefix: input.action_prefix,
        };
        let limit = page_size(input.max_records, PAGE_DEFAULT);
        let page = services
            .catalog
            .alarms(&call.tenant, &filter, after.as_deref(), limit)
            .await
            .map_err(fail)?;
        Ok(Output {
            metric_alarms: page.items.into_iter().map(MetricAlarm::of).collect(),
            next_token: pages.next(page.next_after),
            ..Output::default()
        })
    }
}
