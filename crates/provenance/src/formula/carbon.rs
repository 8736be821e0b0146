//! Burdens carried with metal: what was spent per kilogram of what came out.

use super::{Exact, Fraction};

/// Burden per unit of output: the inputs' burdens by mass plus the process's own, over the output.
///
/// `inputs` are contained mass and burden per unit of it; all burden goes to `output` (allocation by
/// mass, residues carry none).
///
/// # Errors
/// No output, or a result that does not fit.
pub fn burden_per_unit(
    inputs: &[(Fraction, Fraction)],
    process: Fraction,
    output: Fraction,
) -> Exact<Fraction> {
    inputs.iter().try_fold(process, |sum, (mass, burden)| sum.plus(mass.times(*burden)?))?.over(output)
}
