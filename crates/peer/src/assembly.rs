//! From parts to messages, with every length checked before it is believed.

use bytes::BytesMut;

use crate::{
    lanes::Message,
    limits::{PART_BYTES, lane_of},
    v1::{Kind, Part},
};

/// Why a peer's parts make no message. The peer is at fault, and the link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPart {
    /// A message of a kind may not be that long.
    #[error("a message of kind {kind} with {bytes} bytes, {limit} are allowed")]
    TooLong {
        /// Number of the kind.
        kind: i32,
        /// As announced.
        bytes: u32,
        /// The limit.
        limit: usize,
    },
    /// A part is longer than a part may be, longer than its message, or empty without need.
    #[error("a part of {0} bytes")]
    Length(usize),
    /// A part does not continue the message before it in its lane.
    #[error("a part that does not continue its message")]
    Mixed,
}

/// Messages under way, one in each lane.
#[derive(Debug, Default)]
pub(crate) struct Assembly([Option<Begun>; 3]);

#[derive(Debug)]
struct Begun {
    kind: Kind,
    id: u64,
    total: usize,
    bytes: BytesMut,
}

impl Assembly {
    /// Takes a part; gives the message that it completes. A kind that is not known here is left out: a
    /// newer program may speak of more.
    pub(crate) fn take(&mut self, part: Part) -> Result<Option<Message>, BadPart> {
        let Ok(kind) = Kind::try_from(part.kind) else { return Ok(None) };
        let Some((lane, limit)) = lane_of(kind) else { return Ok(None) };
        let total = part.total_bytes as usize;
        if total > limit {
            return Err(BadPart::TooLong { kind: part.kind, bytes: part.total_bytes, limit });
        }
        let length = part.bytes.len();
        if length > PART_BYTES || length > total || (length == 0) != (total == 0) {
            return Err(BadPart::Length(length));
        }
        let slot = &mut self.0[lane as usize];
        let Some(begun) = slot else {
            if length == total {
                return Ok(Some(Message { kind, id: part.id, bytes: part.bytes }));
            }
            // Grows with what has come, not with what is announced.
            let bytes = BytesMut::from(&part.bytes[..]);
            *slot = Some(Begun { kind, id: part.id, total, bytes });
            return Ok(None);
        };
        if begun.kind != kind || begun.id != part.id || begun.total != total {
            return Err(BadPart::Mixed);
        }
        if begun.bytes.len() + length > total {
            return Err(BadPart::Length(length));
        }
        begun.bytes.extend_from_slice(&part.bytes);
        if begun.bytes.len() < total {
            return Ok(None);
        }
        let whole = slot.take().map(|begun| begun.bytes.freeze()).unwrap_or_default();
        Ok(Some(Message { kind, id: part.id, bytes: whole }))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn part(kind: Kind, id: u64, total: usize, bytes: usize) -> Part {
        Part { kind: kind.into(), id, total_bytes: total as u32, bytes: vec![1; bytes].into() }
    }

    #[test]
    fn parts_of_two_lanes_may_be_mixed_and_parts_of_two_messages_of_one_lane_not() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(part(Kind::Body, 0, 100, 60)), Ok(None));
        assert_eq!(assembly.take(part(Kind::Records, 0, 50, 20)), Ok(None));
        let vote = assembly.take(part(Kind::Consensus, 0, 10, 10)).expect("whole");
        assert_eq!(vote.map(|vote| vote.bytes.len()), Some(10));
        let body = assembly.take(part(Kind::Body, 0, 100, 40)).expect("complete");
        assert_eq!(body.map(|body| body.bytes.len()), Some(100));
        assert_eq!(assembly.take(part(Kind::Response, 0, 50, 30)), Err(BadPart::Mixed));
    }

    #[test]
    fn lengths_are_checked_before_anything_is_kept() {
        for bad in [
            part(Kind::Status, 0, 65, 65),
            part(Kind::Body, 0, 3 << 20, 10),
            part(Kind::Body, 0, 1 << 20, PART_BYTES + 1),
            part(Kind::Body, 0, 5, 6),
            part(Kind::Body, 0, 5, 0),
            part(Kind::NoResponse, 0, 1, 1),
        ] {
            assert!(Assembly::default().take(bad.clone()).is_err(), "{bad:?}");
        }
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(part(Kind::Body, 0, 10, 9)), Ok(None));
        assert_eq!(assembly.take(part(Kind::Body, 0, 10, 2)), Err(BadPart::Length(2)));
        let unknown = Part { kind: 99, id: 0, total_bytes: 1 << 30, bytes: Bytes::new() };
        assert_eq!(assembly.take(unknown), Ok(None), "a newer program may speak of more");
    }
}
