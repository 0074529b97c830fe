//! What an AWS operation is here: typed input, declared constraints, a call, typed output.
//!
//! One file each, in the folder of its service. The codec of the caller's protocol stands
//! before and after, so that an operation never knows in which protocol it was asked.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use belfry_model::{Tenant, TimestampMs};
use belfry_wire::constraints::{Constrained, check};
use belfry_wire::errors::ApiError;
use belfry_wire::{Dialect, Input, Response, Service, encode, operations};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::services::Services;

/// Who asks, when, and how.
#[derive(Clone, Debug)]
pub struct Call {
    pub tenant: Tenant,
    pub now: TimestampMs,
    pub request_id: String,
    /// The caller's protocol, for the answer.
    pub dialect: Dialect,
    /// The SDK's `amz-sdk-invocation-id`, the same on each retry of one call.
    pub invocation: Option<String>,
    /// The ARN of the caller, once its signature is verified; `None` for an unsigned request.
    pub principal: Option<String>,
}

impl Call {
    pub const fn is_signed(&self) -> bool {
        self.principal.is_some()
    }
}

/// One operation of one service.
pub trait Operation: Send + Sync + 'static {
    const SERVICE: Service;
    const NAME: &'static str;
    /// Members as the model names them (serde `rename_all`), optional ones as `Option`.
    type Input: DeserializeOwned + Constrained + Send;
    type Output: Serialize + Send;

    /// Runs after the constraints of the input hold.
    fn call(
        services: &Services,
        call: &Call,
        input: Self::Input,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send;
}

type Handled<'a> = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send + 'a>>;

/// An operation with its types hidden, as tables hold it.
pub trait Handler: Send + Sync {
    fn service(&self) -> Service;
    fn name(&self) -> &'static str;
    /// Decodes, checks, calls and encodes.
    fn handle<'a>(
        &'a self,
        services: &'a Services,
        call: &'a Call,
        input: Input<'a>,
    ) -> Handled<'a>;
}

/// Makes a [`Handler`] of an [`Operation`].
pub struct Typed<O>(PhantomData<fn() -> O>);

impl<O: Operation> Typed<O> {
    pub const NEW: Self = Self(PhantomData);
}

impl<O: Operation> Handler for Typed<O> {
    fn service(&self) -> Service {
        O::SERVICE
    }

    fn name(&self) -> &'static str {
        O::NAME
    }

    fn handle<'a>(
        &'a self,
        services: &'a Services,
        call: &'a Call,
        input: Input<'a>,
    ) -> Handled<'a> {
        Box::pin(async move {
            let input: O::Input = input.decode()?;
            check(O::SERVICE, &input)?;
            let output = O::call(services, call, input).await?;
            Ok(answer::<O>(call, &output))
        })
    }
}

/// Encodes an operation's output in the caller's protocol.
pub fn answer<O: Operation>(call: &Call, output: &O::Output) -> Response {
    match operations::find(O::SERVICE, O::NAME) {
        Some(operation) => encode(call.dialect, operation, &call.request_id, output),
        None => belfry_wire::encode_error(
            call.dialect,
            &call.request_id,
            &belfry_wire::errors::internal(O::SERVICE, "operation is not declared"),
        ),
    }
}
