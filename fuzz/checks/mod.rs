//! One function for each fuzz target: bytes that somebody else wrote in, a panic out if a
//! promise is broken.
//!
//! | file | targets |
//! |---|---|
//! | `wire` | `request`, `input_query`, `input_json`, `input_cbor`, `signature` |
//! | `lang` | `filter_pattern`, `insights`, `metric_math`, `metric_search`, `dashboard` |
//! | `model` | `statistic`, `texts` |
//!
//! `notify.rs`, `store.rs` and `api.rs` stand on their own, each with a list of its targets: what
//! they need takes minutes to build.

pub mod lang;
pub mod model;
pub mod wire;

/// What a target does with its input.
pub type Check = fn(&[u8]);

/// Every target that builds quickly, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("request", wire::request),
    ("input_query", wire::input_query),
    ("input_json", wire::input_json),
    ("input_cbor", wire::input_cbor),
    ("signature", wire::signature),
    ("filter_pattern", lang::filter_pattern),
    ("insights", lang::insights),
    ("metric_math", lang::metric_math),
    ("metric_search", lang::metric_search),
    ("dashboard", lang::dashboard),
    ("statistic", model::statistic),
    ("texts", model::texts),
];

/// The text before the first line break and the text after it.
pub fn two_texts(data: &[u8]) -> Option<(&str, &str)> {
    let text = std::str::from_utf8(data).ok()?;
    Some(text.split_once('\n').unwrap_or((text, "")))
}
