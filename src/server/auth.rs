//! Who may call: every request's signature, checked or (on loopback) not.

use std::sync::Arc;

use belfry_model::tenant::is_account_id;
use belfry_model::{Tenant, TimestampMs};
use belfry_wire::RequestHead;
use belfry_wire::sigv4::{AccessKey, AccessKeys, AuthError, Principal, Verifier};

use crate::credentials::Credentials;

/// `--auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Every request is signed by a known key.
    SigV4,
    /// Anything goes; an access key of 12 digits names the account.
    None,
}

/// What signatures are held against.
pub struct Authority {
    pub mode: AuthMode,
    pub credentials: Arc<Credentials>,
    pub default_account: Arc<str>,
    pub default_region: Arc<str>,
    pub verifier: Verifier,
}

impl AccessKeys for Credentials {
    fn find(&self, access_key: &str) -> Option<AccessKey> {
        self.key(access_key).map(|key| AccessKey {
            secret: key.secret_access_key.clone(),
            account: key.account.clone(),
            session_token: None,
        })
    }
}

impl Authority {
    /// Whether a known key claims to have signed the request; nothing is proven yet.
    ///
    /// # Errors
    /// Whatever is wrong with the claim.
    pub fn check_head(&self, head: &RequestHead, now: TimestampMs) -> Result<(), AuthError> {
        self.verifier.check_head(head, &*self.credentials, now)
    }

    /// Who signed the request.
    ///
    /// # Errors
    /// Whatever is wrong with the signature.
    pub fn verify(
        &self,
        head: &RequestHead,
        body: &[u8],
        now: TimestampMs,
    ) -> Result<Principal, AuthError> {
        self.verifier.verify(head, body, &*self.credentials, now)
    }

    /// The tenant of a request that need not be signed: account and region as far as its
    /// credential scope tells them.
    pub fn unverified_tenant(&self, access_key: Option<&str>, region: Option<&str>) -> Tenant {
        let account = access_key
            .filter(|key| is_account_id(key))
            .or_else(|| {
                access_key
                    .and_then(|id| self.credentials.key(id))
                    .map(|key| key.account.as_str())
            })
            .unwrap_or(&self.default_account);
        let region = region
            .filter(|region| is_region(region))
            .unwrap_or(&self.default_region);
        Tenant::new(account, region)
    }
}

/// Regions become parts of keys and ARNs: letters, digits and hyphens only.
pub fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_name_the_account() {
        let authority = Authority {
            mode: AuthMode::None,
            credentials: Arc::default(),
            default_account: "000000000000".into(),
            default_region: "us-east-1".into(),
            verifier: Verifier::default(),
        };
        let tenant = authority.unverified_tenant(Some("123456789012"), Some("eu-west-1"));
        assert_eq!(tenant, Tenant::new("123456789012", "eu-west-1"));
        let tenant = authority.unverified_tenant(Some("test"), Some("../x"));
        assert_eq!(tenant, Tenant::new("000000000000", "us-east-1"));
    }
}
