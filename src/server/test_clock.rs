//! `GET` and `POST /_belfry/clock`: the virtual clock of `--test-clock`.
//!
//! The clock stands still until told, moves forward only, and everything that falls due on the
//! way (alarm ticks, deliveries, flushes, retention) has run when the call returns. Without
//! `--test-clock` the path answers 404.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use belfry_model::time::SECOND_MS;
use belfry_model::{Clock, ManualClock, TimestampMs};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use crate::schedule::Schedule;

/// Ours: the farthest one call may move the clock, ten years; further is taken for a mistake.
const ADVANCE_S_MAX: f64 = 10.0 * 366.0 * 86_400.0;

pub struct TestClock {
    clock: Arc<ManualClock>,
    schedule: Arc<Schedule>,
    /// One move at a time.
    moving: Arc<Mutex<()>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_s: Option<f64>,
    set: Option<String>,
}

impl TestClock {
    pub fn new(clock: Arc<ManualClock>, schedule: Arc<Schedule>) -> Self {
        Self {
            clock,
            schedule,
            moving: Arc::default(),
        }
    }

    fn answer(&self) -> Response {
        Json(json!({"now": self.clock.now().to_iso8601_millis()})).into_response()
    }
}

fn refuse(why: impl Into<String>) -> Response {
    failed(StatusCode::BAD_REQUEST, why)
}

fn failed(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({"error": why.into()}))).into_response()
}

/// Answers where the machine's clock rules.
pub async fn absent() -> Response {
    let why = "this server runs by the machine's clock: it was started without --test-clock";
    failed(StatusCode::NOT_FOUND, why)
}

/// Answers `{"now": "2026-03-01T00:00:00.000Z"}`.
pub async fn get(State(test_clock): State<Arc<TestClock>>) -> Response {
    test_clock.answer()
}

/// Takes `{"advance_s": 60}` or `{"set": "2026-03-01T00:01:00Z"}`.
pub async fn post(State(test_clock): State<Arc<TestClock>>, body: Bytes) -> Response {
    let wanted: Move = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return refuse(format!("body: {error}")),
    };
    let alone = Arc::clone(&test_clock.moving).lock_owned().await;
    let now = test_clock.clock.now();
    let target = match (wanted.advance_s, wanted.set) {
        (Some(s), None) if (0.0..=ADVANCE_S_MAX).contains(&s) => {
            now + (s * SECOND_MS as f64).round() as i64
        }
        (Some(_), None) => return refuse("advance_s: must lie between 0 and ten years"),
        (None, Some(text)) => match TimestampMs::parse_iso8601(&text) {
            Some(target) if target >= now => target,
            Some(_) => return refuse("set: the clock only moves forward"),
            None => return refuse("set: not an ISO 8601 time such as 2026-03-01T00:00:00Z"),
        },
        _ => return refuse("give exactly one of advance_s and set"),
    };
    if target - now > (ADVANCE_S_MAX * SECOND_MS as f64) as i64 {
        return refuse("set: more than ten years ahead");
    }
    // Not in this future: a caller that goes away must not cut a flush between its publication
    // and what the store remembers of it.
    let moving = {
        let test_clock = Arc::clone(&test_clock);
        tokio::spawn(async move {
            let clock = &test_clock.clock;
            test_clock.schedule.run_until(clock, target).await;
            drop(alone);
        })
    };
    if let Err(error) = moving.await {
        tracing::error!(%error, "moving the clock broke off");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    test_clock.answer()
}
