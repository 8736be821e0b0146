//! Pools: what a withdrawal from a silo or stockpile may hold of one source.

use super::{ArithmeticError, Bounded, Exact, Fraction};

/// One source's share of a withdrawal from a pool that is not mixed.
///
/// The value is the pool's mean; the bounds are `max(0, (w - others) / w)` and `min(1, own / w)`:
/// the withdrawal may hold everything else first, or this source first.
///
/// # Errors
/// Nothing withdrawn, an empty pool, or a result that does not fit.
pub fn withdrawal_share(own: Fraction, others: Fraction, withdrawn: Fraction) -> Exact<Bounded> {
    let pool = own.plus(others)?;
    let lower = withdrawn.minus(others)?.over(withdrawn)?.max(Fraction::ZERO);
    let upper = own.over(withdrawn)?.min(Fraction::ONE);
    Ok(Bounded { value: own.over(pool)?, lower, upper })
}

/// Which layer of a stockpile leaves first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest.
    FirstInFirstOut,
    /// The newest.
    LastInFirstOut,
    /// All in proportion.
    Mixed,
}

/// How much of a withdrawal comes from the layers that `of` picks; layers from oldest to newest.
///
/// # Errors
/// Nothing withdrawn, more withdrawn than there is (as overflow), or a result that does not fit.
pub fn layer_share(
    layers: &[Fraction],
    withdrawn: Fraction,
    order: Order,
    of: impl Fn(usize) -> bool,
) -> Exact<Fraction> {
    let total = Fraction::sum(layers.iter().copied())?;
    if withdrawn > total {
        return Err(ArithmeticError::Overflow);
    }
    let picked = |index: usize, mass: Fraction| if of(index) { mass } else { Fraction::ZERO };
    if order == Order::Mixed {
        let own = Fraction::sum(layers.iter().enumerate().map(|(index, mass)| picked(index, *mass)))?;
        return own.over(total);
    }
    let (mut open, mut own) = (withdrawn, Fraction::ZERO);
    for step in 0..layers.len() {
        let index = if order == Order::FirstInFirstOut { step } else { layers.len() - 1 - step };
        let leaves = open.min(layers[index]);
        own = own.plus(picked(index, leaves))?;
        open = open.minus(leaves)?;
    }
    own.over(withdrawn)
}
