//! Bytes of a stopped ledger are changed: fsck says what and where, and a node does not build on it.

use std::{os::unix::fs::FileExt, path::Path, process::Output, sync::Arc};

use ore_client::{Ledger, Memory};
use ore_record::SignedRecord;
use ore_wire::v1::{SubmitRequest, submission_service_client::SubmissionServiceClient};

use crate::{
    load::Load,
    process::NodeProcess,
    world::{ORIGIN, World, segments, turn, words},
};

/// Records in the ledger, each in a block of its own.
const RECORDS: usize = 12;

/// A stopped ledger, its records with their leaves and heights.
struct Stopped {
    world: Arc<World>,
    records: Vec<(SignedRecord, u64, u64)>,
}

async fn stopped() -> Stopped {
    let world = Arc::new(World::new());
    let node = NodeProcess::start(&world);
    let load = Load::new(Arc::clone(&world));
    load.begin(&node.url()).await;
    let mut client = SubmissionServiceClient::connect(node.url()).await.expect("it listens");
    let mut records = Vec::new();
    for _ in 0..RECORDS {
        let record = world.commission();
        let answer =
            client.submit(SubmitRequest { entry: record.entry().into(), wait: 0, promise: false }).await;
        let place = answer.expect("accepted").into_inner().place.expect("a place");
        records.push((record, place.leaf_index, place.height));
    }
    load.prove(&node.url()).await;
    drop(client);
    node.stop();
    world.assert_clean(&[], "before anything is changed");
    Stopped { world, records }
}

impl Stopped {
    /// Byte of a record's signature in the only segment.
    fn signature_at(&self, record: &SignedRecord) -> (std::fs::File, Vec<u8>, usize) {
        let mut all = segments(&self.world.data());
        let path = all.pop().expect("a segment");
        assert!(all.is_empty(), "a small ledger has one segment");
        let bytes = std::fs::read(&path).expect("readable");
        let at = bytes.windows(64).position(|window| window == record.signature()).expect("it is in the log");
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("writable");
        (file, bytes, at)
    }

    /// Flips one bit of a record's signature.
    fn flip(&self, record: &SignedRecord) {
        let (file, bytes, at) = self.signature_at(record);
        file.write_all_at(&[bytes[at] ^ 1], at as u64).expect("written");
    }

    /// Flips one bit and mends the frame's checksum, as somebody would who knows the format.
    fn forge(&self, record: &SignedRecord) {
        let (file, mut bytes, at) = self.signature_at(record);
        bytes[at] ^= 1;
        // The frame around it: the last place before where length, place and the old checksum fit together.
        let frame = frame_around(&bytes, at);
        let length = u32::from_be_bytes(bytes[frame..frame + 4].try_into().expect("4 bytes")) as usize;
        let checked = [&bytes[frame..frame + 4], &bytes[frame + 8..frame + 24 + length]].concat();
        file.write_all_at(&[bytes[at]], at as u64).expect("written");
        file.write_all_at(&crc32(&checked).to_be_bytes(), frame as u64 + 4).expect("written");
    }

    fn assert_named(&self, report: &Output, parts: &[String]) {
        let said = words(report);
        assert_eq!(report.status.code(), Some(3), "{said}");
        assert!(said.contains("DAMAGED") && said.contains("hint: "), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} is not named: {said}");
        }
    }
}

/// Walks the frames from the first one; see the store's description of a segment.
fn frame_around(bytes: &[u8], at: usize) -> usize {
    // A frame begins at a multiple of 8 with its length; the walk starts where the genesis frame fits.
    let number =
        |from: usize| u32::from_be_bytes(bytes[from..from + 4].try_into().expect("4 bytes")) as usize;
    let mut frame = (0..256)
        .step_by(8)
        .find(|from| {
            let length = number(*from);
            let end = from + 24 + length;
            (12..bytes.len()).contains(&length) && end <= bytes.len() && {
                let checked = [&bytes[*from..from + 4], &bytes[from + 8..end]].concat();
                crc32(&checked) == number(from + 4) as u32
            }
        })
        .expect("a first frame");
    // Each turn passes one frame.
    loop {
        let next = (frame + 24 + number(frame)).next_multiple_of(8);
        if next > at {
            return frame;
        }
        frame = next;
    }
}

/// CRC-32 (IEEE), bit by bit: frames of these tests are small.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_the_newest_block_is_named_and_no_node_starts_on_it() {
    let _turn = turn().await;
    let ledger = stopped().await;
    let (record, _, height) = ledger.records.last().expect("records");
    ledger.flip(record);
    ledger.assert_named(&ledger.world.fsck(&[]), &[format!("height {height}"), ".seg at byte".into()]);
    // Not even as what a crash may leave: the index knows that this block was complete.
    let why = NodeProcess::spawn(&ledger.world).wait_until_up().expect_err("a damaged log");
    for part in ["exit status: 1", "error: ", &format!("height {height}"), ".seg at byte", "hint: "] {
        assert!(why.contains(part), "{part:?} is not in {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_an_old_block_is_named_and_never_served() {
    let _turn = turn().await;
    let ledger = stopped().await;
    let (record, leaf, height) = &ledger.records[2];
    ledger.flip(record);
    ledger.assert_named(&ledger.world.fsck(&[]), &[format!("height {height}"), ".seg at byte".into()]);
    let log = starts_not_or_is_not_believed(&ledger.world, record, *leaf).await;
    assert!(log.contains("ERROR") || log.contains("error: "), "it is said to the operator: {log}");
    assert!(log.contains(&format!("height {height}")), "with the place: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_record_under_a_mended_checksum_is_named_by_its_leaf_and_never_served() {
    let _turn = turn().await;
    let ledger = stopped().await;
    let (record, leaf, height) = &ledger.records[5];
    ledger.forge(record);
    ledger.assert_named(&ledger.world.fsck(&[]), &[format!("height {height}"), format!("leaf {leaf}")]);
    // The checksum fits, so the node itself may not notice; whoever asks it does.
    starts_not_or_is_not_believed(&ledger.world, record, *leaf).await;
}

/// An old block is not read at every start. When it is asked for, nothing false is believed. Returns what the
/// node logged.
async fn starts_not_or_is_not_believed(world: &World, record: &SignedRecord, leaf: u64) -> String {
    let mut node = NodeProcess::spawn(world);
    if let Err(why) = node.wait_until_up() {
        return why;
    }
    let memory = Memory::open(&world.beside("newest.checkpoint"), ORIGIN).expect("what was remembered");
    let ledger =
        Ledger::connect_as(&node.url(), world.trust(), memory, world.identity()).await.expect("it answers");
    let receipt = ledger.receipt(record.id(), std::time::Duration::from_secs(5)).await;
    assert!(receipt.is_err(), "a receipt of leaf {leaf}, which is damaged: {receipt:?}");
    let log = ledger.whole_log(|_, _| {}).await;
    assert!(log.is_err(), "the whole log is served as if nothing were wrong");
    // The answer may be here before what was said to the operator is; the caller asserts that it came.
    for _ in 0..200 {
        if node.log().contains("ERROR") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    node.log()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_garbled_view_is_named_set_aside_and_made_again() {
    let _turn = turn().await;
    let ledger = stopped().await;
    let view = ledger.world.data().join("view/db");
    garble(&view);
    let report = ledger.world.fsck(&[]);
    ledger.assert_named(&report, &["view".into()]);
    let load = Load::new(Arc::clone(&ledger.world));
    let node = NodeProcess::start(&ledger.world);
    for (record, leaf, _) in &ledger.records {
        let mut client = SubmissionServiceClient::connect(node.url()).await.expect("it listens");
        let answer =
            client.submit(SubmitRequest { entry: record.entry().into(), wait: 0, promise: false }).await;
        let answer = answer.expect("there already").into_inner();
        assert!(answer.already_there, "the log has it");
        assert_eq!(answer.place.expect("a place").leaf_index, *leaf);
    }
    drop(load);
    assert!(node.log().contains("made again"), "{}", node.log());
    node.stop();
    ledger.world.assert_clean(&[], "after the view was made again");
}

/// Changes every byte from the middle of each 512 on: no page of it stays whole.
fn garble(path: &Path) {
    let mut bytes = std::fs::read(path).expect("readable");
    bytes.iter_mut().enumerate().filter(|(at, _)| at % 512 >= 256).for_each(|(_, byte)| *byte ^= 0x5a);
    std::fs::write(path, bytes).expect("writable");
}
