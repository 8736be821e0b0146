//! A few leaves at a time: a tree that keeps the root of each group and makes the nodes below it again when asked.
//!
//! Whoever holds the leaves in another form (a row of a file, a state that is hashed) saves 56 of 64 bytes a leaf with
//! groups of eight, and 60 with groups of sixteen. The last group may have fewer leaves; its root is carried upwards, as
//! everywhere in this tree.

use crate::hash::{LeafHash, NodeHash, hash_children};

/// Most leaves in a group.
pub const MOST_LEAVES: usize = 16;

/// Root over the leaves of one group; `None` when there are none or more than [`MOST_LEAVES`].
pub fn group_root(leaves: &[LeafHash]) -> Option<NodeHash> {
    if leaves.is_empty() || leaves.len() > MOST_LEAVES {
        return None;
    }
    let mut row = [NodeHash::from_bytes([0; 32]); MOST_LEAVES];
    for (node, leaf) in row.iter_mut().zip(leaves) {
        *node = (*leaf).into();
    }
    let mut width = leaves.len();
    while width > 1 {
        for at in 0..width / 2 {
            row[at] = hash_children(&row[2 * at], &row[2 * at + 1]);
        }
        if width % 2 == 1 {
            row[width / 2] = row[width - 1];
        }
        width = width.div_ceil(2);
    }
    Some(row[0])
}

/// Node `index` of `level`, counted within one group; `None` when its subtree is not complete.
pub fn node_in_group(leaves: &[LeafHash], level: u8, index: usize) -> Option<NodeHash> {
    if level >= usize::BITS as u8 || leaves.len() > MOST_LEAVES {
        return None;
    }
    let width = 1 << level;
    let begin = index.checked_mul(width)?;
    group_root(leaves.get(begin..begin.checked_add(width)?)?)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{MOST_LEAVES, group_root, node_in_group};
    use crate::{LeafHash, Levels, hash_leaf};

    #[test]
    fn a_group_gives_the_nodes_of_the_tree() {
        let leaves: Vec<LeafHash> = (0..=MOST_LEAVES as u8).map(|n| hash_leaf(&[n])).collect();
        for count in 1..=MOST_LEAVES {
            let leaves = &leaves[..count];
            let tree: Levels = leaves.iter().copied().collect();
            assert_eq!(group_root(leaves).map(|root| root.to_bytes()), Some(tree.root().to_bytes()));
            for level in 0..70 {
                for index in 0..=MOST_LEAVES {
                    assert_eq!(node_in_group(leaves, level, index), tree.node(level, index as u64));
                }
            }
        }
        assert_eq!((group_root(&[]), group_root(&leaves)), (None, None));
        assert_eq!(node_in_group(&leaves, 0, 0), None);
    }
}
