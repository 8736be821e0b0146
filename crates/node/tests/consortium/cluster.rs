//! Several organisations' nodes in one process, linked over mutual TLS on loopback.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::atomic::{AtomicU16, Ordering},
};

use ore_node::{
    Config, Consortium, NodeKeys,
    config::Read,
    consortium::Observer,
    genesis::{self, Genesis},
    sequencer::now_ms,
};
use ore_record::v1::{self, record::Event};
use ore_verify::TrustRoot;
use tempfile::TempDir;

use crate::world::{ORIGIN, Running, config_of, founding_records, sign, start, until};

pub(crate) const MEMBERS: [&str; 4] = ["mine", "refiner", "trader", "assay-lab"];

/// Several nodes want the machine for themselves: tests take turns.
pub(crate) async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

/// Directories of several nodes.
pub(crate) struct Cluster {
    pub(crate) dir: TempDir,
    pub(crate) genesis: Genesis,
    pub(crate) consortium: Consortium,
}

/// An address that nobody else uses: each has an IP address of its own, of which loopback has 16 million.
pub(crate) fn address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() as u16;
    let [high, low] = process.to_be_bytes();
    let ip = IpAddr::V4(Ipv4Addr::new(127, high | 0x40, low, number as u8));
    TcpListener::bind((ip, 0)).and_then(|listener| listener.local_addr()).expect("loopback has room")
}

impl Cluster {
    /// A ledger whose first validators are `validators`, all of [`MEMBERS`] being members.
    pub(crate) fn new(validators: &[&str]) -> Self {
        Self::of(&MEMBERS, validators)
    }

    /// The same with other members.
    pub(crate) fn of(members: &[&str], validators: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keys: Vec<_> = members.iter().map(|_| NodeKeys::generate().expect("randomness")).collect();
        let all: Vec<_> = members
            .iter()
            .zip(&keys)
            .map(|(member, keys)| keys.validator(member, &address().to_string()))
            .collect();
        let first = all.iter().filter(|validator| validators.contains(&validator.member.as_str()));
        let set = v1::ChangeValidators { validators: first.cloned().collect(), rules: 0 };
        let mut records = founding_records(v1::ChangeValidators { validators: all.clone(), rules: 0 });
        records.pop();
        records.push(sign("mine", v1::record::Event::ChangeValidators(set)));
        let genesis = genesis::build(ORIGIN, now_ms(), records).expect("in order");
        let mut consortium =
            Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        for validator in all.iter().filter(|validator| !validators.contains(&validator.member.as_str())) {
            consortium.observers.push(Observer {
                member: validator.member.clone(),
                tls_key: validator.tls_key.as_slice().try_into().expect("32 bytes"),
                peer_address: validator.peer_address.clone(),
            });
        }
        let any = "127.0.0.1:0".parse().expect("an address");
        for (member, keys) in members.iter().zip(&keys) {
            let home = dir.path().join(member);
            genesis::install(&home, &genesis, &consortium, keys, member, any, any).expect("writable");
        }
        Self { dir, genesis, consortium }
    }

    /// What somebody is given who was there when the ledger began.
    pub(crate) fn trust(&self) -> TrustRoot {
        let Consortium { origin, genesis, .. } = self.consortium.clone();
        TrustRoot { origin, genesis, policy: self.consortium.policy().expect("ours") }
    }

    pub(crate) fn home(&self, member: &str) -> PathBuf {
        self.dir.path().join(member)
    }

    /// What the ledger is told about a member's node.
    pub(crate) fn validator(&self, member: &str) -> v1::Validator {
        let keys = NodeKeys::load(&self.home(member).join("keys")).expect("written by install");
        keys.validator(member, &self.address_of(member).to_string())
    }

    /// New keys for everything that a validator signs; its links keep theirs. A node that runs has the old ones.
    pub(crate) fn replace_validator_keys(&self, member: &str) {
        let folder = self.home(member).join("keys");
        let NodeKeys { tls, .. } = NodeKeys::load(&folder).expect("written by install");
        let keys = NodeKeys { tls, ..NodeKeys::generate().expect("randomness") };
        std::fs::remove_dir_all(&folder).expect("ours");
        keys.save(&folder).expect("writable");
    }

    fn address_of(&self, member: &str) -> SocketAddr {
        let validators = self.consortium.validators.iter().map(|v| (&v.member, &v.peer_address));
        let observers = self.consortium.observers.iter().map(|o| (&o.member, &o.peer_address));
        let mut all = validators.chain(observers);
        let (_, address) = all.find(|(name, _)| *name == member).expect("a node of this cluster");
        address.parse().expect("an address")
    }

    pub(crate) fn config(&self, member: &str) -> Config {
        let mut config = config_of(&self.home(member));
        config.peer_listen = Some(self.address_of(member));
        config.read = Read::Everybody;
        config
    }

    pub(crate) async fn start(&self, member: &str) -> Running {
        start(self.config(member)).await
    }

    pub(crate) async fn start_all(&self) -> Vec<Running> {
        let mut nodes = Vec::new();
        for member in MEMBERS {
            nodes.push(self.start(member).await);
        }
        nodes
    }
}

/// Tree size and root of a node's durable log.
pub(crate) fn root(node: &Running) -> (u64, Vec<u8>) {
    let reader = &node.node.ledger().reader;
    let size = reader.size();
    (size.get(), reader.root_at(size).map(|root| root.as_bytes().to_vec()).unwrap_or_default())
}

/// Waits until all nodes hold the same log of at least so many entries, and gives its size and root.
pub(crate) async fn agreed(nodes: &[&Running], least: u64) -> (u64, Vec<u8>) {
    // A node that was down may wait for some rounds of the others, on a busy machine for many.
    for _ in 0..3_000 {
        let first = root(nodes[0]);
        if first.0 >= least && nodes.iter().all(|node| root(node) == first) {
            return first;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!(
        "no equal roots of {least} entries: {:?}",
        nodes.iter().map(|node| root(node).0).collect::<Vec<_>>()
    );
}

/// Waits until a node is linked with so many others.
pub(crate) async fn linked(node: &Running, others: usize) {
    until("links", async || {
        let links = node.node.links().expect("it has links").report();
        (links.iter().filter(|link| link.connected).count() >= others).then_some(())
    })
    .await;
}

/// The members vote for other validators.
pub(crate) async fn change_validators(
    cluster: &Cluster,
    node: &Running,
    members: &[&str],
    approving: &[&str],
) {
    change(cluster, node, members, 0, approving).await;
}

/// The same, and which rules they judge blocks by; 0: as before.
pub(crate) async fn change(
    cluster: &Cluster,
    node: &Running,
    members: &[&str],
    rules: u32,
    approving: &[&str],
) {
    let validators = members.iter().map(|member| cluster.validator(member)).collect();
    let set = v1::ChangeValidators { validators, rules };
    let proposal = sign("mine", Event::ChangeValidators(set));
    node.submit(&proposal).await.expect("proposed");
    for member in approving {
        let approve = v1::Approve { proposal: proposal.id().as_bytes().to_vec() };
        match node.submit(&sign(member, Event::Approve(approve))).await {
            Ok(_) => {}
            // Enough have approved: it is in force.
            Err(status) if status.message().contains("does not wait for approvals") => return,
            Err(status) => panic!("{status}"),
        }
    }
}
