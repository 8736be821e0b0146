//! One validator becomes four, four become seven, one leaves: whoever holds the trust root of genesis follows.

use std::{path::Path, time::Duration};

use ore_client::{Ledger, Memory};
use ore_node::sequencer::now_ms;
use ore_record::{
    RecordId, SignedRecord,
    keys::SecretKey,
    v1::{self, record::Event},
};
use ore_verify::{Handover, TrustRoot, follow, verify_receipt};

use crate::{
    cluster::{Cluster, MEMBERS, agreed, change_validators, linked, turn},
    world::{ORIGIN, Running, add_key, commission, revoke, until},
};

const SEVEN: [&str; 7] = ["mine", "refiner", "trader", "assay-lab", "smelter", "recycler", "auditor-co"];
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who was given the trust root when the ledger began, and nothing since.
struct Outsider {
    trust: TrustRoot,
    /// Receipts, in the order of their making.
    receipts: Vec<Vec<u8>>,
}

impl Outsider {
    fn of(cluster: &Cluster) -> Self {
        Self { trust: cluster.trust(), receipts: Vec::new() }
    }

    async fn ask(&self, node: &Running) -> Ledger {
        let url = format!("http://{}", node.node.member_addr());
        Ledger::connect(&url, self.trust.clone(), Memory::forgetful()).await.expect("it listens")
    }

    /// A lot enters by this node, and its receipt is kept.
    async fn keep_receipt(&mut self, node: &Running, number: u64) {
        let record = commission(number, 1_000);
        node.submit(&record).await.expect("taken");
        self.keep_receipt_of(node, record.id()).await;
    }

    async fn keep_receipt_of(&mut self, node: &Running, id: RecordId) {
        let receipt = self.ask(node).await.receipt(id, PATIENCE).await.expect("it verifies");
        self.receipts.push(receipt.file.into_bytes());
    }
}

/// The refiner states a facility, by this key.
fn facility_by(secret: &SecretKey, id: &str) -> SignedRecord {
    let facility = v1::Facility {
        id: id.into(),
        name: "Site".into(),
        kind: v1::FacilityKind::Refinery.into(),
        country: "AU".into(),
        ..v1::Facility::default()
    };
    let record = v1::Record {
        origin: ORIGIN.into(),
        author: "refiner".into(),
        nonce: now_ms().to_be_bytes().repeat(2),
        event_time_ms: now_ms(),
        event: Some(Event::RegisterFacility(v1::RegisterFacility { facility: Some(facility) })),
        ..v1::Record::default()
    };
    SignedRecord::sign(record, secret).expect("a short record with an event")
}

/// Whether one of these roots believes a receipt.
fn believed(receipt: &[u8], roots: &[TrustRoot]) -> bool {
    roots.iter().any(|root| verify_receipt(receipt, None, root).is_ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_all_times_verify_with_the_trust_root_of_genesis() {
    let _turn = turn().await;
    let cluster = Cluster::of(&SEVEN, &SEVEN[..1]);
    let mut outsider = Outsider::of(&cluster);
    let mut nodes = vec![cluster.start("mine").await];
    outsider.keep_receipt(&nodes[0], 0).await;

    for member in &SEVEN[1..] {
        nodes.push(cluster.start(member).await);
    }
    linked(&nodes[0], 6).await;
    change_validators(&cluster, &nodes[0], &SEVEN[..4], &SEVEN[1..4]).await;
    outsider.keep_receipt(&nodes[1], 1).await;
    change_validators(&cluster, &nodes[0], &SEVEN, &SEVEN[1..4]).await;
    outsider.keep_receipt(&nodes[5], 2).await;

    // A member's key is revoked after it signed a record whose receipt is kept.
    let lost = SecretKey::from_seed(&[77; 32]);
    add_key(&nodes[2], "refiner", &lost).await;
    let by_lost = facility_by(&lost, "refiner/second");
    nodes[3].submit(&by_lost).await.expect("the key is good yet");
    outsider.keep_receipt_of(&nodes[3], by_lost.id()).await;
    revoke(&nodes[2], "refiner", &lost).await;
    let refused = nodes[3].submit(&facility_by(&lost, "refiner/third")).await.expect_err("revoked");
    assert!(refused.message().contains("was revoked"), "{refused}");

    // The founder leaves, a validator's keys are replaced, and a node that was down comes back among other validators.
    nodes.pop().expect("seven").stop().await;
    let former = cluster.validator("trader");
    cluster.replace_validator_keys("trader");
    change_validators(&cluster, &nodes[1], &SEVEN[1..], &SEVEN[1..6]).await;
    // It is in the last block that the seven decide, or, where an empty one was that, waits for the trader's return.
    let (mut client, entry) = (nodes[3].submission(), commission(30, 1_000).entry().into());
    let wait = ore_wire::v1::Stage::Integrated.into();
    let request = ore_wire::v1::SubmitRequest { entry, wait, ..Default::default() };
    let waiting = tokio::spawn(async move { client.submit(request).await });
    let trader = nodes.remove(2);
    let ended = tokio::time::timeout(PATIENCE, trader.node.wait()).await.expect("it stops by itself");
    let ended = ended.expect_err("its old key is no validator's");
    assert!(ore_node::sequencer::chain(&ended).contains("key"), "{ended}");
    nodes.insert(2, cluster.start("trader").await);
    waiting.await.expect("no panic").expect("five of six decide");
    outsider.keep_receipt(&nodes[3], 3).await;
    nodes.push(cluster.start(SEVEN[6]).await);
    let everybody: Vec<_> = nodes.iter().collect();
    agreed(&everybody[1..], 1).await;
    let late = &nodes[6];
    until("the one that was down publishes by the newest validators", async || {
        let (terms, ledger) = (late.node.ledger().handovers.borrow().len(), late.node.ledger());
        (terms == 3 && ledger.published.borrow().tree_size > 0 && ledger.cosigners.borrow().waits.is_empty())
            .then_some(())
    })
    .await;
    outsider.keep_receipt(late, 4).await;

    let handovers = outsider.ask(late).await.handovers().await.expect("each follows");
    let sizes =
        |roots: &[TrustRoot]| roots.iter().map(|root| root.policy.witnesses().len()).collect::<Vec<_>>();
    let file: String = handovers.iter().map(ToString::to_string).collect();
    let handovers = Handover::parse_all(file.as_bytes()).expect("what was written");
    let roots = follow(&outsider.trust, &handovers).expect("offline too");
    assert_eq!(sizes(&roots), [1, 4, 7, 6]);
    let names_former = |root: &TrustRoot| {
        let keys = root.policy.witnesses().iter().map(|witness| witness.key().public_key());
        keys.into_iter().any(|key| former.cosigner_key == key[..])
    };
    assert_eq!(roots.iter().map(names_former).collect::<Vec<_>>(), [false, true, true, false]);
    for receipt in &outsider.receipts {
        assert!(believed(receipt, &roots), "{}", String::from_utf8_lossy(receipt));
    }
    assert!(believed(&outsider.receipts[0], &roots[..1]), "the founder's own");
    // The founder is among the seven, and not among the six.
    assert!(!believed(&outsider.receipts[5], &roots[..1]), "nothing is believed without the handovers");
    let swapped = [handovers[1].clone(), handovers[0].clone()];
    assert!(follow(&outsider.trust, &swapped).is_err(), "in their order or not at all");

    // A restart among the new validators begins where it ended.
    let again = nodes.remove(1);
    again.stop().await;
    let again = cluster.start(SEVEN[1]).await;
    assert_eq!(again.node.ledger().handovers.borrow().len(), 3, "kept on its disk");
    outsider.keep_receipt(&again, 5).await;
    assert!(believed(&outsider.receipts[6], &roots));
    again.stop().await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_from_a_backup_shows_the_changes_of_validators_from_before() {
    let _turn = turn().await;
    let cluster = Cluster::new(&["mine"]);
    let mut nodes = vec![cluster.start("mine").await];
    let outsider = Outsider::of(&cluster);
    nodes[0].submit(&commission(0, 1_000)).await.expect("alone");
    for member in &MEMBERS[1..] {
        nodes.push(cluster.start(member).await);
    }
    linked(&nodes[0], 3).await;
    change_validators(&cluster, &nodes[0], &MEMBERS, &MEMBERS[1..]).await;
    nodes[1].submit(&commission(1, 1_000)).await.expect("four decide");
    let shows = |node: &Running| node.node.ledger().handovers.borrow().len();
    for node in &nodes {
        until("the four have taken over", async || (shows(node) == 1).then_some(())).await;
    }
    agreed(&nodes.iter().collect::<Vec<_>>(), 0).await;
    nodes.pop().expect("four").stop().await;
    let data = cluster.config(MEMBERS[3]).data;
    let safe = tempfile::tempdir().expect("a temporary directory");
    let done = ore_store::backup::backup(&ore_store::RealDisk, &data, safe.path()).expect("copied");
    assert_eq!(done.changes, 2, "the turnover, and the handover made of it");

    // With the backup as it is: known at once, whoever else is there.
    std::fs::remove_dir_all(&data).expect("ours");
    copy_dir(safe.path(), &data);
    let restored = cluster.start(MEMBERS[3]).await;
    assert_eq!(shows(&restored), 1);
    restored.stop().await;

    // With the log alone, as older backups are: made again from its replay and from what the others signed.
    std::fs::remove_dir_all(&data).expect("ours");
    copy_dir(&safe.path().join("log"), &data.join("log"));
    let rebuilt = cluster.start(MEMBERS[3]).await;
    until("it shows the change", async || (shows(&rebuilt) == 1).then_some(())).await;
    let handovers = outsider.ask(&rebuilt).await.handovers().await.expect("each follows");
    let roots = follow(&outsider.trust, &handovers).expect("offline too");
    assert_eq!(roots.len(), 2);
    rebuilt.stop().await;
    for node in nodes {
        node.stop().await;
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("ours") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("known").is_dir() {
            true => copy_dir(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("copied")),
        }
    }
}
