//! A set of small numbers that yields its largest or smallest member at once.
//!
//! Ledger order is a topological order, so a walk needs only "the newest step
//! still waiting". A tower of bitmaps answers in a handful of instructions,
//! costs 1.02 bits per number, and is empty again when a walk has ended.

use alloc::{vec, vec::Vec};

/// Levels of 64-way branching that are enough for 2^36 numbers; indexes are `u32`.
const LEVELS: usize = 6;

/// A set of `u32` below a fixed bound.
#[derive(Clone, Debug)]
pub(crate) struct BitTower {
    levels: [Vec<u64>; LEVELS],
    /// No word of the lowest level before this one has a member: walks go one way, so that the next is near.
    low: usize,
    /// And none after this one.
    high: usize,
}

impl Default for BitTower {
    fn default() -> Self {
        Self { levels: Default::default(), low: usize::MAX, high: 0 }
    }
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
        self.low = self.low.min(number as usize / 64);
        self.high = self.high.max(number as usize / 64);
        self.insert_ahead(number)
    }

    /// A walk over an empty set begins at this number.
    #[inline]
    pub(crate) fn begin_at(&mut self, number: u32) {
        (self.low, self.high) = (number as usize / 64, number as usize / 64);
    }

    /// The same as [`Self::insert`] for a number on the side to which a walk goes: beyond what it took last, or where it
    /// begins. Where to look next does not
    /// change by it, so the walk need not wait until the number, which may lie far away, has come.
    #[inline]
    pub(crate) fn insert_ahead(&mut self, number: u32) -> bool {
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
        if *self.levels[0].get(self.high)? == 0 {
            let Some(word) = self.nearest(
                self.high,
                |word, bit| word & !(u64::MAX << bit),
                |word| 63 - word.leading_zeros(),
            ) else {
                return self.found_empty();
            };
            self.high = word;
        }
        let bit = 63 - self.levels[0][self.high].leading_zeros();
        self.take(self.high * 64 + bit as usize)
    }

    /// Removes and returns the smallest member.
    #[inline]
    pub(crate) fn pop_smallest(&mut self) -> Option<u32> {
        if *self.levels[0].get(self.low)? == 0 {
            let Some(word) =
                self.nearest(self.low, |word, bit| word & (u64::MAX << bit << 1), u64::trailing_zeros)
            else {
                return self.found_empty();
            };
            self.low = word;
        }
        let bit = self.levels[0][self.low].trailing_zeros();
        self.take(self.low * 64 + bit as usize)
    }

    /// The nearest word of the lowest level with a member on one side of an empty one: up to where there is one,
    /// and down to it. `beyond` keeps a word's bits on that side of a bit, `first` picks the nearest of them.
    fn nearest(
        &self,
        from: usize,
        beyond: impl Fn(u64, usize) -> u64,
        first: impl Fn(u64) -> u32,
    ) -> Option<usize> {
        let mut index = from;
        for depth in 1..LEVELS {
            let rest = beyond(*self.levels[depth].get(index / 64)?, index % 64);
            if rest != 0 {
                index = index / 64 * 64 + first(rest) as usize;
                for below in self.levels[1..depth].iter().rev() {
                    index = index * 64 + first(below[index]) as usize;
                }
                return Some(index);
            }
            index /= 64;
        }
        None
    }

    fn found_empty(&mut self) -> Option<u32> {
        (self.low, self.high) = (usize::MAX, 0);
        None
    }

    #[inline]
    fn take(&mut self, number: usize) -> Option<u32> {
        self.remove(number);
        u32::try_from(number).ok()
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
        // A walk upwards does not keep this.
        self.high = self.levels[0].len().saturating_sub(1);
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

        #[test]
        fn a_walk_one_way_meets_what_it_put_ahead_of_itself(
            first in proptest::collection::vec(0u32..300_000, 1..20),
            ahead in proptest::collection::vec(proptest::collection::vec(1u32..40_000, 0..4), 0..60),
            left in 0usize..40,
        ) {
            let mut tower = BitTower::default();
            tower.reserve(300_000);
            for down in [false, true, false] {
                let mut model = BTreeSet::new();
                if let [only] = first[..] {
                    tower.begin_at(only);
                    prop_assert_eq!(tower.insert_ahead(only), model.insert(only));
                }
                for number in &first {
                    prop_assert_eq!(tower.insert(*number), model.insert(*number));
                }
                let mut ahead = ahead.iter();
                while model.len() > left || ahead.len() > 0 {
                    let (taken, expected) = if down {
                        (tower.pop_largest(), model.pop_last())
                    } else {
                        (tower.pop_smallest(), model.pop_first())
                    };
                    prop_assert_eq!(taken, expected);
                    let Some(at) = taken else { break };
                    for far in ahead.next().into_iter().flatten() {
                        let number = if down { at.checked_sub(*far) } else { Some(at + far).filter(|it| *it < 300_000) };
                        if let Some(number) = number {
                            prop_assert_eq!(tower.insert_ahead(number), model.insert(number));
                        }
                    }
                }
                tower.clear();
                prop_assert!((0..300_000 / 64).all(|word| tower.levels[0][word] == 0));
            }
        }
    }
}
