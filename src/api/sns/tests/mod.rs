//! The operations of SNS, called as clients do.

mod pages;
mod tags;

use crate::tests::Server;
