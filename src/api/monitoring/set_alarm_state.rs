//! SetAlarmState.

use belfry_alarm::Error;
use belfry_model::alarm::AlarmState;
use belfry_wire::errors::monitoring;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct SetAlarmState;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub alarm_name: Option<String>,
    pub state_value: Option<String>,
    pub state_reason: Option<String>,
    pub state_reason_data: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("AlarmName", &self.alarm_name)
            .required()
            .length(1..=255);
        c.member("StateValue", &self.state_value)
            .required()
            .one_of(limits::STATES);
        c.member("StateReason", &self.state_reason)
            .required()
            .length(..=1_023);
        c.member("StateReasonData", &self.state_reason_data)
            .length(..=4_000);
    }
}

impl Operation for SetAlarmState {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "SetAlarmState";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let state = input.state_value.as_deref().and_then(AlarmState::parse);
        let set = services.alarms.set_alarm_state(
            &call.tenant,
            input.alarm_name.as_deref().unwrap_or_default(),
            // The constraints let no other value pass.
            state.unwrap_or(AlarmState::InsufficientData),
            input.state_reason.unwrap_or_default(),
            input.state_reason_data,
        );
        match set.await {
            Ok(()) => Ok(Empty {}),
            Err(Error::NoSuchAlarm { .. }) => Err(monitoring::alarm_not_found()),
            // Without a message, as observed (spec alarms.md 7).
            Err(Error::ReasonDataNotJson { .. }) => {
                Err(monitoring::invalid_format("").without_message())
            }
            Err(error) => Err(fail(error)),
        }
    }
}
