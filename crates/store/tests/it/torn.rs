//! A torn tail is cut off; damage before it is named and never cut off.

use std::{fs, path::PathBuf};

use ore_store::{Fault, Store, StoreError, silent};
use tempfile::tempdir;

use crate::ledger::{World, make, options};

fn last_segment(dir: &std::path::Path) -> PathBuf {
    let mut names: Vec<_> = fs::read_dir(dir.join("log"))
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .collect();
    names.sort();
    names.pop().expect("a segment")
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_the_block_can_be_appended_again() {
    let dir = tempdir().expect("a folder");
    let mut options = options();
    options.log.segment_bytes = 1 << 20;
    let (mut store, _) = Store::open(dir.path(), &options, &silent).expect("opens");
    let mut world = World::new();
    store.append(world.genesis()).expect("appends");
    store.append(world.story_block(1)).expect("appends");
    drop(store);
    let path = last_segment(dir.path());
    let (store, _) = Store::open(dir.path(), &options, &silent).expect("opens");
    drop(store);
    let before = fs::read(&path).expect("readable");
    let block = world.story_block(7);
    let frame = {
        let mut frame = Vec::new();
        let encoded = ore_store::frame::encode(
            &mut frame,
            block.height,
            &block.header,
            &block.certificate,
            &block.entries,
        );
        encoded.expect("short enough");
        frame
    };
    let end = before.len() - before.iter().rev().take_while(|byte| **byte == 0).count();
    let end = end.next_multiple_of(8);
    for torn in 1..frame.len() {
        // What never reached the disk reads as zeros; other pages of the frame may have.
        let mut bytes = before[..end].to_vec();
        bytes.extend_from_slice(&frame[..torn]);
        bytes.resize(end + frame.len() + 64, 0);
        fs::write(&path, &bytes).expect("writes");
        let (store, recovered) = Store::open(dir.path(), &options, &silent).expect("opens");
        if recovered.next_height == 3 {
            // Only padding was missing.
            assert!(frame[torn..].iter().all(|byte| *byte == 0), "torn at {torn}");
            drop(store);
            break;
        }
        assert_eq!(recovered.next_height, 2, "torn at {torn}");
        let zeros = frame[..torn].iter().all(|byte| *byte == 0);
        assert_eq!(recovered.torn_bytes > 0, !zeros, "torn at {torn}");
        drop(store);
    }
    fs::write(&path, &before[..end]).expect("writes");
    // The index must not know the block that the loop's last round let in.
    let (mut store, recovered) = ore_store::backup::rebuild(dir.path(), &options, &silent).expect("opens");
    assert_eq!(recovered.next_height, 2);
    store.append(block).expect("appends");
    assert_eq!(store.reader().newest().map(|(header, _)| header.height), Some(2));
}

#[test]
fn a_flip_before_the_tail_is_named_and_nothing_is_cut_off() {
    let dir = tempdir().expect("a folder");
    make(dir.path(), 3);
    let path = last_segment(dir.path());
    // The index is removed, so that only the frames can tell.
    fs::remove_dir_all(dir.path().join("index")).expect("removes");
    let good = fs::read(&path).expect("readable");
    let mut bad = good.clone();
    bad[32 + 24 + 40] ^= 1;
    fs::write(&path, &bad).expect("writes");
    match Store::open(dir.path(), &options(), &silent).err() {
        Some(StoreError::Damaged(damage)) => {
            assert_eq!(damage.fault, Fault::Frame);
            assert_eq!(damage.place.offset, Some(32));
            assert_eq!(damage.place.height, Some(0));
            assert!(damage.to_string().contains("log/"), "{damage}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(fs::read(&path).expect("readable"), bad, "nothing was cut off");
}

#[test]
fn a_flip_in_the_newest_block_that_was_acknowledged_is_no_torn_tail() {
    let dir = tempdir().expect("a folder");
    make(dir.path(), 3);
    let path = last_segment(dir.path());
    let mut bytes = fs::read(&path).expect("readable");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("not empty");
    bytes[last] ^= 1;
    fs::write(&path, &bytes).expect("writes");
    match Store::open(dir.path(), &options(), &silent).err() {
        Some(StoreError::Damaged(damage)) => assert_eq!(damage.place.height, Some(3)),
        other => panic!("{other:?}"),
    }
}
