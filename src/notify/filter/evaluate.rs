//! A policy against a message.

use std::collections::BTreeSet;

use super::body::{Body, Element};
use super::condition::{Scalar, scaled};
use super::{FilterPolicy, Key, Scope};
use crate::message::{AttributeValue, Message, MessageAttribute, MessageAttributes};

/// Ours: incomparable sets of satisfied keys kept while array elements are combined. Only a
/// policy and a body made for each other come near it.
const FAMILY_MAX: usize = 1_024;

/// Why a message passes or not; the names follow the metrics of spec notifications.md 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    MessageAttributes,
    NoMessageAttributes,
    InvalidAttributes,
    MessageBody,
    InvalidMessageBody,
}

impl Outcome {
    pub const fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted)
    }
}

impl FilterPolicy {
    /// Whether a subscription with this policy gets `message`.
    pub fn evaluate(&self, message: &Message) -> Outcome {
        match self.scope {
            Scope::MessageAttributes => self.on_attributes(&message.attributes),
            // For structured messages the body is the `default` text (spec: ours).
            Scope::MessageBody => self.on_body(&message.text_for("default")),
        }
    }

    fn on_attributes(&self, attributes: &MessageAttributes) -> Outcome {
        let mut root = Element::default();
        let mut present = BTreeSet::new();
        for (name, attribute) in attributes {
            let Some(values) = attribute_values(attribute) else {
                return Outcome::InvalidAttributes;
            };
            if values.is_empty() {
                continue;
            }
            present.insert(name.clone());
            // Each attribute stands alone: any of its values may satisfy its key.
            let fields = values.into_iter().map(|value| (name.clone(), value));
            root.fields.extend(fields);
        }
        match self.accepts(&root, &present) {
            true => Outcome::Accepted,
            false if attributes.is_empty() => Outcome::NoMessageAttributes,
            false => Outcome::MessageAttributes,
        }
    }

    fn on_body(&self, text: &str) -> Outcome {
        let wanted: BTreeSet<&str> = self
            .alternatives
            .iter()
            .flatten()
            .map(|key| key.path.as_str())
            .collect();
        match Body::parse(text, &wanted) {
            None => Outcome::InvalidMessageBody,
            Some(body) if self.accepts(&body.root, &body.present) => Outcome::Accepted,
            Some(_) => Outcome::MessageBody,
        }
    }

    fn accepts(&self, root: &Element, present: &BTreeSet<String>) -> bool {
        self.alternatives.iter().any(|keys| {
            let absent = mask(keys, |key| {
                !present.contains(&key.path) && key.conditions.iter().any(|c| c.accepts_absence())
            });
            let all = mask(keys, |_| true);
            satisfiable(root, keys)
                .iter()
                .any(|satisfied| satisfied | absent == all)
        })
    }
}

/// One bit for each key that `holds`. Parsing allows no more keys than bits.
fn mask(keys: &[Key], holds: impl Fn(&Key) -> bool) -> u64 {
    keys.iter()
        .zip(0u32..u64::BITS)
        .filter(|(key, _)| holds(key))
        .fold(0, |mask, (_, bit)| mask | 1 << bit)
}

/// The largest sets of keys that can be satisfied together below `element` when one element
/// of each array is chosen (spec notifications.md 7: keys that lead through one array must
/// be satisfied by one element).
fn satisfiable(element: &Element, keys: &[Key]) -> Vec<u64> {
    let direct = mask(keys, |key| {
        element.fields.iter().any(|(path, value)| {
            *path == key.path && key.conditions.iter().any(|c| c.accepts(value))
        })
    });
    let mut family = vec![direct];
    for array in &element.arrays {
        let mut choices = Vec::new();
        for element in array {
            for set in satisfiable(element, keys) {
                insert_maximal(&mut choices, set);
            }
        }
        let mut combined = Vec::new();
        for set in &family {
            for choice in &choices {
                insert_maximal(&mut combined, set | choice);
            }
        }
        if !combined.is_empty() {
            family = combined;
        }
    }
    family
}

/// Keeps only sets that no other contains.
fn insert_maximal(family: &mut Vec<u64>, set: u64) {
    if family.iter().any(|other| other & set == set) {
        return;
    }
    family.retain(|other| other & set != *other);
    if family.len() < FAMILY_MAX {
        family.push(set);
    }
}

/// The values a policy sees; none for binary attributes. `None` when a `String.Array` is no
/// JSON array of scalars.
fn attribute_values(attribute: &MessageAttribute) -> Option<Vec<Scalar>> {
    let AttributeValue::Text(text) = &attribute.value else {
        return Some(Vec::new());
    };
    let kind = attribute.data_type.as_str();
    if kind == "String.Array" {
        let members: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
        return members.iter().map(Scalar::of).collect();
    }
    let base = kind.split('.').next().unwrap_or_default();
    Some(match base {
        "String" => vec![Scalar::Text(text.clone())],
        "Number" => vec![Scalar::Number(text.trim().parse().ok().and_then(scaled))],
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use belfry_model::TimestampMs;

    fn message(body: &str, attributes: &[(&str, &str, &str)]) -> Message {
        Message {
            topic_arn: String::new(),
            message_id: String::new(),
            timestamp: TimestampMs(0),
            subject: None,
            message: body.to_owned(),
            message_structure: None,
            attributes: attributes
                .iter()
                .map(|(name, data_type, text)| {
                    (
                        (*name).to_owned(),
                        MessageAttribute {
                            data_type: (*data_type).to_owned(),
                            value: AttributeValue::Text((*text).to_owned()),
                        },
                    )
                })
                .collect(),
            group_id: None,
            deduplication_id: None,
        }
    }

    fn on_attributes(policy: &str, attributes: &[(&str, &str, &str)]) -> bool {
        FilterPolicy::parse(policy, Scope::MessageAttributes, true)
            .expect(policy)
            .expect("a filter")
            .evaluate(&message("", attributes))
            .is_accepted()
    }

    fn on_body(policy: &str, body: &str) -> bool {
        FilterPolicy::parse(policy, Scope::MessageBody, true)
            .expect(policy)
            .expect("a filter")
            .evaluate(&message(body, &[]))
            .is_accepted()
    }

    /// The table at the end of spec notifications.md 7.
    #[test]
    fn examples_of_the_specification() {
        assert!(on_attributes(
            r#"{"severity":["critical","error"]}"#,
            &[("severity", "String", "critical")]
        ));
        assert!(!on_attributes(
            r#"{"severity":["critical"],"env":[{"anything-but":"dev"}]}"#,
            &[("severity", "String", "critical")]
        ));
        assert!(on_attributes(r#"{"env":[{"exists":false}]}"#, &[]));
        assert!(on_attributes(
            r#"{"latency_ms":[{"numeric":[">=",250,"<",1000]}]}"#,
            &[("latency_ms", "Number", "999.99")]
        ));
        assert!(on_attributes(
            r#"{"tags":["blue"]}"#,
            &[("tags", "String.Array", r#"["red","blue"]"#)]
        ));
        assert!(on_body(
            r#"{"src":[{"cidr":"10.20.0.0/16"}]}"#,
            r#"{"src":"10.20.255.1"}"#
        ));
        assert!(on_body(
            r#"{"alarm":{"state":["ALARM"]},"$or":[{"team":["db"]},{"team":[{"prefix":"plat"}]}]}"#,
            r#"{"alarm":{"state":"ALARM"},"team":"platform"}"#
        ));
        assert!(!on_body(
            r#"{"NewStateValue":["ALARM"]}"#,
            r#"{"AlarmName":"a","NewStateValue":"OK"}"#
        ));
        assert!(!on_body(r#"{"a":["1"]}"#, r#"{"a":1}"#));
    }

    /// Spec notifications.md 7, "array consistency".
    #[test]
    fn keys_of_one_array_need_one_element() {
        let policy = r#"{"items":{"sku":["a"],"qty":[{"numeric":[">",5]}]}}"#;
        assert!(!on_body(
            policy,
            r#"{"items":[{"sku":"a","qty":1},{"sku":"b","qty":9}]}"#
        ));
        assert!(on_body(
            policy,
            r#"{"items":[{"sku":"a","qty":1},{"sku":"a","qty":9}]}"#
        ));
        // Different arrays choose freely, nested ones within their element.
        let policy = r#"{"a":{"x":["1"]},"b":{"y":["2"]}}"#;
        assert!(on_body(
            policy,
            r#"{"a":[{"x":"0"},{"x":"1"}],"b":[{"y":"2"}]}"#
        ));
        let policy = r#"{"a":{"k":["1"],"b":{"y":["2"]}}}"#;
        assert!(!on_body(
            policy,
            r#"{"a":[{"k":"1","b":[{"y":"1"}]},{"k":"0","b":[{"y":"2"}]}]}"#
        ));
        assert!(on_body(
            policy,
            r#"{"a":[{"k":"1","b":[{"y":"1"},{"y":"2"}]}]}"#
        ));
    }

    #[test]
    fn dots_and_nesting_are_one() {
        for policy in [r#"{"a.b":["x"]}"#, r#"{"a":{"b":["x"]}}"#] {
            assert!(on_body(policy, r#"{"a.b":"x"}"#));
            assert!(on_body(policy, r#"{"a":{"b":"x"}}"#));
            assert!(on_body(policy, r#"{"a":{"b":[["y"],["x"]]}}"#));
        }
    }

    #[test]
    fn matchers() {
        for (condition, value, wanted) in [
            (r#"{"prefix":"ab"}"#, r#""abc""#, true),
            (r#"{"prefix":"ab"}"#, r#""Abc""#, false),
            (r#"{"suffix":"bc"}"#, r#""abc""#, true),
            (r#"{"equals-ignore-case":"ÄB"}"#, r#""äb""#, true),
            (
                r#"{"anything-but":["rugby"]}"#,
                r#"["rugby","baseball"]"#,
                true,
            ),
            (r#"{"anything-but":["rugby"]}"#, r#"["rugby"]"#, false),
            (r#"{"anything-but":{"prefix":"r"}}"#, r#""rugby""#, false),
            (r#"{"anything-but":{"prefix":"r"}}"#, r#""chess""#, true),
            (r#"{"anything-but":5}"#, "5.0", false),
            (r#"{"exists":true}"#, "null", true),
            (r#"{"exists":true}"#, "[]", false),
            (r#"{"exists":false}"#, "[]", true),
            (r#"{"exists":false}"#, "1", false),
            ("301.5", "3.015e2", true),
            ("null", "null", true),
            ("null", r#""null""#, false),
            ("true", "true", true),
            (r#"{"numeric":["=",5]}"#, r#""5""#, false),
            (r#"{"numeric":["<",5]}"#, "4.99999", true),
            (r#"{"numeric":["<=",5]}"#, "5", true),
            (r#"{"cidr":"2001:db8::/32"}"#, r#""2001:db8::7""#, true),
            (r#"{"cidr":"10.0.0.0/8"}"#, r#""ten""#, false),
            (r#"{"wildcard":"a*c"}"#, r#""abc""#, true),
        ] {
            let policy = format!(r#"{{"k":[{condition}]}}"#);
            let body = format!(r#"{{"k":{value}}}"#);
            assert_eq!(on_body(&policy, &body), wanted, "{policy} {body}");
        }
    }

    #[test]
    fn types_of_attributes_count() {
        assert!(!on_attributes(r#"{"n":[5]}"#, &[("n", "String", "5")]));
        assert!(on_attributes(r#"{"n":[5]}"#, &[("n", "Number", "5.0")]));
        assert!(on_attributes(
            r#"{"n":[5,true]}"#,
            &[("n", "String.Array", "[true]")]
        ));
        assert!(on_attributes(
            r#"{"b":[{"exists":false}]}"#,
            &[("b", "Binary", "x")]
        ));
        let policy = FilterPolicy::parse(r#"{"n":["x"]}"#, Scope::MessageAttributes, false)
            .expect("valid")
            .expect("a filter");
        let outcome = |attributes: &[(&str, &str, &str)]| policy.evaluate(&message("", attributes));
        assert_eq!(outcome(&[]), Outcome::NoMessageAttributes);
        assert_eq!(outcome(&[("n", "String", "y")]), Outcome::MessageAttributes);
        assert_eq!(
            outcome(&[("n", "String.Array", "[x")]),
            Outcome::InvalidAttributes
        );
    }

    #[test]
    fn bodies_that_are_no_objects_are_filtered() {
        let policy = FilterPolicy::parse(r#"{"a":[1]}"#, Scope::MessageBody, false)
            .expect("valid")
            .expect("a filter");
        for body in ["[1]", "text", "", "{"] {
            assert_eq!(
                policy.evaluate(&message(body, &[])),
                Outcome::InvalidMessageBody
            );
        }
    }

    #[test]
    fn an_or_that_is_no_alternative_is_a_key() {
        assert!(on_body(r#"{"$or":["x"]}"#, r#"{"$or":"x"}"#));
        assert!(on_body(
            r#"{"$or":[{"prefix":"x"},{"prefix":"y"}]}"#,
            r#"{"$or":"yz"}"#
        ));
    }

    /// The definition, without cleverness: try every choice of one element for each array.
    fn slow_reference(policy: &FilterPolicy, body: &serde_json::Value) -> bool {
        use serde_json::Value;
        type Fields = Vec<(String, Scalar)>;

        fn cross(left: Vec<Fields>, right: Vec<Fields>) -> Vec<Fields> {
            left.iter()
                .flat_map(|l| right.iter().map(move |r| [l.clone(), r.clone()].concat()))
                .collect()
        }

        fn worlds(value: &Value, path: &str) -> Vec<Fields> {
            match value {
                Value::Object(object) => object.iter().fold(vec![Vec::new()], |all, (k, v)| {
                    let path = if path.is_empty() {
                        k.clone()
                    } else {
                        format!("{path}.{k}")
                    };
                    cross(all, worlds(v, &path))
                }),
                Value::Array(members) if members.is_empty() => vec![Vec::new()],
                Value::Array(members) => members.iter().flat_map(|m| worlds(m, path)).collect(),
                scalar => vec![vec![(
                    path.to_owned(),
                    Scalar::of(scalar).expect("a scalar"),
                )]],
            }
        }

        let worlds = worlds(body, "");
        let exists = |path: &str| worlds.iter().flatten().any(|(p, _)| p == path);
        policy.alternatives.iter().any(|keys| {
            worlds.iter().any(|fields| {
                keys.iter().all(|key| {
                    key.conditions.iter().any(|c| {
                        fields.iter().any(|(p, v)| *p == key.path && c.accepts(v))
                            || (c.accepts_absence() && !exists(&key.path))
                    })
                })
            })
        })
    }

    mod properties {
        use super::*;
        use proptest::prelude::*;
        use serde_json::{Value, json};

        fn scalars() -> impl Strategy<Value = Value> {
            prop_oneof![
                (0..3).prop_map(|n| json!(n)),
                "[xy]".prop_map(|t| json!(t)),
                Just(Value::Null),
            ]
        }

        fn bodies() -> impl Strategy<Value = Value> {
            let names = prop::sample::select(vec!["a", "b", "a.b"]);
            let values = scalars().prop_recursive(3, 12, 2, move |inner| {
                prop_oneof![
                    prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                    prop::collection::vec((names.clone(), inner), 0..3).prop_map(|members| {
                        Value::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
                    }),
                ]
            });
            prop::collection::vec((prop::sample::select(vec!["a", "b"]), values), 0..3).prop_map(
                |members| Value::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect()),
            )
        }

        fn conditions() -> impl Strategy<Value = Value> {
            let one = prop_oneof![
                scalars(),
                any::<bool>().prop_map(|exists| json!({"exists": exists})),
                (0..3).prop_map(|n| json!({"numeric": [">=", n]})),
                "[xy]".prop_map(|t| json!({"anything-but": t})),
            ];
            prop::collection::vec(one, 1..3).prop_map(Value::from)
        }

        fn policies() -> impl Strategy<Value = Value> {
            let paths = prop::sample::select(vec!["a", "b", "a.a", "a.b", "a.b.a", "b.b"]);
            prop::collection::btree_map(paths, conditions(), 1..4).prop_map(|members| {
                Value::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
            })
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2_000))]

            #[test]
            fn verdicts_equal_the_slow_reference(policy in policies(), body in bodies()) {
                let parsed = FilterPolicy::parse(&policy.to_string(), Scope::MessageBody, false)
                    .expect("valid")
                    .expect("a filter");
                let verdict = parsed.evaluate(&message(&body.to_string(), &[])).is_accepted();
                prop_assert_eq!(verdict, slow_reference(&parsed, &body));
            }

            #[test]
            fn any_text_is_judged(policy in ".{0,40}", wild in "[{}\\[\\]\":,a$or0-9. ]{0,40}") {
                for text in [&policy, &wild] {
                    if let Ok(Some(parsed)) = FilterPolicy::parse(text, Scope::MessageBody, true) {
                        parsed.evaluate(&message(text, &[]));
                    }
                }
            }
        }
    }
}
