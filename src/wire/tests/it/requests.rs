//! Replays every recorded request: signature, routing, decoding.

use crate::samples::{SESSION_TOKEN, Sample, SampleKeys, Tree};
use belfry_model::TimestampMs;
use belfry_model::time::MINUTE_MS;
use belfry_wire::route::{Call, Route, dialect, route};
use belfry_wire::sigv4::{AuthError, Credential, Verifier};
use belfry_wire::{Protocol, RequestHead, Service, body};

const NO_TOKEN: SampleKeys = SampleKeys {
    session_token: None,
};

fn call<'a>(sample: &Sample, head: &'a RequestHead, body: &'a [u8]) -> Call<'a> {
    match route(head, "/tenant-a", body) {
        Ok(Route::Call(call)) => call,
        other => panic!("{}: {other:?}", sample.file),
    }
}

/// The protocol a client of that name and service speaks (spec wire-protocols.md 1).
fn expected_protocol(sample: &Sample) -> Protocol {
    let old = ["boto3-1.26", "boto3-1.40", "awscli-2.9.19"];
    match (sample.service.as_str(), sample.client.as_str()) {
        ("cloudwatch", "boto3-1.44-cborforced" | "rust-sdk-1.140") => Protocol::Cbor,
        ("cloudwatch", client) if old.contains(&client) => Protocol::Query,
        ("cloudwatch", _) => Protocol::Json10,
        ("logs", _) => Protocol::Json11,
        ("xray", _) => Protocol::RestJson,
        _ => Protocol::Query,
    }
}

#[test]
fn every_sample_is_routed() {
    for sample in crate::samples::all() {
        let head = sample.head();
        let body = body::inflate(&head, sample.body()).expect("a body");
        let call = call(&sample, &head, &body);
        let operation = match sample.operation.as_str() {
            "Tail" => "FilterLogEvents",
            name => name,
        };
        let service = match sample.service.as_str() {
            "cloudwatch" => Service::Monitoring,
            name => Service::from_scope_name(name).expect("a service"),
        };
        assert_eq!(call.operation.name, operation, "{}", sample.file);
        assert_eq!(call.operation.service, service, "{}", sample.file);
        assert_eq!(call.dialect.service, service, "{}", sample.file);
        assert_eq!(
            call.dialect.protocol,
            expected_protocol(&sample),
            "{}",
            sample.file
        );
        let is_new_cloudwatch =
            service == Service::Monitoring && call.dialect.protocol != Protocol::Query;
        assert_eq!(
            call.dialect.query_mode, is_new_cloudwatch,
            "{}",
            sample.file
        );
        // What the head alone tells is never another protocol, nor, when signed, another service.
        assert_eq!(
            dialect(&head, "/tenant-a"),
            Some(call.dialect),
            "{}",
            sample.file
        );
    }
}

#[test]
fn every_sample_decodes_to_what_the_caller_passed() {
    for sample in &crate::samples::all() {
        let head = sample.head();
        let body = body::inflate(&head, sample.body()).expect("a body");
        let call = call(sample, &head, &body);
        let mut found: Tree = call.input.decode().expect(&sample.file);
        if let Tree::Map(members) = &mut found {
            members.retain(|(name, _)| {
                let is_framing = ["Action", "Version"].contains(&name.as_str());
                call.dialect.protocol != Protocol::Query
                    || !(is_framing || name.starts_with("X-Amz-"))
            });
        }
        let expected = sample.expected();
        assert!(
            found.is(&expected),
            "{}: {found:?}\nexpected {expected}",
            sample.file
        );
    }
}

#[test]
fn every_signed_sample_verifies() {
    let verifier = Verifier::default();
    let mut verified = 0;
    // Twice, so that the second round finds the signing keys in the cache.
    for sample in crate::samples::all().iter().chain(&crate::samples::all()) {
        let (head, body) = (sample.head(), sample.body());
        if !sample.is_signed() {
            let result = verifier.verify(&head, &body, &NO_TOKEN, TimestampMs(0));
            assert_eq!(result, Err(AuthError::Missing), "{}", sample.file);
            continue;
        }
        let now = sample.signed_at();
        let principal = verifier
            .verify(&head, &body, &NO_TOKEN, now)
            .unwrap_or_else(|error| panic!("{}: {error}", sample.file));
        assert_eq!(principal.account, "123456789012");
        assert_eq!(principal.region, "us-east-1");
        let inflated = body::inflate(&head, body).expect("a body");
        let service = call(sample, &head, &inflated).dialect.service;
        assert_eq!(principal.check_service(service), Ok(()), "{}", sample.file);
        verified += 1;
    }
    assert_eq!(verified, 2 * 88);
}

#[test]
fn a_changed_request_is_refused() {
    let verifier = Verifier::default();
    for sample in crate::samples::all()
        .iter()
        .filter(|sample| sample.is_signed())
    {
        let now = sample.signed_at();
        let verify = |head: &RequestHead, body: &[u8]| {
            verifier.verify(head, body, &NO_TOKEN, now).map(|_| ())
        };
        let (head, body) = (sample.head(), sample.body());
        assert_eq!(verify(&head, &body), Ok(()), "{}", sample.file);
        let mismatches =
            |head: &RequestHead| matches!(verify(head, &body), Err(AuthError::Mismatch { .. }));

        let mut longer = body.to_vec();
        longer.push(b' ');
        let other_body = verify(&head, &longer);
        assert!(
            matches!(
                other_body,
                Err(AuthError::Mismatch { .. } | AuthError::OtherBody)
            ),
            "{}",
            sample.file
        );

        let mut moved = head.clone();
        moved.path.push('x');
        assert!(mismatches(&moved), "{}", sample.file);

        let mut asked = head.clone();
        asked.query.push_str("&Evil=1");
        assert!(mismatches(&asked), "{}", sample.file);

        let mut hosted = head.clone();
        hosted
            .headers
            .insert("host", http::HeaderValue::from_static("evil"));
        assert!(mismatches(&hosted), "{}", sample.file);
    }
}

#[test]
fn signatures_have_their_time() {
    let verifier = Verifier::default();
    for sample in crate::samples::all()
        .iter()
        .filter(|sample| sample.is_signed())
    {
        let (head, body) = (sample.head(), sample.body());
        let signed_at = sample.signed_at();
        let is_presigned = head.query.contains("X-Amz-Expires=300");
        let at = |ms: i64| verifier.verify(&head, &body, &NO_TOKEN, signed_at + ms);
        let life_ms = if is_presigned { 5 } else { 15 } * MINUTE_MS;
        assert!(
            at(-15 * MINUTE_MS).is_ok() && at(life_ms).is_ok(),
            "{}",
            sample.file
        );
        for (late_ms, start) in [
            (life_ms + 1, "Signature expired: "),
            (-15 * MINUTE_MS - 1, "Signature not yet current: "),
        ] {
            let error = at(late_ms).expect_err(&sample.file);
            assert!(error.to_string().starts_with(start), "{error}");
        }
    }
}

#[test]
fn session_tokens_and_unknown_keys() {
    let verifier = Verifier::default();
    let with_token = SampleKeys {
        session_token: Some(SESSION_TOKEN.to_owned()),
    };
    for sample in crate::samples::all()
        .iter()
        .filter(|sample| sample.is_signed())
    {
        let (head, body) = (sample.head(), sample.body());
        let result = verifier.verify(&head, &body, &with_token, sample.signed_at());
        let expected = sample.variant == "session-token";
        assert_eq!(result.is_ok(), expected, "{}", sample.file);

        let mut other = head.clone();
        let key = Credential::of(&head).expect("a credential").access_key;
        if let Some(authorization) = head.header("authorization") {
            let text = authorization.replace(&key, "AKIDUNKNOWN");
            let value = http::HeaderValue::try_from(text).expect("a header");
            other.headers.insert("authorization", value);
        }
        other.query = head.query.replace(&key, "AKIDUNKNOWN");
        let result = verifier.verify(&other, &body, &NO_TOKEN, sample.signed_at());
        assert_eq!(result, Err(AuthError::UnknownKey), "{}", sample.file);
    }
}
