//! All links of this node: at most one to each other node, and what is counted about it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    lanes::{Lanes, Message},
    v1::Kind,
};

/// Catch-up requests of ours that wait, over all peers; the engine has a few in flight.
const ASKED: usize = 256;

/// Which end called. Of two links between the same two nodes the one that the lesser name dialled stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Us,
    Them,
}

/// What is counted about one other node; kept when its link ends.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages_in: AtomicU64,
    pub(crate) parts_out: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) dropped_in: AtomicU64,
    pub(crate) dropped_out: AtomicU64,
    pub(crate) throttled: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) links: AtomicU64,
    pub(crate) tip: AtomicU64,
    pub(crate) newest_rules: AtomicU32,
}

pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// One other node as its operator's metrics show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkReport {
    /// Name of the node.
    pub member: String,
    /// Whether a link is up.
    pub connected: bool,
    /// Whole messages received.
    pub messages_in: u64,
    /// Parts sent; a message has one for every 64 KiB.
    pub parts_out: u64,
    /// Bytes received, envelopes not counted.
    pub bytes_in: u64,
    /// Bytes sent, envelopes not counted.
    pub bytes_out: u64,
    /// Messages from it that this node had no room for.
    pub dropped_in: u64,
    /// Messages to it that it did not read in time.
    pub dropped_out: u64,
    /// Times that it was read more slowly for exceeding its quota.
    pub throttled: u64,
    /// Links that ended by its fault.
    pub faults: u64,
    /// Links so far.
    pub links: u64,
    /// Newest height that it says is durable there.
    pub tip: u64,
    /// Newest version of the ledger's rules that its program knows, as it said last; 0: it has never greeted.
    pub newest_rules: u32,
}

/// The links; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Links(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Counts changes of who is connected.
    changes: watch::Sender<u64>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    peers: BTreeMap<String, Peer>,
    generation: u64,
    /// Requests of ours, by the engine's number: to whom, on which link.
    asked: HashMap<u64, (String, u64)>,
    /// Requests of others, by our number: from whom, on which link, their number.
    asking: HashMap<u64, (String, u64, u64)>,
    next_request: u64,
}

#[derive(Debug, Default)]
struct Peer {
    counts: Arc<Counts>,
    current: Option<Current>,
    /// Held by the link that speaks for this peer, so that one has ended before the next begins.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Current {
    generation: u64,
    caller: Caller,
    lanes: Arc<Lanes>,
    cancelled: CancellationToken,
}

/// A link's place among the links; gone when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    links: Links,
    pub(crate) member: String,
    pub(crate) generation: u64,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) cancelled: CancellationToken,
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What leaves on the link ends with it, which closes the connection.
        self.cancelled.cancel();
        self.links.leave(&self.member, self.generation);
    }
}

impl Links {
    /// Takes the place of the link to `member`, unless the one that is there stays.
    pub(crate) fn enter(&self, us: &str, member: &str, caller: Caller) -> Option<Place> {
        let mut state = self.state();
        state.generation += 1;
        let generation = state.generation;
        let peer = state.peers.entry(member.to_owned()).or_default();
        if let Some(current) = &peer.current {
            let lesser = if us < member { Caller::Us } else { Caller::Them };
            if current.caller != caller && caller != lesser {
                return None;
            }
            current.cancelled.cancel();
        }
        let (lanes, cancelled) = (Arc::new(Lanes::default()), CancellationToken::new());
        let current = Current { generation, caller, lanes: Arc::clone(&lanes), cancelled: cancelled.clone() };
        peer.current = Some(current);
        add(&peer.counts.links, 1);
        let (counts, turn) = (Arc::clone(&peer.counts), Arc::clone(&peer.turn));
        drop(state);
        self.0.changes.send_modify(|count| *count += 1);
        let (links, member) = (self.clone(), member.to_owned());
        Some(Place { links, member, generation, lanes, counts, cancelled, turn })
    }

    fn leave(&self, member: &str, generation: u64) {
        let mut state = self.state();
        if let Some(peer) = state.peers.get_mut(member)
            && peer.current.as_ref().is_some_and(|current| current.generation == generation)
        {
            peer.current = None;
        }
        state.asked.retain(|_, (_, link)| *link != generation);
        state.asking.retain(|_, (_, link, _)| *link != generation);
        drop(state);
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Whether a link to the node is up.
    #[must_use]
    pub fn is_connected(&self, member: &str) -> bool {
        self.state().peers.get(member).is_some_and(|peer| peer.current.is_some())
    }

    /// Changes whenever somebody came or went.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Ends the links of everybody for whom this is not true any more.
    pub(crate) fn retain(&self, welcome: impl Fn(&str) -> bool) {
        for (member, peer) in &self.state().peers {
            if let Some(current) = peer.current.as_ref().filter(|_| !welcome(member)) {
                tracing::warn!(member, "no longer welcome, link ended");
                current.cancelled.cancel();
            }
        }
    }

    pub(crate) fn counts(&self, member: &str) -> Arc<Counts> {
        Arc::clone(&self.state().peers.entry(member.to_owned()).or_default().counts)
    }

    /// A connection that was refused before it had a name.
    pub(crate) fn count_refusal(&self) {
        add(&self.0.refused, 1);
    }

    /// Connections that were refused before they had a name.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Everybody ever linked, by name.
    #[must_use]
    pub fn report(&self) -> Vec<LinkReport> {
        let state = self.state();
        let report = |(member, peer): (&String, &Peer)| {
            let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let counts = &peer.counts;
            LinkReport {
                member: member.clone(),
                connected: peer.current.is_some(),
                messages_in: get(&counts.messages_in),
                parts_out: get(&counts.parts_out),
                bytes_in: get(&counts.bytes_in),
                bytes_out: get(&counts.bytes_out),
                dropped_in: get(&counts.dropped_in),
                dropped_out: get(&counts.dropped_out),
                throttled: get(&counts.throttled),
                faults: get(&counts.faults),
                links: get(&counts.links),
                tip: get(&counts.tip),
                newest_rules: counts.newest_rules.load(Ordering::Relaxed),
            }
        };
        state.peers.iter().map(report).collect()
    }

    /// Queues a message for everybody who is connected.
    pub(crate) fn broadcast(&self, kind: Kind, bytes: &Bytes) {
        for peer in self.state().peers.values() {
            queue(peer, Message { kind, id: 0, bytes: bytes.clone() });
        }
    }

    /// Queues a message for one. `false`: it is not connected, or has no room.
    pub(crate) fn send(&self, member: &str, message: Message) -> bool {
        self.state().peers.get(member).is_some_and(|peer| queue(peer, message))
    }

    /// A request of ours. `false`: it cannot be asked.
    pub(crate) fn ask(&self, member: &str, id: u64, bytes: Bytes) -> bool {
        let mut state = self.state();
        let Some(peer) = state.peers.get(member) else { return false };
        let Some(generation) = peer.current.as_ref().map(|current| current.generation) else { return false };
        if state.asked.len() >= ASKED || !queue(peer, Message { kind: Kind::Request, id, bytes }) {
            return false;
        }
        state.asked.insert(id, (member.to_owned(), generation));
        true
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&self, id: u64) {
        self.state().asked.remove(&id);
    }

    /// Whether this link owes us that answer; it does not afterwards.
    pub(crate) fn is_answer(&self, generation: u64, id: u64) -> bool {
        let mut state = self.state();
        let owed = state.asked.get(&id).is_some_and(|(_, link)| *link == generation);
        if owed {
            state.asked.remove(&id);
        }
        owed
    }

    /// Whether an answer with this number is waited for on this link.
    pub(crate) fn awaits(&self, generation: u64, id: u64) -> bool {
        self.state().asked.get(&id).is_some_and(|(_, link)| *link == generation)
    }

    /// A request of a peer: our number for it, unless too many of its requests wait already.
    pub(crate) fn asked_by(&self, place: &Place, theirs: u64, most: usize) -> Option<u64> {
        let mut state = self.state();
        let waiting = state.asking.values().filter(|(_, link, _)| *link == place.generation).count();
        if waiting >= most {
            return None;
        }
        let id = state.next_request;
        state.next_request += 1;
        state.asking.insert(id, (place.member.clone(), place.generation, theirs));
        Some(id)
    }

    /// Our answer to a peer's request; nothing when the link on which it was asked is gone.
    pub(crate) fn answer(&self, id: u64, bytes: Option<Bytes>) {
        let mut state = self.state();
        let Some((member, generation, id)) = state.asking.remove(&id) else { return };
        let Some(peer) = state.peers.get(&member) else { return };
        if peer.current.as_ref().is_none_or(|current| current.generation != generation) {
            return;
        }
        let none = Message { kind: Kind::NoResponse, id, bytes: Bytes::new() };
        let response = bytes.map(|bytes| Message { kind: Kind::Response, id, bytes });
        if response.is_none_or(|response| !queue(peer, response)) {
            queue(peer, none);
        }
    }

    /// Each step leaves the maps consistent, whatever a panicking thread did.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn queue(peer: &Peer, message: Message) -> bool {
    let Some(current) = &peer.current else { return false };
    let bulk = matches!(message.kind, Kind::Response | Kind::Records | Kind::Evidence);
    let dropped = current.lanes.push(message);
    add(&peer.counts.dropped_out, dropped);
    // Of the other lanes an older message was dropped, and this one waits.
    dropped == 0 || !bulk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_links_the_one_that_the_lesser_name_dialled_stays_on_both_ends() {
        // "a" dials "b" while "b" dials "a"; each end sees the two links in either order.
        for (us, them) in [("a", "b"), ("b", "a")] {
            let lesser = if us < them { Caller::Us } else { Caller::Them };
            let other = if us < them { Caller::Them } else { Caller::Us };
            let links = Links::default();
            let first = links.enter(us, them, lesser).expect("the first");
            assert!(links.enter(us, them, other).is_none());
            assert!(!first.cancelled.is_cancelled());

            let links = Links::default();
            let first = links.enter(us, them, other).expect("the first");
            let second = links.enter(us, them, lesser).expect("it replaces the first");
            assert!(first.cancelled.is_cancelled());
            drop(first);
            assert!(links.is_connected(them), "the end of the old link does not end the new one");
            drop(second);
            assert!(!links.is_connected(them));
        }
    }

    #[test]
    fn who_dials_again_replaces_its_own_link() {
        let links = Links::default();
        let first = links.enter("a", "b", Caller::Them).expect("the first");
        let second = links.enter("a", "b", Caller::Them);
        assert!(first.cancelled.is_cancelled() && second.is_some());
    }

    #[test]
    fn answers_go_only_to_the_link_on_which_was_asked_and_once() {
        let links = Links::default();
        let place = links.enter("a", "b", Caller::Us).expect("free");
        let ours = links.asked_by(&place, 7, 1).expect("room");
        assert_eq!(links.asked_by(&place, 8, 1), None, "one at a time");
        drop(place);
        let place = links.enter("a", "b", Caller::Us).expect("free");
        links.answer(ours, Some(Bytes::from_static(b"late")));
        let again = links.asked_by(&place, 7, 1).expect("the old link's request is forgotten");
        links.answer(again, None);
        links.answer(again, None);
        assert_eq!(links.report()[0].dropped_out, 0);

        assert!(links.ask("b", 3, Bytes::new()));
        assert!(!links.ask("c", 4, Bytes::new()));
        assert!(links.awaits(place.generation, 3));
        assert!(links.is_answer(place.generation, 3) && !links.is_answer(place.generation, 3));
    }
}
