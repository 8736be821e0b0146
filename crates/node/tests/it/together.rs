//! Four organisations' nodes that trust nobody agree on one ledger.

use crate::{
    cluster::{Cluster, MEMBERS, agreed, linked},
    world::commission,
};

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_agree_over_mutual_tls() {
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
