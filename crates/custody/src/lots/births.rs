//! What never changes about lots, in groups of sixteen neighbours, written one after the other.
//!
//! ```text
//! flags, created_ms, created_at, id length, lot number, created_mg [, replaces] [, composition]
//! ```
//!
//! Numbers are varints. The first of a group states its time and leaf, the others how far from its; a composition that
//! is that of the lot before is not written again: the flags say how many lots back it stands.
//! A group keeps where each of its lots begins: two bytes a lot, so that none has to be walked over.

use alloc::vec::Vec;

use crate::{
    codec::{take_varint, varint},
    lot::{NONE, Place},
};

/// Lots in a group.
pub(crate) const GROUP: usize = 16;
/// Bytes of a lot whose composition is its neighbour's, rounded up.
const USUAL_BYTES: usize = 20;
/// Of the flags: how many lots back the composition stands.
const BACK: u8 = GROUP as u8 - 1;
/// Of the flags: the lot took over an id.
const REPLACES: u8 = 1 << 4;

/// What never changes about one lot, but for what it shares with many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth<'a> {
    /// What follows the member in the id.
    pub(crate) number: &'a [u8],
    pub(crate) created_mg: u64,
    pub(crate) created_ms: u64,
    pub(crate) created_at: Place,
    pub(crate) replaces: Place,
    /// As the store has it.
    pub(crate) composition: &'a [u8],
}

/// A lot number as text.
pub(crate) fn text(number: &[u8]) -> &str {
    // It was cut from a str, so this never falls back.
    core::str::from_utf8(number).unwrap_or_default()
}

/// Longest lot number that can be kept: with the longest composition sixteen of them fit a group. Rules allow 63 bytes.
pub(crate) const LONGEST_NUMBER: usize = 1024;

/// Where a group begins, and each of its lots after that.
#[derive(Clone, Copy)]
struct Group {
    begin: u64,
    starts: [u16; GROUP],
}

/// See the module.
#[derive(Clone, Default)]
pub(crate) struct Births {
    bytes: Vec<u8>,
    groups: Vec<Group>,
    len: usize,
}

impl Births {
    /// Adds the next lot.
    ///
    /// # Panics
    /// When a lot number is longer than [`LONGEST_NUMBER`], or a composition longer than 255 elements.
    pub(crate) fn push(&mut self, birth: &Birth<'_>) {
        let (at, start) = (self.len, self.bytes.len() as u64);
        let (mut first, mut back) = ((0, 0), 0);
        if at.is_multiple_of(GROUP) {
            self.groups.push(Group { begin: start, starts: [0; GROUP] });
        } else {
            first = self.first_of(at);
            let before = self.from(at - 1);
            if self.composition(at - 1, before) == birth.composition {
                back = (before[0] & BACK) + 1;
            }
        }
        let group = &mut self.groups[at / GROUP];
        group.starts[at % GROUP] =
            u16::try_from(start - group.begin).expect("sixteen of the longest lots take 58,000 bytes");
        let out = &mut self.bytes;
        out.push(back | if birth.replaces == NONE { 0 } else { REPLACES });
        varint(out, zigzag(birth.created_ms.wrapping_sub(first.0)));
        varint(out, zigzag(u64::from(birth.created_at).wrapping_sub(first.1)));
        varint(out, birth.number.len() as u64);
        out.extend_from_slice(birth.number);
        varint(out, birth.created_mg);
        if birth.replaces != NONE {
            varint(out, birth.replaces.into());
        }
        if back == 0 {
            out.extend_from_slice(birth.composition);
        }
        self.len += 1;
    }

    /// Takes the last lot back.
    pub(crate) fn pop(&mut self) {
        let Some(last) = self.len.checked_sub(1) else { return };
        self.bytes.truncate(self.start(last));
        self.len = last;
        if last.is_multiple_of(GROUP) {
            self.groups.pop();
        }
    }

    /// What never changes about a lot.
    ///
    /// # Panics
    /// When there is no such lot.
    pub(crate) fn at(&self, ordinal: u32) -> Birth<'_> {
        let (at, body) = (ordinal as usize, self.from(ordinal as usize));
        Birth { composition: self.composition(at, body), ..read(body, self.first_of(at)) }
    }

    /// Lot number and mass at creation: what is asked most.
    ///
    /// # Panics
    /// When there is no such lot.
    pub(crate) fn brief(&self, ordinal: u32) -> (&[u8], u64) {
        let birth = read(self.from(ordinal as usize), (0, 0));
        (birth.number, birth.created_mg)
    }

    /// Adds all of `other`, or nothing and says so, when these do not end with a whole group.
    pub(crate) fn append(&mut self, other: &Self) -> bool {
        if !self.len.is_multiple_of(GROUP) {
            return false;
        }
        let begin = self.bytes.len() as u64;
        self.groups.extend(other.groups.iter().map(|it| Group { begin: begin + it.begin, ..*it }));
        self.bytes.extend_from_slice(&other.bytes);
        self.len += other.len;
        true
    }

    /// Makes room for so many more lots, of the length that lots mostly have.
    pub(crate) fn reserve(&mut self, lots: usize) {
        self.groups.reserve_exact(lots.div_ceil(GROUP));
        self.bytes.reserve(lots * USUAL_BYTES);
    }

    /// Gives back what was reserved in vain.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.groups.shrink_to_fit();
    }

    /// Bytes with what is reserved.
    pub(crate) fn bytes_in_use(&self) -> usize {
        self.bytes.capacity() + self.groups.capacity() * size_of::<Group>()
    }

    /// Time and leaf that those of a lot are told from: its group's first's, or none for that one itself.
    fn first_of(&self, at: usize) -> (u64, u64) {
        if at.is_multiple_of(GROUP) { (0, 0) } else { times(self.from(at - at % GROUP)) }
    }

    /// A lot's composition as the store has it; `body` is [`Self::from`] the lot on.
    fn composition<'a>(&'a self, at: usize, body: &'a [u8]) -> &'a [u8] {
        let back = usize::from(body[0] & BACK);
        let (of, body) = if back == 0 { (at, body) } else { (at - back, self.from(at - back)) };
        let rest = read(body, (0, 0)).composition;
        let end = if of + 1 == self.len { self.bytes.len() } else { self.start(of + 1) };
        &rest[..rest.len() - (self.bytes.len() - end)]
    }

    /// All bytes from those of a lot on.
    fn from(&self, at: usize) -> &[u8] {
        assert!(at < self.len, "lot {at} of {}", self.len);
        &self.bytes[self.start(at)..]
    }

    fn start(&self, at: usize) -> usize {
        let group = &self.groups[at / GROUP];
        group.begin as usize + usize::from(group.starts[at % GROUP])
    }
}

/// Time and leaf of the first of a group, which states them whole.
fn times(mut body: &[u8]) -> (u64, u64) {
    body = &body[1..];
    let created_ms = unzigzag(take_varint(&mut body));
    (created_ms, unzigzag(take_varint(&mut body)))
}

/// What stands at the head of these bytes; the composition, if there is one, begins the rest of them.
fn read(body: &[u8], (first_ms, first_at): (u64, u64)) -> Birth<'_> {
    let flags = body[0];
    let mut rest = &body[1..];
    let created_ms = first_ms.wrapping_add(unzigzag(take_varint(&mut rest)));
    let created_at = first_at.wrapping_add(unzigzag(take_varint(&mut rest))) as Place;
    let (number, mut rest) = {
        let length = take_varint(&mut rest) as usize;
        rest.split_at(length)
    };
    let created_mg = take_varint(&mut rest);
    let replaces = if flags & REPLACES == 0 { NONE } else { take_varint(&mut rest) as Place };
    Birth { number, created_mg, created_ms, created_at, replaces, composition: rest }
}

/// Small for small differences in either direction.
const fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

const fn unzigzag(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec, vec::Vec};

    use super::{Birth, Births, GROUP, LONGEST_NUMBER};
    use crate::lot::NONE;

    /// Numbers from one end of their range to the other, times that go back, compositions that repeat now and then.
    fn stories() -> Vec<(String, u64, u64, u32, u32, Vec<u8>)> {
        let far = [0, 1, u64::MAX, 1 << 41, (1 << 63) - 1, 1 << 63];
        (0..5 * GROUP as u32 + 3)
            .map(|n| {
                let at = n as usize;
                let composition = vec![n as u8 / 3; at / 3 % 4 * 50];
                let replaces = if n % 7 == 3 { n - 1 } else { NONE };
                let leaf = if n % 5 == 4 { NONE - 1 } else { n * 3 };
                (
                    format!("R{}", "é".repeat(at % 40)),
                    far[at % 6],
                    far[at / 2 % 6],
                    leaf,
                    replaces,
                    composition,
                )
            })
            .collect()
    }

    fn birth(story: &(String, u64, u64, u32, u32, Vec<u8>)) -> Birth<'_> {
        let (number, created_mg, created_ms, created_at, replaces, composition) = story;
        Birth {
            number: number.as_bytes(),
            created_mg: *created_mg,
            created_ms: *created_ms,
            created_at: *created_at,
            replaces: *replaces,
            composition,
        }
    }

    #[test]
    fn lots_come_back_as_they_were_and_can_be_taken_back_one_by_one() {
        let stories = stories();
        let mut births = Births::default();
        let mut sizes = Vec::new();
        for story in &stories {
            sizes.push((births.bytes.len(), births.groups.len()));
            births.push(&birth(story));
        }
        for at in (0..stories.len()).rev() {
            for (ordinal, story) in (0..).zip(&stories[..=at]) {
                assert_eq!(births.at(ordinal), birth(story));
            }
            births.pop();
            assert_eq!((births.bytes.len(), births.groups.len()), sizes[at]);
        }
    }

    #[test]
    fn sixteen_of_the_longest_lots_fit_a_group() {
        let number = "9".repeat(LONGEST_NUMBER);
        let story = |n: u8| (number.clone(), u64::MAX, u64::MAX, NONE - 1, NONE - 1, vec![n; 1 + 255 * 10]);
        let stories: Vec<_> = (0..2 * GROUP as u8).map(story).collect();
        let mut births = Births::default();
        stories.iter().for_each(|story| births.push(&birth(story)));
        assert!((0..).zip(&stories).all(|(n, story)| births.at(n) == birth(story)));
    }

    #[test]
    fn tables_are_joined_where_a_group_ends_and_nowhere_else() {
        let stories = stories();
        let of = |stories: &[_]| {
            let mut births = Births::default();
            stories.iter().for_each(|story| births.push(&birth(story)));
            births
        };
        for cut in 0..stories.len() {
            let (mut whole, rest) = (of(&stories[..cut]), of(&stories[cut..]));
            assert_eq!(whole.append(&rest), cut.is_multiple_of(GROUP));
            if cut.is_multiple_of(GROUP) {
                assert_eq!(
                    (0..).map_while(|n| stories.get(n as usize).map(|_| whole.at(n))).count(),
                    stories.len()
                );
                assert!((0..).zip(&stories).all(|(n, story)| whole.at(n) == birth(story)));
            }
        }
    }
}
