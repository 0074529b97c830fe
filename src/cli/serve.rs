//! `belfry serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use belfry_model::TimestampMs;
use belfry_model::tenant::is_account_id;
use belfry_server::auth::AuthMode;
use belfry_server::config::Config;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::node::{Node, NodeOptions};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where everything is kept; created if missing
    #[arg(long, env = "BELFRY_DATA_DIR")]
    data_dir: PathBuf,
    /// Address and port of every service
    #[arg(long, default_value = "127.0.0.1:2355", env = "BELFRY_LISTEN")]
    listen: SocketAddr,
    /// Whether signatures are checked; `none` is accepted on loopback addresses only
    #[arg(long, value_enum, default_value = "sigv4", env = "BELFRY_AUTH")]
    auth: Auth,
    /// The 12-digit account of the root key, 000000000000 unless the data directory has one
    #[arg(long, value_parser = account, env = "BELFRY_ACCOUNT")]
    account: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, env = "BELFRY_CONFIG")]
    config: Option<PathBuf>,
    /// Start on a virtual clock that stands still until told (POST /_belfry/clock); loopback only
    #[arg(long, value_parser = time, value_name = "TIME")]
    test_clock: Option<TimestampMs>,
    /// Start although a write-ahead log lacks records; they are lost then
    #[arg(long)]
    accept_lost_records: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Auth {
    Sigv4,
    None,
}

fn account(text: &str) -> Result<String, String> {
    is_account_id(text)
        .then(|| text.to_owned())
        .ok_or_else(|| "an account is 12 digits".to_owned())
}

fn time(text: &str) -> Result<TimestampMs, String> {
    TimestampMs::parse_iso8601(text)
        .ok_or_else(|| "expected a time such as 2026-03-01T00:00:00Z".to_owned())
}

pub fn run(args: Args) -> Result<ExitCode, Failure> {
    let filter = EnvFilter::try_from_env("BELFRY_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    let config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let options = NodeOptions {
        data_dir: args.data_dir,
        listen: args.listen,
        auth: match args.auth {
            Auth::Sigv4 => AuthMode::SigV4,
            Auth::None => AuthMode::None,
        },
        account: args.account,
        config,
        test_clock: args.test_clock,
        accept_lost_records: args.accept_lost_records,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(options))?;
    // Blocking work that is still running holds nothing that a restart needs.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: NodeOptions) -> Result<(), Failure> {
    let data_dir = options.data_dir.clone();
    let auth = options.auth;
    let node = Node::start(options).await?;
    println!("belfry is listening on http://{}", node.local_addr());
    if matches!(auth, AuthMode::SigV4) {
        println!(
            "to point an AWS client here: eval \"$(belfry env --data-dir {} --listen {})\"",
            data_dir.display(),
            node.local_addr()
        );
    }
    stop_signal().await?;
    tracing::info!("stopping");
    node.stop().await;
    Ok(())
}

async fn stop_signal() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
