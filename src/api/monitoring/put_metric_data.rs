//! PutMetricData.
//!
//! The hot path of the server: a request is decoded straight into a batch
//! (`metric_datum_decode`), and only where that gives up as the tree here, which finds the exact
//! refusal.

use belfry_model::TimestampMs;
use belfry_model::quota::METRIC_DATUMS_MAX;
use belfry_query::off_async::off_async;
use belfry_store::metrics::MetricBatch;
use belfry_wire::constraints::check;
use belfry_wire::errors::monitoring::{
    invalid_parameter_combination, invalid_parameter_value, missing_parameter,
};
use belfry_wire::{ApiError, Constrained, Constraints, Empty, Input, Service};
use serde::{Deserialize, Serialize};

use super::metric_datum::{MetricDatum, TimeWindow};
use super::metric_datum_decode;
use super::metric_entity::{Entity, EntityFault};
use super::metric_text;
use super::{fail, limits};
use crate::operation::{Call, Handled, Handler};
use crate::services::{Services, Settings};

const NAME: &str = "PutMetricData";
const ENTITIES_MAX: usize = 2;

pub struct PutMetricData;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tree {
    pub namespace: Option<String>,
    pub metric_data: Option<Vec<MetricDatum>>,
    pub entity_metric_data: Option<Vec<EntityMetricData>>,
    pub strict_entity_validation: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EntityMetricData {
    pub entity: Option<Entity>,
    pub metric_data: Option<Vec<MetricDatum>>,
}

impl Constrained for Tree {
    fn check(&self, c: &mut Constraints) {
        c.member("Namespace", &self.namespace).required();
        limits::namespace(c, &self.namespace);
        c.member("MetricData", &self.metric_data).elements();
        c.member("EntityMetricData", &self.entity_metric_data)
            .elements();
    }
}

/// Entities have rules of their own: a wrong one need not fail the call.
impl Constrained for EntityMetricData {
    fn check(&self, c: &mut Constraints) {
        c.member("MetricData", &self.metric_data).elements();
    }
}

/// What a request stores, and what is wrong with its entities.
#[derive(Debug)]
pub struct Accepted {
    pub batch: MetricBatch,
    pub entity_fault: Option<EntityFault>,
}

/// Decodes and checks a request of any protocol.
///
/// # Errors
/// The refusal of the whole call (spec metrics.md 2).
pub fn accept(
    input: &Input<'_>,
    window: TimeWindow,
    settings: Settings,
) -> Result<Accepted, ApiError> {
    match metric_datum_decode::decode(input, window, settings.allow_aws_namespaces) {
        Some(batch) => Ok(Accepted {
            batch,
            entity_fault: None,
        }),
        None => accept_tree(input, window, settings),
    }
}

/// As [`accept`], the long way.
///
/// # Errors
/// As [`accept`].
pub(super) fn accept_tree(
    input: &Input<'_>,
    window: TimeWindow,
    settings: Settings,
) -> Result<Accepted, ApiError> {
    let tree: Tree = input.decode()?;
    tree.check_counts()?;
    check(Service::Monitoring, &tree)?;
    let namespace = tree.namespace.as_deref().unwrap_or_default();
    metric_text::check_namespace(namespace, settings.allow_aws_namespaces)?;
    let mut batch = MetricBatch::with_capacity(tree.datums());
    let mut push = |list: &str, datums: &[MetricDatum]| {
        for (index, datum) in datums.iter().enumerate() {
            let path = format!("{list}MetricData.member.{}", index + 1);
            datum.push(&mut batch, namespace, &path, window)?;
        }
        Ok::<_, ApiError>(())
    };
    push("", tree.metric_data.as_deref().unwrap_or_default())?;
    for (index, group) in tree.entities().iter().enumerate() {
        let list = format!("EntityMetricData.member.{}.", index + 1);
        push(&list, group.metric_data.as_deref().unwrap_or_default())?;
    }
    let entity_fault = tree.entity_fault()?;
    Ok(Accepted {
        batch,
        entity_fault,
    })
}

impl Tree {
    fn entities(&self) -> &[EntityMetricData] {
        self.entity_metric_data.as_deref().unwrap_or_default()
    }

    /// Of both lists.
    fn datums(&self) -> usize {
        let lists = self.entities().iter().map(|group| &group.metric_data);
        let lists = [&self.metric_data].into_iter().chain(lists);
        lists.flatten().map(Vec::len).sum()
    }

    fn check_counts(&self) -> Result<(), ApiError> {
        let too_many = |list: &str, most| {
            invalid_parameter_value(format!(
                "The collection {list} must not have a size greater than {most}."
            ))
        };
        let datums = self.datums();
        if datums == 0 {
            return Err(missing_parameter(
                "At least one MetricDatum object must be present in the request.",
            ));
        }
        if datums > METRIC_DATUMS_MAX {
            return Err(too_many("MetricData", METRIC_DATUMS_MAX));
        }
        if self.entities().len() > ENTITIES_MAX {
            return Err(too_many("EntityMetricData", ENTITIES_MAX));
        }
        if !self.entities().is_empty() && self.strict_entity_validation.is_none() {
            return Err(invalid_parameter_combination(
                "Field StrictEntityValidation is required when setting EntityMetricData",
            ));
        }
        Ok(())
    }

    /// The first fault of an entity, where faults are tolerated.
    fn entity_fault(&self) -> Result<Option<EntityFault>, ApiError> {
        let entities = self
            .entities()
            .iter()
            .filter_map(|group| group.entity.as_ref());
        let fault = entities.into_iter().find_map(Entity::fault);
        match fault {
            Some(fault) if self.strict_entity_validation == Some(true) => {
                Err(invalid_parameter_value(fault.text()))
            }
            fault => Ok(fault),
        }
    }
}

impl Handler for PutMetricData {
    fn service(&self) -> Service {
        Service::Monitoring
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn examine(&self, input: &Input<'_>, now: TimestampMs) -> Result<(), ApiError> {
        let settings = Settings {
            allow_aws_namespaces: true,
        };
        accept(input, TimeWindow::at(now), settings).map(drop)
    }

    fn handle<'a>(
        &'a self,
        services: &'a Services,
        call: &'a Call,
        input: Input<'a>,
    ) -> Handled<'a> {
        Box::pin(async move {
            let window = TimeWindow::at(call.now);
            let accepted = off_async(|| accept(&input, window, services.settings))?;
            services
                .metrics
                .put(&call.tenant, accepted.batch, call.invocation.as_deref())
                .await
                .map_err(fail)?;
            let response = call.answer(Service::Monitoring, NAME, &Empty {});
            Ok(match accepted.entity_fault {
                Some(fault) => response.with_failure_message(fault.kind),
                None => response,
            })
        })
    }
}
