//! The rules change while the ledger lives: members vote, every node judges each block by the rules of its height, and a
//! program that does not know them ends and says what to do.

use ore_node::{Config, Node, Shutdown, sequencer::chain};
use ore_record::rules::Rules;
use ore_wire::v1::{ListPeersRequest, consortium_service_client::ConsortiumServiceClient};

use crate::{
    cluster::{Cluster, MEMBERS, agreed, change, linked, turn},
    world::{Running, commission, start},
};

/// Waits for the end of a node that cannot go on, and gives what it says.
async fn last_words(node: Running) -> String {
    let end = tokio::time::timeout(std::time::Duration::from_secs(60), node.node.wait());
    chain(&end.await.expect("it ends by itself").expect_err("it cannot go on"))
}

fn assert_says_what_to_do(said: &str, version: u32) {
    let what = format!("install a program that knows version {version}");
    assert!(said.contains(&what) && said.contains("nothing is lost"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_vote_for_new_rules_and_a_program_that_does_not_know_them_ends_until_it_is_replaced() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let old = || Config { newest_rules: Rules::V1, ..cluster.config(MEMBERS[3]) };
    let mut nodes = Vec::new();
    for member in &MEMBERS[..3] {
        nodes.push(cluster.start(member).await);
    }
    nodes.push(start(old()).await);
    for node in &nodes {
        linked(node, 3).await;
    }
    for number in 0..8 {
        nodes[number as usize % 4].submit(&commission(number, 1_000)).await.expect("by the first rules");
    }
    let mut door = ConsortiumServiceClient::new(nodes[0].channel.clone());
    let said = door.list_peers(ListPeersRequest {}).await.expect("an answer").into_inner();
    let known: Vec<_> = said.peers.iter().map(|peer| (peer.member.as_str(), peer.newest_rules)).collect();
    assert_eq!((said.rules, said.newest_rules), (1, 2));
    assert_eq!(
        known,
        [("assay-lab", 1), ("mine", 2), ("refiner", 2), ("trader", 2)],
        "whose program is too old"
    );

    change(&cluster, &nodes[0], &MEMBERS, 2, &MEMBERS[1..3]).await;
    for number in 8..16 {
        nodes[number as usize % 3].submit(&commission(number, 1_000)).await.expect("three of four decide");
    }
    let left = nodes.pop().expect("the old one");
    let (reader, ledger) = (left.node.ledger().reader.clone(), std::sync::Arc::clone(left.node.ledger()));
    assert_says_what_to_do(&last_words(left).await, 2);
    let (height, size) = (ledger.newest.borrow().height, reader.size());
    let custody = ledger.custody.read().await;
    assert_eq!(
        (custody.rules_version_at(height), custody.rules_version_at(height + 1)),
        (1, 2),
        "not a block further"
    );
    drop(custody);
    drop(ledger);
    let other = &nodes[0].node.ledger().reader;
    assert_eq!(reader.root_at(size), other.root_at(size), "what it has is what the others have");
    drop(reader);
    // Nor does it begin.
    let refused =
        Node::start(old(), Shutdown::new()).await.map(drop).expect_err("the next block is not for it");
    assert_says_what_to_do(&chain(&refused), 2);

    nodes.push(cluster.start(MEMBERS[3]).await);
    let (size, _) = agreed(&nodes.iter().collect::<Vec<_>>(), 0).await;
    for number in 16..20 {
        nodes[number as usize % 4].submit(&commission(number, 1_000)).await.expect("by the second rules");
    }
    agreed(&nodes.iter().collect::<Vec<_>>(), size + 4).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_no_program_knows_yet_stop_all_at_one_height() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let nodes = cluster.start_all().await;
    for version in 2..=Rules::NEWEST.version() + 1 {
        change(&cluster, &nodes[0], &MEMBERS, version, &MEMBERS[1..3]).await;
        // Whatever comes next may find the nodes gone.
        let _ = nodes[0].submit(&commission(version.into(), 1_000)).await;
    }
    let mut roots = Vec::new();
    for node in nodes {
        let ledger = std::sync::Arc::clone(node.node.ledger());
        assert_says_what_to_do(&last_words(node).await, Rules::NEWEST.version() + 1);
        let size = ledger.reader.size();
        roots.push((size, ledger.reader.root_at(size)));
    }
    assert!(roots.windows(2).all(|pair| pair[0] == pair[1]), "{roots:?}");
}
