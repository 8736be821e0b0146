use ore_checkpoint::KeyName;
use ore_merkle::TreeSize;
use ore_store::{Store, StoreError, backup, silent};
use tempfile::tempdir;

use crate::ledger::{ORIGIN, World, make, options};

fn origin() -> KeyName {
    KeyName::new(ORIGIN).expect("a name")
}

#[test]
fn a_promise_is_kept_across_a_restart_and_never_shrinks() {
    let dir = tempdir().expect("a folder");
    make(dir.path(), 10);
    let size = {
        let (mut store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
        let size = store.reader().size();
        let body = store.promise(&origin(), size).expect("promises");
        assert_eq!(body.size(), size);
        assert_eq!(store.promise(&origin(), size).expect("the same body again"), body);
        size
    };
    let (mut store, _) = Store::open(dir.path(), &options(), &silent).expect("opens");
    assert_eq!(store.promised().map(|body| body.size()), Some(size));
    let smaller = TreeSize::new(size.get() - 1);
    assert!(matches!(store.promise(&origin(), smaller), Err(StoreError::Contradiction { .. })));
    let larger = TreeSize::new(size.get() + 1);
    assert!(matches!(store.promise(&origin(), larger), Err(StoreError::Contradiction { .. })));
    let other = KeyName::new("ledger.example/other").expect("a name");
    assert!(matches!(store.promise(&other, size), Err(StoreError::Contradiction { .. })));
}

#[test]
fn a_node_restored_from_an_old_copy_signs_nothing_until_it_has_caught_up() {
    let (dir, old) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let mut world = make(dir.path(), 8);
    backup::backup(&*options().disk, dir.path(), old.path()).expect("copies");
    let (mut store, recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    world.resume(recovered, &store);
    let more = [world.story_block(9), world.story_block(10)];
    for block in more.clone() {
        store.append(block).expect("appends");
    }
    store.promise(&origin(), store.reader().size()).expect("promises");
    drop(store);
    // The disk is lost; the promise file was kept apart, as the runbook says.
    std::fs::copy(dir.path().join("promise"), old.path().join("promise")).expect("copies");
    let (mut store, _) = Store::open(old.path(), &options(), &silent).expect("opens");
    assert!(store.behind_promise());
    let held = store.reader().size();
    assert!(matches!(store.promise(&origin(), held), Err(StoreError::BehindPromise { .. })));
    for block in more {
        store.append(block).expect("catches up");
    }
    assert!(!store.behind_promise());
    store.promise(&origin(), store.reader().size()).expect("signs again");
}

#[test]
fn a_log_that_parted_from_the_promise_is_never_signed() {
    let (one, two) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    make(one.path(), 5);
    let (mut store, _) = Store::open(one.path(), &options(), &silent).expect("opens");
    store.promise(&origin(), store.reader().size()).expect("promises");
    drop(store);
    let (mut store, _) = Store::open(two.path(), &options(), &silent).expect("opens");
    let mut world = World::new();
    store.append(world.genesis()).expect("appends");
    for n in 0..8 {
        let record = world.commission(100 + n, 5);
        store.append(world.block(vec![record])).expect("appends");
    }
    drop(store);
    std::fs::copy(one.path().join("promise"), two.path().join("promise")).expect("copies");
    let (mut store, _) = Store::open(two.path(), &options(), &silent).expect("opens");
    let size = store.reader().size();
    let refused = store.promise(&origin(), size).expect_err("two roots for one size");
    assert!(refused.to_string().contains("was signed"), "{refused}");
}

#[test]
fn a_garbled_promise_stops_the_node() {
    let dir = tempdir().expect("a folder");
    make(dir.path(), 2);
    std::fs::write(dir.path().join("promise"), b"nonsense").expect("writes");
    assert!(matches!(Store::open(dir.path(), &options(), &silent), Err(StoreError::Damaged(_))));
}
