//! One validator becomes four, four become seven, one leaves: whoever holds the trust root of genesis follows.

use std::time::Duration;

use ore_client::{Ledger, Memory};
use ore_record::{RecordId, keys::SecretKey};
use ore_verify::{Handover, TrustRoot, follow, verify_receipt};

use crate::{
    cluster::{Cluster, agreed, linked, turn},
    together::change_validators,
    world::{Running, add_key, commission, revoke, until},
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
        let consortium = &cluster.consortium;
        let policy = consortium.policy().expect("ours");
        let trust = TrustRoot { origin: consortium.origin.clone(), genesis: consortium.genesis, policy };
        Self { trust, receipts: Vec::new() }
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

    // The founder leaves; a member's key is revoked; a node that was down comes back among other validators.
    nodes.pop().expect("seven").stop().await;
    let lost = SecretKey::from_seed(&[77; 32]);
    add_key(&nodes[2], "refiner", &lost).await;
    revoke(&nodes[2], "refiner", &lost).await;
    change_validators(&cluster, &nodes[1], &SEVEN[1..], &SEVEN[1..6]).await;
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
    for receipt in &outsider.receipts {
        assert!(believed(receipt, &roots), "{}", String::from_utf8_lossy(receipt));
    }
    assert!(believed(&outsider.receipts[0], &roots[..1]), "the founder's own");
    // The founder is among the seven, and not among the six.
    assert!(!believed(&outsider.receipts[4], &roots[..1]), "nothing is believed without the handovers");
    let swapped = [handovers[1].clone(), handovers[0].clone()];
    assert!(follow(&outsider.trust, &swapped).is_err(), "in their order or not at all");

    // A restart among the new validators begins where it ended.
    let again = nodes.remove(1);
    again.stop().await;
    let again = cluster.start(SEVEN[1]).await;
    assert_eq!(again.node.ledger().handovers.borrow().len(), 3, "kept on its disk");
    outsider.keep_receipt(&again, 5).await;
    assert!(believed(&outsider.receipts[5], &roots));
    again.stop().await;
    for node in nodes {
        node.stop().await;
    }
}
