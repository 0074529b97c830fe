//! Belfry: a self-hosted, wire-compatible Amazon CloudWatch in one binary.
//!
//! This package assembles the others: [`node`] opens the stores and starts the server, [`cli`]
//! is the command line, [`cases`] runs users' cases. Tests start a node in their own process.

pub mod cases;
pub mod cli;
pub mod node;
