//! The canonical request: the one spelling of a request that both sides sign.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::key::hmac;
use super::{ALGORITHM, AuthError, Credential};
use crate::RequestHead;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What is signed, in both its forms.
pub(super) struct Canonical {
    /// In bytes, because header values need not be UTF-8.
    request: Vec<u8>,
    /// The text whose HMAC is the signature.
    to_sign: String,
}

impl Canonical {
    /// `date_time` is `yyyymmddThhmmssZ`; `payload_hash` is lower-case hex or
    /// `UNSIGNED-PAYLOAD`.
    pub fn of(
        head: &RequestHead,
        signed_headers: &[String],
        payload_hash: &str,
        date_time: &str,
        credential: &Credential,
    ) -> Self {
        let request = canonical_request(head, signed_headers, payload_hash);
        let Credential {
            date,
            region,
            service,
            ..
        } = credential;
        let hash = hex::encode(Sha256::digest(&request));
        let to_sign =
            format!("{ALGORITHM}\n{date_time}\n{date}/{region}/{service}/aws4_request\n{hash}");
        Self { request, to_sign }
    }

    pub fn signature(&self, signing_key: &[u8]) -> [u8; 32] {
        hmac(signing_key, self.to_sign.as_bytes())
    }

    pub fn into_mismatch(self) -> AuthError {
        AuthError::Mismatch {
            canonical: String::from_utf8_lossy(&self.request).into_owned(),
            to_sign: self.to_sign,
        }
    }
}

fn canonical_request(head: &RequestHead, signed_headers: &[String], payload_hash: &str) -> Vec<u8> {
    let mut request = Vec::with_capacity(512);
    request.extend_from_slice(head.method.as_str().as_bytes());
    request.push(b'\n');
    request.extend_from_slice(canonical_path(&head.path).as_bytes());
    request.push(b'\n');
    request.extend_from_slice(canonical_query(&head.query).as_bytes());
    request.push(b'\n');
    for name in signed_headers {
        request.extend_from_slice(name.as_bytes());
        request.push(b':');
        push_header_values(&mut request, head, name);
        request.push(b'\n');
    }
    request.push(b'\n');
    request.extend_from_slice(signed_headers.join(";").as_bytes());
    request.push(b'\n');
    request.extend_from_slice(payload_hash.as_bytes());
    request
}

/// Dot segments and repeated slashes removed, then each segment of the already encoded path
/// encoded once more.
fn canonical_path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut canonical = String::with_capacity(path.len() + 1);
    for segment in &segments {
        canonical.push('/');
        canonical.extend(utf8_percent_encode(segment, RESERVED));
    }
    let ends_with_slash = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if segments.is_empty() || ends_with_slash {
        canonical.push('/');
    }
    canonical
}

/// Parameters sorted by their encoded names, then values; a presigned URL's signature left out.
fn canonical_query(query: &str) -> String {
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (reencode(name), reencode(value)))
        .collect();
    parameters.sort_unstable();
    let pairs: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The one canonical percent-encoding of a text in any percent-encoding.
fn reencode(text: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    percent_encoding::percent_encode(&decoded, RESERVED).to_string()
}

/// Values trimmed, runs of spaces collapsed, repeated headers joined by commas.
fn push_header_values(request: &mut Vec<u8>, head: &RequestHead, name: &str) {
    for (index, value) in head.headers.get_all(name).iter().enumerate() {
        if index > 0 {
            request.push(b',');
        }
        let words = value
            .as_bytes()
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                request.push(b' ');
            }
            request.extend_from_slice(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/tenant-a/", "/tenant-a/"),
            ("/a%20b", "/a%2520b"),
            ("//a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a:b", "/a%3Ab"),
        ] {
            assert_eq!(canonical_path(path), canonical, "{path}");
        }
    }

    #[test]
    fn queries() {
        assert_eq!(
            canonical_query("b=2&a=%7e&X-Amz-Signature=x&a&a=%2F/"),
            "a=&a=%2F%2F&a=~&b=2"
        );
    }
}
