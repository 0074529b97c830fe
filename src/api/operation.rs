//! What an AWS operation is here: typed input, declared constraints, a call, typed output.
//!
//! One file each, in the folder of its service. The codec of the caller's protocol stands
//! before and after, so that an operation never knows in which protocol it was asked.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use belfry_model::{Tenant, TimestampMs};
use belfry_wire::constraints::{Constrained, check};
use belfry_wire::errors::{self, ApiError};
use belfry_wire::{Dialect, Input, Response, Service, encode, encode_error, operations};
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
    /// Names the call: the same on each attempt of it (`amz-sdk-invocation-id` and the bytes
    /// sent), and on no attempt of another.
    pub invocation: Option<String>,
    /// The ARN of the caller, once its signature is verified; `None` for an unsigned request.
    pub principal: Option<String>,
}

impl Call {
    pub const fn is_signed(&self) -> bool {
        self.principal.is_some()
    }

    /// Encodes the output of `operation` in the caller's protocol.
    pub fn answer<T: Serialize>(&self, service: Service, operation: &str, output: &T) -> Response {
        match operations::find(service, operation) {
            Some(operation) => encode(self.dialect, operation, &self.request_id, output),
            None => {
                let error = errors::internal(service, "operation is not declared");
                encode_error(self.dialect, &self.request_id, &error)
            }
        }
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

    /// What becomes of the output once `response` is made of it.
    fn finish(_output: Self::Output, response: Response) -> Response {
        response
    }
}

/// What a handler is doing.
pub type Handled<'a> = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send + 'a>>;

/// An operation with its types hidden, as tables hold it.
pub trait Handler: Send + Sync {
    fn service(&self) -> Service;
    fn name(&self) -> &'static str;
    /// Decodes and checks what the request alone tells, and calls nothing.
    ///
    /// # Errors
    /// The refusal that [`Handler::handle`] would answer.
    fn examine(&self, input: &Input<'_>, now: TimestampMs) -> Result<(), ApiError>;
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

fn decode_checked<O: Operation>(input: &Input<'_>) -> Result<O::Input, ApiError> {
    let input: O::Input = input.decode()?;
    check(O::SERVICE, &input)?;
    Ok(input)
}

impl<O: Operation> Handler for Typed<O> {
    fn service(&self) -> Service {
        O::SERVICE
    }

    fn name(&self) -> &'static str {
        O::NAME
    }

    fn examine(&self, input: &Input<'_>, _now: TimestampMs) -> Result<(), ApiError> {
        decode_checked::<O>(input).map(drop)
    }

    fn handle<'a>(
        &'a self,
        services: &'a Services,
        call: &'a Call,
        input: Input<'a>,
    ) -> Handled<'a> {
        Box::pin(async move {
            let input = decode_checked::<O>(&input)?;
            let output = O::call(services, call, input).await?;
            let response = call.answer(O::SERVICE, O::NAME, &output);
            Ok(O::finish(output, response))
        })
    }
}
