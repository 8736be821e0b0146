//! What ordering costs, printed rather than judged: `cargo test --release -p ore-consensus speed -- --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use ore_consensus::Transport;
use ore_consensus::hub::Hub;
use tokio::sync::watch;

use crate::ledger::{Disk, Setup, reaches, spawn};

#[tokio::test(flavor = "multi_thread")]
async fn four_members_back_to_back() {
    let hub = Hub::new();
    let (work, work_until) = watch::channel(1);
    let members = ["buyer", "mine", "refiner", "smelter"].map(String::from).to_vec();
    let setup =
        Setup { members: members.clone(), alone_until: 0, size: 1024, work_until, salt: 1, ignores: None };
    let (mut nodes, mut folders) = (Vec::new(), Vec::new());
    for member in &members {
        let folder = tempfile::tempdir().unwrap();
        let join = || {
            let (transport, carry) = hub.join(member);
            tokio::spawn(carry);
            transport
        };
        nodes.push(spawn(member, folder.path(), &setup, &Arc::new(Disk::default()), join).await);
        folders.push(folder);
    }
    reaches(&nodes[0], 1).await;
    let (start, before) = (Instant::now(), nodes[0].engine.progress().borrow().log_syncs);
    work.send(101).unwrap();
    for node in &nodes {
        reaches(node, 101).await;
    }
    let spent = start.elapsed().as_secs_f64() * 10.0;
    let syncs = nodes[0].engine.progress().borrow().log_syncs - before;
    println!("four members, blocks of 1 KiB: {spent:.2} ms per block, {syncs} log flushes per 100 blocks");
    // One each for prevote and precommit, and for the proposal of every fourth height; fewer where three others
    // were faster, more in further rounds.
    assert!(syncs >= 100, "nothing may be said before it is durable");
    for node in &nodes {
        node.engine.shutdown().await;
    }
}

async fn milliseconds_per_block(size: usize, blocks: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let (work, work_until) = watch::channel(1);
    let setup =
        Setup { members: vec!["smelter".into()], alone_until: 0, size, work_until, salt: 1, ignores: None };
    let node = spawn("smelter", folder.path(), &setup, &Arc::new(Disk::default()), Transport::lone).await;
    reaches(&node, 1).await;
    let start = Instant::now();
    work.send(1 + blocks).unwrap();
    reaches(&node, 1 + blocks).await;
    let spent = start.elapsed().as_secs_f64() * 1000.0 / blocks as f64;
    assert_eq!(node.engine.progress().borrow().log_syncs, 0);
    node.engine.shutdown().await;
    spent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_member_back_to_back() {
    for (size, blocks) in [(256, 300), (1024 * 1024, 50)] {
        let spent = milliseconds_per_block(size, blocks).await;
        println!("lone member, blocks of {size} bytes: {spent:.3} ms per block");
    }
}
