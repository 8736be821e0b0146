//! A network in memory: several engines of one process, without sockets.
//!
//! For tests and simulation. It keeps the order between any two members, and can lose members, links
//! and frames on demand. It authenticates nobody, so it has no place outside one process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::transport::{Inbound, Outbound, Transport, TransportPeer};

/// The network; clones are the same network.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    members: Arc<Mutex<BTreeMap<String, Place>>>,
}

#[derive(Debug)]
struct Place {
    inbound: mpsc::Sender<Inbound>,
    /// Tells a member that left and came back from its former self.
    generation: u64,
}

impl Hub {
    /// An empty network.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn members(&self) -> MutexGuard<'_, BTreeMap<String, Place>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins as `member`. The returned future carries its frames until its engine is gone; the caller
    /// spawns it.
    pub fn join(&self, member: &str) -> (Transport, impl Future<Output = ()> + Send + use<>) {
        let (transport, TransportPeer { outbound, inbound }) = Transport::channel();
        let generation = {
            let mut members = self.members();
            let generation = members.get(member).map_or(0, |place| place.generation + 1);
            for (name, place) in members.iter().filter(|(name, _)| *name != member) {
                // A full queue loses the greeting; nothing is that full before it starts.
                let _ = inbound.try_send(Inbound::Connected { peer: name.clone() });
                let _ = place.inbound.try_send(Inbound::Connected { peer: member.to_owned() });
            }
            members.insert(member.to_owned(), Place { inbound, generation });
            generation
        };
        (transport, carry(self.clone(), member.to_owned(), generation, outbound))
    }

    fn leave(&self, member: &str, generation: u64) {
        let mut members = self.members();
        if members.get(member).is_some_and(|place| place.generation == generation) {
            members.remove(member);
            for place in members.values() {
                let _ = place.inbound.try_send(Inbound::Disconnected { peer: member.to_owned() });
            }
        }
    }

    /// Queues that are full lose frames, as a network would.
    fn deliver(&self, from: &str, outbound: Outbound) {
        let members = self.members();
        let to = |peer: &str, inbound| {
            if let Some(place) = members.get(peer) {
                let _ = place.inbound.try_send(inbound);
            }
        };
        match outbound {
            Outbound::Broadcast { kind, bytes } => {
                for name in members.keys().filter(|name| *name != from) {
                    to(name, Inbound::Frame { peer: from.to_owned(), kind, bytes: bytes.clone() });
                }
            }
            Outbound::Send { peer, kind, bytes } => {
                to(&peer, Inbound::Frame { peer: from.to_owned(), kind, bytes });
            }
            Outbound::Request { peer, id, bytes } => {
                to(&peer, Inbound::Request { peer: from.to_owned(), id, bytes });
            }
            Outbound::Response { peer, id, bytes } => to(&peer, Inbound::Response { id, bytes }),
            Outbound::CancelRequest { .. } => {}
        }
    }
}

async fn carry(hub: Hub, member: String, generation: u64, mut outbound: mpsc::Receiver<Outbound>) {
    while let Some(frame) = outbound.recv().await {
        hub.deliver(&member, frame);
    }
    hub.leave(&member, generation);
}
