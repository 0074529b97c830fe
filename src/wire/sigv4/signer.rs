//! [`Signer`]: signs requests, for tests and for our own command-line tools.

use belfry_model::TimestampMs;
use http::{HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::canonical::Canonical;
use super::{ALGORITHM, Credential, DATE_FORMAT, key};
use crate::RequestHead;

/// Signs with one access key for one region and service.
#[derive(Clone)]
pub struct Signer {
    pub access_key: String,
    pub secret: String,
    pub session_token: Option<String>,
    pub region: String,
    /// The service's scope name, such as `monitoring`.
    pub service: String,
}

const AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Headers that proxies and HTTP libraries change on the way.
const NEVER_SIGNED: [&str; 4] = ["authorization", "user-agent", "connection", "expect"];

impl Signer {
    /// Adds `X-Amz-Date` and `Authorization`. All other headers, `Host` among them, must be set.
    pub fn sign(&self, head: &mut RequestHead, body: &[u8], now: TimestampMs) {
        let date_time = date_time(now);
        insert(head, AMZ_DATE, &date_time);
        if let Some(token) = &self.session_token {
            insert(head, SECURITY_TOKEN, token);
        }
        let mut signed_headers: Vec<String> = head
            .headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .filter(|name| !NEVER_SIGNED.contains(&name.as_str()))
            .collect();
        signed_headers.sort_unstable();
        let payload_hash = match head.header("x-amz-content-sha256") {
            Some(given) => given.to_owned(),
            None => hex::encode(Sha256::digest(body)),
        };
        let credential = self.credential(&date_time);
        let signature = self.signature(
            head,
            &signed_headers,
            &payload_hash,
            &date_time,
            &credential,
        );
        let authorization = format!(
            "{ALGORITHM} Credential={}, SignedHeaders={}, Signature={signature}",
            scope_text(&credential),
            signed_headers.join(";"),
        );
        insert(head, http::header::AUTHORIZATION, &authorization);
    }

    /// Turns the request into a presigned one, valid for `expires_s` seconds. Only `Host` is
    /// signed; the body is empty.
    pub fn presign(&self, head: &mut RequestHead, expires_s: u32, now: TimestampMs) {
        let date_time = date_time(now);
        let credential = self.credential(&date_time);
        let mut parameters = vec![
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", scope_text(&credential)),
            ("X-Amz-Date", date_time.clone()),
            ("X-Amz-Expires", expires_s.to_string()),
            ("X-Amz-SignedHeaders", "host".to_owned()),
        ];
        if let Some(token) = &self.session_token {
            parameters.push(("X-Amz-Security-Token", token.clone()));
        }
        for (name, value) in parameters {
            push_parameter(&mut head.query, name, &value);
        }
        let payload_hash = hex::encode(Sha256::digest(b""));
        let signed = ["host".to_owned()];
        let signature = self.signature(head, &signed, &payload_hash, &date_time, &credential);
        push_parameter(&mut head.query, "X-Amz-Signature", &signature);
    }

    fn credential(&self, date_time: &str) -> Credential {
        Credential {
            access_key: self.access_key.clone(),
            date: date_time.chars().take(8).collect(),
            region: self.region.clone(),
            service: self.service.clone(),
        }
    }

    fn signature(
        &self,
        head: &RequestHead,
        signed_headers: &[String],
        payload_hash: &str,
        date_time: &str,
        credential: &Credential,
    ) -> String {
        let canonical = Canonical::of(head, signed_headers, payload_hash, date_time, credential);
        let signing_key = key::derive(&self.secret, credential);
        hex::encode(canonical.signature(&signing_key))
    }
}

fn scope_text(credential: &Credential) -> String {
    let Credential {
        access_key,
        date,
        region,
        service,
    } = credential;
    format!("{access_key}/{date}/{region}/{service}/aws4_request")
}

fn push_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
}

/// Values that cannot stand in a header leave the request unsigned, and refused.
fn insert(head: &mut RequestHead, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        head.headers.insert(name, value);
    }
}

fn date_time(instant: TimestampMs) -> String {
    instant
        .to_datetime()
        .map_or_else(String::new, |t| t.format(DATE_FORMAT).to_string())
}
