//! A cache in front of the catalog: names to log groups and streams, and back.
//!
//! Entries stay until the store is told that the thing changed ([`Names::forget_group`],
//! [`Names::forget_stream`]); an answer of the catalog that was under way at that moment is not
//! kept.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::AHashMap;
use belfry_catalog::LogsCatalog;
use belfry_catalog::log_groups::{LogGroup, LogGroupId, LogStreamId};
use belfry_model::Tenant;
use parking_lot::Mutex;

use crate::error::{Error, Result};

/// The cache is emptied when it holds this many streams; about 50 MB.
const STREAMS_MAX: usize = 200_000;

/// Ids asked of the catalog at once.
const IDS_MAX: usize = 500;

#[derive(Debug)]
struct CachedGroup {
    group: Arc<LogGroup>,
    streams: HashMap<String, LogStreamId>,
}

#[derive(Debug, Default)]
struct Table {
    groups: HashMap<Tenant, HashMap<String, CachedGroup>>,
    /// Names by stream id; `None` for streams that are gone.
    stream_names: AHashMap<LogStreamId, Option<Arc<str>>>,
    streams: usize,
    /// Grows with every change that was reported.
    generation: u64,
}

pub(super) struct Names {
    catalog: Arc<dyn LogsCatalog>,
    table: Mutex<Table>,
}

impl Names {
    pub fn new(catalog: Arc<dyn LogsCatalog>) -> Self {
        Self {
            catalog,
            table: Mutex::default(),
        }
    }

    /// # Errors
    /// `NotFound` of `log group` or of `log stream`.
    pub async fn resolve(
        &self,
        tenant: &Tenant,
        group_name: &str,
        stream_name: &str,
    ) -> Result<(Arc<LogGroup>, LogStreamId)> {
        let generation = {
            let table = self.table.lock();
            let cached = table.groups.get(tenant).and_then(|g| g.get(group_name));
            if let Some(cached) = cached
                && let Some(&stream) = cached.streams.get(stream_name)
            {
                return Ok((Arc::clone(&cached.group), stream));
            }
            table.generation
        };
        let found = self.catalog.log_group(tenant, group_name).await?;
        let group = Arc::new(found.ok_or_else(|| Error::NotFound {
            what: "log group",
            name: group_name.to_owned(),
        })?);
        let found = self.catalog.log_stream(group.id, stream_name).await?;
        let stream = found.ok_or_else(|| Error::NotFound {
            what: "log stream",
            name: stream_name.to_owned(),
        })?;
        let mut table = self.table.lock();
        if table.generation == generation {
            table.make_room();
            table
                .groups
                .entry(tenant.clone())
                .or_default()
                .entry(group_name.to_owned())
                .or_insert_with(|| CachedGroup {
                    group: Arc::clone(&group),
                    streams: HashMap::new(),
                })
                .streams
                .insert(stream_name.to_owned(), stream.id);
            table.streams += 1;
        }
        Ok((group, stream.id))
    }

    /// Names of the given streams; those that are gone are left out.
    pub async fn stream_names(
        &self,
        ids: impl Iterator<Item = LogStreamId>,
    ) -> Result<AHashMap<LogStreamId, Arc<str>>> {
        let mut names = AHashMap::new();
        let mut unknown = Vec::new();
        let generation = {
            let table = self.table.lock();
            for id in ids {
                match table.stream_names.get(&id) {
                    Some(Some(name)) => {
                        names.insert(id, Arc::clone(name));
                    }
                    Some(None) => {}
                    None => unknown.push(id),
                }
            }
            table.generation
        };
        unknown.sort_unstable();
        unknown.dedup();
        for ids in unknown.chunks(IDS_MAX) {
            let mut found: AHashMap<LogStreamId, Option<Arc<str>>> =
                ids.iter().map(|&id| (id, None)).collect();
            for stream in self.catalog.log_streams_by_id(ids).await? {
                found.insert(stream.id, Some(Arc::from(stream.name)));
            }
            for (&id, name) in &found {
                if let Some(name) = name {
                    names.insert(id, Arc::clone(name));
                }
            }
            let mut table = self.table.lock();
            if table.generation == generation {
                table.make_room();
                table.streams += found.len();
                table.stream_names.extend(found);
            }
        }
        Ok(names)
    }

    pub fn forget_group(&self, tenant: &Tenant, name: &str) {
        let mut table = self.table.lock();
        table.generation += 1;
        if let Some(groups) = table.groups.get_mut(tenant) {
            groups.remove(name);
        }
        // Deleting a group deletes its streams, whose ids are not known here.
        table.stream_names.clear();
    }

    pub fn forget_stream(&self, tenant: &Tenant, group: &str, stream: &str) {
        let mut table = self.table.lock();
        table.generation += 1;
        let cached = table
            .groups
            .get_mut(tenant)
            .and_then(|groups| groups.get_mut(group));
        if let Some(id) = cached.and_then(|c| c.streams.remove(stream)) {
            table.stream_names.remove(&id);
        } else {
            table.stream_names.clear();
        }
    }

    /// The ids of all groups that exist.
    pub async fn live_groups(&self) -> Result<ahash::AHashMap<LogGroupId, LogGroup>> {
        let groups = self.catalog.all_log_groups().await?;
        Ok(groups.into_iter().map(|g| (g.id, g)).collect())
    }
}

impl Table {
    fn make_room(&mut self) {
        if self.streams >= STREAMS_MAX {
            self.groups.clear();
            self.stream_names.clear();
            self.streams = 0;
        }
    }
}
