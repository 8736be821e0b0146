use ore_store::{
    RealDisk, Store,
    backup::{Difference, backup, first_difference, rebuild},
    fsck, silent,
};
use tempfile::tempdir;

use crate::ledger::{World, fsck_options, make, options};

#[test]
fn a_backup_of_a_running_node_restores_to_the_same_state() {
    let (dir, copy) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let mut world = make(dir.path(), 30);
    let (mut store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    world.resume(recovered, &store);
    let first = backup(&RealDisk, dir.path(), copy.path()).expect("copies while it runs");
    assert_eq!(first.blocks, 31);
    assert!(first.segments > 1, "several segments");
    for n in 31..40 {
        store.append(world.story_block(n)).expect("appends");
    }
    let second = backup(&RealDisk, dir.path(), copy.path()).expect("copies again");
    assert_eq!(second.blocks, 40);
    assert!(second.copied < second.segments, "ended segments are not copied again");
    drop(store);
    let (store, mut recovered) = Store::open(copy.path(), &options(), &silent).expect("restores");
    assert_eq!(recovered.custody.state_root(), world.custody.state_root());
    assert_eq!(recovered.graph.export(), world.graph.export());
    store.close(&recovered.graph).expect("closes");
    assert_eq!(fsck(copy.path(), &fsck_options(), &silent).expect("readable").damage, None);
}

#[test]
fn rebuilding_from_segments_alone_gives_the_original_state() {
    let dir = tempdir().expect("a folder");
    let mut world = make(dir.path(), 60);
    let (store, mut recovered) = rebuild(dir.path(), &options(), &silent).expect("rebuilds");
    assert_eq!(recovered.custody.state_root(), world.custody.state_root());
    assert_eq!(recovered.graph.export(), world.graph.export());
    store.close(&recovered.graph).expect("closes");
    assert!(dir.path().join("view.bad-1").exists(), "the old view is kept");
    assert_eq!(fsck(dir.path(), &fsck_options(), &silent).expect("readable").damage, None);
}

#[test]
fn the_first_difference_of_two_ledgers_is_named() {
    let (a, b, c) =
        (tempdir().expect("a folder"), tempdir().expect("a folder"), tempdir().expect("a folder"));
    make(a.path(), 20);
    make(b.path(), 20);
    let same = first_difference(&RealDisk, a.path(), b.path()).expect("readable");
    assert_eq!(same, Difference::None { blocks: 21 });
    let (mut store, recovered) = Store::open(b.path(), &options(), &silent).expect("opens");
    let mut world = World::new();
    world.resume(recovered, &store);
    store.append(world.story_block(21)).expect("appends");
    drop(store);
    let longer = first_difference(&RealDisk, a.path(), b.path()).expect("readable");
    assert_eq!(longer, Difference::Longer { common: 21, first: false });
    let mut world = World::new();
    let (mut store, _) = Store::open(c.path(), &options(), &silent).expect("opens");
    store.append(world.genesis()).expect("appends");
    store.append(world.story_block(1)).expect("appends");
    let other = world.commission(77, 9);
    store.append(world.block(vec![other])).expect("appends");
    drop(store);
    let at = first_difference(&RealDisk, a.path(), c.path()).expect("readable");
    assert!(matches!(at, Difference::At { height: 2, leaf: Some(_) }), "{at:?}");
}
