//! Four members over a network in memory.

use std::sync::Arc;

use ore_consensus::hub::Hub;
use ore_consensus::{EngineState, FrameKind, Inbound, Standing, Transport};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::ledger::{Disk, Node, ORIGIN, PATIENCE, Setup, entry, kill, reaches, spawn};

const MEMBERS: [&str; 4] = ["buyer", "mine", "refiner", "smelter"];

/// Four members, their disks and their folders.
struct Consortium {
    hub: Hub,
    folders: Vec<TempDir>,
    disks: Vec<Arc<Disk>>,
    nodes: Vec<Option<Node>>,
    setup: Setup,
    work: watch::Sender<u64>,
    starts: u64,
}

impl Consortium {
    async fn new(work_until: u64, size: usize) -> Self {
        Self::grown(work_until, size, 0).await
    }

    async fn grown(work_until: u64, size: usize, alone_until: u64) -> Self {
        let (work, receiver) = watch::channel(work_until);
        let members = MEMBERS.map(String::from).to_vec();
        let mut consortium = Self {
            hub: Hub::new(),
            folders: MEMBERS.iter().map(|_| tempfile::tempdir().unwrap()).collect(),
            disks: MEMBERS.iter().map(|_| Arc::default()).collect(),
            nodes: MEMBERS.iter().map(|_| None).collect(),
            setup: Setup { members, alone_until, size, work_until: receiver, salt: 0, ignores: None },
            work,
            starts: 0,
        };
        for n in 0..MEMBERS.len() {
            consortium.start(n).await;
        }
        consortium
    }

    async fn start(&mut self, n: usize) {
        self.starts += 1;
        self.setup.salt = self.starts;
        let hub = self.hub.clone();
        let join = || {
            let (transport, carry) = hub.join(MEMBERS[n]);
            tokio::spawn(carry);
            transport
        };
        let node = spawn(MEMBERS[n], self.folders[n].path(), &self.setup, &self.disks[n], join).await;
        self.nodes[n] = Some(node);
    }

    fn node(&self, n: usize) -> &Node {
        self.nodes[n].as_ref().expect("runs")
    }

    async fn kill(&mut self, n: usize) {
        kill(self.nodes[n].take().expect("runs")).await;
    }

    async fn all_reach(&self, height: u64) {
        for node in self.nodes.iter().flatten() {
            reaches(node, height).await;
        }
    }

    fn tip(&self) -> u64 {
        self.disks.iter().map(|disk| disk.tip()).max().unwrap_or(0)
    }

    /// Stops everybody, after which nobody must have signed twice.
    async fn shutdown(self) -> Vec<Arc<Disk>> {
        for node in self.nodes.iter().flatten() {
            tokio::time::timeout(PATIENCE, node.engine.shutdown()).await.unwrap();
            assert_eq!(node.engine.progress().borrow().state, EngineState::Stopped);
        }
        for disk in &self.disks {
            assert_eq!(*disk.evidence.lock().unwrap(), [], "nobody signed twice");
        }
        self.disks
    }
}

/// Equal blocks at equal heights, each with a certificate that verifies on its own.
fn agree(disks: &[Arc<Disk>]) {
    agree_grown(disks, 0);
}

/// As [`agree`], where the first member decides alone up to a height.
fn agree_grown(disks: &[Arc<Disk>], alone_until: u64) {
    let set = MEMBERS.map(entry);
    let longest = disks.iter().max_by_key(|disk| disk.tip()).unwrap().ids();
    for disk in disks {
        let ids = disk.ids();
        assert_eq!(ids, longest[..ids.len()]);
        for ((height, (_, certificate)), id) in disk.blocks.lock().unwrap().iter().zip(&ids) {
            let set = if *height <= alone_until { &set[..1] } else { &set };
            certificate.verify_block(ORIGIN, set, *height, id).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_members_agree_and_idle_together() {
    let consortium = Consortium::new(25, 512).await;
    consortium.all_reach(25).await;
    for node in consortium.nodes.iter().flatten() {
        let mut progress = node.engine.progress();
        let idle = progress.wait_for(|now| now.state == EngineState::Idle);
        tokio::time::timeout(PATIENCE, idle).await.unwrap().unwrap();
    }
    consortium.work.send(26).unwrap();
    consortium.all_reach(26).await;
    let disks = consortium.shutdown().await;
    assert!(disks.iter().all(|disk| disk.tip() == 26), "nobody builds a block without need");
    agree(&disks);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_go_on_without_the_fourth_which_catches_up() {
    let mut consortium = Consortium::new(u64::MAX, 512).await;
    consortium.all_reach(5).await;
    consortium.kill(2).await;
    let before = consortium.disks[2].tip();
    reaches(consortium.node(0), consortium.tip() + 20).await;
    assert_eq!(consortium.disks[2].tip(), before);
    consortium.start(2).await;
    reaches(consortium.node(2), consortium.tip() + 5).await;
    let by_sync =
        consortium.disks[2].checks.lock().unwrap().iter().filter(|(_, s)| *s == Standing::Decided).count();
    assert!(by_sync >= 10, "{by_sync} blocks came by catch-up");
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_one_member_ignores_reaches_it_once_it_is_decided() {
    let mut consortium = Consortium::new(3, 512).await;
    consortium.all_reach(3).await;
    consortium.kill(3).await;
    // At a height that another member's block opens: 5 is the mine's turn.
    consortium.setup.ignores = Some(5);
    consortium.start(3).await;
    consortium.work.send(12).unwrap();
    consortium.all_reach(12).await;
    let checks = consortium.disks[3].checks.lock().unwrap().clone();
    assert!(checks.contains(&(5, Standing::Fresh)) || checks.contains(&(5, Standing::Decided)));
    let votes_again = |(height, standing): &(u64, Standing)| *height > 5 && *standing == Standing::Fresh;
    assert!(checks.iter().any(votes_again), "{checks:?}");
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_nothing_is_decided_and_then_it_goes_on() {
    let mut consortium = Consortium::new(u64::MAX, 512).await;
    consortium.all_reach(3).await;
    consortium.kill(0).await;
    consortium.kill(1).await;
    // What was under way may still end; then two of four stand still.
    let stall = consortium.node(2).engine.stalled(std::time::Duration::from_millis(1500));
    tokio::time::timeout(PATIENCE, stall).await.unwrap();
    let stuck = consortium.disks[2].tip();
    consortium.start(0).await;
    consortium.start(1).await;
    consortium.all_reach(stuck + 5).await;
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_killed_at_once_again_and_again_they_never_diverge() {
    let mut consortium = Consortium::new(u64::MAX, 4096).await;
    for turn in 0..5 {
        consortium.all_reach(consortium.tip() + 2 + turn % 2).await;
        for n in 0..4 {
            consortium.kill(n).await;
        }
        agree(&consortium.disks);
        for n in 0..4 {
            consortium.start(n).await;
        }
    }
    consortium.all_reach(consortium.tip() + 3).await;
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_follows_without_a_vote() {
    let mut consortium = Consortium::new(u64::MAX, 512).await;
    let (folder, disk) = (tempfile::tempdir().unwrap(), Arc::new(Disk::default()));
    let hub = consortium.hub.clone();
    consortium.setup.salt = 99;
    let observer = spawn("auditor", folder.path(), &consortium.setup, &disk, || {
        let (transport, carry) = hub.join("auditor");
        tokio::spawn(carry);
        transport
    })
    .await;
    consortium.all_reach(10).await;
    reaches(&observer, consortium.tip()).await;
    observer.engine.shutdown().await;
    assert!(disk.proposals.lock().unwrap().is_empty());
    consortium.disks.push(disk);
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_restored_from_an_old_copy_is_silent_until_it_has_caught_up() {
    let mut consortium = Consortium::new(u64::MAX, 512).await;
    consortium.all_reach(6).await;
    consortium.kill(3).await;
    let logged = consortium.disks[3].tip();
    // The ledger goes back to height 2, the write-ahead log does not.
    consortium.disks[3].blocks.lock().unwrap().retain(|height, _| *height <= 2);
    consortium.kill(2).await;
    // Three are needed, and the third may not speak at a height where it spoke before.
    consortium.start(3).await;
    reaches(consortium.node(3), logged).await;
    consortium.start(2).await;
    consortium.all_reach(logged + 10).await;
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_floods_from_a_peer_change_nothing() {
    let consortium = Consortium::new(u64::MAX, 512).await;
    let (transport, peer) = Transport::channel();
    let (folder, disk) = (tempfile::tempdir().unwrap(), Arc::new(Disk::default()));
    let mut transport = Some(transport);
    let node = spawn("buyer", folder.path(), &consortium.setup, &disk, || transport.take().unwrap()).await;
    let mine = || "mine".to_owned();
    peer.inbound.send(Inbound::Connected { peer: mine() }).await.unwrap();
    for length in 0..6_000_usize {
        let kind =
            [FrameKind::Consensus, FrameKind::Liveness, FrameKind::Body, FrameKind::Status][length % 4];
        let bytes: Vec<u8> = (0..length % 300).map(|n| (n * 31 + length) as u8).collect();
        let frame = Inbound::Frame { peer: mine(), kind, bytes: bytes.clone().into() };
        peer.inbound.send(frame).await.unwrap();
        let request = Inbound::Request { peer: mine(), id: length as u64, bytes: bytes.clone().into() };
        peer.inbound.send(request).await.unwrap();
        let response = Inbound::Response { id: length as u64, bytes: Some(bytes.into()) };
        peer.inbound.send(response).await.unwrap();
    }
    assert_eq!(disk.tip(), 0);
    tokio::time::timeout(PATIENCE, node.engine.shutdown()).await.unwrap();
    assert!(node.driver.await.unwrap().is_ok());
    consortium.all_reach(5).await;
    agree(&consortium.shutdown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_in_two_processes_is_seen_and_divides_nobody() {
    let mut consortium = Consortium::new(u64::MAX, 512).await;
    let (folder, disk) = (tempfile::tempdir().unwrap(), Arc::new(Disk::default()));
    let hub = consortium.hub.clone();
    consortium.setup.salt = 77;
    // Signs as the mine, with a log of its own, and reaches the others by another name.
    let twin = spawn("mine", folder.path(), &consortium.setup, &disk, || {
        let (transport, carry) = hub.join("twin");
        tokio::spawn(carry);
        transport
    })
    .await;
    let seen = || {
        let from = |n: usize| consortium.disks[n].evidence.lock().unwrap().first().cloned();
        [0, 2, 3].into_iter().find_map(from)
    };
    let wait = async {
        while seen().is_none() {
            reaches(consortium.node(0), consortium.tip() + 1).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap();
    let evidence = seen().unwrap();
    assert_eq!(evidence.member, "mine");
    assert_ne!(evidence.first, evidence.second);
    kill(twin).await;
    consortium.disks.push(disk);
    agree(&consortium.disks);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_member_becomes_four_without_a_pause() {
    let mut consortium = Consortium::grown(u64::MAX, 512, 8).await;
    consortium.all_reach(12).await;
    // The founder is one of four now, and can be missed.
    consortium.kill(0).await;
    reaches(consortium.node(1), consortium.tip() + 5).await;
    consortium.start(0).await;
    consortium.all_reach(consortium.tip() + 3).await;
    agree_grown(&consortium.shutdown().await, 8);
}
