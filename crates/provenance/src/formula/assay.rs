//! Assays: intervals from uncertainty, and settlement between seller and buyer.

use super::{Bounded, Exact, Fraction};

/// One source's share of a blend whose contained masses are uncertain.
///
/// `own` and `others` are mass and relative uncertainty (k = 2). Lowest when this one is at its
/// least and all others at their most: `m(1-u) / (m(1-u) + Σ m_j(1+u_j))`; highest the other way round.
///
/// # Errors
/// No mass at all, or a result that does not fit.
pub fn blend_share(own: (Fraction, Fraction), others: &[(Fraction, Fraction)]) -> Exact<Bounded> {
    let least = |(mass, uncertainty): (Fraction, Fraction)| {
        mass.times(Fraction::ONE.minus(uncertainty)?.max(Fraction::ZERO))
    };
    let most = |(mass, uncertainty): (Fraction, Fraction)| mass.times(Fraction::ONE.plus(uncertainty)?);
    let sum = |pick: &dyn Fn((Fraction, Fraction)) -> Exact<Fraction>| {
        others.iter().try_fold(Fraction::ZERO, |sum, other| sum.plus(pick(*other)?))
    };
    let share = |own: Fraction, others: Fraction| own.over(own.plus(others)?);
    Ok(Bounded {
        value: share(own.0, sum(&|other| Ok(other.0))?)?,
        lower: share(least(own)?, sum(&most)?)?,
        upper: share(most(own)?, sum(&least)?)?,
    })
}

/// What an exchange of two assays settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Within the splitting limit: the mean.
    Settled(Fraction),
    /// Further apart: the umpire decides.
    NeedsUmpire,
}

/// How a contract uses the umpire's assay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UmpireRule {
    /// Between the two: the mean of the umpire and the nearer party (of the umpire alone at equal
    /// distance). Outside: the nearer party.
    MeanWithNearer,
    /// The middle one of the three.
    Median,
}

/// Settles two assays when they differ by at most the splitting limit.
///
/// # Errors
/// A result that does not fit.
pub fn exchange(seller: Fraction, buyer: Fraction, splitting_limit: Fraction) -> Exact<Exchange> {
    if seller.minus(buyer)?.magnitude()? > splitting_limit {
        return Ok(Exchange::NeedsUmpire);
    }
    Ok(Exchange::Settled(mean(seller, buyer)?))
}

/// Settles three assays by the rule that the contract names.
///
/// # Errors
/// A result that does not fit.
pub fn umpire(seller: Fraction, buyer: Fraction, umpire: Fraction, rule: UmpireRule) -> Exact<Fraction> {
    let (low, high) = (seller.min(buyer), seller.max(buyer));
    let within = umpire.clamp(low, high);
    if within != umpire || rule == UmpireRule::Median {
        // Outside, the nearer party is also the middle one.
        return Ok(within);
    }
    let (to_low, to_high) = (umpire.minus(low)?, high.minus(umpire)?);
    match to_low.cmp(&to_high) {
        core::cmp::Ordering::Less => mean(umpire, low),
        core::cmp::Ordering::Equal => Ok(umpire),
        core::cmp::Ordering::Greater => mean(umpire, high),
    }
}

fn mean(a: Fraction, b: Fraction) -> Exact<Fraction> {
    a.plus(b)?.over(Fraction::whole(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_umpire_in_the_middle_settles_alone() {
        let [low, middle, high] = [29, 30, 31].map(Fraction::whole);
        assert_eq!(umpire(low, high, middle, UmpireRule::MeanWithNearer), Ok(middle));
        assert_eq!(umpire(high, low, middle, UmpireRule::Median), Ok(middle));
    }
}
