//! Turns at something scarce, one caller after the other: who asks a lot waits for itself.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// A number of turns at once; callers that wait take turns, whatever each has waiting.
pub struct Fair(Mutex<State>);

struct State {
    free: usize,
    /// Callers that wait, the next one first, each with its own in order.
    waiting: VecDeque<(u64, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A turn; the next caller's begins when this is dropped.
pub struct Turn(Option<Arc<Fair>>);

impl Fair {
    /// So many at once.
    #[must_use]
    pub fn new(at_once: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { free: at_once.max(1), waiting: VecDeque::new() })))
    }

    /// Waits for a turn of this caller.
    pub async fn turn(self: &Arc<Self>, caller: u64) -> Turn {
        let waiting = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(Arc::clone(self)));
            }
            let (sender, receiver) = oneshot::channel();
            match state.waiting.iter_mut().find(|(id, _)| *id == caller) {
                Some((_, own)) => own.push_back(sender),
                None => state.waiting.push_back((caller, VecDeque::from([sender]))),
            }
            receiver
        };
        match waiting.await {
            Ok(turn) => turn,
            // The sender lives in self, which we hold: this does not happen, and would only mean one turn more.
            Err(_) => Turn(None),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next in turn; the caller goes to the end of the row.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state();
        while let Some((caller, mut own)) = state.waiting.pop_front() {
            let next = own.pop_front();
            if !own.is_empty() {
                state.waiting.push_back((caller, own));
            }
            if next.is_some() {
                return next;
            }
        }
        state.free += 1;
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(fair) = self.0.take() else { return };
        // Each round hands the turn to somebody, or passes over one who gave up.
        while let Some(next) = fair.next() {
            match next.send(Self(Some(Arc::clone(&fair)))) {
                Ok(()) => return,
                // Given back: it must not start another round from its own end.
                Err(mut unused) => unused.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_who_asks_a_hundred_times_delays_another_by_one_turn() {
        let fair = Fair::new(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = fair.turn(1).await;
        let mut tasks = tokio::task::JoinSet::new();
        for caller in std::iter::repeat_n(1, 100).chain([2]) {
            let (fair, order) = (Arc::clone(&fair), Arc::clone(&order));
            tasks.spawn(async move {
                let _turn = fair.turn(caller).await;
                order.lock().expect("no panic").push(caller);
            });
            tokio::task::yield_now().await;
        }
        drop(first);
        tasks.join_all().await;
        let order = order.lock().expect("no panic");
        assert_eq!(order.len(), 101);
        assert_eq!(order.iter().position(|caller| *caller == 2), Some(1));
    }

    #[tokio::test]
    async fn who_gives_up_takes_no_turn_with_it() {
        let fair = Fair::new(1);
        let turn = fair.turn(1).await;
        for _ in 0..3 {
            let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), fair.turn(2)).await;
            assert!(given_up.is_err());
        }
        drop(turn);
        let again = fair.turn(3).await;
        drop(again);
        assert_eq!(fair.state().free, 1);
    }
}
