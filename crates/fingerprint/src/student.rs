//! One origin as a multivariate Student distribution, and its exact density for any missing elements.
//!
//! Moments are kept over all fourteen logarithms. A query selects the contrasts that it observed, and the
//! marginal of a Student distribution is a Student distribution with the same degrees of freedom, so
//! nothing is ever filled in.

use libm::{lgamma, log, sqrt};

use crate::{
    contrast::Space,
    element::{Element, ElementSet},
    linalg::{Cholesky, Contrasts, Row, Square, ZERO_ROW, dot, minus, plus},
    pattern::Logs,
    special::{LN_TWO_PI, ln_normal_below},
};

/// Keeps covariances positive definite: `1e-9 I`, a hundred-thousandth of any scatter met in practice.
const RIDGE: f64 = 1e-9;

/// Location, scale and degrees of freedom over the fourteen logarithms.
#[derive(Clone, Debug, PartialEq)]
pub struct Student {
    /// Mean of ln(ppm/chondrite).
    pub mean: Row,
    /// Scale matrix of the predictive distribution.
    pub scale: Square,
    /// Degrees of freedom.
    pub degrees: f64,
}

impl Student {
    /// Ready to score patterns that observed just these elements; `extra` is added to the scale matrix.
    /// None when there is no contrast to compare or the matrix is not positive definite.
    pub fn prepare(&self, space: Space, observed: ElementSet, extra: Option<&Square>) -> Option<Prepared> {
        let contrasts = space.contrasts(observed);
        let size = contrasts.len();
        if size == 0 {
            return None;
        }
        let scale = extra.map_or(self.scale, |extra| plus(&self.scale, extra, 1.0));
        let factor = Cholesky::of(&contrasts.project(&scale, RIDGE), size)?;
        let p = size as f64;
        let nu = self.degrees;
        let ln_front = lgamma((nu + p) / 2.0)
            - lgamma(nu / 2.0)
            - p / 2.0 * (log(nu / 2.0) + LN_TWO_PI)
            - 0.5 * factor.ln_determinant();
        let centre = contrasts.apply(&self.mean);
        Some(Prepared { space, observed, mean: self.mean, scale, centre, contrasts, factor, ln_front, nu, p })
    }
}

/// A Student distribution projected on what a query observed.
#[derive(Clone, Debug)]
pub struct Prepared {
    space: Space,
    observed: ElementSet,
    mean: Row,
    scale: Square,
    centre: Row,
    contrasts: Contrasts,
    factor: Cholesky,
    ln_front: f64,
    nu: f64,
    p: f64,
}

impl Prepared {
    /// Natural logarithm of the density. The pattern must have observed the prepared elements; others are
    /// marginalised.
    pub fn ln_density(&self, logs: &Logs) -> f64 {
        let white = self.factor.whiten(&minus(&self.contrasts.apply(&logs.values), &self.centre));
        self.ln_front - (self.nu + self.p) / 2.0 * libm::log1p(dot(&white, &white) / self.nu)
    }

    /// The same with `ln Φ((ln LOD - μ)/σ)` for each element below a reported limit, μ and σ conditional on
    /// what was observed. Several censored elements are taken one by one: their correlation given the rest
    /// is neglected.
    pub fn ln_density_censored(&self, logs: &Logs) -> f64 {
        let residual = minus(&self.contrasts.apply(&logs.values), &self.centre);
        let weights = self.factor.solve(&residual);
        let terms: f64 = logs.censored.iter().map(|element| self.ln_below(element, logs, &weights)).sum();
        self.ln_density(logs) + terms
    }

    fn ln_below(&self, element: Element, logs: &Logs, weights: &Row) -> f64 {
        // The censored contrast: the element itself, or the element against the mean of the observed ones.
        let mut row = ZERO_ROW;
        let mut limit = logs.limits[element.index()];
        if self.space == Space::Shape {
            let share = 1.0 / self.observed.len() as f64;
            for other in self.observed.iter() {
                row[other.index()] = -share;
                limit -= share * logs.values[other.index()];
            }
        }
        row[element.index()] = 1.0;
        let spread: Row = core::array::from_fn(|i| dot(&self.scale[i], &row));
        let cross = self.contrasts.apply(&spread);
        let middle = dot(&row, &self.mean) + dot(&cross, weights);
        let variance = dot(&row, &spread) - self.factor.distance(&cross);
        ln_normal_below((limit - middle) / sqrt(variance.max(RIDGE)))
    }
}
