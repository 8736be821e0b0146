//! The fourteen rare-earth elements, their radii, and the chondrites that patterns are divided by.
//!
//! Each number stands beside its source. Promethium has no stable isotope: it has a place on the
//! axis of a plot (atomic number 61) and no value.

use core::fmt;

/// Number of rare-earth elements from lanthanum to lutetium without promethium.
pub const ELEMENTS: usize = 14;

/// One of the fourteen, by its position from lanthanum (0) to lutetium (13).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element(u8);

const SYMBOLS: [&str; ELEMENTS] =
    ["La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu"];

const ATOMIC_NUMBERS: [u8; ELEMENTS] = [57, 58, 59, 60, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71];

/// Effective ionic radii of the 3+ ions in eight-fold coordination, in ångström.
/// Shannon (1976), Acta Crystallographica A32, 751-767, doi:10.1107/S0567739476001551, table 1.
pub const RADII: [f64; ELEMENTS] =
    [1.160, 1.143, 1.126, 1.109, 1.079, 1.066, 1.053, 1.040, 1.027, 1.015, 1.004, 0.994, 0.985, 0.977];

impl Element {
    /// Lanthanum.
    pub const LA: Self = Self(0);
    /// Cerium, which may be tetravalent.
    pub const CE: Self = Self(1);
    /// Praseodymium.
    pub const PR: Self = Self(2);
    /// Europium, which may be divalent.
    pub const EU: Self = Self(5);
    /// Gadolinium.
    pub const GD: Self = Self(6);
    /// Terbium.
    pub const TB: Self = Self(7);
    /// Dysprosium.
    pub const DY: Self = Self(8);
    /// Holmium.
    pub const HO: Self = Self(9);
    /// Erbium.
    pub const ER: Self = Self(10);
    /// Thulium.
    pub const TM: Self = Self(11);
    /// Ytterbium.
    pub const YB: Self = Self(12);

    /// From lanthanum to lutetium.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (0..ELEMENTS as u8).map(Self)
    }

    /// The element at a position from lanthanum (0) to lutetium (13).
    pub fn at(index: usize) -> Option<Self> {
        (index < ELEMENTS).then_some(Self(index as u8))
    }

    /// The element with this symbol, as chemists write it (`La`, not `LA`).
    pub fn named(symbol: &str) -> Option<Self> {
        SYMBOLS.iter().position(|known| *known == symbol).map(|index| Self(index as u8))
    }

    /// Position from lanthanum (0) to lutetium (13).
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Chemical symbol.
    pub fn symbol(self) -> &'static str {
        SYMBOLS[self.index()]
    }

    /// Protons in the nucleus.
    pub fn atomic_number(self) -> u8 {
        ATOMIC_NUMBERS[self.index()]
    }

    /// Radius of the 3+ ion in eight-fold coordination, in ångström.
    pub fn radius(self) -> f64 {
        RADII[self.index()]
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A set of elements, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementSet(u16);

impl ElementSet {
    /// No element.
    pub const NONE: Self = Self(0);
    /// All fourteen.
    pub const ALL: Self = Self((1 << ELEMENTS) - 1);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, element: Element) -> Self {
        Self(self.0 | (1 << element.0))
    }

    /// This set without one.
    #[must_use]
    pub const fn without(self, element: Element) -> Self {
        Self(self.0 & !(1 << element.0))
    }

    /// Elements of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the element is in the set.
    pub const fn has(self, element: Element) -> bool {
        self.0 & (1 << element.0) != 0
    }

    /// How many elements.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The elements from lanthanum to lutetium.
    pub fn iter(self) -> impl Iterator<Item = Element> {
        Element::all().filter(move |element| self.has(*element))
    }
}

impl FromIterator<Element> for ElementSet {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        elements.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The chondrite that concentrations are divided by. Values of two normalisers never meet in one sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normaliser {
    /// McDonough & Sun (1995), Chemical Geology 120, 223-253, doi:10.1016/0009-2541(94)00140-4. The model's own.
    McDonoughSun1995,
    /// Sun & McDonough (1989), Geological Society Special Publications 42, 313-345, doi:10.1144/GSL.SP.1989.042.01.19.
    SunMcDonough1989,
    /// O'Neill (2016), Journal of Petrology 57, 1463-1508, doi:10.1093/petrology/egw047. The one of the lambdas.
    ONeill2016,
    /// Palme & O'Neill (2014), Treatise on Geochemistry 3, 1-39, doi:10.1016/B978-0-08-095975-7.00201-1.
    PalmeONeill2014,
}

impl Normaliser {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::McDonoughSun1995, Self::SunMcDonough1989, Self::ONeill2016, Self::PalmeONeill2014];

    /// Concentrations in ppm (µg/g), in the order of the elements.
    pub const fn ppm(self) -> &'static [f64; ELEMENTS] {
        match self {
            Self::McDonoughSun1995 => &[
                0.237, 0.613, 0.0928, 0.457, 0.148, 0.0563, 0.199, 0.0361, 0.246, 0.0546, 0.160, 0.0247,
                0.161, 0.0246,
            ],
            Self::SunMcDonough1989 => &[
                0.237, 0.612, 0.095, 0.467, 0.153, 0.058, 0.2055, 0.0374, 0.254, 0.0566, 0.1655, 0.0255,
                0.170, 0.0254,
            ],
            Self::ONeill2016 => &[
                0.2472, 0.6308, 0.095, 0.4793, 0.15419, 0.0592, 0.2059, 0.0375, 0.254, 0.0554, 0.1645,
                0.0258, 0.1684, 0.0251,
            ],
            Self::PalmeONeill2014 => &[
                0.2414, 0.6194, 0.0939, 0.4737, 0.1536, 0.05883, 0.2069, 0.03797, 0.2558, 0.05644, 0.1655,
                0.02609, 0.1687, 0.02503,
            ],
        }
    }

    /// The one of this name, as [`Self::name`] gives it after the comma.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.name().split_once(", ").is_some_and(|(_, paper)| paper == name.trim()))
    }

    /// The name for captions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::McDonoughSun1995 => "CI chondrite, McDonough & Sun 1995",
            Self::SunMcDonough1989 => "CI chondrite, Sun & McDonough 1989",
            Self::ONeill2016 => "CI chondrite, O'Neill 2016",
            Self::PalmeONeill2014 => "CI chondrite, Palme & O'Neill 2014",
        }
    }
}
