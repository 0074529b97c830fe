//! The scan node: parts in the direction of the scan, shared by as many streams as there are cores,
//! leaving out parts, and the rest of parts, that a running top-k can no longer use.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{BooleanArray, Decimal128Array, new_null_array};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use belfry_store::logs::{Direction, LogScan, Prefilter, ScanPart, ScanReader};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream::BoxStream;
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::column::{ScanColumn, order_key, order_key_max};
use super::counters::ScanCounters;

/// Reads the parts of a scan.
#[derive(Clone)]
pub struct EventScanExec {
    prefilter: Prefilter,
    direction: Direction,
    columns: Arc<[ScanColumn]>,
    /// Few rows are wanted: batches are read when they are asked for, none ahead.
    wants_few: bool,
    /// In the direction of the scan; the streams take from the front.
    parts: Arc<Mutex<VecDeque<ScanPart>>>,
    /// Conditions on rows that sharpen while the query runs.
    dynamic_filters: Arc<[Arc<dyn PhysicalExpr>]>,
    counters: Arc<ScanCounters>,
    properties: Arc<PlanProperties>,
}

impl EventScanExec {
    /// `parts` are those of `scan`, whose columns are the inputs of `columns`.
    pub fn new(
        scan: &LogScan,
        columns: Vec<ScanColumn>,
        mut parts: Vec<ScanPart>,
        target_partitions: usize,
        counters: Arc<ScanCounters>,
    ) -> Self {
        match scan.direction {
            Direction::Descending => {
                parts.sort_by_key(|part| std::cmp::Reverse(part.time_bounds().1));
            }
            Direction::Ascending => parts.sort_by_key(|part| part.time_bounds().0),
        }
        let fields: Vec<_> = columns.iter().map(ScanColumn::field).collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let partitions = target_partitions.min(parts.len()).max(1);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            prefilter: scan.prefilter.clone(),
            direction: scan.direction,
            wants_few: scan.limit_hint.is_some_and(|rows| rows <= FEW_ROWS),
            columns: columns.into(),
            parts: Arc::new(Mutex::new(parts.into())),
            dynamic_filters: Arc::new([]),
            counters,
            properties: Arc::new(properties),
        }
    }

    /// The next part that can still matter.
    fn next_part(&self) -> Result<Option<ScanPart>> {
        loop {
            let Some(part) = self.parts.lock().pop_front() else {
                return Ok(None);
            };
            if self.can_matter(&key_range(&part))? {
                return Ok(Some(part));
            }
        }
    }

    /// Whether a row with an order key in this range can pass the filters on the order alone.
    /// Those are of the form `order > bound` or `order < bound`, and the bound only sharpens: if
    /// neither end passes, nothing between them does, now or later. Which way a filter points has
    /// nothing to do with the direction of the scan: a query may sort more than once.
    fn can_matter(&self, keys: &RangeInclusive<i128>) -> Result<bool> {
        let schema = self.schema();
        for filter in self.dynamic_filters.iter() {
            let only_order = collect_columns(filter)
                .iter()
                .all(|column| self.columns.get(column.index()) == Some(&ScanColumn::Order));
            if !only_order {
                continue;
            }
            let ends = self
                .columns
                .iter()
                .zip(schema.fields())
                .map(|(column, field)| match column {
                    ScanColumn::Order => {
                        let keys = Decimal128Array::from(vec![*keys.start(), *keys.end()]);
                        Ok(Arc::new(keys.with_precision_and_scale(38, 0)?) as _)
                    }
                    _ => Ok(new_null_array(field.data_type(), 2)),
                })
                .collect::<Result<Vec<_>>>()?;
            let nullable: Vec<_> = schema
                .fields()
                .iter()
                .map(|field| field.as_ref().clone().with_nullable(true))
                .collect();
            let ends = RecordBatch::try_new(Arc::new(Schema::new(nullable)), ends)?;
            let passes = filter.evaluate(&ends)?.into_array(2)?;
            let rejected = passes
                .as_any()
                .downcast_ref::<BooleanArray>()
                .is_some_and(|passes| passes.iter().all(|passes| passes == Some(false)));
            if rejected {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a batch, or what follows it in its part, can matter.
    fn goes_on(&self, batch: &RecordBatch, rest: &RangeInclusive<i128>) -> Result<bool> {
        match self.batch_keys(batch) {
            Some(keys) => {
                let (low, high) = (*keys.start(), *keys.end());
                self.can_matter(&(low.min(*rest.start())..=high.max(*rest.end())))
            }
            None => Ok(true),
        }
    }

    /// What can follow a batch in its part, whose rows are in the scan's order.
    fn rest_after(&self, batch: &RecordBatch, rest: &RangeInclusive<i128>) -> RangeInclusive<i128> {
        match (self.batch_keys(batch), self.direction) {
            (None, _) => rest.clone(),
            (Some(keys), Direction::Ascending) => *keys.end()..=*rest.end(),
            (Some(keys), Direction::Descending) => *rest.start()..=*keys.start(),
        }
    }

    /// The least and the greatest order key of a batch; `None` if it does not show them, or if
    /// no filter asks for them.
    fn batch_keys(&self, batch: &RecordBatch) -> Option<RangeInclusive<i128>> {
        if self.dynamic_filters.is_empty() {
            return None;
        }
        let order = self.columns.iter().position(|c| *c == ScanColumn::Order)?;
        let keys = batch.columns().get(order)?;
        let keys = keys.as_any().downcast_ref::<Decimal128Array>()?.values();
        let (low, high) = (keys.iter().min()?, keys.iter().max()?);
        Some(*low..=*high)
    }

    fn convert(
        columns: &[ScanColumn],
        schema: &SchemaRef,
        batch: &RecordBatch,
    ) -> Result<RecordBatch> {
        let arrays = columns
            .iter()
            .map(|column| column.build(batch))
            .collect::<crate::error::Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            arrays,
            &options,
        )?)
    }
}

impl EventScanExec {
    /// The batches of a part with the columns of this node, until they cannot matter any more.
    fn converted(&self, part: ScanPart) -> BoxStream<'static, Result<RecordBatch>> {
        let rest = key_range(&part);
        let batches = self.read(part);
        let scan = self.clone();
        stream::try_unfold(
            (batches, scan, rest),
            |(mut batches, scan, rest)| async move {
                // Whoever asks for more has used the batch before: the bound may be beyond what
                // is left by now.
                if !scan.can_matter(&rest)? {
                    return Ok(None);
                }
                let Some(batch) = batches.next().await else {
                    return Ok(None);
                };
                let batch = Self::convert(&scan.columns, &scan.schema(), &batch?)?;
                let rest = scan.rest_after(&batch, &rest);
                if !scan.goes_on(&batch, &rest)? {
                    return Ok(None);
                }
                Ok(Some((batch, (batches, scan, rest))))
            },
        )
        .boxed()
    }

    fn read(&self, part: ScanPart) -> BoxStream<'static, Result<RecordBatch>> {
        let counters = Arc::clone(&self.counters);
        if self.wants_few {
            read_when_asked(part, counters)
        } else {
            read_ahead(part, counters)
        }
    }
}

impl fmt::Debug for EventScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventScanExec")
            .field("columns", &self.columns)
            .field("prefilter", &self.prefilter)
            .finish_non_exhaustive()
    }
}

/// The order keys that rows of a part can have.
fn key_range(part: &ScanPart) -> RangeInclusive<i128> {
    let (oldest, newest) = part.time_bounds();
    order_key(oldest.0, 0, 0)..=order_key_max(newest.0)
}

/// Batches read ahead of the stream that uses them.
const BATCHES_AHEAD: usize = 2;

/// A query that wants so many rows at most is likely to be done after a batch or two: reading
/// ahead would take longer than the query.
const FEW_ROWS: usize = 1_000;

/// Reads a part on a thread that may block.
fn read_ahead(
    part: ScanPart,
    counters: Arc<ScanCounters>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut reader = part.read();
        for batch in reader.by_ref() {
            let batch = batch.map_err(|error| crate::error::Error::from(error).into());
            // Nobody listens any more: the query is over.
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
        counters.add(&reader.statistics());
    });
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|batch| (batch, receiver))
    })
    .boxed()
}

/// A part that is read batch by batch.
enum Asked {
    NotOpened(ScanPart),
    Opened(ScanReader),
}

/// Reads a batch on a thread that may block whenever one is asked for.
fn read_when_asked(
    part: ScanPart,
    counters: Arc<ScanCounters>,
) -> BoxStream<'static, Result<RecordBatch>> {
    let asked = Asked::NotOpened(part);
    stream::try_unfold((asked, counters), |(asked, counters)| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut reader = match asked {
                Asked::NotOpened(part) => part.read(),
                Asked::Opened(reader) => reader,
            };
            let before = reader.statistics();
            let batch = reader.next();
            counters.add(&reader.statistics().since(&before));
            (batch, reader, counters)
        });
        let (batch, reader, counters) = read.await.map_err(|error| {
            crate::error::Error::Internal(format!("reading the logs broke off: {error}"))
        })?;
        let batch = batch.transpose().map_err(crate::error::Error::from)?;
        Ok(batch.map(|batch| (batch, (Asked::Opened(reader), counters))))
    })
    .boxed()
}

impl DisplayAs for EventScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.columns.iter().map(ScanColumn::name).collect();
        write!(
            f,
            "EventScanExec: columns=[{}], parts={}, prefilter={:?}, dynamic_filters={}",
            names.join(", "),
            self.parts.lock().len(),
            self.prefilter,
            self.dynamic_filters.len()
        )
    }
}

impl ExecutionPlan for EventScanExec {
    fn name(&self) -> &'static str {
        "EventScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for filter in self.dynamic_filters.iter() {
            if f(filter)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("a scan has no children")
        }
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let scan = self.clone();
        let parts = stream::try_unfold(scan, |scan| async move {
            let next = scan.next_part()?;
            Ok::<_, datafusion::error::DataFusionError>(next.map(|part| (part, scan)))
        });
        let scan = self.clone();
        let batches = parts.map(move |part| match part {
            Ok(part) => scan.converted(part),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
        let batches = batches.flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        // The filters stay above: here they only tell which parts to skip.
        let answer = vec![PushedDown::No; result.parent_filters.len()];
        let propagation = FilterPushdownPropagation::with_parent_pushdown_result(answer);
        if phase != FilterPushdownPhase::Post || result.parent_filters.is_empty() {
            return Ok(propagation);
        }
        let mut scan = self.clone();
        scan.dynamic_filters = result
            .parent_filters
            .into_iter()
            .map(|parent| parent.filter)
            .collect();
        Ok(propagation.with_updated_node(Arc::new(scan)))
    }
}
