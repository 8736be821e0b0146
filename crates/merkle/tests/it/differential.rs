//! The same answers as two trees that others wrote: the crates ct-merkle and tlog_tiles.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ore_merkle::{
    ConsistencyProof, Frontier, InclusionProof, LeafIndex, Levels, NodeHash, RootHash, Subtree, TreeSize,
    hash_children, nodes, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};
use proptest::prelude::*;
use sha2::Sha256;

use crate::support::{entry, leaf, size_and_index, tree_of, two_sizes};

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn their_tree(size: u64) -> Theirs {
    let mut tree = Theirs::new();
    (0..size).for_each(|n| tree.push(entry(n)));
    tree
}

fn flip_hash(hash: &[u8; 32], bit: usize) -> [u8; 32] {
    let mut flipped = *hash;
    flipped[bit / 8 % 32] ^= 1 << (bit % 8);
    flipped
}

/// Flips one bit of one hash in a proof; `None` for an empty proof.
fn flip_proof(hashes: &[NodeHash], bit: usize) -> Option<Vec<NodeHash>> {
    let mut hashes = hashes.to_vec();
    let at = (bit / 256).checked_rem(hashes.len())?;
    hashes[at] = NodeHash::from_bytes(flip_hash(hashes[at].as_bytes(), bit % 256));
    Some(hashes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn roots_agree_with_ct_merkle(size in 0_u64..700) {
        let theirs = their_tree(size);
        let root = tree_of(size).root();
        prop_assert_eq!(root.as_bytes().to_vec(), theirs.root().as_bytes().to_vec());
        let mut frontier = Frontier::new();
        (0..size).for_each(|n| { frontier.append(leaf(n)); });
        prop_assert_eq!(frontier.root(), root);
        prop_assert_eq!(Frontier::from_bytes(&frontier.to_bytes()), Ok(frontier));
    }

    #[test]
    fn inclusion_proofs_agree_with_ct_merkle((size, index) in size_and_index(700)) {
        let theirs = their_tree(size);
        let ours = tree_of(size).prove_inclusion(LeafIndex::new(index), TreeSize::new(size)).unwrap();
        let proof = theirs.prove_inclusion(index as usize);
        prop_assert_eq!(ours.to_bytes(), proof.as_bytes());
        let read = ct_merkle::InclusionProof::try_from_bytes(ours.to_bytes()).unwrap();
        prop_assert!(theirs.root().verify_inclusion(&entry(index), index, &read).is_ok());
    }

    #[test]
    fn consistency_proofs_agree_with_ct_merkle((first, second) in two_sizes(700)) {
        let theirs = their_tree(second);
        let ours = tree_of(second).prove_consistency(TreeSize::new(first), TreeSize::new(second)).unwrap();
        let proof = theirs.prove_consistency((second - first) as usize);
        prop_assert_eq!(ours.to_bytes(), proof.as_bytes());
    }

    #[test]
    fn roots_and_proofs_agree_with_tlog_tiles((size, index) in size_and_index(400)) {
        let stored = stored_by_tlog_tiles(size);
        let reader = Stored(&stored);
        let ours = tree_of(size);
        let root = tlog_tiles::tlog::tree_hash(size, &reader).unwrap();
        prop_assert_eq!(root.0, ours.root().to_bytes());
        let record = tlog_tiles::tlog::prove_record(size, index, &reader).unwrap();
        let proof = ours.prove_inclusion(LeafIndex::new(index), TreeSize::new(size)).unwrap();
        let record: Vec<[u8; 32]> = record.iter().map(|hash| hash.0).collect();
        prop_assert_eq!(record.concat(), proof.to_bytes());
        // Their "prove_tree" from the tree of `index + 1` leaves.
        let tree = tlog_tiles::tlog::prove_tree(size, index + 1, &reader).unwrap();
        let proof = ours.prove_consistency(TreeSize::new(index + 1), TreeSize::new(size)).unwrap();
        let tree: Vec<[u8; 32]> = tree.iter().map(|hash| hash.0).collect();
        prop_assert_eq!(tree.concat(), proof.to_bytes());
    }

    #[test]
    fn a_flipped_bit_never_proves_inclusion((size, index) in size_and_index(300), bit in 0_usize..256 * 16) {
        let tree = tree_of(size);
        let (at, of, root) = (LeafIndex::new(index), TreeSize::new(size), tree.root());
        let proof = tree.prove_inclusion(at, of).unwrap();
        prop_assert_eq!(verify_inclusion(&leaf(index), at, of, &proof, &root), Ok(()));
        let other_root = RootHash::from_bytes(flip_hash(root.as_bytes(), bit));
        prop_assert!(verify_inclusion(&leaf(index), at, of, &proof, &other_root).is_err());
        let other_leaf = ore_merkle::LeafHash::from_bytes(flip_hash(leaf(index).as_bytes(), bit));
        prop_assert!(verify_inclusion(&other_leaf, at, of, &proof, &root).is_err());
        if let Some(hashes) = flip_proof(proof.hashes(), bit) {
            let other_proof = InclusionProof::new(hashes).unwrap();
            prop_assert!(verify_inclusion(&leaf(index), at, of, &other_proof, &root).is_err());
        }
        for other in [index ^ 1, index.wrapping_add(1 << (bit % 64)), size, u64::MAX] {
            let judged = verify_inclusion(&leaf(index), LeafIndex::new(other), of, &proof, &root);
            prop_assert!(other == index || judged.is_err());
        }
    }

    #[test]
    fn a_flipped_bit_never_proves_consistency((first, second) in two_sizes(300), bit in 0_usize..256 * 16) {
        let tree = tree_of(second);
        let (first, second) = (TreeSize::new(first), TreeSize::new(second));
        let (root1, root2) = (tree.root_at(first).unwrap(), tree.root());
        let proof = tree.prove_consistency(first, second).unwrap();
        prop_assert_eq!(verify_consistency(first, &root1, second, &root2, &proof), Ok(()));
        let other = RootHash::from_bytes(flip_hash(root1.as_bytes(), bit));
        prop_assert!(verify_consistency(first, &other, second, &root2, &proof).is_err());
        let other = RootHash::from_bytes(flip_hash(root2.as_bytes(), bit));
        prop_assert!(verify_consistency(first, &root1, second, &other, &proof).is_err());
        if let Some(hashes) = flip_proof(proof.hashes(), bit) {
            let other = ConsistencyProof::new(hashes).unwrap();
            prop_assert!(verify_consistency(first, &root1, second, &root2, &other).is_err());
        }
    }

    #[test]
    fn a_subtree_is_shown_to_be_part_of_its_tree(
        size in 1_u64..300, at in 0_u64..300, width in 1_u64..64, bit in 0_usize..256 * 16,
    ) {
        let start = at / width.next_power_of_two() * width.next_power_of_two();
        let end = start + width;
        prop_assume!(end <= size);
        let tree = tree_of(size);
        let subtree = Subtree::new(start, end).unwrap();
        let part: Levels = (start..end).map(leaf).collect();
        let inside = part.prove_inclusion(LeafIndex::new(width - 1), TreeSize::new(width)).unwrap();
        let last = LeafIndex::new(end - 1);
        prop_assert_eq!(verify_subtree_inclusion(&leaf(end - 1), last, subtree, &inside, &part.root()), Ok(()));

        let proof = subtree_proof(start, end, 0, size, true);
        let proof = ConsistencyProof::new(proof).unwrap();
        let judge = |proof: &ConsistencyProof| {
            verify_subtree_consistency(subtree, &part.root(), TreeSize::new(size), &tree.root(), proof)
        };
        prop_assert_eq!(judge(&proof), Ok(()));
        if let Some(hashes) = flip_proof(proof.hashes(), bit) {
            prop_assert!(judge(&ConsistencyProof::new(hashes).unwrap()).is_err());
        }
    }

    #[test]
    fn a_truncated_tree_is_the_smaller_tree((keep, size) in two_sizes(600), again in 0_u64..40) {
        let mut tree = tree_of(size);
        tree.truncate(TreeSize::new(keep));
        prop_assert_eq!(&tree, &tree_of(keep));
        tree.extend((keep..keep + again).map(leaf));
        prop_assert_eq!(&tree, &tree_of(keep + again));
    }
}

/// SUBTREE_SUBPROOF of the draft, transcribed for trees made by [`leaf`].
fn subtree_proof(start: u64, end: u64, lo: u64, hi: u64, known: bool) -> Vec<NodeHash> {
    if (start, end) == (lo, hi) {
        return if known { vec![] } else { vec![range(lo, hi)] };
    }
    let middle = lo + (hi - lo).next_power_of_two() / 2;
    let (mut proof, sibling) = if end <= middle {
        (subtree_proof(start, end, lo, middle, known), range(middle, hi))
    } else if middle <= start {
        (subtree_proof(start, end, middle, hi, known), range(lo, middle))
    } else {
        (subtree_proof(middle, end, middle, hi, false), range(lo, middle))
    };
    proof.push(sibling);
    proof
}

/// MTH of RFC 6962 §2.1, word for word.
fn range(lo: u64, hi: u64) -> NodeHash {
    if hi - lo == 1 {
        return leaf(lo).into();
    }
    let middle = lo + (hi - lo).next_power_of_two() / 2;
    hash_children(&range(lo, middle), &range(middle, hi))
}

struct Stored<'a>(&'a [tlog_tiles::tlog::Hash]);

impl tlog_tiles::tlog::HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::tlog::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
    }
}

fn stored_by_tlog_tiles(size: u64) -> Vec<tlog_tiles::tlog::Hash> {
    let mut stored = Vec::new();
    for n in 0..size {
        let more = tlog_tiles::tlog::stored_hashes(n, &entry(n), &Stored(&stored)).unwrap();
        stored.extend(more);
    }
    stored
}

#[test]
fn an_append_names_every_completed_node_once() {
    let mut frontier = Frontier::new();
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..1000 {
        frontier.append_visiting(leaf(n), |level, index, hash| {
            assert!(seen.insert((level, index), hash).is_none(), "node {index} of level {level} twice");
        });
    }
    let tree = tree_of(1000);
    for ((level, index), hash) in &seen {
        assert_eq!(tree.node(*level, *index), Some(*hash));
    }
    let size = TreeSize::new(1000);
    let lookup = |level, index| seen.get(&(level, index)).copied();
    assert_eq!(nodes::root_at(size, lookup), Ok(tree.root()));
    assert_eq!(seen.len(), 1000 + 500 + 250 + 125 + 62 + 31 + 15 + 7 + 3 + 1);
}

#[test]
fn a_tree_does_not_prove_what_it_does_not_hold() {
    let tree = tree_of(4);
    let beyond = TreeSize::new(5);
    assert!(tree.prove_inclusion(LeafIndex::new(4), beyond).is_err(), "left siblings alone would suffice");
    assert!(tree.prove_inclusion(LeafIndex::new(4), tree.size()).is_err());
    assert!(tree.prove_consistency(TreeSize::new(4), beyond).is_err());
    assert!(tree.prove_consistency(beyond, tree.size()).is_err());
    assert_eq!(tree.root_at(beyond), None);
}
