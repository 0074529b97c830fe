//! The operations of SNS, called as clients do.

mod tags;

use crate::testing::Server;
