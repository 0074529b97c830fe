//! Properties: print and parse, no panic, and the one-pass selection against a plain reading.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

use super::json_selection::{Scalar, SelectorTree};
use super::*;

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "ERROR",
        " ",
        "?",
        "-",
        "\"a b\"",
        "\"say \\\"hi\\\"\"",
        "%a+%",
        "%5[0-9]{2}%",
        "{ ",
        " }",
        "[",
        "]",
        ",",
        "...",
        "$.a",
        "$.a.b[0]",
        "$.*",
        "$.l[*].x",
        "$['k.s']",
        " = ",
        " != ",
        " > ",
        "<=",
        "1",
        "-2.5e1",
        "ca*",
        "\"*x\"",
        "\"1\"",
        " && ",
        " || ",
        "(",
        ")",
        "IS NULL",
        "IS true",
        "NOT EXISTS",
        "name",
        "name2",
        "=",
        "%",
        "\"",
        "\\",
        "é",
        "\t",
        "*",
    ])
}

/// Rows of words, many of them well-formed.
fn pattern_text() -> impl Strategy<Value = String> {
    let test = (
        prop::sample::select(vec![
            "$.a", "$.a.b", "$.l[0]", "$.l[*]", "$.*", "$.l[1].a", "$['a']",
        ]),
        prop::sample::select(vec![
            "= 1",
            "!= 1",
            "> 0.5",
            "<= 2",
            "= a*",
            "= \"x\"",
            "!= \"*\"",
            "= %a%",
            "IS NULL",
            "IS TRUE",
            "NOT EXISTS",
            "= \"\\\\ \\\" \\*\"",
        ]),
    );
    let tests = vec((test, prop::sample::select(vec![" && ", " || "])), 1..4);
    let json = tests.prop_map(|tests| {
        let mut text = String::from("{ ");
        for (at, ((selector, test), between)) in tests.iter().enumerate() {
            if at > 0 {
                text.push_str(between);
            }
            text.push_str(&format!("{selector} {test}"));
        }
        text + " }"
    });
    let column = prop::sample::select(vec![
        "",
        "...",
        "a",
        "b = 1",
        "c = x* || C = y*",
        "(d > 1 && d < 5) || d = \"q q\"",
        "e = %a%",
        "f",
    ]);
    let delimited = vec(column, 0..5).prop_map(|columns| format!("[{}]", columns.join(", ")));
    prop_oneof![
        2 => vec(word(), 0..12).prop_map(|words| words.concat()),
        2 => json,
        2 => delimited,
        1 => any::<String>(),
        1 => vec("[?-]?[A-Za-z\"%]{1,4}", 1..4).prop_map(|terms| terms.join(" ")),
    ]
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "[0-9]".prop_map(|number| number),
        Just("1.0".to_owned()),
        "\"[a-cx*]{0,3}\"".prop_map(|text| text),
        Just("\"\\u0061\\n\"".to_owned()),
    ];
    let key = || prop::sample::select(vec!["a", "b", "l", "x", "\\u0061"]);
    let value = leaf.prop_recursive(3, 20, 4, move |inner| {
        prop_oneof![
            vec((key(), inner.clone()), 0..4).prop_map(|members| {
                let members = members
                    .iter()
                    .map(|(key, value)| format!("\"{key}\": {value}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
            vec(inner, 0..3).prop_map(|elements| format!("[{}]", elements.join(", "))),
        ]
    });
    vec((key(), value), 0..5).prop_map(|members| {
        let members = members
            .iter()
            .map(|(key, value)| format!("\"{key}\": {value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    })
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => json_text(),
        1 => any::<String>(),
        2 => "([a-z0-9]{1,3}|\"[a-z ]{0,4}\"|\\[[a-z ]{0,3}\\]?| ){0,8}",
        1 => "(ERROR|a b|aa|503| |say \"hi\"){0,4}",
    ]
}

/// The values of a selector by a plain reading of the whole message.
fn select_plainly<'v>(value: &'v Json, steps: &[SelectorStep]) -> Vec<&'v Json> {
    let Some((step, rest)) = steps.split_first() else {
        return vec![value];
    };
    let next: Vec<&Json> = match step {
        SelectorStep::Key(key) => value
            .as_object()
            .and_then(|map| map.get(key))
            .into_iter()
            .collect(),
        SelectorStep::Index(index) => value
            .as_array()
            .and_then(|list| list.get(*index))
            .into_iter()
            .collect(),
        SelectorStep::AnyValue => value
            .as_object()
            .map(|map| map.values().collect())
            .unwrap_or_default(),
        SelectorStep::AnyElement => value
            .as_array()
            .map(|list| list.iter().collect())
            .unwrap_or_default(),
    };
    next.into_iter()
        .flat_map(|value| select_plainly(value, rest))
        .collect()
}

/// Reads a selected value as a JSON value; numbers by their worth.
fn as_json(scalar: Scalar<'_>) -> Json {
    match scalar {
        Scalar::String(text) => Json::from(text.into_owned()),
        Scalar::Number(text) => serde_json::from_str(text).unwrap(),
        Scalar::Boolean(value) => Json::from(value),
        Scalar::Null => Json::Null,
        Scalar::Structure => Json::from("a structure"),
    }
}

fn plainly(value: &Json) -> Json {
    match value {
        Json::Array(_) | Json::Object(_) => Json::from("a structure"),
        scalar => scalar.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_pattern_parses_to_itself(text in pattern_text()) {
        if let Ok(pattern) = FilterPattern::parse(&text) {
            let printed = pattern.to_string();
            prop_assert_eq!(FilterPattern::parse(&printed), Ok(pattern), "{} as {}", text, printed);
        }
    }

    #[test]
    fn what_matches_has_the_required_literals(text in pattern_text(), message in message()) {
        if let Ok(pattern) = FilterPattern::parse(&text) {
            let matches = pattern.matches(&message);
            prop_assert_eq!(pattern.extract(&message).is_some(), matches);
            if matches {
                for list in pattern.required_literals() {
                    let occurs = list.iter().any(|literal| message.contains(literal.as_str()));
                    prop_assert!(occurs, "{:?} of {} not in {}", list, text, message);
                }
            }
        }
    }

    #[test]
    fn one_pass_selects_what_a_plain_reading_does(message in json_text()) {
        let texts = ["$.a", "$.a.b", "$.a.a", "$.l[0]", "$.l[1].a", "$.l[*]", "$.l[*].x", "$.*", "$.a.*", "$.*.b", "$.x[0][1]"];
        let selectors: Vec<Selector> = texts.iter().map(|text| Selector::parse(text).unwrap()).collect();
        let tree = SelectorTree::new(&selectors);
        let selection = tree.select(&message, selectors.len()).unwrap();
        let value: Json = serde_json::from_str(&message).unwrap();
        for (slot, selector) in selectors.iter().enumerate() {
            let found: Vec<Json> = selection.values(slot).map(as_json).collect();
            let wanted: Vec<Json> = select_plainly(&value, &selector.steps).into_iter().map(plainly).collect();
            prop_assert_eq!(found, wanted, "{} in {}", selector, message);
        }
    }
}
