//! What a node's pool holds for a parent that is on its way: how much, how long, and what becomes of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ore_custody::{Reason, Rejection, Rule, Subject};
use ore_node::{
    admission::{Allowance, Answer},
    outcome::{Outcome, Place},
    pool::{Batch, Checked, Missing, Patience, Pool, Reply},
};
use ore_record::{RecordId, SignedRecord, VerifiedRecord};
use tokio::{sync::oneshot, time::Instant};

use crate::world::{self, START_MS};

const WAIT: Duration = Duration::from_secs(3);

/// A pool of one of several nodes, and the room that its records take.
struct Desk {
    pool: Pool,
    room: Allowance,
}

impl Desk {
    fn new(patience: Patience) -> Self {
        let pool = Pool::default();
        pool.share();
        pool.set_patience(patience);
        Self { pool, room: Allowance::new(100, 1 << 20) }
    }

    /// Holds a batch of records, of which each lacks its parent.
    fn hold(&self, records: &[(&SignedRecord, RecordId)]) -> Answer {
        let (batch, answer) = self.batch(records);
        self.pool.hold(vec![batch]);
        answer
    }

    fn batch(&self, records: &[(&SignedRecord, RecordId)]) -> (Batch, Answer) {
        let (sender, answer) = oneshot::channel();
        let checked = |record: &SignedRecord| Checked::Verified {
            record: Arc::new(verified(record)),
            entry: record.entry().into(),
        };
        let bytes = records.iter().map(|(record, _)| record.entry().len()).sum();
        let room = self.room.try_room(records.len(), bytes).expect("there is room");
        let list = records.iter().map(|(record, _)| checked(record)).collect();
        let mut batch = Batch::new(list, bytes, Reply { sender, room }, false);
        for (place, (_, parent)) in records.iter().enumerate() {
            batch.missing.insert(place, missing(*parent));
        }
        (batch, answer)
    }
}

fn verified(record: &SignedRecord) -> VerifiedRecord {
    record.clone().verify().expect("signed a moment ago")
}

fn missing(parent: RecordId) -> Missing {
    let rejection = Rejection {
        rule: Rule::A1,
        reason: Reason::UnknownLot,
        message: "no record creates lot \"mine/M1\"".into(),
        next_step: String::new(),
        subject: Subject::Lot("mine/M1".into()),
        newest_head: None,
        dependents: Vec::new(),
    };
    Missing { parent, rejection: rejection.into() }
}

/// A record that others build on.
fn made(number: u64) -> SignedRecord {
    world::commission("mine", number, START_MS).1
}

/// The `number`th that builds on it.
fn child(parent: &SignedRecord, number: u64) -> SignedRecord {
    world::lose("mine", "mine/L1", parent.id(), number, START_MS)
}

fn refusal(outcome: &Outcome) -> &Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

fn place_of(record: &SignedRecord) -> (RecordId, Place) {
    (record.id(), Place { id: record.id(), leaf_index: 7, tree_size: 9, height: 2 })
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_parent_is_judged_again_when_that_is_decided() {
    let desk = Desk::new(Patience::default());
    let parent = made(1);
    let record = child(&parent, 1);
    let mut answer = desk.hold(&[(&record, parent.id())]);
    assert_eq!((desk.pool.held(), desk.pool.len()), (1, 0));
    let stranger = made(2);
    desk.pool.settle(&HashMap::from([place_of(&stranger)]), true);
    assert_eq!(desk.pool.held(), 1, "another record is no parent");
    desk.pool.settle(&HashMap::from([place_of(&parent)]), true);
    assert_eq!((desk.pool.held(), desk.pool.len()), (0, 1), "it waits for a block now");
    assert!(answer.try_recv().is_err(), "and is not answered yet");
    assert_eq!(desk.pool.next_deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn at_its_deadline_it_is_refused_and_told_which_parent_is_missing() {
    let desk = Desk::new(Patience { wait: WAIT, ..Patience::default() });
    let parent = made(1);
    let record = child(&parent, 1);
    let began = Instant::now();
    let mut answer = desk.hold(&[(&record, parent.id())]);
    tokio::time::sleep(WAIT - Duration::from_millis(1)).await;
    assert_eq!(desk.pool.refuse_overdue(), 0);
    let deadline = desk.pool.next_deadline().expect("it waits");
    assert_eq!(deadline, began + WAIT);
    tokio::time::sleep_until(deadline).await;
    assert_eq!(desk.pool.refuse_overdue(), 1);
    let outcomes = answer.try_recv().expect("answered");
    let refusal = refusal(&outcomes[0]);
    assert_eq!(refusal.reason, Reason::UnknownLot, "the reason stays the rules'");
    let parent = parent.id().to_string();
    assert!(refusal.message.contains(&parent) && refusal.message.contains("within 3 s"), "{refusal}");
    assert!(refusal.next_step.contains(&parent), "{}", refusal.next_step);
    assert_eq!((desk.pool.held(), desk.pool.len()), (0, 0));
    assert!(desk.room.try_room(100, 0).is_some(), "its room is given back");
}

/// Being judged again does not begin the wait anew: nobody keeps a record waiting by sending parents one by one.
#[tokio::test(start_paused = true)]
async fn the_wait_is_one_wait_however_often_it_is_judged() {
    let desk = Desk::new(Patience { wait: WAIT, ..Patience::default() });
    let (first, second) = (made(1), made(2));
    let record = child(&first, 1);
    let (batch, mut answer) = desk.batch(&[(&record, first.id())]);
    desk.pool.hold(vec![batch]);
    tokio::time::sleep(WAIT / 2).await;
    desk.pool.settle(&HashMap::from([place_of(&first)]), true);
    // The sequencer takes it, finds another parent missing, and holds it again.
    let mut batches = desk.pool.take(10, 1 << 20);
    batches[0].missing.insert(0, missing(second.id()));
    desk.pool.hold(batches);
    tokio::time::sleep(WAIT / 2).await;
    assert_eq!(desk.pool.refuse_overdue(), 1);
    assert!(refusal(&answer.try_recv().expect("answered")[0]).message.contains(&second.id().to_string()));
}

#[tokio::test(start_paused = true)]
async fn one_author_has_room_for_so_many_records_and_takes_nobody_elses() {
    let desk = Desk::new(Patience { wait: WAIT, records: 3, bytes: 1 << 20 });
    let parent = made(1);
    let records: Vec<_> = (0..5).map(|number| child(&parent, number)).collect();
    let mut answers: Vec<_> = records.iter().map(|record| desk.hold(&[(record, parent.id())])).collect();
    assert_eq!(desk.pool.held(), 3);
    for answer in &mut answers[3..] {
        let outcomes = answer.try_recv().expect("answered at once");
        let message = &refusal(&outcomes[0]).message;
        assert!(
            message.contains("enough records of this author") && message.contains(&parent.id().to_string())
        );
    }
    let other = world::lose("smelter", "mine/L1", parent.id(), 9, START_MS);
    let _waits = desk.hold(&[(&other, parent.id())]);
    assert_eq!(desk.pool.held(), 4, "another author has room of its own");
    // Room is given back one by one.
    desk.pool.settle(&HashMap::from([place_of(&records[0])]), true);
    assert!(
        matches!(answers[0].try_recv().expect("answered")[0], Outcome::Accepted(_)),
        "it got in elsewhere"
    );
    let _waits_too = desk.hold(&[(&child(&parent, 6), parent.id())]);
    assert_eq!(desk.pool.held(), 4);
}

/// Else whoever names parents that never come would fill the memory, and the record could not be passed on again.
#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_remembered() {
    let desk = Desk::new(Patience { wait: WAIT, records: 1, bytes: 1 << 20 });
    let parent = made(1);
    let (late, too_many) = (child(&parent, 1), child(&parent, 2));
    let entries = [late.entry().into(), too_many.entry().into()];
    let known = |desk: &Desk| desk.pool.known(&entries).iter().filter(|known| known.is_some()).count();
    for (ticket, record) in [&late, &too_many].into_iter().enumerate() {
        let (batch, _answer) = desk.batch(&[(record, parent.id())]);
        desk.pool.put(ticket as u64, vec![batch]);
        desk.pool.hold(desk.pool.take(1, 1 << 20));
    }
    assert_eq!((known(&desk), desk.pool.held()), (1, 1), "the second had no room");
    tokio::time::sleep(WAIT).await;
    assert_eq!(desk.pool.refuse_overdue(), 1);
    assert_eq!(known(&desk), 0);
}

#[tokio::test(start_paused = true)]
async fn one_author_has_room_for_so_many_bytes() {
    let parent = made(1);
    let (one, other) = (child(&parent, 1), child(&parent, 2));
    let bytes = one.entry().len() + other.entry().len() - 1;
    let desk = Desk::new(Patience { wait: WAIT, records: 10, bytes });
    let _waits = desk.hold(&[(&one, parent.id())]);
    let mut answer = desk.hold(&[(&other, parent.id())]);
    assert_eq!(desk.pool.held(), 1);
    assert!(matches!(answer.try_recv().expect("answered at once")[0], Outcome::Rejected(_)));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_as_one_when_its_last_record_is() {
    let desk = Desk::new(Patience { wait: WAIT, ..Patience::default() });
    let (first, second) = (made(1), made(2));
    let (one, other) = (child(&first, 1), child(&second, 2));
    let mut answer = desk.hold(&[(&one, first.id()), (&other, second.id())]);
    assert_eq!(desk.pool.held(), 2);
    // Somebody else's block has the first record with its parent.
    desk.pool.settle(&HashMap::from([place_of(&one)]), true);
    assert_eq!(desk.pool.held(), 1);
    assert!(answer.try_recv().is_err());
    tokio::time::sleep(WAIT).await;
    desk.pool.refuse_overdue();
    let outcomes = answer.try_recv().expect("answered");
    assert!(matches!(outcomes[..], [Outcome::Accepted(_), Outcome::Rejected(_)]), "{outcomes:?}");
}
