//! Members' programs: they submit, wait for the answer, and try another node when none comes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use ore_custody::Reason;
use ore_node::outcome::{Outcome, Place};
use ore_record::{
    RecordId, SignedRecord,
    v1::{self, record::Event},
};
use tokio::time::Instant;

use crate::{
    cluster::{Door, Doors, now_ms},
    dice::Dice,
    world,
};

/// How long a program waits for an answer before it asks another node.
const PATIENCE: Duration = Duration::from_secs(4);

/// Something a node said yes to.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    pub(crate) place: Place,
    pub(crate) entry: Bytes,
    /// Who said so.
    pub(crate) by: usize,
    /// Newest height anywhere when an honest member was first asked after everything was healed; `None`: it was in
    /// before.
    pub(crate) asked_at: Option<u64>,
}

/// What all programs know together.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) acks: Vec<Ack>,
    /// Submitted and not answered yet.
    pub(crate) open: Vec<RecordId>,
    /// Answers that no honest node may give.
    pub(crate) wrong: Vec<String>,
    pub(crate) rejected: u64,
    pub(crate) retries: u64,
}

/// One member's program.
pub(crate) struct Client {
    pub(crate) member: String,
    pub(crate) number: u64,
    pub(crate) records: u64,
    /// Between two submissions at most, milliseconds.
    pub(crate) pause_ms: u64,
    pub(crate) dice: Dice,
    pub(crate) doors: Doors,
    pub(crate) known: Arc<Mutex<Known>>,
    pub(crate) began: Instant,
    /// Members that never lie.
    pub(crate) honest: Vec<usize>,
    pub(crate) healed: Arc<AtomicBool>,
}

/// Newest height that any running node has.
pub(crate) fn newest(doors: &Doors) -> u64 {
    let doors = doors.lock().expect("nothing panics there");
    doors.values().map(|door| door.ledger.newest.borrow().height).max().unwrap_or(0)
}

impl Client {
    pub(crate) async fn work(mut self) {
        let mut made = 0;
        while made < self.records {
            tokio::time::sleep(Duration::from_millis(self.dice.below(self.pause_ms.max(1)))).await;
            let number = self.number * 10_000 + made;
            let (lot, record) = world::commission(&self.member, number, now_ms(self.began));
            let head = record.id();
            self.submit(record, false).await;
            made += 1;
            let time = now_ms(self.began);
            let loss = |n: u64| world::lose(&self.member, &lot, head, number * 10 + n, time);
            match self.dice.below(10) {
                0..=3 => {
                    let record = loss(0);
                    self.submit(record, false).await;
                    made += 1;
                }
                // Two records that exclude each other, at two nodes at once.
                4 | 5 => {
                    let (one, other) = (loss(1), loss(2));
                    let mut second = self.beside();
                    tokio::join!(self.submit(one, true), second.submit(other, true));
                    made += 2;
                }
                _ => {}
            }
        }
    }

    /// The first member proposes, the others approve until it is in force.
    pub(crate) async fn vote(mut self, at_ms: u64, members: Vec<String>, change: Event) {
        tokio::time::sleep_until(self.began + Duration::from_millis(at_ms)).await;
        let proposal = world::ballot(&members[0], 0, now_ms(self.began), change);
        let approve = Event::Approve(v1::Approve { proposal: proposal.id().as_bytes().to_vec() });
        self.submit(proposal, false).await;
        for (number, member) in (1..).zip(&members[1..]) {
            let approval = world::ballot(member, number, now_ms(self.began), approve.clone());
            self.submit(approval, true).await;
        }
    }

    fn beside(&mut self) -> Self {
        Self {
            member: self.member.clone(),
            number: self.number,
            records: 0,
            pause_ms: 0,
            dice: Dice::new(self.dice.roll()),
            doors: Arc::clone(&self.doors),
            known: Arc::clone(&self.known),
            began: self.began,
            honest: self.honest.clone(),
            healed: Arc::clone(&self.healed),
        }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics there")
    }

    /// Until some node says yes, or no for a reason.
    async fn submit(&mut self, record: SignedRecord, contested: bool) {
        let (id, entry) = (record.id(), Bytes::from(record.entry()));
        let mut asked_at = None;
        self.known().open.push(id);
        loop {
            let Some((by, door)) = self.door() else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            if self.healed.load(Ordering::Relaxed) && self.honest.contains(&by) && asked_at.is_none() {
                asked_at = Some(newest(&self.doors));
            }
            match ask(door, &entry).await {
                Some(Outcome::Accepted(place) | Outcome::AlreadyThere(place)) => {
                    self.known().acks.push(Ack { place, entry, by, asked_at });
                    break;
                }
                Some(Outcome::Rejected(rejection))
                    if contested && rejection.reason != Reason::UnknownRecord =>
                {
                    self.known().rejected += 1;
                    break;
                }
                // What it builds on came into being a moment ago at another node, and this one has not heard of that
                // block yet.
                Some(Outcome::Rejected(rejection))
                    if matches!(
                        rejection.reason,
                        Reason::UnknownLot | Reason::StaleHead | Reason::UnknownRecord
                    ) =>
                {
                    self.known().retries += 1;
                    tokio::time::sleep(Duration::from_millis(self.dice.between(50, 300))).await;
                }
                Some(Outcome::NotTaken(_)) | None => {
                    self.known().retries += 1;
                    tokio::time::sleep(Duration::from_millis(self.dice.between(50, 300))).await;
                }
                Some(other) => {
                    self.known().wrong.push(format!("record {id} of {}: {other:?}", self.member));
                    break;
                }
            }
        }
        self.known().open.retain(|open| *open != id);
    }

    fn door(&mut self) -> Option<(usize, Door)> {
        let doors = self.doors.lock().expect("nothing panics there");
        let doors: Vec<_> = doors.iter().collect();
        let (process, door) = if doors.is_empty() { return None } else { self.dice.pick(&doors) };
        Some((**process, (*door).clone()))
    }
}

async fn ask(door: Door, entry: &Bytes) -> Option<Outcome> {
    let room = door.admission.try_room(1, entry.len()).ok()?;
    let answer = door.admission.submit(vec![entry.clone()], room).ok()?;
    door.admission.verify_waiting();
    // A door kept open would keep the node's parts alive after its end.
    drop(door);
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()?.pop()
}
