//! Mass-balance credits: claims that may not exceed what certified inputs earned.
//!
//! ISO 22095's mass balance model: credits are a ledger of claims beside the physical
//! one. A credit is spent once, the oldest expiry first, and never below zero.

use alloc::collections::BTreeMap;

use super::{ArithmeticError, Exact, Fraction};

/// Why a claim was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// More is claimed than the account holds; the balance is unchanged.
    #[error("credits of {balance} do not cover a claim of {wanted}")]
    Overdraft {
        /// What the account holds.
        balance: Fraction,
        /// What was claimed.
        wanted: Fraction,
    },
    /// A negative mass earns or claims nothing.
    #[error("a credit or claim of {0} is negative")]
    Negative(Fraction),
    /// The exact result does not fit.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

/// Credits of one facility, material, element and claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreditAccount {
    /// Credits left per period in which they expire.
    by_expiry: BTreeMap<u64, Fraction>,
}

impl CreditAccount {
    /// Certified input earns its mass times the process's conversion factor; usable up to and
    /// including period `expires`.
    ///
    /// # Errors
    /// A negative credit, or a result that does not fit.
    pub fn earn(
        &mut self,
        certified: Fraction,
        conversion: Fraction,
        expires: u64,
    ) -> Result<(), ClaimError> {
        let earned = certified.times(conversion)?;
        if earned.is_negative() {
            return Err(ClaimError::Negative(earned));
        }
        let credit = self.by_expiry.entry(expires).or_insert(Fraction::ZERO);
        *credit = credit.plus(earned)?;
        Ok(())
    }

    /// What can still be claimed.
    ///
    /// # Errors
    /// A sum that does not fit.
    pub fn balance(&self) -> Exact<Fraction> {
        Fraction::sum(self.by_expiry.values().copied())
    }

    /// Spends credits on a claim, those that expire first before others; the balance after it.
    ///
    /// # Errors
    /// Overdraft: then nothing is spent.
    pub fn claim(&mut self, wanted: Fraction) -> Result<Fraction, ClaimError> {
        if wanted.is_negative() {
            return Err(ClaimError::Negative(wanted));
        }
        let balance = self.balance()?;
        if wanted > balance {
            return Err(ClaimError::Overdraft { balance, wanted });
        }
        let mut open = wanted;
        let mut after = self.by_expiry.clone();
        for credit in after.values_mut() {
            let spent = open.min(*credit);
            *credit = credit.minus(spent)?;
            open = open.minus(spent)?;
        }
        after.retain(|_, credit| *credit > Fraction::ZERO);
        self.by_expiry = after;
        Ok(balance.minus(wanted)?)
    }

    /// Drops credits whose last period lies before `period`; what lapsed.
    ///
    /// # Errors
    /// A sum that does not fit: then nothing lapses.
    pub fn lapse(&mut self, period: u64) -> Exact<Fraction> {
        let lapsed = Fraction::sum(self.by_expiry.range(..period).map(|(_, credit)| *credit))?;
        self.by_expiry = self.by_expiry.split_off(&period);
        Ok(lapsed)
    }
}

/// Rolling-average method: every output of the period may claim the certified share of the inputs.
///
/// # Errors
/// No inputs at all, or a result that does not fit.
pub fn rolling_average(certified_in: Fraction, other_in: Fraction, output: Fraction) -> Exact<Fraction> {
    certified_in.over(certified_in.plus(other_in)?)?.times(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kg(number: u64) -> Fraction {
        Fraction::whole(number)
    }

    #[test]
    fn credits_that_expire_first_are_spent_first_and_the_rest_lapses() {
        let mut account = CreditAccount::default();
        account.earn(kg(10), Fraction::ONE, 3).unwrap();
        account.earn(kg(10), Fraction::ONE, 1).unwrap();
        assert_eq!(account.claim(kg(15)), Ok(kg(5)));
        assert_eq!(account.lapse(2), Ok(kg(0)), "the credits of period 1 are spent");
        assert_eq!(account.lapse(4), Ok(kg(5)));
        assert_eq!(account.balance(), Ok(kg(0)));
    }

    #[test]
    fn a_refused_claim_spends_nothing() {
        let mut account = CreditAccount::default();
        account.earn(kg(10), Fraction::ONE, 1).unwrap();
        assert_eq!(account.claim(kg(11)), Err(ClaimError::Overdraft { balance: kg(10), wanted: kg(11) }));
        assert_eq!(account.claim(kg(10)), Ok(kg(0)));
        let negative = Fraction::new(-1, 1).unwrap();
        assert_eq!(account.claim(negative), Err(ClaimError::Negative(negative)));
    }
}
