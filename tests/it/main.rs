//! Everything that is tested from outside, in one binary (one link).

// Tests say what they expect by failing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod check;
mod compatibility;
mod configuration;
mod crash;
mod front;
mod live;
mod process;
mod seeds;
mod shipped;
mod start;
mod tidy;
