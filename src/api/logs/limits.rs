//! Limits that many operations of Logs share, as the service model declares them.

use std::collections::BTreeMap;

use belfry_wire::Constraints;
use belfry_wire::constraints::Pattern;

static LOG_GROUP_NAME: Pattern = Pattern::new(r"[\.\-_/#A-Za-z0-9]+");
static LOG_STREAM_NAME: Pattern = Pattern::new(r"[^:*]*");
static LOG_GROUP_IDENTIFIER: Pattern = Pattern::new(r"[\w#+=/:,.@-]*");
static TAG_KEY: Pattern = Pattern::new(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$");
static TAG_VALUE: Pattern = Pattern::new(r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$");
static RESOURCE_ARN: Pattern = Pattern::new(r"[\w+=/:,.@-]*");

/// Of groups and of streams.
const NAME_CHARS_MAX: usize = 512;
/// Observed text, in the place of the usual one (spec logs-semantics.md 1).
const NAME_TOO_LONG: &str =
    "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";

pub const LOG_CLASSES: &[&str] = &["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"];

pub fn log_group_name(c: &mut Constraints, name: &Option<String>) {
    c.member("logGroupName", name)
        .required()
        .length(1..)
        .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
        .pattern(&LOG_GROUP_NAME);
}

/// For operations that take a name or an identifier.
pub fn optional_log_group(c: &mut Constraints, name: &Option<String>, identifier: &Option<String>) {
    c.member("logGroupName", name)
        .length(1..)
        .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
        .pattern(&LOG_GROUP_NAME);
    c.member("logGroupIdentifier", identifier)
        .length(1..=2_048)
        .pattern(&LOG_GROUP_IDENTIFIER);
}

/// A prefix of names, or a list of identifiers, is declared like a name.
pub fn log_group_prefix(c: &mut Constraints, member: &str, prefix: &Option<String>) {
    c.member(member, prefix)
        .length(1..)
        .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
        .pattern(&LOG_GROUP_NAME);
}

pub fn log_group_names(c: &mut Constraints, member: &str, names: &Option<Vec<String>>) {
    c.member(member, names).each(|name| {
        name.length(1..)
            .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
            .pattern(&LOG_GROUP_NAME)
    });
}

pub fn log_group_identifiers(
    c: &mut Constraints,
    member: &str,
    identifiers: &Option<Vec<String>>,
    most: usize,
) {
    c.member(member, identifiers)
        .length(1..=most)
        .each(|identifier| identifier.length(1..=2_048).pattern(&LOG_GROUP_IDENTIFIER));
}

pub fn log_stream_name(c: &mut Constraints, name: &Option<String>) {
    c.member("logStreamName", name)
        .required()
        .length(1..)
        .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
        .pattern(&LOG_STREAM_NAME);
}

pub fn log_stream_prefix(c: &mut Constraints, prefix: &Option<String>) {
    c.member("logStreamNamePrefix", prefix)
        .length(1..)
        .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
        .pattern(&LOG_STREAM_NAME);
}

pub fn log_stream_names(c: &mut Constraints, names: &Option<Vec<String>>) {
    c.member("logStreamNames", names)
        .length(1..=100)
        .each(|name| {
            name.length(1..)
                .length_or(NAME_CHARS_MAX, NAME_TOO_LONG)
                .pattern(&LOG_STREAM_NAME)
        });
}

pub fn next_token(c: &mut Constraints, token: &Option<String>) {
    c.member("nextToken", token).length(1..);
}

pub fn tags(c: &mut Constraints, tags: &Option<BTreeMap<String, String>>) {
    c.member("tags", tags).entries(
        1..=50,
        |key| key.length(1..=128).pattern(&TAG_KEY),
        |value: belfry_wire::constraints::Member<'_, String>| {
            value.length(..=256).pattern(&TAG_VALUE)
        },
    );
}

pub fn tag_keys(
    c: &mut Constraints,
    member: &str,
    keys: &Option<Vec<String>>,
    least: usize,
    most: usize,
) {
    c.member(member, keys)
        .required()
        .length(least..=most)
        .each(|key| key.length(1..=128).pattern(&TAG_KEY));
}

pub fn resource_arn(c: &mut Constraints, arn: &Option<String>) {
    c.member("resourceArn", arn)
        .required()
        .length(1..=1_011)
        .pattern(&RESOURCE_ARN);
}
