//! The two trees under the state root: one leaf a lot, one leaf an entry of the roster.
//!
//! A leaf is the canonical encoding of `LotState` or `RosterState` (`bundle.proto`). A head proof
//! shows the newest state of one lot; a missing correction, recall or disposal would show too.

use alloc::{string::ToString, vec::Vec};

use ore_merkle::{DenseTree, InclusionProof, LeafIndex, RootHash, TreeSize, hash_leaf, root_from_inclusion};
use ore_record::{state, v1};

use crate::{
    lot::{Lot, Place},
    state::Custody,
};

/// Evidence of the newest state of one lot, under a state root.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadProof {
    /// Place of the lot in the order of creation.
    pub ordinal: u64,
    /// The leaf's bytes: canonical `LotState`.
    pub leaf: Vec<u8>,
    /// Path from the leaf to the head root.
    pub path: InclusionProof,
    /// Lots there are.
    pub head_tree_size: u64,
    /// Root of the head tree.
    pub head_root: RootHash,
    /// Root of the roster tree.
    pub roster_root: RootHash,
}

/// Why a head proof shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeadProof {
    /// The path does not fit its position.
    #[error("the path of lot {ordinal} does not lead anywhere: {reason}")]
    Path {
        /// Which lot.
        ordinal: u64,
        /// What is wrong with the path.
        reason: ore_merkle::InclusionError,
    },
    /// It leads to another head root.
    #[error("the path leads to head root {computed}, the proof says {stated}")]
    HeadRoot {
        /// Where it leads.
        computed: RootHash,
        /// What the proof says.
        stated: RootHash,
    },
    /// The two roots do not give the state root.
    #[error("head root and roster root do not give the state root of the seal")]
    StateRoot,
    /// The leaf is not the canonical encoding of a lot's state.
    #[error("the leaf is {0}")]
    Leaf(ore_record::canonical::NotCanonical),
}

/// Checks a head proof against the state root of a seal, and gives the lot's state.
///
/// # Errors
/// [`BadHeadProof`] names the first check that fails.
pub fn verify_head(proof: &HeadProof, state_root: &[u8; 32]) -> Result<v1::LotState, BadHeadProof> {
    let computed = root_from_inclusion(
        &hash_leaf(&proof.leaf),
        LeafIndex::new(proof.ordinal),
        TreeSize::new(proof.head_tree_size),
        &proof.path,
    )
    .map_err(|reason| BadHeadProof::Path { ordinal: proof.ordinal, reason })?;
    if computed != proof.head_root {
        return Err(BadHeadProof::HeadRoot { computed, stated: proof.head_root });
    }
    if state::state_root(proof.head_root.as_bytes(), proof.roster_root.as_bytes()) != *state_root {
        return Err(BadHeadProof::StateRoot);
    }
    ore_record::canonical::decode(&proof.leaf).map_err(BadHeadProof::Leaf)
}

impl Custody {
    /// The root over all lots and the roster: SHA-256(0x01 || head root || roster root).
    /// Hashes what changed since the last call.
    pub fn state_root(&mut self) -> [u8; 32] {
        self.rehash();
        state::state_root(self.head_tree.root().as_bytes(), self.roster_tree.root().as_bytes())
    }

    /// Evidence of a lot's newest state.
    pub fn head_proof(&mut self, lot: &str) -> Option<HeadProof> {
        let ordinal = self.lot_ordinal(lot)?;
        self.rehash();
        let (head_root, roster_root) = (self.head_tree.root(), self.roster_tree.root());
        Some(HeadProof {
            ordinal: ordinal.into(),
            leaf: self.lot_leaf(&self.lots[ordinal as usize]),
            path: self.head_tree.inclusion_proof(LeafIndex::new(ordinal.into())).ok()?,
            head_tree_size: self.head_tree.size().get(),
            head_root,
            roster_root,
        })
    }

    /// Root of the head tree, as of the last [`Custody::state_root`].
    pub fn head_root(&mut self) -> ore_merkle::RootHash {
        self.head_tree.root()
    }

    /// The head tree, as of the last [`Custody::state_root`].
    #[must_use]
    pub const fn head_tree(&self) -> &DenseTree {
        &self.head_tree
    }

    /// The roster tree, as of the last [`Custody::state_root`].
    #[must_use]
    pub const fn roster_tree(&self) -> &DenseTree {
        &self.roster_tree
    }

    /// State of a lot, as its leaf states it.
    #[must_use]
    pub fn lot_state(&self, ordinal: u32) -> Option<v1::LotState> {
        let lot = self.lot_by_ordinal(ordinal)?;
        Some(v1::LotState {
            lot: lot.id().to_string(),
            head: self.records.id_at(lot.standing.head)?.as_bytes().to_vec(),
            custodian: self.member_id(lot.standing.custodian).to_string(),
            owner: self.member_id(lot.standing.owner).to_string(),
            status: lot.status().into(),
            remaining_mg: lot.remaining_mg(),
        })
    }

    /// State of an entry of the roster, as its leaf states it.
    #[must_use]
    pub fn roster_state(&self, index: Place) -> Option<v1::RosterState> {
        Some(self.roster.get(index as usize)?.state())
    }

    /// Canonical `LotState`, written in one pass: this runs for every lot of every block. A test
    /// compares it with the general encoder.
    pub(crate) fn lot_leaf(&self, lot: &Lot) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        self.write_lot_leaf(lot, &mut out);
        out
    }

    pub(crate) fn write_lot_leaf(&self, lot: &Lot, out: &mut Vec<u8>) {
        let head = self.records.id_at(lot.standing.head);
        put_bytes(out, 1, lot.id().as_bytes());
        put_bytes(out, 2, head.as_ref().map_or(&[], |id| id.as_bytes()));
        put_bytes(out, 3, self.member_id(lot.standing.custodian).as_bytes());
        put_bytes(out, 4, self.member_id(lot.standing.owner).as_bytes());
        put_number(out, 5, lot.status() as u64);
        put_number(out, 6, lot.remaining_mg());
    }

    pub(crate) fn mark_lot(&mut self, ordinal: u32) {
        mark(&mut self.dirty_lots, ordinal, self.lots.len());
    }

    pub(crate) fn mark_roster(&mut self, place: Place) {
        mark(&mut self.dirty_roster, place, self.roster.len());
    }

    /// Gives every stale leaf its hash. Inner nodes wait for the root.
    fn rehash(&mut self) {
        let mut stale = core::mem::take(&mut self.dirty_lots);
        let mut tree = core::mem::take(&mut self.head_tree);
        let mut bytes = Vec::with_capacity(256);
        refresh(&mut stale, &mut tree, |ordinal| {
            bytes.clear();
            self.write_lot_leaf(self.lots.get(ordinal as usize)?, &mut bytes);
            Some(hash_leaf(&bytes))
        });
        (self.dirty_lots, self.head_tree) = (stale, tree);
        let mut stale = core::mem::take(&mut self.dirty_roster);
        let mut tree = core::mem::take(&mut self.roster_tree);
        refresh(&mut stale, &mut tree, |place| Some(hash_leaf(&self.roster.get(place as usize)?.leaf())));
        (self.dirty_roster, self.roster_tree) = (stale, tree);
    }
}

/// In ascending order, so that new leaves are pushed one after the other. Leaves that were undone
/// meanwhile have no content any more.
fn refresh(
    stale: &mut Vec<u32>,
    tree: &mut DenseTree,
    mut leaf: impl FnMut(u32) -> Option<ore_merkle::LeafHash>,
) {
    stale.sort_unstable();
    stale.dedup();
    for at in stale.drain(..) {
        let Some(hash) = leaf(at) else { continue };
        if tree.set(LeafIndex::new(at.into()), hash).is_err() {
            tree.push(hash);
        }
    }
}

/// Never more marks than twice the entries and a block: when they pile up, repeats are sorted out, and so are marks of
/// entries that were undone, for whoever makes them again marks them again.
fn mark(stale: &mut Vec<u32>, at: u32, entries: usize) {
    const SLACK: usize = 8192;
    if stale.len() >= 2 * entries + SLACK {
        stale.retain(|marked| (*marked as usize) < entries);
        stale.sort_unstable();
        stale.dedup();
    }
    stale.push(at);
}

/// Protobuf, length-delimited; a default is left out.
fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    out.push(field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Protobuf, varint; a default is left out.
fn put_number(out: &mut Vec<u8>, field: u8, number: u64) {
    if number != 0 {
        out.push(field << 3);
        put_varint(out, number);
    }
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::mark;

    #[test]
    fn marks_of_what_was_undone_do_not_pile_up() {
        let mut stale: Vec<u32> = (0..50_000).collect();
        for at in 0..10 {
            mark(&mut stale, at, 10);
        }
        assert!(stale.len() <= 30, "{} marks for ten entries", stale.len());
        assert!((0..10).all(|at| stale.contains(&at)));
    }
}
