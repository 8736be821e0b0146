//! What the rules ask of a place: looked up once for a question, and at whatever date, so that most records are
//! done with at a glance. What a list says at the date of an event is asked of [`Terms`] where the glance finds
//! something.

use ore_audit::{View, Word};
use ore_record::v1::{Facility, FacilityKind};

use crate::{rules::letters::letters, terms::Terms};

/// A facility as it is registered, and what lists ever say about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// `ZZ` when nobody knows.
    pub(crate) country: [u8; 2],
    /// Latitude and longitude in ten-millionths of a degree, where they are stated.
    pub(crate) at: Option<(i32, i32)>,
    /// 0: not stated. `None` for a place that nobody registered.
    pub(crate) capacity_mg_per_year: Option<u64>,
    /// Some list of high-risk areas has its country (rules O8 and O11).
    high_risk: bool,
    /// Some list of producers lacks its country, for a mineral that it states or an element (rule O12).
    pub(crate) unproduced: bool,
    /// It smelts or refines, and some list of conformant smelters lacks it (rule O13).
    pub(crate) unlisted: bool,
    /// Evidence that must exist in its country by some list, in the order of [`Evidence::ALL`].
    asked: [bool; Evidence::ALL.len()],
}

/// Evidence that lists `required:<kind>` ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Evidence {
    ExtractionPermit,
    TransportPermit,
    ExportCertificate,
    SiteStatus,
    TagIssue,
}

impl Evidence {
    const ALL: [Self; 5] = [
        Self::ExtractionPermit,
        Self::TransportPermit,
        Self::ExportCertificate,
        Self::SiteStatus,
        Self::TagIssue,
    ];

    const fn kind(self) -> &'static str {
        match self {
            Self::ExtractionPermit => "extraction-permit",
            Self::TransportPermit => "transport-permit",
            Self::ExportCertificate => "export-certificate",
            Self::SiteStatus => "site-status",
            Self::TagIssue => "tag-issue",
        }
    }
}

impl Place {
    pub(crate) fn of(view: &View<'_>, terms: &Terms, facility: Word) -> Self {
        let stated = view.facility(facility);
        let country = view.country(facility);
        let name = letters(country);
        let minerals = stated.map_or(&[][..], |stated| &stated.minerals);
        // A lot's main element is a mineral too; which one is not known here.
        let mined = |name: &str| {
            ore_record::elements::atomic_number(name).is_some() || minerals.iter().any(|it| it == name)
        };
        Self {
            country,
            at: stated.map(|it| (it.latitude_e7, it.longitude_e7)).filter(|at| *at != (0, 0)),
            capacity_mg_per_year: stated.map(|stated| stated.capacity_mg_per_year),
            high_risk: terms.ever_listed("cahra", &name),
            unproduced: terms.ever_without("producers:", mined, &name),
            unlisted: stated.is_some_and(|stated| smelts(stated) && unlisted(terms, stated)),
            asked: Evidence::ALL.map(|evidence| terms.ever_required(evidence.kind(), &name)),
        }
    }

    /// Whether evidence must exist there at a date.
    pub(crate) fn requires(&self, terms: &Terms, evidence: Evidence, at_ms: u64) -> bool {
        self.asked[evidence as usize] && terms.required(evidence.kind(), &letters(self.country), at_ms)
    }

    /// Whether it is in a listed area at a date.
    pub(crate) fn at_risk(&self, terms: &Terms, at_ms: u64) -> bool {
        self.high_risk && terms.listed("cahra", &letters(self.country), at_ms) == Some(true)
    }
}

fn smelts(stated: &Facility) -> bool {
    matches!(stated.kind(), FacilityKind::Smelter | FacilityKind::Refinery)
}

/// A list that has its id, or its reference, is no reason whenever it speaks.
fn unlisted(terms: &Terms, stated: &Facility) -> bool {
    let lacks = |name: &str| terms.ever_without("conformant-smelters", str::is_empty, name);
    lacks(&stated.id) && (stated.reference.is_empty() || lacks(&stated.reference))
}
