//! The operations of CloudWatch, called through every protocol.

mod alarms;
mod dashboards;
mod datum_decoders;
mod metrics;
mod protocols;
mod tags;

use crate::tests::{PROTOCOLS, Request, Server};
