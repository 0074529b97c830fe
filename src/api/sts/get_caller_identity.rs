//! GetCallerIdentity: account and ARN behind an access key.

use belfry_wire::Service;
use belfry_wire::constraints::{Constrained, Constraints};
use belfry_wire::errors::ApiError;
use serde::{Deserialize, Serialize};

use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct GetCallerIdentity;

#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct Input {}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub user_id: String,
    pub account: String,
    pub arn: String,
}

impl Constrained for Input {
    fn check(&self, _: &mut Constraints) {}
}

impl Operation for GetCallerIdentity {
    const SERVICE: Service = Service::Sts;
    const NAME: &'static str = "GetCallerIdentity";
    type Input = Input;
    type Output = Output;

    async fn call(_: &Services, call: &Call, _: Input) -> Result<Output, ApiError> {
        let account = call.tenant.account.to_string();
        Ok(Output {
            user_id: account.clone(),
            arn: format!("arn:aws:iam::{account}:root"),
            account,
        })
    }
}
