//! How fast does a filter pattern decide messages, one after the other?
//!
//! Budget: a metric filter looks at every event that comes in. At the floor of 100,000 events a
//! second, ten filters on a group may take half a core: 500 ns for an event. Data: JSON events of
//! twelve fields and access log lines, as agents send them; one in fifty matches.

#![allow(clippy::expect_used)]

use belfry_lang::filter_pattern::FilterPattern;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: usize = 10_000;

fn json_events() -> Vec<String> {
    (0..EVENTS)
        .map(|i| {
            let (level, status) = if i % 50 == 0 { ("error", 503) } else { ("info", 200) };
            format!(
                "{{\"ts\":\"2026-03-01T12:00:{:02}.{:03}Z\",\"level\":\"{level}\",\"service\":\"checkout\",\
                 \"host\":\"ip-10-0-{}-{}\",\"request_id\":\"{:08x}-0000-4000-8000-{:012x}\",\
                 \"method\":\"GET\",\"path\":\"/api/v1/items/{i}\",\"status\":{status},\"latency_ms\":{}.5,\
                 \"user\":{{\"id\":{i},\"plan\":\"pro\"}},\"tags\":[\"a\",\"b\"],\"msg\":\"request completed\"}}",
                i % 60,
                i % 1_000,
                i % 7,
                i % 250,
                i * 7_919,
                i * 104_729,
                i * 7 % 900,
            )
        })
        .collect()
}

fn text_events() -> Vec<String> {
    (0..EVENTS)
        .map(|i| {
            let status = if i % 50 == 0 { 503 } else { 200 };
            format!(
                "10.0.{}.{} - user{} [01/Mar/2026:12:00:{:02} +0000] \"GET /api/v1/items/{i} HTTP/1.1\" {status} {}",
                i % 7,
                i % 250,
                i % 100,
                i % 60,
                i * 13 % 9_000,
            )
        })
        .collect()
}

fn filter_pattern(c: &mut Criterion) {
    let (json, text) = (json_events(), text_events());
    for (name, pattern, events) in [
        ("term", "503", &text),
        ("terms", "GET -200 ?items ?orders", &text),
        ("phrase", "\"user42 [01/Mar\"", &text),
        ("regex", "%items/[0-9]*7 HTTP%", &text),
        (
            "delimited",
            "[ip, id, user, time, request, status = 5*, bytes > 1000]",
            &text,
        ),
        ("json_text", "{ $.level = \"error\" }", &json),
        (
            "json_and_number",
            "{ $.status >= 500 && $.latency_ms > 100 }",
            &json,
        ),
        ("json_nested", "{ $.user.plan = \"free\" }", &json),
        ("json_wildcard", "{ $.tags[*] = \"c\" }", &json),
    ] {
        let pattern = FilterPattern::parse(pattern).expect("a pattern");
        let mut group = c.benchmark_group("filter_pattern");
        group.throughput(Throughput::Elements(events.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| events.iter().filter(|event| pattern.matches(event)).count());
        });
        group.finish();
    }
}

criterion_group!(benches, filter_pattern);
criterion_main!(benches);
