//! Everything that is tested from outside, in one binary (one link).

mod crash;
mod tidy;
