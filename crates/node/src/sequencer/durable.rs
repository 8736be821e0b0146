//! From a decided block to one on the disk, and what is told then: validators, readers, the operator of a full disk
//! or of a ledger whose quorum broke its own rules.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use ore_consensus::{DecidedBlock, Fatal};
use ore_custody::Custody;
use ore_record::SignedRecord;
use ore_store::{ChangeFile, StoreError};
use ore_wire::v1;
use tokio::time::Instant;

use super::{Sequencer, Underway, chain, lock};
use crate::{
    block::{self, MAX_BLOCK_BYTES},
    draft::{Sealed, Tip},
    faults,
    health::Condition,
    ledger::Newest,
    neighbours::validators_known,
    outcome::NotTaken,
    terms::terms_of,
};

/// How often a full disk is tried again.
const DISK_RETRY: Duration = Duration::from_millis(500);

/// Characters of a proposer's name that are told: more than a member's name has.
const MOST_OF_A_NAME: usize = 255;

/// A proposer whose turn it was not, and those whose it was.
pub(super) struct OutOfTurn {
    proposer: String,
    turns: String,
}

impl Sequencer {
    /// Makes the block under way durable. A full disk is waited for: the block is decided and stays so.
    pub(super) async fn make_durable(
        &mut self,
        mut underway: Underway,
        certificate: &Bytes,
    ) -> Result<(), Fatal> {
        // Ends when the disk takes the block, fails otherwise, or the node stops.
        loop {
            let Underway { mut state, sealed, bytes, waiting, .. } = underway;
            let (tip, tree_size, records) = (sealed.tip(), sealed.tree_size(), sealed.entries.len() - 1);
            let feed = sealed.watch_response();
            tell_records(&sealed);
            self.keep_turnover(&sealed);
            let included = self.included(&sealed);
            let proposer = sealed.proposer.clone();
            let (block, applied) = sealed.into_committed(certificate.clone());
            let started = Instant::now();
            let result = lock(&self.store).append(block);
            match result {
                Ok(()) => {
                    self.ledger.metrics.commit.observe(started.elapsed());
                    self.deciders.advance(&state, proposer, tip.next_height());
                    self.tell_validators(&state, tip.next_height());
                    let rules = state.rules_at(tip.next_height(), self.settings.newest_rules);
                    self.advance(tip, tree_size, records, feed);
                    drop(state);
                    let height = self.tip.height.unwrap_or_default();
                    self.answer(waiting, height, tree_size);
                    if let Some((included, had_room)) = included {
                        self.pool.settle(&included, had_room);
                    }
                    // Of a block by rules that are not known here, this node could only guess: it ends before that.
                    self.rules = rules.map_err(|unknown| Fatal::new(unknown.to_string()))?;
                    self.ledger.metrics.rules.set(self.rules.version().into());
                    return Ok(());
                }
                Err(error @ StoreError::Full { .. }) => {
                    applied.undo(&mut state, &mut self.ledger.graph_mut());
                    drop(state);
                    self.refuse_while_full(&error, waiting);
                    underway = self.wait_for_space(bytes).await?;
                }
                Err(error) => return Err(Fatal::new(format!("store block: {}", chain(&error)))),
            }
        }
    }

    /// Whom a block names and whose turn it was, where that is not the same.
    pub(super) fn out_of_turn(&self, decided: &DecidedBlock, proposer: &str) -> Option<OutOfTurn> {
        let turns = self.deciders.out_of_turn(self.rules, (decided.height, decided.round), proposer)?;
        // A header may name anything; members have short names without control characters.
        let proposer = proposer.chars().filter(|c| !c.is_control()).take(MOST_OF_A_NAME).collect();
        Some(OutOfTurn { proposer, turns: turns.join(",") })
    }

    /// A block that a quorum decided is taken whomever it names: who refused it would stand still beside the others.
    /// What is wrong with it is said, and held against those who signed it.
    pub(super) fn say_out_of_turn(&self, decided: &DecidedBlock, OutOfTurn { proposer, turns }: &OutOfTurn) {
        let DecidedBlock { height, round, certificate, .. } = decided;
        let signed: Vec<&str> = certificate.signatures.iter().map(|one| one.member.as_str()).collect();
        let signatures = signed.join(",");
        tracing::warn!(
            height, round, proposer, turns, signed = %signatures,
            "a quorum decided a block of a proposer whose turn it was not; it is kept. Run `oreledger fsck` on a backup \
             of this ledger and ask the members who signed",
        );
        self.ledger.metrics.out_of_turn.add(1);
        let report = faults::out_of_turn(decided, proposer, turns, &signatures);
        for member in signed {
            self.ledger.faults.record(member, "out_of_turn", Some(report.as_bytes()));
        }
    }

    /// Keeps what shows the next validators under this block's state, which passes. Without it this node cannot show
    /// the change to others; the ledger goes on.
    fn keep_turnover(&self, sealed: &Sealed) {
        let Some(turnover) = &sealed.turnover else { return };
        let (height, bytes) = (sealed.height + 1, turnover.to_string());
        if let Err(error) = lock(&self.store).keep_change(ChangeFile::Turnover, height, bytes.as_bytes()) {
            tracing::error!(error = %chain(&error), height, "what shows the new validators cannot be kept");
        }
    }

    /// Says who decides now and soon, when that has changed.
    fn tell_validators(&mut self, state: &Custody, height: u64) {
        let newest = state.placed_validator_sets().next_back().map(|(place, _)| place);
        let sets = [newest, state.placed_validators_at(height).map(|(place, _)| place)];
        if self.told_validators != sets {
            self.told_validators = sets;
            self.ledger.terms.send_replace(Arc::new(terms_of(state)));
            self.ledger.validators.send_replace(Arc::new(validators_known(state, height)));
        }
    }

    /// Waits a little and applies the same block again.
    async fn wait_for_space(&mut self, bytes: Bytes) -> Result<Underway, Fatal> {
        tokio::time::sleep(DISK_RETRY).await;
        if self.ledger.health.condition() == Condition::Stopping {
            return Err(Fatal::new("stopped while the disk was full; nothing acknowledged is lost"));
        }
        // What arrived before the condition changed is not left waiting, nor what has waited for a parent long enough.
        self.refuse_overdue();
        for batch in self.pool.take(usize::MAX, usize::MAX) {
            self.pool.forget(&batch.records);
            batch.refuse(NotTaken::DiskFull);
        }
        let again =
            |error: &dyn std::error::Error| Fatal::new(format!("apply a decided block again: {error}"));
        let parts = block::decode(&bytes, MAX_BLOCK_BYTES).map_err(|error| again(&error))?;
        self.apply_block(&parts, bytes).await.map_err(|error| again(&error))?;
        self.underway.take().ok_or_else(|| Fatal::new("a block that was applied is gone"))
    }

    fn advance(&mut self, tip: Tip, tree_size: u64, records: usize, feed: v1::WatchResponse) {
        let metrics = &self.ledger.metrics;
        metrics.blocks.add(1);
        metrics.sequenced.add(records as u64);
        metrics.integrated_entries.set(tree_size);
        let newest = Newest { height: tip.next_height() - 1, tree_size, time_ms: tip.time_ms };
        self.tip = tip;
        self.last_block = Instant::now();
        self.ledger.newest.send_replace(newest);
        // Nobody may be watching.
        let _ = self.ledger.blocks.send(feed);
        if matches!(self.ledger.health.condition(), Condition::DiskFull | Condition::Stalled) {
            tracing::info!("blocks are stored again");
            self.ledger.health.set(Condition::Serving, "");
        }
    }
}

/// Tells each record of a block that is decided, on every node in the same words: the record's id leads through
/// all of them.
fn tell_records(sealed: &Sealed) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for (leaf_index, entry) in (sealed.first_leaf..).zip(&sealed.entries) {
        if let Ok(record) = SignedRecord::decode(entry)
            && !record.is_seal()
        {
            tracing::debug!(record = %record.id(), leaf_index, height = sealed.height, "record decided");
        }
    }
}
