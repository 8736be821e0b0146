//! What was analysed: a mineral, a bulk material, or something whose pattern chemistry has erased.

use alloc::{borrow::ToOwned, string::String};

use crate::element::{Element, ElementSet};

/// Minerals whose trace patterns can be compared with a library of the same mineral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mineral {
    /// CaWO4.
    Scheelite,
    /// (Fe,Mn)WO4.
    Wolframite,
    /// SnO2.
    Cassiterite,
    /// (Fe,Mn)(Nb,Ta)2O6, traded as coltan.
    ColumbiteTantalite,
    /// (Ce,La,Nd,Th)PO4.
    Monazite,
    /// YPO4.
    Xenotime,
    /// (Ce,La)CO3F.
    Bastnaesite,
    /// Ca5(PO4)3(F,Cl,OH).
    Apatite,
    /// ZrSiO4; no ore of these metals, but the mineral of the public benchmark.
    Zircon,
}

impl Mineral {
    const NAMES: [(&'static str, Self); 11] = [
        ("scheelite", Self::Scheelite),
        ("wolframite", Self::Wolframite),
        ("cassiterite", Self::Cassiterite),
        ("columbite-tantalite", Self::ColumbiteTantalite),
        ("columbite", Self::ColumbiteTantalite),
        ("coltan", Self::ColumbiteTantalite),
        ("monazite", Self::Monazite),
        ("xenotime", Self::Xenotime),
        ("bastnaesite", Self::Bastnaesite),
        ("apatite", Self::Apatite),
        ("zircon", Self::Zircon),
    ];

    /// The mineral of this name, in lower case English.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, mineral)| *mineral)
    }

    /// The name for people.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, mineral)| *mineral == self).map_or("mineral", |(name, _)| name)
    }

    /// Rare earths that this mineral's main elements disturb in a mass spectrometer; the laboratory's method
    /// may add more. Design 8, formula 10: tin disturbs Gd and Tb (and Co, Ni, In, which are not used here).
    pub const fn disturbed(self) -> ElementSet {
        match self {
            Self::Cassiterite => ElementSet::NONE.with(Element::GD).with(Element::TB),
            _ => ElementSet::NONE,
        }
    }
}

/// Products that carry no pattern of the ore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refined {
    /// Ammonium paratungstate, K-salt and other intermediates that were dissolved and precipitated.
    Salt,
    /// Chemically made oxide.
    Oxide,
    /// Metal or alloy.
    Metal,
    /// Carbide.
    Carbide,
    /// Anything that contains recycled metal.
    Recycled,
}

impl Refined {
    const NAMES: [(&'static str, Self); 12] = [
        ("apt", Self::Salt),
        ("ammonium paratungstate", Self::Salt),
        ("refined salt", Self::Salt),
        ("oxide", Self::Oxide),
        ("refined oxide", Self::Oxide),
        ("metal", Self::Metal),
        ("carbide", Self::Carbide),
        ("tungsten carbide", Self::Carbide),
        ("wc", Self::Carbide),
        ("recycled", Self::Recycled),
        ("recycled material", Self::Recycled),
        ("scrap", Self::Recycled),
    ];

    /// The product of this name, as assays write it.
    pub fn named(name: &str) -> Option<Self> {
        let text = name.trim().to_lowercase();
        Self::NAMES.iter().find(|(known, _)| *known == text).map(|(_, refined)| *refined)
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Salt => "refined salt",
            Self::Oxide => "refined oxide",
            Self::Metal => "metal",
            Self::Carbide => "carbide",
            Self::Recycled => "recycled material",
        }
    }
}

/// What was analysed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Substance {
    /// Single grains of one mineral, spot by spot.
    Grains(Mineral),
    /// Ground ore or concentrate in which this mineral carries the value.
    Bulk(Mineral),
    /// Past chemical refining.
    Refined(Refined),
    /// A mineral that we do not know; its name as reported.
    Unknown(String),
}

impl Substance {
    /// Grains of a mineral given by name; unknown names are kept, so that the answer can say them.
    pub fn grains(mineral: &str) -> Self {
        Mineral::named(mineral).map_or_else(|| Self::Unknown(mineral.to_owned()), Self::Grains)
    }

    /// Bulk ore or concentrate of a mineral given by name.
    pub fn bulk(mineral: &str) -> Self {
        Mineral::named(mineral).map_or_else(|| Self::Unknown(mineral.to_owned()), Self::Bulk)
    }

    /// As assays name it: a mineral stands for its grains, `bulk <mineral>` for ground ore or concentrate, and
    /// names of refined products for themselves. Unknown names are kept, so that the answer can say them.
    pub fn named(matrix: &str) -> Self {
        let text = matrix.trim().to_lowercase();
        if let Some(refined) = Refined::named(&text) {
            return Self::Refined(refined);
        }
        if let Some(mineral) = text.strip_prefix("bulk ") {
            return Self::bulk(mineral.trim());
        }
        Self::grains(text.strip_suffix(" grains").unwrap_or(&text))
    }

    /// The mineral, if known and not yet refined.
    pub fn mineral(&self) -> Option<Mineral> {
        match self {
            Self::Grains(mineral) | Self::Bulk(mineral) => Some(*mineral),
            Self::Refined(_) | Self::Unknown(_) => None,
        }
    }
}

impl core::fmt::Display for Substance {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Grains(mineral) => write!(f, "{} grains", mineral.name()),
            Self::Bulk(mineral) => write!(f, "bulk {} ore or concentrate", mineral.name()),
            Self::Refined(refined) => f.write_str(refined.name()),
            Self::Unknown(name) => write!(f, "unknown mineral {name:?}"),
        }
    }
}
