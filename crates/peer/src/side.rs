//! What nodes tell each other beside the ordering engine's frames.

use bytes::Bytes;
use tokio::sync::mpsc;

/// Side frames that wait for the node, and for the network.
const WAITING: usize = 1_024;

/// A message beside the engine's. Nothing in it is believed before whoever reads it has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideFrame {
    /// A signed note: checkpoint body, log line, cosignature line of the sender.
    Cosignature(Bytes),
    /// Signed records for the next proposer, an encoded [`v1::Records`](crate::v1::Records).
    Records(Bytes),
    /// Evidence that somebody signed two statements of which it may sign one.
    Evidence(Bytes),
}

/// The node's end. Frames that do not fit are dropped on either way: whatever matters is said again.
#[derive(Debug)]
pub struct Side {
    /// To one node, or to all that are connected.
    pub outbound: mpsc::Sender<(Option<String>, SideFrame)>,
    /// From whom, and what.
    pub inbound: mpsc::Receiver<(String, SideFrame)>,
}

/// The network's end.
#[derive(Debug)]
pub struct SidePeer {
    /// Frames to send.
    pub outbound: mpsc::Receiver<(Option<String>, SideFrame)>,
    /// Where received frames go.
    pub inbound: mpsc::Sender<(String, SideFrame)>,
}

impl Side {
    /// Two matching ends.
    #[must_use]
    pub fn channel() -> (Self, SidePeer) {
        let (outbound, outbound_receiver) = mpsc::channel(WAITING);
        let (inbound_sender, inbound) = mpsc::channel(WAITING);
        (Self { outbound, inbound }, SidePeer { outbound: outbound_receiver, inbound: inbound_sender })
    }
}
