//! Claim credits: certified material that came in earns them, outputs spend them. Never a physical share.
//!
//! One account per scheme, facility, element and period, as the rules keep them: a claim beyond the balance was
//! refused when it was made. Here the accounts are replayed from their records, so an old size can be asked.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use ore_provenance::Element;
use ore_record::v1::CustodyModel;

use crate::{
    journal::{Fact, Word},
    ratio::ratio_e18,
    view::{Budget, View},
};

/// What is asked; empty or zero: all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditsOf<'a> {
    /// Facility.
    pub facility: Word,
    /// Scheme, as deposits write it.
    pub scheme: &'a str,
    /// Atomic number.
    pub element: u32,
    /// Months after its own in which a period's credit may still be claimed.
    pub lifetime_months: u32,
}

/// One movement of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditLine {
    /// Leaf of the record.
    pub leaf: u32,
    /// Ordinal of the lot that earned or claims.
    pub lot: u32,
    /// Milligrams earned after conversion; negative when claimed.
    pub mg: i128,
    /// The claiming lot's model is book and claim: the credit travels without the metal.
    pub book_and_claim: bool,
}

/// An account of one period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Certified metal deposited, before conversion, milligrams.
    pub deposited_mg: u128,
    /// Credits earned, milligrams.
    pub earned_mg: u128,
    /// Credits claimed, milligrams.
    pub claimed_mg: u128,
    /// Of those, claimed for lots under book and claim.
    pub book_and_claim_mg: u128,
    /// Credits whose period ended unclaimed, milligrams.
    pub lapsed_mg: u128,
    /// Metal that went into this facility's transformations in the period, milligrams: the rolling average's denominator.
    pub input_mg: u128,
    /// Movements, oldest first.
    pub lines: Vec<CreditLine>,
}

impl Account {
    /// What may still be claimed, milligrams.
    #[must_use]
    pub const fn balance_mg(&self) -> u128 {
        self.earned_mg.saturating_sub(self.claimed_mg).saturating_sub(self.lapsed_mg)
    }

    /// The rolling average: certified metal for each unit that went in, in 10^-18. At most one.
    #[must_use]
    pub fn rolling_average(&self) -> Option<u64> {
        ratio_e18(self.deposited_mg.min(self.input_mg), self.input_mg)
    }
}

/// Scheme, facility, element and period of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountOf {
    /// Scheme.
    pub scheme: String,
    /// Facility.
    pub facility: String,
    /// Atomic number.
    pub element: u32,
    /// Year and month.
    pub period: u32,
}

/// The accounts, and whether every record was looked at.
#[must_use]
pub fn credits(
    view: &View<'_>,
    of: &CreditsOf<'_>,
    budget: &mut Budget,
) -> (BTreeMap<AccountOf, Account>, bool) {
    let mut accounts: BTreeMap<AccountOf, Account> = BTreeMap::new();
    let wanted = |scheme: &str, element: u32| {
        (of.scheme.is_empty() || of.scheme == scheme) && (of.element == 0 || of.element == element)
    };
    let mut each = |leaf: u32, fact: &Fact| match fact {
        Fact::Deposit { lot, deposit: it } if wanted(&it.scheme, it.element) => {
            let earned = u128::from(it.mg) * u128::from(it.conversion_ppm) / 1_000_000;
            let key = key(&it.scheme, &it.facility, it.element, it.period);
            let account = accounts.entry(key).or_default();
            account.deposited_mg += u128::from(it.mg);
            account.earned_mg += earned;
            account.lines.push(CreditLine { leaf, lot: *lot, mg: signed(earned), book_and_claim: false });
        }
        Fact::Claim { lot, claim: it } if wanted(&it.scheme, it.element) => {
            let key = key(&it.scheme, &it.facility, it.element, it.period);
            let account = accounts.entry(key).or_default();
            let apart = view.journal.lot(*lot).is_some_and(|lot| lot.model == CustodyModel::BookAndClaim);
            account.claimed_mg += u128::from(it.mg);
            if apart {
                account.book_and_claim_mg += u128::from(it.mg);
            }
            let mg = -signed(it.mg.into());
            account.lines.push(CreditLine { leaf, lot: *lot, mg, book_and_claim: apart });
        }
        _ => {}
    };
    let mut complete = true;
    let entries: &mut dyn Iterator<Item = _> =
        if of.facility.is_empty() { &mut view.entries() } else { &mut view.posted(of.facility) };
    for (leaf, entry) in entries {
        if !budget.spend(1) {
            complete = false;
            break;
        }
        each(leaf, &entry.fact);
    }
    let now = year_and_month(view.now_ms());
    for (key, account) in &mut accounts {
        if months(now) > months(key.period).saturating_add(of.lifetime_months) {
            account.lapsed_mg = account.earned_mg.saturating_sub(account.claimed_mg);
        }
        complete &= inputs(view, key, account, budget);
    }
    (accounts, complete)
}

fn inputs(view: &View<'_>, key: &AccountOf, account: &mut Account, budget: &mut Budget) -> bool {
    let (Some(facility), Ok(element)) = (view.journal.words().find(&key.facility), u8::try_from(key.element))
    else {
        return true;
    };
    let mut sum = 0;
    for (leaf, entry) in view.posted(facility) {
        if !budget.spend(1) {
            return false;
        }
        if matches!(entry.fact, Fact::Step(_)) && year_and_month(entry.event_ms) == key.period {
            sum += view.taken(leaf, Element(element)).map(|(_, amount)| amount.0).sum::<u128>();
        }
    }
    account.input_mg = sum / 1_000_000_000;
    true
}

fn key(scheme: &str, facility: &str, element: u32, period: u32) -> AccountOf {
    AccountOf { scheme: scheme.into(), facility: facility.into(), element, period }
}

fn signed(mg: u128) -> i128 {
    i128::try_from(mg).unwrap_or(i128::MAX)
}

/// Months since year 0 of a number such as 202611.
const fn months(period: u32) -> u32 {
    (period / 100) * 12 + period % 100
}

/// The civil year and month of a time in UTC, as a number such as 202611.
#[must_use]
pub const fn year_and_month(time_ms: u64) -> u32 {
    // Howard Hinnant's days_from_civil, inverted, for days since 1970-01-01; years begin in March.
    let days = time_ms / 86_400_000 + 719_468;
    let era = days / 146_097;
    let day = days % 146_097;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    // A millisecond count of 64 bits ends in the year 584,556,019: far below what 32 bits hold with months only
    // for this millennium, which is what records are about.
    (year * 100 + month) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_of_utc() {
        assert_eq!(year_and_month(0), 197_001);
        assert_eq!(year_and_month(951_782_400_000), 200_002);
        assert_eq!(year_and_month(1_767_225_600_000), 202_601);
        assert_eq!(year_and_month(1_767_225_599_999), 202_512);
        assert_eq!(months(202_601) - months(202_512), 1);
    }
}
