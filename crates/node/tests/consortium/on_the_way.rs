//! A record that builds on another, which was handed in a moment ago at another node.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use ore_node::{Config, pool::Patience};

use crate::{
    cluster::{Cluster, MEMBERS, agreed, linked, turn},
    world::{Running, commission, lose, start, until},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_waits_for_its_parent_which_comes_by_another_node() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let mut nodes = Vec::new();
    for member in MEMBERS {
        // However slow the machine is, nothing is refused before everything is held everywhere.
        let patience = Patience { wait: Duration::from_secs(300), ..Patience::default() };
        nodes.push(start(Config { patience, ..cluster.config(member) }).await);
    }
    for node in &nodes {
        linked(node, 3).await;
    }
    let parent = commission(0, 1_000);
    let child = lose("mine/M0", parent.id(), 1);
    let grandchild = lose("mine/M0", child.id(), 1);
    let (mut first, mut second) = (nodes[1].submission(), nodes[2].submission());
    let request = |record: &ore_record::SignedRecord| ore_wire::v1::SubmitRequest {
        entry: record.entry().into(),
        ..Default::default()
    };
    let (of_grandchild, of_child) = (request(&grandchild), request(&child));
    let last = tokio::spawn(async move { first.submit(of_grandchild).await });
    let middle = tokio::spawn(async move { second.submit(of_child).await });
    // Everywhere they were passed on to, they were judged by then, and not refused.
    for node in &nodes {
        until("both are held", async || (held(node) == Some(2)).then_some(())).await;
    }
    let place = |answer: ore_wire::v1::SubmitResponse| answer.place.expect("a place").leaf_index;
    let parent = place(nodes[3].submit(&parent).await.expect("accepted"));
    let middle = place(middle.await.expect("no panic").expect("its parent has come").into_inner());
    let last = place(last.await.expect("no panic").expect("its parent has come").into_inner());
    assert!(parent < middle && middle < last, "in their order: {parent}, {middle}, {last}");
    agreed(&nodes.iter().collect::<Vec<_>>(), last + 1).await;
    // What was decided is not waited for: this head is known, and is no longer the newest.
    let stale = lose("mine/M0", child.id(), 1);
    let refused = nodes[0].submit(&stale).await.expect_err("the lot has moved on");
    assert!(refused.message().contains("has moved on") && !refused.message().contains("parent"), "{refused}");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_parent_never_comes_is_refused_and_names_it() {
    let _turn = turn().await;
    let cluster = Cluster::new(&MEMBERS);
    let nodes = cluster.start_all().await;
    let never = commission(1, 1_000);
    let orphan = lose("mine/M1", never.id(), 1);
    let refused = nodes[0].submit(&orphan).await.expect_err("its parent never comes");
    assert!(refused.message().contains(&never.id().to_string()), "{refused}");
    for node in nodes {
        node.stop().await;
    }
}

/// Records that a node holds for a parent, by its own count.
fn held(node: &Running) -> Option<u64> {
    let mut connection = TcpStream::connect(node.node.admin_addr()).ok()?;
    write!(connection, "GET /metrics HTTP/1.1\r\nHost: n\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    connection.read_to_string(&mut text).ok()?;
    text.lines().find_map(|line| line.strip_prefix("ledger_held_records "))?.parse().ok()
}
