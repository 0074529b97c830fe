//! Requests and answers as AWS's client libraries write and read them (spec wire-protocols.md 3
//! and 4), written without the server's own codecs.

#[path = "../../../src/api/tests/form.rs"]
mod form;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ciborium::Value as Cbor;
use serde_json::{Map, Number, Value};

use super::http::{Answer, Request};
use super::xml::Element;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Query,
    Json,
    Cbor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Monitoring,
    Logs,
    Sns,
    Sts,
}

impl Service {
    /// As credential scopes name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Monitoring => "monitoring",
            Self::Logs => "logs",
            Self::Sns => "sns",
            Self::Sts => "sts",
        }
    }

    /// The protocols that the service speaks.
    pub fn wires(self) -> &'static [Wire] {
        match self {
            Self::Monitoring => &[Wire::Query, Wire::Json, Wire::Cbor],
            Self::Logs => &[Wire::Json],
            Self::Sns | Self::Sts => &[Wire::Query],
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Monitoring => "2010-08-01",
            Self::Logs => "",
            Self::Sns => "2010-03-31",
            Self::Sts => "2011-06-15",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Monitoring => "GraniteServiceVersion20100801",
            Self::Logs => "Logs_20140328",
            Self::Sns | Self::Sts => "",
        }
    }

    pub fn json_type(self) -> &'static str {
        match self {
            Self::Logs => "application/x-amz-json-1.1",
            _ => "application/x-amz-json-1.0",
        }
    }
}

/// The request for `operation` with `input`, not signed.
pub fn request(wire: Wire, service: Service, operation: &str, input: &Value) -> Request {
    let body = body(wire, service, operation, input);
    let target = format!("{}.{operation}", service.prefix());
    match wire {
        Wire::Query => Request::post(
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            body,
        ),
        Wire::Json => {
            let request = Request::post(
                "/",
                &[
                    ("content-type", service.json_type()),
                    ("x-amz-target", &target),
                ],
                body,
            );
            match service {
                Service::Monitoring => request.with("x-amzn-query-mode", "true"),
                _ => request,
            }
        }
        Wire::Cbor => Request::post(
            &format!("/service/{}/operation/{operation}", service.prefix()),
            &[
                ("content-type", "application/cbor"),
                ("accept", "application/cbor"),
                ("smithy-protocol", "rpc-v2-cbor"),
                ("x-amzn-query-mode", "true"),
            ],
            body,
        ),
    }
}

pub fn body(wire: Wire, service: Service, operation: &str, input: &Value) -> Vec<u8> {
    match wire {
        Wire::Query => {
            let mut form = format!("Action={operation}&Version={}", service.version());
            form::flatten("", input, &mut form);
            form.into_bytes()
        }
        Wire::Json => input.to_string().into_bytes(),
        Wire::Cbor => {
            let mut body = Vec::new();
            ciborium::into_writer(&to_cbor("", input), &mut body).unwrap();
            body
        }
    }
}

/// Members of these names are timestamps, which go tagged.
fn is_timestamp(name: &str) -> bool {
    matches!(
        name,
        "Timestamp" | "StartTime" | "EndTime" | "StartDate" | "EndDate"
    )
}

fn to_cbor(name: &str, value: &Value) -> Cbor {
    match value {
        Value::Null => Cbor::Null,
        Value::Bool(value) => Cbor::Bool(*value),
        Value::Number(number) if is_timestamp(name) => {
            let seconds = number.as_f64().unwrap();
            Cbor::Tag(1, Box::new(Cbor::Float(seconds)))
        }
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Cbor::Integer(integer.into()),
            None => Cbor::Float(number.as_f64().unwrap()),
        },
        // What JSON has to say by a text.
        Value::String(text) if text == "NaN" => Cbor::Float(f64::NAN),
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Array(elements) => Cbor::Array(elements.iter().map(|e| to_cbor("", e)).collect()),
        Value::Object(members) => Cbor::Map(
            members
                .iter()
                .map(|(name, value)| (Cbor::Text(name.clone()), to_cbor(name, value)))
                .collect(),
        ),
    }
}

/// CBOR in the form that the JSON protocol gives the same value.
fn from_cbor(value: Cbor) -> Value {
    match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(value) => Value::Bool(value),
        Cbor::Integer(integer) => Value::from(i64::try_from(i128::from(integer)).unwrap()),
        Cbor::Float(float) => Value::from(float),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => Value::String(BASE64.encode(bytes)),
        Cbor::Tag(1, seconds) => match *seconds {
            Cbor::Float(seconds) => Value::from(seconds),
            other => panic!("the Rust SDK reads nothing but floats as times: {other:?}"),
        },
        Cbor::Array(elements) => elements.into_iter().map(from_cbor).collect(),
        Cbor::Map(members) => members
            .into_iter()
            .map(|(name, value)| (name.into_text().unwrap(), from_cbor(value)))
            .collect(),
        other => panic!("nothing that AWS sends: {other:?}"),
    }
}

fn check_envelope(wire: Wire, service: Service, answer: &Answer) {
    let content_type = answer.header("content-type");
    let expected = match wire {
        Wire::Query => "text/xml",
        Wire::Json => service.json_type(),
        Wire::Cbor => "application/cbor",
    };
    assert_eq!(
        content_type,
        Some(expected),
        "{} {}",
        answer.status,
        answer.text()
    );
    assert!(answer.header("x-amzn-requestid").is_some());
    assert!(
        answer.header("date").is_some(),
        "clients set their clocks by it"
    );
    let smithy_protocol = (wire == Wire::Cbor).then_some("rpc-v2-cbor");
    assert_eq!(answer.header("smithy-protocol"), smithy_protocol);
}

/// What a call gave.
#[derive(Debug)]
pub enum Output {
    Json(Value),
    Xml(Element),
}

impl Output {
    /// Whether this and what JSON answered are one value.
    ///
    /// # Errors
    /// Where and how they differ.
    pub fn same(&self, json: &Value) -> Result<(), String> {
        match self {
            Self::Json(found) if in_floats(found) == in_floats(json) => Ok(()),
            Self::Json(found) => Err(format!("{found} and {json}")),
            Self::Xml(found) => found.same(json),
        }
    }

    /// The value as JSON writes it. Of XML only the empty structure can be told without knowing
    /// the operation.
    pub fn json(&self) -> Value {
        match self {
            Self::Json(found) => found.clone(),
            Self::Xml(found) if found.children.is_empty() && found.text.is_empty() => {
                Value::Object(Map::new())
            }
            Self::Xml(found) => panic!("lists and structures look alike: {found:?}"),
        }
    }

    /// Takes a text out of the structure.
    pub fn take_member(&mut self, name: &str) -> Option<String> {
        match self {
            Self::Json(found) => {
                let member = found.as_object_mut()?.remove(name)?;
                Some(member.as_str().expect("a text").to_owned())
            }
            Self::Xml(found) => {
                let at = found.children.iter().position(|child| child.name == name)?;
                Some(found.children.remove(at).text)
            }
        }
    }
}

/// JSON writes a double without a fraction as CBOR does not.
fn in_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            Number::from_f64(number.as_f64().unwrap()).map_or(Value::Null, Value::Number)
        }
        Value::Array(elements) => elements.iter().map(in_floats).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), in_floats(value)))
            .collect(),
        other => other.clone(),
    }
}

/// The output of a call that succeeded.
pub fn output(wire: Wire, service: Service, operation: &str, answer: &Answer) -> Output {
    assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    check_envelope(wire, service, answer);
    match wire {
        Wire::Json => Output::Json(serde_json::from_slice(&answer.body).expect("JSON")),
        Wire::Cbor => Output::Json(from_cbor(read_cbor(&answer.body))),
        Wire::Query => {
            let document = Element::parse(&answer.body);
            assert_eq!(document.name, format!("{operation}Response"));
            let metadata = document.child("ResponseMetadata").expect("metadata");
            assert_eq!(
                metadata.child("RequestId").map(|id| id.text.as_str()),
                answer.header("x-amzn-requestid")
            );
            let result = document.child(&format!("{operation}Result"));
            Output::Xml(result.cloned().unwrap_or_default())
        }
    }
}

fn read_cbor(body: &[u8]) -> Cbor {
    let mut rest = body;
    let value = ciborium::from_reader(&mut rest).expect("CBOR");
    assert!(rest.is_empty(), "bytes follow the CBOR data item");
    value
}

/// An error as a client library shows it.
#[derive(Debug)]
pub struct Failure {
    pub status: u16,
    /// The legacy code where there is one.
    pub code: String,
    pub message: Option<String>,
    /// Further members of the error's structure.
    pub details: Output,
}

/// Reads an error.
pub fn failure(wire: Wire, service: Service, answer: &Answer) -> Failure {
    let status = answer.status;
    assert!((400..500).contains(&status), "{status} {}", answer.text());
    check_envelope(wire, service, answer);
    if wire == Wire::Query {
        return xml_failure(answer);
    }
    let body = match wire {
        Wire::Cbor => from_cbor(read_cbor(&answer.body)),
        _ => serde_json::from_slice(&answer.body).expect("JSON"),
    };
    let Value::Object(mut members) = body else {
        panic!("no structure: {body}");
    };
    let shape = members.remove("__type").expect("a __type");
    let shape = shape
        .as_str()
        .unwrap()
        .rsplit('#')
        .next()
        .unwrap()
        .to_owned();
    let legacy = answer.header("x-amzn-query-error").map(|value| {
        let (code, kind) = value.split_once(';').expect("code and kind");
        assert_eq!(kind, "Sender");
        code.to_owned()
    });
    let message = ["message", "Message"]
        .iter()
        .find_map(|name| members.remove(*name));
    Failure {
        status,
        code: legacy.unwrap_or(shape),
        message: message.map(|message| message.as_str().unwrap().to_owned()),
        details: Output::Json(Value::Object(members)),
    }
}

fn xml_failure(answer: &Answer) -> Failure {
    let document = Element::parse(&answer.body);
    assert_eq!(document.name, "ErrorResponse");
    let request_id = document.child("RequestId").map(|id| id.text.as_str());
    assert_eq!(request_id, answer.header("x-amzn-requestid"));
    let mut details = Output::Xml(document.child("Error").expect("an error").clone());
    let kind = details.take_member("Type");
    assert_eq!(kind.as_deref(), Some("Sender"));
    Failure {
        status: answer.status,
        code: details.take_member("Code").expect("a code"),
        message: details.take_member("Message"),
        details,
    }
}
