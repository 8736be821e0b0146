//! Four organisations' nodes that trust nobody agree on one ledger.

use std::collections::BTreeSet;

use ore_node::consortium::Consortium;

use crate::{
    cluster::{Cluster, MEMBERS, agreed, change_validators, linked, root, turn},
    world::{Running, commission, until},
};

fn height(node: &Running) -> u64 {
    node.node.ledger().newest.borrow().height
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_agree_over_mutual_tls() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let nodes = cluster.start_all().await;
    for node in &nodes {
        linked(node, 3).await;
    }
    for number in 0..8_u64 {
        let node = &nodes[number as usize % 4];
        let answer = node.submit(&commission(number, 1_000)).await.expect("accepted");
        assert!(!answer.already_there);
    }
    let all: Vec<_> = nodes.iter().collect();
    let (size, _) = agreed(&all, cluster.genesis.tree_size + 8).await;
    assert!(size > cluster.genesis.tree_size + 8, "records and seals of blocks");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_is_given_others_propose_and_its_submitter_is_answered() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let nodes = cluster.start_all().await;
    linked(&nodes[0], 3).await;
    let mut heights = Vec::new();
    for number in 0..8 {
        let place = nodes[0].submit(&commission(number, 1_000)).await.expect("accepted").place;
        let place = place.expect("an accepted record has a place");
        assert!(height(&nodes[0]) >= place.height && place.leaf_index < place.tree_size);
        heights.push(place.height);
    }
    let (first, last) = (heights[0], heights[7]);
    assert!(heights.is_sorted_by(|one, next| one < next), "{heights:?}");
    // An empty block now and then, where the proposer heard of the height before it heard of the record.
    assert!(last <= first + 7 + 3, "hardly a block between two records: {heights:?}");
    let reader = &nodes[0].node.ledger().reader;
    let proposers: BTreeSet<_> = (first..=last)
        .map(|height| reader.header(height).expect("readable").expect("stored").proposer)
        .collect();
    assert_eq!(proposers, MEMBERS.map(str::to_owned).into(), "each in its turn");
    let refused = nodes[0].submit(&commission(3, 1_000)).await;
    assert!(refused.is_err(), "a lot cannot be commissioned twice, whoever proposes");
    assert_eq!(height(&nodes[0]), last, "a refused record makes no block");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_down_catches_up_and_has_the_same_root() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let mut nodes = cluster.start_all().await;
    for node in &nodes {
        linked(node, 3).await;
    }
    nodes[0].submit(&commission(0, 1_000)).await.expect("accepted");
    let last = nodes.pop().expect("four");
    let before = root(&last).0;
    last.stop().await;
    for number in 1..20 {
        nodes[number as usize % 3].submit(&commission(number, 1_000)).await.expect("three of four suffice");
    }
    nodes.push(cluster.start(MEMBERS[3]).await);
    let all: Vec<_> = nodes.iter().collect();
    let (size, _) = agreed(&all, before + 19).await;
    nodes[3].submit(&commission(20, 1_000)).await.expect("it takes part again");
    agreed(&nodes.iter().collect::<Vec<_>>(), size + 1).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_four_decide_nothing_and_answer_readers_all_the_same() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let mut nodes = cluster.start_all().await;
    linked(&nodes[0], 3).await;
    nodes[0].submit(&commission(0, 1_000)).await.expect("accepted");
    agreed(&nodes.iter().collect::<Vec<_>>(), cluster.genesis.tree_size + 1).await;
    let stopped = nodes.split_off(2);
    for node in stopped {
        node.stop().await;
    }
    let (record, before) = (commission(1, 1_000), root(&nodes[0]));
    let (mut client, entry) = (nodes[0].submission(), record.entry().into());
    let wait = ore_wire::v1::Stage::Integrated.into();
    let request = ore_wire::v1::SubmitRequest { entry, wait, ..Default::default() };
    let mut waiting = tokio::spawn(async move { client.submit(request).await });
    // A proposer applies its block and waits for a quorum that does not come.
    let read = until("a read during a height that does not end", async || {
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("two of four have decided"),
            custody = nodes[0].node.ledger().custody.read() => {
                let progress = nodes[0].node.links().map(ore_peer_links);
                (progress == Some(1) && custody.lot("mine/M0").is_some()).then_some(())
            }
        }
    });
    read.await;
    assert_eq!(root(&nodes[0]), before);
    nodes.push(cluster.start(MEMBERS[2]).await);
    waiting.await.expect("no panic").expect("three of four decide");
    for node in nodes {
        node.stop().await;
    }
}

fn ore_peer_links(links: &ore_peer::Links) -> usize {
    links.report().iter().filter(|link| link.connected).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_grows_from_one_validator_to_four_and_loses_one_again() {
    let _turn = turn().await;
    let cluster = Cluster::new(&["mine"]);
    let mut nodes = vec![cluster.start("mine").await];
    for number in 0..5 {
        nodes[0].submit(&commission(number, 1_000)).await.expect("alone");
    }
    for member in &MEMBERS[1..] {
        nodes.push(cluster.start(member).await);
    }
    linked(&nodes[0], 3).await;
    let all = |nodes: &[Running]| nodes.iter().map(root).collect::<BTreeSet<_>>().len() == 1;
    until("observers have caught up", async || all(&nodes).then_some(())).await;
    let custody = nodes[3].node.ledger().custody.read().await;
    assert!(custody.lot("mine/M4").is_some(), "an observer serves reads");
    drop(custody);

    change_validators(&cluster, &nodes[0], &MEMBERS, &MEMBERS[1..]).await;
    for number in 5..15 {
        nodes[number as usize % 4].submit(&commission(number, 1_000)).await.expect("four decide");
    }
    let (size, _) = agreed(&nodes.iter().collect::<Vec<_>>(), 0).await;
    let newest = nodes[1].node.ledger().reader.header(height(&nodes[1])).expect("readable").expect("stored");
    let proposers: BTreeSet<_> = (height(&nodes[1]) - 3..=newest.height)
        .map(|at| nodes[1].node.ledger().reader.header(at).expect("readable").expect("stored").proposer)
        .collect();
    assert_eq!(proposers.len(), 4, "all four propose");

    // The last one is voted out: it is no observer of the others' files, so it loses its links.
    for member in &MEMBERS[..3] {
        let path = cluster.home(member).join("consortium.toml");
        let mut consortium = Consortium::load(&path).expect("ours");
        consortium.observers.retain(|observer| observer.member != MEMBERS[3]);
        std::fs::write(&path, consortium.to_text()).expect("writable");
    }
    change_validators(&cluster, &nodes[0], &MEMBERS[..3], &MEMBERS[1..3]).await;
    for number in 15..20 {
        nodes[number as usize % 3].submit(&commission(number, 1_000)).await.expect("three decide");
    }
    agreed(&nodes[..3].iter().collect::<Vec<_>>(), size + 5).await;
    until("the one that was voted out has no links", async || {
        (ore_peer_links(nodes[3].node.links().expect("it had some")) == 0).then_some(())
    })
    .await;
    for node in nodes {
        node.stop().await;
    }
}

/// The ordering engine stops waiting for work whenever a message comes: what waits for a block then must wait on.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_while_readers_hold_the_state_is_not_lost_when_others_decide() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let nodes = cluster.start_all().await;
    for node in &nodes {
        linked(node, 3).await;
    }
    let ledger = nodes[0].node.ledger();
    let reading = std::sync::Arc::clone(&ledger.custody).read_owned().await;
    let verified = ledger.metrics.verified.get();
    let (mut door, record) = (nodes[0].submission(), commission(0, 1_000));
    let request = v1_submit(&record);
    let answer = tokio::spawn(async move { door.submit(request).await });
    until("it is verified", async || (ledger.metrics.verified.get() > verified).then_some(())).await;
    for number in 1..6 {
        nodes[1 + number as usize % 3].submit(&commission(number, 1_000)).await.expect("three decide");
    }
    drop(reading);
    answer.await.expect("no panic").expect("it is in, and not told that the node stops");
    for node in nodes {
        node.stop().await;
    }
}

fn v1_submit(record: &ore_record::SignedRecord) -> ore_wire::v1::SubmitRequest {
    ore_wire::v1::SubmitRequest { entry: record.entry().into(), wait: 0, promise: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_validator_that_was_restarted_and_is_idle_serves_an_observer_all_the_same() {
    let _turn = turn().await;
    let cluster = Cluster::new(&["mine"]);
    let founder = cluster.start("mine").await;
    for number in 0..5 {
        founder.submit(&commission(number, 1_000)).await.expect("alone");
    }
    let before = root(&founder).0;
    founder.stop().await;
    let nodes = [cluster.start("mine").await, cluster.start("refiner").await];
    let (size, _) = agreed(&[&nodes[0], &nodes[1]], before).await;
    assert!(size <= before + 2, "an empty block at the most: {before}, then {size}");
    for node in nodes {
        node.stop().await;
    }
}
