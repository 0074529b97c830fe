//! The command line: one file for each subcommand, and `table`, which prints for them.

mod check;
mod env;
mod query;
mod serve;
mod table;
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
        eprintln!("belfry: {}", told(&*failure));
        ExitCode::FAILURE
    })
}

/// The failure and its causes. Our own errors end with their cause already, those of libraries
/// mostly leave it to the reader: each is told once.
fn told(failure: &dyn std::error::Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.ends_with(&why) {
            text.push_str(&format!(": {why}"));
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fmt;
    use std::io;

    use belfry_server::config::ConfigError;

    use super::*;

    /// Leaves its cause to [`Error::source`].
    #[derive(Debug)]
    struct Silent(io::Error);

    impl fmt::Display for Silent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no answer")
        }
    }

    impl Error for Silent {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let refused = ConfigError::Io {
            path: "belfry.toml".into(),
            source: io::Error::other("disk on fire"),
        };
        assert_eq!(told(&refused), "cannot read belfry.toml: disk on fire");
        let silent = Silent(io::Error::other("connection refused"));
        assert_eq!(told(&silent), "no answer: connection refused");
    }
}
