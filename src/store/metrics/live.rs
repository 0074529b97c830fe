//! What a read sees: the live blocks and the heads, taken together.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ahash::RandomState;
use belfry_catalog::objects::ObjectRow;
use belfry_model::Tenant;
use parking_lot::{Mutex, RwLock};
use ulid::Ulid;

use super::block::{BlockIndex, BlockSource};
use super::head::Head;
use super::tier::Tier;
use crate::error::{Error, Result};
use crate::objects::Objects;
use crate::wal::Lsn;

/// A published block.
#[derive(Debug)]
pub(super) struct LiveBlock {
    pub row: ObjectRow,
    pub tier: Tier,
}

impl LiveBlock {
    pub(super) fn new(row: ObjectRow) -> Result<Self> {
        let tier = Tier::parse(&row.retention_class).ok_or_else(|| Error::ObjectCorrupt {
            key: Objects::key(row.kind, row.id).to_string(),
            offset: 0,
            why: format!("unknown retention class {}", row.retention_class),
        })?;
        Ok(Self { row, tier })
    }

    pub(super) fn source(&self, objects: &Objects) -> BlockSource {
        BlockSource::Object {
            objects: objects.clone(),
            id: self.row.id,
        }
    }
}

/// All published blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct LiveBlocks {
    /// In order of their first timestamp.
    by_tenant: HashMap<Tenant, Vec<Arc<LiveBlock>>, RandomState>,
}

impl LiveBlocks {
    pub(super) fn new(blocks: impl IntoIterator<Item = LiveBlock>) -> Self {
        let mut live = Self::default();
        for block in blocks {
            let of_tenant = live.by_tenant.entry(block.row.tenant.clone()).or_default();
            of_tenant.push(Arc::new(block));
        }
        for blocks in live.by_tenant.values_mut() {
            blocks.sort_unstable_by_key(|b| (b.row.min_ts, b.row.id));
        }
        live
    }

    /// The blocks after a publication.
    pub(super) fn changed(&self, insert: Vec<LiveBlock>, remove: &[Ulid]) -> Self {
        let mut live = self.clone();
        if !remove.is_empty() {
            for blocks in live.by_tenant.values_mut() {
                blocks.retain(|b| !remove.contains(&b.row.id));
            }
        }
        for block in insert {
            let blocks = live.by_tenant.entry(block.row.tenant.clone()).or_default();
            let key = (block.row.min_ts, block.row.id);
            let at = blocks.partition_point(|b| (b.row.min_ts, b.row.id) < key);
            blocks.insert(at, Arc::new(block));
        }
        live
    }

    pub(super) fn of(&self, tenant: &Tenant) -> &[Arc<LiveBlock>] {
        self.by_tenant.get(tenant).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.by_tenant.keys()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<LiveBlock>> {
        self.by_tenant.values().flatten()
    }
}

/// A head that takes no more, on its way into blocks.
#[derive(Debug)]
pub(super) struct FrozenHead {
    pub head: SharedHead,
    /// Every record below is in this head, in an older one or in blocks.
    pub checkpoint: Lsn,
    /// The applied calls are in the log behind the checkpoint: once is enough, however often the
    /// flush is tried.
    pub calls_written: AtomicBool,
}

pub(super) type SharedHead = Arc<RwLock<Head>>;

/// Blocks and heads: every stored sample is in exactly one of them.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub live: Arc<LiveBlocks>,
    /// Oldest first.
    pub frozen: Vec<Arc<FrozenHead>>,
    pub active: SharedHead,
}

impl Snapshot {
    pub(super) fn heads(&self) -> impl Iterator<Item = &SharedHead> {
        self.frozen
            .iter()
            .map(|f| &f.head)
            .chain(std::iter::once(&self.active))
    }

    pub(super) fn head_bytes(&self) -> usize {
        self.heads().map(|h| h.read().bytes()).sum()
    }
}

/// Indexes of blocks in memory, the least recently used dropped first.
#[derive(Debug)]
pub(super) struct IndexCache {
    bytes_max: usize,
    content: Mutex<CacheContent>,
}

#[derive(Debug, Default)]
struct CacheContent {
    indexes: HashMap<Ulid, CachedIndex, RandomState>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct CachedIndex {
    index: Arc<BlockIndex>,
    bytes: usize,
    last_use: u64,
}

impl IndexCache {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            content: Mutex::default(),
        }
    }

    /// The index of a block, from memory or read. Blocks.
    pub(super) fn get(&self, block: &LiveBlock, objects: &Objects) -> Result<Arc<BlockIndex>> {
        {
            let mut content = self.content.lock();
            content.uses += 1;
            let uses = content.uses;
            if let Some(cached) = content.indexes.get_mut(&block.row.id) {
                cached.last_use = uses;
                return Ok(Arc::clone(&cached.index));
            }
        }
        let index = Arc::new(BlockIndex::open(&block.source(objects), block.row.bytes)?);
        self.insert(block.row.id, &index);
        Ok(index)
    }

    /// Forgets a block that is no longer live.
    pub(super) fn forget(&self, id: Ulid) {
        let mut content = self.content.lock();
        if let Some(cached) = content.indexes.remove(&id) {
            content.bytes -= cached.bytes;
        }
    }

    fn insert(&self, id: Ulid, index: &Arc<BlockIndex>) {
        let bytes = index.heap_bytes();
        let mut content = self.content.lock();
        let last_use = content.uses;
        let cached = CachedIndex {
            index: Arc::clone(index),
            bytes,
            last_use,
        };
        content.bytes += bytes;
        if let Some(before) = content.indexes.insert(id, cached) {
            content.bytes -= before.bytes;
        }
        while content.bytes > self.bytes_max && content.indexes.len() > 1 {
            let oldest = content
                .indexes
                .iter()
                .min_by_key(|(_, c)| c.last_use)
                .map(|(id, _)| *id);
            let Some(cached) = oldest.and_then(|id| content.indexes.remove(&id)) else {
                break;
            };
            content.bytes -= cached.bytes;
        }
    }
}
