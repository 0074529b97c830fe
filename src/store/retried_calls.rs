//! Calls that were applied, so that a retried call is not applied again.
//!
//! SDKs repeat an id on each attempt of one call. What calls did is kept here for some minutes.
//! Their ids are in their records in the write-ahead log, and are written to it again at each
//! flush, because the records of what is flushed are deleted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ahash::RandomState;
use belfry_model::time::MINUTE_MS;
use belfry_model::{Tenant, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Ours: boto3's five attempts, of up to 60 s each and as much as 20 s apart, end within seven.
pub(crate) const REMEMBER_MS: i64 = 15 * MINUTE_MS;
/// Ours, over all tenants: 105 s of 5,000 calls a second, where boto3 tries again after 60 s.
/// By the sizes of the entries about 50 MB for metrics and 130 MB for logs, which remember an
/// outcome of 80 bytes, too. No limit of memory that can be configured counts these.
const CALLS_MAX: usize = 1 << 19;
/// Calls in one record of the write-ahead log.
const RECORD_CALLS_MAX: usize = 1 << 16;
/// Calls looked up before other calls get their turn.
const LOOKUPS_AT_ONCE: usize = 1 << 12;

/// What a call is known by, within its tenant.
pub(crate) type CallKey = [u8; 16];

/// The key of an id. The server's ids are 32 hexadecimal digits; texts of other forms (records
/// of earlier builds have them) are folded to as many bits by FNV-1a. Never change that: keys are
/// stored.
pub(crate) fn call_key(id: &str) -> CallKey {
    if id.len() == 32
        && id.bytes().all(|b| b.is_ascii_hexdigit())
        && let Ok(key) = u128::from_str_radix(id, 16)
    {
        return key.to_be_bytes();
    }
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let fold = |hash: u128, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    id.bytes().fold(OFFSET, fold).to_be_bytes()
}

/// The calls applied lately, with what they did, and those under way. The clones are one.
#[derive(Clone, Debug)]
pub(crate) struct RetriedCalls<T> {
    content: Arc<Mutex<Content<T>>>,
    calls_max: usize,
}

#[derive(Debug)]
struct Content<T> {
    tenants: HashMap<Tenant, Calls<T>, RandomState>,
    /// Applied calls of all tenants.
    applied: usize,
}

#[derive(Debug)]
struct Calls<T> {
    states: HashMap<CallKey, State<T>, RandomState>,
    /// Applied calls, oldest first.
    order: VecDeque<(TimestampMs, CallKey)>,
}

#[derive(Debug)]
enum State<T> {
    UnderWay(Arc<Notify>),
    Applied(T),
}

/// Whether to do the work of a call.
pub(crate) enum Begin<T: Copy> {
    /// Nobody did: do it, then tell.
    Work(CallUnderWay<T>),
    /// It was done, with this outcome.
    Applied(T),
}

/// A call under way. Dropping it without [`CallUnderWay::applied`] lets the next attempt try.
pub(crate) struct CallUnderWay<T: Copy> {
    calls: RetriedCalls<T>,
    tenant: Tenant,
    key: CallKey,
    done: Arc<Notify>,
    outcome: Option<(TimestampMs, T)>,
}

/// Calls of one tenant, for one record of the write-ahead log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RememberedCalls<T> {
    pub tenant: Tenant,
    /// Oldest first.
    pub calls: Vec<(TimestampMs, CallKey, T)>,
}

impl<T> Default for RetriedCalls<T> {
    fn default() -> Self {
        Self::with_max(CALLS_MAX)
    }
}

impl<T> RetriedCalls<T> {
    fn with_max(calls_max: usize) -> Self {
        Self {
            content: Arc::new(Mutex::new(Content {
                tenants: HashMap::default(),
                applied: 0,
            })),
            calls_max,
        }
    }
}

impl<T: Copy> RetriedCalls<T> {
    /// Begins a call; waits for an earlier attempt that is under way.
    pub async fn begin(&self, tenant: &Tenant, id: &str) -> Begin<T> {
        let key = call_key(id);
        loop {
            let under_way = {
                let mut content = self.content.lock();
                let calls = content.of(tenant);
                match calls.states.get(&key) {
                    Some(State::Applied(outcome)) => return Begin::Applied(*outcome),
                    // `notify_waiters` wakes those who asked before it is called, and that is
                    // called under this lock.
                    Some(State::UnderWay(done)) => Arc::clone(done).notified_owned(),
                    None => {
                        let done = Arc::new(Notify::new());
                        calls.states.insert(key, State::UnderWay(Arc::clone(&done)));
                        return Begin::Work(CallUnderWay {
                            calls: self.clone(),
                            tenant: tenant.clone(),
                            key,
                            done,
                            outcome: None,
                        });
                    }
                }
            };
            under_way.await;
        }
    }

    /// Keeps whoever has done the work of a call from telling, for tests of what may happen then.
    #[cfg(test)]
    pub fn hold(&self) -> impl Sized + '_ {
        self.content.lock()
    }

    /// Notes a call read back from the log; `false` if it was known already.
    pub fn replay(&self, tenant: &Tenant, key: CallKey, at: TimestampMs, outcome: T) -> bool {
        let mut content = self.content.lock();
        // Every flush writes all calls that are remembered: a replay comes by each many times.
        if content.of(tenant).states.contains_key(&key) {
            return false;
        }
        content.note(tenant, key, at, outcome, self.calls_max);
        true
    }

    /// Everything that is young enough at `now`, in pieces for one record each; forgets the rest.
    /// Calls that begin or end meanwhile may be in it or not. Computes for long if there is much.
    pub fn remembered(&self, now: TimestampMs) -> Vec<RememberedCalls<T>> {
        let tenants: Vec<Tenant> = {
            let mut content = self.content.lock();
            content.forget_old(now);
            content.tenants.keys().cloned().collect()
        };
        let mut remembered = Vec::new();
        for tenant in tenants {
            let order: Vec<(TimestampMs, CallKey)> = {
                let content = self.content.lock();
                let calls = content.tenants.get(&tenant);
                calls.map_or_else(Vec::new, |calls| calls.order.iter().copied().collect())
            };
            for piece in order.chunks(RECORD_CALLS_MAX) {
                let calls = self.outcomes(&tenant, piece);
                if !calls.is_empty() {
                    let tenant = tenant.clone();
                    remembered.push(RememberedCalls { tenant, calls });
                }
            }
        }
        remembered
    }

    /// The calls with their outcomes, without those that were forgotten meanwhile.
    fn outcomes(
        &self,
        tenant: &Tenant,
        calls: &[(TimestampMs, CallKey)],
    ) -> Vec<(TimestampMs, CallKey, T)> {
        let mut found = Vec::with_capacity(calls.len());
        for some in calls.chunks(LOOKUPS_AT_ONCE) {
            let content = self.content.lock();
            let Some(known) = content.tenants.get(tenant) else {
                break;
            };
            for &(at, key) in some {
                if let Some(State::Applied(outcome)) = known.states.get(&key) {
                    found.push((at, key, *outcome));
                }
            }
        }
        found
    }
}

impl<T: Copy> Content<T> {
    fn of(&mut self, tenant: &Tenant) -> &mut Calls<T> {
        self.tenants.entry(tenant.clone()).or_default()
    }

    fn note(&mut self, tenant: &Tenant, key: CallKey, at: TimestampMs, outcome: T, max: usize) {
        let calls = self.of(tenant);
        calls.states.insert(key, State::Applied(outcome));
        calls.order.push_back((at, key));
        let forgotten = calls.forget_old(at);
        self.applied = (self.applied + 1).saturating_sub(forgotten);
        if self.applied > max {
            self.make_room(max);
        }
    }

    /// The tenant with most calls gives way, so that none pushes out those of the others. Some
    /// at once, because looking for it takes time.
    fn make_room(&mut self, max: usize) {
        let most = self.tenants.values_mut().max_by_key(|c| c.order.len());
        let forgotten = most.map_or(0, |calls| {
            let count = (max / 64).max(1).min(calls.order.len());
            (0..count).filter(|_| calls.forget_first()).count()
        });
        self.applied = self.applied.saturating_sub(forgotten);
    }

    fn forget_old(&mut self, now: TimestampMs) {
        let mut forgotten = 0;
        self.tenants.retain(|_, calls| {
            forgotten += calls.forget_old(now);
            !calls.states.is_empty()
        });
        self.applied = self.applied.saturating_sub(forgotten);
    }
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self {
            states: HashMap::default(),
            order: VecDeque::new(),
        }
    }
}

impl<T> Calls<T> {
    fn forget_first(&mut self) -> bool {
        let first = self.order.pop_front();
        first.is_some_and(|(_, key)| self.states.remove(&key).is_some())
    }

    /// How many were forgotten.
    fn forget_old(&mut self, now: TimestampMs) -> usize {
        let oldest = now.saturating_sub_ms(REMEMBER_MS);
        let mut forgotten = 0;
        while self.order.front().is_some_and(|(at, _)| *at < oldest) {
            forgotten += usize::from(self.forget_first());
        }
        forgotten
    }
}

impl<T: Copy> CallUnderWay<T> {
    /// The call's work is done and durable. To be called before a flush can put the log's
    /// checkpoint behind the call's record: what is not noted then is forgotten at a restart.
    pub fn applied(mut self, at: TimestampMs, outcome: T) {
        self.outcome = Some((at, outcome));
    }
}

impl<T: Copy> Drop for CallUnderWay<T> {
    fn drop(&mut self) {
        let mut content = self.calls.content.lock();
        match self.outcome {
            Some((at, outcome)) => {
                let max = self.calls.calls_max;
                content.note(&self.tenant, self.key, at, outcome, max);
            }
            None => {
                content.of(&self.tenant).states.remove(&self.key);
            }
        }
        self.done.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: TimestampMs = TimestampMs(1_000_000_000);

    fn tenant(name: &str) -> Tenant {
        Tenant::new(name, "eu-west-1")
    }

    async fn work(calls: &RetriedCalls<u32>, who: &str, id: &str) -> Option<CallUnderWay<u32>> {
        match calls.begin(&tenant(who), id).await {
            Begin::Work(call) => Some(call),
            Begin::Applied(_) => None,
        }
    }

    async fn apply(calls: &RetriedCalls<u32>, who: &str, id: &str, at: TimestampMs) {
        work(calls, who, id).await.unwrap().applied(at, 7);
    }

    #[test]
    fn keys_tell_ids_apart() {
        let hex = call_key("00112233445566778899aabbccddeeff");
        assert_eq!(hex[..3], [0, 0x11, 0x22]);
        // FNV-1a, 128 bits, of "a" and of nothing (the published vectors).
        assert_eq!(
            u128::from_be_bytes(call_key("a")),
            0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964
        );
        assert_eq!(
            u128::from_be_bytes(call_key("")),
            0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        );
    }

    #[tokio::test]
    async fn an_applied_call_is_known_until_it_is_old() {
        let calls = RetriedCalls::default();
        apply(&calls, "0", "a", NOW).await;
        assert!(matches!(
            calls.begin(&tenant("0"), "a").await,
            Begin::Applied(7)
        ));
        assert!(work(&calls, "1", "a").await.is_some(), "another's call");
        drop(work(&calls, "0", "b").await.unwrap());
        apply(&calls, "0", "b", NOW.saturating_add_ms(REMEMBER_MS)).await;
        assert!(work(&calls, "0", "a").await.is_none());
        apply(&calls, "0", "c", NOW.saturating_add_ms(REMEMBER_MS + 1)).await;
        assert!(work(&calls, "0", "a").await.is_some());
        // Tenants that do nothing any more are forgotten, too.
        let late = NOW.saturating_add_ms(10 * REMEMBER_MS);
        assert!(calls.remembered(late).is_empty());
        assert!(calls.content.lock().tenants.is_empty());
        assert_eq!(calls.content.lock().applied, 0);
    }

    #[tokio::test]
    async fn a_second_attempt_waits_for_the_first() {
        let calls = RetriedCalls::default();
        for applies in [true, false] {
            let id = if applies { "x" } else { "y" };
            let first = work(&calls, "0", id).await.unwrap();
            let second = work(&calls, "0", id);
            tokio::pin!(second);
            assert!(futures::poll!(&mut second).is_pending());
            if applies {
                first.applied(NOW, 1);
            } else {
                drop(first);
            }
            assert_eq!(second.await.is_none(), applies);
        }
    }

    #[tokio::test]
    async fn a_busy_tenant_pushes_out_its_own_calls_only() {
        let calls = RetriedCalls::with_max(640);
        for i in 0..20 {
            apply(&calls, "quiet", &format!("{i}"), NOW).await;
        }
        for i in 0..5_000 {
            apply(&calls, "busy", &format!("{i}"), NOW).await;
        }
        for i in 0..20 {
            assert!(
                work(&calls, "quiet", &format!("{i}")).await.is_none(),
                "{i}"
            );
        }
        let remembered = calls.remembered(NOW);
        let count: usize = remembered.iter().map(|r| r.calls.len()).sum();
        assert!((600..=640).contains(&count), "{count}");
        assert!(work(&calls, "busy", "4999").await.is_none());
        assert!(work(&calls, "busy", "0").await.is_some());
    }

    #[tokio::test]
    async fn what_is_remembered_can_be_replayed() {
        let calls = RetriedCalls::default();
        let count = RECORD_CALLS_MAX + 10;
        for i in 0..count {
            apply(&calls, "0", &i.to_string(), NOW).await;
        }
        let pieces = calls.remembered(NOW);
        assert_eq!(pieces.len(), 2);
        let restored = RetriedCalls::default();
        for piece in &pieces {
            for &(at, key, outcome) in &piece.calls {
                assert!(restored.replay(&piece.tenant, key, at, outcome));
                assert!(!restored.replay(&piece.tenant, key, at, outcome));
            }
        }
        assert_eq!(restored.remembered(NOW), pieces);
        for i in 0..count {
            assert!(work(&restored, "0", &i.to_string()).await.is_none());
        }
    }
}
