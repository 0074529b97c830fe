//! JSON text to a policy, with AWS's validation texts (spec notifications.md 7).

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::condition::{Bound, Condition, Scalar, scaled};
use super::{FilterPolicy, Key, Scope};

const POLICY_BYTES_MAX: usize = 262_144;
const KEYS_MAX: usize = 5;
const COMBINATIONS_MAX: u64 = 150;
/// Ours: keys of one alternative, which evaluation keeps in one machine word.
const ALTERNATIVE_KEYS_MAX: usize = 64;
const OR: &str = "$or";

const MATCHERS: &[&str] = &[
    "prefix",
    "suffix",
    "equals-ignore-case",
    "wildcard",
    "anything-but",
    "exists",
    "numeric",
    "cidr",
];

/// Keys and alternatives before they are multiplied out.
enum Node {
    Key(Key, u64),
    Or(Vec<Vec<Node>>),
}

impl FilterPolicy {
    /// `None` for `{}` and the empty text, which filter nothing. `extensions` admits what
    /// EventBridge has and SNS refuses.
    ///
    /// # Errors
    /// The text after `Invalid parameter: `.
    pub fn parse(text: &str, scope: Scope, extensions: bool) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > POLICY_BYTES_MAX {
            return Err("FilterPolicy: Filter policy is too long".to_owned());
        }
        let root = match serde_json::from_str(text) {
            Ok(Value::Object(root)) => root,
            Ok(_) => {
                return Err(
                    "FilterPolicy: failed to parse JSON. Filter is not an object".to_owned(),
                );
            }
            Err(error) => return Err(format!("FilterPolicy: failed to parse JSON. {error}")),
        };
        if root.is_empty() {
            return Ok(None);
        }
        if root.len() > KEYS_MAX {
            return Err("FilterPolicy: Filter policy can not have more than 5 keys".to_owned());
        }
        let parser = Parser { scope, extensions };
        let nodes = parser.object(&root, "", 1)?;
        if combinations(&nodes) > COMBINATIONS_MAX {
            return Err("FilterPolicy: Filter policy is too complex".to_owned());
        }
        let alternatives = multiply_out(nodes);
        if alternatives.iter().any(|a| a.len() > ALTERNATIVE_KEYS_MAX) {
            return Err("FilterPolicy: Filter policy is too complex".to_owned());
        }
        Ok(Some(Self {
            scope,
            alternatives,
        }))
    }
}

struct Parser {
    scope: Scope,
    extensions: bool,
}

impl Parser {
    /// The members of `object`, whose keys lie under the dotted `path`. Recursion is bounded
    /// by the JSON reader's own depth limit of 128.
    fn object(
        &self,
        object: &Map<String, Value>,
        path: &str,
        depth: u64,
    ) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::with_capacity(object.len());
        for (name, value) in object {
            if name == OR
                && let Some(alternatives) = as_alternatives(value)
            {
                let alternatives = alternatives
                    .into_iter()
                    .map(|alternative| self.object(alternative, path, depth))
                    .collect::<Result<_, _>>()?;
                nodes.push(Node::Or(alternatives));
                continue;
            }
            let path = match path {
                "" => name.clone(),
                _ => format!("{path}.{name}"),
            };
            match value {
                Value::Array(conditions) => {
                    let conditions = self.conditions(conditions)?;
                    let weight = (conditions.len() as u64).saturating_mul(depth);
                    nodes.push(Node::Key(Key { path, conditions }, weight));
                }
                Value::Object(_) if self.scope == Scope::MessageAttributes => {
                    return Err(
                        "Filter policy scope MessageAttributes does not support nested filter policy"
                            .to_owned(),
                    );
                }
                Value::Object(nested) if nested.is_empty() => {
                    return Err(policy_error("Empty objects are not allowed"));
                }
                Value::Object(nested) => {
                    nodes.extend(self.object(nested, &path, depth.saturating_add(1))?);
                }
                _ => {
                    return Err(policy_error(&format!(
                        "\"{name}\" must be an object or an array"
                    )));
                }
            }
        }
        Ok(nodes)
    }

    fn conditions(&self, members: &[Value]) -> Result<Vec<Condition>, String> {
        if members.is_empty() {
            return Err(policy_error("Empty arrays are not allowed"));
        }
        members
            .iter()
            .map(|member| self.condition(member))
            .collect()
    }

    fn condition(&self, member: &Value) -> Result<Condition, String> {
        match member {
            Value::Object(matcher) => {
                let mut entries = matcher.iter();
                match (entries.next(), entries.next()) {
                    (Some((name, value)), None) => self.matcher(name, value),
                    (None, _) => Err(policy_error("Empty match expression object is not allowed")),
                    _ => Err(policy_error("Only one key allowed in match expression")),
                }
            }
            _ => scalar(member).map(Condition::Equals),
        }
    }

    fn matcher(&self, name: &str, value: &Value) -> Result<Condition, String> {
        match name {
            "prefix" => pattern(name, value).map(Condition::Prefix),
            "suffix" => pattern(name, value).map(Condition::Suffix),
            "equals-ignore-case" => pattern(name, value).map(Condition::EqualsIgnoreCase),
            "wildcard" if self.extensions => pattern(name, value).map(Condition::Wildcard),
            "anything-but" => self.anything_but(value),
            "exists" => value
                .as_bool()
                .map(Condition::Exists)
                .ok_or_else(|| policy_error("exists match pattern must be either true or false.")),
            "numeric" => numeric(value),
            // AWS's text for cidr speaks of prefix.
            "cidr" => cidr(&pattern("prefix", value)?).map(Condition::Cidr),
            _ => Err(policy_error(&format!("Unrecognized match type {name}"))),
        }
    }

    fn anything_but(&self, value: &Value) -> Result<Condition, String> {
        match value {
            Value::Object(matcher) => {
                let mut entries = matcher.iter();
                let (Some((name, value)), None) = (entries.next(), entries.next()) else {
                    return Err(policy_error("Only one key allowed in match expression"));
                };
                match name.as_str() {
                    "prefix" => Ok(Condition::AnythingButMatching(vec![Condition::Prefix(
                        pattern("prefix", value)?,
                    )])),
                    "suffix" | "wildcard" | "equals-ignore-case" if self.extensions => {
                        let values = match value {
                            Value::Array(values) => values.as_slice(),
                            single => std::slice::from_ref(single),
                        };
                        if values.is_empty() {
                            return Err(policy_error("Empty arrays are not allowed"));
                        }
                        let unwanted = values
                            .iter()
                            .map(|v| self.matcher(name, v))
                            .collect::<Result<_, _>>()?;
                        Ok(Condition::AnythingButMatching(unwanted))
                    }
                    _ => Err(policy_error(&format!(
                        "Unsupported anything-but pattern: {name}"
                    ))),
                }
            }
            Value::Array(unwanted) if unwanted.is_empty() => {
                Err(policy_error("Empty arrays are not allowed"))
            }
            Value::Array(unwanted) => unwanted
                .iter()
                .map(scalar)
                .collect::<Result<_, _>>()
                .map(Condition::AnythingBut),
            single => scalar(single).map(|s| Condition::AnythingBut(vec![s])),
        }
    }
}

/// `$or` is an alternative only with two or more objects that are no matchers; otherwise it
/// is a key like others.
fn as_alternatives(value: &Value) -> Option<Vec<&Map<String, Value>>> {
    let members = value.as_array().filter(|members| members.len() >= 2)?;
    members
        .iter()
        .map(|member| {
            member.as_object().filter(|object| {
                !object.is_empty() && !object.keys().any(|key| MATCHERS.contains(&key.as_str()))
            })
        })
        .collect()
}

/// The product over keys of (conditions x depth); alternatives are added up.
fn combinations(nodes: &[Node]) -> u64 {
    nodes
        .iter()
        .map(|node| match node {
            Node::Key(_, weight) => *weight,
            Node::Or(alternatives) => alternatives
                .iter()
                .map(|nodes| combinations(nodes))
                .fold(0, u64::saturating_add),
        })
        .fold(1, u64::saturating_mul)
}

/// At most as many alternatives as [`combinations`] counts.
fn multiply_out(nodes: Vec<Node>) -> Vec<Vec<Key>> {
    let mut product = vec![Vec::new()];
    for node in nodes {
        match node {
            Node::Key(key, _) => {
                for alternative in &mut product {
                    alternative.push(key.clone());
                }
            }
            Node::Or(alternatives) => {
                let choices: Vec<Vec<Key>> =
                    alternatives.into_iter().flat_map(multiply_out).collect();
                product = product
                    .iter()
                    .flat_map(|head| {
                        choices
                            .iter()
                            .map(move |tail| head.iter().chain(tail).cloned().collect())
                    })
                    .collect();
            }
        }
    }
    product
}

fn policy_error(text: &str) -> String {
    format!("FilterPolicy: {text}")
}

fn scalar(value: &Value) -> Result<Scalar, String> {
    Scalar::of(value)
        .ok_or_else(|| policy_error("Match value must be String, number, true, false, or null"))
}

fn pattern(name: &str, value: &Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| policy_error(&format!("{name} match pattern must be a string")))
}

fn numeric(value: &Value) -> Result<Condition, String> {
    let Value::Array(terms) = value else {
        return Err(policy_error("Value of numeric must be an array."));
    };
    let mut terms = terms.iter();
    let first = terms.next();
    let Some(operator) = first.and_then(Value::as_str) else {
        let found = first.map_or_else(|| "]".to_owned(), Value::to_string);
        return Err(policy_error(&format!(
            "Invalid member in numeric match: {found}"
        )));
    };
    match operator {
        "=" => {
            let value = operand(terms.next(), "equals")?;
            if terms.next().is_some() {
                return Err(policy_error("Too many elements in numeric expression"));
            }
            let bound = Some(Bound {
                value,
                inclusive: true,
            });
            Ok(Condition::Numeric {
                low: bound,
                high: bound,
            })
        }
        "<" | "<=" => {
            let high = bound(terms.next(), operator)?;
            if terms.next().is_some() {
                return Err(policy_error("Too many terms in numeric range expression"));
            }
            Ok(Condition::Numeric {
                low: None,
                high: Some(high),
            })
        }
        ">" | ">=" => {
            let low = bound(terms.next(), operator)?;
            let Some(second) = terms.next() else {
                return Ok(Condition::Numeric {
                    low: Some(low),
                    high: None,
                });
            };
            let Some(operator) = second.as_str() else {
                return Err(policy_error(&format!(
                    "Bad value in numeric range: {second}"
                )));
            };
            if !matches!(operator, "<" | "<=") {
                return Err(policy_error(&format!(
                    "Bad numeric range operator: {operator}"
                )));
            }
            let high = bound(terms.next(), operator)?;
            if terms.next().is_some() {
                return Err(policy_error("Too many terms in numeric range expression"));
            }
            if low.value >= high.value {
                return Err(policy_error("Bottom must be less than top"));
            }
            Ok(Condition::Numeric {
                low: Some(low),
                high: Some(high),
            })
        }
        _ => Err(policy_error(&format!(
            "Unrecognized numeric range operator: {operator}"
        ))),
    }
}

fn bound(term: Option<&Value>, operator: &str) -> Result<Bound, String> {
    Ok(Bound {
        value: operand(term, operator)?,
        inclusive: operator.ends_with('='),
    })
}

fn operand(term: Option<&Value>, name: &str) -> Result<i64, String> {
    let number = term
        .and_then(Value::as_f64)
        .ok_or_else(|| policy_error(&format!("Value of {name} must be numeric")))?;
    scaled(number).ok_or_else(|| policy_error("Value must be between -1.0E9 and 1.0E9, inclusive"))
}

fn cidr(text: &str) -> Result<IpNet, String> {
    let mut parts = text.split('/');
    let (Some(address), Some(bits), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(policy_error("Malformed CIDR, one '/' required"));
    };
    let bits: u8 = bits
        .parse()
        .map_err(|_| policy_error("Malformed CIDR, mask bits must be an integer"))?;
    let parsed: IpAddr = address
        .parse()
        .map_err(|_| policy_error(&format!("Nonstandard IP address: {address}")))?;
    IpNet::new(parsed, bits).map_err(|_| {
        let max = if parsed.is_ipv4() { 32 } else { 128 };
        policy_error(&format!("Malformed CIDR, mask bits must be at most {max}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(policy: &str) -> String {
        FilterPolicy::parse(policy, Scope::MessageBody, false).expect_err(policy)
    }

    /// Every text of spec notifications.md 7.
    #[test]
    fn validation_texts() {
        for (policy, text) in [
            (
                r#"{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}"#,
                "Filter policy can not have more than 5 keys",
            ),
            (
                r#"{"s":["1","2","3","4"],"$or":[{"m":["1","2","3","4","5","6"]},{"t":["1","2","3","4"],"$or":[{"a":["1","2","3","4"]},{"b":["1","2","3","4"]}]}]}"#,
                "Filter policy is too complex",
            ),
            (r#"{"a":[]}"#, "Empty arrays are not allowed"),
            (r#"{"a":"b"}"#, r#""a" must be an object or an array"#),
            (
                r#"{"a":[{"prefix":"x","suffix":"y"}]}"#,
                "Only one key allowed in match expression",
            ),
            (
                r#"{"a":[["x"]]}"#,
                "Match value must be String, number, true, false, or null",
            ),
            (r#"{"a":[{"like":"x"}]}"#, "Unrecognized match type like"),
            (
                r#"{"a":[{"wildcard":"x*"}]}"#,
                "Unrecognized match type wildcard",
            ),
            (
                r#"{"a":[{"prefix":1}]}"#,
                "prefix match pattern must be a string",
            ),
            (
                r#"{"a":[{"suffix":1}]}"#,
                "suffix match pattern must be a string",
            ),
            (
                r#"{"a":[{"equals-ignore-case":1}]}"#,
                "equals-ignore-case match pattern must be a string",
            ),
            (
                r#"{"a":[{"cidr":1}]}"#,
                "prefix match pattern must be a string",
            ),
            (
                r#"{"a":[{"anything-but":{"prefix":1}}]}"#,
                "prefix match pattern must be a string",
            ),
            (
                r#"{"a":[{"exists":"yes"}]}"#,
                "exists match pattern must be either true or false.",
            ),
            (
                r#"{"a":[{"anything-but":{"suffix":"x"}}]}"#,
                "Unsupported anything-but pattern: suffix",
            ),
            (
                r#"{"a":[{"numeric":[5]}]}"#,
                "Invalid member in numeric match: 5",
            ),
            (
                r#"{"a":[{"numeric":["<>",5]}]}"#,
                "Unrecognized numeric range operator: <>",
            ),
            (
                r#"{"a":[{"numeric":["=","5"]}]}"#,
                "Value of equals must be numeric",
            ),
            (
                r#"{"a":[{"numeric":[">="]}]}"#,
                "Value of >= must be numeric",
            ),
            (
                r#"{"a":[{"numeric":["=",5,"<",6]}]}"#,
                "Too many elements in numeric expression",
            ),
            (
                r#"{"a":[{"numeric":[">",5,6]}]}"#,
                "Bad value in numeric range: 6",
            ),
            (
                r#"{"a":[{"numeric":[">",5,">",6]}]}"#,
                "Bad numeric range operator: >",
            ),
            (
                r#"{"a":[{"numeric":[">",5,"<",5]}]}"#,
                "Bottom must be less than top",
            ),
            (
                r#"{"a":[{"numeric":["<",5,">",1]}]}"#,
                "Too many terms in numeric range expression",
            ),
            (
                r#"{"a":[{"cidr":"10.0.0.0"}]}"#,
                "Malformed CIDR, one '/' required",
            ),
            (
                r#"{"a":[{"cidr":"10.0.0.0/x"}]}"#,
                "Malformed CIDR, mask bits must be an integer",
            ),
            (
                r#"{"a":[{"cidr":"10.0.0/8"}]}"#,
                "Nonstandard IP address: 10.0.0",
            ),
        ] {
            assert_eq!(error(policy), format!("FilterPolicy: {text}"));
        }
        assert!(error("{").starts_with("FilterPolicy: failed to parse JSON. "));
    }

    #[test]
    fn attributes_have_no_depth() {
        let nested = r#"{"a":{"b":["x"]}}"#;
        assert_eq!(
            FilterPolicy::parse(nested, Scope::MessageAttributes, false),
            Err(
                "Filter policy scope MessageAttributes does not support nested filter policy"
                    .into()
            )
        );
        assert!(FilterPolicy::parse(nested, Scope::MessageBody, false).is_ok());
    }

    #[test]
    fn complexity_counts_depth_and_adds_alternatives() {
        // 152 is refused above; one condition fewer gives 4 x (6 + 4 x 4 + 4 x 3) = 136.
        let policy = r#"{"s":["1","2","3","4"],"$or":[{"m":["1","2","3","4","5","6"]},{"t":["1","2","3","4"],"$or":[{"a":["1","2","3","4"]},{"b":["1","2","3"]}]}]}"#;
        let parsed = FilterPolicy::parse(policy, Scope::MessageAttributes, false)
            .expect("simple enough")
            .expect("a filter");
        assert_eq!(parsed.alternatives.len(), 3);
    }

    #[test]
    fn extensions_are_a_choice() {
        let policy = r#"{"a":[{"wildcard":"x*"},{"anything-but":{"suffix":["y","z"]}}]}"#;
        assert!(FilterPolicy::parse(policy, Scope::MessageBody, true).is_ok());
        assert!(FilterPolicy::parse(policy, Scope::MessageBody, false).is_err());
    }

    #[test]
    fn nothing_to_filter() {
        for text in ["", "{}"] {
            assert_eq!(
                FilterPolicy::parse(text, Scope::MessageBody, false),
                Ok(None)
            );
        }
    }
}
