//! Calls that were applied, so that a retried call is not counted twice.
//!
//! SDKs repeat `amz-sdk-invocation-id` on each attempt of one call; what arrives here as an id is
//! bound to the call's content as well, and of bounded length. The ids of applied calls are
//! in their records in the write-ahead log, and are written to it again at each flush, because
//! the records of what is flushed are deleted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;
use belfry_model::time::MINUTE_MS;
use belfry_model::{Tenant, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::varint::{self, Reader};

/// Ours: SDKs give up within a few minutes.
const AGE_MS_MAX: i64 = 15 * MINUTE_MS;
/// Ours: 64 Ki ids are about 8 MiB.
const COUNT_MAX: usize = 1 << 16;

const RECORD_VERSION: u8 = 1;

type Key = (Tenant, Box<str>);

/// The calls applied lately, and those under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Invocations {
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    /// `Some` while the call is under way.
    calls: HashMap<Key, Option<Arc<Notify>>, RandomState>,
    /// Applied calls in order of time.
    applied: VecDeque<(TimestampMs, Key)>,
}

/// Whether to do the work of a call.
pub(super) enum Begin {
    /// Nobody did: do it, then tell.
    Work(Call),
    /// It was done.
    Applied,
}

/// A call under way. Dropping it without [`Call::applied`] lets the next attempt try.
pub(super) struct Call {
    invocations: Invocations,
    key: Key,
    done: Arc<Notify>,
    applied_at: Option<TimestampMs>,
}

impl Invocations {
    /// Begins a call; waits for an earlier attempt that is under way.
    pub(super) async fn begin(&self, tenant: &Tenant, id: &str) -> Begin {
        let key: Key = (tenant.clone(), id.into());
        loop {
            let under_way = {
                let mut content = self.content.lock();
                match content.calls.get(&key) {
                    Some(None) => return Begin::Applied,
                    // `notify_waiters` wakes those who asked before it is called, and that is
                    // called under this lock.
                    Some(Some(done)) => Arc::clone(done).notified_owned(),
                    None => {
                        let done = Arc::new(Notify::new());
                        content.calls.insert(key.clone(), Some(Arc::clone(&done)));
                        return Begin::Work(Call {
                            invocations: self.clone(),
                            key,
                            done,
                            applied_at: None,
                        });
                    }
                }
            };
            under_way.await;
        }
    }

    /// Whether a record read back belongs to a call that was applied; notes it if not.
    pub(super) fn replay(&self, tenant: &Tenant, id: &str, at: TimestampMs) -> bool {
        let key: Key = (tenant.clone(), id.into());
        let mut content = self.content.lock();
        if content.calls.contains_key(&key) {
            return true;
        }
        content.note(key, at);
        false
    }

    /// The record that carries the applied calls beyond a flush; `None` if there are none.
    pub(super) fn encode(&self, now: TimestampMs) -> Option<Vec<u8>> {
        let mut content = self.content.lock();
        content.forget_old(now);
        if content.applied.is_empty() {
            return None;
        }
        let mut out = vec![RECORD_VERSION];
        varint::write(content.applied.len() as u64, &mut out);
        for (at, (tenant, id)) in &content.applied {
            varint::write_signed(at.0, &mut out);
            for text in [&*tenant.account, &*tenant.region, id] {
                varint::write_bytes(text.as_bytes(), &mut out);
            }
        }
        Some(out)
    }

    /// Reads such a record. `None` if it is none.
    pub(super) fn replay_record(&self, record: &[u8]) -> Option<()> {
        let mut reader = Reader::new(record);
        if reader.u8()? != RECORD_VERSION {
            return None;
        }
        for _ in 0..reader.usize()? {
            let at = TimestampMs(reader.i64()?);
            let mut text = || std::str::from_utf8(reader.bytes()?).ok();
            let tenant = Tenant::new(text()?, text()?);
            self.replay(&tenant, text()?, at);
        }
        reader.is_empty().then_some(())
    }
}

impl Content {
    fn note(&mut self, key: Key, at: TimestampMs) {
        self.calls.insert(key.clone(), None);
        self.applied.push_back((at, key));
        self.forget_old(at);
    }

    fn forget_old(&mut self, now: TimestampMs) {
        while let Some((at, _)) = self.applied.front() {
            if self.applied.len() <= COUNT_MAX && now - *at <= AGE_MS_MAX {
                break;
            }
            if let Some((_, key)) = self.applied.pop_front() {
                self.calls.remove(&key);
            }
        }
    }
}

impl Call {
    /// The call's work is done and durable.
    pub(super) fn applied(mut self, at: TimestampMs) {
        self.applied_at = Some(at);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut content = self.invocations.content.lock();
        match self.applied_at {
            Some(at) => content.note(self.key.clone(), at),
            None => {
                content.calls.remove(&self.key);
            }
        }
        self.done.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = TimestampMs(1_000_000_000);

    async fn work(invocations: &Invocations, id: &str) -> Option<Call> {
        match invocations.begin(&Tenant::new("0", "r"), id).await {
            Begin::Work(call) => Some(call),
            Begin::Applied => None,
        }
    }

    #[tokio::test]
    async fn an_applied_call_is_known_until_it_is_old() {
        let invocations = Invocations::default();
        work(&invocations, "a").await.unwrap().applied(NOW);
        assert!(work(&invocations, "a").await.is_none());
        drop(work(&invocations, "b").await.unwrap());
        let late = NOW.saturating_add_ms(AGE_MS_MAX + 1);
        work(&invocations, "b").await.unwrap().applied(late);
        assert!(work(&invocations, "a").await.is_some());
    }

    #[tokio::test]
    async fn a_second_attempt_waits_for_the_first() {
        let invocations = Invocations::default();
        for applies in [true, false] {
            let id = if applies { "x" } else { "y" };
            let first = work(&invocations, id).await.unwrap();
            let second = work(&invocations, id);
            tokio::pin!(second);
            assert!(futures::poll!(&mut second).is_pending());
            if applies {
                first.applied(NOW);
            } else {
                drop(first);
            }
            assert_eq!(second.await.is_none(), applies);
        }
    }

    #[tokio::test]
    async fn a_record_restores_the_applied_calls() {
        let invocations = Invocations::default();
        assert!(invocations.encode(NOW).is_none());
        for i in 0..COUNT_MAX + 10 {
            work(&invocations, &i.to_string())
                .await
                .unwrap()
                .applied(NOW);
        }
        let record = invocations.encode(NOW).unwrap();
        let restored = Invocations::default();
        restored.replay_record(&record).unwrap();
        assert!(
            work(&restored, "9").await.is_some(),
            "the oldest are forgotten"
        );
        assert!(work(&restored, "10").await.is_none());
        assert!(
            restored
                .replay_record(&record[..record.len() - 1])
                .is_none()
        );
    }
}
