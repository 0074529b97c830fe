//! [`Verifier`]: from a request as received to the [`Principal`] who signed it.

use belfry_model::TimestampMs;
use belfry_model::time::MINUTE_MS;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::canonical::Canonical;
use super::claim::Claim;
use super::key::{self, KeyCache};
use super::{AuthError, Credential, DATE_FORMAT};
use crate::{RequestHead, Service};

/// How far a signer's clock may be off (spec wire-protocols.md 7).
const SKEW_MINUTES: i64 = 15;

const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A key that may sign.
#[derive(Clone)]
pub struct AccessKey {
    pub secret: String,
    /// The 12-digit account the key belongs to.
    pub account: String,
    /// Temporary keys: the token that has to come along. Keys without one ignore any.
    pub session_token: Option<String>,
}

/// Where access keys are looked up. Called once per request; must not block.
pub trait AccessKeys: Send + Sync {
    fn find(&self, access_key: &str) -> Option<AccessKey>;
}

/// Who signed a request, and for where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub access_key: String,
    pub account: String,
    pub region: String,
    /// The service's scope name, of which only the form has been checked: see
    /// [`Principal::check_service`].
    pub service: String,
}

impl Principal {
    /// That the signature was made for the service that the request turned out to address.
    /// To be asked after routing: the body of a Query request may name another service than its
    /// head lets expect.
    ///
    /// # Errors
    /// [`AuthError::OutOfScope`] when it was made for another.
    pub fn check_service(&self, service: Service) -> Result<(), AuthError> {
        let expected = service.scope_name();
        if self.service == expected {
            return Ok(());
        }
        Err(AuthError::OutOfScope(format!(
            "Credential should be scoped to correct service: '{expected}'."
        )))
    }
}

/// Verifies signatures; keeps derived keys. One per server.
pub struct Verifier {
    keys: KeyCache,
    /// How far a signing time may be off, in minutes.
    skew_minutes: Option<i64>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new(Some(SKEW_MINUTES))
    }
}

impl Verifier {
    /// With `None` signing times are not held against the clock: for servers on a test clock,
    /// whose callers sign with the time of day.
    pub fn new(skew_minutes: Option<i64>) -> Self {
        Self {
            keys: KeyCache::default(),
            skew_minutes,
        }
    }

    /// What the head alone tells: that somebody who is known claims to sign, now. To be asked
    /// before a body is read.
    ///
    /// # Errors
    /// Missing or malformed signatures, unknown keys, wrong times.
    pub fn check_head(
        &self,
        head: &RequestHead,
        access_keys: &dyn AccessKeys,
        now: TimestampMs,
    ) -> Result<(), AuthError> {
        self.claim(head, access_keys, now).map(|_| ())
    }

    fn claim(
        &self,
        head: &RequestHead,
        access_keys: &dyn AccessKeys,
        now: TimestampMs,
    ) -> Result<(Claim, AccessKey), AuthError> {
        let claim = Claim::of(head)?;
        check_signed_headers(head, &claim)?;
        check_scope_date(&claim)?;
        if let Some(skew_minutes) = self.skew_minutes {
            check_time(&claim, now, skew_minutes)?;
        }
        let access_key = access_keys
            .find(&claim.credential.access_key)
            .ok_or(AuthError::UnknownKey)?;
        check_session_token(&access_key, &claim)?;
        Ok((claim, access_key))
    }

    /// `body` is as received, still compressed.
    ///
    /// # Errors
    /// Missing or malformed signatures, unknown keys, wrong times, wrong signatures.
    pub fn verify(
        &self,
        head: &RequestHead,
        body: &[u8],
        access_keys: &dyn AccessKeys,
        now: TimestampMs,
    ) -> Result<Principal, AuthError> {
        let (claim, access_key) = self.claim(head, access_keys, now)?;
        self.check_signature(head, body, &access_key, &claim)?;

        let Credential {
            access_key: key_id,
            region,
            service,
            ..
        } = claim.credential;
        Ok(Principal {
            access_key: key_id,
            account: access_key.account,
            region,
            service,
        })
    }

    fn check_signature(
        &self,
        head: &RequestHead,
        body: &[u8],
        access_key: &AccessKey,
        claim: &Claim,
    ) -> Result<(), AuthError> {
        let payload_hash = payload_hash(head, body)?;
        let canonical = Canonical::of(
            head,
            &claim.signed_headers,
            &payload_hash,
            &date_time(claim.signed_at),
            &claim.credential,
        );
        let cached = self.keys.get(&access_key.secret, &claim.credential);
        let signing_key =
            cached.unwrap_or_else(|| key::derive(&access_key.secret, &claim.credential));
        let expected = canonical.signature(&signing_key);
        if !bool::from(expected.ct_eq(&claim.signature)) {
            return Err(canonical.into_mismatch());
        }
        if cached.is_none() {
            self.keys
                .insert(&access_key.secret, &claim.credential, signing_key);
        }
        Ok(())
    }
}

/// The host, and whatever decides what the request does, must be under the signature.
fn check_signed_headers(head: &RequestHead, claim: &Claim) -> Result<(), AuthError> {
    let targets_unsigned =
        head.headers.contains_key("x-amz-target") && !claim.signs("x-amz-target");
    let missing = if !claim.signs("host") {
        "host"
    } else if targets_unsigned {
        "x-amz-target"
    } else {
        return Ok(());
    };
    Err(AuthError::OutOfScope(format!(
        "'{missing}' must be a 'SignedHeader' in the AWS Authorization."
    )))
}

fn check_scope_date(claim: &Claim) -> Result<(), AuthError> {
    let signed_at = date_time(claim.signed_at);
    let date = signed_at.get(..8).unwrap_or_default();
    if claim.credential.date != date {
        return Err(AuthError::OutOfScope(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{}' != '{date}', from '{signed_at}'.",
            claim.credential.date
        )));
    }
    Ok(())
}

fn check_time(claim: &Claim, now: TimestampMs, skew_minutes: i64) -> Result<(), AuthError> {
    let signed_at = date_time(claim.signed_at);
    let skew_ms = skew_minutes.saturating_mul(MINUTE_MS);
    let latest = now.saturating_add_ms(skew_ms);
    if claim.signed_at > latest {
        return Err(AuthError::OutOfScope(format!(
            "Signature not yet current: {signed_at} is still later than {} ({} + {skew_minutes} \
             min.)",
            date_time(latest),
            date_time(now),
        )));
    }
    match claim.expires_ms {
        Some(expires_ms) => {
            let end = claim.signed_at.saturating_add_ms(expires_ms);
            if end < now {
                return Err(AuthError::OutOfScope(format!(
                    "Signature expired: {} is now earlier than {}",
                    date_time(end),
                    date_time(now),
                )));
            }
        }
        None => {
            let earliest = now.saturating_sub_ms(skew_ms);
            if claim.signed_at < earliest {
                return Err(AuthError::OutOfScope(format!(
                    "Signature expired: {signed_at} is now earlier than {} ({} - {skew_minutes} \
                     min.)",
                    date_time(earliest),
                    date_time(now),
                )));
            }
        }
    }
    Ok(())
}

fn check_session_token(access_key: &AccessKey, claim: &Claim) -> Result<(), AuthError> {
    let Some(expected) = &access_key.session_token else {
        return Ok(());
    };
    // In header form the token is worth something only under the signature; presigned, the
    // whole query string is.
    let is_signed = claim.is_presigned() || claim.signs("x-amz-security-token");
    let given = claim.session_token.as_deref().unwrap_or_default();
    if is_signed && bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(AuthError::UnknownKey)
    }
}

/// The payload hash that was signed: the header's, which must be true of the body, or the
/// body's own.
fn payload_hash(head: &RequestHead, body: &[u8]) -> Result<String, AuthError> {
    let actual = || hex::encode(Sha256::digest(body));
    match head.header("x-amz-content-sha256") {
        None => Ok(actual()),
        Some(UNSIGNED_PAYLOAD) => Ok(UNSIGNED_PAYLOAD.to_owned()),
        Some(claimed) if claimed.starts_with("STREAMING-") => Err(AuthError::OutOfScope(
            "Streaming payload signatures are not supported by this service.".to_owned(),
        )),
        Some(claimed) => {
            let actual = actual();
            if claimed.eq_ignore_ascii_case(&actual) {
                Ok(claimed.to_owned())
            } else {
                Err(AuthError::OtherBody)
            }
        }
    }
}

fn date_time(instant: TimestampMs) -> String {
    instant.to_datetime().map_or_else(
        || instant.to_string(),
        |t| t.format(DATE_FORMAT).to_string(),
    )
}
