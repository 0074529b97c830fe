//! Which metrics there are, and when each had its last datapoint (spec metrics.md 9).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use belfry_model::{MetricId, Tenant, TimestampMs};

use super::block::BlockIndex;
use super::key::{self, SeriesKey};
use super::live::{IndexCache, Snapshot};
use super::postings::Rows;
use crate::error::Result;
use crate::objects::Objects;

/// Which metrics to list. Everything empty: all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricFilter {
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// A metric must have all of these dimensions, with the value where one is given.
    pub dimensions: Vec<(String, Option<String>)>,
    /// Only metrics whose last datapoint is not older.
    pub active_since: Option<TimestampMs>,
}

/// A metric and the time of its last datapoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedMetric {
    pub metric: MetricId,
    pub last_datapoint: TimestampMs,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricPage {
    pub metrics: Vec<ListedMetric>,
    /// Whether more follow after the last one here.
    pub more: bool,
}

/// What a listing works on.
pub(super) struct ListContext {
    pub tenant: Tenant,
    pub snapshot: Snapshot,
    pub objects: Objects,
    pub cache: Arc<IndexCache>,
}

/// The metrics after `after`, at most `limit`. Blocks.
pub(super) fn page(
    context: &ListContext,
    filter: &MetricFilter,
    after: Option<&MetricId>,
    limit: usize,
) -> Result<MetricPage> {
    let mut page = MetricPage::default();
    // One more tells whether more follow.
    let enough = Some(limit.saturating_add(1));
    visit(
        context,
        filter,
        after,
        enough,
        &mut |key, last_datapoint| {
            if page.metrics.len() == limit {
                page.more = true;
                return false;
            }
            page.metrics.push(ListedMetric {
                metric: key.to_metric_id(),
                last_datapoint,
            });
            true
        },
    )?;
    Ok(page)
}

/// Hands out the metrics after `after` in order, until `visit` returns false, which it does not
/// before it got `enough`. Blocks.
pub(super) fn visit(
    context: &ListContext,
    filter: &MetricFilter,
    after: Option<&MetricId>,
    enough: Option<usize>,
    visit: &mut dyn FnMut(SeriesKey<'_>, TimestampMs) -> bool,
) -> Result<()> {
    let plan = Plan::new(filter, after, enough)?;
    let mut sources = Vec::new();
    for block in context.snapshot.live.of(&context.tenant) {
        // A block without recent datapoints makes no metric active.
        if plan
            .active_since
            .is_none_or(|since| block.row.max_ts >= since)
        {
            let index = context.cache.get(block, &context.objects)?;
            let rows = match plan.dimensions.is_empty() {
                true => None,
                false => {
                    let source = block.source(&context.objects);
                    let dimensions = plan.dimensions();
                    index
                        .postings(&source)?
                        .find(&dimensions)
                        .map_err(|why| source.corrupt(0, why))?
                }
            };
            sources.push(Source::block(index, rows, &plan));
        }
    }
    for head in context.snapshot.heads() {
        sources.push(Source::head(&head.read(), &context.tenant, &plan));
    }
    merge(sources, &plan, visit);
    Ok(())
}

/// A filter, made ready.
struct Plan<'a> {
    /// All matching keys begin with it.
    prefix: Vec<u8>,
    /// All matching keys are greater.
    after: Option<Vec<u8>>,
    name: Option<&'a str>,
    dimensions: &'a [(String, Option<String>)],
    active_since: Option<TimestampMs>,
    /// So many metrics are handed out at most, if that is known.
    enough: Option<usize>,
}

impl<'a> Plan<'a> {
    fn new(
        filter: &'a MetricFilter,
        after: Option<&MetricId>,
        enough: Option<usize>,
    ) -> Result<Self> {
        let prefix = filter
            .namespace
            .as_deref()
            .map(|namespace| key::prefix(namespace, filter.name.as_deref()));
        Ok(Self {
            prefix: prefix.unwrap_or_default(),
            after: after.map(key::of).transpose()?,
            name: filter.name.as_deref(),
            dimensions: &filter.dimensions,
            active_since: filter.active_since,
            enough,
        })
    }

    fn dimensions(&self) -> Vec<(&'a str, Option<&'a str>)> {
        self.dimensions
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect()
    }

    /// Where to begin in a sorted table.
    fn first_key(&self) -> &[u8] {
        match &self.after {
            Some(after) if **after > *self.prefix => after,
            _ => &self.prefix,
        }
    }

    /// Whether a key may be listed. Dimensions are checked by postings.
    fn takes(&self, key: &[u8]) -> bool {
        key.starts_with(&self.prefix)
            && self.after.as_deref().is_none_or(|after| key > after)
            && self
                .name
                .is_none_or(|name| SeriesKey::parse(key).is_some_and(|k| k.name == name))
    }

    /// The key after which none of `matching` is handed out: so many before it are active that
    /// they are enough. `None` if all may be.
    fn last_needed<'k>(&self, matching: &[(&'k [u8], TimestampMs)]) -> Option<&'k [u8]> {
        let nth = self.enough?.checked_sub(1)?;
        let active = |last: &TimestampMs| self.active_since.is_none_or(|since| *last >= since);
        let active = matching.iter().filter(|(_, last)| active(last));
        let mut keys: Vec<&[u8]> = active.map(|(key, _)| *key).collect();
        (nth < keys.len()).then(|| *keys.select_nth_unstable(nth).1)
    }
}

/// A key and the last datapoint of its series.
type Listed = (Box<[u8]>, TimestampMs);

/// Matching keys in order, each with its last datapoint.
enum Source {
    Block(Box<BlockWalk>),
    /// In descending order, to be popped from the end.
    Head(Vec<Listed>),
}

/// A walk over the series of a block.
struct BlockWalk {
    index: Arc<BlockIndex>,
    rows: Option<Rows>,
    next_row: usize,
    prefix: Vec<u8>,
}

impl Source {
    fn block(index: Arc<BlockIndex>, rows: Option<Rows>, plan: &Plan<'_>) -> Self {
        let next_row = index.series().lower_bound(plan.first_key());
        Self::Block(Box::new(BlockWalk {
            index,
            rows,
            next_row,
            prefix: plan.prefix.clone(),
        }))
    }

    fn head(head: &super::head::Head, tenant: &Tenant, plan: &Plan<'_>) -> Self {
        let Some(head) = head.tenant(tenant) else {
            return Self::Head(Vec::new());
        };
        let rows = head.postings().find(&plan.dimensions());
        let mut matching: Vec<(&[u8], TimestampMs)> = head
            .series()
            .enumerate()
            .filter(|(row, (key, _))| {
                let has_dimensions = rows
                    .as_ref()
                    .is_none_or(|rows| u32::try_from(*row).is_ok_and(|row| rows.contains(row)));
                has_dimensions && plan.takes(key)
            })
            .map(|(_, (key, series))| (key, series.last))
            .collect();
        if let Some(last) = plan.last_needed(&matching) {
            matching.retain(|(key, _)| *key <= last);
        }
        matching.sort_unstable_by(|a, b| b.0.cmp(a.0));
        let owned = matching.into_iter().map(|(key, last)| (key.into(), last));
        Self::Head(owned.collect())
    }

    fn next(&mut self, plan: &Plan<'_>) -> Option<Listed> {
        match self {
            Self::Head(matching) => matching.pop(),
            Self::Block(walk) => walk.next(plan),
        }
    }
}

impl BlockWalk {
    fn next(&mut self, plan: &Plan<'_>) -> Option<Listed> {
        loop {
            if let Some(rows) = &self.rows {
                let from = u32::try_from(self.next_row).ok()?;
                self.next_row = rows.next_from(from)? as usize;
            }
            let mut cursor = self.index.series().cursor(self.next_row);
            let (row, key) = cursor.next()?;
            self.next_row = row + 1;
            if !key.starts_with(&self.prefix) {
                // The walk began at the prefix or behind it, so nothing that follows has it.
                return None;
            }
            if plan.takes(key) {
                let last = self.index.last_sample(row).unwrap_or(i64::MIN);
                return Some((key.into(), TimestampMs(last)));
            }
        }
    }
}

/// Walks all sources in step: a metric in several has the latest of their last datapoints.
fn merge(
    mut sources: Vec<Source>,
    plan: &Plan<'_>,
    visit: &mut dyn FnMut(SeriesKey<'_>, TimestampMs) -> bool,
) {
    let mut next = BinaryHeap::new();
    for (i, source) in sources.iter_mut().enumerate() {
        if let Some((key, last)) = source.next(plan) {
            next.push(Reverse((key, i, last)));
        }
    }
    let mut current: Option<Listed> = None;
    let mut emit = |current: Option<Listed>| -> bool {
        let Some((key, last)) = current else {
            return true;
        };
        let active = plan.active_since.is_none_or(|since| last >= since);
        match SeriesKey::parse(&key) {
            Some(key) if active => visit(key, last),
            _ => true,
        }
    };
    while let Some(Reverse((key, i, last))) = next.pop() {
        if let Some((key, last)) = sources.get_mut(i).and_then(|s| s.next(plan)) {
            next.push(Reverse((key, i, last)));
        }
        match &mut current {
            Some((before, latest)) if *before == key => *latest = (*latest).max(last),
            _ => {
                if !emit(current.replace((key, last))) {
                    return;
                }
            }
        }
    }
    emit(current);
}
