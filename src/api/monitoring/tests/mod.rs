//! The operations of CloudWatch, called through every protocol.

mod alarms;
mod dashboards;
mod datum_decoders;
mod metrics;
mod protocols;
mod request;
mod server;
mod tags;

use request::{PROTOCOLS, Request};
use server::Server;
