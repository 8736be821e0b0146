//! The tree over all leaves: above groups of sixteen in memory, their leaves in the flat file of leaf hashes.
//!
//! Four bytes a leaf instead of 64. Leaves that the index thread has not written yet, and some of the newest beyond
//! those, are in memory too, so that what a node signs and publishes is never read from the disk. What is read is
//! believed only when it gives the root of its group, which is in memory: the file is made from the log, and may be wrong.
//!
//! Nothing is read while somebody who appends would have to wait: an answer first takes the groups that it will need
//! ([`LogTree::take`], [`Taken::read`]), then looks at the tree ([`LogTree::believe`] and what follows).

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ore_merkle::{
    ConsistencyProof, Frontier, InclusionProof, LeafHash, LeafIndex, Levels, NodeHash, RootHash, TileId,
    TreeSize,
    groups::{MOST_LEAVES, group_root, node_in_group},
    hash_children,
    nodes::{self, ProveError},
    tiles::{TILE_HEIGHT, TILE_WIDTH},
};

use crate::disk::DiskFile;

/// Levels below the root of a group.
const GROUP_HEIGHT: u8 = 4;
/// Leaves in a whole group.
const GROUP_WIDTH: usize = 1 << GROUP_HEIGHT;
const _: () = assert!(GROUP_WIDTH <= MOST_LEAVES);
/// Bytes of a leaf hash.
const HASH_BYTES: u64 = 32;
/// So many of the newest leaves stay in memory at least: eight blocks of a thousand.
const NEWEST: usize = 8 << 10;
const WIDTH: u64 = GROUP_WIDTH as u64;

/// The flat file of leaf hashes, and how many of them it holds.
#[derive(Clone, Debug)]
pub(crate) struct LeafRows {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) written: Arc<AtomicU64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LogTree {
    /// Above the groups, of each of which the root is a leaf here.
    groups: Levels,
    /// Index of the first leaf in `tail`, which begins a group.
    tail_at: u64,
    /// The newest leaves.
    tail: VecDeque<LeafHash>,
    /// Where the others are. Without it all leaves stay in `tail`.
    rows: Option<LeafRows>,
}

/// The groups that an answer needs.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    groups: Vec<Group>,
    /// To be read.
    missing: Vec<u64>,
    rows: Option<LeafRows>,
}

#[derive(Debug)]
struct Group {
    number: u64,
    /// Out of memory, fewer than sixteen in the last.
    leaves: Vec<LeafHash>,
    /// Of what was read: to be believed its root is needed, and so every node.
    read: Option<Nodes>,
}

/// All nodes of a whole group, level by level from the leaves; the last is its root.
#[derive(Debug)]
struct Nodes([NodeHash; 2 * GROUP_WIDTH - 1]);

impl Nodes {
    fn of(leaves: &[[u8; HASH_BYTES as usize]; GROUP_WIDTH]) -> Self {
        let mut nodes = [NodeHash::from_bytes([0; 32]); 2 * GROUP_WIDTH - 1];
        for (node, leaf) in nodes.iter_mut().zip(leaves) {
            *node = NodeHash::from_bytes(*leaf);
        }
        // Children of the n-th node above the leaves are the n-th pair of all.
        for at in 0..GROUP_WIDTH - 1 {
            nodes[GROUP_WIDTH + at] = hash_children(&nodes[2 * at], &nodes[2 * at + 1]);
        }
        Self(nodes)
    }

    fn root(&self) -> [u8; 32] {
        self.0[2 * GROUP_WIDTH - 2].to_bytes()
    }

    /// Levels are half as wide each as the one below.
    fn node(&self, level: u8, index: usize) -> NodeHash {
        self.0[2 * GROUP_WIDTH - ((2 * GROUP_WIDTH) >> level) + index]
    }
}

/// The group that holds a leaf.
pub(crate) const fn group_of(leaf: u64) -> u64 {
    leaf >> GROUP_HEIGHT
}

/// The group that a root or a proof of so many leaves needs: that of the right border.
pub(crate) const fn border(size: TreeSize) -> u64 {
    group_of(size.get())
}

/// The groups that a tile needs.
pub(crate) fn under(tile: TileId) -> std::ops::Range<u64> {
    let first = tile.index().saturating_mul(TILE_WIDTH);
    match tile.level() {
        0 => group_of(first)..first.saturating_add(tile.width().into()).div_ceil(WIDTH),
        _ => 0..0,
    }
}

impl LogTree {
    /// A tree whose leaves are written to `rows` too.
    pub(crate) fn new(rows: LeafRows) -> Self {
        Self { rows: Some(rows), ..Self::default() }
    }

    /// Leaves so far.
    pub(crate) fn size(&self) -> TreeSize {
        TreeSize::new(self.tail_at + self.tail.len() as u64)
    }

    /// Adds leaves, and forgets the oldest in memory that are written.
    pub(crate) fn extend(&mut self, leaves: impl IntoIterator<Item = LeafHash>) {
        for leaf in leaves {
            self.tail.push_back(leaf);
            if !self.tail.len().is_multiple_of(GROUP_WIDTH) {
                continue;
            }
            let begin = self.tail.len() - GROUP_WIDTH;
            let group: [LeafHash; GROUP_WIDTH] = std::array::from_fn(|at| self.tail[begin + at]);
            let root = group_root(&group).expect("a whole group");
            self.groups.append(LeafHash::from_bytes(root.to_bytes()));
            if self.tail.len() >= 2 * NEWEST {
                self.forget();
            }
        }
    }

    fn forget(&mut self) {
        let Some(rows) = &self.rows else { return };
        let written = rows.written.load(Ordering::Acquire).saturating_sub(self.tail_at);
        let most = (self.tail.len() - NEWEST) / GROUP_WIDTH * GROUP_WIDTH;
        let gone = (written - written % WIDTH).min(most as u64);
        self.tail.drain(..gone as usize);
        self.tail_at += gone;
    }

    /// Groups out of memory, and which of them must be read.
    pub(crate) fn take(&self, wanted: impl IntoIterator<Item = u64>) -> Taken {
        let mut taken = Taken { rows: self.rows.clone(), ..Taken::default() };
        for number in wanted {
            match number.saturating_mul(WIDTH).checked_sub(self.tail_at) {
                Some(at) => {
                    let at = usize::try_from(at).map_or(self.tail.len(), |at| at.min(self.tail.len()));
                    let leaves = self.tail.range(at..).take(GROUP_WIDTH).copied().collect();
                    taken.groups.push(Group { number, leaves, read: None });
                }
                None => taken.missing.push(number),
            }
        }
        taken
    }

    /// Drops what was read and does not give the root of its group.
    pub(crate) fn believe(&self, mut taken: Taken) -> Taken {
        taken.groups.retain(|group| {
            let Some(read) = &group.read else { return true };
            let kept = self.groups.leaf(LeafIndex::new(group.number)).map(LeafHash::to_bytes);
            let believed = Some(read.root()) == kept;
            if !believed {
                tracing::error!(
                    group.number,
                    "the stored leaf hashes do not give the tree; a start makes them anew"
                );
            }
            believed
        });
        taken
    }

    /// The node (`level`, `index`), if its subtree is complete; below the groups, if its group was taken.
    fn node(&self, taken: &Taken, level: u8, index: u64) -> Option<NodeHash> {
        if level >= GROUP_HEIGHT {
            return self.groups.node(level - GROUP_HEIGHT, index);
        }
        let below = GROUP_HEIGHT - level;
        let group = taken.groups.iter().find(|group| group.number == index >> below)?;
        let within = (index & ((1 << below) - 1)) as usize;
        match &group.read {
            Some(read) => Some(read.node(level, within)),
            None => node_in_group(&group.leaves, level, within),
        }
    }

    /// Bytes in memory, with what is reserved.
    pub(crate) fn bytes_in_use(&self) -> usize {
        self.groups.bytes_in_use() + self.tail.capacity() * size_of::<LeafHash>()
    }

    /// Root of the first `size` leaves.
    pub(crate) fn root_at(&self, taken: &Taken, size: TreeSize) -> Option<RootHash> {
        (size <= self.size()).then_some(())?;
        nodes::root_at(size, |level, index| self.node(taken, level, index)).ok()
    }

    /// Root of all leaves.
    pub(crate) fn root(&self) -> RootHash {
        let size = self.size();
        self.root_at(&self.take([border(size)]), size).expect("the newest group is in memory")
    }

    /// Size and root with these leaves after the present ones.
    pub(crate) fn with(&self, leaves: &[LeafHash]) -> (TreeSize, RootHash) {
        let size = self.size();
        let taken = self.take([border(size)]);
        let mut frontier = self.frontier(&taken, size.get()).expect("the newest group is in memory");
        for leaf in leaves {
            frontier.append(*leaf);
        }
        (frontier.size(), frontier.root())
    }

    /// Evidence that a leaf is among the first `size`.
    pub(crate) fn prove_inclusion(
        &self,
        taken: &Taken,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, ProveError> {
        self.must_reach(size)?;
        nodes::prove_inclusion(index, size, |level, index| self.node(taken, level, index))
    }

    /// Evidence that the first `second` leaves begin with the first `first`.
    pub(crate) fn prove_consistency(
        &self,
        taken: &Taken,
        first: TreeSize,
        second: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        self.must_reach(second)?;
        nodes::prove_consistency(first, second, |level, index| self.node(taken, level, index))
    }

    /// A proof of the last leaf looks up left siblings only, so a missing leaf would go unnoticed.
    fn must_reach(&self, size: TreeSize) -> Result<(), ProveError> {
        if size > self.size() {
            return Err(ProveError::MissingNode { level: 0, index: size.get() - 1 });
        }
        Ok(())
    }

    /// The hashes of one tile; `None` when the tree does not have all of them.
    pub(crate) fn tile(&self, taken: &Taken, tile: TileId) -> Option<Vec<NodeHash>> {
        let level = tile.level().checked_mul(TILE_HEIGHT as u8)?;
        let first = tile.index().checked_mul(TILE_WIDTH)?;
        (first..first.checked_add(tile.width().into())?).map(|index| self.node(taken, level, index)).collect()
    }

    /// The frontier of the first `size` leaves: its peaks are nodes of any larger tree.
    pub(crate) fn frontier(&self, taken: &Taken, size: u64) -> Option<Frontier> {
        let mut bytes = size.to_be_bytes().to_vec();
        for level in (0..64_u8).rev() {
            if size >> level & 1 == 1 {
                bytes.extend_from_slice(self.node(taken, level, (size >> level) - 1)?.as_bytes());
            }
        }
        Frontier::from_bytes(&bytes).ok()
    }
}

impl Taken {
    /// Reads the groups that were not in memory. What cannot be read stays missing, and so does the answer.
    pub(crate) fn read(mut self) -> Self {
        let Some(rows) = &self.rows else { return self };
        for number in self.missing.drain(..) {
            match read_group(rows, number) {
                Ok(read) => self.groups.push(Group { number, leaves: Vec::new(), read: Some(read) }),
                Err(error) => tracing::error!(number, %error, "the stored leaf hashes cannot be read"),
            }
        }
        self
    }
}

fn read_group(rows: &LeafRows, number: u64) -> io::Result<Nodes> {
    let mut leaves = [[0; HASH_BYTES as usize]; GROUP_WIDTH];
    rows.file.read_at(leaves.as_flattened_mut(), number * WIDTH * HASH_BYTES)?;
    Ok(Nodes::of(&leaves))
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc, sync::atomic::Ordering};

    use ore_merkle::{LeafHash, LeafIndex, Levels, TileId, TreeSize, hash_leaf};

    use super::{LeafRows, LogTree, NEWEST, Taken, border, group_of, under};
    use crate::disk::{Access, Disk, RealDisk};

    fn leaf(n: u64) -> LeafHash {
        hash_leaf(&n.to_be_bytes())
    }

    fn rows(name: &str) -> (LeafRows, std::path::PathBuf) {
        let path = std::env::temp_dir().join(format!("ore-store-tree-{}-{name}", std::process::id()));
        let file = RealDisk.open(&path, Access::Create).expect("creates");
        (LeafRows { file, written: Arc::default() }, path)
    }

    /// A tree of so many leaves, of which the first `written` are in the file.
    fn grown(rows: &LeafRows, leaves: u64, written: u64) -> (LogTree, Levels) {
        let mut tree = LogTree::new(rows.clone());
        for n in 0..written {
            rows.file.write_at(leaf(n).as_bytes(), n * 32).expect("writes");
        }
        rows.written.store(written, Ordering::Release);
        tree.extend((0..leaves).map(leaf));
        (tree, (0..leaves).map(leaf).collect())
    }

    fn taken(tree: &LogTree, groups: impl IntoIterator<Item = u64>) -> Taken {
        tree.believe(tree.take(groups).read())
    }

    #[test]
    fn it_answers_as_the_tree_that_keeps_everything() {
        const LEAVES: u64 = 5 * NEWEST as u64 + 77;
        // Nothing written, an odd number, all.
        for written in [0, 1003, 3 * NEWEST as u64 + 5, LEAVES] {
            let (rows, path) = rows(&format!("answers-{written}"));
            let (tree, all) = grown(&rows, LEAVES, written);
            assert_eq!((tree.size(), tree.root()), (all.size(), all.root()));
            assert!(tree.tail_at <= written, "what is not written is kept");
            if written == LEAVES {
                assert!(tree.tail.len() < 2 * NEWEST, "what is written is not kept");
            }
            for n in (0..300).map(|n| n * 2_654_435_761 % LEAVES).chain([LEAVES - 1]) {
                let (index, first) = (LeafIndex::new(n), TreeSize::new(n + 1));
                for size in [n + 1, n + 2, n + 3, n + 9, LEAVES].map(|size| TreeSize::new(size.min(LEAVES))) {
                    let groups = taken(&tree, [group_of(n), border(size)]);
                    assert_eq!(tree.prove_inclusion(&groups, index, size), all.prove_inclusion(index, size));
                    let groups = taken(&tree, [group_of(n), border(first), border(size)]);
                    assert_eq!(
                        tree.prove_consistency(&groups, first, size),
                        all.prove_consistency(first, size)
                    );
                    assert_eq!(tree.root_at(&taken(&tree, [border(size)]), size), all.root_at(size));
                }
            }
            for (level, at, width) in
                [(0, 0, 256), (0, 7, 100), (0, LEAVES / 256, 13), (1, 0, 160), (0, 1 << 40, 256)]
            {
                let tile = TileId::new(level, at, width).expect("a tile");
                assert_eq!(tree.tile(&taken(&tree, under(tile)), tile).as_deref(), all.tile(tile), "{tile}");
            }
            let beyond = TreeSize::new(LEAVES + 1);
            let groups = taken(&tree, [group_of(0), border(beyond)]);
            assert!(tree.prove_inclusion(&groups, LeafIndex::new(0), beyond).is_err());
            assert_eq!(tree.root_at(&groups, beyond), None);
            fs::remove_file(path).expect("removes its own file");
        }
    }

    #[test]
    fn a_stored_hash_that_was_changed_gives_no_answer_and_its_neighbours_answer_still() {
        const LEAVES: u64 = 3 * NEWEST as u64;
        let (rows, path) = rows("changed");
        let (tree, all) = grown(&rows, LEAVES, LEAVES);
        rows.file.write_at(&[0xff], 100 * 32).expect("writes");
        let size = TreeSize::new(LEAVES);
        for n in 80..120 {
            let index = LeafIndex::new(n);
            let found = tree.prove_inclusion(&taken(&tree, [group_of(n), border(size)]), index, size);
            if group_of(n) == group_of(100) {
                assert!(found.is_err(), "leaf {n}");
            } else {
                assert_eq!(found, all.prove_inclusion(index, size));
            }
        }
        fs::remove_file(path).expect("removes its own file");
    }

    #[test]
    fn the_next_block_is_fitted_without_reading() {
        for leaves in 0..40 {
            let mut tree = LogTree::default();
            tree.extend((0..leaves).map(leaf));
            let more: Vec<_> = (leaves..leaves + 5).map(leaf).collect();
            let whole: Levels = (0..leaves + 5).map(leaf).collect();
            assert_eq!(tree.with(&more), (whole.size(), whole.root()));
        }
    }
}
