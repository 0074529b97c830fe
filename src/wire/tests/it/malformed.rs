//! Broken bodies: a 400 in the caller's protocol, never a panic, never unbounded memory.

use belfry_wire::route::route;
use belfry_wire::{Protocol, RequestHead, Timestamp, body, encode_error};
use bytes::Bytes;
use http::StatusCode;
use proptest::prelude::*;

use crate::inputs::{Metrics, decode, head};
use crate::samples::{self, Tree};

fn refused(protocol: Protocol, body: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let error = decode::<Metrics>(protocol, body).expect_err(&shown);
    assert_eq!(error.status, StatusCode::BAD_REQUEST);
    assert_eq!(error.shape, "SerializationException");
    assert_eq!(error.code, "MalformedInput");
    error.message.expect("a message")
}

#[test]
fn wrong_types_name_the_member() {
    for (json, member) in [
        (r#"{"Namespace": 5}"#, "Namespace"),
        (r#"{"MetricData": {}}"#, "MetricData"),
        (
            r#"{"MetricData": [{}, {"Value": "x"}]}"#,
            "MetricData.2.Value",
        ),
        (
            r#"{"MetricData": [{"Timestamp": true}]}"#,
            "MetricData.1.Timestamp",
        ),
        (
            r#"{"MetricData": [{"Timestamp": 1e300}]}"#,
            "MetricData.1.Timestamp",
        ),
        (
            r#"{"MetricData": [{"StatisticValues": [1, 2]}]}"#,
            "MetricData.1.StatisticValues",
        ),
        (
            r#"{"MetricData": [{"StorageResolution": 1.5}]}"#,
            "MetricData.1.StorageResolution",
        ),
        (
            r#"{"MetricData": [{"StorageResolution": 99999999999}]}"#,
            "MetricData.1.StorageResolution",
        ),
        (r#"{"Attributes": {"a": 1}}"#, "Attributes.a"),
        (r#"{"Picture": "not base64!"}"#, "Picture"),
        (r#"{"ScanBy": "Sideways"}"#, "ScanBy"),
        (r#"{"Namespace": "a", "Namespace": "b"}"#, ""),
    ] {
        let message = refused(Protocol::Json10, json.as_bytes());
        assert!(message.starts_with(member), "{json}: {message}");

        let value: ciborium::Value = serde_json::from_str(json).unwrap_or(ciborium::Value::Null);
        let mut cbor = Vec::new();
        ciborium::into_writer(&value, &mut cbor).expect("in memory");
        if !["Picture", ""].contains(&member) {
            let message = refused(Protocol::Cbor, &cbor);
            assert!(message.starts_with(member), "{json}: {message}");
        }
    }
    for (form, member) in [
        ("MetricData=x", "MetricData"),
        ("MetricData.member.x.Value=1", "MetricData"),
        ("MetricData.member.1.Value=x", "MetricData.1.Value"),
        ("MetricData.member.1.Value=", "MetricData.1.Value"),
        (
            "MetricData.member.1.Timestamp=noon",
            "MetricData.1.Timestamp",
        ),
        (
            "MetricData.member.1.StatisticValues=1",
            "MetricData.1.StatisticValues",
        ),
        (
            "MetricData.member.1.StorageResolution=1.5",
            "MetricData.1.StorageResolution",
        ),
        ("StrictEntityValidation=yes", "StrictEntityValidation"),
        ("Attributes.entry.1.key=a", "Attributes"),
        ("Attributes.entry.1.value=a", "Attributes"),
        ("Namespace.x=5", "Namespace"),
        ("Namespace=a&Namespace=b", "Namespace"),
    ] {
        let message = refused(Protocol::Query, form.as_bytes());
        assert!(message.starts_with(member), "{form}: {message}");
    }
}

#[test]
fn lenient_where_the_spec_asks_for_it() {
    let empty = Metrics::default();
    for (protocol, body) in [
        (Protocol::Json10, &b""[..]),
        (Protocol::Json10, b" {} "),
        (
            Protocol::Json10,
            br#"{"Unknown": [{"deep": null}], "Namespace": null}"#,
        ),
        (Protocol::Cbor, b""),
        (Protocol::Cbor, &[0xa0]),
        (Protocol::Cbor, &[0xbf, 0xff]),
        // {"x": tag 1(indefinite [h'', undefined])}, then {"Namespace": null}
        (
            Protocol::Cbor,
            b"\xbf\x61x\xc1\x9f\x40\xf7\xff\x69Namespace\xf6\xff",
        ),
        (Protocol::Query, b""),
        (Protocol::Query, b"Unknown.entry.9.x=1"),
    ] {
        assert_eq!(
            decode::<Metrics>(protocol, body).as_ref(),
            Ok(&empty),
            "{body:?}"
        );
    }

    // Gaps and order of indices do not matter; an empty value is an empty list.
    let form = b"MetricData.member.10.Value=3&MetricData.member.2.Value=NaN\
        &MetricData.member.3.Value=-1e-09&MetricData.member.2.Values=&Namespace=";
    let found: Metrics = decode(Protocol::Query, form).expect("a form");
    let data = found.metric_data.expect("data");
    let values: Vec<f64> = data.iter().filter_map(|datum| datum.value).collect();
    assert!(values[0].is_nan());
    assert_eq!(values[1..], [-1e-9, 3.0]);
    assert_eq!(data[0].values, Some(Vec::new()));
    assert_eq!(found.namespace.as_deref(), Some(""));

    // Numbers of any form: half, single and double floats, integers of either sign.
    let cbor = b"\xa1\x6aMetricData\x81\xa2\x66Values\x86\xf9\x3c\x00\xfa\x40\x00\x00\x00\
        \xfb\x40\x08\x00\x00\x00\x00\x00\x00\x04\x24\x1b\x00\x00\x00\x00\x00\x00\x00\x06\
        \x71StorageResolution\xf9\x3c\x00";
    let found: Metrics = decode(Protocol::Cbor, cbor).expect("cbor");
    let data = found.metric_data.expect("data");
    assert_eq!(data[0].values, Some(vec![1.0, 2.0, 3.0, 4.0, -5.0, 6.0]));
    assert_eq!(data[0].storage_resolution, Some(1));

    // Text in chunks, a timestamp as tagged integer.
    let cbor = b"\xa2\x7f\x64Name\x65space\xff\x7f\x61a\x62bc\xff\
        \x6aMetricData\x81\xa1\x69Timestamp\xc1\x1a\x69\x68\xd6\xc0";
    let found: Metrics = decode(Protocol::Cbor, cbor).expect("cbor");
    assert_eq!(found.namespace.as_deref(), Some("abc"));
    let data = found.metric_data.expect("data");
    assert_eq!(
        data[0].timestamp,
        Some(Timestamp::from_millis(1_768_478_400_000))
    );
}

#[test]
fn broken_syntax() {
    for body in [
        &b"{"[..],
        b"{} {}",
        b"[]",
        b"null",
        b"\"x\"",
        b"{\"Namespace\": \"\xff\"}",
        b"{\"Namespace\": \"\\ud800\"}",
        b"{\"Unknown\": \"\xff\"}",
        b"{\"Unknown\": {\"\xff\": 1}}",
        b"{\"MetricData\": [{\"Value\": NaN}]}",
    ] {
        refused(Protocol::Json10, body);
    }
    for body in [
        &b"\xbf"[..],
        b"\xa1",
        b"\xa1\x61",
        b"\xa1\x69Namespace",
        b"\x80",
        b"\xf6",
        b"\xa0\xa0",
        b"\xff",
        b"\xa1\x01\x02",
        b"\xa1\x69Namespace\x62\xff\xff",
        b"\xa1\x61x\x62\xff\xff",
        b"\xa1\x69Namespace\x7f\x41a\xff",
        b"\xa1\x69Namespace\x1c",
        // Lengths that no memory could hold.
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x6aMetricData\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x69Namespace\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61x\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x61x\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        refused(Protocol::Cbor, body);
    }
    for body in [&b"Namespace=%ff"[..], b"Namespace=\xff", b"Name\0space=1"] {
        refused(Protocol::Query, body);
    }
}

#[test]
fn deep_nesting() {
    let levels = 200_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!(
            "{{\"Unknown\":{}1{}}}",
            open.repeat(levels),
            close.repeat(levels)
        );
        refused(Protocol::Json10, body.as_bytes());
        decode::<Tree>(Protocol::Json10, body.as_bytes()).expect_err("too deep");
    }
    for level in [&b"\x81"[..], b"\x9f", b"\xa1\x61a", b"\xbf\x61a"] {
        let mut body = b"\xa1\x67Unknown".to_vec();
        body.extend(level.repeat(levels));
        refused(Protocol::Cbor, &body);
        decode::<Tree>(Protocol::Cbor, &body).expect_err("too deep");
    }
    // Tags nest without end as well, and cost nothing.
    let mut body = b"\xa1\x67Unknown".to_vec();
    body.extend(b"\xc1".repeat(levels));
    refused(Protocol::Cbor, &body);
    body.push(0);
    decode::<Metrics>(Protocol::Cbor, &body).expect("tags are looked through");

    let body = format!("Unknown{}=1", ".a".repeat(levels));
    refused(Protocol::Query, body.as_bytes());
}

/// Empty structures are small in a body and large in memory.
#[test]
fn too_many_elements() {
    let list =
        |element: &str, count| format!("{{\"MetricData\":[{}]}}", vec![element; count].join(","));
    let cbor =
        |element: u8, count| [b"\xa1\x6aMetricData\x9f", &*vec![element; count], b"\xff"].concat();
    let full = list("{}", 10_000);
    decode::<Metrics>(Protocol::Json10, full.as_bytes()).expect("a full request");
    decode::<Metrics>(Protocol::Cbor, &cbor(0xa0, 10_000)).expect("a full request");

    let message = refused(Protocol::Json10, list("{}", 100_000).as_bytes());
    assert!(message.contains("too many structures"), "{message}");
    let message = refused(Protocol::Cbor, &cbor(0xa0, 100_000));
    assert!(message.contains("too many structures"), "{message}");

    let form: String = (0..100_000)
        .map(|index| format!("MetricData.member.{index}=&"))
        .collect();
    let message = refused(Protocol::Query, form.as_bytes());
    assert!(message.contains("too many structures"), "{message}");

    for (protocol, body) in [
        (Protocol::Json10, list("0", 2_000_000).into_bytes()),
        (Protocol::Cbor, cbor(0, 2_000_000)),
    ] {
        let error = decode::<Tree>(protocol, &body).expect_err("too many");
        assert!(error.to_string().contains("too many elements"), "{error}");
    }
}

#[test]
fn too_many_fields() {
    let body = "a&".repeat(300_000);
    refused(Protocol::Query, body.as_bytes());
}

/// Routes and decodes as a server would; only panics are wrong.
fn survive(head: &RequestHead, received: &[u8]) {
    let Ok(inflated) = body::inflate(head, Bytes::copy_from_slice(received)) else {
        return;
    };
    match route(head, "", &inflated) {
        Ok(belfry_wire::Route::Call(call)) => {
            let typed = call.input.decode::<Metrics>();
            if let Err(error) = typed {
                let response = encode_error(call.dialect, "rid", &error);
                assert!(response.status.is_client_error());
            }
            let _ = call.input.decode::<Tree>();
        }
        Ok(_) => {}
        Err(rejection) => {
            assert!(rejection.error.status.is_client_error());
            let _ = encode_error(rejection.dialect, "rid", &rejection.error);
        }
    }
}

#[test]
fn truncated_samples() {
    for sample in samples::all() {
        let (head, body) = (sample.head(), sample.body());
        let step = (body.len() / 200).max(1);
        for len in (0..body.len()).step_by(step) {
            survive(&head, &body[..len]);
        }
    }
}

const PROTOCOLS: [Protocol; 4] = [
    Protocol::Query,
    Protocol::Json10,
    Protocol::Cbor,
    Protocol::RestJson,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for protocol in PROTOCOLS {
            survive(&head(protocol), &body);
        }
    }

    #[test]
    fn random_text(body in "[ -~\\.=&%{}\\[\\]\":,0-9a-z]{0,120}") {
        for protocol in PROTOCOLS {
            survive(&head(protocol), body.as_bytes());
        }
        let mut head = head(Protocol::Query);
        head.query = body;
        survive(&head, b"");
    }

    #[test]
    fn samples_with_flipped_bytes(
        which in 0..89_usize,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let sample = &all_samples()[which];
        let mut body = sample.body().to_vec();
        for (index, byte) in flips {
            if !body.is_empty() {
                let at = index.index(body.len());
                body[at] = byte;
            }
        }
        survive(&sample.head(), &body);
    }
}

fn all_samples() -> &'static [samples::Sample] {
    static ALL: std::sync::LazyLock<Vec<samples::Sample>> = std::sync::LazyLock::new(samples::all);
    &ALL
}

/// Numbers that JSON cannot write come as texts, as all SDKs send them.
#[test]
fn numbers_that_are_none() {
    for (text, expected) in [
        ("\"NaN\"", f64::NAN),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
        ("7", 7.0),
        ("-1e-9", -1e-9),
    ] {
        let body = format!("{{\"MetricData\":[{{\"Value\":{text}}}]}}");
        let found = decode::<Metrics>(Protocol::Json10, body.as_bytes()).expect(text);
        let value = found.metric_data.expect("data")[0].value.expect("a value");
        assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
    }
    for text in ["\"nan\"", "\"1\"", "\"\"", "[1]", "true"] {
        let body = format!("{{\"MetricData\":[{{\"Value\":{text}}}]}}");
        let message = refused(Protocol::Json10, body.as_bytes());
        assert!(message.contains("MetricData.1.Value"), "{message}");
    }
}
