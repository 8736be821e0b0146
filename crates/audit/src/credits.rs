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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditsOf {
    /// Facility.
    pub facility: Word,
    /// Scheme, as deposits write it.
    pub scheme: String,
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
pub fn credits(view: &View<'_>, of: CreditsOf, budget: &mut Budget) -> (BTreeMap<AccountOf, Account>, bool) {
    let mut statement = Statement::new(of);
    let done = statement.go_on(view, budget);
    (statement.close(view), done)
}

/// Accounts that are being added up.
#[derive(Debug)]
pub struct Statement {
    of: CreditsOf,
    accounts: BTreeMap<AccountOf, Account>,
    /// Records that were looked at: of the facility, or of the ledger.
    next: usize,
    /// What went into a facility's transformations by element and period, picograms.
    inputs: BTreeMap<(Word, u8, u32), u128>,
    /// Facilities and elements whose inputs are known, and records looked at of the next.
    known: usize,
    next_input: usize,
}

impl Statement {
    /// Nothing added up yet.
    #[must_use]
    pub fn new(of: CreditsOf) -> Self {
        Self { of, accounts: BTreeMap::new(), next: 0, inputs: BTreeMap::new(), known: 0, next_input: 0 }
    }

    /// Goes on until all is added up (true) or the budget ends. The view may have grown since the last time, but
    /// must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        let facility = self.of.facility;
        loop {
            let entry = if facility.is_empty() {
                let leaf = u32::try_from(self.next).unwrap_or(u32::MAX);
                (leaf < view.end()).then(|| {
                    self.next += 1;
                    (leaf, view.entry(leaf))
                })
            } else {
                view.next_done_at(facility, &mut self.next)
            };
            let Some((leaf, entry)) = entry else { break };
            if !budget.spend(1) {
                self.next -= 1;
                return false;
            }
            if let Some(entry) = entry {
                self.enter(view, leaf, &entry.fact);
            }
        }
        self.add_inputs(view, budget)
    }

    fn enter(&mut self, view: &View<'_>, leaf: u32, fact: &Fact) {
        let of = &self.of;
        let wanted = |scheme: &str, element: u32| {
            (of.scheme.is_empty() || of.scheme == scheme) && (of.element == 0 || of.element == element)
        };
        match fact {
            Fact::Deposit { lot, deposit: it } if wanted(&it.scheme, it.element) => {
                let earned = u128::from(it.mg) * u128::from(it.conversion_ppm) / 1_000_000;
                let key = key(&it.scheme, &it.facility, it.element, it.period);
                let account = self.accounts.entry(key).or_default();
                account.deposited_mg += u128::from(it.mg);
                account.earned_mg += earned;
                account.lines.push(CreditLine { leaf, lot: *lot, mg: signed(earned), book_and_claim: false });
            }
            Fact::Claim { lot, claim: it } if wanted(&it.scheme, it.element) => {
                let key = key(&it.scheme, &it.facility, it.element, it.period);
                let account = self.accounts.entry(key).or_default();
                let apart = view.journal.lot(*lot).is_some_and(|lot| lot.model == CustodyModel::BookAndClaim);
                account.claimed_mg += u128::from(it.mg);
                if apart {
                    account.book_and_claim_mg += u128::from(it.mg);
                }
                let mg = -signed(it.mg.into());
                account.lines.push(CreditLine { leaf, lot: *lot, mg, book_and_claim: apart });
            }
            _ => {}
        }
    }

    /// One pass over the records of each facility for each element, whatever the number of periods.
    fn add_inputs(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        let mut books: Vec<(Word, u8)> = self.accounts.keys().filter_map(|key| book(view, key)).collect();
        books.sort_unstable();
        books.dedup();
        for (facility, element) in books.into_iter().skip(self.known) {
            while let Some((leaf, entry)) = view.next_done_at(facility, &mut self.next_input) {
                if !budget.spend(1) {
                    self.next_input -= 1;
                    return false;
                }
                if let Some(entry) = entry.filter(|entry| matches!(entry.fact, Fact::Step(_))) {
                    let taken: u128 = view.taken(leaf, Element(element)).map(|(_, amount)| amount.0).sum();
                    let period = year_and_month(entry.event_ms);
                    *self.inputs.entry((facility, element, period)).or_default() += taken;
                }
            }
            self.known += 1;
            self.next_input = 0;
        }
        true
    }

    /// The accounts, with what lapsed.
    #[must_use]
    pub fn close(mut self, view: &View<'_>) -> BTreeMap<AccountOf, Account> {
        let now = year_and_month(view.now_ms());
        for (key, account) in &mut self.accounts {
            if months(now) > months(key.period).saturating_add(self.of.lifetime_months) {
                account.lapsed_mg = account.earned_mg.saturating_sub(account.claimed_mg);
            }
            if let Some((facility, element)) = book(view, key) {
                let inputs = self.inputs.get(&(facility, element, key.period));
                account.input_mg = inputs.copied().unwrap_or(0) / 1_000_000_000;
            }
        }
        self.accounts
    }
}

/// Facility and element of an account.
fn book(view: &View<'_>, key: &AccountOf) -> Option<(Word, u8)> {
    Some((view.journal.words().find(&key.facility)?, u8::try_from(key.element).ok()?))
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
