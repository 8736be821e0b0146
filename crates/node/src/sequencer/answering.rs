//! What becomes of records, as those who wait are told: answers, what waits on, what is refused before its block.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use ore_record::RecordId;
use ore_store::StoreError;

use super::{Sequencer, Verdict, Waiting, chain};
use crate::{
    block::{BLOCK_RESERVE_BYTES, MAX_BLOCK_BYTES},
    draft::Sealed,
    health::Condition,
    outcome::{NotTaken, Outcome, Place},
    pool::{Batch, Checked},
};

impl Sequencer {
    /// Tells whoever waits; what lacks a parent waits on, and its batch with it.
    pub(super) fn answer(&self, waiting: Vec<Waiting>, height: u64, tree_size: u64) {
        let place = |leaf_index, id| Place { id, leaf_index, tree_size, height };
        let outcome = |verdict| match verdict {
            Verdict::Leaf(leaf, id) => Ok(Outcome::Accepted(place(leaf, id))),
            Verdict::Again(leaf, id) => Ok(Outcome::AlreadyThere(place(leaf, id))),
            Verdict::Known(outcome) => Ok(outcome),
            Verdict::Lacks(missing) => Err(missing),
        };
        let mut lacking = Vec::new();
        for Waiting { verdicts, mut batch } in waiting {
            if !verdicts.iter().any(|verdict| matches!(verdict, Verdict::Lacks(_))) {
                if self.pool.is_shared() {
                    self.pool.forget(&batch.records);
                }
                batch
                    .reply
                    .answer(verdicts.into_iter().filter_map(|verdict| outcome(verdict).ok()).collect());
                continue;
            }
            for (number, verdict) in verdicts.into_iter().enumerate() {
                match outcome(verdict) {
                    Ok(outcome) => self.settle(&mut batch, number, outcome),
                    Err(missing) => drop(batch.missing.insert(number, *missing)),
                }
            }
            lacking.push(batch);
        }
        self.ledger.metrics.rejected.add(self.pool.hold(lacking) as u64);
    }

    fn settle(&self, batch: &mut Batch, number: usize, outcome: Outcome) {
        self.pool.forget(std::slice::from_ref(&batch.records[number]));
        batch.records[number] = Checked::Settled(outcome);
    }

    /// Whoever has waited for a parent long enough is told.
    pub(super) fn refuse_overdue(&self) {
        self.ledger.metrics.rejected.add(self.pool.refuse_overdue() as u64);
    }

    /// Where the records of a block stand once it is durable, for whoever of this node's members waits for one that
    /// another node proposed; and whether the block had room for more.
    pub(super) fn included(&self, sealed: &Sealed) -> Option<(HashMap<RecordId, Place>, bool)> {
        if !self.pool.is_shared() {
            return None;
        }
        let (height, tree_size) = (sealed.height, sealed.tree_size());
        let records = sealed.ids.len().saturating_sub(1);
        let places = sealed
            .ids
            .iter()
            .take(records)
            .zip(sealed.first_leaf..)
            .map(|(id, leaf_index)| (*id, Place { id: *id, leaf_index, tree_size, height }));
        let bytes: usize = sealed.entries.iter().map(Bytes::len).sum();
        let had_room = records < self.settings.block_records / 2 && bytes < MAX_BLOCK_BYTES / 2;
        Some((places.collect(), had_room))
    }

    /// Judges what waits against the state as it is, and answers what would not get into a block now: no proposer would
    /// take it, and its submitter need not wait for this node's turn to hear that. What would get in waits on.
    pub(super) async fn sift(&mut self) {
        if self.pool.is_empty() || self.underway.is_some() {
            return;
        }
        // The last wait: whoever stops waiting here has taken nothing from the pool.
        let state = Arc::clone(&self.ledger.custody).write_owned().await;
        let mut batches = self.pool.take(self.settings.block_records, MAX_BLOCK_BYTES - BLOCK_RESERVE_BYTES);
        let (mut state, draft, waiting) = self.apply_batches(state, &mut batches);
        draft.undo(&mut state, &mut self.ledger.graph_mut());
        drop(state);
        let (mut back, mut lacking) = (Vec::new(), Vec::new());
        for Waiting { mut batch, verdicts } in waiting {
            let mut gets_in = false;
            for (number, verdict) in verdicts.into_iter().enumerate() {
                match verdict {
                    Verdict::Known(outcome) => {
                        if matches!(batch.records[number], Checked::Verified { .. }) {
                            self.settle(&mut batch, number, outcome);
                        }
                    }
                    Verdict::Lacks(missing) => drop(batch.missing.insert(number, *missing)),
                    Verdict::Leaf(..) | Verdict::Again(..) => gets_in = true,
                }
            }
            batch.passed_over = 0;
            if gets_in || batch.missing.is_empty() {
                batch.missing.clear();
                back.push(batch);
            } else {
                lacking.push(batch);
            }
        }
        self.pool.put_back(back);
        self.ledger.metrics.rejected.add(self.pool.hold(lacking) as u64);
    }

    pub(super) fn refuse_while_full(&self, error: &StoreError, waiting: Vec<Waiting>) {
        if self.ledger.health.condition() != Condition::DiskFull {
            tracing::error!(%error, "disk is full, records are refused until there is space");
        }
        self.ledger.health.set(Condition::DiskFull, &chain(error));
        for Waiting { batch, .. } in waiting {
            self.pool.forget(&batch.records);
            batch.refuse(NotTaken::DiskFull);
        }
    }
}
