//! Groups: sixteen neighbouring keys of custody state in one sled value.
//!
//! sled spends some hundred bytes of its file on each insert, and lots come in order; so neighbours are kept together,
//! and a batch writes each group once. Keys that differ only in the low half of their last byte are neighbours.
//! A group is `slot u8 ‖ length u24 ‖ packed length u24 ‖ packed`, slots ascending; an empty group is no value.
//!
//! Neighbours are much alike, so a value is packed as its difference (exclusive or) from the one before, with runs of
//! zeros as a count: `zeros u8 ‖ literals u8 ‖ literal bytes`, repeated until the value has its length.

use std::collections::BTreeMap;

/// Values of one group by slot, 0 to 15.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group(BTreeMap<u8, Vec<u8>>);

/// The key of a key's group, and its slot in it. An empty key stands for itself.
#[must_use]
pub fn split(key: &[u8]) -> (Vec<u8>, u8) {
    let mut shared = key.to_vec();
    let slot = shared.last_mut().map_or(0, |last| {
        let slot = *last & 0x0f;
        *last &= 0xf0;
        slot
    });
    (shared, slot)
}

impl Group {
    /// Reads a group; `None` when the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut values: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        let mut members = Members::default();
        members.start();
        let mut rest = bytes;
        while let Some(slot) = members.next(&mut rest)? {
            values.insert(slot, members.value.clone());
        }
        Some(Self(values))
    }

    /// The bytes that [`Group::decode`] reads.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut before: &[u8] = &[];
        for (slot, value) in &self.0 {
            let packed = pack(value, before);
            bytes.push(*slot);
            // Custody's values fit an entry, far below 16 MiB.
            bytes.extend_from_slice(&(value.len() as u32).to_be_bytes()[1..]);
            bytes.extend_from_slice(&(packed.len() as u32).to_be_bytes()[1..]);
            bytes.extend_from_slice(&packed);
            before = value;
        }
        bytes
    }

    /// Sets or removes one value.
    pub fn set(&mut self, slot: u8, value: Option<&[u8]>) {
        match value {
            Some(value) => drop(self.0.insert(slot, value.to_vec())),
            None => drop(self.0.remove(&slot)),
        }
    }
}

/// Reads groups one value at a time, without an allocation for each.
#[derive(Debug, Default)]
pub struct Members {
    /// The value read last.
    pub value: Vec<u8>,
    before: Vec<u8>,
    slot: Option<u8>,
}

impl Members {
    /// Begins a group.
    pub fn start(&mut self) {
        self.value.clear();
        self.slot = None;
    }

    /// Reads the next value off `rest` and gives its slot, or nothing at the end. `None` when the bytes are no group.
    #[must_use]
    pub fn next(&mut self, rest: &mut &[u8]) -> Option<Option<u8>> {
        let Some((head, after)) = rest.split_first_chunk::<7>() else {
            return rest.is_empty().then_some(None);
        };
        let [slot, lengths @ ..] = *head;
        let length = u32::from_be_bytes([0, lengths[0], lengths[1], lengths[2]]) as usize;
        let packed = u32::from_be_bytes([0, lengths[3], lengths[4], lengths[5]]) as usize;
        if slot > 0x0f || self.slot.is_some_and(|last| last >= slot) {
            return None;
        }
        let (packed, after) = after.split_at_checked(packed)?;
        std::mem::swap(&mut self.value, &mut self.before);
        unpack(packed, length, &self.before, &mut self.value)?;
        self.slot = Some(slot);
        *rest = after;
        Some(Some(slot))
    }
}

/// The key of a member of a group.
pub fn whole_key(key: &mut [u8], slot: u8) {
    if let Some(last) = key.last_mut() {
        *last = *last & 0xf0 | slot;
    }
}

fn difference(value: &[u8], before: &[u8], at: usize) -> u8 {
    value[at] ^ before.get(at).copied().unwrap_or(0)
}

fn pack(value: &[u8], before: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut at = 0;
    while at < value.len() {
        let run = |from: usize, zero: bool| {
            let most = value.len().min(from + 255);
            (from..most).take_while(|n| (difference(value, before, *n) == 0) == zero).count()
        };
        let zeros = run(at, true);
        let literals = run(at + zeros, false);
        packed.push(zeros as u8);
        packed.push(literals as u8);
        packed.extend((at + zeros..at + zeros + literals).map(|n| difference(value, before, n)));
        at += zeros + literals;
    }
    packed
}

/// `None` when the bytes do not give a value of this length.
fn unpack(mut packed: &[u8], length: usize, before: &[u8], value: &mut Vec<u8>) -> Option<()> {
    value.clear();
    while let Some(([zeros, literals], rest)) = packed.split_first_chunk::<2>() {
        let (bytes, rest) = rest.split_at_checked(usize::from(*literals))?;
        value.resize(value.len() + usize::from(*zeros), 0);
        value.extend_from_slice(bytes);
        if value.len() > length {
            return None;
        }
        packed = rest;
    }
    if value.len() != length || !packed.is_empty() {
        return None;
    }
    value.iter_mut().zip(before).for_each(|(byte, other)| *byte ^= other);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{Group, split, whole_key};

    #[test]
    fn a_group_gives_back_what_was_put_in() {
        let mut group = Group::default();
        let long: Vec<u8> = (0..70_000_u32).map(|n| (n / 300) as u8).collect();
        for (slot, value) in [(3, &b"abcabc"[..]), (0, b""), (15, &long), (4, b"abcabd"), (9, &[0; 600])] {
            group.set(slot, Some(value));
        }
        group.set(7, Some(b"x"));
        group.set(7, None);
        let bytes = group.encode();
        assert_eq!(Group::decode(&bytes), Some(group.clone()));
        let (shared, slot) = split(b"\x01S\x00\x23");
        assert_eq!((&shared[..], slot), (&b"\x01S\x00\x20"[..], 3));
        let mut key = shared;
        whole_key(&mut key, 3);
        assert_eq!(&key[..], b"\x01S\x00\x23");
    }

    #[test]
    fn bytes_that_are_no_group_are_refused_without_a_panic() {
        let mut group = Group::default();
        group.set(1, Some(b"hello hello"));
        group.set(2, Some(b"hello there"));
        let good = group.encode();
        for at in 0..good.len() {
            let _ = Group::decode(&good[..at]).map(|shorter| assert_ne!(shorter, group));
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                if let Some(other) = Group::decode(&bad) {
                    assert_ne!(other, group, "byte {at} bit {bit}");
                }
            }
        }
        assert_eq!(Group::decode(&[1, 0xff, 0xff, 0xff, 0, 0, 0]), None);
    }
}
