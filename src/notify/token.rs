//! Confirmation tokens and signed links (spec notifications.md 2.4, 3.2).
//!
//! A confirmation token is 64 random bytes in hex, then a keyed hash of them. The catalog
//! keeps only its SHA-256, so that a copy of the database confirms nothing. A restore token,
//! sent with the farewell of an unsubscribe, carries the removed subscription itself: no row
//! remembers it any more.

use belfry_catalog::topics::SubscriptionRow;
use belfry_catalog::{Catalog, ObjectCatalog};
use belfry_model::TimestampMs;
use belfry_model::time::DAY_MS;
use hmac::{Hmac, Mac};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

/// How long a token confirms: the older guide's 3 days (spec notifications.md 2.4).
pub const TOKEN_VALID_MS: i64 = 3 * DAY_MS;

const KEY_BYTES: usize = 64;
const RANDOM_BYTES: usize = 64;
const MAC_BYTES: usize = 32;
const TOKEN_CHARS: usize = (RANDOM_BYTES + MAC_BYTES) * 2;
/// Ours: a restore token is part of a URL, and receivers cap those at 8 KiB or more.
const RESTORE_CHARS_MAX: usize = 7_000;
const SETTING: &str = "notify.token_key";

/// Makes and checks tokens with a key of this installation.
#[derive(Clone)]
pub struct TokenMint {
    /// One block of SHA-256: the only length with which HMAC cannot fail.
    key: [u8; KEY_BYTES],
}

/// What a token that was handed in turns out to be.
#[derive(Debug)]
pub enum Presented {
    /// Look it up by this hash.
    Confirmation { hash: String },
    /// A subscription that was removed and may come back.
    Restore(Box<SubscriptionRow>),
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not of a shape we hand out.
    Malformed,
    /// Well formed, but not ours or too old.
    Unknown,
}

#[derive(Serialize, Deserialize)]
struct RestoreClaim {
    expires_at: TimestampMs,
    subscription: SubscriptionRow,
}

impl TokenMint {
    /// Reads the installation's key, creating it on the first call.
    ///
    /// # Errors
    /// Of the catalog, or when the stored key is unreadable.
    pub async fn open(catalog: &dyn Catalog) -> Result<Self> {
        let mut fresh = [0; KEY_BYTES];
        rand::rng().fill_bytes(&mut fresh);
        let stored = ObjectCatalog::init_setting(catalog, SETTING, &fresh).await?;
        let key = stored
            .try_into()
            .map_err(|_| Error::Internal(format!("setting {SETTING} has the wrong length")))?;
        Ok(Self { key })
    }

    /// A new confirmation token and the hash to be stored.
    pub fn confirmation(&self) -> (String, String) {
        let mut bytes = [0; RANDOM_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        let token = format!("{}{}", hex::encode(bytes), self.mac(b"confirm", &bytes));
        let hash = token_hash(&token);
        (token, hash)
    }

    /// A token that brings `subscription` back, unless it is too large for a URL.
    ///
    /// # Errors
    /// When the row cannot be serialised.
    pub fn restore(
        &self,
        subscription: &SubscriptionRow,
        now: TimestampMs,
    ) -> Result<Option<String>> {
        let claim = serde_json::to_vec(&RestoreClaim {
            expires_at: now + TOKEN_VALID_MS,
            subscription: subscription.clone(),
        })?;
        let token = format!("{}{}", hex::encode(&claim), self.mac(b"restore", &claim));
        Ok((token.len() <= RESTORE_CHARS_MAX).then_some(token))
    }

    /// Checks the keyed hash in constant time.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(&self, token: &str, now: TimestampMs) -> Result<Presented, Refusal> {
        if token.len() < TOKEN_CHARS || token.len() > RESTORE_CHARS_MAX {
            return Err(Refusal::Malformed);
        }
        let bytes = hex::decode(token).map_err(|_| Refusal::Malformed)?;
        let Some((body, mac)) = bytes
            .len()
            .checked_sub(MAC_BYTES)
            .and_then(|at| bytes.split_at_checked(at))
        else {
            return Err(Refusal::Malformed);
        };
        if token.len() == TOKEN_CHARS {
            return if self.mac_matches(b"confirm", body, mac) {
                // Hex has two spellings of a token; the hash is of ours.
                Ok(Presented::Confirmation {
                    hash: token_hash(&token.to_ascii_lowercase()),
                })
            } else {
                Err(Refusal::Unknown)
            };
        }
        if !self.mac_matches(b"restore", body, mac) {
            return Err(Refusal::Unknown);
        }
        let claim: RestoreClaim = serde_json::from_slice(body).map_err(|_| Refusal::Unknown)?;
        if claim.expires_at <= now {
            return Err(Refusal::Unknown);
        }
        Ok(Presented::Restore(Box::new(claim.subscription)))
    }

    /// The signature of an unsubscribe link in a mail. It never expires.
    pub fn unsubscribe_signature(&self, subscription_arn: &str, endpoint: &str) -> String {
        self.mac(b"unsubscribe", &link_bytes(subscription_arn, endpoint))
    }

    pub fn unsubscribe_signature_matches(
        &self,
        subscription_arn: &str,
        endpoint: &str,
        signature: &str,
    ) -> bool {
        hex::decode(signature).is_ok_and(|mac| {
            self.mac_matches(
                b"unsubscribe",
                &link_bytes(subscription_arn, endpoint),
                &mac,
            )
        })
    }

    /// `purpose` keeps a hash made for one use from serving another.
    fn keyed(&self, purpose: &[u8], body: &[u8]) -> [u8; MAC_BYTES] {
        let mut mac = <Hmac<Sha256> as Mac>::new(&self.key.into());
        mac.update(purpose);
        mac.update(&[0]);
        mac.update(body);
        mac.finalize().into_bytes().into()
    }

    fn mac(&self, purpose: &[u8], body: &[u8]) -> String {
        hex::encode(self.keyed(purpose, body))
    }

    fn mac_matches(&self, purpose: &[u8], body: &[u8], mac: &[u8]) -> bool {
        self.keyed(purpose, body).ct_eq(mac).into()
    }
}

/// As the catalog keeps tokens.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

fn link_bytes(subscription_arn: &str, endpoint: &str) -> Vec<u8> {
    [subscription_arn.as_bytes(), &[0], endpoint.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use belfry_model::Tenant;

    fn mint() -> TokenMint {
        TokenMint {
            key: [7; KEY_BYTES],
        }
    }

    fn row() -> SubscriptionRow {
        SubscriptionRow {
            arn: "arn:aws:sns:eu-west-1:111122223333:ops:1b0e6a11".to_owned(),
            topic_arn: "arn:aws:sns:eu-west-1:111122223333:ops".to_owned(),
            tenant: Tenant::new("111122223333", "eu-west-1"),
            protocol: "http".to_owned(),
            endpoint: "http://127.0.0.1/".to_owned(),
            attributes: Default::default(),
            confirmed: true,
            confirmation_was_authenticated: false,
            authenticate_on_unsubscribe: false,
            token_hash: None,
            token_expires_at: None,
            created_at: TimestampMs(1),
        }
    }

    #[test]
    fn confirmation_tokens_check_out_and_others_do_not() {
        let (token, hash) = mint().confirmation();
        assert_eq!(token.len(), 192);
        match mint().check(&token, TimestampMs(0)) {
            Ok(Presented::Confirmation { hash: found }) => assert_eq!(found, hash),
            other => panic!("{other:?}"),
        }
        let stranger = TokenMint {
            key: [8; KEY_BYTES],
        };
        assert_eq!(
            stranger.check(&token, TimestampMs(0)).err(),
            Some(Refusal::Unknown)
        );
        for bad in ["", "abc", &token[1..], &format!("g{}", &token[1..])] {
            assert_eq!(
                mint().check(bad, TimestampMs(0)).err(),
                Some(Refusal::Malformed),
                "{bad}"
            );
        }
    }

    #[test]
    fn restore_tokens_carry_the_subscription_for_three_days() {
        let token = mint()
            .restore(&row(), TimestampMs(0))
            .expect("small")
            .expect("fits");
        match mint().check(&token, TimestampMs(TOKEN_VALID_MS - 1)) {
            Ok(Presented::Restore(found)) => assert_eq!(*found, row()),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            mint().check(&token, TimestampMs(TOKEN_VALID_MS)).err(),
            Some(Refusal::Unknown)
        );
        let mut tampered = token.clone();
        tampered.replace_range(20..22, "00");
        assert_eq!(
            mint().check(&tampered, TimestampMs(0)).err(),
            Some(Refusal::Unknown)
        );
    }

    #[test]
    fn links_are_signed_for_one_endpoint() {
        let signature = mint().unsubscribe_signature("arn", "a@example.net");
        assert!(mint().unsubscribe_signature_matches("arn", "a@example.net", &signature));
        assert!(!mint().unsubscribe_signature_matches("arn", "b@example.net", &signature));
        assert!(!mint().unsubscribe_signature_matches("arn", "a@example.net", "zz"));
    }
}
