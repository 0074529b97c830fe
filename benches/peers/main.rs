//! End to end on loopback: how fast a real server takes metrics and logs over its AWS API, what
//! that costs, and how fast it answers.
//!
//! Requests are built and signed before the clock starts, and sent over a few keep-alive
//! connections, closed loop. CPU is user and system time of the server process, memory its
//! high-water mark, disk what its data directory holds once it is idle. Each step prints one JSON
//! object a line. See docs/benchmarks.md for the commands and what they gave.
//!
//! ```text
//! cargo bench --bench peers -- metrics --hosts 1000 --steps 120
//! cargo bench --bench peers -- --config benches/peers/raw_metrics.toml metrics --hosts 1000 \
//!     --steps 4320 --step-s 10 --wait-s 75
//! cargo bench --bench peers -- logs --lines events.jsonl
//! ```
//!
//! With `--victoria-metrics BINARY` or `--victoria-logs BINARY` that peer takes the same data in the
//! same run, by its own protocol, and is asked the same questions; then the figures are compared.
//! `events.jsonl` must then have the fields that the questions are about.

mod api;
mod logs;
mod metrics;
mod process;
mod report;
mod sending;
mod server;
mod victoria;
mod victoria_logs;
mod victoria_metrics;
mod walk;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::server::Server;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// `cargo bench` passes this
    #[arg(long, hide = true, global = true)]
    bench: bool,
    /// The server under test
    #[arg(long, default_value = "target/release/belfry", global = true)]
    binary: PathBuf,
    /// The server's configuration file
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Keep-alive connections
    #[arg(long, default_value_t = 4, global = true)]
    connections: usize,
    /// Where the server's data goes; default: a directory that is deleted afterwards
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// PutMetricData x 1,000, then GetMetricData
    Metrics(metrics::Args),
    /// PutLogEvents x 1,000, then FilterLogEvents and Logs Insights
    Logs(logs::Args),
}

fn main() -> Result<(), Failure> {
    let cli = Cli::parse();
    let Some(command) = cli.command else {
        // `cargo bench` without arguments starts every bench: this one takes minutes and gigabytes.
        println!("peers: say what to measure, see cargo bench --bench peers -- --help");
        return Ok(());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let connections = cli.connections;
    runtime.block_on(async {
        let mut server = Server::start(&cli.binary, cli.data_dir.as_deref(), cli.config).await?;
        match &command {
            Command::Metrics(args) => {
                let window = args.window();
                let ours = metrics::run(args, window, &mut server, connections).await?;
                drop(server);
                if let Some(binary) = &args.victoria_metrics {
                    let theirs = victoria_metrics::run(args, window, binary, connections).await?;
                    ours.compare(&theirs);
                }
            }
            Command::Logs(args) => {
                let ours = logs::run(args, &mut server, connections).await?;
                drop(server);
                if let Some(binary) = &args.victoria_logs {
                    let theirs = victoria_logs::run(args, binary, connections).await?;
                    ours.compare(&theirs);
                }
            }
        }
        Ok(())
    })
}
