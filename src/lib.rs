//! Belfry: a self-hosted, wire-compatible Amazon CloudWatch in one binary.
//!
//! This package assembles the others: [`node`] opens the stores and starts the server, [`cli`]
//! is the command line. Tests start a node in their own process.

pub mod cli;
pub mod node;
