//! Logs that other programs wrote, rebuilt from their tiles.

use std::collections::BTreeMap;

use ore_merkle::tiles::{self, BundleId, BundleRef, TileId};
use ore_merkle::{Frontier, LeafIndex, Levels, NodeHash, TreeSize, hash_leaf, nodes, verify_inclusion};

use crate::support::{hex_of, vector_bytes, vector_json};

const INDEPENDENT: &str = "tlog-log-sample/independent-600/log";
const TESSERA: &str = "tlog-log-sample/tessera-made-log";

/// Entry `n` of the sequence behind `roots.json`.
fn entry(n: u64) -> Vec<u8> {
    let event = ["MINED", "SMELTED", "REFINED", "SPUTTERED", "RECYCLED"][(n % 5) as usize];
    format!("{{\"seq\":{n},\"lot\":\"LOT-{n:06}\",\"event\":\"{event}\"}}").into_bytes()
}

fn read_tile(log: &str, tile: TileId) -> Vec<NodeHash> {
    tiles::parse_tile(tile, &vector_bytes(&format!("{log}/{tile}"))).expect("tile has its width")
}

fn read_entries(log: &str, size: u64) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    for bundle in tiles::bundles_at(TreeSize::new(size)) {
        let bytes = vector_bytes(&format!("{log}/{bundle}"));
        let parsed = BundleRef::parse(bundle, &bytes).expect("bundle has its width");
        entries.extend(parsed.entries().iter().map(|entry| entry.to_vec()));
    }
    entries
}

#[test]
fn the_roots_of_the_sequence_are_right_up_to_70000_leaves() {
    let json = vector_json("tlog-log-sample/roots.json");
    let roots: BTreeMap<u64, [u8; 32]> = json["roots_hex"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(size, root)| (size.parse().unwrap(), hex_of(root)))
        .collect();
    let largest = *roots.keys().last().unwrap();
    assert_eq!((largest, roots.len()), (70_000, 19));

    let (mut frontier, mut levels) = (Frontier::new(), Levels::new());
    for size in 0..=largest {
        if let Some(root) = roots.get(&size) {
            assert_eq!(frontier.root().as_bytes(), root, "frontier at {size}");
            assert_eq!(levels.root().as_bytes(), root, "levels at {size}");
        }
        let leaf = hash_leaf(&entry(size));
        frontier.append(leaf);
        levels.append(leaf);
    }
    // The larger tree still knows every smaller one.
    for (size, root) in &roots {
        assert_eq!(levels.root_at(TreeSize::new(*size)).unwrap().as_bytes(), root, "looking back to {size}");
    }
}

#[test]
fn the_independent_log_has_exactly_the_tiles_its_entries_call_for() {
    for size in [300, 600] {
        let entries = read_entries(INDEPENDENT, size);
        assert_eq!(entries, (0..size).map(entry).collect::<Vec<_>>());
        let levels: Levels = entries.iter().map(|entry| hash_leaf(entry)).collect();
        let tile_ids: Vec<TileId> = tiles::tiles_at(TreeSize::new(size)).collect();
        assert_eq!(tile_ids.len(), if size == 300 { 3 } else { 4 });
        for tile in tile_ids {
            assert_eq!(read_tile(INDEPENDENT, tile), levels.tile(tile).expect("tile is complete"), "{tile}");
            assert_eq!(
                vector_bytes(&format!("{INDEPENDENT}/{tile}")),
                tiles::print_tile(levels.tile(tile).unwrap())
            );
        }
        let mut bundles = tiles::bundles_at(TreeSize::new(size));
        let mut rebuilt = Vec::new();
        entries[256..size.min(512) as usize].iter().for_each(|e| tiles::push_entry(&mut rebuilt, e).unwrap());
        let second: BundleId = bundles.nth(1).unwrap();
        assert_eq!(vector_bytes(&format!("{INDEPENDENT}/{second}")), rebuilt);
    }
}

#[test]
fn every_proof_of_the_independent_log_can_be_made_from_its_tiles_alone() {
    let size = TreeSize::new(600);
    let levels: Levels = (0..600).map(|n| hash_leaf(&entry(n))).collect();
    let cache: BTreeMap<TileId, Vec<NodeHash>> =
        tiles::tiles_at(size).map(|tile| (tile, read_tile(INDEPENDENT, tile))).collect();
    let from_tiles = |level: u8, index: u64| {
        let tile = TileId::of_node(level, index, size)?;
        tiles::node_in_tile(&cache[&tile], level, index)
    };
    let root = nodes::root_at(size, from_tiles).expect("all tiles are there");
    assert_eq!(root, levels.root());
    for index in (0..600).map(LeafIndex::new) {
        let proof = nodes::prove_inclusion(index, size, from_tiles).expect("all tiles are there");
        assert_eq!(proof, levels.prove_inclusion(index, size).unwrap(), "leaf {index}");
        let leaf = levels.leaf(index).unwrap();
        verify_inclusion(&leaf, index, size, &proof, &root).expect("proof from tiles verifies");
    }
    for first in (0..=600).map(TreeSize::new) {
        let proof = nodes::prove_consistency(first, size, from_tiles).expect("all tiles are there");
        assert_eq!(proof, levels.prove_consistency(first, size).unwrap(), "from {first}");
    }
}

#[test]
fn every_partial_tile_of_the_tessera_log_follows_from_its_entries() {
    let entries = read_entries(TESSERA, 15);
    assert_eq!(entries.len(), 15);
    let levels: Levels = entries.iter().map(|entry| hash_leaf(entry)).collect();
    for size in 1..=15 {
        assert_eq!(read_entries(TESSERA, size), entries[..size as usize], "entries at {size}");
        let tiles: Vec<TileId> = tiles::tiles_at(TreeSize::new(size)).collect();
        let [tile] = tiles[..] else { panic!("a log of {size} entries has one tile, not {tiles:?}") };
        assert_eq!(read_tile(TESSERA, tile), levels.tile(tile).unwrap(), "{tile}");
    }
}
