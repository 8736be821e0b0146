//! Oxides and pure compounds: how much of an element is in them, from integer atomic weights.
//!
//! Assays are reported in oxides ("39.7 % Ta2O5") while rules weigh elements. The factor of an
//! oxide is the mass fraction of its element, rounded half up to a part per billion; it is
//! computed from [`crate::elements`], never typed in.

use crate::{
    elements,
    ratio::{PPB, round_ratio},
};

/// An oxide in which assays are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oxide {
    /// For example "Ta2O5".
    pub formula: &'static str,
    /// Atomic number of the element that is not oxygen.
    pub element: u32,
    /// Mass fraction of that element, in ppb of the oxide.
    pub factor_ppb: u32,
}

/// The oxide of a formula, or none if the table does not hold it.
#[must_use]
pub fn oxide(formula: &str) -> Option<Oxide> {
    let formula = OXIDES.iter().find(|known| **known == formula)?;
    // The element comes first in every formula of the table.
    let compound = Compound::parse(formula)?;
    let element = compound.atoms[0].element;
    Some(Oxide { formula, element, factor_ppb: compound.grade_ppb(element)? })
}

/// Every oxide that a composition may name.
pub fn all() -> impl Iterator<Item = Oxide> {
    OXIDES.iter().filter_map(|formula| oxide(formula))
}

/// Formulas that compositions may name. A test checks that each has one element and oxygen.
static OXIDES: [&str; 75] = [
    "Ta2O5", "Nb2O5", "WO3", "WO2", "MoO3", "SnO2", "SnO", "ZrO2", "HfO2", "TiO2", "In2O3", "CoO", "Co3O4",
    "Li2O", "Ga2O3", "GeO2", "Sc2O3", "Y2O3", "La2O3", "Ce2O3", "CeO2", "Pr2O3", "Pr6O11", "Nd2O3", "Sm2O3",
    "Eu2O3", "Gd2O3", "Tb2O3", "Tb4O7", "Dy2O3", "Ho2O3", "Er2O3", "Tm2O3", "Yb2O3", "Lu2O3", "U3O8", "UO2",
    "UO3", "ThO2", "Al2O3", "Fe2O3", "Fe3O4", "FeO", "SiO2", "MgO", "CaO", "MnO", "MnO2", "Mn3O4", "Na2O",
    "K2O", "Rb2O", "Cs2O", "BeO", "BaO", "SrO", "P2O5", "SO3", "B2O3", "V2O5", "Cr2O3", "NiO", "CuO", "Cu2O",
    "ZnO", "PbO", "Bi2O3", "As2O3", "Sb2O3", "Sb2O5", "TeO2", "SeO2", "Re2O7", "CdO", "Ag2O",
];

/// A pure compound by its formula: atoms and how many of each, up to [`MAX_ATOMS`] mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compound {
    atoms: [Atom; MAX_ATOMS],
    used: usize,
}

/// Mentions of atoms in one formula.
pub const MAX_ATOMS: usize = 12;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Atom {
    element: u32,
    count: u32,
}

impl Compound {
    /// Reads a formula of symbols and counts, with groups: "Ta2O5", "K2TaF7", "(NH4)2WO4", "Ta".
    /// None if it is no such formula, or names an element without a standard weight.
    #[must_use]
    pub fn parse(formula: &str) -> Option<Self> {
        let mut compound = Self { atoms: [Atom::default(); MAX_ATOMS], used: 0 };
        let mut rest = formula;
        // Where the open group starts. One level is enough for the compounds of the trade.
        let mut group: Option<usize> = None;
        while let Some(first) = rest.bytes().next() {
            match first {
                b'(' if group.is_none() => {
                    group = Some(compound.used);
                    rest = &rest[1..];
                }
                b')' => {
                    let start = group.take()?;
                    let (times, after) = count(&rest[1..])?;
                    for atom in &mut compound.atoms[start..compound.used] {
                        atom.count = atom.count.checked_mul(times).filter(|count| *count <= MAX_COUNT)?;
                    }
                    rest = after;
                }
                _ => rest = compound.push_atom(rest)?,
            }
        }
        (compound.used > 0 && group.is_none()).then_some(compound)
    }

    /// Takes one symbol with its count off the front.
    fn push_atom<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let bytes = rest.as_bytes();
        let letters = if bytes.get(1).is_some_and(u8::is_ascii_lowercase) { 2 } else { 1 };
        let element = elements::atomic_number(rest.get(..letters)?)?;
        elements::weight_millionths(element)?;
        let (count, after) = count(&rest[letters..])?;
        *self.atoms.get_mut(self.used)? = Atom { element, count };
        self.used += 1;
        Some(after)
    }

    /// The most of an element that the pure compound can hold, in ppb rounded half up; 0 if it holds none.
    #[must_use]
    pub fn grade_ppb(&self, element: u32) -> Option<u32> {
        let mut whole = 0u64;
        let mut part = 0u64;
        for atom in &self.atoms[..self.used] {
            // At most 12 atoms x 1,000 x 3 x 10^8: far below 2^64.
            let mass = elements::weight_millionths(atom.element)? * u64::from(atom.count);
            whole += mass;
            if atom.element == element {
                part += mass;
            }
        }
        u32::try_from(round_ratio(u128::from(part) * u128::from(PPB), u128::from(whole))).ok()
    }
}

/// Most of one atom in a formula.
const MAX_COUNT: u32 = 1_000;

/// A count at the front of the text, 1 when there is none.
fn count(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return Some((1, text));
    }
    let count = text[..digits].parse().ok().filter(|count| (1..=MAX_COUNT).contains(count))?;
    Some((count, &text[digits..]))
}

/// The most of an element that a lot of this compound can hold, in ppb (rule M10).
/// None if the formula is unknown.
#[must_use]
pub fn max_grade_ppb(compound: &str, element: u32) -> Option<u32> {
    Compound::parse(compound)?.grade_ppb(element)
}
