//! Long questions in slices: between two of them the locks are free, and who asked may have left.
//!
//! A slice is bounded by units of work, so an append waits for a slice at most, however long the question.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ore_audit::Budget;

/// Units of work under one hold of the locks: some 25 ms.
const SLICE_UNITS: u64 = 50_000;

/// Steps, parts and lots of a walk under one hold of the graph's lock: 3 to 10 ms among a million lots.
pub(in crate::services) const WALK_UNITS: u64 = 50_000;

/// Whoever waits for an answer. Dropped with the call; what works for it looks at the flag.
#[derive(Debug, Default)]
pub(in crate::services) struct Caller(Arc<AtomicBool>);

impl Caller {
    /// Set once nobody waits any more.
    pub(in crate::services) fn gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nobody waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone;

/// Works slice by slice, `units` in all. A slice gets its budget and whether it is the last one: it takes the
/// locks, goes on, and gives the answer when it is done or must be, whole or cut short.
pub(super) fn work<T>(
    units: u64,
    gone: &AtomicBool,
    mut slice: impl FnMut(&mut Budget, bool) -> Option<T>,
) -> Result<T, Gone> {
    let mut left = units;
    // Ends: each turn takes a slice off, and the last one is asked for its answer.
    loop {
        if gone.load(Ordering::Relaxed) {
            return Err(Gone);
        }
        let here = left.min(SLICE_UNITS);
        left -= here;
        let last = left == 0;
        match slice(&mut Budget::new(here), last) {
            Some(answer) => return Ok(answer),
            None if last => return Err(Gone),
            None => std::thread::yield_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{RwLock, mpsc};

    use super::*;

    #[test]
    fn appends_go_on_while_a_long_question_runs_and_a_caller_who_leaves_ends_it() {
        let ledger = RwLock::new(0_u64);
        let caller = Caller::default();
        let gone = caller.gone();
        let (appended, met) = mpsc::channel();
        std::thread::scope(|scope| {
            // A question without an end: only the caller can stop it.
            let question = scope.spawn(|| {
                let mut seen = Vec::new();
                let ended = work(u64::MAX, &gone, |budget, _| {
                    let entries = ledger.read().expect("no panic");
                    while budget.spend(1) {}
                    seen.push(*entries);
                    None::<()>
                });
                (ended, seen)
            });
            scope.spawn(|| {
                for _ in 0..100 {
                    *ledger.write().expect("no panic") += 1;
                }
                appended.send(()).expect("somebody waits");
            });
            // All hundred were appended while the question had not ended.
            met.recv().expect("appended");
            assert!(!question.is_finished());
            drop(caller);
            let (ended, seen) = question.join().expect("no panic");
            assert_eq!(ended, Err(Gone));
            assert!(seen.is_sorted() && !seen.is_empty());
        });
        assert_eq!(ledger.into_inner().expect("no panic"), 100);
    }

    #[test]
    fn the_units_are_shared_out_and_the_last_slice_must_answer() {
        let (mut shares, mut lasts) = (Vec::new(), Vec::new());
        let answer = work(2 * SLICE_UNITS + 7, &AtomicBool::new(false), |budget, last| {
            shares.push(budget.left());
            lasts.push(last);
            last.then_some("cut short")
        });
        assert_eq!(answer, Ok("cut short"));
        assert_eq!(shares, [SLICE_UNITS, SLICE_UNITS, 7]);
        assert_eq!(lasts, [false, false, true]);
        let nothing = work(0, &AtomicBool::new(false), |budget, last| last.then_some(budget.left()));
        assert_eq!(nothing, Ok(0));
        assert_eq!(work(9, &AtomicBool::new(true), |_, _| Some(())), Err(Gone), "nobody waits");
    }
}
