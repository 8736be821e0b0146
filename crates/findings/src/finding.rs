//! A finding: rule, records, numbers, threshold, and what would clear it.

use alloc::{string::String, vec::Vec};

use ore_audit::Word;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To be explained.
    Plain,
    /// To be acted on.
    Severe,
}

macro_rules! rules {
    ($($name:ident $id:literal $severity:ident $version:literal $title:literal),+ $(,)?) => {
        /// A rule that flags. Its id and version are in every finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $(#[doc = $title] $name,)+
        }

        impl Rule {
            /// Every rule, in order of id.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its id.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// Raised whenever the same facts may give another finding.
            #[must_use]
            pub const fn version(self) -> u32 {
                match self { $(Self::$name => $version,)+ }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }

            /// What it says, in a line.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

rules! {
    A6 "A6" Plain 1 "coordinates lie outside the stated country",
    M2 "M2" Plain 1 "inputs are in no output, residue or declared loss",
    M3 "M3" Plain 1 "a stocktake differs from the books",
    M4 "M4" Severe 1 "more metal came out than went in",
    M5 "M5" Plain 1 "recovery lies outside the facility's own band",
    M6 "M6" Plain 1 "figures are suspiciously perfect",
    M7 "M7" Plain 1 "received and dispatched mass differ",
    M12 "M12" Severe 1 "output exceeds capacity or a permitted quantity",
    O2 "O2" Plain 1 "a tag was not issued to the site, void, used before or applied late",
    O3 "O3" Severe 1 "no extraction permit covers holder, site, mineral and date",
    O4 "O4" Severe 1 "no transport permit covers mineral, quantity and the whole journey",
    O5 "O5" Severe 1 "the mine's status did not allow export",
    O6 "O6" Plain 1 "the export certificate does not fit the shipment",
    O7 "O7" Plain 1 "declared origin and computed provenance differ",
    O8 "O8" Plain 1 "no tax, fee or royalty is recorded for a high-risk area",
    O11 "O11" Plain 1 "origin or transit in a conflict-affected or high-risk area",
    O12 "O12" Severe 1 "the claimed country produces no such mineral",
    O13 "O13" Plain 1 "the smelter or refiner is not on the conformant list",
    O14 "O14" Severe 1 "a member or its owner is on a sanctions list",
    O15 "O15" Plain 1 "a trace pattern speaks against the claimed origin",
    O16 "O16" Plain 1 "a claimed origin cannot be assessed",
    T1 "T1" Plain 1 "taken before it was made, or received before it was sent",
    T2 "T2" Plain 1 "faster than its means of transport",
    T3 "T3" Severe 1 "one lot, item or seal in two places at once",
    T4 "T4" Plain 1 "appears elsewhere without a movement",
    T5 "T5" Plain 1 "an offer unanswered or a journey unfinished for too long",
    T7 "T7" Severe 1 "seals at receipt differ from seals at dispatch",
    C2 "C2" Severe 1 "identity preserved, yet more than one source",
    C3 "C3" Severe 1 "segregated, yet an input lacks the characteristic",
    C6 "C6" Plain 1 "recycled content claimed above the computed one",
    C7 "C7" Plain 1 "no attestation of an accredited issuer backs the claim",
    C8 "C8" Plain 1 "a passport was issued on facts later corrected",
    C9 "C9" Plain 1 "seller's and buyer's assays need an umpire, or were not blind",
    C11 "C11" Plain 1 "a blend's trace pattern differs from the mix of its inputs",
    S1 "S1" Severe 1 "a signature that only the cofactored rule accepts",
    G1 "G1" Severe 1 "two members claim the same tag, serial, seal or certificate",
}

impl Rule {
    /// The rule of an id.
    #[must_use]
    pub fn of_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.id() == id)
    }
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// What it is.
    pub name: &'static str,
    /// How much.
    pub value: i128,
    /// For example "mg", "ppm", "ms".
    pub unit: &'static str,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// The record that set it off.
    pub leaf: u32,
    /// Ordinals of the lots it is about.
    pub lots: Vec<u32>,
    /// The facility it is about, or empty.
    pub facility: Word,
    /// The member it is about.
    pub member: Word,
    /// Leaves of the records that it rests on, the first among them, in ledger order.
    pub records: Vec<u32>,
    /// The numbers.
    pub numbers: Vec<Number>,
    /// Where the rule begins, when it has a threshold.
    pub threshold: Option<Number>,
    /// For people: what was found.
    pub message: String,
    /// For people: what would clear it.
    pub clears: &'static str,
}

impl Finding {
    pub(crate) fn new(rule: Rule, leaf: u32, member: Word, message: String, clears: &'static str) -> Self {
        Self {
            rule,
            leaf,
            lots: Vec::new(),
            facility: Word::EMPTY,
            member,
            records: Vec::from([leaf]),
            numbers: Vec::new(),
            threshold: None,
            message,
            clears,
        }
    }

    pub(crate) fn lot(mut self, lot: u32) -> Self {
        if !self.lots.contains(&lot) {
            self.lots.push(lot);
        }
        self
    }

    pub(crate) fn at(mut self, facility: Word) -> Self {
        self.facility = facility;
        self
    }

    pub(crate) fn rests_on(mut self, leaves: impl IntoIterator<Item = u32>) -> Self {
        self.records.extend(leaves);
        self.records.sort_unstable();
        self.records.dedup();
        self
    }

    pub(crate) fn number(mut self, name: &'static str, value: impl Into<i128>, unit: &'static str) -> Self {
        self.numbers.push(Number { name, value: value.into(), unit });
        self
    }

    pub(crate) fn beyond(mut self, name: &'static str, value: impl Into<i128>, unit: &'static str) -> Self {
        self.threshold = Some(Number { name, value: value.into(), unit });
        self
    }
}
