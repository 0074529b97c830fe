//! `belfry env`: `eval "$(belfry env --data-dir DIR)"` points AWS clients at the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use belfry_model::tenant::DEFAULT_ACCOUNT;
use belfry_server::data_dir::read_credentials;

use super::Failure;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The server's data directory, which holds the root key
    #[arg(long, env = "BELFRY_DATA_DIR")]
    data_dir: PathBuf,
    /// Where the server listens
    #[arg(long, default_value = "127.0.0.1:2355", env = "BELFRY_LISTEN")]
    listen: SocketAddr,
    /// The region to work in
    #[arg(long, default_value = "us-east-1")]
    region: String,
}

pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let credentials = read_credentials(&args.data_dir, DEFAULT_ACCOUNT)?;
    let key = credentials
        .default_key()
        .ok_or("the credentials file has no profile default")?;
    for (name, value) in [
        (
            "AWS_ENDPOINT_URL",
            format!("http://{}", args.listen).as_str(),
        ),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_DEFAULT_REGION", &args.region),
        ("AWS_REGION", &args.region),
        // StartLiveTail would put `stream-` before the host, which loopback cannot resolve.
        ("AWS_DISABLE_HOST_PREFIX_INJECTION", "true"),
    ] {
        println!("export {name}={}", quoted(value));
    }
    Ok(ExitCode::SUCCESS)
}

/// For a POSIX shell: in single quotes unless nothing in it is special.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        assert_eq!(quoted("http://127.0.0.1:2355"), "http://127.0.0.1:2355");
        assert_eq!(quoted("a'b c"), r"'a'\''b c'");
        assert_eq!(quoted(""), "''");
    }
}
