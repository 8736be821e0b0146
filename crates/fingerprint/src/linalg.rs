//! Small symmetric matrices: factor, solve, and the axes of greatest spread.
//!
//! No matrix is larger than the fourteen elements, so everything lives on the stack and every loop is
//! bounded by fourteen.

use alloc::vec::Vec;

use libm::{fabs, log, sqrt};

use crate::element::ELEMENTS;

/// A vector over the elements.
pub type Row = [f64; ELEMENTS];

/// A matrix over the elements.
pub type Square = [Row; ELEMENTS];

/// The zero vector.
pub const ZERO_ROW: Row = [0.0; ELEMENTS];

/// The zero matrix.
pub const ZERO: Square = [ZERO_ROW; ELEMENTS];

/// A linear map from the fourteen elements to `rows.len()` contrasts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contrasts {
    pub(crate) rows: Vec<Row>,
}

impl Contrasts {
    /// `A x`.
    pub(crate) fn apply(&self, x: &Row) -> Row {
        let mut out = ZERO_ROW;
        for (target, row) in out.iter_mut().zip(&self.rows) {
            *target = dot(row, x);
        }
        out
    }

    /// `A S Aᵀ + ridge I`, in the leading corner.
    pub(crate) fn project(&self, s: &Square, ridge: f64) -> Square {
        let mut out = ZERO;
        for (i, left) in self.rows.iter().enumerate() {
            let mut half = ZERO_ROW;
            for (weight, line) in left.iter().zip(s).filter(|(weight, _)| **weight != 0.0) {
                for (h, value) in half.iter_mut().zip(line) {
                    *h += weight * value;
                }
            }
            for (j, right) in self.rows.iter().enumerate().take(i + 1) {
                out[i][j] = dot(&half, right);
                out[j][i] = out[i][j];
            }
            out[i][i] += ridge;
        }
        out
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// The inner product.
pub(crate) fn dot(a: &Row, b: &Row) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `a - b`.
pub(crate) fn minus(a: &Row, b: &Row) -> Row {
    core::array::from_fn(|i| a[i] - b[i])
}

/// `m += weight * x xᵀ`.
pub(crate) fn add_outer(m: &mut Square, x: &Row, weight: f64) {
    for (line, left) in m.iter_mut().zip(x) {
        for (value, right) in line.iter_mut().zip(x) {
            *value += weight * left * right;
        }
    }
}

/// `a + weight * b`.
pub(crate) fn plus(a: &Square, b: &Square, weight: f64) -> Square {
    core::array::from_fn(|i| core::array::from_fn(|j| a[i][j] + weight * b[i][j]))
}

/// `weight * a`.
pub(crate) fn scaled(a: &Square, weight: f64) -> Square {
    plus(&ZERO, a, weight)
}

/// Lower triangular Cholesky factor of the leading `size` rows.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    lower: Square,
    size: usize,
}

impl Cholesky {
    /// None when the matrix is not positive definite (or holds a NaN).
    pub(crate) fn of(matrix: &Square, size: usize) -> Option<Self> {
        let mut lower = ZERO;
        for i in 0..size {
            for j in 0..=i {
                let done: f64 = lower[i][..j].iter().zip(&lower[j][..j]).map(|(a, b)| a * b).sum();
                let sum = matrix[i][j] - done;
                if i == j {
                    if !(sum > 0.0 && sum.is_finite()) {
                        return None;
                    }
                    lower[i][i] = sqrt(sum);
                } else {
                    lower[i][j] = sum / lower[j][j];
                }
            }
        }
        Some(Self { lower, size })
    }

    /// `L⁻¹ x`.
    pub(crate) fn whiten(&self, x: &Row) -> Row {
        let mut out = ZERO_ROW;
        for i in 0..self.size {
            let done: f64 = (0..i).map(|k| self.lower[i][k] * out[k]).sum();
            out[i] = (x[i] - done) / self.lower[i][i];
        }
        out
    }

    /// `L⁻ᵀ x`.
    pub(crate) fn unwhiten(&self, x: &Row) -> Row {
        let mut out = ZERO_ROW;
        for i in (0..self.size).rev() {
            let done: f64 = (i + 1..self.size).map(|k| self.lower[k][i] * out[k]).sum();
            out[i] = (x[i] - done) / self.lower[i][i];
        }
        out
    }

    /// `S⁻¹ x`.
    pub(crate) fn solve(&self, x: &Row) -> Row {
        self.unwhiten(&self.whiten(x))
    }

    /// `xᵀ S⁻¹ x`.
    pub(crate) fn distance(&self, x: &Row) -> f64 {
        let white = self.whiten(x);
        dot(&white, &white)
    }

    /// `ln det S`.
    pub(crate) fn ln_determinant(&self) -> f64 {
        2.0 * (0..self.size).map(|i| log(self.lower[i][i])).sum::<f64>()
    }
}

/// Eigenvalues (greatest first) and unit eigenvectors of a symmetric matrix, by Jacobi's rotations
/// (Golub & Van Loan, Matrix Computations, 8.5). A hundred sweeps bound the loop; about ten are needed.
pub(crate) fn eigen(matrix: &Square) -> Vec<(f64, Row)> {
    let mut a = *matrix;
    let mut v = ZERO;
    for (i, line) in v.iter_mut().enumerate() {
        line[i] = 1.0;
    }
    for _ in 0..100 {
        let off: f64 =
            (0..ELEMENTS).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off < 1e-26 {
            break;
        }
        for p in 0..ELEMENTS {
            for q in p + 1..ELEMENTS {
                rotate(&mut a, &mut v, p, q);
            }
        }
    }
    let mut pairs: Vec<(f64, Row)> =
        (0..ELEMENTS).map(|i| (a[i][i], core::array::from_fn(|k| v[k][i]))).collect();
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0));
    for (_, vector) in &mut pairs {
        face_the_same_way(vector);
    }
    pairs
}

/// An eigenvector's sign is free; the largest entry is made positive, so that pictures do not flip.
fn face_the_same_way(vector: &mut Row) {
    let largest =
        vector.iter().copied().fold(0.0, |best: f64, x| if fabs(x) > fabs(best) { x } else { best });
    if largest < 0.0 {
        vector.iter_mut().for_each(|x| *x = -*x);
    }
}

fn rotate(a: &mut Square, v: &mut Square, p: usize, q: usize) {
    if fabs(a[p][q]) < 1e-300 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let sign = if theta < 0.0 { -1.0 } else { 1.0 };
    let t = sign / (fabs(theta) + sqrt(theta * theta + 1.0));
    let c = 1.0 / sqrt(t * t + 1.0);
    let s = t * c;
    for line in a.iter_mut() {
        (line[p], line[q]) = (c * line[p] - s * line[q], s * line[p] + c * line[q]);
    }
    let (upper, lower) = (a[p], a[q]);
    a[p] = core::array::from_fn(|k| c * upper[k] - s * lower[k]);
    a[q] = core::array::from_fn(|k| s * upper[k] + c * lower[k]);
    for line in v.iter_mut() {
        (line[p], line[q]) = (c * line[p] - s * line[q], s * line[p] + c * line[q]);
    }
}
