//! What is held while lines are gathered, each with its bound.

use std::collections::BTreeMap;

use ore_checkpoint::{Checkpoint, SignedCheckpoint};
use ore_merkle::{ConsistencyProof, RootHash, TreeSize};
use ore_store::Reader;

use super::panel::Lines;

/// Most notes about longer trees that are kept of one member.
const MAX_EARLY: usize = 8;

/// The durable log, as gathering needs it. Tests have one without a disk.
pub trait Log {
    /// Entries.
    fn size(&self) -> u64;
    /// Root at a size; `None` when the log is shorter.
    fn root_at(&self, size: u64) -> Option<RootHash>;
    /// Height of the block that ends there.
    fn block_ending_at(&self, size: u64) -> Option<u64>;
    /// Size at the end of a block.
    fn end_of_block(&self, height: u64) -> Option<u64>;
    /// Evidence that one size continues the other.
    fn prove_consistency(&self, first: TreeSize, second: TreeSize) -> Option<ConsistencyProof>;
    /// Its size, when these validators vouch for nothing after it: others decide what follows.
    fn end(&self) -> Option<u64> {
        None
    }
}

impl Log for Reader {
    fn size(&self) -> u64 {
        Self::size(self).get()
    }

    fn root_at(&self, size: u64) -> Option<RootHash> {
        Self::root_at(self, TreeSize::new(size))
    }

    fn block_ending_at(&self, size: u64) -> Option<u64> {
        let height = self.height_of(size.checked_sub(1)?)?;
        (self.end_of_block(height) == Some(TreeSize::new(size))).then_some(height)
    }

    fn end_of_block(&self, height: u64) -> Option<u64> {
        Self::end_of_block(self, height).map(TreeSize::get)
    }

    fn prove_consistency(&self, first: TreeSize, second: TreeSize) -> Option<ConsistencyProof> {
        Self::prove_consistency(self, first, second).ok()
    }
}

/// A size of our own log, and who vouches for it.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) checkpoint: Checkpoint,
    pub(super) lines: Lines,
    /// This node has signed it.
    pub(super) ours: bool,
}

impl Open {
    pub(super) const fn new(checkpoint: Checkpoint, lines: Lines) -> Self {
        Self { checkpoint, lines, ours: false }
    }
}

/// Notes about trees longer than our log, the newest few of each member; verified, not yet judged.
#[derive(Debug, Default)]
pub(super) struct Early(BTreeMap<String, BTreeMap<u64, SignedCheckpoint>>);

impl Early {
    pub(super) fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }

    /// Keeps a note. Gives back the other one when the member has shown two roots for this size.
    pub(super) fn keep(&mut self, member: &str, note: SignedCheckpoint) -> Option<SignedCheckpoint> {
        let notes = self.0.entry(member.to_owned()).or_default();
        let size = note.unverified().size().get();
        match notes.get(&size) {
            Some(known) if known.unverified() != note.unverified() => return Some(known.clone()),
            Some(_) => {}
            None => {
                notes.insert(size, note);
            }
        }
        while notes.len() > MAX_EARLY {
            notes.pop_first();
        }
        None
    }

    /// Takes out what a log of this size can judge.
    pub(super) fn take_up_to(&mut self, size: u64) -> Vec<SignedCheckpoint> {
        let mut ready = Vec::new();
        for notes in self.0.values_mut() {
            let later = notes.split_off(&(size + 1));
            ready.extend(std::mem::replace(notes, later).into_values());
        }
        ready
    }
}
