//! Formulas of the trade that need no graph: exact fractions in, exact fractions out.
//!
//! Claim credits and metal accounts are other ledgers than physical shares; nothing
//! here adds one to another.

pub mod assay;
pub mod carbon;
pub mod concentration;
pub mod credit;
pub mod fingerprint;
mod fraction;
pub mod loops;
pub mod pool;
pub mod stocktake;

pub use fraction::{ArithmeticError, Fraction};

/// What a formula answers: exact, or why it could not be.
pub type Exact<T> = Result<T, ArithmeticError>;

/// A value between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// Under good mixing, or as stated.
    pub value: Fraction,
    /// No less than this.
    pub lower: Fraction,
    /// No more than this.
    pub upper: Fraction,
}
