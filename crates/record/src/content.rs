//! Composition: how much of an element is in a material, always in whole numbers.
//!
//! Fractions are parts per billion of dry mass. Oxides are converted with the factors of
//! [`crate::oxides`]; below detection counts as nothing.

use alloc::{format, string::String, vec::Vec};

use crate::{
    elements,
    oxides::{self, Oxide},
    ratio::{self, BadFraction, PPB, round_ratio},
    v1::{Assay, AssayStage, Composition, Content, ContentKind},
};

/// Most contents in one composition.
pub const MAX_CONTENTS: usize = 40;

/// One element of a composition, in terms of the element itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementContent {
    /// Atomic number, 1 to 118.
    pub element: u8,
    /// Parts per billion of dry mass, of the element; 0 when it was below detection.
    pub ppb: u32,
    /// Expanded uncertainty (k = 2), of the element, in ppb of dry mass. Below detection: the limit.
    pub uncertainty_ppb: u32,
    /// Whether somebody measured it.
    pub measured: bool,
}

/// Why a composition is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadContent {
    /// Not 1 to 118.
    #[error("there is no element with atomic number {0}")]
    Element(u32),
    /// More than the whole.
    #[error("{} is stated as {ppb} ppb, above 1,000,000,000", name(*element))]
    AboveWhole {
        /// Atomic number.
        element: u32,
        /// As stated.
        ppb: u32,
    },
    /// Measured, declared or below detection must be said.
    #[error("the content of {} does not say whether it was measured, declared or below detection", name(*.0))]
    NoKind(u32),
    /// A formula that the table does not hold.
    #[error("oxide {0:?} is not in the table; state the element itself")]
    UnknownOxide(String),
    /// The oxide is another element's.
    #[error("{oxide} is an oxide of {}, not of {}", name(*of), name(*element))]
    OxideOfAnother {
        /// Formula.
        oxide: &'static str,
        /// Atomic number of its element.
        of: u32,
        /// Atomic number that was stated.
        element: u32,
    },
    /// Contents must be in order of atomic number, each once.
    #[error("contents are not in order of atomic number, each once: {} comes after {}", name(*element), name(*after))]
    Order {
        /// Atomic number.
        element: u32,
        /// The one before it.
        after: u32,
    },
    /// More than [`MAX_CONTENTS`].
    #[error("{0} contents, at most 40")]
    TooMany(usize),
    /// Contents sum to more than the lot (rule M9).
    #[error(
        "contents sum to {sum_ppb} ppb with an uncertainty of {uncertainty_ppb} ppb, above 1,000,000,000"
    )]
    SumAboveWhole {
        /// Sum of what is stated.
        sum_ppb: u64,
        /// Sum of the uncertainties.
        uncertainty_ppb: u64,
    },
    /// More of an element than the pure compound holds (rule M10).
    #[error("{ppb} ppb {} is above the {max_ppb} ppb of pure {compound}", name(*element))]
    AbovePureCompound {
        /// Atomic number.
        element: u32,
        /// Of the element.
        ppb: u32,
        /// Of the element in the pure compound.
        max_ppb: u32,
        /// Formula.
        compound: String,
    },
    /// The lot names a compound whose formula cannot be read.
    #[error("compound {0:?} is not a formula such as Ta2O5 or K2TaF7")]
    UnknownCompound(String),
}

fn name(element: u32) -> &'static str {
    elements::symbol(element).unwrap_or("an unknown element")
}

/// What one content says, in terms of the element.
///
/// # Errors
/// [`BadContent`].
pub fn element_of(content: &Content) -> Result<ElementContent, BadContent> {
    let element = u8::try_from(content.element).ok().filter(|_| elements::symbol(content.element).is_some());
    let element = element.ok_or(BadContent::Element(content.element))?;
    if u64::from(content.ppb) > PPB || u64::from(content.uncertainty_ppb) > PPB {
        let ppb = content.ppb.max(content.uncertainty_ppb);
        return Err(BadContent::AboveWhole { element: content.element, ppb });
    }
    let factor = oxide_of(content)?.map_or(PPB as u32, |oxide| oxide.factor_ppb);
    let of_element = |ppb: u32| convert(ppb, factor);
    let (ppb, uncertainty_ppb, measured) = match content.kind() {
        ContentKind::Unspecified => return Err(BadContent::NoKind(content.element)),
        ContentKind::Measured => (of_element(content.ppb), of_element(content.uncertainty_ppb), true),
        ContentKind::Declared => (of_element(content.ppb), of_element(content.uncertainty_ppb), false),
        ContentKind::BelowDetection => (0, of_element(content.ppb), true),
    };
    Ok(ElementContent { element, ppb, uncertainty_ppb, measured })
}

fn oxide_of(content: &Content) -> Result<Option<Oxide>, BadContent> {
    if content.oxide.is_empty() {
        return Ok(None);
    }
    let oxide = oxides::oxide(&content.oxide)
        .ok_or_else(|| BadContent::UnknownOxide(crate::ids::shorten(&content.oxide).into()))?;
    if oxide.element != content.element {
        return Err(BadContent::OxideOfAnother {
            oxide: oxide.formula,
            of: oxide.element,
            element: content.element,
        });
    }
    Ok(Some(oxide))
}

/// Oxide ppb to element ppb, nearest, halves up. Both at most 10^9, so the answer is too.
fn convert(ppb: u32, factor_ppb: u32) -> u32 {
    let value = round_ratio(u128::from(ppb) * u128::from(factor_ppb), u128::from(PPB));
    u32::try_from(value).expect("a product of two fractions is a fraction")
}

/// Checks a composition and gives its elements, in order of atomic number.
///
/// # Errors
/// [`BadContent`]: among others order, unknown oxides, and a sum above 100 % + uncertainty (rule M9).
pub fn elements_of(composition: &Composition) -> Result<Vec<ElementContent>, BadContent> {
    let contents = &composition.contents;
    if contents.len() > MAX_CONTENTS {
        return Err(BadContent::TooMany(contents.len()));
    }
    for pair in contents.windows(2) {
        if pair[0].element >= pair[1].element {
            return Err(BadContent::Order { element: pair[1].element, after: pair[0].element });
        }
    }
    let elements = contents.iter().map(element_of).collect::<Result<Vec<_>, _>>()?;
    check_sum(contents)?;
    Ok(elements)
}

/// Sums as stated, oxides as oxides: two oxides of a mineral really add up to its mass.
fn check_sum(contents: &[Content]) -> Result<(), BadContent> {
    let present = || contents.iter().filter(|content| content.kind() != ContentKind::BelowDetection);
    let sum_ppb: u64 = present().map(|content| u64::from(content.ppb)).sum();
    let uncertainty_ppb: u64 = present().map(|content| u64::from(content.uncertainty_ppb)).sum();
    if sum_ppb > PPB + uncertainty_ppb {
        return Err(BadContent::SumAboveWhole { sum_ppb, uncertainty_ppb });
    }
    Ok(())
}

/// Checks elements against the pure compound that a lot claims to be (rule M10).
///
/// # Errors
/// [`BadContent::AbovePureCompound`] when a content less its uncertainty is above the pure grade;
/// [`BadContent::UnknownCompound`] when the formula cannot be read.
pub fn check_compound(elements: &[ElementContent], compound: &str) -> Result<(), BadContent> {
    if compound.is_empty() {
        return Ok(());
    }
    let unknown = || BadContent::UnknownCompound(crate::ids::shorten(compound).into());
    let formula = oxides::Compound::parse(compound).ok_or_else(unknown)?;
    for content in elements {
        let element = u32::from(content.element);
        let max_ppb = formula.grade_ppb(element).ok_or_else(unknown)?;
        // Impurities are in no formula; only the compound's own elements are bounded.
        if max_ppb != 0 && content.ppb.saturating_sub(content.uncertainty_ppb) > max_ppb {
            return Err(BadContent::AbovePureCompound {
                element,
                ppb: content.ppb,
                max_ppb,
                compound: compound.into(),
            });
        }
    }
    Ok(())
}

/// Contained mass of an element, exactly, in billionths of a milligram: dry mass x ppb.
#[must_use]
pub const fn contained_nano_mg(dry_mg: u64, ppb: u32) -> u128 {
    dry_mg as u128 * ppb as u128
}

/// Contained mass of an element in milligrams, to the nearest, halves up.
/// For a fraction (at most 10^9 ppb) it is never above the dry mass.
#[must_use]
pub fn contained_mg(dry_mg: u64, ppb: u32) -> u64 {
    let mg = round_ratio(contained_nano_mg(dry_mg, ppb), u128::from(PPB));
    u64::try_from(mg).unwrap_or(u64::MAX)
}

/// Whether an accepted assay sets the composition of its lot from then on: a final or an umpire's
/// result, stated openly. Who may state one is custody's to say (rule A4); provisional, seller's and
/// buyer's results stand beside the composition and feed findings.
#[must_use]
pub fn sets_composition(assay: &Assay) -> bool {
    matches!(assay.composition.as_ref().map(Composition::stage), Some(AssayStage::Final | AssayStage::Umpire))
        && assay.commitment.is_empty()
}

/// Why people's text is no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadContentText {
    /// Neither an element nor an oxide of the table.
    #[error("{0:?} is neither an element's symbol (as in Ta, not TA) nor an oxide such as Ta2O5")]
    Name(String),
    /// The amount is none.
    #[error("{name}: {source}")]
    Amount {
        /// Element or oxide.
        name: String,
        /// What is wrong with the number.
        source: BadFraction,
    },
}

/// A content from people's texts: a symbol or an oxide, and an amount such as "32.5 %", "32.5 % ± 0.4 %"
/// or "< 10 ppm", which is below detection whatever the kind.
///
/// # Errors
/// [`BadContentText`].
pub fn from_text(name: &str, amount: &str, kind: ContentKind) -> Result<Content, BadContentText> {
    let name = name.trim();
    let (element, oxide) = match (elements::atomic_number(name), oxides::oxide(name)) {
        (Some(element), _) => (element, ""),
        (None, Some(oxide)) => (oxide.element, oxide.formula),
        (None, None) => return Err(BadContentText::Name(crate::ids::shorten(name).into())),
    };
    let read = |text: &str| {
        ratio::parts_per_billion(text)
            .map_err(|source| BadContentText::Amount { name: crate::ids::shorten(name).into(), source })
    };
    let (limit, amount) = match amount.trim().strip_prefix('<') {
        Some(limit) => (true, limit),
        None => (false, amount),
    };
    let (value, uncertainty) = amount
        .split_once('±')
        .or_else(|| amount.split_once("+/-"))
        .map_or((amount, None), |(v, u)| (v, Some(u)));
    Ok(Content {
        element,
        ppb: read(value)?,
        oxide: oxide.into(),
        kind: if limit { ContentKind::BelowDetection } else { kind }.into(),
        uncertainty_ppb: uncertainty.map_or(Ok(0), read)?,
    })
}

/// A content as people read it: name and amount, the inverse of [`from_text`] for known elements.
#[must_use]
pub fn write(content: &Content) -> (String, String) {
    let known = if content.oxide.is_empty() { name(content.element) } else { &content.oxide };
    let sign = if content.kind() == ContentKind::BelowDetection { "< " } else { "" };
    let mut amount = format!("{sign}{}", ratio::percent(content.ppb));
    if content.uncertainty_ppb != 0 {
        amount.push_str(&format!(" ± {}", ratio::percent(content.uncertainty_ppb)));
    }
    (known.into(), amount)
}
