//! Values that many share, each kept once and named by a number.

use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Values by number. The newest are taken out again when what brought them in is undone.
#[derive(Clone)]
pub(crate) struct Interned<T> {
    values: Vec<T>,
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashTable::new(), hasher: DefaultHashBuilder::default() }
    }
}

impl<T: Hash + Eq> Interned<T> {
    /// The number of a value, which is taken in when it is new.
    pub(crate) fn keep(&mut self, value: T) -> u32 {
        let Self { values, places, hasher } = self;
        let hash = hasher.hash_one(&value);
        if let Some(place) = places.find(hash, |place| values[*place as usize] == value) {
            return *place;
        }
        let place = values.len() as u32;
        values.push(value);
        places.insert_unique(hash, place, |place| hasher.hash_one(&values[*place as usize]));
        place
    }

    /// The value of a number that [`Interned::keep`] gave.
    pub(crate) fn at(&self, place: u32) -> &T {
        &self.values[place as usize]
    }

    /// How many values.
    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }

    /// Takes the newest values out again, down to so many. Nobody has their numbers any more.
    pub(crate) fn truncate(&mut self, len: usize) {
        while self.values.len() > len {
            let Some(value) = self.values.pop() else { break };
            let (hash, place) = (self.hasher.hash_one(&value), self.values.len() as u32);
            if let Ok(entry) = self.places.find_entry(hash, |at| *at == place) {
                entry.remove();
            }
        }
    }

    /// Bytes of the tables, what the values point to not counted.
    pub(crate) fn bytes_in_use(&self) -> usize {
        self.values.capacity() * size_of::<T>() + self.places.allocation_size()
    }

    /// All values in order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter()
    }
}
