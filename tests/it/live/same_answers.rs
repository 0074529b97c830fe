//! The same request through Query, JSON and CBOR gives the same value, for every operation of
//! CloudWatch.
//!
//! One story is told three times, each time in another protocol and another account. What is
//! asked in it is asked in all three protocols of all three accounts, and the nine answers are
//! one, account numbers and paging tokens apart.

use std::collections::BTreeSet;

use belfry_api::table;
use belfry_wire::sigv4::Signer;
use serde_json::{Value, json};

use super::http::{Answer, Request};
use super::protocol::{Failure, Output, Service, Wire, failure, output, request};
use super::scenario::{BAD, STORY, Step};
use crate::process::{Server, Setup};

const NOW: &str = "2026-03-01T12:00:00Z";

/// Whoever signs with a key of 12 digits works in that account.
const ACCOUNTS: [(&str, Wire); 3] = [
    ("111111111111", Wire::Json),
    ("222222222222", Wire::Query),
    ("333333333333", Wire::Cbor),
];
const WIRES: [Wire; 3] = [Wire::Json, Wire::Query, Wire::Cbor];
/// Stands for the account in every input and every answer.
const ACCOUNT: &str = "000000000000";

fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "CBOR announces lengths");
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(from.len() - 1) {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

/// Sends in the name of `account`, and gives the answer as if it were for [`ACCOUNT`].
async fn ask(server: &Server, account: &str, wire: Wire, operation: &str, input: &Value) -> Answer {
    let signer = Signer {
        access_key: account.to_owned(),
        secret: "not checked".to_owned(),
        session_token: None,
        region: "eu-west-1".to_owned(),
        service: "monitoring".to_owned(),
    };
    let plain: Request = request(wire, Service::Monitoring, operation, input);
    let body = replaced(&plain.body, ACCOUNT, account);
    let mut answer = plain
        .with_body(body)
        .signed(&signer)
        .send(server.port())
        .await;
    answer.body = replaced(&answer.body, account, ACCOUNT);
    answer
}

/// Asks, and takes the paging token out.
async fn value(
    server: &Server,
    account: &str,
    wire: Wire,
    operation: &str,
    input: &Value,
) -> (Output, Option<String>) {
    let answer = ask(server, account, wire, operation, input).await;
    let mut output = output(wire, Service::Monitoring, operation, &answer);
    let token = output.take_member("NextToken");
    (output, token)
}

async fn server() -> Server {
    Server::started(Setup {
        test_clock: Some(NOW),
        ..Setup::default()
    })
    .await
}

fn input(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_story_in_three_protocols() {
    let server = server().await;
    let mut told = BTreeSet::new();
    for step in STORY {
        let (operation, text, pages) = match *step {
            Step::Do(operation, text) => (operation, text, 1),
            Step::Ask(operation, text) => (operation, text, 1),
            Step::Page(operation, text, pages) => (operation, text, pages),
        };
        told.insert(operation);
        let mut expected: Vec<(Value, bool)> = Vec::new();
        for (account, own) in ACCOUNTS {
            let wires: &[Wire] = match step {
                Step::Do(..) => &[own],
                _ => &WIRES,
            };
            for &wire in wires {
                let mut input = input(text);
                for page in 0..pages {
                    let (found, token) = value(&server, account, wire, operation, &input).await;
                    if expected.len() <= page {
                        // The first to tell speaks JSON.
                        expected.push((found.json(), token.is_some()));
                    }
                    let (json, has_token) = &expected[page];
                    found.same(json).unwrap_or_else(|why| {
                        panic!("{operation} {text} by {wire:?} in {account}, page {page}: {why}")
                    });
                    assert_eq!(token.is_some(), *has_token, "{operation}, page {page}");
                    assert_eq!(
                        token.is_some(),
                        page + 1 < pages,
                        "{operation}, page {page}"
                    );
                    if let Some(token) = token {
                        input["NextToken"] = json!(token);
                    }
                }
            }
        }
    }
    let offered: BTreeSet<&str> = table::all()
        .filter(|operation| operation.service() == belfry_wire::Service::Monitoring)
        .map(|operation| operation.name())
        .collect();
    assert_eq!(told, offered, "every operation has its part");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_error_in_three_protocols() {
    let server = server().await;
    let mut told = BTreeSet::new();
    for (operation, text, code) in BAD {
        told.insert(*operation);
        let mut failures: Vec<Failure> = Vec::new();
        for wire in WIRES {
            let input = input(text);
            let answer = ask(&server, ACCOUNTS[0].0, wire, operation, &input).await;
            failures.push(failure(wire, Service::Monitoring, &answer));
        }
        let [json, others @ ..] = &failures[..] else {
            panic!("no failures");
        };
        assert_eq!(json.code, *code, "{operation} {text}: {json:?}");
        for other in others {
            let plain = |failure: &Failure| {
                (
                    failure.status,
                    failure.code.clone(),
                    failure.message.clone(),
                )
            };
            assert_eq!(plain(other), plain(json), "{operation}");
            other
                .details
                .same(&json.details.json())
                .unwrap_or_else(|why| {
                    panic!("{operation}: {why}");
                });
        }
    }
    let offered: BTreeSet<&str> = table::all()
        .filter(|operation| operation.service() == belfry_wire::Service::Monitoring)
        .map(|operation| operation.name())
        .collect();
    assert_eq!(told, offered, "every operation has its part");
}
