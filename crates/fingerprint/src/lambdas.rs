//! Lambdas: a pattern as a sum of orthogonal polynomials of the ionic radius, for people and for plots.
//!
//! O'Neill (2016), Journal of Petrology 57, 1463-1508, doi:10.1093/petrology/egw047. Lambda 0 is the level,
//! 1 the slope, 2 the curvature, 3 and 4 finer waves; what remains of Ce and Eu is their anomaly.

use alloc::vec::Vec;

use crate::{
    element::{ELEMENTS, Element, ElementSet, Normaliser, RADII},
    linalg::{Cholesky, Row, ZERO, ZERO_ROW, add_outer},
    pattern::Pattern,
};

/// Number of polynomials.
pub const TERMS: usize = 5;

/// The fit of one pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lambdas {
    /// λ0 to λ4; λj is per ångström to the j.
    pub values: [f64; TERMS],
    /// ln(measured / fit) of cerium.
    pub cerium: Option<f64>,
    /// ln(measured / fit) of europium.
    pub europium: Option<f64>,
}

/// Fits by least squares without the excluded elements. None with fewer than six elements left, which
/// would leave no freedom.
pub fn lambdas(pattern: &Pattern, excluded: ElementSet) -> Option<Lambdas> {
    let ci = Normaliser::ONeill2016.ppm();
    let ln = |element: Element| Some(libm::log(pattern.ppm(element)? / ci[element.index()]));
    let basis = basis();
    let used: Vec<(usize, f64)> = Element::all()
        .filter(|element| !excluded.has(*element))
        .filter_map(|element| Some((element.index(), ln(element)?)))
        .collect();
    if used.len() <= TERMS {
        return None;
    }
    let (mut normal, mut right) = (ZERO, ZERO_ROW);
    for (index, value) in &used {
        let row: Row = core::array::from_fn(|j| if j < TERMS { basis[j][*index] } else { 0.0 });
        add_outer(&mut normal, &row, 1.0);
        right.iter_mut().zip(&row).for_each(|(sum, f)| *sum += f * value);
    }
    let scaling = scale_of(&normal);
    let solved = solve_scaled(&normal, &right, &scaling)?;
    let values: [f64; TERMS] = core::array::from_fn(|j| solved[j]);
    let rest = |element: Element| {
        let fit: f64 = (0..TERMS).map(|j| values[j] * basis[j][element.index()]).sum();
        Some(ln(element)? - fit)
    };
    Some(Lambdas { values, cerium: rest(Element::CE), europium: rest(Element::EU) })
}

/// Polynomials differ by powers of 0.1 Å; unit diagonals keep the factorisation accurate.
fn scale_of(normal: &[Row; ELEMENTS]) -> [f64; TERMS] {
    core::array::from_fn(|j| libm::sqrt(normal[j][j]))
}

fn solve_scaled(normal: &[Row; ELEMENTS], right: &Row, scale: &[f64; TERMS]) -> Option<Row> {
    let (mut matrix, mut vector) = (ZERO, ZERO_ROW);
    for i in 0..TERMS {
        vector[i] = right[i] / scale[i];
        for j in 0..TERMS {
            matrix[i][j] = normal[i][j] / (scale[i] * scale[j]);
        }
    }
    let mut solved = Cholesky::of(&matrix, TERMS)?.solve(&vector);
    solved.iter_mut().zip(scale).for_each(|(x, s)| *x /= s);
    Some(solved)
}

/// Values of the monic polynomials f0..f4 at the fourteen radii, orthogonal over them (Gram-Schmidt).
pub fn basis() -> [Row; TERMS] {
    let mut basis = [ZERO_ROW; TERMS];
    basis[0] = [1.0; ELEMENTS];
    for j in 1..TERMS {
        // Stieltjes: r f_{j-1} less its part along all earlier ones; twice, against rounding.
        let previous = basis[j - 1];
        let mut next: Row = core::array::from_fn(|i| RADII[i] * previous[i]);
        for _ in 0..2 {
            for earlier in &basis[..j] {
                let along = project(&next, earlier);
                next.iter_mut().zip(earlier).for_each(|(x, e)| *x -= along * e);
            }
        }
        basis[j] = next;
    }
    basis
}

fn project(x: &Row, onto: &Row) -> f64 {
    let (mut up, mut down) = (0.0, 0.0);
    for (a, b) in x.iter().zip(onto) {
        up += a * b;
        down += b * b;
    }
    up / down
}
