//! GetLogRecord: all fields of the event behind a row's `@ptr` (spec logs-insights.md 10.3).

use std::collections::BTreeMap;

use belfry_query::discovery::event_fields;
use belfry_store::logs::{EventPtr, GroupScope};
use belfry_wire::errors::logs;
use belfry_wire::{ApiError, Constrained, Constraints, Service};
use serde::{Deserialize, Serialize};

use super::fail;
use crate::operation::{Call, Operation};
use crate::services::Services;

pub struct GetLogRecord;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub log_record_pointer: Option<String>,
    pub unmask: Option<bool>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub log_record: BTreeMap<String, String>,
}

impl Constrained for Input {
    fn check(&self, c: &mut Constraints) {
        c.member("logRecordPointer", &self.log_record_pointer)
            .required();
    }
}

impl Operation for GetLogRecord {
    const SERVICE: Service = Service::Logs;
    const NAME: &'static str = "GetLogRecord";
    type Input = Input;
    type Output = Output;

    async fn call(services: &Services, call: &Call, input: Input) -> Result<Output, ApiError> {
        let text = input.log_record_pointer.unwrap_or_default();
        let pointer = EventPtr::parse(&text)
            .ok_or_else(|| logs::invalid_parameter("The specified logRecordPointer is invalid."))?;
        let not_found = || logs::resource_not_found("The specified log record does not exist.");
        let group = services
            .catalog
            .log_group_by_id(&call.tenant, pointer.group)
            .await
            .map_err(fail)?
            .ok_or_else(not_found)?;
        let scope = GroupScope::new(&group, call.now);
        let event = services
            .logs
            .snapshot()
            .event(&scope, pointer)
            .await
            .map_err(fail)?
            .ok_or_else(not_found)?;
        let mut log_record = event_fields(&event.message);
        log_record.extend([
            ("@timestamp".to_owned(), event.key.timestamp.0.to_string()),
            (
                "@ingestionTime".to_owned(),
                event.ingestion_time.0.to_string(),
            ),
            ("@logStream".to_owned(), event.stream_name.to_string()),
            ("@log".to_owned(), scope.log.to_string()),
            ("@ptr".to_owned(), text),
            ("@message".to_owned(), event.message),
        ]);
        Ok(Output { log_record })
    }
}
