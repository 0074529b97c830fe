//! AWS Signature Version 4 (spec wire-protocols.md 7): verifying, and signing for tests and
//! tools.

mod credential;

pub use credential::Credential;
