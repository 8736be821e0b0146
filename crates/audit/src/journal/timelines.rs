//! Which leaves touch each lot: a lot's own few lie where its number says, so that asking is one look.

use alloc::vec::Vec;

/// Most lots are made, sent, received and taken, and no more.
const FEW: usize = 7;

/// Leaves of one lot, oldest first; half a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Timeline {
    count: u32,
    /// The first `count` are its leaves. When they are more, the first says where in `long` all of them are.
    few: [u32; FEW],
}

/// Leaves that touch each lot.
#[derive(Clone, Debug, Default)]
pub(super) struct Timelines {
    lots: Vec<Timeline>,
    long: Vec<Vec<u32>>,
}

impl Timelines {
    /// A new lot, made at a leaf.
    pub(super) fn begin(&mut self, leaf: u32) {
        let mut few = [0; FEW];
        few[0] = leaf;
        self.lots.push(Timeline { count: 1, few });
    }

    /// Leaves of a lot, oldest first.
    #[inline]
    pub(super) fn of(&self, lot: u32) -> &[u32] {
        let Some(Timeline { count, few }) = self.lots.get(lot as usize) else { return &[] };
        let at = few[0] as usize;
        few.get(..*count as usize).unwrap_or_else(|| self.long.get(at).map_or(&[], Vec::as_slice))
    }

    /// One more leaf of a lot that began.
    pub(super) fn push(&mut self, lot: u32, leaf: u32) {
        let Some(Timeline { count, few }) = self.lots.get_mut(lot as usize) else { return };
        let before = *count as usize;
        *count += 1;
        if let Some(free) = few.get_mut(before) {
            *free = leaf;
        } else if before == FEW {
            let mut all = Vec::with_capacity(2 * FEW);
            all.extend_from_slice(few);
            all.push(leaf);
            // Not more than there are lots, whose numbers fit.
            few[0] = self.long.len() as u32;
            self.long.push(all);
        } else if let Some(all) = self.long.get_mut(few[0] as usize) {
            all.push(leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lot_keeps_its_leaves_however_many_there_are() {
        let mut timelines = Timelines::default();
        let mut told = Vec::from([const { Vec::new() }; 5]);
        for leaf in 0..200_u32 {
            let lot = leaf * leaf % 5;
            if leaf < 5 {
                timelines.begin(leaf);
                told[leaf as usize].push(leaf);
            } else {
                timelines.push(lot, leaf);
                told[lot as usize].push(leaf);
            }
            for (lot, leaves) in told.iter().enumerate().take(leaf as usize + 1) {
                assert_eq!(timelines.of(lot as u32), leaves.as_slice(), "lot {lot} after leaf {leaf}");
            }
        }
        let lengths: Vec<usize> = told.iter().map(Vec::len).collect();
        assert!(lengths.iter().any(|length| *length < FEW) && lengths.iter().any(|length| *length > 2 * FEW));
        assert!(timelines.of(5).is_empty());
    }
}
