//! A set of small numbers that yields its largest or smallest member at once.
//!
//! Ledger order is a topological order, so a walk needs only "the newest step
//! still waiting". A tower of bitmaps answers in a handful of instructions,
//! costs 1.02 bits per number, and is empty again when a walk has ended.

use alloc::{vec, vec::Vec};

/// Levels of 64-way branching that are enough for 2^36 numbers; indexes are `u32`.
const LEVELS: usize = 6;

/// A set of `u32` below a fixed bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitTower {
    levels: [Vec<u64>; LEVELS],
}

impl BitTower {
    /// Makes room for numbers below `bound`; keeps what is in the set.
    pub(crate) fn reserve(&mut self, bound: usize) {
        let mut words = bound.div_ceil(64).max(1);
        for level in &mut self.levels {
            if level.len() < words {
                // Grow geometrically, so that a graph that grows between queries is not copied each time.
                let target = words.max(level.len().saturating_mul(2).min(words.saturating_add(words / 4)));
                level.append(&mut vec![0; target - level.len()]);
            }
            words = words.div_ceil(64);
        }
    }

    /// Adds a number; true when it was not there yet.
    #[inline]
    pub(crate) fn insert(&mut self, number: u32) -> bool {
        let mut index = number as usize;
        for (depth, level) in self.levels.iter_mut().enumerate() {
            let word = &mut level[index / 64];
            let bit = 1u64 << (index % 64);
            let before = *word;
            *word |= bit;
            if before != 0 {
                return depth > 0 || before & bit == 0;
            }
            index /= 64;
        }
        true
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, number: u32) -> bool {
        self.levels[0].get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Removes and returns the largest member.
    #[inline]
    pub(crate) fn pop_largest(&mut self) -> Option<u32> {
        self.pop(|word| 63 - word.leading_zeros())
    }

    /// Removes and returns the smallest member.
    #[inline]
    pub(crate) fn pop_smallest(&mut self) -> Option<u32> {
        self.pop(u64::trailing_zeros)
    }

    #[inline]
    fn pop(&mut self, choose: impl Fn(u64) -> u32) -> Option<u32> {
        let mut index = 0usize;
        for level in self.levels.iter().rev() {
            let word = *level.get(index)?;
            if word == 0 {
                return None;
            }
            index = index * 64 + choose(word) as usize;
        }
        self.remove(index);
        u32::try_from(index).ok()
    }

    #[inline]
    fn remove(&mut self, number: usize) {
        let mut index = number;
        for level in &mut self.levels {
            let word = &mut level[index / 64];
            *word &= !(1u64 << (index % 64));
            if *word != 0 {
                return;
            }
            index /= 64;
        }
    }

    /// Empties the set, at a cost of its members.
    pub(crate) fn clear(&mut self) {
        while self.pop_largest().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_tower_behaves_like_an_ordered_set(steps in proptest::collection::vec((0u8..4, 0u32..300_000), 1..200)) {
            let mut tower = BitTower::default();
            tower.reserve(300_000);
            let mut model = BTreeSet::new();
            for (action, number) in steps {
                match action {
                    0 => prop_assert_eq!(tower.pop_largest(), model.pop_last()),
                    1 => prop_assert_eq!(tower.pop_smallest(), model.pop_first()),
                    _ => prop_assert_eq!(tower.insert(number), model.insert(number)),
                }
                prop_assert_eq!(tower.contains(number), model.contains(&number));
            }
            tower.clear();
            prop_assert_eq!(tower.pop_largest(), None);
        }
    }
}
