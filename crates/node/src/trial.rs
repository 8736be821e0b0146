//! A trial: what the rules would say of records handed in one after the other, and nothing is appended.
//!
//! Records are committed to the state itself and taken back, the newest first, while the caller has the state to
//! itself. So a trial is held against exactly what the next block would be built on, by the same rules. Whatever ends
//! it, a panic too, takes everything back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ore_custody::{Custody, Position, Records, Rejection, Undo};
use ore_record::{SignedRecord, VerifiedRecord};
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// Most records of one trial.
pub const MOST_RECORDS: usize = 100_000;
/// Most bytes of their entries.
pub const MOST_BYTES: usize = 64 << 20;
/// Refusals after which a trial ends.
pub const MOST_REFUSED: usize = 1_000;
/// Longest time that nobody else has the state, taking back not counted: with that, a proposer that waits for it still
/// has its turn.
const LONGEST: Duration = Duration::from_millis(400);
/// After a trial the state is left alone for so many times as long, so that trials take a tenth of it at most.
const REST: u32 = 9;
/// Trials whose records are being received.
const GATHERED_AT_ONCE: usize = 4;
/// Records between two looks at the clock.
const LOOK_EVERY: usize = 256;

/// Room for trials: a few are received at once, one is judged, and then the state has its rest.
#[derive(Debug)]
pub struct Trials {
    gathering: Arc<Semaphore>,
    /// When the next may begin; locked while one has its turn.
    rested: Arc<Mutex<Instant>>,
}

impl Default for Trials {
    fn default() -> Self {
        let rested = Arc::new(Mutex::new(Instant::now()));
        Self { gathering: Arc::new(Semaphore::new(GATHERED_AT_ONCE)), rested }
    }
}

impl Trials {
    /// A place for one whose records will be received; none when there are as many as there may be.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.gathering).try_acquire_owned().ok()
    }

    /// The right to judge, once those before have judged and the state has rested.
    pub async fn turn(&self) -> Turn {
        let rested = Arc::clone(&self.rested).lock_owned().await;
        tokio::time::sleep_until((*rested).into()).await;
        Turn(rested)
    }
}

/// The right to judge; the next one's begins when it is dropped.
#[derive(Debug)]
pub struct Turn(OwnedMutexGuard<Instant>);

impl Turn {
    /// From now on nobody else has the state.
    #[must_use]
    pub fn begin(self) -> Begun {
        Begun { rested: self.0, since: Instant::now() }
    }
}

/// A turn in which the state is held. Whatever ends it, the state has its rest before the next.
#[derive(Debug)]
pub struct Begun {
    rested: OwnedMutexGuard<Instant>,
    since: Instant,
}

impl Drop for Begun {
    fn drop(&mut self) {
        *self.rested = Instant::now() + self.since.elapsed() * REST;
    }
}

/// What came of a trial.
#[derive(Debug, Default)]
pub struct Found {
    /// Those that would be refused, by the place that they were given.
    pub refused: Vec<(usize, Box<Rejection>)>,
    /// Places of those that are in the ledger already.
    pub already_there: Vec<usize>,
    /// The place of the first that was not judged, if it took too long.
    pub unjudged: Option<usize>,
}

/// A state with records that are taken back when this is dropped.
struct Borrowed<'a> {
    custody: &'a mut Custody,
    undos: Vec<Undo>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        while let Some(undo) = self.undos.pop() {
            self.custody.undo(undo);
        }
    }
}

/// Judges records, each with its place, in their order, as a block at this height and time would. A record that is
/// there already, in the ledger or before in the trial, is passed over. The state is afterwards what it was.
pub fn judge(
    custody: &mut Custody,
    height: u64,
    block_time_ms: u64,
    log: &impl Records,
    records: &[(usize, VerifiedRecord)],
) -> Found {
    let first = custody.leaves();
    let mut state = Borrowed { custody, undos: Vec::new() };
    // Those that were let in, in the order of their leaves.
    let mut entered: Vec<&SignedRecord> = Vec::new();
    let mut found = Found::default();
    let begin = Instant::now();
    for (count, (place, record)) in records.iter().enumerate() {
        if count.is_multiple_of(LOOK_EVERY) && begin.elapsed() > LONGEST {
            found.unjudged = Some(*place);
            break;
        }
        if let Some(leaf) = state.custody.leaf_of(&record.id()) {
            // Another one of this trial is not in the ledger.
            if leaf < first {
                found.already_there.push(*place);
            }
            continue;
        }
        let earlier = |leaf: u64| match leaf.checked_sub(first) {
            Some(at) => entered.get(usize::try_from(at).ok()?).map(|record| (*record).clone()),
            None => log.record(leaf),
        };
        let at = Position { leaf_index: first + entered.len() as u64, height, block_time_ms };
        match state.custody.decide(record, &at, &earlier) {
            Ok(change) => {
                state.undos.push(state.custody.commit(change));
                entered.push(record.signed());
            }
            Err(rejection) => found.refused.push((*place, rejection.into())),
        }
        if found.refused.len() == MOST_REFUSED {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_costs_no_proposer_its_turn() {
        // As long again for taking back.
        assert!(LONGEST * 2 < ore_consensus::Timeouts::default().propose);
    }

    #[tokio::test]
    async fn a_few_are_received_at_once_and_each_waits_until_the_state_has_rested() {
        let trials = Trials::default();
        let places: Vec<_> = (0..GATHERED_AT_ONCE).map(|_| trials.place().expect("room")).collect();
        assert!(trials.place().is_none());
        drop(places);
        assert!(trials.place().is_some());
        drop(trials.turn().await);
        let begun = trials.turn().await.begin();
        let (since, held) = (begun.since, Duration::from_millis(3));
        std::thread::sleep(held);
        // As when a judge panics, or nobody waits for the answer any more.
        drop(begun);
        drop(trials.turn().await);
        assert!(since.elapsed() >= held * (1 + REST), "the next begins after nine times as long");
    }
}
