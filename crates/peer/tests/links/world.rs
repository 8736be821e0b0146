//! Nodes that are nothing but their links.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ore_consensus::{Inbound, Transport, TransportPeer};
use ore_peer::{Directory, Greeting, Links, Network, Quota, Settings, Side, SidePeer, TlsIdentity, Welcome};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub(crate) const ORIGIN: &str = "ledger.example/tantalum";
pub(crate) const GENESIS: [u8; 32] = [9; 32];

/// A node's links with both of their ends in the test's hands.
pub(crate) struct Node {
    pub(crate) links: Links,
    pub(crate) inbound: mpsc::Receiver<Inbound>,
    pub(crate) outbound: mpsc::Sender<ore_consensus::Outbound>,
    pub(crate) side: Side,
    pub(crate) directory: watch::Sender<Arc<Directory>>,
    pub(crate) stop: CancellationToken,
    running: JoinHandle<()>,
}

pub(crate) fn identity(seed: u8) -> TlsIdentity {
    TlsIdentity::from_seed(&[seed; 32]).expect("a certificate")
}

pub(crate) fn welcome(member: &str, seed: u8, address: Option<SocketAddr>) -> Welcome {
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    Welcome { member: member.into(), tls_key: identity(seed).public_key(), address }
}

pub(crate) fn directory(welcome: &[Welcome]) -> Directory {
    Directory::new(welcome.iter().cloned(), [])
}

pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}

pub(crate) fn settings(member: &str, seed: u8) -> Settings {
    let greeting =
        Greeting { member: member.into(), origin: ORIGIN.into(), genesis: GENESIS, newest_rules: 2 };
    Settings {
        backoff: Duration::from_millis(20),
        longest_backoff: Duration::from_millis(200),
        ..Settings::new(greeting, identity(seed))
    }
}

pub(crate) fn quota(messages: u32, bytes: u32) -> Quota {
    Quota { messages, bytes, ..Quota::default() }
}

impl Node {
    pub(crate) fn start(settings: Settings, directory: Directory, listener: Option<TcpListener>) -> Self {
        let directory = watch::Sender::new(Arc::new(directory));
        // The engine's end is the test's: what the network's end gives and takes.
        let (to_engine, inbound) = mpsc::channel(256);
        let (outbound, from_engine) = mpsc::channel(256);
        let engine = TransportPeer { outbound: from_engine, inbound: to_engine };
        let (side, side_end): (Side, SidePeer) = Side::channel();
        let network = Network::new(settings, directory.subscribe(), engine, side_end);
        let (links, stop) = (network.links(), CancellationToken::new());
        let running = network.run(listener, stop.clone());
        let running = tokio::spawn(async move { running.await.expect("our own certificate is good") });
        let _ = Transport::lone();
        Self { links, inbound, outbound, side, directory, stop, running }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.expect("no panic");
    }

    /// The next thing that the engine hears.
    pub(crate) async fn next(&mut self) -> Inbound {
        tokio::time::timeout(Duration::from_secs(20), self.inbound.recv())
            .await
            .expect("within twenty seconds")
            .expect("the network runs")
    }
}

/// Waits for a condition, not for time; gives up after twenty seconds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come true within twenty seconds");
}
