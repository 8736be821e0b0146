//! Batches whose records wait for a parent that is still on its way: handed in a moment ago, perhaps at another node.
//!
//! A matter of this node's courtesy and of nothing else: what enters the ledger is decided in the order of the log, by
//! all validators alike. Each author has room for so many records and bytes, each batch waits so long and no longer,
//! and whoever is refused is told which parent was missing.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use ore_custody::{Custody, Reason, Rejection, Subject};
use ore_record::{RecordId, VerifiedRecord, draft::heads_mut};
use tokio::time::Instant;

use super::{Batch, Checked};
use crate::outcome::Outcome;

/// Why a record is refused at once.
const ENOUGH: &str = "is not in this ledger, and enough records of this author wait for theirs already";

/// How long, and how much of one author.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the moment that a parent was found missing until the record is refused.
    pub wait: Duration,
    /// Most records of one author that wait.
    pub records: usize,
    /// Most bytes of one author's entries that wait.
    pub bytes: usize,
}

impl Default for Patience {
    /// Three seconds: a second until what was lost between nodes is said again, and two dead proposers' timeouts.
    fn default() -> Self {
        Self { wait: Duration::from_secs(3), records: 1_024, bytes: 1 << 20 }
    }
}

/// A refusal that may pass: the record names a parent that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The parent.
    pub parent: RecordId,
    /// What the rules say as long as it is missing.
    pub rejection: Box<Rejection>,
}

impl Missing {
    /// Of a refused record, if what it lacks is a record that is not in the ledger.
    ///
    /// # Errors
    /// The rejection as it was: no parent that may come would change it.
    pub fn of(
        record: &VerifiedRecord,
        rejection: Box<Rejection>,
        custody: &Custody,
    ) -> Result<Self, Box<Rejection>> {
        let parent = match (&rejection.reason, &rejection.subject) {
            (Reason::UnknownRecord, Subject::Record(id)) => Some(*id),
            (Reason::UnknownLot | Reason::StaleHead, Subject::Lot(lot)) => head_named(record, lot),
            _ => None,
        };
        match parent.filter(|parent| custody.leaf_of(parent).is_none()) {
            Some(parent) => Ok(Self { parent, rejection }),
            None => Err(rejection),
        }
    }

    /// The refusal of a record, with the parent's name and why it is waited for no more.
    fn refused(mut self, record: &VerifiedRecord, why: &str) -> Outcome {
        tracing::debug!(record = %record.id(), rule = %self.rejection.rule, "record refused");
        let Self { parent, rejection } = &mut self;
        rejection.message = format!("{}; its parent, record {parent}, {why}", rejection.message);
        rejection.next_step =
            format!("hand in record {parent} first, or correct the head, then hand in this one again");
        Outcome::Rejected(self.rejection)
    }
}

/// The record that this one takes for the newest of a lot.
fn head_named(record: &VerifiedRecord, lot: &str) -> Option<RecordId> {
    let mut record = record.record().clone();
    let named = heads_mut(&mut record).into_iter().find(|reference| reference.lot == lot)?;
    RecordId::try_from(named.head.as_slice()).ok()
}

/// What one author has waiting.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    records: usize,
    bytes: usize,
}

/// Batches that wait for parents, the longest waiting first.
#[derive(Debug, Default)]
pub(super) struct Held {
    patience: Patience,
    waiting: VecDeque<(Instant, Batch)>,
    by_author: HashMap<String, Taken>,
}

impl Held {
    /// With other bounds.
    pub(super) fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Records that wait.
    pub(super) fn records(&self) -> usize {
        self.waiting.iter().map(|(_, batch)| batch.missing.len()).sum()
    }

    /// Keeps a batch whose unsettled records all miss a parent. What its author has no room for is refused at once; if
    /// nothing is left to wait for, the batch is given back. Entries of what was refused are added to `gone`.
    pub(super) fn keep(&mut self, mut batch: Batch, now: Instant, gone: &mut Vec<Bytes>) -> Option<Batch> {
        let until = *batch.held_until.get_or_insert(now + self.patience.wait);
        let (patience, too_late) = (self.patience, self.too_late());
        for (place, missing) in std::mem::take(&mut batch.missing) {
            let Some(Checked::Verified { record, entry }) = batch.records.get(place) else { continue };
            let taken = self.by_author.entry(record.record().author.clone()).or_default();
            let full = taken.records >= patience.records || taken.bytes + entry.len() > patience.bytes;
            if until <= now || full {
                let why = if full { ENOUGH } else { &too_late };
                gone.push(entry.clone());
                batch.records[place] = Checked::Settled(missing.refused(record, why));
            } else {
                *taken = Taken { records: taken.records + 1, bytes: taken.bytes + entry.len() };
                batch.missing.insert(place, missing);
            }
        }
        self.by_author.retain(|_, taken| taken.records > 0);
        if batch.missing.is_empty() {
            return Some(batch);
        }
        // Mostly at the end: only a batch that waited before has less time left than the newest.
        let place = self.waiting.partition_point(|(other, _)| *other <= until);
        self.waiting.insert(place, (until, batch));
        None
    }

    fn too_late(&self) -> String {
        format!("has not come within {} s", self.patience.wait.as_secs_f32())
    }

    /// When the next one has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(until, _)| *until)
    }

    /// Batches of which somebody's parent is among these, or for which everything is settled by them; to be judged
    /// again.
    pub(super) fn release(
        &mut self,
        mut settle: impl FnMut(&mut Batch),
        arrived: impl Fn(&RecordId) -> bool,
    ) -> Vec<Batch> {
        let mut released = Vec::new();
        for (until, mut batch) in std::mem::take(&mut self.waiting) {
            let before = counted(&batch);
            settle(&mut batch);
            let comes = batch.missing.values().any(|missing| arrived(&missing.parent));
            batch.missing.retain(|place, _| matches!(batch.records[*place], Checked::Verified { .. }));
            if comes || batch.missing.is_empty() {
                self.give_back(before);
                batch.missing.clear();
                released.push(batch);
            } else {
                self.give_back(before);
                self.count(&batch);
                self.waiting.push_back((until, batch));
            }
        }
        released
    }

    /// Batches that have waited long enough, their records refused; the entries of those are added to `gone`.
    pub(super) fn expire(&mut self, now: Instant, gone: &mut Vec<Bytes>) -> Vec<Batch> {
        let mut expired = Vec::new();
        while self.next_deadline().is_some_and(|until| until <= now) {
            let Some((_, mut batch)) = self.waiting.pop_front() else { break };
            self.give_back(counted(&batch));
            for (place, missing) in std::mem::take(&mut batch.missing) {
                let Some(Checked::Verified { record, entry }) = batch.records.get(place) else { continue };
                gone.push(entry.clone());
                batch.records[place] = Checked::Settled(missing.refused(record, &self.too_late()));
            }
            expired.push(batch);
        }
        expired
    }

    fn count(&mut self, batch: &Batch) {
        for (author, bytes) in counted(batch) {
            let taken = self.by_author.entry(author).or_default();
            *taken = Taken { records: taken.records + 1, bytes: taken.bytes + bytes };
        }
    }

    fn give_back(&mut self, counted: Vec<(String, usize)>) {
        for (author, bytes) in counted {
            let Some(taken) = self.by_author.get_mut(&author) else { continue };
            taken.records = taken.records.saturating_sub(1);
            taken.bytes = taken.bytes.saturating_sub(bytes);
            if taken.records == 0 {
                self.by_author.remove(&author);
            }
        }
    }
}

/// Author and bytes of each record that waits.
fn counted(batch: &Batch) -> Vec<(String, usize)> {
    let records = batch.missing.keys().filter_map(|place| match batch.records.get(*place)? {
        Checked::Verified { record, entry } => Some((record.record().author.clone(), entry.len())),
        Checked::Malformed { .. } | Checked::Settled(_) => None,
    });
    records.collect()
}
