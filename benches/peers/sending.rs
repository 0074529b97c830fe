//! Requests that were made ready, sent as fast as the server answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::Failure;
use crate::report::Latencies;

/// Sends all requests over `connections` tasks, closed loop; returns seconds and latencies.
pub async fn send_all<R, F, Fut>(
    requests: Vec<R>,
    connections: usize,
    send: F,
) -> Result<(f64, Latencies), Failure>
where
    R: Clone + Send + Sync + 'static,
    F: Fn(R) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<(), Failure>> + Send,
{
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (send, requests, next) = (send.clone(), requests.clone(), next.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    send(request.clone()).await?;
                    times.push(begun.elapsed());
                }
                Ok::<_, Failure>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok((started.elapsed().as_secs_f64(), Latencies(times)))
}
