//! Every operation of the disk fails, before and after it took effect; and power is cut between any two.

use std::{path::Path, sync::Arc};

use ore_store::{CommittedBlock, Store, StoreError, StoreOptions, fsck, silent};
use tempfile::tempdir;

use crate::{
    fault_disk::{Answer, FaultDisk, Plan, When},
    ledger::{World, fsck_options, options},
};

const BLOCKS: u64 = 12;

struct Story {
    blocks: Vec<CommittedBlock>,
    roots: Vec<[u8; 32]>,
}

fn story() -> Story {
    let mut world = World::new();
    let mut blocks = vec![world.genesis()];
    let mut roots = vec![world.custody.state_root()];
    for n in 1..=BLOCKS {
        blocks.push(world.story_block(n));
        roots.push(world.custody.state_root());
    }
    Story { blocks, roots }
}

fn options_on(disk: &FaultDisk) -> StoreOptions {
    let mut options = options();
    options.disk = Arc::new(disk.clone());
    options.log.segment_bytes = 6 << 10;
    options.log.preallocate_bytes = 2 << 10;
    options.index.batch_blocks = 3;
    options
}

/// What happened on the way.
#[derive(Default)]
struct Outcome {
    full: u32,
    broken: u32,
    reopened: u32,
    acknowledged: u64,
    messages: Vec<String>,
}

/// Appends the story, tries again after an error, opens again when the log stopped. Ends when everything is in, or
/// when nothing works any more.
fn run(dir: &Path, disk: &FaultDisk, story: &Story) -> Outcome {
    let mut outcome = Outcome::default();
    let options = options_on(disk);
    // Bounded: each fault fires once, so a few rounds suffice.
    for _ in 0..5 {
        let mut store = match Store::open(dir, &options, &silent) {
            Ok((store, _)) => store,
            Err(error) => {
                outcome.note(&error);
                continue;
            }
        };
        let next = store.reader().newest().map_or(0, |(header, _)| header.height + 1);
        assert!(next >= outcome.acknowledged, "an acknowledged block is gone");
        // Opening has made durable what it shows.
        outcome.acknowledged = next;
        if append_all(&mut store, story, next, &mut outcome) {
            // The view may stand still after a fault; the log may not.
            let _ = store.flush();
            return outcome;
        }
        outcome.reopened += 1;
    }
    outcome
}

fn append_all(store: &mut Store, story: &Story, next: u64, outcome: &mut Outcome) -> bool {
    for block in &story.blocks[next as usize..] {
        let mut tries = 0;
        while let Err(error) = store.append(block.clone()) {
            tries += 1;
            let stopped = matches!(error, StoreError::Stopped { .. });
            outcome.note(&error);
            if stopped || tries > 2 {
                return false;
            }
        }
        outcome.acknowledged = block.height + 1;
        if block.height % 3 == 2 {
            let _ = store.flush();
        }
    }
    true
}

impl Outcome {
    fn note(&mut self, error: &StoreError) {
        match error {
            StoreError::Full { .. } => self.full += 1,
            _ => self.broken += 1,
        }
        self.messages.push(error.to_string());
    }
}

#[test]
fn every_operation_may_fail_before_and_after_it_took_effect() {
    let story = story();
    let counts = {
        let dir = tempdir().expect("a folder");
        let disk = FaultDisk::new(dir.path());
        let outcome = run(dir.path(), &disk, &story);
        assert_eq!((outcome.full, outcome.broken), (0, 0), "{:?}", outcome.messages);
        disk.counts()
    };
    let mut fired = 0;
    let mut table = String::new();
    for (label, count) in &counts {
        // The first, the second and the last of a kind: beginnings and the steady state.
        let mut nths = vec![1, 2.min(*count), *count];
        nths.dedup();
        for nth in nths {
            for when in [When::Before, When::After] {
                for answer in [Answer::Broken, Answer::Full] {
                    let plan = Plan { label: label.clone(), nth, when, answer };
                    let (hit, row) = one_fault(&story, &plan);
                    fired += u32::from(hit);
                    table.push_str(&row);
                }
            }
        }
    }
    println!("{table}");
    println!("{fired} faults, each once, over {} kinds of operation", counts.len());
    assert!(fired > 100, "only {fired} faults fired");
}

fn one_fault(story: &Story, plan: &Plan) -> (bool, String) {
    let dir = tempdir().expect("a folder");
    let disk = FaultDisk::plan(dir.path(), plan.clone());
    let outcome = run(dir.path(), &disk, story);
    let what = format!("{} #{} {:?} {:?}", plan.label, plan.nth, plan.when, plan.answer);
    assert_eq!(outcome.acknowledged, BLOCKS + 1, "{what}: {:?}", outcome.messages);
    // A reservation ahead that finds no space is made smaller, and nobody need know.
    let smaller = plan.label.starts_with("allocate") && plan.answer == Answer::Full;
    if disk.fired() && plan.label.ends_with("segment") && !smaller {
        assert!(outcome.full + outcome.broken > 0, "{what}: a fault of the log went unreported");
    }
    for message in &outcome.messages {
        assert!(
            message.contains('/') || message.contains("stopped") || message.contains("view"),
            "{what}: {message}"
        );
    }
    // A start on a healthy disk, then fsck.
    let (store, mut recovered) = Store::open(dir.path(), &options(), &silent).expect("opens");
    assert_eq!(recovered.next_height, BLOCKS + 1, "{what}");
    assert_eq!(recovered.custody.state_root(), story.roots[BLOCKS as usize], "{what}");
    store.close(&recovered.graph).expect("closes");
    let report = fsck(dir.path(), &fsck_options(), &silent).expect("readable");
    assert_eq!(report.damage, None, "{what}");
    let row =
        format!("{what:60} full {} broken {} reopened {}\n", outcome.full, outcome.broken, outcome.reopened);
    (disk.fired(), row)
}

#[test]
fn a_full_disk_is_named_and_appending_resumes_when_space_returns() {
    let dir = tempdir().expect("a folder");
    let story = story();
    let plan =
        Plan { label: "allocate new segment".into(), nth: 2, when: When::Before, answer: Answer::Full };
    let disk = FaultDisk::plan(dir.path(), plan);
    let mut options = options_on(&disk);
    // One step of space is what one frame needs, so that there is no smaller reservation to fall back to.
    options.log.preallocate_bytes = 1;
    let (mut store, _) = Store::open(dir.path(), &options, &silent).expect("opens");
    let mut refused = None;
    for block in &story.blocks {
        if let Err(error) = store.append(block.clone()) {
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            refused = Some((block.height, error.to_string()));
            store.append(block.clone()).expect("appends once there is space");
        }
    }
    let (_, message) = refused.expect("the fault fired");
    assert!(message.contains("no space left") && message.contains("free some"), "{message}");
}

#[test]
fn power_may_be_cut_between_any_two_operations() {
    let story = story();
    let total = {
        let dir = tempdir().expect("a folder");
        let disk = FaultDisk::new(dir.path());
        run(dir.path(), &disk, &story);
        disk.operations()
    };
    let (mut cuts, mut redone) = (0, 0);
    for operation in 1..=total {
        let dir = tempdir().expect("a folder");
        let disk = FaultDisk::cut(dir.path(), operation);
        let acknowledged = run(dir.path(), &disk, &story).acknowledged;
        for ahead in [false, true] {
            let image = tempdir().expect("a folder");
            disk.image(image.path(), ahead);
            redone += u32::from(image.path().join("view-batch").exists());
            after_the_cut(image.path(), &story, acknowledged, &format!("cut {operation} ahead {ahead}"));
            cuts += 1;
        }
    }
    println!("{cuts} power cuts over {total} operations, {redone} of them with a batch to apply once more");
    assert!(cuts > 150 && redone > 10, "{cuts} cuts, {redone} batches");
}

fn after_the_cut(image: &Path, story: &Story, acknowledged: u64, what: &str) {
    let mut after_crash = fsck_options();
    after_crash.after_crash = true;
    let report = fsck(image, &after_crash, &silent).expect("readable");
    assert_eq!(report.damage, None, "{what}: before the start");
    let (mut store, mut recovered) = Store::open(image, &options(), &silent).expect("opens");
    assert!(recovered.next_height >= acknowledged, "{what}: {acknowledged} were acknowledged");
    assert!(recovered.next_height <= acknowledged + 1, "{what}: more than was asked for");
    assert_eq!(recovered.rebuilt, None, "{what}: the view is consistent, not made again");
    if let Some(height) = recovered.next_height.checked_sub(1) {
        assert_eq!(recovered.custody.state_root(), story.roots[height as usize], "{what}");
    }
    for block in &story.blocks[recovered.next_height as usize..] {
        store.append(block.clone()).expect("goes on");
    }
    drop(store);
    let report = fsck(image, &fsck_options(), &silent).expect("readable");
    assert_eq!(report.damage, None, "{what}: at the end");
    assert_eq!(report.counts.blocks, BLOCKS + 1, "{what}");
}
