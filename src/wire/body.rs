//! Bodies as received: size limits and compression (spec wire-protocols.md 3.1 and 9).

use std::io::Read as _;

use belfry_model::quota::{ALARM_BYTES_MAX, INFLATED_BYTES_MAX, REQUEST_BYTES_MAX};
use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};
use flate2::read::MultiGzDecoder;

use crate::errors::{ApiError, framework, monitoring};
use crate::operations::Operation;
use crate::{RequestHead, Service};

/// What a server may read of any body before it knows the operation.
pub const RECEIVED_BYTES_MAX: usize = INFLATED_BYTES_MAX;

/// The limit on an operation's body as received. PutMetricData has one of its own; the sizes of
/// log events and messages are counted after decoding, where escapes do not count.
pub fn received_bytes_max(operation: &Operation) -> usize {
    if operation.name == "PutMetricData" {
        REQUEST_BYTES_MAX
    } else {
        RECEIVED_BYTES_MAX
    }
}

/// # Errors
/// 413 when a body of `received` bytes is too large for `operation`.
pub fn check_size(operation: &Operation, received: usize) -> Result<(), ApiError> {
    let limit = received_bytes_max(operation);
    if received > limit {
        return Err(framework::request_too_large(limit));
    }
    Ok(())
}

/// A limit of the operation's own on the decompressed body (spec alarms.md 2).
///
/// # Errors
/// ValidationError.
pub fn check_payload(operation: &Operation, payload: usize) -> Result<(), ApiError> {
    let is_alarm = operation.service == Service::Monitoring && operation.name == "PutMetricAlarm";
    if is_alarm && payload > ALARM_BYTES_MAX {
        // The text is assumed.
        return Err(monitoring::validation_error(format!(
            "The payload of PutMetricAlarm must not exceed {ALARM_BYTES_MAX} bytes."
        )));
    }
    Ok(())
}

/// How a body is encoded on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

/// The encoding that the head names.
///
/// # Errors
/// 400 when it is none that is known here.
pub fn encoding(head: &RequestHead) -> Result<Encoding, ApiError> {
    let encoding = head.header("content-encoding").unwrap_or("identity").trim();
    if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") {
        return Ok(Encoding::Identity);
    }
    if encoding.eq_ignore_ascii_case("gzip") || encoding.eq_ignore_ascii_case("x-gzip") {
        return Ok(Encoding::Gzip);
    }
    Err(framework::serialization(format!(
        "content encoding {encoding} is not supported"
    )))
}

/// A gzip body that is inflated part by part, so that its owner can make room for each.
pub struct Inflating {
    decoder: MultiGzDecoder<Reader<Bytes>>,
    inflated: Vec<u8>,
}

impl Inflating {
    pub fn new(body: Bytes) -> Self {
        Self {
            decoder: MultiGzDecoder::new(body.reader()),
            inflated: Vec::new(),
        }
    }

    /// Bytes that have come out.
    pub fn len(&self) -> usize {
        self.inflated.len()
    }

    pub fn is_empty(&self) -> bool {
        self.inflated.is_empty()
    }

    /// Inflates up to `bytes` more; true when that was all.
    ///
    /// # Errors
    /// 400 for a broken encoding, 413 when more than [`INFLATED_BYTES_MAX`] come out.
    pub fn advance(&mut self, bytes: usize) -> Result<bool, ApiError> {
        // One byte more than allowed tells "exactly full" from "too much".
        let most = (INFLATED_BYTES_MAX + 1).saturating_sub(self.len());
        let bytes = bytes.clamp(1, most.max(1));
        self.inflated.reserve_exact(bytes);
        let read = self
            .decoder
            .by_ref()
            .take(bytes as u64)
            .read_to_end(&mut self.inflated)
            .map_err(|_| framework::serialization("the body is not valid gzip data"))?;
        if self.len() > INFLATED_BYTES_MAX {
            return Err(framework::request_too_large(INFLATED_BYTES_MAX));
        }
        Ok(read < bytes)
    }

    /// What has come out.
    pub fn finish(self) -> Bytes {
        Bytes::from(self.inflated)
    }
}

/// The body without its `Content-Encoding`. The signature covers the bytes before this.
///
/// # Errors
/// 400 for a broken or unknown encoding, 413 when more than [`INFLATED_BYTES_MAX`] come out.
pub fn inflate(head: &RequestHead, body: Bytes) -> Result<Bytes, ApiError> {
    match encoding(head)? {
        Encoding::Identity => Ok(body),
        Encoding::Gzip => {
            let mut step = body.len().saturating_mul(4);
            let mut inflating = Inflating::new(body);
            while !inflating.advance(step)? {
                step = inflating.len();
            }
            Ok(inflating.finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::{HeaderMap, HeaderValue, Method, StatusCode};

    use super::*;

    fn head(encoding: &'static str) -> RequestHead {
        let mut headers = HeaderMap::new();
        headers.insert("content-encoding", HeaderValue::from_static(encoding));
        RequestHead {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
        }
    }

    fn gzip(content: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).expect("in memory");
        encoder.finish().expect("in memory").into()
    }

    #[test]
    fn inflates_and_passes_plain_bodies_on() {
        let plain = Bytes::from_static(b"Action=ListMetrics");
        let inflated = inflate(&head("GZIP"), gzip(&plain)).expect("gzip");
        assert_eq!(inflated, plain);
        assert_eq!(inflate(&head("identity"), plain.clone()), Ok(plain));
    }

    #[test]
    fn refuses_bombs_garbage_and_unknown_encodings() {
        let bomb = gzip(&vec![0; INFLATED_BYTES_MAX + 1]);
        let error = inflate(&head("gzip"), bomb).expect_err("bomb");
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(inflate(&head("gzip"), gzip(&vec![0; INFLATED_BYTES_MAX])).is_ok());

        let whole = gzip(b"some content that is long enough");
        let cut = whole.slice(..whole.len() - 9);
        for (encoding, body) in [
            ("gzip", Bytes::from_static(b"plain")),
            ("gzip", cut),
            ("br", Bytes::from_static(b"plain")),
        ] {
            let error = inflate(&head(encoding), body).expect_err(encoding);
            assert_eq!(error.status, StatusCode::BAD_REQUEST);
            assert_eq!(error.shape, "SerializationException");
        }
    }
}
