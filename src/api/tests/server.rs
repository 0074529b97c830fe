//! Everything the operations call, on an empty directory and a clock that stands still.

use std::sync::Arc;

use belfry_alarm::AlarmService;
use belfry_catalog::{Catalog, SqliteCatalog};
use belfry_model::{Clock, ManualClock, Tenant, TimestampMs};
use belfry_notify::{NoObserver, Notifications, NotifyConfig};
use belfry_query::insights::{EngineConfig, InsightsEngine, InsightsService};
use belfry_store::logs::{LogsConfig, LogsStore};
use belfry_store::metrics::{MetricsConfig, MetricsStore};
use belfry_store::objects::Objects;
use belfry_wire::route::{Route, route};
use belfry_wire::{ApiError, Protocol, Response};
use serde_json::Value;

use super::{PROTOCOLS, Request};
use crate::operation::Call;
use crate::page_token::PageTokens;
use crate::services::{Services, Settings};

/// 2026-03-01T00:00:00Z
pub const START: TimestampMs = TimestampMs(1_772_323_200_000);

pub struct Server {
    pub services: Services,
    pub clock: Arc<ManualClock>,
    pub tenant: Tenant,
    _directory: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let clock = ManualClock::new(START);
        let any_clock: Arc<dyn Clock> = clock.clone();
        let catalog = SqliteCatalog::open_in_memory().await.expect("a catalog");
        let catalog: Arc<dyn Catalog> = Arc::new(catalog);
        let objects = Objects::open_local(&directory.path().join("objects")).expect("objects");
        let metrics = MetricsStore::open(
            &directory.path().join("metrics"),
            objects.clone(),
            catalog.clone(),
            any_clock.clone(),
            MetricsConfig::default(),
        )
        .await;
        let logs = LogsStore::open(
            &directory.path().join("logs"),
            objects,
            catalog.clone(),
            any_clock.clone(),
            LogsConfig::default(),
        )
        .await;
        let logs = logs.expect("logs");
        let engine = InsightsEngine::new(EngineConfig::default()).expect("an engine");
        let insights =
            InsightsService::open(engine, logs.clone(), catalog.clone(), any_clock.clone());
        let insights = insights.await.expect("insights");
        let notifications = Notifications::open(
            catalog.clone(),
            any_clock.clone(),
            NotifyConfig::default(),
            Arc::new(NoObserver),
        );
        let alarms = AlarmService::new(catalog.clone(), any_clock.clone(), Default::default());
        let services = Services {
            clock: any_clock,
            catalog,
            metrics: metrics.expect("metrics"),
            logs,
            insights,
            alarms: Arc::new(alarms),
            topics: Arc::new(notifications.await.expect("notifications").topics),
            page_tokens: PageTokens::new([1; 32]),
            settings: Settings {
                allow_aws_namespaces: true,
            },
        };
        Self {
            services,
            clock,
            tenant: Tenant::new("111122223333", "eu-west-1"),
            _directory: directory,
        }
    }

    /// The answer in one protocol of CloudWatch.
    pub async fn send(
        &self,
        protocol: Protocol,
        operation: &str,
        input: &Value,
    ) -> Result<Response, ApiError> {
        self.answer(Request::new(protocol, operation, input)).await
    }

    async fn answer(&self, request: Request) -> Result<Response, ApiError> {
        let routed = match route(&request.head, "", &request.body) {
            Ok(Route::Call(routed)) => routed,
            Ok(other) => panic!("{other:?}"),
            Err(rejection) => return Err(rejection.error),
        };
        let service = routed.dialect.service;
        let name = routed.operation.name;
        let handler = crate::table::find(service, name).expect(name);
        let call = Call {
            tenant: self.tenant.clone(),
            now: self.clock.now(),
            request_id: "r".to_owned(),
            dialect: routed.dialect,
            invocation: None,
            principal: None,
        };
        handler.handle(&self.services, &call, routed.input).await
    }

    /// The answer of CloudWatch Logs; `null` when it has no body.
    pub async fn logs(&self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let response = self.answer(Request::logs(operation, &input)).await?;
        match &*response.body {
            b"" => Ok(Value::Null),
            body => Ok(serde_json::from_slice(body).expect("JSON")),
        }
    }

    /// The answer of SNS, in XML.
    pub async fn sns(&self, operation: &str, input: Value) -> Result<String, ApiError> {
        let response = self.answer(Request::sns(operation, &input)).await?;
        Ok(String::from_utf8(response.body.to_vec()).expect("text"))
    }

    /// The answer in JSON.
    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        match self.send(Protocol::Json10, operation, &input).await {
            Ok(response) => serde_json::from_slice(&response.body).expect("JSON"),
            Err(error) => panic!("{operation}: {error}"),
        }
    }

    /// Code and text of the refusal, which all protocols share.
    pub async fn refusal(&self, operation: &str, input: Value) -> (String, String) {
        let mut found = Vec::new();
        for protocol in PROTOCOLS {
            match self.send(protocol, operation, &input).await {
                Ok(response) => panic!("{operation} in {protocol:?}: {response:?}"),
                Err(error) => {
                    found.push((error.code.into_owned(), error.message.unwrap_or_default()));
                }
            }
        }
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
        found.remove(0)
    }
}
