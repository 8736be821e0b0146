//! A block that a quorum decided though its proposer's turn it was not: whoever catches up takes it, and says so.

use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use ore_consensus::{Certificate, CommitSignature, precommit_bytes};
use ore_node::{NodeKeys, draft::Draft, recovery, sequencer::now_ms};
use ore_record::SignedRecord;

use crate::{
    cluster::{Cluster, MEMBERS, agreed, linked, turn},
    world::{ORIGIN, Running, commission},
};

const SIGNERS: [&str; 3] = ["mine", "refiner", "trader"];

/// Three of the four committed to this block in this round.
fn certificate(cluster: &Cluster, height: u64, round: u32, block_id: [u8; 32]) -> Bytes {
    let signature = |member: &str| {
        let keys = NodeKeys::load(&cluster.home(member).join("keys")).expect("written by install");
        let key = SigningKey::from_bytes(&keys.consensus);
        let signature = key.sign(&precommit_bytes(ORIGIN, height, round, &block_id, member)).to_bytes();
        CommitSignature { member: member.into(), public_key: key.verifying_key().to_bytes(), signature }
    };
    let signatures = SIGNERS.map(signature).to_vec();
    Certificate { height, round, block_id, signatures }.encode().into()
}

/// A block of one record: in which round it is decided, and whom it names.
type Decided<'a> = (u32, &'a str, SignedRecord);

/// Stores blocks in a member's ledger, the same in everybody's.
fn store(cluster: &Cluster, member: &str, blocks: &[Decided<'_>], time_ms: u64) {
    let opened = recovery::open(&cluster.config(member), &cluster.consortium).expect("founded");
    let recovery::Opened { mut store, mut custody, mut graph, mut tip, .. } = opened;
    for (round, proposer, record) in blocks {
        let mut draft = Draft::begin(&tip, &graph, time_ms);
        let (verified, entry) = (record.clone().verify().expect("signed"), record.entry().into());
        draft.add(&mut custody, &mut graph, &store.reader(), &verified, entry).expect("let in");
        let sealed = draft.seal(&mut custody, &tip, ORIGIN, proposer);
        tip = sealed.tip();
        let certificate = certificate(cluster, sealed.height, *round, sealed.id);
        store.append(sealed.into_committed(certificate).0).expect("durable");
    }
}

/// Members held to be at fault: kind, count, pieces of evidence.
fn faults(node: &Running) -> Vec<(String, &'static str, u64, usize)> {
    let list = node.node.ledger().faults.list();
    list.into_iter().map(|fault| (fault.member, fault.kind, fault.count, fault.evidence.len())).collect()
}

fn out_of_turn(node: &Running) -> u64 {
    node.node.ledger().metrics.out_of_turn.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_catches_up_takes_a_block_out_of_turn_and_holds_it_against_those_who_signed() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    // By name: assay-lab, mine, refiner, trader; height 1 begins with mine. Of these only the third, which was decided
    // in its first round, is not by whoever was asked until then.
    let blocks = [(0, "mine", 1), (1, "refiner", 2), (0, "refiner", 3), (2, "mine", 4)];
    let blocks = blocks.map(|(round, proposer, number)| (round, proposer, commission(number, 1_000)));
    let time_ms = now_ms();
    let mut nodes = Vec::new();
    // More than a third must say that a height is over, or nobody believes it.
    for member in &MEMBERS[..2] {
        store(&cluster, member, &blocks, time_ms);
        nodes.push(cluster.start(member).await);
    }
    let (size, _) = agreed(&nodes.iter().collect::<Vec<_>>(), 0).await;
    for member in &MEMBERS[2..] {
        nodes.push(cluster.start(member).await);
        // One after the other: too few to decide something else.
        agreed(&nodes.iter().collect::<Vec<_>>(), size).await;
    }
    for node in &nodes {
        linked(node, 3).await;
    }
    let place = nodes[3].submit(&commission(9, 1_000)).await.expect("the ledger goes on").place;
    agreed(&nodes.iter().collect::<Vec<_>>(), place.expect("accepted").leaf_index + 1).await;
    for node in &nodes[2..] {
        assert_eq!(faults(node), SIGNERS.map(|member| (member.to_owned(), "out_of_turn", 1, 1)));
        assert_eq!(out_of_turn(node), 1);
    }
    for node in &nodes[..2] {
        assert_eq!((faults(node), out_of_turn(node)), (vec![], 0), "it had them before: fsck's to say");
    }
    let kept = nodes[3].node.ledger().faults.list().remove(0).evidence.remove(0);
    let report = nodes[3].node.ledger().faults.evidence(&kept).expect("kept");
    let report = String::from_utf8(report).expect("text");
    let said =
        "kind out-of-turn\nproposer refiner\nheight 3\nround 0\nturns trader\nsigned mine,refiner,trader\n";
    assert!(report.contains(said), "{report}");
    for node in nodes {
        node.stop().await;
    }
}
