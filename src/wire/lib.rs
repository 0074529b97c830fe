//! Between HTTP's bytes and the typed inputs and outputs of operations: routing, the codecs of
//! five protocols, errors, constraints and signatures.
//!
//! Knows no HTTP library: a server hands in a [`RequestHead`] and a body and sends the
//! [`Response`] it gets. The steps, each its own function:
//!
//! 1. [`route::dialect`]: the caller's protocol from the head alone, for early refusals.
//! 2. [`sigv4`]: who asks, verified over the bytes as received.
//! 3. [`body::inflate`], then [`route::route`]: the operation.
//! 4. [`Input::decode`] into a plain serde structure, [`constraints::check`] against its
//!    declared limits.
//! 5. [`encode()`] or [`encode_error`]: the answer in the caller's protocol.
//!
//! Guarantees: no input makes it panic, recurse without bound or hold more than a small multiple
//! of the body; whatever cannot be read is answered with a 4xx in the caller's own protocol; the
//! same request through Query, JSON and CBOR decodes to the same value.
//!
//! | file | what |
//! |---|---|
//! | `message` | [`RequestHead`], [`Response`] |
//! | `protocol`, `service` | [`Protocol`], [`Dialect`], [`Service`] and its names |
//! | `operations/` | every operation of AWS's, by name |
//! | `route` | a request's service and operation |
//! | `body` | size limits, gzip |
//! | `decode/` | [`Input`]: form fields, JSON and CBOR as serde sources |
//! | `encode/` | XML, JSON and CBOR answers |
//! | `timestamp`, `blob` | the two types that each protocol writes differently |
//! | `errors/` | [`ApiError`] and one constructor per error of each service |
//! | `constraints` | declared limits with AWS's texts |
//! | `sigv4/` | signatures |

mod blob;
pub mod body;
pub mod constraints;
mod decode;
mod encode;
pub mod errors;
mod message;
pub mod operations;
mod protocol;
pub mod route;
mod service;
pub mod sigv4;
mod timestamp;

pub use blob::Blob;
pub use constraints::{Constrained, Constraints};
pub use decode::{DecodeError, Field, Form, Input};
pub use encode::{Empty, encode, encode_error};
pub use errors::ApiError;
pub use message::{RequestHead, Response};
pub use operations::Operation;
pub use protocol::{Dialect, Protocol};
pub use route::{Call, Rejection, Route};
pub use service::Service;
pub use timestamp::Timestamp;
