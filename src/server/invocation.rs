//! What a call is remembered by, so that a retry of it is not counted again.

use belfry_wire::RequestHead;
use sha2::{Digest, Sha256};

/// What SDKs repeat on each attempt of one call (spec wire-protocols.md 3.1).
const HEADER: &str = "amz-sdk-invocation-id";
/// Ours: an id of an SDK has 36 characters; what is much longer is none.
const ID_BYTES_MAX: usize = 128;
/// 128 bits of the digest tell any two calls apart.
const KEY_BYTES: usize = 16;

/// The key of the call that a request is an attempt of; `None` when the caller names none.
///
/// Bound to what was sent, since a caller or proxy that gives one id to all its calls must not
/// lose all but the first: attempts of one call have the same bytes, other calls have others.
pub fn key(head: &RequestHead, received: &[u8]) -> Option<String> {
    let id = head
        .header(HEADER)
        .filter(|id| (1..=ID_BYTES_MAX).contains(&id.len()))?;
    let digest = Sha256::new()
        .chain_update((id.len() as u64).to_le_bytes())
        .chain_update(id)
        // Input of the Query protocol can stand here as well.
        .chain_update((head.query.len() as u64).to_le_bytes())
        .chain_update(&head.query)
        .chain_update(received)
        .finalize();
    let key = digest.iter().take(KEY_BYTES);
    Some(key.map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn request(id: &str, query: &str) -> RequestHead {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(id).unwrap());
        RequestHead {
            method: Method::POST,
            path: "/".to_owned(),
            query: query.to_owned(),
            headers,
        }
    }

    #[test]
    fn attempts_of_one_call_have_one_key() {
        let id = "4c1a6a3e-6f3c-4e0b-9a55-6a5d2b1f0c11";
        let first = key(&request(id, ""), b"one").unwrap();
        assert_eq!(first.len(), 2 * KEY_BYTES);
        assert_eq!(key(&request(id, ""), b"one"), Some(first.clone()));
        for other in [
            key(&request(id, ""), b"two"),
            key(&request(id, "one"), b""),
            key(&request("constant", ""), b"one"),
        ] {
            assert_ne!(other, Some(first.clone()));
            assert!(other.is_some());
        }
    }

    #[test]
    fn what_is_no_id_names_no_call() {
        let long = "x".repeat(ID_BYTES_MAX + 1);
        assert_eq!(key(&request(&long, ""), b""), None);
        assert_eq!(key(&request("", ""), b""), None);
        assert!(key(&request(&long[1..], ""), b"").is_some());
    }
}
