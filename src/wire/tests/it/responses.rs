//! Writes the answers that real clients were seen to parse (`tests/wire-samples/responses`).

use belfry_wire::errors::{logs, monitoring, sns, xray};
use belfry_wire::{
    ApiError, Dialect, Empty, Protocol, Response, Service, Timestamp, encode, encode_error,
    operations,
};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricDataOutput {
    metric_data_results: Vec<MetricDataResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    messages: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDataResult {
    id: String,
    label: String,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    status_code: String,
}

fn metric_data() -> GetMetricDataOutput {
    GetMetricDataOutput {
        metric_data_results: vec![MetricDataResult {
            id: "m1".to_owned(),
            label: "L".to_owned(),
            timestamps: vec![
                Timestamp::from_millis(1_768_478_460_000),
                Timestamp::from_millis(1_768_478_400_500),
            ],
            values: vec![1.5, 2.0, 1e-9],
            status_code: "Complete".to_owned(),
        }],
        next_token: None,
        messages: Vec::new(),
    }
}

/// Status, headers and body of the recorded answer.
fn recorded(name: &str) -> (u16, Value, Vec<u8>) {
    use base64::Engine as _;
    let path = crate::samples::directory().join(format!("responses/{name}.json"));
    let text = std::fs::read(path).expect("a response");
    let sample: Value = serde_json::from_slice(&text).expect("json");
    let body = base64::engine::general_purpose::STANDARD
        .decode(sample["body_base64"].as_str().expect("a body"))
        .expect("base64");
    let status = sample["status"].as_u64().expect("a status") as u16;
    (status, sample["headers"].clone(), body)
}

fn dialect(protocol: Protocol, service: Service) -> Dialect {
    Dialect {
        protocol,
        service,
        query_mode: service == Service::Monitoring && protocol != Protocol::Query,
    }
}

fn check_head(name: &str, response: &Response) -> Vec<u8> {
    let (status, headers, body) = recorded(name);
    assert_eq!(response.status.as_u16(), status, "{name}");
    for header in headers.as_array().expect("headers") {
        let (key, value) = (header[0].as_str().expect("a name"), &header[1]);
        let found = response.headers.get(key).expect(key);
        assert_eq!(found.to_str().ok(), value.as_str(), "{name}: {key}");
    }
    body
}

fn check_xml(name: &str, response: &Response) {
    let expected = String::from_utf8(check_head(name, response)).expect("text");
    // Java writes exponents in its own way; both are valid doubles.
    let expected = expected.replace("1.0E-9", "2.0</member><member>1e-9");
    let expected = regex::Regex::new("<RequestId>[^<]*")
        .expect("a pattern")
        .replace(&expected, "<RequestId>rid-1")
        .into_owned();
    assert_eq!(
        std::str::from_utf8(&response.body),
        Ok(&*expected),
        "{name}"
    );
}

fn check_json(name: &str, response: &Response) {
    let strip = |body: &[u8]| {
        let mut value: Value = serde_json::from_slice(body).expect("json");
        if let Some(shape) = value.get("__type").and_then(Value::as_str) {
            let bare = shape.rsplit('#').next().expect("a shape").to_owned();
            value["__type"] = Value::String(bare);
        }
        value
    };
    let expected = check_head(name, response);
    let mut found = strip(&response.body);
    let expected = strip(&expected);
    if expected.get("__type").is_none()
        && let Some(members) = found.as_object_mut()
    {
        members.shift_remove("__type");
    }
    // Numbers by value: `2` and `2.0` are one JSON number.
    assert_eq!(by_value(found), by_value(expected), "{name}");
}

fn by_value(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.into_iter().map(by_value).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, by_value(v))).collect(),
        other => other,
    }
}

fn answer<T: Serialize>(protocol: Protocol, service: Service, name: &str, output: &T) -> Response {
    let operation = operations::find(service, name).expect(name);
    encode(dialect(protocol, service), operation, "rid-1", output)
}

fn refusal(protocol: Protocol, service: Service, error: &ApiError) -> Response {
    encode_error(dialect(protocol, service), "rid-1", error)
}

#[test]
fn outputs() {
    use Service::{Logs, Monitoring, Sns, Xray};
    let response = answer(Protocol::Query, Monitoring, "GetMetricData", &metric_data());
    check_xml("cloudwatch.GetMetricData.query", &response);
    let response = answer(
        Protocol::Json10,
        Monitoring,
        "GetMetricData",
        &metric_data(),
    );
    check_json("cloudwatch.GetMetricData.json10", &response);

    let response = answer(Protocol::Cbor, Monitoring, "GetMetricData", &metric_data());
    let expected = check_head("cloudwatch.GetMetricData.cbor", &response);
    let read = |body: &[u8]| ciborium::from_reader::<ciborium::Value, _>(body).expect("cbor");
    assert_eq!(read(&response.body), read(&expected));

    let output = json!({
        "nextSequenceToken": "49", "rejectedLogEventsInfo": {"tooOldLogEventEndIndex": 1}});
    let response = answer(Protocol::Json11, Logs, "PutLogEvents", &output);
    check_json("logs.PutLogEvents.json11", &response);

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct GetTopicAttributesOutput {
        attributes: std::collections::BTreeMap<String, String>,
    }
    let topic = "arn:aws:sns:us-east-1:123456789012:ops";
    let output = GetTopicAttributesOutput {
        attributes: [("TopicArn".to_owned(), topic.to_owned())].into(),
    };
    let response = answer(Protocol::Query, Sns, "GetTopicAttributes", &output);
    check_xml("sns.GetTopicAttributes.query", &response);

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct PublishOutput {
        message_id: String,
        sequence_number: Option<String>,
    }
    let output = PublishOutput {
        message_id: "m-1".to_owned(),
        sequence_number: None,
    };
    check_xml(
        "sns.Publish.query",
        &answer(Protocol::Query, Sns, "Publish", &output),
    );

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Sent {
        id: String,
        message_id: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Failed {
        id: String,
        code: String,
        message: String,
        sender_fault: bool,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct PublishBatchOutput {
        successful: Vec<Sent>,
        failed: Vec<Failed>,
    }
    let output = PublishBatchOutput {
        successful: vec![Sent {
            id: "a".to_owned(),
            message_id: "1".to_owned(),
        }],
        failed: vec![Failed {
            id: "b".to_owned(),
            code: "InvalidParameter".to_owned(),
            message: "x".to_owned(),
            sender_fault: true,
        }],
    };
    let response = answer(Protocol::Query, Sns, "PublishBatch", &output);
    check_xml("sns.PublishBatch.query", &response);

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct TraceSummary {
        id: String,
        start_time: Timestamp,
        duration: f64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct GetTraceSummariesOutput {
        trace_summaries: Vec<TraceSummary>,
        approximate_time: Timestamp,
        traces_processed_count: i64,
    }
    let output = GetTraceSummariesOutput {
        trace_summaries: vec![TraceSummary {
            id: "1-a".to_owned(),
            start_time: Timestamp::from_millis(1_768_478_400_250),
            duration: 1.5,
        }],
        approximate_time: Timestamp::from_millis(1_768_478_400_000),
        traces_processed_count: 1,
    };
    let response = answer(Protocol::RestJson, Xray, "GetTraceSummaries", &output);
    check_json("xray.GetTraceSummaries.restjson", &response);
}

#[test]
fn errors() {
    use Service::{Logs, Monitoring, Sns, Xray};
    let error = monitoring::limit_exceeded("boom");
    check_json(
        "cloudwatch.error-LimitExceeded.json10",
        &refusal(Protocol::Json10, Monitoring, &error),
    );
    let error =
        monitoring::dashboard_invalid("bad", vec![json!({"DataPath": "/widgets", "Message": "m"})]);
    check_json(
        "cloudwatch.error-PutDashboard.json10",
        &refusal(Protocol::Json10, Monitoring, &error),
    );
    let xml = refusal(Protocol::Query, Monitoring, &error).body;
    let xml = std::str::from_utf8(&xml).expect("text");
    assert!(
        xml.contains(
            "<dashboardValidationMessages><member><DataPath>/widgets</DataPath>\
             <Message>m</Message></member></dashboardValidationMessages></Error>"
        ),
        "{xml}"
    );

    let mut error = monitoring::alarm_not_found();
    error.message = Some("no alarm".to_owned());
    check_xml(
        "cloudwatch.error-ResourceNotFound.query",
        &refusal(Protocol::Query, Monitoring, &error),
    );
    error.message = Some("boom".to_owned());
    let response = refusal(Protocol::Cbor, Monitoring, &error);
    check_head("cloudwatch.error-ResourceNotFound.cbor", &response);
    let body: Value = ciborium::from_reader(&*response.body).expect("cbor");
    assert_eq!(
        body,
        json!({
            "__type": "com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound", "message": "boom"})
    );

    check_json(
        "logs.error-MalformedQuery.json11",
        &refusal(Protocol::Json11, Logs, &{
            let mut error = logs::malformed_query("m", Some((3, 5)));
            error.message = Some("unexpected symbol".to_owned());
            error
        }),
    );
    check_json(
        "logs.error-ResourceNotFound.json11",
        &refusal(Protocol::Json11, Logs, &logs::log_group_not_found()),
    );
    check_xml(
        "sns.error-NotFound.query",
        &refusal(
            Protocol::Query,
            Sns,
            &sns::error("NotFound", "Topic does not exist"),
        ),
    );
    check_json(
        "xray.error-InvalidRequest.restjson",
        &refusal(Protocol::RestJson, Xray, &xray::invalid_request("bad expr")),
    );
}

#[test]
fn not_found_alarms_have_no_message() {
    let error = monitoring::alarm_not_found();
    let json = refusal(Protocol::Json10, Service::Monitoring, &error);
    assert_eq!(
        std::str::from_utf8(&json.body),
        Ok("{\"__type\":\"com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound\"}")
    );
    let xml = refusal(Protocol::Query, Service::Monitoring, &error);
    assert!(
        !std::str::from_utf8(&xml.body)
            .expect("text")
            .contains("Message")
    );
    assert_eq!(xml.status, 404);
}

#[test]
fn the_legacy_code_goes_only_to_those_who_ask() {
    let error = monitoring::validation_error("v");
    let mut caller = dialect(Protocol::Cbor, Service::Monitoring);
    let response = encode_error(caller, "rid-1", &error);
    assert_eq!(
        response.headers["x-amzn-query-error"],
        "ValidationError;Sender"
    );
    let body: Value = ciborium::from_reader(&*response.body).expect("cbor");
    assert_eq!(
        body["__type"],
        "com.amazon.coral.validate#ValidationException"
    );

    let error = monitoring::internal_service_error("i");
    let response = encode_error(caller, "rid-1", &error);
    assert_eq!(
        response.headers["x-amzn-query-error"],
        "InternalServiceError;Receiver"
    );
    let body: Value = ciborium::from_reader(&*response.body).expect("cbor");
    assert_eq!(body["Message"], "i");

    caller.query_mode = false;
    let response = encode_error(caller, "rid-1", &error);
    assert!(!response.headers.contains_key("x-amzn-query-error"));
}

#[test]
fn envelopes_without_output() {
    let body = |protocol, name| {
        let response = answer(protocol, Service::Monitoring, name, &Empty {});
        assert_eq!(response.headers["x-amzn-requestid"], "rid-1");
        String::from_utf8_lossy(&response.body).into_owned()
    };
    let metadata = "<ResponseMetadata><RequestId>rid-1</RequestId></ResponseMetadata>";
    let namespace = "xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"";
    assert_eq!(
        body(Protocol::Query, "PutMetricData"),
        format!("<PutMetricDataResponse {namespace}>{metadata}</PutMetricDataResponse>")
    );
    assert_eq!(
        body(Protocol::Query, "TagResource"),
        format!(
            "<TagResourceResponse {namespace}><TagResourceResult/>{metadata}</TagResourceResponse>"
        )
    );
    assert_eq!(body(Protocol::Json10, "PutMetricData"), "{}");
    let cbor = answer(
        Protocol::Cbor,
        Service::Monitoring,
        "PutMetricData",
        &Empty {},
    );
    assert_eq!(&*cbor.body, [0xa0]);
}

#[test]
fn logs_refuses_with_400_whatever_the_error() {
    let error = ApiError::new("X", http::StatusCode::NOT_FOUND, "m");
    assert_eq!(refusal(Protocol::Json11, Service::Logs, &error).status, 400);
    let error = logs::service_unavailable("m");
    assert_eq!(refusal(Protocol::Json11, Service::Logs, &error).status, 503);
}
