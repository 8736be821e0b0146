//! Metal accounts of tolling: what a toller got from its customer, gave back, and still holds of it.
//!
//! A third ledger beside shares and credits: a debt in metal, whichever atoms settle it.

use alloc::collections::BTreeMap;

use ore_provenance::{Element, LotIndex};
use ore_record::v1::{ShipPurpose, TransferKind};

use crate::{
    journal::{Fact, Word},
    view::{Budget, View},
};

/// One element between a customer and its toller, picograms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetalAccount {
    /// Accepted for tolling, as received.
    pub delivered_pg: u128,
    /// Accepted back by the customer, as received.
    pub returned_pg: u128,
    /// In lots that the customer owns and the toller holds.
    pub held_pg: u128,
    /// Declared as lost in steps that took the customer's metal, in proportion to it.
    pub declared_loss_pg: u128,
}

impl MetalAccount {
    /// What the toller owes: delivered less returned, picograms. Negative when it gave more.
    #[must_use]
    pub fn owed_pg(&self) -> i128 {
        let signed = |mass| i128::try_from(mass).unwrap_or(i128::MAX);
        signed(self.delivered_pg) - signed(self.returned_pg)
    }
}

/// Customer and toller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parties {
    /// Who owns the metal.
    pub customer: Word,
    /// Who works it.
    pub toller: Word,
}

/// Accounts by customer and toller, in order of their first record, and whether every record was looked at.
/// `party`: only accounts with this member in them; empty: all.
#[must_use]
pub fn metal_accounts(
    view: &View<'_>,
    element: Element,
    party: Word,
    budget: &mut Budget,
) -> (BTreeMap<Parties, MetalAccount>, bool) {
    let mut accounts: BTreeMap<Parties, MetalAccount> = BTreeMap::new();
    let wanted = |it: &Parties| party.is_empty() || it.customer == party || it.toller == party;
    for (leaf, entry) in view.entries() {
        if !budget.spend(1) {
            return (accounts, false);
        }
        let Fact::Accept(accept) = &entry.fact else { continue };
        let Some(offer) = view.entry(accept.offer) else { continue };
        let Fact::Ship(ship) = &offer.fact else { continue };
        let custody_only = ship.transfer == TransferKind::Custody;
        let toll = ship.purpose == ShipPurpose::Tolling && custody_only;
        let back = ship.purpose == ShipPurpose::Return;
        let parties = if toll {
            Parties { customer: offer.author, toller: entry.author }
        } else {
            Parties { customer: entry.author, toller: offer.author }
        };
        if !(toll || (back && accounts.contains_key(&parties))) || !wanted(&parties) {
            continue;
        }
        let sum: u128 = accept
            .lots
            .iter()
            .map(|accepted| view.remaining_before(accepted.lot, element, u64::from(leaf) + 1).0)
            .sum();
        let account = accounts.entry(parties).or_default();
        let line = if toll { &mut account.delivered_pg } else { &mut account.returned_pg };
        *line += sum;
    }
    let complete = held(view, element, &mut accounts, budget);
    (accounts, complete)
}

/// What tollers hold, and what they declared lost.
fn held(
    view: &View<'_>,
    element: Element,
    accounts: &mut BTreeMap<Parties, MetalAccount>,
    budget: &mut Budget,
) -> bool {
    if accounts.is_empty() {
        return true;
    }
    for lot in 0..view.journal.lots() {
        if !budget.spend(1) {
            return false;
        }
        let Some((owner, custodian)) = hands(view, lot) else { continue };
        if owner == custodian {
            continue;
        }
        if let Some(account) = accounts.get_mut(&Parties { customer: owner, toller: custodian }) {
            let stands = view.graph.lot(LotIndex(lot), view.as_of).is_some();
            account.held_pg += if stands { view.remaining_before(lot, element, view.as_of).0 } else { 0 };
        }
    }
    for (leaf, entry) in view.entries() {
        if !budget.spend(1) {
            return false;
        }
        let Fact::Step(step) = &entry.fact else { continue };
        let losses: u128 = step
            .losses
            .iter()
            .filter(|(of, _)| *of == element.0)
            .map(|(_, mg)| u128::from(*mg) * 1_000_000_000)
            .sum();
        if losses == 0 {
            continue;
        }
        let total: u128 = view.taken(leaf, element).map(|(_, amount)| amount.0).sum();
        for (lot, amount) in view.taken(leaf, element) {
            let Some((owner, _)) = hands_before(view, lot, leaf) else { continue };
            if let Some(account) = accounts.get_mut(&Parties { customer: owner, toller: entry.author }) {
                account.declared_loss_pg += losses.saturating_mul(amount.0) / total.max(1);
            }
        }
    }
    true
}

/// Owner and custodian of a lot.
#[must_use]
pub fn hands(view: &View<'_>, lot: u32) -> Option<(Word, Word)> {
    hands_before(view, lot, u32::MAX)
}

/// Owner and custodian of a lot just before a leaf.
#[must_use]
pub fn hands_before(view: &View<'_>, lot: u32, before: u32) -> Option<(Word, Word)> {
    let stated = view.lot(lot)?;
    let author = view.entry(stated.made_at)?.author;
    let mut hands = (if stated.owner.is_empty() { author } else { stated.owner }, author);
    for (leaf, entry) in view.timeline(lot) {
        if leaf >= before {
            break;
        }
        let Fact::Accept(accept) = &entry.fact else { continue };
        let Some(Fact::Ship(ship)) = view.entry(accept.offer).map(|offer| &offer.fact) else { continue };
        if ship.transfer != TransferKind::Custody {
            hands.0 = entry.author;
        }
        if ship.transfer != TransferKind::Ownership {
            hands.1 = entry.author;
        }
    }
    Some(hands)
}
