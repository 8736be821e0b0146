//! Room for byte strings of changing length: cells of 8, 16, 32 … 4,096 bytes, used again when they are free.

use alloc::vec::Vec;

/// Sizes there are: 8 bytes and its doublings.
const CLASSES: usize = 10;
const SMALLEST: usize = 8;
/// Of a cell's number, the lower bits say which one of its size.
const INDEX_BITS: u32 = 28;

/// One cell: its size in the upper bits, from 1 on, so that smaller numbers are free for other meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell(u32);

impl Cell {
    /// Numbers below this are no cell.
    pub(crate) const FIRST: u32 = 1 << INDEX_BITS;

    /// The cell of a number that [`Cell::number`] gave.
    pub(crate) const fn of(number: u32) -> Self {
        Self(number)
    }

    /// As a number from [`Cell::FIRST`] on.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    const fn class(self) -> usize {
        (self.0 >> INDEX_BITS) as usize - 1
    }

    const fn index(self) -> usize {
        (self.0 & (Self::FIRST - 1)) as usize
    }
}

/// The cells of one size.
#[derive(Clone, Default)]
struct Class {
    bytes: Vec<u8>,
    free: Vec<Cell>,
}

/// All cells.
#[derive(Clone, Default)]
pub(crate) struct Cells {
    classes: [Class; CLASSES],
    /// Where a value is written before its length is known.
    pub(crate) scratch: Vec<u8>,
}

impl Cells {
    /// Puts bytes into the smallest cell that holds them. They must tell their own end: the rest of the cell is undefined.
    ///
    /// # Panics
    /// Beyond 4,096 bytes; a composition has at most 2,551 and masses 67. And when all cells of a size and of the sizes
    /// above it are taken, 2^28 of each: memory ends before.
    pub(crate) fn put(&mut self, value: &[u8]) -> Cell {
        let size = value.len().next_power_of_two().max(SMALLEST);
        let fitting = (size / SMALLEST).ilog2() as usize;
        let cell =
            (fitting..CLASSES).find_map(|class| self.take(class)).expect("fewer than 2^28 cells of a size");
        let at = cell.index() * (SMALLEST << cell.class());
        self.classes[cell.class()].bytes[at..at + value.len()].copy_from_slice(value);
        cell
    }

    /// The bytes of a cell, to its end.
    pub(crate) fn at(&self, cell: Cell) -> &[u8] {
        let size = SMALLEST << cell.class();
        &self.classes[cell.class()].bytes[cell.index() * size..][..size]
    }

    /// Gives a cell back.
    pub(crate) fn free(&mut self, cell: Cell) {
        self.classes[cell.class()].free.push(cell);
    }

    /// Bytes of all cells, free ones included.
    pub(crate) fn bytes_in_use(&self) -> usize {
        let of = |class: &Class| class.bytes.capacity() + class.free.capacity() * size_of::<Cell>();
        self.classes.iter().map(of).sum()
    }

    fn take(&mut self, class: usize) -> Option<Cell> {
        let size = SMALLEST << class;
        let Class { bytes, free } = &mut self.classes[class];
        if let Some(cell) = free.pop() {
            return Some(cell);
        }
        let index = (bytes.len() / size) as u32;
        if index >= Cell::FIRST {
            return None;
        }
        bytes.resize(bytes.len() + size, 0);
        Some(Cell((class as u32 + 1) << INDEX_BITS | index))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::{Cell, Cells};

    #[test]
    fn every_value_stays_what_it_was_while_others_come_and_go() {
        let mut cells = Cells::default();
        let value = |n: usize| vec![n as u8; n * 37 % 2552];
        let mut held: Vec<(usize, Cell)> = Vec::new();
        for n in 0..2_000 {
            held.push((n, cells.put(&value(n))));
            if n % 3 == 2 {
                let (_, gone) = held.swap_remove(n * 7 % held.len());
                cells.free(gone);
            }
        }
        for (n, cell) in &held {
            assert_eq!(cells.at(*cell)[..value(*n).len()], value(*n));
            assert!(cell.number() >= Cell::FIRST && Cell::of(cell.number()) == *cell);
        }
    }

    #[test]
    fn a_cell_that_was_given_back_is_used_again() {
        let mut cells = Cells::default();
        for n in 0..10_000_u32 {
            let cell = cells.put(&n.to_be_bytes());
            cells.free(cell);
        }
        assert_eq!(cells.classes[0].bytes.len(), 8);
    }
}
