//! The installation's signing key and the certificate that receivers fetch
//! (spec notifications.md 6).

use belfry_catalog::{Catalog, ObjectCatalog};
use belfry_model::TimestampMs;
use chrono::Datelike;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

const KEY_BITS: usize = 2_048;
/// Ours: until keys rotate by themselves, one lasts as long as an installation may.
const VALID_YEARS: i32 = 30;
const SETTING: &str = "notify.signing_identity";

/// A key and its self-signed certificate.
pub struct Identity {
    pub(crate) key: RsaPrivateKey,
    pub certificate_pem: String,
    /// Where receivers find it: `/SimpleNotificationService-<32 hex>.pem`.
    pub path: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    key_pem: String,
    certificate_pem: String,
}

impl Identity {
    /// The identity the catalog keeps, created by whoever asks first. Creating takes up to a
    /// second of processor time, off the async threads.
    ///
    /// # Errors
    /// Of the catalog; unreadable stored keys.
    pub async fn open(catalog: &dyn Catalog, now: TimestampMs) -> Result<Self> {
        let stored = match ObjectCatalog::get_setting(catalog, SETTING).await? {
            Some(stored) => stored,
            None => {
                let fresh = tokio::task::spawn_blocking(move || create(now))
                    .await
                    .map_err(|error| Error::Internal(format!("signing key: {error}")))??;
                // Somebody else's counts if it was there first.
                ObjectCatalog::init_setting(catalog, SETTING, &fresh).await?
            }
        };
        Self::read(&stored)
    }

    /// Whether somebody has asked for the identity before.
    ///
    /// # Errors
    /// Of the catalog.
    pub async fn exists(catalog: &dyn Catalog) -> Result<bool> {
        Ok(ObjectCatalog::get_setting(catalog, SETTING)
            .await?
            .is_some())
    }

    fn read(stored: &[u8]) -> Result<Self> {
        let stored: Stored = serde_json::from_slice(stored)
            .map_err(|error| Error::Internal(format!("setting {SETTING}: {error}")))?;
        let key = RsaPrivateKey::from_pkcs8_pem(&stored.key_pem)
            .map_err(|error| Error::Internal(format!("setting {SETTING}: {error}")))?;
        let digest = Sha256::digest(stored.certificate_pem.as_bytes());
        let name: String = hex::encode(digest).chars().take(32).collect();
        Ok(Self {
            key,
            path: format!("/SimpleNotificationService-{name}.pem"),
            certificate_pem: stored.certificate_pem,
        })
    }
}

fn create(now: TimestampMs) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("signing key: {error}"));
    let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(|e| failed(&e))?;
    let key_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|e| failed(&e))?;
    let pair = KeyPair::from_pem_and_sign_algo(&key_pem, &rcgen::PKCS_RSA_SHA256)
        .map_err(|e| failed(&e))?;
    let today = now.to_datetime().unwrap_or_default();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Belfry notification signing");
    // The first of the month: receivers' clocks may be behind ours.
    let month = u8::try_from(today.month()).unwrap_or(1);
    // Certificates know four-digit years; a test clock may be anywhere.
    let year = today.year().clamp(1970, 9_999 - VALID_YEARS);
    params.not_before = rcgen::date_time_ymd(year, month, 1);
    params.not_after = rcgen::date_time_ymd(year + VALID_YEARS, month, 1);
    let certificate = params.self_signed(&pair).map_err(|e| failed(&e))?;
    Ok(serde_json::to_vec(&Stored {
        version: 1,
        key_pem: key_pem.to_string(),
        certificate_pem: certificate.pem(),
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_at_any_time_and_read_back() {
        for made_at in [TimestampMs::MIN, TimestampMs(0), TimestampMs(i64::MAX / 2)] {
            let stored = create(made_at).expect("an identity");
            let identity = Identity::read(&stored).expect("readable");
            assert_eq!(
                identity.path.len(),
                "/SimpleNotificationService-.pem".len() + 32
            );
            assert!(
                identity
                    .certificate_pem
                    .starts_with("-----BEGIN CERTIFICATE-----")
            );
        }
        assert!(Identity::read(b"{}").is_err());
    }
}
