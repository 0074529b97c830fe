//! What the tests of the operations share: a server, and requests in every protocol.

mod request;
mod server;

pub use request::{PROTOCOLS, Request};
pub use server::{START, Server};
