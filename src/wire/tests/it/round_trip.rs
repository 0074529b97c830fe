//! The same value through every protocol, and back.

use belfry_wire::{Blob, Dialect, Protocol, Service, Timestamp, encode, operations};
use http::HeaderMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use quick_xml::events::Event;
use serde::Serialize;
use serde_json::Value;

use crate::inputs::{Datum, Dimension, Metrics, ScanBy, StatisticSet, decode};

fn dimension() -> impl Strategy<Value = Dimension> {
    (of(".{0,8}"), of(".{0,8}")).prop_map(|(name, value)| Dimension { name, value })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |n| n.is_finite()),
        (-1_000_i32..1_000).prop_map(f64::from),
    ]
}

fn datum() -> impl Strategy<Value = Datum> {
    let statistics = (of(number()), of(number()))
        .prop_map(|(sample_count, sum)| StatisticSet { sample_count, sum });
    (
        of(".{0,8}"),
        of(vec(dimension(), 0..3)),
        of((-2_000_000_000_000_i64..4_000_000_000_000).prop_map(Timestamp::from_millis)),
        of(number()),
        of(vec(number(), 0..12)),
        of(statistics),
        of(any::<i32>()),
    )
        .prop_map(
            |(
                metric_name,
                dimensions,
                timestamp,
                value,
                values,
                statistic_values,
                storage_resolution,
            )| Datum {
                metric_name,
                dimensions,
                timestamp,
                value,
                values,
                statistic_values,
                storage_resolution,
            },
        )
}

fn metrics() -> impl Strategy<Value = Metrics> {
    (
        of(".{0,12}"),
        of(vec(datum(), 0..12)),
        of(any::<bool>()),
        of(btree_map(".{0,4}", ".{0,8}", 0..4)),
        of(vec(any::<u8>(), 0..20).prop_map(Blob)),
        of(prop_oneof![
            Just(ScanBy::TimestampAscending),
            Just(ScanBy::TimestampDescending)
        ]),
    )
        .prop_map(
            |(namespace, metric_data, strict_entity_validation, attributes, picture, scan_by)| {
                Metrics {
                    namespace,
                    metric_data,
                    strict_entity_validation,
                    attributes,
                    picture,
                    scan_by,
                }
            },
        )
}

/// Writes a value as a Query client would: lists as `.member.N`, and, under `Attributes`, maps
/// as `.entry.N.key` and `.value`.
fn form(name: &str, value: &Value, out: &mut String) {
    let below = |segment: &str| match name {
        "" => segment.to_owned(),
        name => format!("{name}.{segment}"),
    };
    match value {
        Value::Null => {}
        Value::Object(members) if name == "Attributes" => {
            for (index, (key, value)) in members.iter().enumerate() {
                let entry = format!("{name}.entry.{}", index + 1);
                form(&format!("{entry}.key"), &Value::String(key.clone()), out);
                form(&format!("{entry}.value"), value, out);
            }
            if members.is_empty() {
                out.push_str(&format!("{name}=&"));
            }
        }
        Value::Object(members) if members.values().all(Value::is_null) => {
            if !name.is_empty() {
                out.push_str(&format!("{name}=&"));
            }
        }
        Value::Object(members) => members
            .iter()
            .for_each(|(member, value)| form(&below(member), value, out)),
        Value::Array(elements) if elements.is_empty() => out.push_str(&format!("{name}=&")),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(index, element)| {
            form(&below(&format!("member.{}", index + 1)), element, out)
        }),
        scalar => {
            let text = scalar
                .as_str()
                .map_or_else(|| scalar.to_string(), str::to_owned);
            let text = utf8_percent_encode(&text, NON_ALPHANUMERIC);
            out.push_str(&format!("{name}={text}&"));
        }
    }
}

fn answer<T: Serialize>(protocol: Protocol, output: &T) -> Vec<u8> {
    let dialect = Dialect::new(protocol, Service::Monitoring, &HeaderMap::new());
    let operation = operations::find(Service::Monitoring, "GetMetricData").expect("declared");
    let response = encode(dialect, operation, "rid", output);
    assert_eq!(response.status, 200);
    response.body.to_vec()
}

/// The texts of the elements called `name`.
fn texts(xml: &[u8], name: &str) -> Vec<String> {
    let xml = std::str::from_utf8(xml).expect("text");
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut found = Vec::new();
    let mut inside: Option<String> = None;
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) if tag.name().as_ref() == name.as_bytes() => {
                inside = Some(String::new());
            }
            Event::Empty(tag) if tag.name().as_ref() == name.as_bytes() => {
                found.push(String::new());
            }
            Event::Text(text) => {
                if let Some(inside) = &mut inside {
                    inside.push_str(&text.decode().expect("text"));
                }
            }
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref().expect("a reference") {
                    Some(character) => character,
                    None => match reference.as_ref() {
                        b"amp" => '&',
                        b"lt" => '<',
                        b"gt" => '>',
                        b"quot" => '"',
                        other => panic!("{other:?}"),
                    },
                };
                inside.get_or_insert_default().push(character);
            }
            Event::End(tag) if tag.name().as_ref() == name.as_bytes() => {
                found.extend(inside.take());
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn is_legal_in_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn one_value_through_every_protocol(value in metrics()) {
        let json = answer(Protocol::Json10, &value);
        let from_json: Metrics = decode(Protocol::Json10, &json).expect("json");
        prop_assert_eq!(&from_json, &value);

        let cbor = answer(Protocol::Cbor, &value);
        let from_cbor: Metrics = decode(Protocol::Cbor, &cbor).expect("cbor");
        prop_assert_eq!(&from_cbor, &value);

        let tree: Value = serde_json::from_slice(&json).expect("json");
        let mut fields = String::new();
        form("", &tree, &mut fields);
        let from_query: Metrics = decode(Protocol::Query, fields.as_bytes()).expect("query");
        prop_assert_eq!(&from_query, &value);
    }

    #[test]
    fn xml_keeps_every_text(names in vec(any::<String>(), 0..5)) {
        let data: Vec<Datum> = names
            .iter()
            .map(|name| Datum { metric_name: Some(name.clone()), ..Datum::default() })
            .collect();
        let value = Metrics { metric_data: Some(data), ..Metrics::default() };
        let expected: Vec<String> = names
            .iter()
            .map(|name| name.chars().filter(|c| is_legal_in_xml(*c)).collect())
            .collect();
        let xml = answer(Protocol::Query, &value);
        prop_assert_eq!(texts(&xml, "MetricName"), expected);
    }
}

#[test]
fn xml_of_every_kind_of_member() {
    let value = Metrics {
        namespace: Some("a&b".to_owned()),
        metric_data: Some(vec![
            Datum {
                timestamp: Some(Timestamp::from_millis(1_768_478_400_120)),
                value: Some(2.0),
                values: Some(vec![]),
                storage_resolution: Some(1),
                ..Datum::default()
            },
            Datum::default(),
        ]),
        strict_entity_validation: Some(true),
        attributes: Some([("k".to_owned(), String::new())].into()),
        picture: Some(Blob(vec![0, 0xff])),
        scan_by: Some(ScanBy::TimestampAscending),
    };
    let xml = String::from_utf8(answer(Protocol::Query, &value)).expect("text");
    let (_, content) = xml.split_once("<GetMetricDataResult>").expect("a result");
    let (content, _) = content
        .split_once("</GetMetricDataResult>")
        .expect("an end");
    assert_eq!(
        content,
        "<Namespace>a&amp;b</Namespace><MetricData><member>\
         <Timestamp>2026-01-15T12:00:00.120Z</Timestamp><Value>2.0</Value><Values/>\
         <StorageResolution>1</StorageResolution></member><member/></MetricData>\
         <StrictEntityValidation>true</StrictEntityValidation>\
         <Attributes><entry><key>k</key><value/></entry></Attributes>\
         <Picture>AP8=</Picture><ScanBy>TimestampAscending</ScanBy>"
    );
}
