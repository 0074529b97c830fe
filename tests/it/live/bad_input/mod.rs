//! Bad input in every protocol, for reads and writes of every service: refused in the caller's
//! own protocol, within bounded memory, and nothing is changed by it.

mod bodies;
mod state;
mod targets;

use std::sync::Arc;

use belfry_wire::sigv4::Signer;
use tokio::sync::Semaphore;

use super::http::{Answer, Request};
use super::protocol::{Failure, Service, Wire, failure, output};
use crate::process::{Server, Setup};
use bodies::{Broken, Sent, Verdict};
use targets::{TARGETS, Target};

const CREDENTIALS: &str = "[default]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = a secret
aws_account_id = 123456789012
";

/// How many bodies come at once: fewer, at their largest, than there is room for, so that none
/// is told to come back later.
const CROWD: usize = 8;

/// How much more memory than before a server may take while it refuses.
const GROWTH_MAX: u64 = 200 * 1_048_576;

fn signer(service: Service) -> Signer {
    Signer {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret: "a secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: service.name().to_owned(),
    }
}

/// With something in it to read.
async fn server() -> Server {
    let server = Server::started(Setup {
        checks_signatures: true,
        test_clock: Some("2026-01-15T12:00:00Z"),
        credentials: Some(CREDENTIALS),
        ..Setup::default()
    })
    .await;
    state::prepare(&server).await;
    server
}

/// A server, and how it was before it had to refuse anything.
struct Pressed {
    server: Server,
    before: Vec<String>,
    memory: u64,
}

impl Pressed {
    async fn start() -> Self {
        let server = server().await;
        Self {
            before: state::read(&server).await,
            memory: server.peak_memory(),
            server,
        }
    }

    /// It lives, within its bounds, and shows what it showed before.
    async fn check(mut self) {
        assert!(!self.server.is_dead(), "{}", self.server.log());
        let growth = self.server.peak_memory() - self.memory;
        println!("{growth} bytes more than before");
        assert!(growth < GROWTH_MAX, "{growth} bytes more");
        assert_eq!(state::read(&self.server).await, self.before);
    }
}

/// Every target in every protocol of its service.
fn calls() -> impl Iterator<Item = (Wire, &'static Target)> {
    TARGETS.iter().flat_map(|target| {
        target
            .service
            .wires()
            .iter()
            .map(move |wire| (*wire, target))
    })
}

fn check(what: &str, wire: Wire, service: Service, answer: &Answer, verdict: Verdict) -> Failure {
    assert_ne!(answer.status, 200, "{what} was accepted: {}", answer.text());
    let failure = failure(wire, service, answer);
    let is_query = wire == Wire::Query;
    // Services of JSON 1.1 answer 400 to whatever the caller did wrong.
    let too_large = if service == Service::Logs { 400 } else { 413 };
    let expected = match verdict {
        Verdict::Unreadable if is_query => (400, "MalformedInput"),
        Verdict::Unreadable => (400, "SerializationException"),
        Verdict::TooLarge if is_query => (413, "RequestEntityTooLarge"),
        Verdict::TooLarge => (too_large, "RequestEntityTooLargeException"),
        Verdict::Code(code) => (400, code),
        Verdict::Refused => (failure.status, failure.code.as_str()),
    };
    let found = (failure.status, failure.code.as_str());
    assert_eq!(found, expected, "{what}: {failure:?}");
    failure
}

async fn send(server: &Server, broken: &Broken, request: &Request) -> Option<Answer> {
    match broken.sent {
        Sent::Whole => Some(request.send(server.port()).await),
        Sent::Chunked => Some(request.send_chunked(server.port()).await),
        Sent::Announcing(length) => request.send_announced(server.port(), length, false).await,
        Sent::CutShort => {
            let length = request.body.len() as u64 + 10;
            request.send_announced(server.port(), length, true).await
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused_and_change_nothing() {
    let pressed = Pressed::start().await;
    let server = &pressed.server;
    for (wire, target) in calls() {
        for broken in bodies::broken(wire, target) {
            let what = format!("{} by {wire:?}: {}", target.operation, broken.name);
            let signed = broken.request.clone().signed(&signer(target.service));
            let Some(answer) = send(server, &broken, &signed).await else {
                // Whoever closes before the end of the body may get no answer at all.
                assert!(matches!(broken.sent, Sent::CutShort), "{what}: no answer");
                continue;
            };
            let framed = broken.framed.unwrap_or(wire);
            check(&what, framed, target.service, &answer, broken.verdict);
        }
    }
    pressed.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_in_a_crowd_stay_within_bounds() {
    let pressed = Pressed::start().await;
    let server = &pressed.server;
    let places = Arc::new(Semaphore::new(CROWD));
    let mut sending = Vec::new();
    for (wire, target) in calls().filter(|(_, target)| target.writes && target.is_hard_pressed) {
        for bomb in bodies::bombs(wire, target) {
            let port = server.port();
            let what = format!("{} by {wire:?}: {}", target.operation, bomb.name);
            let request = bomb.request.signed(&signer(target.service));
            let places = places.clone();
            sending.push(tokio::spawn(async move {
                let _place = places.acquire().await.unwrap();
                let answer = request.send(port).await;
                check(&what, wire, target.service, &answer, bomb.verdict);
            }));
        }
    }
    for sent in sending {
        sent.await.unwrap();
    }
    pressed.check().await;
}

/// Unsigned, by an unknown key, with a wrong secret, changed on the way, for another service.
#[tokio::test(flavor = "multi_thread")]
async fn bad_signatures_are_refused_and_change_nothing() {
    let server = server().await;
    let before = state::read(&server).await;
    for (wire, target) in calls() {
        let service = target.service;
        let plain = target.request(wire);
        let by = |change: &dyn Fn(&mut Signer)| {
            let mut signer = signer(service);
            change(&mut signer);
            plain.clone().signed(&signer)
        };
        let good = by(&|_| {});
        let mut changed = good.clone();
        // One letter in a name, so that all else is as it should be.
        let last = changed.body.len() - 1;
        changed.body[last] ^= 1;
        for (name, query, json, request) in [
            (
                "unsigned",
                "MissingAuthenticationToken",
                "MissingAuthenticationTokenException",
                plain.clone(),
            ),
            (
                "by an unknown key",
                "InvalidClientTokenId",
                "UnrecognizedClientException",
                by(&|signer| signer.access_key.push('X')),
            ),
            (
                "with a wrong secret",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                by(&|signer| signer.secret.push('x')),
            ),
            (
                "for another service",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                by(&|signer| signer.service = "xray".to_owned()),
            ),
            (
                "changed on the way",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                changed,
            ),
            (
                "for another host",
                "SignatureDoesNotMatch",
                "InvalidSignatureException",
                good.clone().with("host", "elsewhere"),
            ),
            (
                "cut off",
                "IncompleteSignature",
                "IncompleteSignatureException",
                good.with("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE"),
            ),
        ] {
            let what = format!("{} by {wire:?} {name}", target.operation);
            let answer = request.send(server.port()).await;
            let failure = check(&what, wire, service, &answer, Verdict::Refused);
            let code = if wire == Wire::Query { query } else { json };
            let status = if wire == Wire::Query && code != "IncompleteSignature" {
                403
            } else {
                400
            };
            assert_eq!((failure.status, &*failure.code), (status, code), "{what}");
        }
        for broken in bodies::broken(wire, target) {
            if broken.request.body.len() > 1_048_576 {
                continue;
            }
            let what = format!("{} by {wire:?} unsigned: {}", target.operation, broken.name);
            if let Some(answer) = send(&server, &broken, &broken.request).await {
                assert!(
                    (400..500).contains(&answer.status),
                    "{what}: {}",
                    answer.status
                );
            }
        }
    }
    assert_eq!(state::read(&server).await, before);
}

/// What was broken above was good before; and what is good stays so with members that nobody
/// knows, with members that are null, and compressed.
#[tokio::test(flavor = "multi_thread")]
async fn good_bodies_are_accepted() {
    for variant in bodies::VARIANTS {
        let server = server().await;
        for (wire, target) in calls() {
            let before = state::read(&server).await;
            let request = variant(wire, target).signed(&signer(target.service));
            let answer = request.send(server.port()).await;
            output(wire, target.service, target.operation, &answer);
            let is_changed = state::read(&server).await != before;
            assert_eq!(
                is_changed, target.writes,
                "{} by {wire:?}",
                target.operation
            );
        }
    }
}
