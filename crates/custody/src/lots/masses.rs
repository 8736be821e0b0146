//! Masses of a lot, and the offer that reserves it. Mostly all of a lot is in one place, and four bytes say which.
//!
//! Else a cell holds: one byte that says which of the seven numbers follow and whether one of the five that sum to the
//! mass at creation is left out; which one that is; the numbers as varints.

use crate::{
    codec::{take_varint, varint},
    lot::{NONE, Place},
    lots::cells::{Cell, Cells},
};

/// The part of a standing that has many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Masses {
    pub(crate) remaining_mg: u64,
    pub(crate) taken_mg: u64,
    pub(crate) disposed_mg: u64,
    pub(crate) used_mg: u64,
    pub(crate) shortfall_mg: u64,
    pub(crate) surplus_mg: u64,
    pub(crate) offer: Place,
}

/// Masses in four bytes: which of the five summands is all, or a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packed(u32);

/// Numbers that sum to what was created.
const SUMMANDS: usize = 5;
/// With the surplus and the offer.
const NUMBERS: usize = 7;
/// Set in the first byte when a summand is left out.
const LEFT_OUT: u8 = 1 << 7;

impl Masses {
    /// No offer is 0, and an offer one more than its leaf.
    const fn numbers(&self) -> [u64; NUMBERS] {
        let offer = self.offer.wrapping_add(1) as u64;
        let Self { remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, .. } = *self;
        [remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, offer]
    }

    const fn of(numbers: [u64; NUMBERS]) -> Self {
        let [remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, offer] = numbers;
        let offer = (offer as u32).wrapping_sub(1);
        Self { remaining_mg, taken_mg, disposed_mg, used_mg, shortfall_mg, surplus_mg, offer }
    }
}

/// Nothing but 0 where a summand stands for everything.
const fn all_in(summand: usize, created_mg: u64) -> Masses {
    let mut numbers = [0; NUMBERS];
    numbers[summand] = created_mg;
    Masses::of(numbers)
}

impl Cells {
    /// Packs the masses of a lot of `created_mg`.
    pub(crate) fn put_masses(&mut self, masses: &Masses, created_mg: u64) -> Packed {
        if let Some(summand) = (0..SUMMANDS).find(|it| all_in(*it, created_mg) == *masses) {
            return Packed(summand as u32);
        }
        let mut numbers = masses.numbers();
        let sum = numbers[..SUMMANDS].iter().try_fold(0_u64, |sum, mg| sum.checked_add(*mg));
        // The largest costs most.
        let left_out = (0..SUMMANDS).max_by_key(|it| numbers[*it]).filter(|_| sum == Some(created_mg));
        let mut out = core::mem::take(&mut self.scratch);
        out.clear();
        out.push(0);
        if let Some(summand) = left_out {
            numbers[summand] = 0;
            out[0] = LEFT_OUT;
            out.push(summand as u8);
        }
        for (bit, number) in numbers.into_iter().enumerate().filter(|(_, number)| *number != 0) {
            out[0] |= 1 << bit;
            varint(&mut out, number);
        }
        let packed = Packed(self.put(&out).number());
        self.scratch = out;
        packed
    }

    /// The masses of a lot of `created_mg`.
    pub(crate) fn masses(&self, packed: Packed, created_mg: u64) -> Masses {
        if packed.0 < Cell::FIRST {
            return all_in(packed.0 as usize, created_mg);
        }
        let mut bytes = self.at(Cell::of(packed.0));
        let which = take_byte(&mut bytes);
        let left_out = (which & LEFT_OUT != 0).then(|| usize::from(take_byte(&mut bytes)));
        let mut numbers = [0; NUMBERS];
        for (bit, number) in numbers.iter_mut().enumerate() {
            if which & 1 << bit != 0 {
                *number = take_varint(&mut bytes);
            }
        }
        if let Some(summand) = left_out {
            numbers[summand] = created_mg - numbers[..SUMMANDS].iter().sum::<u64>();
        }
        Masses::of(numbers)
    }

    /// Gives the room of masses back, if they have any.
    pub(crate) fn free_masses(&mut self, packed: Packed) {
        if packed.0 >= Cell::FIRST {
            self.free(Cell::of(packed.0));
        }
    }

    /// The same masses, out of other cells.
    pub(crate) fn adopt(&mut self, packed: Packed, from: &Self) -> Packed {
        if packed.0 < Cell::FIRST {
            return packed;
        }
        Packed(self.put(from.at(Cell::of(packed.0))).number())
    }
}

fn take_byte(bytes: &mut &[u8]) -> u8 {
    let (byte, rest) = bytes.split_first().expect("put_masses wrote it");
    *bytes = rest;
    *byte
}

const _: () = assert!(NONE.wrapping_add(1) == 0, "no offer is the number 0");

#[cfg(test)]
mod tests {
    use super::{Cell, Cells, Masses};
    use crate::lot::NONE;

    /// Every pattern of nothing, little, much and all in the seven numbers, whether it sums to what was created or not.
    #[test]
    fn masses_come_back_as_they_were() {
        let few = [0, 7, 1_000_000, u64::MAX];
        for created_mg in [1_000_007, 0, u64::MAX] {
            for pattern in 0..4_usize.pow(6) {
                let mg = |place: u32| few[pattern / 4_usize.pow(place) % 4];
                for offer in [NONE, 0, 77] {
                    let masses = Masses {
                        remaining_mg: mg(0),
                        taken_mg: mg(1),
                        disposed_mg: mg(2),
                        used_mg: mg(3),
                        shortfall_mg: mg(4),
                        surplus_mg: mg(5),
                        offer,
                    };
                    let mut cells = Cells::default();
                    let packed = cells.put_masses(&masses, created_mg);
                    assert_eq!(cells.masses(packed, created_mg), masses);
                    let mut others = Cells::default();
                    let adopted = others.adopt(packed, &cells);
                    assert_eq!(others.masses(adopted, created_mg), masses);
                }
            }
        }
    }

    #[test]
    fn what_is_whole_or_gone_needs_no_cell_and_what_is_opened_a_small_one() {
        let mut cells = Cells::default();
        let whole = Masses {
            remaining_mg: 5_000_000,
            taken_mg: 0,
            disposed_mg: 0,
            used_mg: 0,
            shortfall_mg: 0,
            surplus_mg: 0,
            offer: NONE,
        };
        let gone = Masses { remaining_mg: 0, taken_mg: 5_000_000, ..whole };
        for masses in [whole, gone] {
            assert!(cells.put_masses(&masses, 5_000_000).0 < Cell::FIRST);
        }
        let opened = Masses { remaining_mg: 3_000_000, taken_mg: 1_999_000, shortfall_mg: 1_000, ..whole };
        let packed = cells.put_masses(&opened, 5_000_000);
        assert_eq!(cells.at(Cell::of(packed.0)).len(), 8);
    }
}
