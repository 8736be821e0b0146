//! SYNTHETIC reference patterns for demonstrations and tests: no place on earth has them.
//!
//! Each origin is a smooth curve over the ionic radius (level, slope, curvature) with anomalies of Ce and Eu,
//! drawn from a stream that is seeded by its number. Samples differ within an origin, spots within a sample,
//! laboratories from each other. Every name starts with `Synthetic`, so that no demonstration passes for a
//! finding. The same seed gives the same analyses for ever.

use alloc::{format, string::String, vec::Vec};

use libm::exp;

use crate::{
    element::{ELEMENTS, Element, Normaliser, RADII},
    library::Reference,
    linalg::Row,
    pattern::Pattern,
    special::Seeded,
};

/// The seed of the library that the product ships.
pub const SHIPPED_SEED: u64 = 8;

/// Size of the shipped library: 12 origins of 5 samples with 8 spots, 10 background origins.
pub const SHIPPED: Plan = Plan { origins: 12, samples: 5, spots: 8, background: 10 };

/// Standard deviations in ln units.
const BETWEEN_SAMPLES: f64 = 0.30;
const BETWEEN_SPOTS: f64 = 0.25;
const BETWEEN_LABORATORIES: f64 = 0.10;
const READING: f64 = 0.06;

/// How the parts of a curve share these deviations: level, slope, curvature, Ce, Eu.
const MOBILITY: Curve = [1.5, 1.0, 0.8, 0.3, 0.9];

/// Laboratories that take turns.
const LABORATORIES: usize = 5;

/// Level, slope per 0.1 Å, curvature per 0.01 Å², anomalies of Ce and Eu, in ln units.
type Curve = [f64; 5];

/// How much to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Origins that may be claimed.
    pub origins: usize,
    /// Samples of each origin.
    pub samples: usize,
    /// Spots of each sample.
    pub spots: usize,
    /// Background origins, of two samples each.
    pub background: usize,
}

/// A synthetic place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// May be claimed.
    Origin(usize),
    /// Known, never claimed.
    Background(usize),
    /// In no library.
    Elsewhere(usize),
}

impl Place {
    /// Its name, which says that it is synthetic.
    pub fn name(self) -> String {
        match self {
            Self::Origin(number) => format!("Synthetic origin {:02}", number + 1),
            Self::Background(number) => format!("Synthetic background {:02}", number + 1),
            Self::Elsewhere(number) => format!("Synthetic elsewhere {:02}", number + 1),
        }
    }

    fn stream(self, seed: u64) -> Seeded {
        let (kind, number) = match self {
            Self::Origin(number) => (1, number),
            Self::Background(number) => (2, number),
            Self::Elsewhere(number) => (3, number),
        };
        stream(&[seed, kind, number as u64])
    }
}

/// A stream of its own for each list of numbers.
fn stream(numbers: &[u64]) -> Seeded {
    Seeded::new(numbers.iter().fold(0, |state, number| Seeded::new(state ^ number).bits()))
}

/// References and background of a plan.
pub fn library(seed: u64, plan: Plan) -> (Vec<Reference>, Vec<Reference>) {
    let all = |place: Place, samples: usize| {
        (0..samples).flat_map(move |number| sample(seed, place, number, plan.spots))
    };
    let references = (0..plan.origins).flat_map(|number| all(Place::Origin(number), plan.samples)).collect();
    let background = (0..plan.background).flat_map(|number| all(Place::Background(number), 2)).collect();
    (references, background)
}

/// One sample of a place. Numbers from [`Plan::samples`] on are samples that the library has not seen.
pub fn sample(seed: u64, place: Place, number: usize, spots: usize) -> Vec<Reference> {
    let origin = draw(&mut place.stream(seed));
    let mut random = place.stream(seed ^ 0x5a3b_1e00 ^ number as u64);
    let of_sample = jitter(&origin, BETWEEN_SAMPLES, &mut random);
    let laboratory = (random.below(LABORATORIES) + number) % LABORATORIES;
    let bias = jitter(&[0.0; 5], BETWEEN_LABORATORIES, &mut stream(&[seed, 4, laboratory as u64]));
    (0..spots)
        .map(|_| {
            let curve = jitter(&of_sample, BETWEEN_SPOTS, &mut random);
            let biased: Curve = core::array::from_fn(|i| curve[i] + bias[i]);
            Reference {
                origin: place.name(),
                sample: format!("{} sample {}", place.name(), number + 1),
                campaign: format!("Synthetic laboratory {}, LA-ICP-MS", laboratory + 1),
                pattern: Pattern::from_ppm(&ppm_of(&biased, &mut random)),
            }
        })
        .collect()
}

/// Curves of one family, so that origins resemble each other as those of one mineral do.
fn draw(random: &mut Seeded) -> Curve {
    [
        3.5 + 0.9 * random.normal(),
        -0.8 + 0.9 * random.normal(),
        -0.4 + 0.7 * random.normal(),
        0.5 + 0.4 * random.normal(),
        -0.4 + 0.8 * random.normal(),
    ]
}

fn jitter(curve: &Curve, deviation: f64, random: &mut Seeded) -> Curve {
    core::array::from_fn(|i| curve[i] + deviation * MOBILITY[i] * random.normal())
}

fn ppm_of(curve: &Curve, random: &mut Seeded) -> Row {
    let ci = Normaliser::McDonoughSun1995.ppm();
    let mut ppm = [0.0; ELEMENTS];
    for element in Element::all() {
        let i = element.index();
        let r = (RADII[i] - 1.055) / 0.1;
        let anomaly = match element {
            Element::CE => curve[3],
            Element::EU => curve[4],
            _ => 0.0,
        };
        let ln = curve[0] + curve[1] * r + curve[2] * r * r + anomaly + READING * random.normal();
        ppm[i] = ci[i] * exp(ln);
    }
    ppm
}
