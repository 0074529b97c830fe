//! From the body of a request to the input structure of its operation.

#[macro_use]
mod shapes;

mod budget;
mod cbor;
mod cbor_header;
mod error;
mod form;
mod json;
mod query;

use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed};

pub use error::DecodeError;
pub use form::{Field, Form};

use crate::errors::{ApiError, framework};

/// The undecoded input of a routed request, its body inflated.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Query: the fields of the body and of the query string.
    Form(Form<'a>),
    /// All JSON protocols.
    Json(&'a [u8]),
    Cbor(&'a [u8]),
}

impl<'a> Input<'a> {
    /// Decodes a plain serde structure: `rename_all` as the model spells its members, `Option`
    /// for every optional member, [`crate::Timestamp`] and [`crate::Blob`] for those types.
    /// Unknown members are passed over; `null` is absent.
    ///
    /// Enumerations are best read as `String` and declared with
    /// [`crate::constraints::Member::one_of`], which gives AWS's text. `flatten` and untagged
    /// enums do not work: they ask a form, where all scalars are text, for its types.
    ///
    /// # Errors
    /// 400, naming the member at fault.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        self.decode_seed(PhantomData)
    }

    /// Decodes by a seed of the caller's, for operations that read straight into columns. The
    /// seed may borrow text from the body.
    ///
    /// # Errors
    /// 400, naming the member at fault.
    pub fn decode_seed<S: DeserializeSeed<'a>>(&self, seed: S) -> Result<S::Value, ApiError> {
        match self {
            Self::Form(form) => query::decode(form, seed),
            Self::Json(body) => json::decode(body, seed),
            Self::Cbor(body) => cbor::decode(body, seed),
        }
        .map_err(|error| framework::serialization(error.to_string()))
    }
}
