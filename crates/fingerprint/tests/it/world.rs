//! A synthetic world to ask questions in.

use ore_fingerprint::{
    calibration::Calibration,
    check::{Claim, Lot, Outcome, Policy, Reason, check},
    contrast::Space,
    element::{Element, ElementSet},
    library::{Library, Reference},
    material::Substance,
    pattern::{Pattern, Reading, Report, Scale},
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};

pub(crate) struct World {
    pub(crate) library: Library,
    pub(crate) calibration: Calibration,
}

impl World {
    pub(crate) fn of(substance: Substance) -> Self {
        let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
        Self::with(substance, &references, &background)
    }

    pub(crate) fn with(substance: Substance, references: &[Reference], background: &[Reference]) -> Self {
        let library = Library::fit(substance, references, background).unwrap();
        let calibration = Calibration::fit(&library, Space::Log, ElementSet::ALL);
        Self { library, calibration }
    }

    pub(crate) fn ask(&self, lot: &Lot, claim: &Claim) -> Outcome {
        check(&self.library, &self.calibration, lot, claim, Policy::default())
    }

    pub(crate) fn reasons(&self, lot: &Lot) -> Vec<Reason> {
        match self.ask(lot, &claim(2)) {
            Outcome::NotAssessable(reasons) => reasons,
            Outcome::Assessed(assessment) => panic!("assessed: {assessment:?}"),
        }
    }
}

/// A sample of a place that the library has not seen, with the laboratory that measured it.
pub(crate) fn unseen(place: Place, spots: usize) -> (Vec<Pattern>, String) {
    let made = synthetic::sample(SHIPPED_SEED, place, SHIPPED.samples + 1, spots);
    let campaign = made[0].campaign.clone();
    (made.into_iter().map(|reference| reference.pattern).collect(), campaign)
}

pub(crate) fn report(name: &str, pattern: &Pattern) -> Report {
    let readings = Element::all().map(|element| (element.symbol().to_owned(), pattern.reading(element)));
    Report { spot: name.to_owned(), scale: Scale::PPM, readings: readings.collect() }
}

pub(crate) fn lot_of(place: Place, spots: usize) -> Lot {
    let (patterns, campaign) = unseen(place, spots);
    let reports = (1..).zip(&patterns).map(|(n, pattern)| report(&format!("spot {n}"), pattern)).collect();
    Lot { substance: Substance::grains("scheelite"), campaign, disturbed: ElementSet::NONE, reports }
}

pub(crate) fn claim(origin: usize) -> Claim {
    Claim { origin: Place::Origin(origin).name(), committed_before_assay: true }
}

/// Multiplies every value of a report.
pub(crate) fn times(report: &mut Report, factor: f64) {
    for (_, reading) in &mut report.readings {
        if let Reading::Value { amount, .. } = reading {
            *amount *= factor;
        }
    }
}
