//! A request's body from the connection into memory: bytes are reserved as they arrive, also
//! those that come out of gzip.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use belfry_query::off_async::off_async;
use belfry_wire::RequestHead;
use belfry_wire::body::{Encoding, Inflating, RECEIVED_BYTES_MAX, encoding};
use belfry_wire::errors::{ApiError, framework};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::admission::Admitted;

/// Ours: how long a body may take to arrive (spec wire-protocols.md 13: some clients never
/// finish sending).
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Ours: how much of a refused body is read past at most, for how long, and how long nothing may
/// arrive. Clients send a body to its end before they look for an answer, and a connection that
/// is closed before that takes the answer with it.
const DISCARD_BYTES_MAX: u64 = 64 * 1_048_576;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);
const DISCARD_IDLE_TIMEOUT: Duration = Duration::from_millis(250);
/// Ours: less work than this is not worth moving off the async threads.
const OFF_ASYNC_BYTES: usize = 64 * 1_024;

/// The least that is inflated at once, in bytes.
const PIECE_MIN: usize = 4 * 1_024;

/// Why there is no body.
#[derive(Debug)]
pub enum Unread {
    /// No room came free in time: the caller is to try again later.
    NoRoom,
    Refused(ApiError),
}

impl From<ApiError> for Unread {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// Reads all of `body`, with room made for each part.
///
/// # Errors
/// Too large (413), cut off or late (400), or no room.
pub async fn read(body: &mut Body, room: &mut Admitted) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > RECEIVED_BYTES_MAX as u64 {
        return Err(framework::request_too_large(RECEIVED_BYTES_MAX).into());
    }
    read_within(READ_TIMEOUT, body, room).await
}

async fn read_within(
    limit: Duration,
    body: &mut Body,
    room: &mut Admitted,
) -> Result<Bytes, Unread> {
    tokio::time::timeout(limit, collect(body, room))
        .await
        .unwrap_or_else(|_| Err(framework::serialization("the body did not arrive in time").into()))
}

async fn collect(body: &mut Body, room: &mut Admitted) -> Result<Bytes, Unread> {
    // Most bodies are one frame, which need not be copied.
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    let mut len = 0usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a body ended early");
            framework::serialization("the body ended early")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        len = len.saturating_add(data.len());
        if len > RECEIVED_BYTES_MAX {
            return Err(framework::request_too_large(RECEIVED_BYTES_MAX).into());
        }
        if !room.grow_to(len).await {
            return Err(Unread::NoRoom);
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.freeze()
    })
}

/// Reads what is left of a body that is refused, and keeps nothing of it.
pub async fn discard(body: &mut Body) {
    if body.size_hint().lower() > DISCARD_BYTES_MAX {
        return;
    }
    // Whoever takes longer gets the answer early.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard_all(body)).await;
}

async fn discard_all(body: &mut Body) {
    let mut left = DISCARD_BYTES_MAX;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(DISCARD_IDLE_TIMEOUT, body.frame()).await {
        let len = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(len) {
            Some(fewer) => left = fewer,
            None => return,
        }
    }
}

/// The body without its `Content-Encoding`, with room made before each part is inflated.
///
/// # Errors
/// As [`belfry_wire::body::inflate`], or no room.
pub async fn inflate(
    head: &RequestHead,
    body: Bytes,
    room: &mut Admitted,
) -> Result<Bytes, Unread> {
    match encoding(head)? {
        Encoding::Identity => return Ok(body),
        Encoding::Gzip => {}
    }
    let received = body.len();
    let mut inflating = Inflating::new(body);
    // JSON and forms shrink about fourfold; each further step doubles what there is.
    let mut step = received.saturating_mul(4).max(PIECE_MIN);
    loop {
        let held = received.saturating_add(inflating.len());
        if !room.grow_to(held.saturating_add(step)).await {
            return Err(Unread::NoRoom);
        }
        let is_whole = if step < OFF_ASYNC_BYTES {
            inflating.advance(step)?
        } else {
            off_async(|| inflating.advance(step))?
        };
        if is_whole {
            break;
        }
        step = inflating.len();
    }
    let inflated = inflating.finish();
    room.shrink_to(inflated.len());
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::Write;

    use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use futures::StreamExt;
    use futures::stream;

    use super::*;
    use crate::admission::Admission;

    const BUDGET: usize = 1 << 20;

    fn parts(parts: Vec<Bytes>) -> Body {
        Body::from_stream(stream::iter(parts).map(Ok::<_, Infallible>))
    }

    fn gzipped() -> RequestHead {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
        RequestHead {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
        }
    }

    fn gzip(content: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap().into()
    }

    #[tokio::test]
    async fn only_bytes_that_arrived_take_room() {
        let admission = Admission::new(BUDGET).with_wait(Duration::from_millis(50));
        // As many senders that say nothing further as the announced lengths would not allow.
        let senders: Vec<_> = (0..100)
            .map(|_| {
                let mut room = admission.begin();
                tokio::spawn(async move {
                    let said = stream::once(async { Ok::<_, Infallible>(Bytes::from("{")) });
                    let mut body = Body::from_stream(said.chain(stream::pending()));
                    read_within(Duration::from_secs(2), &mut body, &mut room).await
                })
            })
            .collect();
        while admission.held_bytes() < senders.len() as i64 * 1_024 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(admission.held_bytes(), senders.len() as i64 * 1_024);

        let mut room = admission.begin();
        let mut body = parts(vec![Bytes::from(vec![b'x'; BUDGET / 4]); 3]);
        let received = read(&mut body, &mut room).await.unwrap();
        assert_eq!(received.len(), BUDGET / 4 * 3);
        for sender in senders {
            match sender.await.unwrap() {
                Err(Unread::Refused(error)) => assert_eq!(error.status, StatusCode::BAD_REQUEST),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn what_comes_out_of_gzip_takes_room() {
        let admission = Admission::new(BUDGET).with_wait(Duration::from_millis(50));
        let content = vec![b'x'; BUDGET / 4 * 3];
        let mut room = admission.begin();
        let inflated = inflate(&gzipped(), gzip(&content), &mut room).await;
        assert_eq!(inflated.unwrap(), content);
        assert_eq!(admission.held_bytes(), content.len() as i64);

        let mut other = admission.begin();
        let refused = inflate(&gzipped(), gzip(&content), &mut other).await;
        assert!(matches!(refused, Err(Unread::NoRoom)), "{refused:?}");
        drop(room);
        assert!(
            inflate(&gzipped(), gzip(&content), &mut other)
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_not_kept() {
        let admission = Admission::new(4 * RECEIVED_BYTES_MAX);
        for mut body in [
            Body::from(vec![0; RECEIVED_BYTES_MAX + 1]),
            parts(vec![Bytes::from(vec![0; RECEIVED_BYTES_MAX]); 2]),
        ] {
            let mut room = admission.begin();
            match read(&mut body, &mut room).await {
                Err(Unread::Refused(error)) => {
                    assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
                }
                other => panic!("{other:?}"),
            }
            assert!(admission.held_bytes() <= RECEIVED_BYTES_MAX as i64);
            discard(&mut body).await;
        }
    }
}
