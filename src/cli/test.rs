//! `belfry test FILE...`: cases through the same code as the server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::Failure;
use crate::cases::{self, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// JSON Lines, one case a line; see docs/cases.md
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (mut passed, mut failed) = (0, 0);
    let mut unsupported: BTreeMap<String, usize> = BTreeMap::new();
    for path in &args.files {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let (name, outcome) = runtime.block_on(cases::run(line));
            match outcome {
                Outcome::Passed => passed += 1,
                Outcome::Failed(difference) => {
                    failed += 1;
                    println!("{}:{}: {name}", path.display(), number + 1);
                    for line in difference.lines() {
                        println!("    {line}");
                    }
                }
                Outcome::Unsupported(what) => *unsupported.entry(what).or_default() += 1,
            }
        }
    }
    if !unsupported.is_empty() {
        let count: usize = unsupported.values().sum();
        println!("not supported yet: {count}");
        for (what, count) in &unsupported {
            println!("    {count:4}  {what}");
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
