//! A tree updated in place has, at every moment, the root that RFC 6962 gives its leaves.

use ore_merkle::{
    DenseTree, DenseTreeError, JoinedTrees, LeafHash, LeafIndex, Levels, TreeSize, hash_leaf,
    verify_inclusion,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Push(u8),
    Set(usize, u8),
    Truncate(usize),
    Root,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => any::<u8>().prop_map(Step::Push),
        6 => (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Step::Set(at, value)),
        1 => any::<usize>().prop_map(Step::Truncate),
        2 => Just(Step::Root),
    ];
    proptest::collection::vec(step, 0..300)
}

fn expected_root(leaves: &[LeafHash]) -> ore_merkle::RootHash {
    leaves.iter().copied().collect::<Levels>().root()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_root_is_that_of_the_present_leaves(steps in steps()) {
        let (mut tree, mut leaves) = (DenseTree::new(), Vec::new());
        for step in steps {
            match step {
                Step::Push(value) => {
                    let at = tree.push(hash_leaf(&[value]));
                    prop_assert_eq!(at.get(), leaves.len() as u64);
                    leaves.push(hash_leaf(&[value]));
                }
                Step::Set(at, value) if !leaves.is_empty() => {
                    let at = at % leaves.len();
                    let old = tree.set(LeafIndex::new(at as u64), hash_leaf(&[value])).unwrap();
                    prop_assert_eq!(old, leaves[at]);
                    leaves[at] = hash_leaf(&[value]);
                }
                Step::Truncate(keep) if !leaves.is_empty() => {
                    // Mostly small cuts, as an undone block makes.
                    let keep = leaves.len() - keep % leaves.len().min(20);
                    tree.truncate(TreeSize::new(keep as u64));
                    leaves.truncate(keep);
                }
                Step::Root => prop_assert_eq!(tree.root(), expected_root(&leaves)),
                Step::Set(..) | Step::Truncate(_) => {}
            }
        }
        let root = tree.root();
        prop_assert_eq!(root, expected_root(&leaves));
        prop_assert_eq!(tree.hashed_root(), Ok(root));
        for (at, leaf) in leaves.iter().enumerate() {
            let at = LeafIndex::new(at as u64);
            prop_assert_eq!(tree.leaf(at), Some(*leaf));
            let proof = tree.inclusion_proof(at).unwrap();
            prop_assert_eq!(verify_inclusion(leaf, at, tree.size(), &proof, &root), Ok(()));
        }
    }

    #[test]
    fn a_block_can_be_undone(
        size in 1_u64..200, pushed in 0_u64..30, changes in proptest::collection::vec(any::<u64>(), 0..30),
    ) {
        let mut tree = DenseTree::new();
        for n in 0..size {
            tree.push(hash_leaf(&n.to_be_bytes()));
        }
        let before = tree.root();
        let mut undo = Vec::new();
        for (n, change) in changes.iter().enumerate() {
            let at = LeafIndex::new(change % size);
            undo.push((at, tree.set(at, hash_leaf(&n.to_le_bytes())).unwrap()));
        }
        for n in 0..pushed {
            tree.push(hash_leaf(&n.to_le_bytes()));
        }
        tree.root();
        tree.truncate(TreeSize::new(size));
        for (at, old) in undo.into_iter().rev() {
            tree.set(at, old).unwrap();
        }
        prop_assert_eq!(tree.root(), before);
    }
}

#[test]
fn a_proof_is_refused_while_changes_are_not_hashed() {
    let mut tree = DenseTree::new();
    let first = tree.push(hash_leaf(b"lot 1"));
    assert_eq!(tree.inclusion_proof(first), Err(DenseTreeError::NotHashed));
    assert_eq!(tree.hashed_root(), Err(DenseTreeError::NotHashed));
    tree.root();
    assert!(tree.inclusion_proof(first).is_ok());
    let beyond = LeafIndex::new(1);
    let refused = DenseTreeError::IndexBeyondTree { index: beyond, size: tree.size() };
    assert_eq!(tree.inclusion_proof(beyond), Err(refused));
    assert_eq!(tree.set(beyond, hash_leaf(b"lot 2")), Err(refused));
}

#[test]
fn an_emptied_tree_is_the_empty_tree() {
    let mut tree = DenseTree::new();
    assert_eq!(tree.root(), ore_merkle::empty_root());
    tree.push(hash_leaf(b"lot 1"));
    tree.push(hash_leaf(b"lot 2"));
    tree.truncate(TreeSize::EMPTY);
    assert_eq!((tree.size(), tree.root()), (TreeSize::EMPTY, ore_merkle::empty_root()));
    tree.push(hash_leaf(b"lot 3"));
    assert_eq!(tree.root(), expected_root(&[hash_leaf(b"lot 3")]));
}

#[test]
fn a_leaf_set_a_million_times_between_roots_costs_no_million_marks() {
    let mut tree = DenseTree::new();
    let only = tree.push(hash_leaf(b"lot 1"));
    for n in 0_u32..1_000_000 {
        tree.set(only, LeafHash::from_bytes([n.to_be_bytes()[3]; 32])).unwrap();
    }
    assert_eq!(tree.root().as_bytes(), &[0x3f; 32], "999999 ends in 0x3f, and one leaf is its own root");
}

#[test]
fn trees_hashed_apart_are_joined_to_the_tree_of_all_leaves() {
    let leaves: Vec<LeafHash> = (0..70_u8).map(|n| hash_leaf(&[n])).collect();
    for height in 0..8_u8 {
        for size in 0..leaves.len() {
            let mut joined = JoinedTrees::new(height);
            for part in leaves[..size].chunks(1 << height) {
                joined.push(part.iter().copied().collect()).expect("of the right size");
            }
            let mut tree = joined.finish();
            assert_eq!(tree.hashed_root(), Ok(expected_root(&leaves[..size])), "{size} in 2^{height}");
            // It goes on as a tree that grew leaf by leaf.
            let mut grown = DenseTree::new();
            leaves[..size].iter().for_each(|leaf| {
                let _ = grown.push(*leaf);
            });
            grown.root();
            for index in (0..size as u64).map(LeafIndex::new) {
                assert_eq!(tree.inclusion_proof(index), grown.inclusion_proof(index));
            }
            tree.push(leaves[0]);
            grown.push(leaves[0]);
            assert_eq!(tree.root(), grown.root());
        }
    }
    let part = |size: usize| leaves[..size].iter().copied().collect::<DenseTree>();
    let mut joined = JoinedTrees::new(2);
    assert!(joined.push(part(5)).is_err(), "too many");
    assert!(joined.push(part(3)).is_ok());
    assert!(joined.push(part(4)).is_err(), "after one that was short");
}
