//! From a name to its place in an array, and from a record id to its leaf.
//!
//! The tables keep 32 bits of each hash beside the place, so that growing them reads no names and a
//! miss reads none either. They are only looked into, never walked: no order reaches a hash.

use alloc::vec::Vec;
use core::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use ore_record::RecordId;

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
    fn hash(&self, name: &[u8]) -> u32 {
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

    pub(crate) fn reserve(&mut self, more: usize) {
        self.table.reserve(more, |slot| wide(slot.hash));
    }
}

/// The id of every leaf of the log, both ways (rule A2).
#[derive(Clone, Default)]
pub(crate) struct RecordIndex {
    ids: Vec<[u8; 32]>,
    leaves: Names,
}

impl RecordIndex {
    pub(crate) fn from_ids(ids: Vec<[u8; 32]>) -> Self {
        let mut leaves = Names::default();
        leaves.reserve(ids.len());
        for (leaf, id) in ids.iter().enumerate() {
            leaves.bind(id, leaf as u32, |at| ids[at as usize] == *id);
        }
        Self { ids, leaves }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
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
