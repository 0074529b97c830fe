//! Routing of what the recorded requests do not show.

use belfry_wire::route::{OtlpSignal, Rejection, Route, dialect, route};
use belfry_wire::{Protocol, RequestHead, Service, encode_error};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

struct Request {
    head: RequestHead,
    body: &'static str,
}

fn request(method: Method, uri: &str, headers: &[(&'static str, &'static str)]) -> Request {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    Request {
        head: RequestHead {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map,
        },
        body: "",
    }
}

impl Request {
    fn with_body(mut self, body: &'static str) -> Self {
        self.body = body;
        self
    }

    fn with_scope(mut self, service: &str) -> Self {
        let text = format!(
            "AWS4-HMAC-SHA256 Credential=AK/20260115/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        );
        let value = HeaderValue::try_from(text).expect("a header");
        self.head.headers.insert("authorization", value);
        self
    }

    fn called(&self) -> (Protocol, Service, &'static str) {
        match route(&self.head, "/base", self.body.as_bytes()) {
            Ok(Route::Call(call)) => {
                assert_eq!(call.dialect.service, call.operation.service);
                (
                    call.dialect.protocol,
                    call.dialect.service,
                    call.operation.name,
                )
            }
            other => panic!("{:?}: {other:?}", self.head),
        }
    }

    fn rejected(&self) -> Rejection {
        match route(&self.head, "/base", self.body.as_bytes()) {
            Err(rejection) => rejection,
            other => panic!("{:?}: {other:?}", self.head),
        }
    }
}

const FORM: (&str, &str) = (
    "content-type",
    "application/x-www-form-urlencoded; charset=utf-8",
);
const JSON10: (&str, &str) = ("content-type", "application/x-amz-json-1.0");
const JSON11: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const SMITHY: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

#[test]
fn links_in_notifications_need_no_version_and_no_signature() {
    let link = request(
        Method::GET,
        "/?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns&Token=t",
        &[],
    );
    assert_eq!(
        link.called(),
        (Protocol::Query, Service::Sns, "ConfirmSubscription")
    );
    let link = request(
        Method::GET,
        "/base/?Action=Unsubscribe&SubscriptionArn=x",
        &[],
    );
    assert_eq!(
        link.called(),
        (Protocol::Query, Service::Sns, "Unsubscribe")
    );
}

#[test]
fn parameters_of_body_and_query_string_are_merged() {
    let both = request(Method::POST, "/?Version=2010-08-01&Namespace=q", &[FORM])
        .with_body("Action=ListMetrics&Namespace=b");
    assert_eq!(
        both.called(),
        (Protocol::Query, Service::Monitoring, "ListMetrics")
    );
    let Ok(Route::Call(call)) = route(&both.head, "", both.body.as_bytes()) else {
        panic!("no call");
    };
    let input: std::collections::BTreeMap<String, String> = call.input.decode().expect("a form");
    assert_eq!(input["Namespace"], "b");

    // The body of a GET is no form.
    let get = request(Method::GET, "/?Action=ListTopics&Version=2010-03-31", &[])
        .with_body("Action=DeleteTopic");
    assert_eq!(get.called().2, "ListTopics");
}

#[test]
fn the_scope_decides_where_names_overlap() {
    let tag = |body| request(Method::POST, "/", &[FORM]).with_body(body);
    let unsigned = tag("Action=TagResource&Version=2010-08-01");
    assert_eq!(unsigned.called().1, Service::Monitoring);
    assert_eq!(
        tag("Action=TagResource").with_scope("sns").called().1,
        Service::Sns
    );
    assert_eq!(
        tag("Action=TagResource")
            .with_scope("monitoring")
            .called()
            .1,
        Service::Monitoring
    );

    let rest = request(Method::POST, "/base/TagResource", &[]);
    assert_eq!(
        rest.called(),
        (Protocol::RestJson, Service::Xray, "TagResource")
    );
    let other = request(Method::POST, "/TagResource", &[]).with_scope("oam");
    assert!(matches!(route(&other.head, "", b""), Ok(Route::Other)));
}

#[test]
fn cbor_needs_header_path_and_post() {
    let path = "/base/service/GraniteServiceVersion20100801/operation/ListMetrics";
    let good = request(Method::POST, path, &[SMITHY]);
    assert_eq!(
        good.called(),
        (Protocol::Cbor, Service::Monitoring, "ListMetrics")
    );
    for bad in [
        request(Method::POST, path, &[]),
        request(Method::GET, path, &[SMITHY]),
        request(Method::POST, "/", &[SMITHY]),
        request(
            Method::POST,
            "/service/Nothing/operation/ListMetrics",
            &[SMITHY],
        ),
        request(
            Method::POST,
            "/service/GraniteServiceVersion20100801/operation/listmetrics",
            &[SMITHY],
        ),
    ] {
        let rejection = bad.rejected();
        assert_eq!(rejection.dialect.protocol, Protocol::Cbor);
        assert_eq!(rejection.error.shape, "UnknownOperationException");
        assert_eq!(rejection.error.status, 400);
    }
}

#[test]
fn unknown_operations_in_each_protocol() {
    let json = request(
        Method::POST,
        "/",
        &[JSON11, ("x-amz-target", "Logs_20140328.putLogEvents")],
    );
    let rejection = json.rejected();
    assert_eq!(rejection.dialect.service, Service::Logs);
    let response = encode_error(rejection.dialect, "rid", &rejection.error);
    assert_eq!(response.status, 400);
    assert_eq!(
        response.headers["content-type"],
        "application/x-amz-json-1.1"
    );
    assert_eq!(
        std::str::from_utf8(&response.body),
        Ok("{\"__type\":\"UnknownOperationException\",\
            \"message\":\"The operation Logs_20140328.putLogEvents is not known.\"}")
    );

    for target in ["Logs_20140328", "Logs_2014.PutLogEvents", ".", ""] {
        let mut odd = request(Method::POST, "/", &[JSON10]);
        let value = HeaderValue::from_static(target);
        odd.head.headers.insert("x-amz-target", value);
        assert_eq!(odd.rejected().dialect.protocol, Protocol::Json10);
    }

    let query = request(Method::POST, "/", &[FORM])
        .with_body("Action=Bogus&Version=2010-08-01")
        .rejected();
    let response = encode_error(query.dialect, "rid", &query.error);
    assert_eq!(response.status, 400);
    assert_eq!(
        std::str::from_utf8(&response.body),
        Ok(
            "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error>\
            <Type>Sender</Type><Code>InvalidAction</Code>\
            <Message>Could not find operation Bogus for version 2010-08-01</Message></Error>\
            <RequestId>rid</RequestId></ErrorResponse>"
        )
    );
    let query = request(Method::POST, "/", &[FORM])
        .with_body("Action=ListMetrics&Version=1999-01-01")
        .rejected();
    assert_eq!(query.error.code, "InvalidAction");
    let query = request(Method::POST, "/", &[FORM])
        .with_body("x=y")
        .rejected();
    assert_eq!(query.error.code, "MissingAction");
    // Logs has no Query protocol.
    let query = request(Method::POST, "/", &[FORM])
        .with_body("Action=PutLogEvents")
        .with_scope("logs")
        .rejected();
    assert_eq!(query.error.code, "InvalidAction");

    let rest = request(Method::POST, "/Nothing", &[])
        .with_scope("xray")
        .rejected();
    let response = encode_error(rest.dialect, "rid", &rest.error);
    assert_eq!(response.status, 404);
    assert_eq!(
        response.headers["x-amzn-errortype"],
        "UnknownOperationException"
    );
}

#[test]
fn what_is_nothing_of_awss() {
    for (method, uri) in [
        (Method::GET, "/"),
        (Method::GET, "/health"),
        (Method::HEAD, "/?Action=ListMetrics"),
        (Method::POST, "/"),
        (Method::GET, "/TraceSegments"),
    ] {
        let other = request(method, uri, &[]);
        assert!(
            matches!(route(&other.head, "", b""), Ok(Route::Other)),
            "{uri}"
        );
        assert_eq!(dialect(&other.head, ""), None);
    }
    for (uri, signal) in [
        ("/v1/logs", OtlpSignal::Logs),
        ("/base/v1/traces", OtlpSignal::Traces),
        ("/v1/metrics", OtlpSignal::Metrics),
    ] {
        let otlp = request(
            Method::POST,
            uri,
            &[("content-type", "application/x-protobuf")],
        );
        let routed = route(&otlp.head, "/base/", b"");
        assert!(
            matches!(routed, Ok(Route::Otlp(found)) if found == signal),
            "{uri}"
        );
    }
}

#[test]
fn base_paths_are_whole_segments() {
    let within = request(Method::POST, "/base/TraceSegments", &[]);
    assert_eq!(within.called().2, "PutTraceSegments");
    let without = request(Method::POST, "/TraceSegments", &[]);
    assert_eq!(without.called().2, "PutTraceSegments");
    let beside = request(Method::POST, "/basement/TraceSegments", &[]);
    assert!(matches!(
        route(&beside.head, "/base", b""),
        Ok(Route::Other)
    ));
}

#[test]
fn operations_that_are_not_offered_say_so() {
    for (target, code) in [
        (
            "GraniteServiceVersion20100801.GetDataset",
            "InvalidParameterValue",
        ),
        ("Logs_20140328.PutIntegration", "InvalidOperationException"),
    ] {
        let mut call = request(Method::POST, "/", &[JSON10]);
        let value = HeaderValue::from_static(target);
        call.head.headers.insert("x-amz-target", value);
        let Ok(Route::Call(call)) = route(&call.head, "", b"") else {
            panic!("{target}");
        };
        let error = call.not_offered();
        assert_eq!(error.code, code);
        assert_eq!(error.status, 400);
        assert!(
            error
                .message
                .is_some_and(|text| text.contains("not offered"))
        );
    }
}
