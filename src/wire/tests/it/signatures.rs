//! Signing and verifying, and what is wrong with signatures.

use belfry_model::TimestampMs;
use belfry_wire::sigv4::{AuthError, Signer, Verifier};
use belfry_wire::{RequestHead, Service};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;

use crate::samples::{ACCESS_KEY, SECRET, SESSION_TOKEN, SampleKeys};

const NOW: TimestampMs = TimestampMs(1_768_478_400_000);

const KEYS: SampleKeys = SampleKeys {
    session_token: None,
};

fn request(headers: &[(&'static str, &'static str)]) -> RequestHead {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    RequestHead {
        method: Method::POST,
        path: "/".to_owned(),
        query: String::new(),
        headers: map,
    }
}

fn signer() -> Signer {
    Signer {
        access_key: ACCESS_KEY.to_owned(),
        secret: SECRET.to_owned(),
        session_token: None,
        region: "eu-west-1".to_owned(),
        service: "logs".to_owned(),
    }
}

fn verify(head: &RequestHead, body: &[u8]) -> Result<(), AuthError> {
    Verifier::default()
        .verify(head, body, &KEYS, NOW)
        .map(|_| ())
}

/// The worked example of the AWS General Reference.
#[test]
fn signs_as_the_published_example() {
    let signer = Signer {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "iam".to_owned(),
    };
    let mut head = request(&[
        ("host", "iam.amazonaws.com"),
        (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
    ]);
    head.method = Method::GET;
    head.query = "Action=ListUsers&Version=2010-05-08".to_owned();
    signer.sign(&mut head, b"", TimestampMs(1_440_938_160_000));
    let authorization = head.header("authorization").expect("signed");
    assert!(
        authorization.ends_with("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
        "{authorization}"
    );
}

#[test]
fn what_is_signed_verifies() {
    let mut head = request(&[
        ("host", "localhost:2355"),
        ("x-amz-target", "Logs_20140328.PutLogEvents"),
        ("x-twice", " a   b "),
        ("x-twice", "c"),
    ]);
    head.path = "/tenant%20a//x/../y".to_owned();
    head.query = "b=%7E&a=1&a=%20".to_owned();
    signer().sign(&mut head, b"body", NOW);
    let principal = Verifier::default()
        .verify(&head, b"body", &KEYS, NOW)
        .expect("a principal");
    assert_eq!(principal.access_key, ACCESS_KEY);
    assert_eq!(principal.region, "eu-west-1");
    assert_eq!(principal.check_service(Service::Logs), Ok(()));
    let error = principal.check_service(Service::Sns).expect_err("another");
    assert_eq!(
        error.to_string(),
        "Credential should be scoped to correct service: 'sns'."
    );
}

#[test]
fn presigned_requests_and_session_tokens() {
    let keys = SampleKeys {
        session_token: Some(SESSION_TOKEN.to_owned()),
    };
    let verifier = Verifier::default();
    let mut with_token = signer();
    with_token.session_token = Some(SESSION_TOKEN.to_owned());

    let mut head = request(&[("host", "h")]);
    with_token.presign(&mut head, 60, NOW);
    assert!(verifier.verify(&head, b"", &keys, NOW + 60_000).is_ok());
    assert!(verifier.verify(&head, b"", &keys, NOW + 60_001).is_err());
    // A body that nobody signed could add parameters.
    let result = verifier.verify(&head, b"TopicArn=x", &keys, NOW);
    assert!(
        matches!(result, Err(AuthError::Mismatch { .. })),
        "{result:?}"
    );

    let mut head = request(&[("host", "h")]);
    with_token.sign(&mut head, b"", NOW);
    assert!(verifier.verify(&head, b"", &keys, NOW).is_ok());
    head.headers
        .insert("x-amz-security-token", HeaderValue::from_static("other"));
    assert_eq!(
        verifier.verify(&head, b"", &keys, NOW),
        Err(AuthError::UnknownKey)
    );
}

#[test]
fn payload_hashes() {
    let sign = |hash: &'static str, body: &[u8]| {
        let mut head = request(&[("host", "h"), ("x-amz-content-sha256", hash)]);
        signer().sign(&mut head, body, NOW);
        head
    };
    assert_eq!(verify(&sign("UNSIGNED-PAYLOAD", b"a"), b"b"), Ok(()));
    // SHA-256 of the empty string.
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(verify(&sign(empty, b""), b""), Ok(()));
    assert_eq!(verify(&sign(empty, b"a"), b"a"), Err(AuthError::OtherBody));
    let streaming = sign("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", b"a");
    assert!(matches!(
        verify(&streaming, b"a"),
        Err(AuthError::OutOfScope(_))
    ));
}

#[test]
fn a_mismatch_shows_what_arrived() {
    let mut head = request(&[("host", "belfry")]);
    signer().sign(&mut head, b"", NOW);
    head.headers
        .insert("host", HeaderValue::from_static("upstream:80"));
    let error = verify(&head, b"").expect_err("another host");
    let text = error.to_string();
    assert!(text.starts_with("The request signature we calculated does not match"));
    let canonical = "'POST\n/\n\nhost:upstream:80\nx-amz-date:20260115T120000Z\n\n\
        host;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'";
    assert!(text.contains(canonical), "{text}");
    let to_sign = "'AWS4-HMAC-SHA256\n20260115T120000Z\n20260115/eu-west-1/logs/aws4_request\n";
    assert!(text.contains(to_sign), "{text}");
}

#[test]
fn incomplete_signatures() {
    let good = {
        let mut head = request(&[("host", "h")]);
        signer().sign(&mut head, b"", NOW);
        head
    };
    let authorization = good.header("authorization").expect("signed").to_owned();
    let with = |from: &str, to: &str| {
        let mut head = good.clone();
        let changed = authorization.replace(from, to);
        assert_ne!(changed, authorization);
        let value = HeaderValue::try_from(changed).expect("a header");
        head.headers.insert("authorization", value);
        verify(&head, b"")
    };
    // Spaces after the commas are free.
    assert_eq!(with(", ", ","), Ok(()));
    for (from, to) in [
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("AWS4-HMAC-SHA256 ", ""),
        ("Credential=", "Kredential="),
        ("SignedHeaders=", "Headers="),
        ("Signature=", "Signature=z"),
        (", Signature=", ""),
        ("/aws4_request", ""),
        ("host;x-amz-date", ""),
        ("host;x-amz-date", "host"),
        ("host;x-amz-date", "host;;x-amz-date"),
    ] {
        let result = with(from, to);
        assert!(
            matches!(result, Err(AuthError::Incomplete(_))),
            "{to}: {result:?}"
        );
    }
    assert_eq!(
        verify(&request(&[("host", "h")]), b""),
        Err(AuthError::Missing)
    );
    assert!(matches!(with("host;x", "x"), Err(AuthError::OutOfScope(_))));
    assert!(matches!(
        with("/2026", "/2025"),
        Err(AuthError::OutOfScope(_))
    ));

    // A target that is not signed could be swapped on the way.
    let mut targeted = good.clone();
    targeted.headers.insert(
        "x-amz-target",
        HeaderValue::from_static("Logs_20140328.DeleteLogGroup"),
    );
    assert!(matches!(
        verify(&targeted, b""),
        Err(AuthError::OutOfScope(_))
    ));
}

proptest! {
    #[test]
    fn any_authorization_is_survived(text in "(AWS4-HMAC-SHA256 )?[ -~]{0,200}", query in "[ -~]{0,100}") {
        let mut head = request(&[("host", "h"), ("x-amz-date", "20260115T120000Z")]);
        if let Ok(value) = HeaderValue::try_from(text) {
            head.headers.insert("authorization", value);
        }
        head.query = query;
        prop_assert!(verify(&head, b"").is_err());
    }

    #[test]
    fn any_presigned_query_is_survived(values in proptest::collection::vec("[ -~]{0,40}", 6)) {
        let names = ["Algorithm=AWS4-HMAC-SHA256", "Credential=", "Date=", "Expires=", "SignedHeaders=", "Signature="];
        let pairs: Vec<String> = names
            .iter()
            .zip(&values)
            .map(|(name, value)| if name.ends_with('=') { format!("X-Amz-{name}{value}") } else { format!("X-Amz-{name}") })
            .collect();
        let mut head = request(&[("host", "h")]);
        head.query = pairs.join("&");
        prop_assert!(verify(&head, b"").is_err());
    }
}
