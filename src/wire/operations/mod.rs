//! Every operation of the services, by name: what tells "known to AWS, not offered here" from
//! "no such operation", and how the answer's envelope looks.
//!
//! Names, paths and output kinds are those of the public service models (spec
//! api-operations.md, wire-protocols.md 4.1).

mod logs;
mod monitoring;
mod neighbours;
mod sns;
mod xray;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Service;

/// What an operation's answer holds, which decides whether the Query protocol writes a
/// `*Result` element (spec wire-protocols.md 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// No output: no result element, only `ResponseMetadata`.
    Nothing,
    /// An output structure without members: an empty result element.
    Empty,
    /// An output structure with members.
    Data,
}

/// One declared operation of a service.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    pub service: Service,
    pub name: &'static str,
    pub output: Output,
    /// The path of a restJson1 operation; its method is always POST.
    pub rest_path: Option<&'static str>,
}

const fn rpc(service: Service, name: &'static str, output: Output) -> Operation {
    Operation {
        service,
        name,
        output,
        rest_path: None,
    }
}

const fn rest(
    service: Service,
    name: &'static str,
    output: Output,
    path: &'static str,
) -> Operation {
    Operation {
        service,
        name,
        output,
        rest_path: Some(path),
    }
}

const TABLES: &[&[Operation]] = &[
    monitoring::TABLE,
    logs::TABLE,
    sns::TABLE,
    xray::TABLE,
    neighbours::TABLE,
];

/// All declared operations, service by service.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The operation of that exact, case-sensitive name.
pub fn find(service: Service, name: &str) -> Option<&'static Operation> {
    static BY_NAME: LazyLock<HashMap<(Service, &'static str), &'static Operation>> =
        LazyLock::new(|| all().map(|op| ((op.service, op.name), op)).collect());
    BY_NAME.get(&(service, name)).copied()
}

/// The restJson1 operation served at `path`.
pub fn find_by_path(path: &str) -> Option<&'static Operation> {
    static BY_PATH: LazyLock<HashMap<&'static str, &'static Operation>> = LazyLock::new(|| {
        all()
            .filter_map(|op| op.rest_path.map(|path| (path, op)))
            .collect()
    });
    BY_PATH.get(path).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_services_have_257_operations() {
        let count = |service| all().filter(|op| op.service == service).count();
        assert_eq!(count(Service::Monitoring), 59);
        assert_eq!(count(Service::Logs), 118);
        assert_eq!(count(Service::Sns), 42);
        assert_eq!(count(Service::Xray), 38);
    }

    #[test]
    fn names_and_paths_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for op in all() {
            assert!(seen.insert((op.service, op.name)), "{op:?}");
            if let Some(path) = op.rest_path {
                assert_eq!(find_by_path(path), Some(op));
            }
        }
    }

    #[test]
    fn output_kinds_of_the_spec() {
        let kind = |service, name| find(service, name).map(|op| op.output);
        use Service::{Monitoring, Sns};
        for name in [
            "DeleteAlarmMuteRule",
            "DeleteAlarms",
            "DisableAlarmActions",
            "EnableAlarmActions",
            "PutAlarmMuteRule",
            "PutCompositeAlarm",
            "PutLogAlarm",
            "PutMetricAlarm",
            "PutMetricData",
            "SetAlarmState",
        ] {
            assert_eq!(kind(Monitoring, name), Some(Output::Nothing), "{name}");
        }
        for name in ["DeleteDashboards", "PutInsightRule", "TagResource"] {
            assert_eq!(kind(Monitoring, name), Some(Output::Empty), "{name}");
        }
        assert_eq!(kind(Sns, "Unsubscribe"), Some(Output::Nothing));
        assert_eq!(kind(Sns, "TagResource"), Some(Output::Empty));
        assert_eq!(kind(Sns, "Publish"), Some(Output::Data));
    }
}
