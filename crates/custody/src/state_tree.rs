//! The two trees under the state root: one leaf a lot, one leaf an entry of the roster.
//!
//! A leaf is the canonical encoding of `LotState` or `RosterState` (`bundle.proto`). A head proof
//! shows the newest state of one lot; a missing correction, recall or disposal would show too.
//!
//! Of the lots' tree only what lies above groups of four is kept; the leaves of a group are hashed again when one of
//! them changes or is to be proven.

use alloc::{string::ToString, vec::Vec};

use ore_merkle::{
    DenseTree, InclusionProof, LeafHash, LeafIndex, NodeHash, RootHash, TreeSize,
    groups::{group_root, node_in_group},
    hash_leaf, nodes, root_from_inclusion,
};
use ore_record::{state, v1};

use crate::{
    codec::varint,
    lot::{Place, Standing},
    state::Custody,
};

/// Levels below the root of a group of lots.
pub(crate) const GROUP_HEIGHT: u8 = 2;
/// Lots in a group.
pub(crate) const GROUP_WIDTH: usize = 1 << GROUP_HEIGHT;

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
        let (index, size) = (LeafIndex::new(ordinal.into()), self.head_size());
        let mut leaf = Vec::with_capacity(160);
        self.write_lot_leaf(ordinal, &mut leaf)?;
        Some(HeadProof {
            ordinal: ordinal.into(),
            leaf,
            path: nodes::prove_inclusion(index, size, |level, index| self.head_node(level, index)).ok()?,
            head_tree_size: size.get(),
            head_root,
            roster_root,
        })
    }

    /// Root of the head tree, as of the last [`Custody::state_root`].
    pub fn head_root(&mut self) -> RootHash {
        self.head_tree.root()
    }

    /// The same without hashing anything; `None` when lots were taken back since.
    #[must_use]
    pub fn hashed_head_root(&self) -> Option<RootHash> {
        self.head_tree.hashed_root().ok()
    }

    /// Leaves of the head tree: one a lot.
    #[must_use]
    pub const fn head_size(&self) -> TreeSize {
        TreeSize::new(self.lots.len() as u64)
    }

    /// Node of a complete subtree of the head tree, as of the last [`Custody::state_root`]: what a proof for many lots
    /// is made of. `None` when the lots under it have changed since.
    #[must_use]
    pub fn head_node(&self, level: u8, index: u64) -> Option<NodeHash> {
        let complete = index.checked_add(1)?.checked_mul(1_u64.checked_shl(level.into())?)?;
        if complete > self.lots.len() as u64 {
            return None;
        }
        if level >= GROUP_HEIGHT {
            return self.head_tree.node(level - GROUP_HEIGHT, index);
        }
        let below = GROUP_HEIGHT - level;
        let group = u32::try_from(index >> below).ok()?;
        let (leaves, count) = self.leaves_of(group);
        let kept = self.head_tree.leaf(LeafIndex::new(group.into()))?;
        let root = group_root(&leaves[..count])?;
        (kept == above_group(root)).then_some(())?;
        node_in_group(&leaves[..count], level, (index & ((1 << below) - 1)) as usize)
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

    /// Canonical `LotState`, written in one pass: this runs for every lot of every block. A test compares it with the
    /// general encoder. `None` when there is no such lot.
    pub(crate) fn write_lot_leaf(&self, ordinal: u32, out: &mut Vec<u8>) -> Option<()> {
        let glimpse = self.lots.glimpse(ordinal)?;
        self.write_leaf(glimpse.prefix.as_bytes(), glimpse.number, &glimpse.standing, out);
        Some(())
    }

    /// The leaf of a lot whose id is `prefix` and `number`.
    pub(crate) fn write_leaf(&self, prefix: &[u8], number: &[u8], standing: &Standing, out: &mut Vec<u8>) {
        let head = self.records.id_at(standing.head);
        put_bytes(out, 1, [prefix, number]);
        put_bytes(out, 2, [head.as_ref().map_or(&[], |id| id.as_bytes()), &[]]);
        put_bytes(out, 3, [self.member_id(standing.custodian).as_bytes(), &[]]);
        put_bytes(out, 4, [self.member_id(standing.owner).as_bytes(), &[]]);
        put_number(out, 5, standing.status() as u64);
        put_number(out, 6, standing.remaining_mg);
    }

    /// Hashes of the leaves of a group, and how many there are.
    fn leaves_of(&self, group: u32) -> ([LeafHash; GROUP_WIDTH], usize) {
        let mut leaves = [LeafHash::from_bytes([0; 32]); GROUP_WIDTH];
        let (mut bytes, mut count) = (Vec::with_capacity(256), 0);
        let first = u64::from(group) << GROUP_HEIGHT;
        for (ordinal, leaf) in (first..).zip(&mut leaves) {
            bytes.clear();
            let written = u32::try_from(ordinal).ok().and_then(|it| self.write_lot_leaf(it, &mut bytes));
            if written.is_none() {
                break;
            }
            *leaf = hash_leaf(&bytes);
            count += 1;
        }
        (leaves, count)
    }

    /// After the last lot was taken back: its group is another, or gone.
    pub(crate) fn forget_last_leaf(&mut self) {
        let lots = self.lots.len();
        self.head_tree.truncate(TreeSize::new(lots.div_ceil(GROUP_WIDTH) as u64));
        if !lots.is_multiple_of(GROUP_WIDTH) {
            self.mark_lot(lots as u32 - 1);
        }
    }

    pub(crate) fn mark_lot(&mut self, ordinal: u32) {
        mark(&mut self.dirty_lots, ordinal, self.lots.len());
    }

    pub(crate) fn mark_roster(&mut self, place: Place) {
        mark(&mut self.dirty_roster, place, self.roster.len());
    }

    /// Gives every group of lots and every entry that is stale its hash. Inner nodes wait for the root.
    fn rehash(&mut self) {
        let mut stale = core::mem::take(&mut self.dirty_lots);
        let mut tree = core::mem::take(&mut self.head_tree);
        stale.iter_mut().for_each(|lot| *lot >>= GROUP_HEIGHT);
        refresh(&mut stale, &mut tree, |group| {
            let (leaves, count) = self.leaves_of(group);
            group_root(&leaves[..count]).map(above_group)
        });
        (self.dirty_lots, self.head_tree) = (stale, tree);
        let mut stale = core::mem::take(&mut self.dirty_roster);
        let mut tree = core::mem::take(&mut self.roster_tree);
        refresh(&mut stale, &mut tree, |place| Some(hash_leaf(&self.roster.get(place as usize)?.leaf())));
        (self.dirty_roster, self.roster_tree) = (stale, tree);
    }
}

/// The root of a group, as a leaf of the tree above the groups.
pub(crate) fn above_group(root: NodeHash) -> LeafHash {
    LeafHash::from_bytes(root.to_bytes())
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

/// Protobuf, length-delimited, of two parts; a default is left out.
fn put_bytes(out: &mut Vec<u8>, field: u8, [first, second]: [&[u8]; 2]) {
    if first.is_empty() && second.is_empty() {
        return;
    }
    out.push(field << 3 | 2);
    varint(out, (first.len() + second.len()) as u64);
    out.extend_from_slice(first);
    out.extend_from_slice(second);
}

/// Protobuf, varint; a default is left out.
fn put_number(out: &mut Vec<u8>, field: u8, number: u64) {
    if number != 0 {
        out.push(field << 3);
        varint(out, number);
    }
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
