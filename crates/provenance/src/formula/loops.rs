//! Loops: how much of what was shipped comes back as metal.

use super::{Exact, Fraction};

/// Masses of one element over one turn of a scrap loop, all in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Shipped in products.
    pub shipped: Fraction,
    /// Returned as scrap.
    pub returned: Fraction,
    /// Recovered from that scrap.
    pub recovered: Fraction,
    /// All metal charged to make the next products.
    pub charge: Fraction,
}

/// How a loop does; each a fraction of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indicators {
    /// Returned of shipped.
    pub return_rate: Fraction,
    /// Recovered of returned.
    pub recovery_yield: Fraction,
    /// Recovered of shipped.
    pub loop_ratio: Fraction,
    /// Recovered of the next charge.
    pub recycled_input_share: Fraction,
}

/// The indicators of one turn.
///
/// # Errors
/// Nothing shipped, returned or charged; or a result that does not fit.
pub fn indicators(turn: &Turn) -> Exact<Indicators> {
    Ok(Indicators {
        return_rate: turn.returned.over(turn.shipped)?,
        recovery_yield: turn.recovered.over(turn.returned)?,
        loop_ratio: turn.recovered.over(turn.shipped)?,
        recycled_input_share: turn.recovered.over(turn.charge)?,
    })
}
