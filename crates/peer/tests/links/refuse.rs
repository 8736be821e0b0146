//! Whoever is not named gets nothing.

use std::sync::Arc;

use ore_peer::{Directory, Greeting};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{GENESIS, Node, directory, identity, listener, settings, until, welcome};

/// A server that knows `b` by the key of seed 2, and a dialler with `seed` that calls itself `b`.
async fn refused(seed: u8) {
    let (socket, address) = listener().await;
    let server = Node::start(
        settings("a", 1),
        directory(&[welcome("a", 1, None), welcome("b", 2, None)]),
        Some(socket),
    );
    let dialler = Node::start(settings("b", seed), directory(&[welcome("a", 1, Some(address))]), None);
    until("a refusal", || server.links.refused() >= 2).await;
    assert!(!server.links.is_connected("b") && !dialler.links.is_connected("a"));
    assert!(server.links.report().is_empty(), "nobody was let in");
    server.stop().await;
    dialler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_refused_in_the_handshake() {
    refused(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_and_loses_the_link_that_it_had() {
    let (socket, address) = listener().await;
    let named = [welcome("a", 1, None), welcome("b", 2, None)];
    let server = Node::start(settings("a", 1), directory(&named), Some(socket));
    let dialler = Node::start(settings("b", 2), directory(&[welcome("a", 1, Some(address))]), None);
    until("a link", || server.links.is_connected("b")).await;
    let revoked = [identity(2).public_key()];
    server.directory.send_replace(Arc::new(Directory::new(named.iter().cloned(), revoked)));
    until("the end of the link", || !server.links.is_connected("b")).await;
    let before = server.links.refused();
    until("refusals of whoever dials again", || server.links.refused() > before + 1).await;
    assert!(!server.links.is_connected("b"));
    server.stop().await;
    dialler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_answers_with_another_members_key_is_not_spoken_to() {
    let (socket, address) = listener().await;
    let all = [welcome("a", 1, None), welcome("b", 2, None), welcome("c", 3, None)];
    // At the address of `a` answers `c`, whose key is good for `c` alone.
    let other = Node::start(settings("c", 3), directory(&all), Some(socket));
    let named = [welcome("a", 1, Some(address)), welcome("b", 2, None), welcome("c", 3, None)];
    let dialler = Node::start(settings("b", 2), directory(&named), None);
    until("refused handshakes", || other.links.refused() >= 2).await;
    assert!(!dialler.links.is_connected("a") && !other.links.is_connected("b"));
    other.stop().await;
    dialler.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_ledger_is_told_so() {
    let (socket, address) = listener().await;
    let server = Node::start(
        settings("a", 1),
        directory(&[welcome("a", 1, None), welcome("b", 2, None)]),
        Some(socket),
    );
    for (origin, genesis) in [("ledger.example/tantalum", [8; 32]), ("ledger.example/tin", GENESIS)] {
        let before = server.links.refused();
        let mut other = settings("b", 2);
        other.greeting = Greeting { member: "b".into(), origin: origin.into(), genesis, newest_rules: 2 };
        let dialler = Node::start(other, directory(&[welcome("a", 1, Some(address))]), None);
        until("a refusal", || server.links.refused() > before).await;
        assert!(!server.links.is_connected("b"));
        dialler.stop().await;
    }
    let faults = server.links.report()[0].faults;
    assert!(faults >= 2, "{faults} faults are counted under its name");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_and_tls_without_a_certificate_get_nothing() {
    let (socket, address) = listener().await;
    let server = Node::start(settings("a", 1), directory(&[welcome("a", 1, None)]), Some(socket));
    let mut plain = TcpStream::connect(address).await.expect("it listens");
    plain.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    // A TLS alert is all that comes.
    assert!(answer.len() <= 16 && !answer.windows(4).any(|bytes| bytes == b"HTTP"), "{answer:?}");
    until("a refusal", || server.links.refused() == 1).await;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from("node.invalid").expect("a name");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let shaken = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    assert!(shaken.is_err());
    until("a second refusal", || server.links.refused() == 2).await;
    assert!(server.links.report().is_empty());
    server.stop().await;
}
