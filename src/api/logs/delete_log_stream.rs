//! DeleteLogStream: the stream and its events.

use belfry_model::{Classified, StatusClass};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct DeleteLogStream;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_group_name: Option<String>,
    pub log_stream_name: Option<String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        limits::log_group_name(c, &self.log_group_name);
        limits::log_stream_name(c, &self.log_stream_name);
    }
}

impl Operation for DeleteLogStream {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "DeleteLogStream";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let group_name = input.log_group_name.unwrap_or_default();
        let stream_name = input.log_stream_name.unwrap_or_default();
        let group = resolve::log_group(services, call, &group_name).await?;
        match services.logs.delete_log_stream(&group, &stream_name).await {
            Ok(_) => Ok(Empty {}),
            Err(error) if error.class() == StatusClass::NotFound => {
                Err(logs::log_stream_not_found())
            }
            Err(error) => Err(fail(error)),
        }
    }
}
