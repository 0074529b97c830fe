//! Requests as operations read them: decoded, and checked as far as a request alone tells.

use belfry_api::operation::Handler;
use belfry_api::page_token::{PageScope, PageTokens};
use belfry_api::table;
use belfry_model::{Tenant, TimestampMs};
use belfry_wire::{ApiError, Dialect, Form, Input, Protocol, Service, encode_error};
use http::HeaderMap;

use super::checks::Check;

/// Every target of the operations, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("put_metric_data", put_metric_data),
    ("put_log_events", put_log_events),
    ("operation_input", operation_input),
];

const NOW: TimestampMs = TimestampMs(1_768_478_400_000);

/// A letter for the protocol (`q`uery, `j`son, `c`bor), then the body.
pub fn put_metric_data(data: &[u8]) {
    examine(table::find(Service::Monitoring, "PutMetricData"), data);
}

/// As [`put_metric_data`].
pub fn put_log_events(data: &[u8]) {
    examine(table::find(Service::Logs, "PutLogEvents"), data);
}

/// The name of an operation on the first line, then as [`put_metric_data`].
pub fn operation_input(data: &[u8]) {
    let Some(at) = data.iter().position(|byte| *byte == b'\n') else {
        return;
    };
    let (name, data) = (&data[..at], &data[at + 1..]);
    let named = table::all().find(|operation| operation.name().as_bytes() == name);
    // A name with a few bytes changed leads to some other operation.
    let number = name.iter().fold(0_usize, |n, byte| n + usize::from(*byte));
    examine(
        named.or_else(|| table::all().nth(number % table::all().count())),
        data,
    );
    if let Ok(text) = std::str::from_utf8(data) {
        page_token(text);
    }
}

fn page_token(text: &str) {
    let tokens = PageTokens::new([7; 32]);
    let tenant = Tenant::new("000000000000", "us-east-1");
    let scope = PageScope {
        operation: "ListMetrics",
        tenant: &tenant,
        filter: &["a"],
    };
    assert_eq!(tokens.open(scope, text, NOW), None, "a forged token opens");
    let sealed = tokens.seal(scope, text, NOW.saturating_add_ms(1));
    assert_eq!(tokens.open(scope, &sealed, NOW).as_deref(), Some(text));
}

/// Whatever is wrong has an answer that blames the client.
fn examine(operation: Option<&'static dyn Handler>, data: &[u8]) {
    let operation = operation.expect("an operation");
    let Some((protocol, body)) = data.split_first() else {
        return;
    };
    let (protocol, input) = match protocol {
        b'q' => {
            let Ok(form) = Form::parse("", body) else {
                return;
            };
            (Protocol::Query, Input::Form(form))
        }
        b'j' => (Protocol::Json11, Input::Json(body)),
        _ => (Protocol::Cbor, Input::Cbor(body)),
    };
    if let Err(error) = operation.examine(&input, NOW) {
        assert_client_error(protocol, operation.service(), &error);
    }
}

fn assert_client_error(protocol: Protocol, service: Service, error: &ApiError) {
    let dialect = Dialect::new(protocol, service, &HeaderMap::new());
    let answer = encode_error(dialect, "request", error);
    assert!(answer.status.is_client_error(), "{error:?}");
    assert!(!answer.body.is_empty());
}
