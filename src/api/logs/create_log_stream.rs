//! CreateLogStream.

use belfry_catalog::Error;
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Service};
use serde::Deserialize;

use super::{fail, limits, resolve};
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct CreateLogStream;

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

impl Operation for CreateLogStream {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "CreateLogStream";
    type Input = Input;
    type Output = Empty;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Empty, ApiError> {
        let group_name = input.log_group_name.unwrap_or_default();
        let stream_name = input.log_stream_name.unwrap_or_default();
        let group = resolve::log_group(services, call, &group_name).await?;
        let created = services
            .catalog
            .create_log_stream(group.id, &stream_name, call.now)
            .await;
        match created {
            Ok(_) => Ok(Empty {}),
            Err(Error::AlreadyExists { .. }) => Err(logs::log_stream_already_exists()),
            Err(Error::NotFound { .. }) => Err(logs::log_group_not_found()),
            Err(error) => Err(fail(error)),
        }
    }
}
