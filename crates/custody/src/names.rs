//! From a name to its place in an array, and from a record id to its leaf.
//!
//! The tables keep places only, four bytes each, and compare through what stands there. They are cut into shards, so
//! that growing, which hashes the names of a table again, never has more than a small part of them before it. They are
//! only looked into, never walked: no order reaches a hash.

use alloc::{vec, vec::Vec};
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use ore_record::RecordId;

use crate::{lot::NONE, persist::LoadError};

/// Tables that the names are spread over, by the upper bits of their hashes.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 8;

/// Spreads 32 bits over 64: the table takes its bucket from the low bits and its tag from the high ones.
fn wide(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

const fn shard_of(hash: u32) -> usize {
    (hash >> (32 - SHARD_BITS)) as usize
}

fn hash_with(hasher: &DefaultHashBuilder, name: &[u8]) -> u32 {
    let hash = hasher.hash_one(name);
    (hash ^ (hash >> 32)) as u32
}

/// Places by name. The names themselves stand in the array that the places point into.
#[derive(Clone)]
pub(crate) struct Names {
    shards: Vec<HashTable<u32>>,
    hasher: DefaultHashBuilder,
}

impl Default for Names {
    fn default() -> Self {
        Self { shards: vec![HashTable::new(); SHARDS], hasher: DefaultHashBuilder::default() }
    }
}

impl Names {
    pub(crate) fn hash(&self, name: &[u8]) -> u32 {
        hash_with(&self.hasher, name)
    }

    /// The place of `name`; `is` says whether the entity at a place bears it.
    pub(crate) fn find(&self, name: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(name);
        self.shards[shard_of(hash)].find(wide(hash), |at| is(*at)).copied()
    }

    /// Binds `name` to `at`, and returns the place that it had before; `is` as in [`Names::find`], `name_at` gives the
    /// name that is bound to a place.
    pub(crate) fn bind<N: AsRef<[u8]>>(
        &mut self,
        name: &[u8],
        at: u32,
        is: impl Fn(u32) -> bool,
        name_at: impl Fn(u32) -> N,
    ) -> Option<u32> {
        let hash = self.hash(name);
        let Self { shards, hasher } = self;
        let shard = &mut shards[shard_of(hash)];
        match shard.find_mut(wide(hash), |bound| is(*bound)) {
            Some(bound) => Some(core::mem::replace(bound, at)),
            None => {
                shard.insert_unique(wide(hash), at, |at| wide(hash_with(hasher, name_at(*at).as_ref())));
                None
            }
        }
    }

    /// Bytes of all tables.
    pub(crate) fn bytes_in_use(&self) -> usize {
        let tables: usize = self.shards.iter().map(HashTable::allocation_size).sum();
        tables + self.shards.capacity() * size_of::<HashTable<u32>>()
    }

    /// Undoes a [`Names::bind`] that returned `before`.
    pub(crate) fn unbind(&mut self, name: &[u8], at: u32, before: Option<u32>) {
        let hash = self.hash(name);
        if let Ok(mut entry) = self.shards[shard_of(hash)].find_entry(wide(hash), |bound| *bound == at) {
            match before {
                Some(before) => *entry.get_mut() = before,
                None => {
                    entry.remove();
                }
            }
        }
    }

    /// Binds names whose hashes are given to 0, 1, 2 and so on, of equal names the last; `same` says whether two
    /// places bear one name. One shard after the other, so that what is looked into fits a processor's cache: several
    /// times as fast as in order of places.
    pub(crate) fn bind_all(&mut self, hashes: &[u32], same: impl Fn(u32, u32) -> bool) {
        let mut ends = [0_usize; SHARDS];
        hashes.iter().for_each(|hash| ends[shard_of(*hash)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += core::mem::replace(end, sum);
        }
        let mut places = vec![0; hashes.len()];
        for (at, hash) in (0..).zip(hashes) {
            let end = &mut ends[shard_of(*hash)];
            places[*end] = at;
            *end += 1;
        }
        let hash_at = |at: u32| hashes[at as usize];
        let mut begin = 0;
        for (shard, end) in self.shards.iter_mut().zip(ends) {
            let places = &places[begin..end];
            begin = end;
            shard.reserve(places.len(), |at| wide(hash_at(*at)));
            for at in places {
                let hash = hash_at(*at);
                match shard.find_mut(wide(hash), |bound| hash_at(*bound) == hash && same(*bound, *at)) {
                    // Places of one shard come in ascending order.
                    Some(bound) => *bound = *at,
                    None => drop(shard.insert_unique(wide(hash), *at, |at| wide(hash_at(*at)))),
                }
            }
        }
    }
}

/// The id of every leaf of the log, both ways (rule A2).
#[derive(Clone, Default)]
pub struct RecordIndex {
    ids: Vec<[u8; 32]>,
    leaves: Names,
}

impl RecordIndex {
    /// The ids of all leaves, in order.
    ///
    /// # Errors
    /// [`LoadError::TooManyLeaves`].
    pub fn from_ids(ids: Vec<[u8; 32]>) -> Result<Self, LoadError> {
        if ids.len() >= NONE as usize {
            return Err(LoadError::TooManyLeaves(ids.len()));
        }
        let mut leaves = Names::default();
        let hashes: Vec<u32> = ids.iter().map(|id| leaves.hash(id)).collect();
        leaves.bind_all(&hashes, |at, other| ids[at as usize] == ids[other as usize]);
        Ok(Self { ids, leaves })
    }

    /// Forgets all leaves from `leaves` on.
    pub fn truncate(&mut self, leaves: usize) {
        while self.ids.len() > leaves {
            self.pop();
        }
    }

    /// How many leaves.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes of the ids, and of the table that finds them.
    pub(crate) fn bytes_in_use(&self) -> [usize; 2] {
        [self.ids.capacity() * size_of::<[u8; 32]>(), self.leaves.bytes_in_use()]
    }

    pub(crate) fn leaf_of(&self, id: &[u8; 32]) -> Option<u32> {
        self.leaves.find(id, |at| self.ids[at as usize] == *id)
    }

    pub(crate) fn id_at(&self, leaf: u32) -> Option<RecordId> {
        self.ids.get(leaf as usize).copied().map(RecordId::from_bytes)
    }

    pub(crate) fn push(&mut self, id: RecordId) {
        let leaf = self.ids.len() as u32;
        self.ids.push(*id.as_bytes());
        let ids = &self.ids;
        self.leaves.bind(id.as_bytes(), leaf, |at| ids[at as usize] == *id.as_bytes(), |at| ids[at as usize]);
    }

    pub(crate) fn pop(&mut self) {
        if let Some(id) = self.ids.pop() {
            self.leaves.unbind(&id, self.ids.len() as u32, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, format, vec::Vec};

    use super::Names;

    #[test]
    fn names_bound_at_once_are_found_as_those_bound_one_by_one() {
        // Every third name comes again; the last place counts.
        let names: Vec<_> = (0..50_000_u32).map(|n| format!("lot {}", n % 3 * n)).collect();
        let (mut at_once, mut one_by_one) = (Names::default(), Names::default());
        let is = |at: u32, name: &str| names[at as usize] == name;
        let hashes: Vec<_> = names.iter().map(|name| at_once.hash(name.as_bytes())).collect();
        at_once.bind_all(&hashes, |at, other| names[at as usize] == names[other as usize]);
        for (at, name) in (0..).zip(&names) {
            one_by_one.bind(name.as_bytes(), at, |at| is(at, name), |at| &names[at as usize]);
        }
        let bound = |names: &Names| names.shards.iter().map(|shard| shard.len()).sum::<usize>();
        assert_eq!(bound(&at_once), bound(&one_by_one));
        let mut newest = BTreeMap::new();
        for (at, name) in (0..).zip(&names) {
            newest.insert(name, at);
        }
        assert_eq!(bound(&at_once), newest.len());
        for (name, at) in newest {
            for table in [&at_once, &one_by_one] {
                assert_eq!(table.find(name.as_bytes(), |at| is(at, name)), Some(at), "{name}");
            }
        }
        // Colliding hashes are no equal names.
        let mut crowded = Names::default();
        crowded.bind_all(&[7; 100], |at, other| at == other);
        assert_eq!(bound(&crowded), 100);
    }
}
