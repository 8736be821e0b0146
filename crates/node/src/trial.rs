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
use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};

/// Most records of one trial.
pub const MOST_RECORDS: usize = 100_000;
/// Most bytes of their entries.
pub const MOST_BYTES: usize = 64 << 20;
/// Refusals after which a trial ends.
pub const MOST_REFUSED: usize = 1_000;
/// Longest time that nobody else has the state, taking back not counted: less than a proposer is waited for.
const LONGEST: Duration = Duration::from_secs(1);
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
    rested: Mutex<Instant>,
}

impl Default for Trials {
    fn default() -> Self {
        Self { gathering: Arc::new(Semaphore::new(GATHERED_AT_ONCE)), rested: Mutex::new(Instant::now()) }
    }
}

impl Trials {
    /// A place for one whose records will be received; none when there are as many as there may be.
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.gathering).try_acquire_owned().ok()
    }

    /// The right to judge, once those before have judged and the state has rested. What is put into it is when the
    /// next may begin: [`rest_after`].
    pub async fn turn(&self) -> MutexGuard<'_, Instant> {
        let rested = self.rested.lock().await;
        tokio::time::sleep_until((*rested).into()).await;
        rested
    }
}

/// When the next trial may begin after one that had the state for so long.
#[must_use]
pub fn rest_after(held: Duration) -> Instant {
    Instant::now() + held * REST
}

/// What came of a trial.
#[derive(Debug, Default)]
pub struct Found {
    /// Records that were judged, from the first on.
    pub judged: usize,
    /// Those that would be refused, by the place that they were given.
    pub refused: Vec<(usize, Box<Rejection>)>,
    /// Whether it ended because it took too long.
    pub too_long: bool,
    /// How long nobody else had the state.
    pub held: Duration,
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
    let begin = Instant::now();
    let found = try_out(custody, height, block_time_ms, log, records);
    Found { held: begin.elapsed(), ..found }
}

fn try_out(
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
    for (place, record) in records {
        if found.judged.is_multiple_of(LOOK_EVERY) && begin.elapsed() > LONGEST {
            found.too_long = true;
            break;
        }
        found.judged += 1;
        if state.custody.leaf_of(&record.id()).is_some() {
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

    #[tokio::test]
    async fn a_few_are_received_at_once_and_each_waits_until_the_state_has_rested() {
        let trials = Trials::default();
        let places: Vec<_> = (0..GATHERED_AT_ONCE).map(|_| trials.place().expect("room")).collect();
        assert!(trials.place().is_none());
        drop(places);
        assert!(trials.place().is_some());
        let held = Duration::from_millis(3);
        let next = rest_after(held);
        *trials.turn().await = next;
        drop(trials.turn().await);
        assert!(Instant::now() >= next, "the next begins after nine times as long");
        assert!(rest_after(held) >= Instant::now() + held * 8);
    }
}
