use ore_merkle::{
    BundleId, BundleRef, LeafIndex, TileId, TreeSize, hash_leaf, verify_consistency, verify_inclusion,
};
use ore_record::rules::{Rules, UnknownRules};
use ore_store::{Store, StoreError, fsck, silent};
use tempfile::tempdir;

use crate::ledger::{World, fsck_options, make, options};

#[test]
fn a_ledger_comes_back_as_it_was_closed() {
    let dir = tempdir().expect("a folder");
    let mut world = make(dir.path(), 60);
    let (store, mut recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    assert_eq!(recovered.replayed_blocks, 0);
    assert_eq!(recovered.rebuilt, None);
    assert_eq!(recovered.next_height, 61);
    assert_eq!(recovered.custody.state_root(), world.custody.state_root());
    assert_eq!(recovered.graph.export(), world.graph.export());
    assert_eq!(store.reader().size(), world.frontier.size());
    assert_eq!(store.reader().root_at(world.frontier.size()), Some(world.frontier.root()));
}

#[test]
fn fsck_is_clean_and_counts_what_it_checked() {
    let dir = tempdir().expect("a folder");
    let world = make(dir.path(), 60);
    let mut options = fsck_options();
    options.strict = true;
    let report = fsck(dir.path(), &options, &silent).expect("readable");
    assert_eq!(report.damage, None);
    assert_eq!(report.counts.blocks, 61);
    assert_eq!(report.counts.entries, world.frontier.size().get());
    assert_eq!(report.counts.signatures, world.frontier.size().get() - 61);
    assert_eq!(report.counts.crafted, Some(0));
    assert_eq!(report.view_lag_blocks, 0);
    assert!(report.checks.iter().any(|(name, count)| name.starts_with("certificates") && *count == 60));
    assert!(report.checks.iter().any(|(name, count)| name.starts_with("lots in the stored") && *count > 60));
    assert_eq!(report.tree, (world.frontier.size().get(), world.frontier.root()));
}

#[test]
fn blocks_by_newer_rules_are_no_damage_but_judged_by_nobody_who_does_not_know_them() {
    let dir = tempdir().expect("a folder");
    let (mut store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    let version = Rules::NEWEST.version() + 1;
    let mut world = World::new();
    world.rules = version;
    for block in [world.genesis(), world.story_block(1), world.story_block(2)] {
        store.append(block).expect("appends");
    }
    store.close(&world.graph).expect("closes");
    let newer = UnknownRules { from_height: 1, version, known: version - 1 };
    let is_newer = |error: StoreError| matches!(error, StoreError::NewerRules(rules) if rules == newer);
    assert!(is_newer(fsck(dir.path(), &fsck_options(), &silent).expect_err("not judged")));
    // The view, made again, would have to judge them too; what is on the disk stays as it is.
    std::fs::remove_dir_all(dir.path().join("view")).expect("a folder");
    assert!(is_newer(Store::open(dir.path(), &options(), &silent).map(drop).expect_err("not judged")));
    assert!(is_newer(Store::open(dir.path(), &options(), &silent).map(drop).expect_err("nor later")));
}

#[test]
fn a_node_goes_on_where_it_stopped() {
    let dir = tempdir().expect("a folder");
    let mut world = make(dir.path(), 20);
    for round in 0..3 {
        let (mut store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
        world.resume(recovered, &store);
        for n in 0..6 {
            let block = world.story_block(21 + 6 * round + n);
            store.append(block).expect("appends");
        }
        // Dropped without closing: the view may lag, the log may not.
        drop(store);
    }
    let report = fsck(dir.path(), &fsck_options(), &silent).expect("readable");
    assert_eq!(report.damage, None);
    assert_eq!(report.counts.blocks, 21 + 18);
}

#[test]
fn entries_tiles_and_proofs_are_what_the_tree_says() {
    let dir = tempdir().expect("a folder");
    make(dir.path(), 200);
    let (store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    let reader = store.reader();
    let size = reader.size();
    assert!(size.get() > 300, "more than one bundle");
    let root = reader.root_at(size).expect("held");
    let entries = reader.entries(0..size.get()).expect("readable");
    assert_eq!(entries.len() as u64, size.get());
    for (leaf, entry) in entries.iter().enumerate() {
        assert_eq!(reader.entry(leaf as u64).expect("readable").as_ref(), Some(entry));
        let proof = reader.prove_inclusion(leaf as u64, size).expect("below the size");
        let hash = hash_leaf(entry);
        verify_inclusion(&hash, LeafIndex::new(leaf as u64), size, &proof, &root).expect("verifies");
    }
    for first in [1, 7, 256, size.get() - 1] {
        let first = TreeSize::new(first);
        let proof = reader.prove_consistency(first, size).expect("in order");
        let old = reader.root_at(first).expect("held");
        verify_consistency(first, &old, size, &root, &proof).expect("verifies");
    }
    let full = BundleId::new(0, 256).expect("a width");
    let bytes = reader.bundle(full).expect("readable").expect("held");
    let bundle = BundleRef::parse(full, &bytes).expect("a bundle");
    assert!(bundle.entries().iter().zip(&entries).all(|(a, b)| *a == &b[..]));
    let partial = BundleId::new(1, 3).expect("a width");
    let bytes = reader.bundle(partial).expect("readable").expect("held");
    assert_eq!(BundleRef::parse(partial, &bytes).expect("a bundle").entries()[2], &entries[258][..]);
    assert_eq!(reader.bundle(BundleId::new(9, 1).expect("a width")).expect("readable"), None);
    let tile = reader.tile(TileId::new(0, 0, 256).expect("a tile")).expect("held");
    assert_eq!(&tile[32..64], hash_leaf(&entries[1]).as_bytes());
    assert_eq!(reader.tile(TileId::new(0, 9, 256).expect("a tile")).map(|t| t.len()), None);
    assert_eq!(reader.height_of(0), Some(0));
    assert_eq!(reader.height_of(size.get()), None);
}

#[test]
fn only_the_next_block_is_taken() {
    let dir = tempdir().expect("a folder");
    let (mut store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    let mut world = World::new();
    let genesis = world.genesis();
    let first = world.story_block(1);
    assert!(matches!(store.append(first.clone()), Err(StoreError::NotNext { expected: 0, found: 1 })));
    store.append(genesis.clone()).expect("appends");
    store.append(genesis).expect("the newest block once more changes nothing");
    let mut other = first.clone();
    other.entries[0] = other.entries[1].clone();
    other.leaf_hashes[0] = other.leaf_hashes[1];
    assert!(matches!(store.append(other), Err(StoreError::DoesNotFit { height: 1, .. })));
    store.append(first).expect("appends");
    assert_eq!(store.reader().newest().map(|(header, _)| header.height), Some(1));
}

#[test]
fn a_second_process_is_kept_out() {
    let dir = tempdir().expect("a folder");
    let (_store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    assert!(matches!(Store::open(dir.path(), &options(), &silent), Err(StoreError::Locked { .. })));
    assert!(matches!(fsck(dir.path(), &fsck_options(), &silent), Err(StoreError::Locked { .. })));
}

#[test]
fn a_withdrawn_record_leaves_the_graph_as_custody_has_it() {
    let dir = tempdir().expect("a folder");
    let mut world = make(dir.path(), 4);
    let (mut store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    world.resume(recovered, &store);
    let blend = world.transform("mine", 90, &[("mine/M4", 10), ("mine/M3", 20)]);
    let id = blend.id();
    store.append(world.block(vec![blend])).expect("appends");
    let withdraw = world.withdraw("mine", id);
    store.append(world.block(vec![withdraw])).expect("appends");
    store.close(&world.graph).expect("closes");
    let report = fsck(dir.path(), &fsck_options(), &silent).expect("readable");
    assert_eq!(report.damage, None);
    let facts = world.graph.lot(ore_provenance::LotIndex(3), u64::MAX).expect("mine/M4 stands");
    let lot = world.custody.lot("mine/M4").expect("known");
    assert_eq!(facts.remaining_mg(), lot.remaining_mg());
}

/// A ledger that was closed in order, and its graph as it would be with one more block that nobody decided.
fn closed_with_a_block_under_way(dir: &std::path::Path) -> (ore_provenance::Graph, ore_provenance::Graph) {
    let mut world = make(dir, 20);
    let (store, recovered) = Store::open(dir, &options(), &silent).expect("opens");
    let before = recovered.graph.clone();
    world.resume(recovered, &store);
    let _never_appended = world.story_block(21);
    assert!(world.graph.newest_leaf() > before.newest_leaf(), "the block made or moved a lot");
    store.close(&before).expect("closes");
    (before, world.graph)
}

#[test]
fn a_graph_with_a_block_that_nobody_decided_is_not_saved() {
    let dir = tempdir().expect("a folder");
    let (before, ahead) = closed_with_a_block_under_way(dir.path());
    let (store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    let refused = store.close(&ahead);
    assert!(matches!(&refused, Err(StoreError::GraphAhead { .. })), "{refused:?}");
    let (_, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    assert_eq!((recovered.rebuilt, recovered.graph.export()), (None, before.export()));
}

#[test]
fn a_snapshot_that_was_taken_while_a_block_was_under_way_is_set_aside() {
    let dir = tempdir().expect("a folder");
    let (before, ahead) = closed_with_a_block_under_way(dir.path());
    // As versions before 2026-11-23 wrote it when a node stopped at that moment.
    let blocks = 21_u64.to_be_bytes();
    let crc = crc32fast::hash(&blocks).to_be_bytes();
    let snapshot = [&b"oreledger/graph1"[..], &blocks, &crc, &ahead.export()].concat();
    let path = dir.path().join("index").join("graph-snapshot");
    assert!(path.exists());
    std::fs::write(path, snapshot).expect("writable");
    let (store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    let why = recovered.rebuilt.expect("made again from the log");
    assert!(why.contains("which came later"), "{why}");
    assert_eq!(recovered.graph.export(), before.export());
    store.close(&recovered.graph).expect("closes");
}
