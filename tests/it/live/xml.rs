//! XML answers, read without knowing the operation.

use std::borrow::Cow;

use belfry_wire::Timestamp;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// An element: text or children, never both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Element {
    pub name: String,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a whole document.
    pub fn parse(document: &[u8]) -> Self {
        let mut reader = Reader::from_reader(document);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().expect("well-formed XML") {
                Event::Start(start) => open.push(Self::named(start.name().as_ref())),
                Event::Empty(start) => {
                    let element = Self::named(start.name().as_ref());
                    open.last_mut().unwrap().children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(element);
                }
                Event::Text(text) => {
                    let text = text.decode().expect("UTF-8");
                    open.last_mut().unwrap().text.push_str(&text);
                }
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref().expect("a character") {
                        Some(character) => Cow::Owned(character.to_string()),
                        None => quick_xml::escape::resolve_predefined_entity(
                            &reference.decode().expect("UTF-8"),
                        )
                        .map(Cow::Borrowed)
                        .expect("a known entity"),
                    };
                    open.last_mut().unwrap().text.push_str(&resolved);
                }
                Event::Eof => break,
                other => panic!("nothing that AWS sends: {other:?}"),
            }
        }
        assert_eq!(open.len(), 1, "an element is not closed");
        let mut document = open.remove(0).children;
        assert_eq!(document.len(), 1, "one document");
        document.remove(0)
    }

    fn named(name: &[u8]) -> Self {
        Self {
            name: String::from_utf8(name.to_vec()).unwrap(),
            ..Self::default()
        }
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Whether this holds the same value as `json`, which the JSON protocol answered: lists in
    /// `member`, maps in `entry`, scalars as text, timestamps in ISO 8601.
    ///
    /// # Errors
    /// Where and how they differ.
    pub fn same(&self, json: &Value) -> Result<(), String> {
        let differs = || Err(format!("{}: {self:?} and {json}", self.name));
        match json {
            Value::Object(members) if self.child("entry").is_some() => {
                for entry in &self.children {
                    let key = entry.child("key").map_or("", |key| &key.text);
                    match (entry.child("value"), members.get(key)) {
                        (Some(value), Some(expected)) => value.same(expected)?,
                        _ => return differs(),
                    }
                }
                if members.len() == self.children.len() {
                    Ok(())
                } else {
                    differs()
                }
            }
            Value::Object(members) => {
                if members.len() != self.children.len() || !self.text.is_empty() {
                    return differs();
                }
                for child in &self.children {
                    match members.get(&child.name) {
                        Some(expected) => child.same(expected)?,
                        None => return differs(),
                    }
                }
                Ok(())
            }
            Value::Array(elements) => {
                let are_members = self.children.iter().all(|child| child.name == "member");
                if !are_members || elements.len() != self.children.len() || !self.text.is_empty() {
                    return differs();
                }
                for (child, expected) in self.children.iter().zip(elements) {
                    child.same(expected)?;
                }
                Ok(())
            }
            scalar if self.children.is_empty() && is_scalar(&self.text, scalar) => Ok(()),
            _ => differs(),
        }
    }
}

fn is_scalar(text: &str, json: &Value) -> bool {
    match json {
        Value::String(expected) => text == expected,
        Value::Bool(expected) => text == expected.to_string(),
        Value::Number(expected) => {
            let is_instant = text.contains('T') && text.ends_with('Z');
            let expected = expected.as_f64().unwrap();
            if is_instant {
                Timestamp::parse(text) == Timestamp::from_epoch_seconds(expected)
            } else {
                text.parse() == Ok(expected)
            }
        }
        _ => false,
    }
}

#[test]
fn differences_are_found() {
    use serde_json::json;

    let document = Element::parse(
        b"<r><l><member><n>1.50</n></member></l><e/><t>2026-01-15T12:00:00Z</t><s>a &lt;&#233;</s></r>",
    );
    let same = json!({"l": [{"n": 1.5}], "e": [], "t": 1_768_478_400, "s": "a <é"});
    assert_eq!(document.same(&same), Ok(()));
    for (name, other) in [
        ("l", json!([{"n": 1.6}])),
        ("l", json!([])),
        ("l", json!([{"n": 1.5}, {"n": 1.5}])),
        ("l", json!([{"m": 1.5}])),
        ("l", json!({"n": 1.5})),
        ("e", json!([1])),
        ("e", json!(null)),
        ("t", json!(1_768_478_401)),
        ("s", json!("a <e")),
        ("x", json!(1)),
    ] {
        let mut changed = same.clone();
        changed[name] = other;
        assert!(document.same(&changed).is_err(), "{changed}");
    }
}
