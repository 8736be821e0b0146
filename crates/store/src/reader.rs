//! Reading what is durable: entries, blocks, tiles and proofs, from any thread.

use std::{
    ops::Range,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use bytes::Bytes;
use ore_merkle::{
    BundleId, ConsistencyProof, InclusionProof, LeafIndex, RootHash, TileId, TreeSize, nodes::ProveError,
};
use ore_record::{SignedRecord, v1};

use crate::{
    error::StoreError,
    frame::StoredBlock,
    header::{self, BlockId},
    log,
    positions::{Positions, read_bytes},
    tree::{self, LogTree, Taken},
};

/// Most entries that one call gives.
pub const MAX_ENTRIES: u64 = 4096;

/// Everything a reader needs; replaced in place after each durable block.
#[derive(Debug)]
pub(crate) struct Readable {
    pub(crate) positions: Positions,
    pub(crate) tree: LogTree,
    pub(crate) header: Option<v1::BlockHeader>,
    pub(crate) block_id: BlockId,
}

/// A handle for reading; cheap to clone. It sees a block once it is durable.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<RwLock<Readable>>);

impl Reader {
    pub(crate) fn get(&self) -> RwLockReadGuard<'_, Readable> {
        // A writer that panicked had not begun to change anything that a reader relies on.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what an answer needs of the tree, and answers.
    fn ask<T>(&self, groups: impl IntoIterator<Item = u64>, answer: impl FnOnce(&LogTree, &Taken) -> T) -> T {
        let taken = self.get().tree.take(groups);
        let taken = taken.read();
        let tree = &self.get().tree;
        answer(tree, &tree.believe(taken))
    }

    /// Bytes in memory of the tree over the log, and of where entries lie.
    #[must_use]
    pub fn bytes_by_kind(&self) -> [(&'static str, usize); 2] {
        let readable = self.get();
        [
            ("tree of the log", readable.tree.bytes_in_use()),
            ("positions of entries", readable.positions.bytes_in_use()),
        ]
    }

    /// Leaves that are durable.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.get().tree.size()
    }

    /// Root of the tree at a size, `None` when the log is shorter, or the stored leaf hashes cannot be read.
    #[must_use]
    pub fn root_at(&self, size: TreeSize) -> Option<RootHash> {
        self.ask([tree::border(size)], |tree, taken| tree.root_at(taken, size))
    }

    /// Header of the newest block.
    #[must_use]
    pub fn newest(&self) -> Option<(v1::BlockHeader, BlockId)> {
        let readable = self.get();
        readable.header.clone().map(|header| (header, readable.block_id))
    }

    /// One entry.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn entry(&self, leaf: u64) -> Result<Option<Bytes>, StoreError> {
        let place = self.get().positions.entry(leaf);
        place.map(|(segment, at, length)| read_bytes(&segment, at, length.into())).transpose()
    }

    /// Entries in order, at most [`MAX_ENTRIES`], fewer at the end of the log.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn entries(&self, leaves: Range<u64>) -> Result<Vec<Bytes>, StoreError> {
        let end = leaves.end.min(leaves.start.saturating_add(MAX_ENTRIES)).min(self.size().get());
        let packed = self.packed(leaves.start..end)?;
        let (mut entries, mut at) = (Vec::new(), 0);
        while let Some(prefix) = packed.get(at..at + 2) {
            let length = usize::from(u16::from_be_bytes([prefix[0], prefix[1]]));
            entries.push(packed.slice(at + 2..(at + 2 + length).min(packed.len())));
            at += 2 + length;
        }
        Ok(entries)
    }

    fn packed(&self, leaves: Range<u64>) -> Result<Bytes, StoreError> {
        let pieces = self.get().positions.pieces(leaves);
        if let [(segment, at, length)] = &pieces[..] {
            return read_bytes(segment, *at, *length);
        }
        let mut packed = Vec::with_capacity(pieces.iter().map(|(.., length)| length).sum());
        for (segment, at, length) in pieces {
            packed.extend_from_slice(&read_bytes(&segment, at, length)?);
        }
        Ok(packed.into())
    }

    /// The block of a height, its checksum verified.
    ///
    /// # Errors
    /// When the disk cannot be read, or gives other bytes than were written.
    pub fn block(&self, height: u64) -> Result<Option<StoredBlock>, StoreError> {
        let place = self.get().positions.block(height);
        place.map(|(slot, segment)| log::read_block(&segment, slot.frame, height)).transpose()
    }

    /// The header of a height.
    ///
    /// # Errors
    /// As [`Reader::block`].
    pub fn header(&self, height: u64) -> Result<Option<v1::BlockHeader>, StoreError> {
        Ok(self.block(height)?.and_then(|block| header::decode(&block.header).ok()))
    }

    /// Height of the block that holds a leaf.
    #[must_use]
    pub fn height_of(&self, leaf: u64) -> Option<u64> {
        self.get().positions.height_of(leaf)
    }

    /// Size of the tree at the end of the block of a height.
    #[must_use]
    pub fn end_of_block(&self, height: u64) -> Option<TreeSize> {
        let (slot, _) = self.get().positions.block(height)?;
        Some(TreeSize::new(slot.first_leaf + u64::from(slot.entries)))
    }

    /// Evidence that a leaf is among the first `size`.
    ///
    /// # Errors
    /// [`ProveError`] when it is not, or the log is shorter, or the stored leaf hashes cannot be read.
    pub fn prove_inclusion(&self, leaf: u64, size: TreeSize) -> Result<InclusionProof, ProveError> {
        let wanted = [tree::group_of(leaf), tree::border(size)];
        self.ask(wanted, |tree, taken| tree.prove_inclusion(taken, LeafIndex::new(leaf), size))
    }

    /// Evidence that the first `second` leaves begin with the first `first`.
    ///
    /// # Errors
    /// [`ProveError`] when the sizes are out of order, or the log is shorter, or the stored leaf hashes cannot be read.
    pub fn prove_consistency(
        &self,
        first: TreeSize,
        second: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        let before = tree::group_of(first.get().saturating_sub(1));
        let wanted = [before, tree::border(first), tree::border(second)];
        self.ask(wanted, |tree, taken| tree.prove_consistency(taken, first, second))
    }

    /// The bytes of a hash tile, full or partial; `None` when the log does not have all of it, or the stored leaf hashes
    /// cannot be read.
    #[must_use]
    pub fn tile(&self, tile: TileId) -> Option<Vec<u8>> {
        let hashes = self.ask(tree::under(tile), |tree, taken| tree.tile(taken, tile))?;
        Some(ore_merkle::tiles::print_tile(&hashes))
    }

    /// The bytes of an entries bundle, full or partial; `None` when the log does not have all of it.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub fn bundle(&self, bundle: BundleId) -> Result<Option<Bytes>, StoreError> {
        let Some(first) = bundle.index().checked_mul(ore_merkle::tiles::TILE_WIDTH) else { return Ok(None) };
        let end = first.saturating_add(u64::from(bundle.width()));
        if end > self.size().get() {
            return Ok(None);
        }
        self.packed(first..end).map(Some)
    }
}

impl ore_custody::Records for Reader {
    /// A record that cannot be read is as good as none: the rules refuse what refers to it.
    fn record(&self, leaf_index: u64) -> Option<SignedRecord> {
        SignedRecord::decode(&self.entry(leaf_index).ok()??).ok()
    }
}
