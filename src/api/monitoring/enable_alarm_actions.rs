//! EnableAlarmActions.

use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::{Deserialize, Serialize};

use super::{fail, limits};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct EnableAlarmActions;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub alarm_names: Option<Vec<String>>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("AlarmNames", &self.alarm_names).required();
        limits::alarm_names(c, &self.alarm_names);
    }
}

impl Operation for EnableAlarmActions {
    const SERVICE: Service = Service::Monitoring;
    const NAME: &'static str = "EnableAlarmActions";
    type Input = Input;
    type Output = Empty;

    /// Names of no alarm are passed over (spec alarms.md 7).
    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let names = input.alarm_names.unwrap_or_default();
        services
            .alarms
            .set_actions_enabled(&call.tenant, &names, true)
            .await
            .map_err(fail)?;
        Ok(Empty {})
    }
}
