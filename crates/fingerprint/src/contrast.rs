//! Which differences of logarithms are compared: all of them, or only the shape of the pattern.

use alloc::{vec, vec::Vec};

use libm::sqrt;

use crate::{
    element::{ELEMENTS, ElementSet},
    linalg::{Contrasts, Row, ZERO_ROW},
};

/// What of a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Concentrations: both sides are the same mineral.
    Log,
    /// Ratios only: dilution differs between both sides (ore, concentrate).
    Shape,
}

impl Space {
    /// The rows A of formula 1 for the observed elements.
    pub(crate) fn contrasts(self, observed: ElementSet) -> Contrasts {
        match self {
            Self::Log => Contrasts {
                rows: observed
                    .iter()
                    .map(|element| {
                        let mut row = ZERO_ROW;
                        row[element.index()] = 1.0;
                        row
                    })
                    .collect(),
            },
            Self::Shape => Contrasts { rows: helmert(observed) },
        }
    }
}

/// Helmert rows on the observed elements: `sqrt(i/(i+1))` times `1/i` on the first i, and -1 on the next
/// (Egozcue et al. 2003, doi:10.1023/A:1023818214614). They do not see a constant.
fn helmert(observed: ElementSet) -> Vec<Row> {
    let places: Vec<usize> = observed.iter().map(|element| element.index()).collect();
    let mut rows = vec![ZERO_ROW; places.len().saturating_sub(1)];
    for (i, row) in (1_u32..).zip(rows.iter_mut()) {
        let i_real = f64::from(i);
        let scale = sqrt(i_real / (i_real + 1.0));
        for place in &places[..i as usize] {
            row[*place] = scale / i_real;
        }
        row[places[i as usize]] = -scale;
    }
    rows
}

/// Isometric log-ratios of logarithms: `sqrt(i/(i+1)) (mean(ln x_1 .. ln x_i) - ln x_{i+1})` over the
/// observed elements, p - 1 numbers for p elements.
pub fn isometric(values: &[f64; ELEMENTS], observed: ElementSet) -> Vec<f64> {
    let contrasts = Space::Shape.contrasts(observed);
    contrasts.apply(values)[..contrasts.len()].to_vec()
}
