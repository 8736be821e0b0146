//! What a blend implies: declared inputs against the assay of what came out.
//!
//! Amounts of elements are compared, ppm times mass, never ratios: amounts add and ratios do not.

use alloc::vec::Vec;

use crate::{
    element::{Element, ElementSet},
    linalg::{Cholesky, Row, ZERO, ZERO_ROW, add_outer},
    pattern::Pattern,
    steps::{ASSUMED_RSD, ChiSquare},
};

/// More inputs than this cannot be told apart by fourteen elements.
pub const MAX_INPUTS: usize = 13;

/// One side of a blend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Concentrations.
    pub pattern: Pattern,
    /// Dry mass in kilograms.
    pub mass_kg: f64,
    /// Relative standard uncertainty of the mass.
    pub mass_rsd: f64,
}

/// The answer to a blend.
#[derive(Clone, Debug, PartialEq)]
pub enum BlendAnswer {
    /// Both tests were made.
    Tested {
        /// The declared amounts against the assay; as many degrees of freedom as elements.
        as_declared: ChiSquare,
        /// Shares of the declared mass that fit best, 1 for as declared, none below zero.
        best_shares: Vec<f64>,
        /// What remains at the best shares; None when inputs and elements are equal in number.
        at_best: Option<ChiSquare>,
    },
    /// More inputs than elements, or none.
    NotResolvable {
        /// Declared inputs.
        inputs: usize,
        /// Elements measured in all of them and in the output.
        elements: usize,
    },
}

/// Tests a declared blend. Masses that are not positive and finite are not resolvable.
pub fn test_blend(inputs: &[Part], output: &Part) -> BlendAnswer {
    let observed =
        inputs.iter().fold(output.pattern.observed(), |set, part| set.and(part.pattern.observed()));
    let refused = BlendAnswer::NotResolvable { inputs: inputs.len(), elements: observed.len() };
    let weighs = |part: &Part| part.mass_kg > 0.0 && part.mass_kg.is_finite() && part.mass_rsd >= 0.0;
    let countable = !inputs.is_empty() && inputs.len() <= MAX_INPUTS && inputs.len() <= observed.len();
    if !countable || !inputs.iter().chain([output]).all(weighs) {
        return refused;
    }
    let amounts = |part: &Part| amount(part, observed);
    let columns: Vec<Row> = inputs.iter().map(amounts).collect();
    let target = amounts(output);
    let errors = assay_errors(inputs, output, observed);
    let Some(as_declared) = declared(&columns, &target, &errors, inputs, output, observed.len()) else {
        return refused;
    };
    let (best_shares, rest) = non_negative(&columns, &target, &errors);
    let free = best_shares.iter().filter(|share| **share > 0.0).count();
    let at_best = (observed.len() > free).then(|| ChiSquare::new(rest, observed.len() - free));
    BlendAnswer::Tested { as_declared, best_shares, at_best }
}

/// Milligrams of each observed element, packed to the front.
fn amount(part: &Part, observed: ElementSet) -> Row {
    let mut row = ZERO_ROW;
    for (slot, element) in row.iter_mut().zip(observed.iter()) {
        *slot = part.pattern.ppm(element).unwrap_or(0.0) * part.mass_kg;
    }
    row
}

/// Standard errors of output minus inputs from the assays, per element.
fn assay_errors(inputs: &[Part], output: &Part, observed: ElementSet) -> Row {
    let mut errors = ZERO_ROW;
    let squared = |part: &Part, element: Element| {
        let rsd = part.pattern.rsd(element).unwrap_or(ASSUMED_RSD);
        let error = rsd * part.pattern.ppm(element).unwrap_or(0.0) * part.mass_kg;
        error * error
    };
    for (slot, element) in errors.iter_mut().zip(observed.iter()) {
        let sum: f64 = inputs.iter().chain([output]).map(|part| squared(part, element)).sum();
        *slot = libm::sqrt(sum.max(f64::MIN_POSITIVE));
    }
    errors
}

/// All shares are one. A mass error moves all elements together, hence the full covariance.
fn declared(
    columns: &[Row],
    target: &Row,
    errors: &Row,
    inputs: &[Part],
    output: &Part,
    size: usize,
) -> Option<ChiSquare> {
    // In units of the assay error, so that the matrix is well scaled.
    let by_error =
        |row: &Row| -> Row { core::array::from_fn(|i| if i < size { row[i] / errors[i] } else { 0.0 }) };
    let mut covariance = ZERO;
    for (i, line) in covariance.iter_mut().enumerate().take(size) {
        line[i] = 1.0;
    }
    let mut residual = by_error(target);
    add_outer(&mut covariance, &residual, output.mass_rsd * output.mass_rsd);
    for (column, part) in columns.iter().zip(inputs) {
        let column = by_error(column);
        add_outer(&mut covariance, &column, part.mass_rsd * part.mass_rsd);
        residual.iter_mut().zip(&column).for_each(|(rest, x)| *rest -= x);
    }
    Some(ChiSquare::new(Cholesky::of(&covariance, size)?.distance(&residual), size))
}

/// Lawson & Hanson (1974), Solving Least Squares Problems, chapter 23, with at most 10 rounds per input.
/// Returns the shares and the weighted sum of squares.
fn non_negative(columns: &[Row], target: &Row, errors: &Row) -> (Vec<f64>, f64) {
    let count = columns.len();
    let weigh = |row: &Row| -> Row {
        core::array::from_fn(|i| if errors[i] > 0.0 { row[i] / errors[i] } else { 0.0 })
    };
    let columns: Vec<Row> = columns.iter().map(weigh).collect();
    let target = weigh(target);
    let mut shares = alloc::vec![0.0; count];
    let mut free = alloc::vec![false; count];
    for _ in 0..10 * count {
        let rest = residual(&columns, &target, &shares);
        let gain = |i: usize| columns[i].iter().zip(&rest).map(|(x, r)| x * r).sum::<f64>();
        let next = (0..count).filter(|i| !free[*i]).max_by(|a, b| gain(*a).total_cmp(&gain(*b)));
        let Some(next) = next.filter(|i| gain(*i) > 1e-10 * gain_scale(&columns[*i], &target)) else { break };
        free[next] = true;
        while let Some(solved) = least_squares(&columns, &target, &free) {
            // Walk towards the solution until the first share would turn negative.
            let step = (0..count)
                .filter(|i| free[*i] && solved[*i] <= 0.0)
                .map(|i| shares[i] / (shares[i] - solved[i]))
                .fold(1.0, f64::min);
            for i in 0..count {
                shares[i] += if free[i] { step * (solved[i] - shares[i]) } else { 0.0 };
            }
            if step >= 1.0 {
                break;
            }
            for i in 0..count {
                if free[i] && shares[i] <= 1e-12 {
                    (free[i], shares[i]) = (false, 0.0);
                }
            }
        }
    }
    let sum = residual(&columns, &target, &shares).iter().map(|r| r * r).sum();
    (shares, sum)
}

fn gain_scale(column: &Row, target: &Row) -> f64 {
    let norm = |row: &Row| libm::sqrt(row.iter().map(|x| x * x).sum());
    norm(column) * norm(target)
}

fn residual(columns: &[Row], target: &Row, shares: &[f64]) -> Row {
    let mut rest = *target;
    for (column, share) in columns.iter().zip(shares) {
        rest.iter_mut().zip(column).for_each(|(r, x)| *r -= share * x);
    }
    rest
}

/// Least squares over the free columns, others zero; None when they are collinear.
fn least_squares(columns: &[Row], target: &Row, free: &[bool]) -> Option<Vec<f64>> {
    let places: Vec<usize> = (0..columns.len()).filter(|i| free[*i]).collect();
    let product = |a: &Row, b: &Row| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (mut normal, mut right) = (ZERO, ZERO_ROW);
    for (i, a) in places.iter().enumerate() {
        right[i] = product(&columns[*a], target);
        for (j, b) in places.iter().enumerate() {
            normal[i][j] = product(&columns[*a], &columns[*b]);
        }
    }
    let solved = Cholesky::of(&normal, places.len())?.solve(&right);
    let mut out = alloc::vec![0.0; columns.len()];
    for (value, place) in solved.iter().zip(places) {
        out[place] = *value;
    }
    Some(out)
}
