//! What a request's signature consists of, as claimed: nothing here is verified yet.

use belfry_model::TimestampMs;
use belfry_model::time::SECOND_MS;
use chrono::{DateTime, NaiveDateTime};
use percent_encoding::percent_decode_str;

use super::{ALGORITHM, AuthError, Credential, DATE_FORMAT};
use crate::RequestHead;

/// A presigned URL lives for a week at most.
const EXPIRES_S_MAX: i64 = 604_800;

/// No client signs more headers than a few dozen.
const SIGNED_HEADERS_MAX: usize = 100;

/// A parsed signature, in a header or presigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub credential: Credential,
    pub signed_headers: Vec<String>,
    pub signature: [u8; 32],
    pub signed_at: TimestampMs,
    /// Presigned: how long after `signed_at` the signature holds.
    pub expires_ms: Option<i64>,
    pub session_token: Option<String>,
}

impl Claim {
    pub fn of(head: &RequestHead) -> Result<Self, AuthError> {
        if let Some(value) = head.headers.get("authorization") {
            let authorization = value
                .to_str()
                .map_err(|_| incomplete("Authorization header is not ASCII."))?;
            return Self::of_header(head, authorization);
        }
        if query_value(head, "X-Amz-Algorithm").is_some() {
            return Self::of_query(head);
        }
        Err(AuthError::Missing)
    }

    /// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, with or without spaces
    /// after the commas.
    fn of_header(head: &RequestHead, authorization: &str) -> Result<Self, AuthError> {
        let parameters = authorization
            .trim()
            .strip_prefix(ALGORITHM)
            .filter(|rest| rest.starts_with(char::is_whitespace))
            .ok_or_else(|| incomplete(&format!("Unsupported algorithm; use {ALGORITHM}.")))?;
        let find = |name: &str| {
            parameters
                .split(',')
                .filter_map(|parameter| parameter.trim().split_once('='))
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
                .ok_or_else(|| {
                    incomplete(&format!(
                        "Authorization header requires '{name}' parameter."
                    ))
                })
        };
        let credential = parse_credential(find("Credential")?)?;
        let signed_headers = parse_signed_headers(find("SignedHeaders")?)?;
        let signature = parse_signature(find("Signature")?)?;
        let signed_at = header_date(head, &signed_headers)?;
        Ok(Self {
            credential,
            signed_headers,
            signature,
            signed_at,
            expires_ms: None,
            session_token: head.header("x-amz-security-token").map(str::to_owned),
        })
    }

    fn of_query(head: &RequestHead) -> Result<Self, AuthError> {
        let find = |name: &str| {
            query_value(head, name).ok_or_else(|| {
                incomplete(&format!(
                    "AWS query-string parameters must include '{name}'."
                ))
            })
        };
        if find("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete(&format!(
                "Unsupported algorithm; use {ALGORITHM}."
            )));
        }
        let expires_s: i64 = find("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=EXPIRES_S_MAX).contains(seconds))
            .ok_or_else(|| {
                incomplete(&format!(
                    "X-Amz-Expires must be 1 to {EXPIRES_S_MAX} seconds."
                ))
            })?;
        let date = find("X-Amz-Date")?;
        Ok(Self {
            credential: parse_credential(&find("X-Amz-Credential")?)?,
            signed_headers: parse_signed_headers(&find("X-Amz-SignedHeaders")?)?,
            signature: parse_signature(&find("X-Amz-Signature")?)?,
            signed_at: parse_date(&date)?,
            expires_ms: Some(expires_s.saturating_mul(SECOND_MS)),
            session_token: query_value(head, "X-Amz-Security-Token"),
        })
    }

    pub fn is_presigned(&self) -> bool {
        self.expires_ms.is_some()
    }

    pub fn signs(&self, header: &str) -> bool {
        self.signed_headers.iter().any(|name| name == header)
    }
}

fn incomplete(text: &str) -> AuthError {
    AuthError::Incomplete(text.to_owned())
}

fn parse_credential(text: &str) -> Result<Credential, AuthError> {
    Credential::parse(text).ok_or_else(|| {
        incomplete(
            "Credential must have exactly 5 slash-delimited elements, \
             e.g. keyid/date/region/service/term.",
        )
    })
}

fn parse_signed_headers(text: &str) -> Result<Vec<String>, AuthError> {
    let names: Vec<String> = text.split(';').map(str::to_ascii_lowercase).collect();
    let is_name = |name: &String| !name.is_empty() && http::HeaderName::try_from(name).is_ok();
    if names.len() > SIGNED_HEADERS_MAX || !names.iter().all(is_name) {
        return Err(incomplete("SignedHeaders is malformed."));
    }
    Ok(names)
}

fn parse_signature(text: &str) -> Result<[u8; 32], AuthError> {
    let mut signature = [0; 32];
    hex::decode_to_slice(text, &mut signature)
        .map_err(|_| incomplete("Signature must be 64 hexadecimal digits."))?;
    Ok(signature)
}

/// `X-Amz-Date`, or else `Date`; the one used has to be signed.
fn header_date(head: &RequestHead, signed: &[String]) -> Result<TimestampMs, AuthError> {
    let is_signed = |name: &str| signed.iter().any(|header| header == name);
    if let Some(date) = head
        .header("x-amz-date")
        .filter(|_| is_signed("x-amz-date"))
    {
        return parse_date(date);
    }
    if let Some(date) = head.header("date").filter(|_| is_signed("date")) {
        return parse_date(date);
    }
    Err(incomplete(
        "Authorization header requires existence of either a signed 'X-Amz-Date' or a signed \
         'Date' header.",
    ))
}

fn parse_date(text: &str) -> Result<TimestampMs, AuthError> {
    let ms = match NaiveDateTime::parse_from_str(text, DATE_FORMAT) {
        Ok(date) => date.and_utc().timestamp_millis(),
        Err(_) => DateTime::parse_from_rfc2822(text)
            .map_err(|_| {
                incomplete(&format!(
                    "Date must be in ISO-8601 'basic format'. Got '{text}'."
                ))
            })?
            .timestamp_millis(),
    };
    Ok(TimestampMs(ms))
}

/// A query parameter's value, decoded.
fn query_value(head: &RequestHead, name: &str) -> Option<String> {
    head.query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(found, _)| *found == name)
        .and_then(|(_, value)| percent_decode_str(value).decode_utf8().ok())
        .map(String::from)
}
