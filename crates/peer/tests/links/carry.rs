//! What a link carries, and what it does under load and loss.

use std::time::{Duration, Instant};

use bytes::Bytes;
use ore_consensus::{FrameKind, Inbound, Outbound};
use ore_peer::SideFrame;

use crate::world::{Node, directory, listener, quota, settings, until, welcome};

async fn pair() -> (Node, Node) {
    let (socket_a, a) = listener().await;
    let (socket_b, b) = listener().await;
    // Each dials the other, so that two links may come about, of which one stays.
    let all = [welcome("a", 1, Some(a)), welcome("b", 2, Some(b))];
    let first = Node::start(settings("a", 1), directory(&all), Some(socket_a));
    let second = Node::start(settings("b", 2), directory(&all), Some(socket_b));
    until("a link", || first.links.is_connected("b") && second.links.is_connected("a")).await;
    (first, second)
}

/// The next frame, whatever comes and goes before it.
async fn frame(node: &mut Node) -> (FrameKind, Bytes) {
    loop {
        if let Inbound::Frame { kind, bytes, .. } = node.next().await {
            return (kind, bytes);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_questions_and_side_frames_arrive_as_they_were_sent() {
    let (a, mut b) = pair().await;
    let body: Bytes = (0..2 << 20).map(|n| (n % 251) as u8).collect::<Vec<_>>().into();
    // Until the link that stays is up, frames may be lost: they are said again.
    let sent = Outbound::Broadcast { kind: FrameKind::Body, bytes: body.clone() };
    a.outbound.send(sent).await.expect("runs");
    assert_eq!(frame(&mut b).await, (FrameKind::Body, body));
    let request = Outbound::Request { peer: "b".into(), id: 7, bytes: Bytes::from_static(b"which") };
    a.outbound.send(request).await.expect("runs");
    let (peer, id) = loop {
        if let Inbound::Request { peer, id, bytes } = b.next().await {
            assert_eq!(&bytes[..], b"which");
            break (peer, id);
        }
    };
    let large: Bytes = vec![5; 12 << 20].into();
    let response = Outbound::Response { peer, id, bytes: Some(large.clone()) };
    b.outbound.send(response).await.expect("runs");
    let mut a = a;
    loop {
        if let Inbound::Response { id, bytes } = a.next().await {
            assert_eq!((id, bytes), (7, Some(large)));
            break;
        }
    }
    let note = SideFrame::Cosignature(Bytes::from_static(b"note"));
    a.side.outbound.send((Some("b".into()), note.clone())).await.expect("runs");
    assert_eq!(b.side.inbound.recv().await, Some(("a".into(), note)));
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_went_is_linked_again_when_it_is_back() {
    let (socket, address) = listener().await;
    let all = [welcome("a", 1, Some(address)), welcome("b", 2, None)];
    let mut b = Node::start(settings("b", 2), directory(&all), None);
    let a = Node::start(settings("a", 1), directory(&all), Some(socket));
    assert!(matches!(b.next().await, Inbound::Connected { peer } if peer == "a"));
    a.stop().await;
    assert!(matches!(b.next().await, Inbound::Disconnected { peer } if peer == "a"));
    let socket = tokio::net::TcpListener::bind(address).await.expect("the port is free again");
    let a = Node::start(settings("a", 1), directory(&all), Some(socket));
    assert!(matches!(b.next().await, Inbound::Connected { peer } if peer == "a"));
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_exceeds_its_quota_is_read_more_slowly_and_loses_nothing() {
    let (socket, address) = listener().await;
    let all = [welcome("a", 1, Some(address)), welcome("b", 2, None)];
    let strict = ore_peer::Settings { quota: quota(20, 1 << 20), ..settings("a", 1) };
    let mut a = Node::start(strict, directory(&all), Some(socket));
    let b = Node::start(settings("b", 2), directory(&all), None);
    until("a link", || b.links.is_connected("a")).await;
    let begin = Instant::now();
    for number in 0..30_u8 {
        let vote = Outbound::Broadcast { kind: FrameKind::Consensus, bytes: vec![number].into() };
        b.outbound.send(vote).await.expect("runs");
    }
    for number in 0..30_u8 {
        assert_eq!(frame(&mut a).await.1[..], [number]);
    }
    assert!(begin.elapsed() >= Duration::from_millis(400), "ten messages above 20/s take half a second");
    assert!(a.links.report()[0].throttled > 0);
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_whose_node_does_not_read_costs_the_others_nothing() {
    let (socket, address) = listener().await;
    let all = [welcome("a", 1, Some(address)), welcome("b", 2, None), welcome("c", 3, None)];
    let a = Node::start(settings("a", 1), directory(&all), Some(socket));
    // The engine of `b` takes nothing from its channel.
    let b = Node::start(settings("b", 2), directory(&all), None);
    let mut c = Node::start(settings("c", 3), directory(&all), None);
    until("links", || a.links.is_connected("b") && a.links.is_connected("c")).await;
    for number in 0..400_u32 {
        let bytes: Bytes = [number.to_be_bytes().to_vec(), vec![0; 1 << 18]].concat().into();
        a.outbound.send(Outbound::Broadcast { kind: FrameKind::Body, bytes }).await.expect("runs");
        let got = frame(&mut c).await.1;
        assert_eq!(got[..4], number.to_be_bytes(), "in time, every time");
    }
    let report = a.links.report();
    assert!(report[0].dropped_out > 0, "what b did not read was dropped: {report:?}");
    assert_eq!(report[1].dropped_out, 0);
    a.stop().await;
    b.stop().await;
    c.stop().await;
}
