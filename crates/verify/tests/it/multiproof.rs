//! One proof for many leaves: complete, and never for anything else.

use ore_merkle::{Levels, NodeHash, TreeSize, hash_leaf};
use ore_verify::multiproof::{MultiproofError, prove, root_from};
use proptest::prelude::*;

fn tree(size: u64) -> Levels {
    let mut tree = Levels::new();
    (0..size).for_each(|leaf| {
        tree.append(hash_leaf(&leaf.to_be_bytes()));
    });
    tree
}

fn leaf(index: u64) -> (u64, NodeHash) {
    (index, hash_leaf(&index.to_be_bytes()).into())
}

/// A size and some of its leaves in ascending order.
fn size_and_leaves() -> impl Strategy<Value = (u64, Vec<u64>)> {
    (1u64..600).prop_flat_map(|size| {
        (Just(size), prop::collection::btree_set(0..size, 1..=usize::try_from(size.min(40)).expect("small")))
            .prop_map(|(size, leaves)| (size, leaves.into_iter().collect()))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_proof_leads_to_the_root_of_the_tree((size, leaves) in size_and_leaves()) {
        let tree = tree(size);
        let proof = prove(TreeSize::new(size), &leaves, |level, index| tree.node(level, index)).expect("stored");
        let named: Vec<_> = leaves.iter().copied().map(leaf).collect();
        prop_assert_eq!(root_from(TreeSize::new(size), &named, &proof), Ok(tree.root()));
    }

    #[test]
    fn one_leaf_needs_as_many_hashes_as_an_inclusion_proof(size in 1u64..600, pick: u64) {
        let tree = tree(size);
        let index = pick % size;
        let one = tree.prove_inclusion(ore_merkle::LeafIndex::new(index), TreeSize::new(size)).expect("stored");
        let proof = prove(TreeSize::new(size), &[index], |level, index| tree.node(level, index)).expect("stored");
        prop_assert_eq!(proof.len(), one.hashes().len());
    }

    #[test]
    fn nothing_altered_leads_to_the_root((size, leaves) in size_and_leaves(), pick: usize, bit in 0usize..256) {
        let tree = tree(size);
        let proof = prove(TreeSize::new(size), &leaves, |level, index| tree.node(level, index)).expect("stored");
        let named: Vec<_> = leaves.iter().copied().map(leaf).collect();
        let flip = |hash: &NodeHash| {
            let mut bytes = *hash.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            NodeHash::from_bytes(bytes)
        };
        let (mut altered, mut hashes) = (named.clone(), proof.clone());
        let at = pick % (named.len() + proof.len());
        match at.checked_sub(named.len()) {
            None => altered[at].1 = flip(&altered[at].1),
            Some(at) => hashes[at] = flip(&hashes[at]),
        }
        prop_assert_ne!(root_from(TreeSize::new(size), &altered, &hashes), Ok(tree.root()));
        if let Some((_, short)) = proof.split_last() {
            let result = root_from(TreeSize::new(size), &named, short);
            prop_assert!(matches!(result, Err(MultiproofError::TooShort { .. })), "{result:?}");
        }
        let mut long = proof;
        long.push(NodeHash::from_bytes([0; 32]));
        prop_assert_eq!(root_from(TreeSize::new(size), &named, &long), Err(MultiproofError::TooLong(1)));
    }

    #[test]
    fn no_list_of_hashes_makes_it_panic(
        size: u64,
        leaves in prop::collection::vec((any::<u64>(), any::<[u8; 32]>()), 0..20),
        hashes in prop::collection::vec(any::<[u8; 32]>(), 0..80),
    ) {
        let leaves: Vec<_> = leaves.into_iter().map(|(i, hash)| (i, NodeHash::from_bytes(hash))).collect();
        let hashes: Vec<_> = hashes.into_iter().map(NodeHash::from_bytes).collect();
        let _ = root_from(TreeSize::new(size), &leaves, &hashes);
    }
}

#[test]
fn leaves_out_of_order_or_beyond_the_tree_are_named() {
    let size = TreeSize::new(8);
    assert_eq!(root_from(size, &[], &[]), Err(MultiproofError::NoLeaves));
    assert_eq!(root_from(size, &[leaf(3), leaf(3)], &[]), Err(MultiproofError::OutOfOrder(3)));
    assert_eq!(root_from(size, &[leaf(8)], &[]), Err(MultiproofError::BeyondTree { leaf: 8, size: 8 }));
}
