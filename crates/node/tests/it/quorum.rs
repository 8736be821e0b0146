//! Four validators' publishers over four stores on disk, joined by channels.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ore_checkpoint::SignedCheckpoint;
use ore_node::{
    Consortium, NodeKeys, genesis,
    health::Condition,
    ledger::{Ledger, Newest},
    publisher::{Inbox, PublishError, Publisher},
    recovery,
    sequencer::now_ms,
};
use ore_record::v1;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::world::{ORIGIN, config_of, founding_records, until};

/// Who is connected; messages to others are lost.
type Wires = Arc<Mutex<BTreeMap<String, Inbox>>>;

struct Node {
    ledger: Arc<Ledger>,
    publisher: Arc<Publisher>,
    running: JoinHandle<Result<(), PublishError>>,
}

struct Four {
    dir: TempDir,
    consortium: Consortium,
    wires: Wires,
}

const MEMBERS: [&str; 4] = ["mine", "refiner", "trader", "assay-lab"];

impl Four {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let keys = MEMBERS.map(|_| NodeKeys::generate().expect("randomness"));
        let validators =
            MEMBERS.iter().zip(&keys).map(|(member, keys)| keys.validator(member, "127.0.0.1:1"));
        let validators = v1::ChangeValidators { validators: validators.collect(), ..Default::default() };
        let genesis = genesis::build(ORIGIN, now_ms(), founding_records(validators)).expect("in order");
        let consortium = Consortium::of_genesis(ORIGIN, genesis.id, &genesis.validators).expect("good keys");
        let any = "127.0.0.1:0".parse().expect("an address");
        for (member, keys) in MEMBERS.iter().zip(&keys) {
            let home = dir.path().join(member);
            genesis::install(&home, &genesis, &consortium, keys, member, any, any).expect("writable");
        }
        Self { dir, consortium, wires: Wires::default() }
    }

    fn home(&self, member: &str) -> std::path::PathBuf {
        self.dir.path().join(member)
    }

    fn start(&self, member: &str) -> Node {
        let config = config_of(&self.home(member));
        let opened = recovery::open(&config, &self.consortium).expect("a ledger");
        let size = opened.store.reader().size().get();
        let newest = Newest { height: 0, tree_size: size, time_ms: 0 };
        let (reader, genesis) = (opened.store.reader(), self.consortium.genesis);
        let ledger =
            Ledger::new(ORIGIN.into(), genesis, member.into(), opened.custody, opened.graph, reader, newest);
        let (ledger, store) = (Arc::new(ledger), Arc::new(Mutex::new(opened.store)));
        let keys = NodeKeys::load(&config.keys).expect("written by install");
        let interval = Duration::from_millis(5);
        let publisher = Publisher::new(Arc::clone(&ledger), store, &self.consortium, member, &keys, interval);
        let publisher = Arc::new(publisher.expect("a policy"));
        publisher.resume();
        let (wires, from) = (Arc::clone(&self.wires), member.to_owned());
        let inbox = publisher.connect(Box::new(move |to, message| {
            for (other, inbox) in wires.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if *other != from && to.as_ref().is_none_or(|to| to == other) {
                    inbox.put(&from, &message);
                }
            }
        }));
        self.wires.lock().unwrap_or_else(PoisonError::into_inner).insert(member.to_owned(), inbox);
        let running = tokio::spawn(Arc::clone(&publisher).run());
        Node { ledger, publisher, running }
    }

    async fn stop(&self, member: &str, node: Node) {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner).remove(member);
        node.ledger.health.set(Condition::Stopping, "");
        let Node { ledger, publisher, running } = node;
        running.await.expect("no panic").expect("no contradiction");
        // The store's lock goes with the last handle.
        drop((ledger, publisher));
    }
}

async fn published(node: &Node) -> SignedCheckpoint {
    until("a published checkpoint", async || {
        node.ledger.published.borrow().checkpoint.as_ref().map(|note| (**note).clone())
    })
    .await
}

fn promise(home: &Path) -> Option<Vec<u8>> {
    fs::read(home.join("data/promise")).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_publish_by_a_quorum_and_keep_their_promises_on_disk() {
    let four = Four::new();
    let policy = four.consortium.policy().expect("a policy");
    let (mine, refiner) = (four.start("mine"), four.start("refiner"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(mine.ledger.published.borrow().checkpoint.is_none(), "two of four are no quorum");
    let trader = four.start("trader");
    for node in [&mine, &refiner, &trader] {
        let note = published(node).await;
        assert!(policy.check(&note).expect("a quorum").cosigned().len() >= 3);
    }
    let auditor = four.start("assay-lab");
    for node in [&mine, &refiner, &trader, &auditor] {
        until("four lines", async || {
            let note = node.ledger.published.borrow().checkpoint.clone()?;
            (policy.check(&note).ok()?.cosigned().len() == 4).then_some(())
        })
        .await;
    }
    for member in MEMBERS {
        let promise = promise(&four.home(member)).expect("a promise file");
        assert!(promise.starts_with(ORIGIN.as_bytes()), "{member} promised before it signed");
    }
    for (member, node) in MEMBERS.into_iter().zip([mine, refiner, trader, auditor]) {
        four.stop(member, node).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_started_node_asks_before_it_signs_even_when_its_promise_file_is_gone() {
    let four = Four::new();
    let nodes: Vec<Node> = MEMBERS.iter().map(|member| four.start(member)).collect();
    for node in &nodes {
        published(node).await;
    }
    // The others may have published before it signed.
    until("a promise", async || promise(&four.home("mine"))).await;
    let mut nodes = nodes.into_iter();
    let mine = nodes.next().expect("four");
    four.stop("mine", mine).await;
    let data = four.home("mine").join("data");
    for file in ["promise", "checkpoint"] {
        fs::remove_file(data.join(file)).expect("it was there");
    }
    // Alone it signs nothing, however long it waits.
    let others = std::mem::take(&mut *four.wires.lock().unwrap_or_else(PoisonError::into_inner));
    let mine = four.start("mine");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(promise(&four.home("mine")), None);
    assert!(mine.publisher.waits_for().is_some());
    // With the others it learns what it signed, has it, and goes on.
    four.wires.lock().unwrap_or_else(PoisonError::into_inner).extend(others);
    published(&mine).await;
    until("it signs again", async || mine.publisher.waits_for().is_none().then_some(())).await;
    four.stop("mine", mine).await;
    for (member, node) in MEMBERS[1..].iter().zip(nodes) {
        four.stop(member, node).await;
    }
}
