//! No bytes from outside make a decoder or a verifier panic, and what decodes encodes back the same.

use ore_merkle::tiles::{self, BundleId, BundleRef, TileId, TileResource};
use ore_merkle::{
    ConsistencyProof, Frontier, InclusionProof, LeafHash, LeafIndex, RootHash, Subtree, TreeSize, hash_leaf,
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Numbers near every power of two, where shifts go wrong.
fn edge() -> impl Strategy<Value = u64> {
    (0_u32..64, -2_i64..=2).prop_map(|(bit, off)| (1_u64 << bit).wrapping_add_signed(off))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn proofs_read_from_bytes_write_the_same_bytes(bytes in vec(any::<u8>(), 0..2200)) {
        if let Ok(proof) = InclusionProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes.clone());
        }
        let whole = &bytes[..bytes.len() / 32 * 32];
        let proof = ConsistencyProof::from_bytes(whole);
        prop_assert_eq!(proof.is_ok(), whole.len() <= 65 * 32);
        prop_assert!(proof.map_or(true, |proof| proof.to_bytes() == whole));
    }

    #[test]
    fn a_frontier_read_from_bytes_writes_the_same_bytes(
        size in prop_oneof![edge(), 0_u64..4096], extra in 0_usize..3, fill in any::<u8>(),
    ) {
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.resize(8 + 32 * size.count_ones() as usize + extra, fill);
        match Frontier::from_bytes(&bytes) {
            Ok(mut frontier) => {
                prop_assert!(extra == 0 && size < 1 << 63);
                prop_assert_eq!(frontier.to_bytes(), bytes);
                frontier.append(hash_leaf(b"next"));
                prop_assert_eq!(frontier.size(), TreeSize::new(size + 1));
                frontier.root();
            }
            Err(_) => prop_assert!(extra != 0 || size >= 1 << 63),
        }
    }

    #[test]
    fn a_frontier_of_noise_is_refused_or_read(bytes in vec(any::<u8>(), 0..400)) {
        if let Ok(frontier) = Frontier::from_bytes(&bytes) {
            prop_assert_eq!(frontier.to_bytes(), bytes);
        }
    }

    #[test]
    fn verifiers_survive_any_numbers_and_hashes(
        a in edge(), b in edge(), c in edge(), hashes in vec(any::<[u8; 32]>(), 0..66),
    ) {
        let bytes: Vec<u8> = hashes.concat();
        let Ok(inclusion) = InclusionProof::from_bytes(&bytes) else { return Ok(()) };
        let consistency = ConsistencyProof::from_bytes(&bytes).unwrap();
        let (leaf, root) = (LeafHash::from_bytes([1; 32]), RootHash::from_bytes([2; 32]));
        let (index, size, other) = (LeafIndex::new(a), TreeSize::new(b), TreeSize::new(c));
        prop_assert!(verify_inclusion(&leaf, index, size, &inclusion, &root).is_err());
        let wrong = RootHash::from_bytes([3; 32]);
        prop_assert!(verify_consistency(size, &root, other, &wrong, &consistency).is_err());
        if let Ok(subtree) = Subtree::new(a, b) {
            prop_assert!(verify_subtree_inclusion(&leaf, index, subtree, &inclusion, &root).is_err());
            prop_assert!(verify_subtree_consistency(subtree, &root, other, &wrong, &consistency).is_err());
        }
    }

    #[test]
    fn provers_survive_any_numbers(a in edge(), b in edge()) {
        let (index, first, second) = (LeafIndex::new(a), TreeSize::new(a), TreeSize::new(b));
        let all = |_, _| Some(hash_leaf(b"any").into());
        let mut lookups = 0;
        let counted = |level: u8, at: u64| { lookups += 1; all(level, at) };
        let proof = ore_merkle::prove_inclusion(index, second, counted);
        prop_assert_eq!(proof.is_ok(), a < b);
        prop_assert!(lookups <= 128);
        prop_assert_eq!(ore_merkle::prove_consistency(first, second, all).is_ok(), a <= b);
        prop_assert!(ore_merkle::root_at(second, all).is_ok());
        prop_assert!(ore_merkle::root_at(second, |_, _| None).is_err() || b == 0);
    }

    #[test]
    fn tile_arithmetic_survives_any_numbers(level in any::<u8>(), a in edge(), b in edge(), width in any::<u16>()) {
        let size = TreeSize::new(b);
        let made = TileId::new(level, a, width);
        prop_assert_eq!(made.is_ok(), level <= 63 && (1..=256).contains(&width));
        if let Some(tile) = TileId::at_size(level, a, size) {
            prop_assert_eq!(TileId::new(tile.level(), tile.index(), tile.width()), Ok(tile));
        }
        if let Some(tile) = TileId::of_node(level, a, size) {
            prop_assert_eq!(tile.level(), level / 8);
        }
        prop_assert!(BundleId::at_size(a, size).is_none_or(|bundle| bundle.index() == a));
        prop_assert!(tiles::node_in_tile(&[], level, a).is_none());
    }

    #[test]
    fn tiles_and_bundles_of_noise_are_refused_or_read(bytes in vec(any::<u8>(), 0..600), width in 1_u16..=256) {
        let tile = TileId::new(0, 0, width).unwrap();
        let read = tiles::parse_tile(tile, &bytes);
        prop_assert_eq!(read.is_ok(), bytes.len() == 32 * usize::from(width));
        let bundle = BundleId::new(0, width).unwrap();
        if let Ok(parsed) = BundleRef::parse(bundle, &bytes) {
            let mut written = Vec::new();
            parsed.entries().iter().for_each(|entry| tiles::push_entry(&mut written, entry).unwrap());
            prop_assert_eq!(written, bytes);
        }
    }

    #[test]
    fn paths_of_noise_are_refused_or_read(noise in "\\PC{0,40}", tail in "[0-9x/.p]{0,30}") {
        for path in [noise.clone(), format!("tile/{noise}"), format!("tile/0/{tail}"), format!("tile/entries/{tail}")] {
            if let Ok(resource) = path.parse::<TileResource>() {
                prop_assert_eq!(resource.to_string(), path);
            }
        }
    }
}
