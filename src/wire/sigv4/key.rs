//! Signing keys: derived from a secret for one day, region and service, and kept.

use std::collections::HashMap;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::Credential;

/// A key per access key, day, region and service in use. When full, the cache starts anew.
const KEYS_MAX: usize = 1_024;

const BLOCK_BYTES: usize = 64;

/// HMAC-SHA-256 for keys of any length.
pub(super) fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK_BYTES];
    match block.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => {
            let digest = Sha256::digest(key);
            for (byte, digest_byte) in block.iter_mut().zip(digest) {
                *byte = digest_byte;
            }
        }
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// The key of `secret` for the scope of `credential`.
pub(super) fn derive(secret: &str, credential: &Credential) -> [u8; 32] {
    let date_key = hmac(
        format!("AWS4{secret}").as_bytes(),
        credential.date.as_bytes(),
    );
    let region_key = hmac(&date_key, credential.region.as_bytes());
    let service_key = hmac(&region_key, credential.service.as_bytes());
    hmac(&service_key, b"aws4_request")
}

/// Keys that have verified a signature. A changed secret is another entry.
#[derive(Default)]
pub(super) struct KeyCache {
    keys: Mutex<HashMap<(Credential, String), [u8; 32]>>,
}

impl KeyCache {
    pub fn get(&self, secret: &str, credential: &Credential) -> Option<[u8; 32]> {
        let entry = (credential.clone(), secret.to_owned());
        self.keys.lock().get(&entry).copied()
    }

    pub fn insert(&self, secret: &str, credential: &Credential, key: [u8; 32]) {
        let mut keys = self.keys.lock();
        if keys.len() >= KEYS_MAX {
            keys.clear();
        }
        keys.insert((credential.clone(), secret.to_owned()), key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, cases 2 (short key) and 6 (key longer than a block).
    #[test]
    fn hmac_of_the_rfc() {
        assert_eq!(
            hex::encode(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = [0xaa; 131];
        assert_eq!(
            hex::encode(hmac(
                &long,
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
