//! Paging tokens: opaque to callers, bound to operation, tenant and filter, valid for a time.
//!
//! A token is `base64url(expiry | cursor) . base64url(mac)`. The cursor is whatever the listing
//! continues from (a key, not an offset), so pages do not shift under concurrent writes. The
//! keyed hash covers operation, tenant and the caller's filter too: a token that was made for
//! another call, altered, or made by another installation does not open
//! (spec wire-protocols.md 8).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use belfry_model::{Tenant, TimestampMs};
use hmac::{Hmac, Mac};
use sha2::Sha256;

type HmacSha256 = Hmac<Sha256>;

/// Enough of a SHA-256 mac that guessing one is out of reach.
const MAC_BYTES: usize = 16;

/// What a token belongs to.
#[derive(Clone, Copy, Debug)]
pub struct PageScope<'a> {
    pub operation: &'static str,
    pub tenant: &'a Tenant,
    /// Everything in the request that decides which items are listed, in a fixed order.
    pub filter: &'a [&'a str],
}

/// Makes and opens tokens with a key of the installation.
#[derive(Clone)]
pub struct PageTokens {
    key: [u8; 32],
}

impl PageTokens {
    pub const fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A token that opens before `expiry`.
    pub fn seal(&self, scope: PageScope<'_>, cursor: &str, expiry: TimestampMs) -> String {
        let mut plain = expiry.0.to_be_bytes().to_vec();
        plain.extend_from_slice(cursor.as_bytes());
        let mac = self.mac(scope, &plain);
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(&plain),
            URL_SAFE_NO_PAD.encode(mac.get(..MAC_BYTES).unwrap_or(&mac))
        )
    }

    /// The cursor, or `None` for a token that is expired or was not made for this scope.
    pub fn open(&self, scope: PageScope<'_>, token: &str, now: TimestampMs) -> Option<String> {
        let (plain, mac) = token.split_once('.')?;
        let plain = URL_SAFE_NO_PAD.decode(plain).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let expected = self.mac(scope, &plain);
        if mac.len() != MAC_BYTES || !equal(&mac, expected.get(..MAC_BYTES)?) {
            return None;
        }
        let (expiry, cursor) = plain.split_first_chunk::<8>()?;
        if i64::from_be_bytes(*expiry) <= now.0 {
            return None;
        }
        String::from_utf8(cursor.to_vec()).ok()
    }

    fn mac(&self, scope: PageScope<'_>, plain: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length: this cannot fail.
        let Ok(mut mac) = HmacSha256::new_from_slice(&self.key) else {
            return Vec::new();
        };
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(scope.operation.as_bytes());
        part(scope.tenant.account.as_bytes());
        part(scope.tenant.region.as_bytes());
        for text in scope.filter {
            part(text.as_bytes());
        }
        part(plain);
        mac.finalize().into_bytes().to_vec()
    }
}

/// Without telling by its duration where two texts differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (x, y)| differ | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_where_it_belongs() {
        let tokens = PageTokens::new([7; 32]);
        let tenant = Tenant::new("000000000000", "us-east-1");
        let other = Tenant::new("000000000001", "us-east-1");
        let filter = ["prefix"];
        let scope = |tenant, filter| PageScope {
            operation: "ListThings",
            tenant,
            filter,
        };
        let now = TimestampMs(1_000);
        let expiry = TimestampMs(2_000);
        let token = tokens.seal(scope(&tenant, &filter), "key ü", expiry);
        let open = |scope, at| tokens.open(scope, &token, at);
        assert_eq!(open(scope(&tenant, &filter), now).as_deref(), Some("key ü"));
        assert_eq!(open(scope(&other, &filter), now), None);
        assert_eq!(open(scope(&tenant, &["prefi", "x"]), now), None);
        let last = TimestampMs(1_999);
        assert!(open(scope(&tenant, &filter), last).is_some());
        assert_eq!(open(scope(&tenant, &filter), expiry), None);
        assert_eq!(tokens.open(scope(&tenant, &filter), "nonsense", now), None);
        let mut altered = token.clone();
        altered.replace_range(0..1, if token.starts_with('A') { "B" } else { "A" });
        assert_eq!(tokens.open(scope(&tenant, &filter), &altered, now), None);
        let elsewhere = PageTokens::new([8; 32]);
        assert_eq!(elsewhere.open(scope(&tenant, &filter), &token, now), None);
    }
}
