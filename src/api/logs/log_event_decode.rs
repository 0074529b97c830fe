//! Decoding PutLogEvents straight into columns.

use std::fmt;

use belfry_model::TimestampMs;
use belfry_model::quota::LOG_EVENTS_MAX;
use belfry_store::logs::LogEventBatch;
use belfry_wire::Constraints;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::put_log_events::Head;

/// Faults beyond this many tell nobody anything.
const FAULTS_MAX: usize = 50;

/// A request, its events as columns.
#[derive(Debug, Default)]
pub struct Decoded {
    pub head: Head,
    pub events: Option<LogEventBatch>,
    /// How many events the request holds; those beyond the limit are not kept.
    pub count: usize,
    /// Constraints that single events violate.
    pub faults: Vec<EventFault>,
}

/// A violated constraint of event `index` (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFault {
    TimestampMissing { index: usize },
    TimestampNegative { index: usize, value: i64 },
    MessageMissing { index: usize },
    MessageEmpty { index: usize },
}

impl EventFault {
    pub fn check(self, c: &mut Constraints) {
        match self {
            Self::TimestampMissing { index } => {
                let name = format!("logEvents.{index}.member.timestamp");
                c.member(&name, &None::<i64>).required();
            }
            Self::TimestampNegative { index, value } => {
                let name = format!("logEvents.{index}.member.timestamp");
                c.value(&name, &value).range(0..);
            }
            Self::MessageMissing { index } => {
                let name = format!("logEvents.{index}.member.message");
                c.member(&name, &None::<String>).required();
            }
            Self::MessageEmpty { index } => {
                let name = format!("logEvents.{index}.member.message");
                c.value(&name, &String::new()).length(1..);
            }
        }
    }
}

/// Decodes the whole request.
pub struct RequestSeed;

impl<'de> DeserializeSeed<'de> for RequestSeed {
    type Value = Decoded;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Decoded, D::Error> {
        from.deserialize_map(RequestVisitor)
    }
}

struct RequestVisitor;

impl<'de> Visitor<'de> for RequestVisitor {
    type Value = Decoded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a structure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Decoded, A::Error> {
        let mut decoded = Decoded::default();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*key {
                "logGroupName" => decoded.head.log_group_name = map.next_value()?,
                "logStreamName" => decoded.head.log_stream_name = map.next_value()?,
                "sequenceToken" => decoded.head.sequence_token = map.next_value()?,
                "entity" => decoded.head.entity = map.next_value()?,
                "logEvents" => map.next_value_seed(EventsSeed(&mut decoded))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(decoded)
    }
}

/// Decodes the list of events, or null.
struct EventsSeed<'d>(&'d mut Decoded);

impl<'de> DeserializeSeed<'de> for EventsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of log events")
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut batch = LogEventBatch::default();
        let mut count = 0;
        let mut faults = Vec::new();
        loop {
            // Beyond the limit the request is refused anyway: count on, keep nothing.
            let kept = count < LOG_EVENTS_MAX;
            let start = batch.text_bytes();
            let seed = EventSeed {
                text: batch.text_mut(),
                kept,
            };
            let Some(event) = list.next_element_seed(seed)? else {
                break;
            };
            count += 1;
            if !kept {
                continue;
            }
            let empty = batch.text_bytes() == start;
            event.faults(count, empty, &mut faults);
            let timestamp = TimestampMs(event.timestamp.unwrap_or_default());
            batch.finish(timestamp).map_err(A::Error::custom)?;
        }
        *self.0 = Decoded {
            head: std::mem::take(&mut self.0.head),
            events: Some(batch),
            count,
            faults,
        };
        Ok(())
    }
}

/// What was found of one event; the message's text is in the batch's buffer.
#[derive(Default)]
struct Event {
    timestamp: Option<i64>,
    has_message: bool,
}

impl Event {
    fn faults(&self, index: usize, empty: bool, faults: &mut Vec<EventFault>) {
        if faults.len() >= FAULTS_MAX {
            return;
        }
        match self.timestamp {
            None => faults.push(EventFault::TimestampMissing { index }),
            Some(value) if value < 0 => {
                faults.push(EventFault::TimestampNegative { index, value });
            }
            Some(_) => {}
        }
        if !self.has_message {
            faults.push(EventFault::MessageMissing { index });
        } else if empty {
            faults.push(EventFault::MessageEmpty { index });
        }
    }
}

struct EventSeed<'b> {
    text: &'b mut String,
    kept: bool,
}

impl<'de> DeserializeSeed<'de> for EventSeed<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Event, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EventSeed<'_> {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        let mut event = Event::default();
        let start = self.text.len();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*key {
                "timestamp" => event.timestamp = map.next_value()?,
                "message" => {
                    self.text.truncate(start);
                    let text = self.kept.then_some(&mut *self.text);
                    event.has_message = map.next_value_seed(MessageSeed(text))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(event)
    }
}

/// Appends a text to the buffer; false for null.
struct MessageSeed<'b>(Option<&'b mut String>);

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        if let Some(buffer) = self.0 {
            buffer.push_str(text);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belfry_wire::Input;

    fn decode(body: &str) -> Decoded {
        Input::Json(body.as_bytes())
            .decode_seed(RequestSeed)
            .unwrap()
    }

    #[test]
    fn reads_members_in_any_order() {
        let decoded = decode(
            r#"{"logEvents":[{"message":"a\u00fc\n","timestamp":5},{"extra":[1,{}],"timestamp":6,"message":"b"}],
               "unknown":{"x":1},"logStreamName":"s","logGroupName":"g","sequenceToken":null}"#,
        );
        assert_eq!(decoded.head.log_group_name.as_deref(), Some("g"));
        let events = decoded.events.unwrap();
        assert_eq!(events.timestamps(), [5, 6]);
        assert_eq!(events.messages().collect::<Vec<_>>(), ["aü\n", "b"]);
        assert!(decoded.faults.is_empty());
    }

    #[test]
    fn names_faults_by_event() {
        let decoded = decode(
            r#"{"logEvents":[{"timestamp":-1,"message":""},{"message":null},{"timestamp":1,"message":"x","message":"y"}]}"#,
        );
        assert_eq!(
            decoded.faults,
            [
                EventFault::TimestampNegative {
                    index: 1,
                    value: -1
                },
                EventFault::MessageEmpty { index: 1 },
                EventFault::TimestampMissing { index: 2 },
                EventFault::MessageMissing { index: 2 },
            ]
        );
        assert_eq!(decoded.events.unwrap().message(2), "y");
        assert!(decode(r#"{"logEvents":null}"#).events.is_none());
    }

    #[test]
    fn counts_but_does_not_keep_what_is_too_much() {
        let event = r#"{"timestamp":1,"message":"m"}"#;
        let body = format!(
            r#"{{"logEvents":[{}]}}"#,
            vec![event; LOG_EVENTS_MAX + 5].join(",")
        );
        let decoded = decode(&body);
        assert_eq!(decoded.count, LOG_EVENTS_MAX + 5);
        assert_eq!(decoded.events.unwrap().len(), LOG_EVENTS_MAX);
    }

    #[test]
    fn mistyped_members_are_refused() {
        for body in [
            r#"{"logEvents":{}}"#,
            r#"{"logEvents":[1]}"#,
            r#"{"logEvents":[{"timestamp":"x"}]}"#,
            r#"{"logEvents":[{"message":1}]}"#,
            r#"[]"#,
        ] {
            assert!(
                Input::Json(body.as_bytes())
                    .decode_seed(RequestSeed)
                    .is_err(),
                "{body}"
            );
        }
    }
}
