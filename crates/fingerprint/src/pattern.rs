//! What a laboratory reported, and the pattern that may be computed with.
//!
//! A [`Report`] is as the laboratory wrote it: analytes, a scale, values and limits. [`Report::pattern`] is
//! the only door from there to a [`Pattern`], which is in ppm, finite and positive. A value below
//! detection stays a limit for ever; nothing here substitutes half of it.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use libm::log;

use crate::{
    element::{ELEMENTS, Element, ElementSet, Normaliser},
    linalg::{Row, ZERO_ROW},
};

/// What is known of one element in one analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Reading {
    /// Not measured, not reported, or masked.
    #[default]
    Absent,
    /// Below the limit of detection; the limit is in the scale of the report, and may be unreported.
    Below(Option<f64>),
    /// A positive amount in the scale of the report, and its relative standard uncertainty (1 s) if stated.
    Value {
        /// Amount in the scale of the report.
        amount: f64,
        /// One standard deviation divided by the amount.
        rsd: Option<f64>,
    },
}

/// What the numbers of a report count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Mass fraction; the number is the fraction in ppm of one unit.
    MassFraction {
        /// ppm (µg/g) per unit.
        ppm: f64,
    },
    /// Already divided by a chondrite.
    Normalised(Normaliser),
}

impl Scale {
    /// Parts per million by mass.
    pub const PPM: Self = Self::MassFraction { ppm: 1.0 };

    /// Reads a unit as laboratories write it.
    ///
    /// # Errors
    /// [`BadPattern::UnknownUnit`] for any other: a unit is never guessed.
    pub fn from_unit(unit: &str) -> Result<Self, BadPattern> {
        let ppm = match unit.trim() {
            "ppm" | "µg/g" | "μg/g" | "ug/g" | "mg/kg" | "g/t" => 1.0,
            "ppb" | "ng/g" | "µg/kg" | "μg/kg" | "ug/kg" => 1e-3,
            "%" | "wt%" | "wt.%" | "wt %" => 1e4,
            other => {
                let normaliser = other.strip_prefix("CI ").and_then(Normaliser::named);
                let unknown = || BadPattern::UnknownUnit { unit: unit.to_owned() };
                return normaliser.map(Self::Normalised).ok_or_else(unknown);
            }
        };
        Ok(Self::MassFraction { ppm })
    }

    fn factor(self, element: Element) -> f64 {
        match self {
            Self::MassFraction { ppm } => ppm,
            Self::Normalised(normaliser) => normaliser.ppm()[element.index()],
        }
    }
}

/// One analysis as the laboratory reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Spot or grain; free text for people.
    pub spot: String,
    /// What the numbers count.
    pub scale: Scale,
    /// Analyte symbol and reading. An analyte that is no rare earth (Y, Hf, ...) is passed over.
    pub readings: Vec<(String, Reading)>,
}

/// Why a report is no pattern.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BadPattern {
    /// The unit is not one that we know.
    #[error(
        "unit {unit:?} is not known; use ppm, ppb, wt%, or a chondrite such as \"CI McDonough & Sun 1995\""
    )]
    UnknownUnit {
        /// As reported.
        unit: String,
    },
    /// An analyte stands there twice.
    #[error("{element} is reported twice")]
    Twice {
        /// The element.
        element: Element,
    },
    /// Zero, negative, infinite or not a number. Below detection has a reading of its own.
    #[error("{element} is {amount}; an amount is positive, and below detection is reported as such")]
    NotPositive {
        /// The element.
        element: Element,
        /// As reported.
        amount: f64,
    },
    /// The rare earths together weigh more than the sample.
    #[error("the rare earths add up to {ppm:.0} ppm, more than the whole sample: wrong unit?")]
    MoreThanEverything {
        /// Sum in ppm.
        ppm: f64,
    },
}

impl Report {
    /// Converts to ppm and checks each number.
    ///
    /// # Errors
    /// The first number that cannot be one.
    pub fn pattern(&self) -> Result<Pattern, BadPattern> {
        let mut pattern = Pattern::default();
        for (analyte, reading) in &self.readings {
            let Some(element) = Element::named(analyte) else { continue };
            let slot = &mut pattern.readings[element.index()];
            if *slot != Reading::Absent {
                return Err(BadPattern::Twice { element });
            }
            *slot = in_ppm(element, *reading, self.scale.factor(element))?;
        }
        let ppm: f64 = Element::all().filter_map(|element| pattern.ppm(element)).sum();
        if ppm > 1e6 {
            return Err(BadPattern::MoreThanEverything { ppm });
        }
        Ok(pattern)
    }
}

fn in_ppm(element: Element, reading: Reading, factor: f64) -> Result<Reading, BadPattern> {
    let positive = |amount: f64| {
        let ppm = amount * factor;
        if ppm > 0.0 && ppm.is_finite() { Ok(ppm) } else { Err(BadPattern::NotPositive { element, amount }) }
    };
    Ok(match reading {
        Reading::Absent => Reading::Absent,
        Reading::Below(None) => Reading::Below(None),
        Reading::Below(Some(limit)) => Reading::Below(Some(positive(limit)?)),
        Reading::Value { amount, rsd } => {
            if let Some(bad) = rsd.filter(|rsd| !(*rsd >= 0.0 && rsd.is_finite())) {
                return Err(BadPattern::NotPositive { element, amount: bad });
            }
            Reading::Value { amount: positive(amount)?, rsd }
        }
    })
}

/// Readings of the fourteen elements in ppm, each finite and positive.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pattern {
    readings: [Reading; ELEMENTS],
}

impl Pattern {
    /// From concentrations in ppm; a value that is zero, negative or no number is below an unreported limit.
    pub fn from_ppm(ppm: &[f64; ELEMENTS]) -> Self {
        let readings = ppm.map(|amount| {
            if amount > 0.0 && amount.is_finite() {
                Reading::Value { amount, rsd: None }
            } else {
                Reading::Below(None)
            }
        });
        Self { readings }
    }

    /// What is known of one element, in ppm.
    pub fn reading(&self, element: Element) -> Reading {
        self.readings[element.index()]
    }

    /// The concentration in ppm, if there is one.
    pub fn ppm(&self, element: Element) -> Option<f64> {
        match self.reading(element) {
            Reading::Value { amount, .. } => Some(amount),
            Reading::Absent | Reading::Below(_) => None,
        }
    }

    /// The relative standard uncertainty, if there is a value and one was stated.
    pub fn rsd(&self, element: Element) -> Option<f64> {
        match self.reading(element) {
            Reading::Value { rsd, .. } => rsd,
            Reading::Absent | Reading::Below(_) => None,
        }
    }

    /// Elements with a value.
    pub fn observed(&self) -> ElementSet {
        Element::all().filter(|element| self.ppm(*element).is_some()).collect()
    }

    /// The same pattern with one reading replaced; a reading that is not positive becomes absent.
    #[must_use]
    pub fn with(mut self, element: Element, reading: Reading) -> Self {
        self.readings[element.index()] = in_ppm(element, reading, 1.0).unwrap_or_default();
        self
    }

    /// The same pattern with the elements of a mask absent.
    #[must_use]
    pub fn without(mut self, mask: ElementSet) -> Self {
        for element in mask.iter() {
            self.readings[element.index()] = Reading::Absent;
        }
        self
    }

    /// Natural logarithm of ppm over the model's chondrite.
    pub fn logs(&self) -> Logs {
        let chondrite = Normaliser::McDonoughSun1995.ppm();
        let mut logs = Logs::default();
        for element in Element::all() {
            let ci = chondrite[element.index()];
            match self.reading(element) {
                Reading::Value { amount, .. } => {
                    logs.values[element.index()] = log(amount / ci);
                    logs.observed = logs.observed.with(element);
                }
                Reading::Below(Some(limit)) => {
                    logs.limits[element.index()] = log(limit / ci);
                    logs.censored = logs.censored.with(element);
                }
                Reading::Absent | Reading::Below(None) => {}
            }
        }
        logs
    }
}

/// ln(ppm / chondrite) of the observed elements (McDonough & Sun 1995), and ln(limit / chondrite) of those
/// below a reported limit of detection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Logs {
    pub(crate) values: Row,
    pub(crate) limits: Row,
    pub(crate) observed: ElementSet,
    pub(crate) censored: ElementSet,
}

impl Logs {
    /// The fourteen logarithms, when all were observed.
    pub fn complete(&self) -> Option<&Row> {
        (self.observed == ElementSet::ALL).then_some(&self.values)
    }

    /// The logarithm for one element.
    pub fn get(&self, element: Element) -> Option<f64> {
        self.observed.has(element).then(|| self.values[element.index()])
    }

    /// Elements with a value.
    pub fn observed(&self) -> ElementSet {
        self.observed
    }

    /// The same logarithms as if only these elements had been measured.
    #[must_use]
    pub fn only(mut self, elements: ElementSet) -> Self {
        self.observed = self.observed.and(elements);
        self.censored = self.censored.and(elements);
        self
    }

    /// The centred log-ratio of the observed elements; absent ones are zero.
    pub fn centred(&self) -> Row {
        let mean = self.mean();
        let mut row = ZERO_ROW;
        for element in self.observed.iter() {
            row[element.index()] = self.values[element.index()] - mean;
        }
        row
    }

    /// Mean logarithm of the observed elements; zero when there is none.
    pub fn mean(&self) -> f64 {
        let count = self.observed.len().max(1) as f64;
        self.observed.iter().map(|element| self.values[element.index()]).sum::<f64>() / count
    }
}
