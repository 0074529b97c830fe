//! Kills the server with SIGKILL, at random moments and at every numbered fail point, while
//! clients write metrics and logs; restarts it; finds every acknowledged datapoint and event
//! exactly once.
//!
//! Writers behave as SDKs do: a call without an answer is repeated with the same
//! `amz-sdk-invocation-id` after the restart. So a call may be applied before its first answer
//! is lost, and must still count once. Each round writes to a log group and a namespace of its
//! own, which it creates.
//!
//! `BELFRY_CRASHES` sets the number of kills (default 200).

pub mod client;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use belfry_store::failpoint;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use client::{Client, Writer};

use crate::process::{Server, Setup};

const WRITERS: usize = 4;
/// Read-backs are slow; this often they are enough to name the guilty rounds.
const ROUNDS_PER_CHECK: usize = 25;
/// An armed point must be reached within this time, by writing alone.
const STRIKE_TIMEOUT: Duration = Duration::from_secs(60);
/// Passes of a point that every write comes by, one of which is chosen to die at; of the others,
/// which need a flush or a compaction, one of the first.
const FREQUENT_PASSES: Range<u32> = 1..20;
const RARE_PASSES: Range<u32> = 1..4;
const FREQUENT: &[&str] = &[
    "wal.before_write",
    "wal.after_write",
    "wal.after_sync",
    "metrics.after_append",
    "logs.after_append",
];

/// Everything small and at once, so that each round flushes, compacts and begins segments of the
/// write-ahead logs, and a restart replays several of them.
const CONFIG: &str = "\
[flush]
metrics_bytes = 4096
logs_bytes = 4096
age_s = 0

[wal]
segment_bytes = 4096

[maintenance]
metrics_every_ms = 50
logs_every_ms = 50
log_segments_min = 2
";

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

/// Every second kill is by a fail point; the points take turns.
fn point_of(round: usize) -> Option<&'static str> {
    let points = failpoint::POINTS;
    (round % 2 == 1).then(|| points[(round / 2) % points.len()])
}

async fn run(rounds: usize) {
    let seed = rand::random();
    println!("crash test: {rounds} kills, seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::new(Setup {
        config: CONFIG,
        ..Setup::default()
    });
    let client = Arc::new(Client::new(server.port()));
    let mut writers: Vec<Writer> = (0..WRITERS).map(Writer::new).collect();

    let mut struck: BTreeMap<&str, usize> = BTreeMap::new();
    let mut checked = 0;
    for round in 0..rounds {
        let point = point_of(round);
        let armed = point.map(|name| {
            let passes = match FREQUENT.contains(&name) {
                true => FREQUENT_PASSES,
                false => RARE_PASSES,
            };
            format!("{name}:{}", random.random_range(passes))
        });
        // Some die while they start, that is, in the replay.
        if point.is_none() && random.random_ratio(1, 4) {
            server.begin(None);
            tokio::time::sleep(Duration::from_millis(random.random_range(5..100))).await;
            server.kill();
            *struck.entry("(start)").or_default() += 1;
            continue;
        }
        server.start(armed.as_deref()).await;
        let tasks: Vec<_> = writers
            .drain(..)
            .map(|writer| tokio::spawn(writer.write_until_dead(client.clone(), round)))
            .collect();
        match point {
            Some(point) => {
                let died = server.died_within(STRIKE_TIMEOUT).await;
                assert!(died, "round {round}: {armed:?} did not strike");
                *struck.entry(point).or_default() += 1;
            }
            None => {
                let time = Duration::from_millis(random.random_range(20..350));
                assert!(!server.died_within(time).await, "{}", server.log());
                *struck.entry("(any time)").or_default() += 1;
            }
        }
        server.kill();
        for task in tasks {
            writers.push(task.await.unwrap());
        }
        if (round + 1) % ROUNDS_PER_CHECK == 0 {
            read_back(&mut server, &client, &mut writers, checked..round + 1).await;
            checked = round + 1;
        }
    }
    // Once more what was merged over and over since it was looked at.
    read_back(&mut server, &client, &mut writers, 0..rounds).await;

    let (calls, retried): (usize, usize) = writers
        .iter()
        .fold((0, 0), |(c, r), w| (c + w.acknowledged(), r + w.retried()));
    println!("crash test: {calls} calls acknowledged, {retried} attempts without an answer");
    println!("crash test: killed {struck:?}");
    assert!(calls > rounds, "hardly anything was written");
    assert!(retried > 0, "no call was ever interrupted");
    if rounds >= 4 * failpoint::POINTS.len() {
        for point in failpoint::POINTS {
            let times = struck.get(point).copied().unwrap_or_default();
            assert!(times >= 2, "{point} struck {times} times");
        }
    }
    let log = server.log();
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("\"level\":\"ERROR\"") || line.contains("panicked"))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// Lets the writers finish, reads what they wrote in these rounds, kills the server and checks the files.
async fn read_back(
    server: &mut Server,
    client: &Client,
    writers: &mut [Writer],
    rounds: Range<usize>,
) {
    let started = Instant::now();
    server.start(None).await;
    let healthy = started.elapsed();
    for writer in writers {
        assert!(writer.finish(client).await, "{}", server.log());
        client.verify(writer, rounds.clone()).await;
    }
    server.kill();
    let read = started.elapsed();
    server.check();
    let checked = started.elapsed();
    println!(
        "crash test: rounds {rounds:?} are whole; started in {healthy:.1?}, read until {read:.1?}, checked until {checked:.1?}"
    );
}
