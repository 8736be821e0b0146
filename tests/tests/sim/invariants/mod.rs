//! What must hold whatever happens, one file each.

mod all_in;
mod certified;
mod equal_roots;
mod in_turn;
mod nothing_lost;
mod one_word;
mod sound;

use crate::story::Report;

/// A named statement about every report.
pub(crate) type Invariant = (&'static str, fn(&Report) -> Result<(), String>);

/// All of them.
pub(crate) const ALL: [Invariant; 7] = [
    ("equal roots at equal sizes", equal_roots::holds),
    ("certificates and cosignatures verify by themselves", certified::holds),
    ("nothing acknowledged is lost", nothing_lost::holds),
    ("every submitted record gets in", all_in::holds),
    ("no honest member says two things", one_word::holds),
    ("every block names a member whose turn it was", in_turn::holds),
    ("what is stored is sound and nobody stops", sound::holds),
];

/// Every statement that does not hold.
pub(crate) fn broken(report: &Report) -> Vec<(&'static str, String)> {
    ALL.iter().filter_map(|(name, holds)| holds(report).err().map(|why| (*name, why))).collect()
}
