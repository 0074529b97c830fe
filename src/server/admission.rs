//! How many bytes of request bodies may be in memory at once.
//!
//! Bodies reserve as they arrive, so several can each hold a part and want more. Room that comes
//! free goes to the oldest body that waits. It counts on what is free and on what bodies hold
//! that do not wait themselves; where that is not enough, the youngest body that holds something
//! while it waits is pushed back. So bodies never wait for each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Ours: how long a request waits for its place before it is told to come back later.
const WAIT: Duration = Duration::from_secs(5);
/// Ours: bytes are reserved in pieces of this size; a short body takes about one, with all that
/// belongs to it.
const PIECE: usize = 1_024;

/// A byte budget that requests reserve from as their bodies arrive: what a request says it is
/// going to send takes nobody's place.
#[derive(Clone)]
pub struct Admission {
    room: Arc<Mutex<Room>>,
    wait: Duration,
}

/// A reservation; dropping it gives the bytes back.
pub struct Admitted {
    admission: Admission,
    age: Age,
}

/// The order in which reservations began.
type Age = u64;

/// Who holds how many pieces, and who waits for more.
struct Room {
    total: usize,
    free: usize,
    /// Without those that hold nothing.
    held: HashMap<Age, usize>,
    waiting: BTreeMap<Age, Waiting>,
    /// What those that wait hold.
    held_waiting: usize,
    next_age: Age,
}

struct Waiting {
    more: usize,
    /// Whether it has them now.
    answer: oneshot::Sender<bool>,
}

impl Admission {
    pub fn new(bytes: usize) -> Self {
        let total = (bytes / PIECE).max(1);
        let room = Room {
            total,
            free: total,
            held: HashMap::new(),
            waiting: BTreeMap::new(),
            held_waiting: 0,
            next_age: 0,
        };
        Self {
            room: Arc::new(Mutex::new(room)),
            wait: WAIT,
        }
    }

    /// A reservation of nothing, to be grown.
    pub fn begin(&self) -> Admitted {
        let mut room = self.room.lock();
        let age = room.next_age;
        room.next_age += 1;
        Admitted {
            admission: self.clone(),
            age,
        }
    }

    pub fn held_bytes(&self) -> i64 {
        let room = self.room.lock();
        let held = room.total.saturating_sub(room.free);
        i64::try_from(held.saturating_mul(PIECE)).unwrap_or(i64::MAX)
    }

    #[cfg(test)]
    pub(crate) fn with_wait(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }
}

impl Room {
    /// A body larger than the whole budget takes all of it and is alone.
    fn pieces_of(&self, bytes: usize) -> usize {
        bytes.div_ceil(PIECE).min(self.total)
    }

    fn held_by(&self, age: Age) -> usize {
        self.held.get(&age).copied().unwrap_or_default()
    }

    /// Only what is free.
    fn give(&mut self, age: Age, pieces: usize) {
        self.free -= pieces;
        *self.held.entry(age).or_default() += pieces;
    }

    fn take_back(&mut self, age: Age, pieces: usize) {
        let left = self.held_by(age).saturating_sub(pieces);
        let before = match left {
            0 => self.held.remove(&age),
            left => self.held.insert(age, left),
        };
        self.free += before.unwrap_or_default().saturating_sub(left);
        self.settle();
    }

    /// `None` if the pieces are there already; or what tells that the waiting is over. Nobody gets
    /// ahead of an older one.
    fn ask(&mut self, age: Age, more: usize) -> Option<oneshot::Receiver<bool>> {
        let oldest = self.waiting.first_key_value().map(|(oldest, _)| *oldest);
        if more <= self.free && oldest.is_none_or(|oldest| age < oldest) {
            self.give(age, more);
            return None;
        }
        // Of a wait that was given up.
        self.end_waiting(age);
        let (answer, answered) = oneshot::channel();
        self.waiting.insert(age, Waiting { more, answer });
        self.held_waiting += self.held_by(age);
        self.settle();
        Some(answered)
    }

    fn end_waiting(&mut self, age: Age) -> Option<Waiting> {
        let waiting = self.waiting.remove(&age)?;
        self.held_waiting -= self.held_by(age);
        Some(waiting)
    }

    /// Answers everybody whose waiting is over. Whoever is pushed back gives back what it holds by
    /// itself.
    fn settle(&mut self) {
        while let Some((&oldest, &Waiting { more, .. })) = self.waiting.first_key_value() {
            let can_come = self.total.saturating_sub(self.held_waiting);
            let (age, is_given) = if more <= self.free {
                (oldest, true)
            } else if more <= can_come {
                return;
            } else {
                let holds = |age: &Age| *age != oldest && self.held.contains_key(age);
                match self.waiting.keys().rev().copied().find(holds) {
                    Some(youngest) => (youngest, false),
                    None => return,
                }
            };
            if let Some(waiting) = self.end_waiting(age) {
                if is_given {
                    self.give(age, more);
                }
                // One that gave up waiting is about to be dropped.
                let _ = waiting.answer.send(is_given);
            }
        }
    }
}

impl Admitted {
    /// Waits until `bytes` are reserved altogether. False when there is no room in time, or only
    /// with that of others that wait: push back, and drop what is reserved.
    #[must_use]
    pub async fn grow_to(&mut self, bytes: usize) -> bool {
        let answered = {
            let mut room = self.admission.room.lock();
            let more = room.pieces_of(bytes).saturating_sub(room.held_by(self.age));
            if more == 0 {
                return true;
            }
            room.ask(self.age, more)
        };
        let Some(answered) = answered else {
            return true;
        };
        match tokio::time::timeout(self.admission.wait, answered).await {
            Ok(answer) => answer.unwrap_or(false),
            Err(_) => {
                let mut room = self.admission.room.lock();
                let had_to_wait = room.end_waiting(self.age).is_some();
                room.settle();
                // It may have been answered just now.
                !had_to_wait && room.held_by(self.age) >= room.pieces_of(bytes)
            }
        }
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let mut room = self.admission.room.lock();
        let excess = room.held_by(self.age).saturating_sub(room.pieces_of(bytes));
        room.take_back(self.age, excess);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut room = self.admission.room.lock();
        // Still there if it gave up waiting.
        room.end_waiting(self.age);
        room.take_back(self.age, usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn admission(pieces: usize) -> Admission {
        Admission::new(pieces * PIECE).with_wait(Duration::ZERO)
    }

    /// Where nobody is pushed back for having waited too long.
    fn patient(pieces: usize) -> Admission {
        Admission::new(pieces * PIECE).with_wait(Duration::MAX)
    }

    #[tokio::test]
    async fn pushes_back_when_full() {
        let admission = admission(10);
        let mut first = admission.begin();
        assert_eq!(admission.held_bytes(), 0);
        assert!(first.grow_to(8 * PIECE).await);
        assert_eq!(admission.held_bytes(), 8 * PIECE as i64);
        let mut second = admission.begin();
        assert!(second.grow_to(2 * PIECE).await);
        assert!(!second.grow_to(3 * PIECE).await);
        first.shrink_to(7 * PIECE - 1);
        assert!(second.grow_to(3 * PIECE).await);
        drop((first, second));
        assert!(admission.begin().grow_to(1_000 * PIECE).await);
        assert_eq!(admission.held_bytes(), 0);
    }

    /// Grows a body and drops it.
    async fn grow(mut body: Admitted, pieces: usize) -> bool {
        body.grow_to(pieces * PIECE).await
    }

    #[tokio::test]
    async fn of_bodies_that_fill_the_budget_the_oldest_goes_on() {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let admission = patient(9);
            let mut bodies = Vec::new();
            for _ in 0..3 {
                let mut body = admission.begin();
                assert!(body.grow_to(3 * PIECE).await);
                bodies.push(Some(body));
            }
            let calls = order.map(|n| grow(bodies[n].take().unwrap(), 6));
            let answers = join_all(calls).await;
            let of_body = |n| answers[order.iter().position(|at| *at == n).unwrap()];
            // What the youngest gives back is enough for the others, one after the other.
            assert_eq!([0, 1, 2].map(of_body), [true, true, false], "{order:?}");
            assert_eq!(admission.held_bytes(), 0);
        }
    }

    #[tokio::test]
    async fn a_body_that_holds_something_does_not_wait_behind_one_that_needs_it() {
        let admission = patient(10);
        let fresh = admission.begin();
        let mut part = admission.begin();
        assert!(part.grow_to(5 * PIECE).await);
        // As long as the part could still end by itself, it is waited for.
        let mut fresh = Box::pin(grow(fresh, 8));
        assert!(futures::poll!(&mut fresh).is_pending());
        assert!(!grow(part, 6).await);
        assert!(fresh.await);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_nothing_behind() {
        let admission = patient(10);
        let mut holder = admission.begin();
        assert!(holder.grow_to(9 * PIECE).await);
        let mut given_up = Box::pin(grow(admission.begin(), 5));
        assert!(futures::poll!(&mut given_up).is_pending());
        let mut next = Box::pin(grow(admission.begin(), 1));
        assert!(futures::poll!(&mut next).is_pending());
        drop(given_up);
        assert!(next.await);
        // Given, and never heard of.
        let mut given = Box::pin(grow(admission.begin(), 5));
        assert!(futures::poll!(&mut given).is_pending());
        drop(holder);
        drop(given);
        assert_eq!(admission.held_bytes(), 0);
    }

    /// Many bodies in steps: every one of them is answered, though none gives up waiting, and the
    /// oldest is never pushed back.
    #[tokio::test]
    async fn nobody_waits_for_ever() {
        for seed in 0..50 {
            let admission = patient(40);
            let bodies: Vec<Admitted> = (0..30).map(|_| admission.begin()).collect();
            let calls = bodies
                .into_iter()
                .enumerate()
                .map(|(n, mut body)| async move {
                    let mut rng = StdRng::seed_from_u64(seed * 1_000 + n as u64);
                    let mut pieces = 0;
                    for _ in 0..rng.random_range(1..6) {
                        pieces += rng.random_range(1..15);
                        if !body.grow_to(pieces * PIECE).await {
                            return false;
                        }
                        tokio::task::yield_now().await;
                    }
                    true
                });
            let answers = join_all(calls);
            let answers = tokio::time::timeout(Duration::from_secs(60), answers).await;
            let answers = answers.expect("nobody waits for ever");
            assert_eq!(answers.first(), Some(&true), "seed {seed}");
            assert!(answers.iter().any(|is_whole| !is_whole), "seed {seed}");
            assert_eq!(admission.held_bytes(), 0);
        }
    }
}
