//! From a name to its place in an array, and from a record id to its leaf.
//!
//! The tables keep 32 bits of each hash beside the place, so that growing them reads no names and a
//! miss reads none either. They are only looked into, never walked: no order reaches a hash.

use alloc::{vec, vec::Vec};
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use ore_record::RecordId;

use crate::{lot::NONE, persist::LoadError};

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    at: u32,
}

/// Spreads 32 bits over 64: the table takes its bucket from the low bits and its tag from the high ones.
fn wide(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Places by name. The names themselves stand in the array that the places point into.
#[derive(Clone, Default)]
pub(crate) struct Names {
    table: HashTable<Slot>,
    hasher: DefaultHashBuilder,
}

impl Names {
    pub(crate) fn hash(&self, name: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(name);
        (hash ^ (hash >> 32)) as u32
    }

    /// The place of `name`; `is` says whether the entity at a place bears it.
    pub(crate) fn find(&self, name: &[u8], is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(name);
        self.table.find(wide(hash), |slot| slot.hash == hash && is(slot.at)).map(|slot| slot.at)
    }

    /// Binds `name` to `at`, and returns the place that it had before.
    pub(crate) fn bind(&mut self, name: &[u8], at: u32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(name);
        match self.table.find_mut(wide(hash), |slot| slot.hash == hash && is(slot.at)) {
            Some(slot) => Some(core::mem::replace(&mut slot.at, at)),
            None => {
                self.table.insert_unique(wide(hash), Slot { hash, at }, |slot| wide(slot.hash));
                None
            }
        }
    }

    /// Undoes a [`Names::bind`] that returned `before`.
    pub(crate) fn unbind(&mut self, name: &[u8], at: u32, before: Option<u32>) {
        let hash = self.hash(name);
        if let Ok(mut entry) = self.table.find_entry(wide(hash), |slot| slot.hash == hash && slot.at == at) {
            match before {
                Some(before) => entry.get_mut().at = before,
                None => {
                    entry.remove();
                }
            }
        }
    }

    /// Binds names whose hashes are given to 0, 1, 2 and so on, of equal names the last; `same` says whether two
    /// places bear one name. In the order of the table's memory, which is several times as fast as in order of places.
    pub(crate) fn bind_all(&mut self, hashes: &[u32], same: impl Fn(u32, u32) -> bool) {
        /// So many that the part of the table between two fits a processor's cache.
        const REGIONS: usize = 256;
        self.table.reserve(hashes.len(), |slot| wide(slot.hash));
        let buckets = (self.table.capacity() / 7 * 8).next_power_of_two().max(REGIONS);
        let region = |hash: u32| (wide(hash) as usize & (buckets - 1)) / (buckets / REGIONS);
        let mut ends = [0_usize; REGIONS];
        hashes.iter().for_each(|hash| ends[region(*hash)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            sum += core::mem::replace(end, sum);
        }
        let mut slots = vec![Slot { hash: 0, at: 0 }; hashes.len()];
        for (at, hash) in (0..).zip(hashes) {
            let end = &mut ends[region(*hash)];
            slots[*end] = Slot { hash: *hash, at };
            *end += 1;
        }
        for slot in slots {
            let hash = wide(slot.hash);
            let equal = |other: &Slot| other.hash == slot.hash && same(other.at, slot.at);
            match self.table.find_mut(hash, equal) {
                // Places of one hash come in ascending order.
                Some(bound) => bound.at = slot.at,
                None => drop(self.table.insert_unique(hash, slot, |slot| wide(slot.hash))),
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
        self.leaves.bind(id.as_bytes(), leaf, |at| ids[at as usize] == *id.as_bytes());
    }

    pub(crate) fn pop(&mut self) {
        if let Some(id) = self.ids.pop() {
            self.leaves.unbind(&id, self.ids.len() as u32, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, vec::Vec};

    use super::Names;

    #[test]
    fn names_bound_at_once_are_found_as_those_bound_one_by_one() {
        // Every third name comes again; the last place counts.
        let names: Vec<_> = (0..5_000_u32).map(|n| format!("lot {}", n % 3 * n)).collect();
        let is = |at: u32, name: &str| names[at as usize] == name;
        let (mut at_once, mut one_by_one) = (Names::default(), Names::default());
        let hashes: Vec<_> = names.iter().map(|name| at_once.hash(name.as_bytes())).collect();
        at_once.bind_all(&hashes, |at, other| names[at as usize] == names[other as usize]);
        for (at, name) in (0..).zip(&names) {
            one_by_one.bind(name.as_bytes(), at, |at| is(at, name));
        }
        assert_eq!(at_once.table.len(), one_by_one.table.len());
        for name in &names {
            let found = at_once.find(name.as_bytes(), |at| is(at, name));
            assert_eq!(found, one_by_one.find(name.as_bytes(), |at| is(at, name)), "{name}");
            assert_eq!(found, names.iter().rposition(|other| other == name).map(|at| at as u32), "{name}");
        }
        // Colliding hashes are no equal names.
        let mut crowded = Names::default();
        crowded.bind_all(&[7; 100], |at, other| at == other);
        assert_eq!(crowded.table.len(), 100);
    }
}
