//! Signatures of envelopes (spec notifications.md 6).

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use belfry_catalog::Catalog;
use belfry_model::Clock;
use parking_lot::Mutex;
use rsa::Pkcs1v15Sign;
use rsa::rand_core::OsRng;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::certificate::Identity;
use crate::error::{Error, Result};

/// `SignatureVersion`: the hash under RSA PKCS#1 v1.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// SHA-1.
    #[default]
    V1,
    /// SHA-256.
    V2,
}

impl SignatureVersion {
    /// The topic attribute; anything but `2` is the default.
    pub fn of_attribute(text: Option<&str>) -> Self {
        match text {
            Some("2") => Self::V2,
            _ => Self::V1,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
        }
    }
}

/// What an envelope says about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub version: SignatureVersion,
    /// Base64.
    pub value: String,
    pub cert_url: String,
}

/// Signs for this installation. The key is made on first use.
pub struct Signer {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    /// What precedes the certificate's path in `SigningCertURL`.
    cert_url_base: Arc<str>,
    identity: OnceCell<Arc<Identity>>,
    recent: Mutex<RecentSignatures>,
}

/// Ours: a message that goes to many endpoints is signed once, not for each of them.
const RECENT_MAX: usize = 64;

/// The newest signatures by the digest of what was signed; the oldest goes first.
#[derive(Default)]
struct RecentSignatures(VecDeque<([u8; 32], String)>);

impl RecentSignatures {
    fn get(&self, digest: &[u8; 32]) -> Option<String> {
        let found = self.0.iter().find(|(of, _)| of == digest);
        found.map(|(_, value)| value.clone())
    }

    fn put(&mut self, digest: [u8; 32], value: String) {
        if self.0.len() >= RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((digest, value));
    }
}

impl Signer {
    pub fn new(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>, cert_url_base: Arc<str>) -> Self {
        Self {
            catalog,
            clock,
            cert_url_base,
            identity: OnceCell::new(),
            recent: Mutex::default(),
        }
    }

    /// Makes or loads the key. Call it in the background after start-up, so that the first
    /// message need not wait.
    ///
    /// # Errors
    /// Of the catalog; unreadable stored keys.
    pub async fn identity(&self) -> Result<Arc<Identity>> {
        let identity = self
            .identity
            .get_or_try_init(|| async {
                let identity = Identity::open(&*self.catalog, self.clock.now()).await?;
                Ok::<_, Error>(Arc::new(identity))
            })
            .await?;
        Ok(Arc::clone(identity))
    }

    /// Signs the text that [`string_to_sign`] made, off the async threads.
    ///
    /// # Errors
    /// As [`Self::identity`].
    pub async fn sign(&self, version: SignatureVersion, text: String) -> Result<Signature> {
        let identity = self.identity().await?;
        let cert_url = format!("{}{}", self.cert_url_base, identity.path);
        let digest = Sha256::new_with_prefix(version.as_str())
            .chain_update(text.as_bytes())
            .finalize()
            .into();
        let known = self.recent.lock().get(&digest);
        let value = match known {
            Some(value) => value,
            None => {
                let value = tokio::task::spawn_blocking(move || sign(&identity, version, &text))
                    .await
                    .map_err(|error| Error::Internal(format!("signature: {error}")))??;
                self.recent.lock().put(digest, value.clone());
                value
            }
        };
        Ok(Signature {
            version,
            value,
            cert_url,
        })
    }

    /// The certificate at a path of the form `/SimpleNotificationService-<32 hex>.pem`, PEM,
    /// if that path is ours. Serve it without authentication as `application/x-pem-file`.
    ///
    /// # Errors
    /// As [`Self::identity`].
    pub async fn certificate_pem(&self, path: &str) -> Result<Option<String>> {
        if !path.starts_with("/SimpleNotificationService-") {
            return Ok(None);
        }
        // Strangers must not make us generate keys: where there is none, none was handed out.
        let identity = match self.identity.get() {
            Some(identity) => Arc::clone(identity),
            None if Identity::exists(&*self.catalog).await? => self.identity().await?,
            None => return Ok(None),
        };
        Ok((identity.path == path).then(|| identity.certificate_pem.clone()))
    }
}

fn sign(identity: &Identity, version: SignatureVersion, text: &str) -> Result<String> {
    let signature = match version {
        SignatureVersion::V1 => identity.key.sign_with_rng(
            &mut OsRng,
            Pkcs1v15Sign::new::<Sha1>(),
            &Sha1::digest(text.as_bytes()),
        ),
        SignatureVersion::V2 => identity.key.sign_with_rng(
            &mut OsRng,
            Pkcs1v15Sign::new::<Sha256>(),
            &Sha256::digest(text.as_bytes()),
        ),
    };
    signature
        .map(|bytes| BASE64.encode(bytes))
        .map_err(|error| Error::Internal(format!("signature: {error}")))
}

/// `key\nvalue\n` for each pair; the caller gives the order.
pub fn string_to_sign(pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .map(|(key, value)| format!("{key}\n{value}\n"))
        .collect()
}
