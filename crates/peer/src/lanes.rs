//! What waits for one peer: three bounded lanes, urgent first.
//!
//! Nobody ever waits to put something in: a peer that does not read loses messages of its own and costs
//! nobody else. Of votes and bodies the oldest are dropped, for the newer say more; of bulk the newest,
//! for it is asked for again.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{
    limits::{Lane, PART_BYTES, lane_of},
    v1::{Kind, Part},
};

/// After so many parts of earlier lanes one of a later lane goes, so that no lane starves.
const TURNS: u32 = 8;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) bytes: Bytes,
}

/// What waits for one peer.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    inner: Mutex<[Queue; 3]>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Message>,
    bytes: usize,
    /// Bytes of the first message that have left.
    sent: usize,
    /// Parts that earlier lanes sent while this one waited.
    passed_over: u32,
}

impl Queue {
    fn remove(&mut self, place: usize) {
        if let Some(message) = self.waiting.remove(place) {
            self.bytes -= message.bytes.len();
        }
    }

    /// The next part. The queue is not empty.
    fn part(&mut self) -> Option<Part> {
        let message = self.waiting.front()?;
        let end = message.bytes.len().min(self.sent + PART_BYTES);
        let part = Part {
            kind: message.kind.into(),
            id: message.id,
            total_bytes: message.bytes.len() as u32,
            bytes: message.bytes.slice(self.sent..end),
        };
        self.sent = end;
        if end == message.bytes.len() {
            self.sent = 0;
            self.remove(0);
        }
        Some(part)
    }
}

impl Lanes {
    /// Puts a message in its lane. Returns how many messages were dropped, this one included.
    pub(crate) fn push(&self, message: Message) -> u64 {
        let Some((lane, longest)) = lane_of(message.kind) else { return 1 };
        if message.bytes.len() > longest {
            return 1;
        }
        let (most, most_bytes) = lane.bound();
        let mut queues = self.lock();
        let queue = &mut queues[lane as usize];
        let full =
            |queue: &Queue| queue.waiting.len() >= most || queue.bytes + message.bytes.len() > most_bytes;
        let mut dropped = 0;
        while full(queue) {
            // What has begun to leave must be finished: the other end counts its bytes.
            let oldest = usize::from(queue.sent > 0);
            if lane == Lane::Bulk || queue.waiting.len() <= oldest {
                return dropped + 1;
            }
            queue.remove(oldest);
            dropped += 1;
        }
        queue.bytes += message.bytes.len();
        queue.waiting.push_back(message);
        drop(queues);
        self.more.notify_one();
        dropped
    }

    /// The next part to send; waits for one. One caller at a time.
    pub(crate) async fn next(&self) -> Part {
        // Each turn ends with a part, or waits for a message.
        loop {
            let more = self.more.notified();
            if let Some(part) = self.take() {
                return part;
            }
            more.await;
        }
    }

    fn take(&self) -> Option<Part> {
        let mut queues = self.lock();
        let starved = |queue: &Queue| !queue.waiting.is_empty() && queue.passed_over >= TURNS;
        let chosen = queues
            .iter()
            .position(starved)
            .or_else(|| queues.iter().position(|queue| !queue.waiting.is_empty()))?;
        for (place, queue) in queues.iter_mut().enumerate() {
            if place == chosen {
                queue.passed_over = 0;
            } else if place > chosen && !queue.waiting.is_empty() {
                queue.passed_over += 1;
            }
        }
        queues[chosen].part()
    }

    /// Each step leaves the queues consistent, whatever a panicking thread did.
    fn lock(&self) -> MutexGuard<'_, [Queue; 3]> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, id: u64, bytes: usize) -> Message {
        Message { kind, id, bytes: vec![id as u8; bytes].into() }
    }

    fn kinds(lanes: &Lanes, count: usize) -> Vec<(i32, u64)> {
        (0..count).filter_map(|_| lanes.take()).map(|part| (part.kind, part.id)).collect()
    }

    #[test]
    fn a_vote_overtakes_a_body_after_the_part_that_is_leaving() {
        let lanes = Lanes::default();
        assert_eq!(lanes.push(message(Kind::Body, 1, 3 * PART_BYTES)), 0);
        assert_eq!(kinds(&lanes, 1), [(Kind::Body as i32, 1)]);
        assert_eq!(lanes.push(message(Kind::Consensus, 2, 100)), 0);
        let rest = kinds(&lanes, 9);
        assert_eq!(rest, [(Kind::Consensus as i32, 2), (Kind::Body as i32, 1), (Kind::Body as i32, 1)]);
    }

    #[test]
    fn no_lane_starves() {
        let lanes = Lanes::default();
        for id in 0..40 {
            lanes.push(message(Kind::Consensus, id, 10));
        }
        lanes.push(message(Kind::Records, 99, 10));
        let place = kinds(&lanes, 41).iter().position(|(_, id)| *id == 99);
        assert_eq!(place, Some(TURNS as usize));
    }

    #[test]
    fn a_full_lane_drops_its_oldest_votes_and_its_newest_bulk_and_never_half_a_message() {
        let lanes = Lanes::default();
        let (most, _) = Lane::Urgent.bound();
        for id in 0..most as u64 + 3 {
            assert_eq!(lanes.push(message(Kind::Status, id, 8)), u64::from(id >= most as u64));
        }
        assert_eq!(lanes.take().map(|part| part.id), Some(3));

        let lanes = Lanes::default();
        let twelve = 12 << 20;
        lanes.push(message(Kind::Response, 1, twelve));
        lanes.push(message(Kind::Response, 2, twelve));
        assert_eq!(lanes.push(message(Kind::Records, 3, 1)), 1);

        let lanes = Lanes::default();
        let body = ore_consensus::limits::BODY_FRAME_BYTES;
        (1..=4).for_each(|id| assert_eq!(lanes.push(message(Kind::Body, id, body)), 0));
        assert_eq!(lanes.take().map(|part| part.id), Some(1));
        assert_eq!(lanes.push(message(Kind::Body, 5, body)), 1, "the second goes, for the first is leaving");
        let parts: Vec<u64> = std::iter::from_fn(|| lanes.take()).map(|part| part.id).collect();
        assert_eq!(parts.iter().filter(|id| **id == 1).count(), body.div_ceil(PART_BYTES) - 1);
        assert!(!parts.contains(&2) && parts.contains(&5));
    }

    #[test]
    fn what_is_longer_than_its_kind_may_be_is_not_sent() {
        let lanes = Lanes::default();
        assert_eq!(lanes.push(message(Kind::Status, 1, 65)), 1);
        assert_eq!(lanes.push(message(Kind::Unspecified, 1, 0)), 1);
        assert!(lanes.take().is_none());
    }
}
