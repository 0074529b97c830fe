//! Kills the server with SIGKILL, at random moments and at every numbered fail point, while
//! clients write metrics and logs; restarts it; finds every acknowledged datapoint and event
//! exactly once.
//!
//! Writers behave as SDKs do: a call without an answer is repeated with the same
//! `amz-sdk-invocation-id` after the restart. So a call may be applied before its first answer
//! is lost, and must still count once.
//!
//! `BELFRY_CRASHES` sets the number of kills (default 200).

pub mod client;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belfry_store::failpoint;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use client::{Client, Writer};

use crate::process::{Server, Setup};

/// Small heads and eager flushes, so that flushes and compactions happen within a round.
pub const CONFIG: &str = "\
[flush]
metrics_bytes = 65536
logs_bytes = 65536
age_s = 1
";

const WRITERS: usize = 4;
/// Full read-backs are slow; this often they are enough to name the guilty round.
const ROUNDS_PER_CHECK: usize = 25;

fn crashes() -> usize {
    std::env::var("BELFRY_CRASHES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200)
}

#[test]
fn acknowledged_writes_survive_any_kill_exactly_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(crashes()));
}

async fn run(rounds: usize) {
    let seed = rand::random();
    println!("crash test: {rounds} kills, seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::new(Setup {
        config: CONFIG,
        ..Setup::default()
    });
    server.start(None).await;
    let client = Arc::new(Client::new(server.port()));
    client.set_up(WRITERS).await;
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();
    server.kill();

    let mut struck: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..rounds {
        // Every second kill is by a fail point; the points take turns, at a random pass.
        let point =
            (round % 2 == 1).then(|| failpoint::POINTS[(round / 2) % failpoint::POINTS.len()]);
        let armed = point.map(|name| format!("{name}:{}", random.random_range(1..20)));
        server.start(armed.as_deref()).await;
        let deadline = Duration::from_millis(random.random_range(20..350));
        let tasks: Vec<_> = writers
            .drain(..)
            .map(|writer| tokio::spawn(writer.write_until_dead(client.clone())))
            .collect();
        if server.died_within(deadline).await {
            *struck.entry(point.unwrap_or("random")).or_default() += 1;
        } else {
            server.kill();
        }
        for task in tasks {
            writers.push(task.await.unwrap());
        }
        if (round + 1) % ROUNDS_PER_CHECK == 0 || round + 1 == rounds {
            server.start(None).await;
            for writer in &mut writers {
                writer.finish(&client).await;
                client.verify(writer).await;
            }
            server.kill();
        }
    }
    let (calls, retried): (usize, usize) = writers
        .iter()
        .fold((0, 0), |(c, r), w| (c + w.acknowledged(), r + w.retried()));
    println!(
        "crash test: {calls} calls acknowledged, {retried} of them after a retry; fail points struck: {struck:?}"
    );
    assert!(calls > rounds, "hardly anything was written");
    assert!(retried > 0, "no call was ever interrupted");
    server.check().await;
}
