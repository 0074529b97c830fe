//! The ways in which bodies go wrong.

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::super::http::Request;
use super::super::protocol::{Wire, body, request};
use super::targets::Target;

/// What is to come of it.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// MalformedInput or SerializationException.
    Unreadable,
    TooLarge,
    Code(&'static str),
    /// Any 4xx in the caller's protocol.
    Refused,
}

/// How the body travels.
#[derive(Clone, Copy, Debug)]
pub enum Sent {
    Whole,
    Chunked,
    /// With a `Content-Length` of this instead of its own.
    Announcing(u64),
    /// The caller closes before the end.
    CutShort,
}

pub struct Broken {
    pub name: String,
    pub request: Request,
    pub sent: Sent,
    pub verdict: Verdict,
    /// The protocol that the request claims, where that is another.
    pub framed: Option<Wire>,
}

const MIB: usize = 1_048_576;
/// The most that a compressed body may inflate to, and any other may be.
const BODY_BYTES_MAX: usize = 10 * MIB;
/// Deeper than any recursion could go.
const LEVELS: usize = 11_000;

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// Ten megabytes of blanks, compressed.
static BLANKS: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&[b' '; BODY_BYTES_MAX]));
/// A gigabyte of blanks, in a hundred members of one gzip stream.
static GIGABYTE: LazyLock<Vec<u8>> = LazyLock::new(|| BLANKS.repeat(100));

/// What to put before and after any number of `blanks`, so that the whole says what `body` says.
fn around(wire: Wire, body: &[u8], blanks: usize) -> (Vec<u8>, Vec<u8>) {
    match wire {
        Wire::Json => (body.to_vec(), Vec::new()),
        Wire::Query => ([body, b"&X="].concat(), Vec::new()),
        // One more member, a text.
        Wire::Cbor => {
            let length = u32::try_from(blanks).unwrap().to_be_bytes();
            let member = [b"\x61X\x7a", &length[..]].concat();
            let whole = with_cbor_member(body, &member);
            let (before, after) = whole.split_at(1 + member.len());
            (before.to_vec(), after.to_vec())
        }
    }
}

/// `body` at a size of exactly `size` bytes.
fn padded(wire: Wire, body: &[u8], size: usize) -> Vec<u8> {
    let (before, after) = around(wire, body, 0);
    let blanks = size - before.len() - after.len();
    let (before, after) = around(wire, body, blanks);
    [&*before, &vec![b' '; blanks], &after].concat()
}

/// `body` and ten megabytes of blanks in a gzip stream of several members.
fn inflating(wire: Wire, body: &[u8]) -> Vec<u8> {
    let (before, after) = around(wire, body, BODY_BYTES_MAX);
    [gzip(&before), BLANKS.clone(), gzip(&after)].concat()
}

/// `member` is a key and a value.
fn with_cbor_member(body: &[u8], member: &[u8]) -> Vec<u8> {
    assert_eq!(body[0] & 0xe0, 0xa0, "a small map of definite length");
    [&[body[0] + 1], member, &body[1..]].concat()
}

/// The good body with one more member, written as the protocol writes it.
fn with_member(wire: Wire, good: &[u8], member: &[u8]) -> Vec<u8> {
    match wire {
        Wire::Json => {
            let comma: &[u8] = if good == b"{}" { b"" } else { b"," };
            [b"{", member, comma, &good[1..]].concat()
        }
        Wire::Query => [good, b"&", member].concat(),
        Wire::Cbor => with_cbor_member(good, member),
    }
}

fn pointed_at(input: &Value, pointer: &str, value: Value) -> Value {
    let mut input = input.clone();
    let (holder, member) = pointer.rsplit_once('/').unwrap();
    match input.pointer_mut(holder).unwrap() {
        Value::Array(elements) => elements[member.parse::<usize>().unwrap()] = value,
        Value::Object(members) => drop(members.insert(member.to_owned(), value)),
        other => panic!("{pointer} in {other}"),
    }
    input
}

/// All that is wrong with requests for `target` in one protocol.
pub fn broken(wire: Wire, target: &Target) -> Vec<Broken> {
    let mut list = Vec::new();
    cut(wire, target, &mut list);
    if target.is_hard_pressed {
        oversized(wire, target, &mut list);
    }
    compressed(wire, target, &mut list);
    not_text(wire, target, &mut list);
    nested(wire, target, &mut list);
    mistyped(wire, target, &mut list);
    repeated(wire, target, &mut list);
    misframed(wire, target, &mut list);
    list
}

fn add(list: &mut Vec<Broken>, name: impl Into<String>, request: Request, verdict: Verdict) {
    list.push(Broken {
        name: name.into(),
        request,
        sent: Sent::Whole,
        verdict,
        framed: None,
    });
}

fn cut(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let len = good.body.len();
    if wire == Wire::Query {
        // A form that ends in the middle is a form: only its head tells.
        let action = format!("Action={}", target.operation).len();
        for end in [0, 5, action - 1] {
            let request = good.clone().with_body(&good.body[..end]);
            let name = format!("the first {end} bytes");
            add(list, name, request, Verdict::Refused);
        }
    } else {
        for end in [1, len / 4, len / 2, len - 1] {
            if (1..len).contains(&end) {
                let request = good.clone().with_body(&good.body[..end]);
                let name = format!("the first {end} of {len} bytes");
                add(list, name, request, Verdict::Unreadable);
            }
        }
        let request = good.clone().with_body([&*good.body, b"}\xff"].concat());
        add(
            list,
            "something after the end",
            request,
            Verdict::Unreadable,
        );
    }
    add(list, "closed before the end", good, Verdict::Refused);
    list.last_mut().unwrap().sent = Sent::CutShort;
}

fn oversized(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    // PutMetricData has a limit of its own.
    let limit = match target.operation {
        "PutMetricData" => MIB,
        _ => BODY_BYTES_MAX,
    };
    let large = good.clone().with_body(padded(wire, &good.body, limit + 1));
    assert_eq!(large.body.len(), limit + 1);
    add(list, "one byte too many", large.clone(), Verdict::TooLarge);
    add(
        list,
        "one byte too many in a chunk",
        large,
        Verdict::TooLarge,
    );
    list.last_mut().unwrap().sent = Sent::Chunked;
    add(list, "a terabyte announced", good, Verdict::TooLarge);
    list.last_mut().unwrap().sent = Sent::Announcing(1 << 40);
}

fn compressed(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let zipped = gzip(&good.body);
    let len = zipped.len();
    let mut flipped = zipped.clone();
    // The checksum's first byte.
    flipped[len - 8] ^= 0xff;
    let mut odd_method = zipped.clone();
    odd_method[2] = 7;
    let with = |encoding: &str, body: Vec<u8>| {
        let request = good.clone().with_body(body);
        request.with("content-encoding", encoding)
    };
    for (name, request) in [
        ("no gzip at all", with("gzip", good.body.clone())),
        ("gzip of nothing", with("gzip", Vec::new())),
        ("half a gzip", with("gzip", zipped[..len / 2].to_vec())),
        (
            "gzip without its end",
            with("gzip", zipped[..len - 4].to_vec()),
        ),
        ("gzip with a wrong checksum", with("gzip", flipped)),
        ("gzip of an unknown method", with("gzip", odd_method)),
        ("gzip and more", with("gzip", [&*zipped, b"more"].concat())),
        ("brotli", with("br", good.body.clone())),
        ("two encodings", with("gzip, gzip", gzip(&zipped))),
    ] {
        add(list, name, request, Verdict::Unreadable);
    }
    if target.is_hard_pressed {
        let request = with("gzip", inflating(wire, &good.body));
        add(list, "inflates to too much", request, Verdict::TooLarge);
    }
}

fn not_text(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let members: &[&[u8]] = match wire {
        Wire::Json => &[
            b"\"X\":\"\xff\"",
            b"\"\xc3\":1",
            b"\"X\":\"\\ud800\"",
            b"\"X\":[\"\xed\xa0\x80\"]",
        ],
        Wire::Query => &[b"X=%ff", b"X=\xff", b"%c3=1", b"X=%ed%a0%80"],
        Wire::Cbor => &[
            b"\x61X\x61\xff",
            b"\x61\xc3\x01",
            b"\x61X\x81\x7f\x61\xff\xff",
            b"\x61X\xa1\x61\xff\x01",
        ],
    };
    for member in members {
        let request = good
            .clone()
            .with_body(with_member(wire, &good.body, member));
        let name = format!("no UTF-8 in {:?}", String::from_utf8_lossy(member));
        add(list, name, request, Verdict::Unreadable);
    }
    if let Some((name, _)) = target.input(wire).as_object().unwrap().iter().next() {
        let mut body = good.body.clone();
        let at = body
            .windows(name.len())
            .position(|w| w == name.as_bytes())
            .unwrap();
        body[at] = 0xff;
        let request = good.clone().with_body(body);
        add(
            list,
            "a member's name in no UTF-8",
            request,
            Verdict::Unreadable,
        );
    }
}

fn nested(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let member = match target.input(wire).as_object().unwrap().iter().next() {
        Some((name, _)) => name.clone(),
        None => "X".to_owned(),
    };
    let bodies: Vec<Vec<u8>> = match wire {
        Wire::Json => [("[", "]"), ("{\"a\":", "}")]
            .into_iter()
            .flat_map(|(open, close)| {
                let value = format!("{}1{}", open.repeat(LEVELS), close.repeat(LEVELS));
                [
                    value.clone().into_bytes(),
                    format!("{{\"{member}\":{value}}}").into_bytes(),
                    with_member(wire, &good.body, format!("\"X\":{value}").as_bytes()),
                    open.repeat(LEVELS).into_bytes(),
                ]
            })
            .collect(),
        Wire::Cbor => [&b"\x81"[..], b"\x9f", b"\xa1\x61a", b"\xbf\x61a"]
            .into_iter()
            .flat_map(|open| {
                let mut value = open.repeat(LEVELS);
                value.push(1);
                if open[0] & 0x1f == 0x1f {
                    value.extend(b"\xff".repeat(LEVELS));
                }
                [
                    value.clone(),
                    with_member(wire, &good.body, &[b"\x61X", &*value].concat()),
                    open.repeat(LEVELS),
                ]
            })
            .collect(),
        Wire::Query => vec![
            with_member(
                wire,
                &good.body,
                format!("{member}{}=1", ".a".repeat(LEVELS)).as_bytes(),
            ),
            with_member(
                wire,
                &good.body,
                format!("X{}=1", ".member.1".repeat(LEVELS)).as_bytes(),
            ),
        ],
    };
    for (index, body) in bodies.into_iter().enumerate() {
        let request = good.clone().with_body(body);
        add(
            list,
            format!("too deep, {index}"),
            request,
            Verdict::Unreadable,
        );
    }
}

fn mistyped(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let input = target.input(wire);
    let with = |input: &Value| {
        let body = body(wire, target.service, target.operation, input);
        good.clone().with_body(body)
    };
    if wire == Wire::Query {
        for (field, text) in target.misspelt {
            let wanted = format!("{field}=");
            let below = format!("{field}.");
            let form = String::from_utf8(good.body.clone()).unwrap();
            // Neither the same nor what would be a part of it, or it a part of.
            let kept = form.split('&').filter(|pair| {
                let name = pair.split('=').next().unwrap_or_default();
                !pair.starts_with(&wanted)
                    && !pair.starts_with(&below)
                    && !field.starts_with(&format!("{name}."))
            });
            let pairs: Vec<&str> = kept.collect();
            let body = format!("{}&{field}={text}", pairs.join("&"));
            let request = good.clone().with_body(body);
            add(
                list,
                format!("{field}={text}"),
                request,
                Verdict::Unreadable,
            );
        }
    } else {
        for (pointer, value) in target.mistyped {
            let request = with(&pointed_at(
                &input,
                pointer,
                serde_json::from_str(value).unwrap(),
            ));
            add(
                list,
                format!("{pointer} is {value}"),
                request,
                Verdict::Unreadable,
            );
        }
        for (name, body) in [
            ("an empty list", json!([])),
            ("null", json!(null)),
            ("a text", json!("x")),
        ] {
            add(
                list,
                format!("{name} as the body"),
                with(&body),
                Verdict::Unreadable,
            );
        }
    }
    for (pointer, value, code) in target.refused {
        let value = value.replace("DEEP", &"(".repeat(1_000));
        let request = with(&pointed_at(
            &input,
            pointer,
            serde_json::from_str(&value).unwrap(),
        ));
        let name = format!("{pointer} is {:.40}", value);
        add(list, name, request, Verdict::Code(code));
    }
}

/// Ours: AWS does not say what counts then.
fn repeated(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    let input = target.input(wire);
    let Some((name, value)) = input.as_object().unwrap().iter().next() else {
        return;
    };
    if target.operation == "PutLogEvents" {
        // The last one counts: looking back is too dear where events come in by the thousand.
        return;
    }
    let member = match wire {
        Wire::Json => format!("\"{name}\":{value}").into_bytes(),
        Wire::Cbor => {
            let only = json!({ name.as_str(): value });
            body(wire, target.service, target.operation, &only)[1..].to_vec()
        }
        Wire::Query => {
            let form = String::from_utf8(good.body.clone()).unwrap();
            form.split('&').nth(2).unwrap().as_bytes().to_vec()
        }
    };
    let request = good
        .clone()
        .with_body(with_member(wire, &good.body, &member));
    add(list, "a member twice", request, Verdict::Unreadable);
}

/// Head and body of two protocols, and heads that lead nowhere.
fn misframed(wire: Wire, target: &Target, list: &mut Vec<Broken>) {
    let good = target.request(wire);
    for other in target.service.wires() {
        if *other != wire {
            let body = body(
                *other,
                target.service,
                target.operation,
                &target.input(wire),
            );
            let request = good.clone().with_body(body);
            let verdict = if wire == Wire::Query {
                Verdict::Refused
            } else {
                Verdict::Unreadable
            };
            add(list, format!("a body of {other:?}"), request, verdict);
        }
    }
    let unknown = match wire {
        Wire::Query => {
            let form = String::from_utf8(good.body.clone()).unwrap();
            good.clone()
                .with_body(form.replacen("Action=", "Action=X", 1))
        }
        _ => {
            let mut request = request(wire, target.service, "XGetNothing", &target.input(wire));
            request.method = good.method.clone();
            request
        }
    };
    add(list, "an unknown operation", unknown, Verdict::Refused);
    let typed = good.clone().with("content-type", "text/html");
    match wire {
        // Nothing but the type tells that a body is a form; then the service's own protocol is
        // answered in.
        Wire::Query => {
            let own = target
                .service
                .wires()
                .iter()
                .find(|wire| **wire == Wire::Json);
            add(list, "another content type", typed, Verdict::Refused);
            list.last_mut().unwrap().framed = own.copied();
        }
        // The body is read as what the other headers say.
        Wire::Json | Wire::Cbor => {
            let mut untargeted = good.clone();
            untargeted.target = "/".to_owned();
            untargeted
                .headers
                .retain(|(name, _)| name != "x-amz-target");
            add(list, "no target", untargeted, Verdict::Refused);
            let mut asked = good.clone();
            asked.method = "PUT".to_owned();
            add(list, "another method", asked, Verdict::Refused);
        }
    }
}

/// Small bodies that want to become large ones.
pub fn bombs(wire: Wire, target: &Target) -> Vec<Broken> {
    let mut list = Vec::new();
    let good = target.request(wire);
    let zipped = |body: Vec<u8>| {
        good.clone()
            .with_body(body)
            .with("content-encoding", "gzip")
    };
    let (before, after) = around(wire, &good.body, BODY_BYTES_MAX - MIB);
    let almost = gzip(&vec![b' '; BODY_BYTES_MAX - MIB]);
    // Fits, is read to its end, and found wrong there.
    let almost = [gzip(&before), almost, gzip(&[&*after, b"\xff"].concat())].concat();
    add(
        &mut list,
        "inflates to almost the limit",
        zipped(almost),
        Verdict::Unreadable,
    );
    if target.operation == "PutLogEvents" {
        // Of other operations as large a body is too much as it is received.
        add(
            &mut list,
            "inflates to a gigabyte",
            zipped(GIGABYTE.clone()),
            Verdict::TooLarge,
        );
    }
    let list_member = match target.operation {
        "PutMetricData" => "MetricData",
        "PutLogEvents" => "logEvents",
        "PutMetricAlarm" | "CreateTopic" => "Tags",
        _ => return list,
    };
    // Structures take hundreds of bytes in memory and few in a body.
    let count = 200_000;
    let body = match wire {
        Wire::Json => {
            format!("{{\"{list_member}\":[{}]}}", vec!["{}"; count].join(",")).into_bytes()
        }
        Wire::Cbor => {
            let mut body = vec![0xa1, 0x60 + u8::try_from(list_member.len()).unwrap()];
            body.extend(list_member.as_bytes());
            body.push(0x9f);
            body.extend(vec![0xa0; count]);
            body.push(0xff);
            body
        }
        Wire::Query => {
            let fields: Vec<String> = (0..count / 2)
                .map(|n| format!("{list_member}.member.{n}="))
                .collect();
            [&*good.body, b"&", fields.join("&").as_bytes()].concat()
        }
    };
    add(
        &mut list,
        "too many structures",
        zipped(gzip(&body)),
        Verdict::Unreadable,
    );
    list
}

/// Ways to say the same that are all good.
pub const VARIANTS: [fn(Wire, &Target) -> Request; 4] = [
    |wire, target| target.request(wire),
    |wire, target| {
        let good = target.request(wire);
        let body = gzip(&good.body);
        good.with_body(body).with("content-encoding", "gzip")
    },
    |wire, target| {
        let good = target.request(wire);
        let member: &[u8] = match wire {
            Wire::Json => b"\"X\":{\"a\":[1,null,\"\\u00e9\",{}]}",
            Wire::Query => b"X.member.1.a=1&Y=",
            Wire::Cbor => b"\x61X\xa1\x61a\x84\x01\xf6\x62\xc3\xa9\xa0",
        };
        let body = with_member(wire, &good.body, member);
        good.with_body(body)
    },
    |wire, target| {
        let good = target.request(wire);
        let member: &[u8] = match wire {
            Wire::Json => b"\"NextToken\":null,\"nextToken\":null,\"Tags2\":null",
            // What is absent is not written.
            Wire::Query => return good,
            Wire::Cbor => b"\x69NextToken\xf6",
        };
        let body = with_member(wire, &good.body, member);
        good.with_body(body)
    },
];
