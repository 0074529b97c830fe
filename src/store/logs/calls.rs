//! Calls that were applied, so that a retried one is not applied again.
//!
//! SDKs send one `amz-sdk-invocation-id` with every attempt of a call. The recent ids are kept
//! here with what their calls did; they are also in the write-ahead log, so a restart knows them.

use std::collections::{HashMap, VecDeque};

use belfry_model::time::MINUTE_MS;
use belfry_model::{Tenant, TimestampMs};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::put::PutOutcome;

/// How long a call is remembered. SDKs give up retrying within a minute or two.
const REMEMBER_MS: i64 = 5 * MINUTE_MS;

/// At most this many are remembered; about 20 MB.
const CALLS_MAX: usize = 100_000;

/// Longer ids than this are not ids of an SDK (36 bytes) and are ignored.
pub(super) const INVOCATION_BYTES_MAX: usize = 128;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub tenant: Tenant,
    pub invocation: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct RememberedCall {
    pub call: Call,
    pub outcome: PutOutcome,
}

#[derive(Debug)]
enum State {
    /// Somebody is applying it; the receiver is closed when that ends.
    Running(watch::Receiver<()>),
    Done(PutOutcome),
}

#[derive(Debug, Default)]
struct Table {
    states: HashMap<Call, State>,
    /// Done calls, oldest first.
    order: VecDeque<Call>,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    table: Mutex<Table>,
}

/// What to do with a call.
pub(super) enum Admission<'a> {
    /// Apply it and report through the ticket.
    Apply(Ticket<'a>),
    /// It was applied before.
    Repeated(PutOutcome),
}

/// The right to apply a call. Dropped without [`Ticket::applied`], the call may be tried again.
pub(super) struct Ticket<'a> {
    calls: &'a Calls,
    call: Option<Call>,
    _running: watch::Sender<()>,
}

impl Ticket<'_> {
    pub fn applied(mut self, outcome: PutOutcome) {
        if let Some(call) = self.call.take() {
            self.calls.remember(call, outcome);
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.calls.table.lock().states.remove(&call);
        }
    }
}

impl Calls {
    /// Waits while another attempt of the same call is under way.
    pub async fn admit(&self, call: Call) -> Admission<'_> {
        loop {
            let mut running = {
                let mut table = self.table.lock();
                match table.states.get(&call) {
                    Some(State::Done(outcome)) => {
                        return Admission::Repeated(PutOutcome {
                            repeated: true,
                            ..*outcome
                        });
                    }
                    Some(State::Running(receiver)) => receiver.clone(),
                    None => {
                        let (sender, receiver) = watch::channel(());
                        table.states.insert(call.clone(), State::Running(receiver));
                        return Admission::Apply(Ticket {
                            calls: self,
                            call: Some(call),
                            _running: sender,
                        });
                    }
                }
            };
            // Ends with an error when the ticket is dropped: look again.
            let _ = running.changed().await;
        }
    }

    pub fn remember(&self, call: Call, outcome: PutOutcome) {
        let mut table = self.table.lock();
        let oldest = outcome.ingestion_time.saturating_sub_ms(REMEMBER_MS);
        while let Some(first) = table.order.front() {
            let expired = match table.states.get(first) {
                Some(State::Done(done)) => done.ingestion_time < oldest,
                _ => true,
            };
            if !expired && table.order.len() < CALLS_MAX {
                break;
            }
            if let Some(first) = table.order.pop_front()
                && matches!(table.states.get(&first), Some(State::Done(_)))
            {
                table.states.remove(&first);
            }
        }
        let before = table.states.insert(call.clone(), State::Done(outcome));
        // Every flush writes all calls that are remembered: a replay comes by each many times.
        if !matches!(before, Some(State::Done(_))) {
            table.order.push_back(call);
        }
    }

    /// What became of a call, if it is remembered.
    pub fn outcome(&self, call: &Call) -> Option<PutOutcome> {
        match self.table.lock().states.get(call) {
            Some(State::Done(outcome)) => Some(*outcome),
            _ => None,
        }
    }

    /// Every remembered call that is young enough at `now`, oldest first.
    pub fn remembered(&self, now: TimestampMs) -> Vec<RememberedCall> {
        let oldest = now.saturating_sub_ms(REMEMBER_MS);
        let table = self.table.lock();
        let found = table
            .order
            .iter()
            .filter_map(|call| match table.states.get(call) {
                Some(State::Done(outcome)) if outcome.ingestion_time >= oldest => {
                    Some(RememberedCall {
                        call: call.clone(),
                        outcome: *outcome,
                    })
                }
                _ => None,
            });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> Call {
        Call {
            tenant: Tenant::new("000000000000", "eu-west-1"),
            invocation: id.to_owned(),
        }
    }

    fn outcome(at: i64) -> PutOutcome {
        PutOutcome {
            rejected: Default::default(),
            accepted: 1,
            ingestion_time: TimestampMs(at),
            seq: 1,
            repeated: false,
        }
    }

    #[test]
    fn a_call_that_is_read_back_twice_is_remembered_once() {
        let calls = Calls::default();
        for _ in 0..3 {
            calls.remember(call("a"), outcome(5));
            calls.remember(call("b"), outcome(6));
        }
        assert_eq!(calls.remembered(TimestampMs(7)).len(), 2);
    }

    #[tokio::test]
    async fn a_second_attempt_waits_for_the_first_and_gets_its_outcome() {
        let calls = Calls::default();
        let Admission::Apply(ticket) = calls.admit(call("a")).await else {
            panic!("the first attempt applies");
        };
        let second = calls.admit(call("a"));
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        ticket.applied(outcome(5));
        let Admission::Repeated(found) = second.await else {
            panic!("the second attempt must not apply");
        };
        assert_eq!(
            found,
            PutOutcome {
                repeated: true,
                ..outcome(5)
            }
        );
    }

    #[tokio::test]
    async fn a_failed_attempt_leaves_the_call_to_the_next() {
        let calls = Calls::default();
        let Admission::Apply(ticket) = calls.admit(call("a")).await else {
            panic!("the first attempt applies");
        };
        drop(ticket);
        assert!(matches!(calls.admit(call("a")).await, Admission::Apply(_)));
    }

    #[test]
    fn forgets_old_calls() {
        let calls = Calls::default();
        calls.remember(call("a"), outcome(0));
        calls.remember(call("b"), outcome(REMEMBER_MS));
        assert!(calls.outcome(&call("a")).is_some());
        calls.remember(call("c"), outcome(REMEMBER_MS + 1));
        assert!(calls.outcome(&call("a")).is_none());
        assert_eq!(calls.remembered(TimestampMs(REMEMBER_MS + 1)).len(), 2);
    }
}
