//! AWS Signature Version 4 (spec wire-protocols.md 7): verifying requests, and signing them for
//! tests and tools.
//!
//! | file | what |
//! |---|---|
//! | `credential` | the scope a request claims |
//! | `claim` | all that a request's signature consists of, header or presigned form |
//! | `canonical` | the text that is signed |
//! | `key` | signing keys and their cache |
//! | `verifier` | [`Verifier`]: who asks |
//! | `signer` | [`Signer`] |
//! | `error` | [`AuthError`] and its names per protocol |

mod canonical;
mod claim;
mod credential;
mod error;
mod key;
mod signer;
mod verifier;

pub use credential::Credential;
pub use error::AuthError;
pub use signer::Signer;
pub use verifier::{AccessKey, AccessKeys, Principal, Verifier};

/// The only algorithm accepted; SigV4a is refused.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// `20260115T120000Z`.
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";
