//! The `belfry` command: reads the arguments, calls the library, prints what went wrong.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    belfry::cli::run(belfry::cli::Cli::parse())
}
