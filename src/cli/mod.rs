//! The command line: one file for each subcommand.

mod check;
mod env;
mod query;
mod serve;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A self-hosted, wire-compatible Amazon CloudWatch: metrics, logs, alarms and notifications.
#[derive(Debug, Parser)]
#[command(name = "belfry", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::Args),
    /// Print the exports that point an AWS client at a server
    Env(env::Args),
    /// Run a Logs Insights query against a server and print the rows
    Query(query::Args),
    /// Run JSON Lines cases through the same code as the server
    Test(test::Args),
    /// Verify every object, checksum and catalog row of a data directory
    Check(check::Args),
}

/// Why a command failed, for a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command; a failure is printed and ends with a non-zero status.
pub fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Env(args) => env::run(&args),
        Command::Query(args) => query::run(args),
        Command::Test(args) => test::run(&args),
        Command::Check(args) => check::run(&args),
    };
    outcome.unwrap_or_else(|failure| {
        let mut text = format!("belfry: {failure}");
        let mut cause = failure.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        eprintln!("{text}");
        ExitCode::FAILURE
    })
}
