//! Metal accounts of tolling: what a toller got from its customer, gave back, and still holds of it.
//!
//! A third ledger beside shares and credits: a debt in metal, whichever atoms settle it.

use alloc::collections::BTreeMap;

use ore_provenance::{Element, proportion};
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

/// Accounts by customer and toller, and whether every record was looked at.
/// `party`: only accounts with this member in them; empty: all.
#[must_use]
pub fn metal_accounts(
    view: &View<'_>,
    element: Element,
    party: Word,
    budget: &mut Budget,
) -> (BTreeMap<Parties, MetalAccount>, bool) {
    let mut statement = Statement::new(element, party);
    let done = statement.go_on(view, budget);
    (statement.accounts, done)
}

/// Accounts that are being added up.
#[derive(Debug)]
pub struct Statement {
    element: Element,
    party: Word,
    /// The accounts so far.
    pub accounts: BTreeMap<Parties, MetalAccount>,
    /// Records looked at for movements, lots for what is held, records for losses.
    moved: u32,
    held: u32,
    lost: u32,
}

impl Statement {
    /// Nothing added up yet.
    #[must_use]
    pub const fn new(element: Element, party: Word) -> Self {
        Self { element, party, accounts: BTreeMap::new(), moved: 0, held: 0, lost: 0 }
    }

    /// Goes on until all is added up (true) or the budget ends. The view may have grown since the last time, but
    /// must be of the same size and date.
    pub fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> bool {
        while self.moved < view.end() {
            if !budget.spend(1) {
                return false;
            }
            self.moved += 1;
            self.movement(view, self.moved - 1);
        }
        if self.accounts.is_empty() {
            return true;
        }
        while self.held < view.journal.lots() {
            if !budget.spend(1) {
                return false;
            }
            self.held += 1;
            self.hold(view, self.held - 1);
        }
        while self.lost < view.end() {
            if !budget.spend(1) {
                return false;
            }
            self.lost += 1;
            self.loss(view, self.lost - 1);
        }
        true
    }

    fn movement(&mut self, view: &View<'_>, leaf: u32) {
        let Some(entry) = view.entry(leaf) else { return };
        let Fact::Accept(accept) = &entry.fact else { return };
        let Some(offer) = view.entry(accept.offer) else { return };
        let Fact::Ship(ship) = &offer.fact else { return };
        let custody_only = ship.transfer == TransferKind::Custody;
        let toll = ship.purpose == ShipPurpose::Tolling && custody_only;
        let back = ship.purpose == ShipPurpose::Return;
        let parties = if toll {
            Parties { customer: offer.author, toller: entry.author }
        } else {
            Parties { customer: entry.author, toller: offer.author }
        };
        let wanted = self.party.is_empty() || parties.customer == self.party || parties.toller == self.party;
        if !(toll || (back && self.accounts.contains_key(&parties))) || !wanted {
            return;
        }
        let at = u64::from(leaf) + 1;
        let received = accept.lots.iter().map(|it| view.remaining_before(it.lot, self.element, at).0);
        let sum: u128 = received.sum();
        let account = self.accounts.entry(parties).or_default();
        let line = if toll { &mut account.delivered_pg } else { &mut account.returned_pg };
        *line += sum;
    }

    /// What a toller holds.
    fn hold(&mut self, view: &View<'_>, lot: u32) {
        let Some((owner, custodian)) = hands(view, lot).filter(|(owner, custodian)| owner != custodian)
        else {
            return;
        };
        if let Some(account) = self.accounts.get_mut(&Parties { customer: owner, toller: custodian }) {
            account.held_pg += view.remaining_before(lot, self.element, view.as_of).0;
        }
    }

    /// What a toller declared lost.
    fn loss(&mut self, view: &View<'_>, leaf: u32) {
        let Some(entry) = view.entry(leaf) else { return };
        let Fact::Step(step) = &entry.fact else { return };
        let of = step.losses.iter().filter(|(of, _)| *of == self.element.0);
        let losses: u128 = of.map(|(_, mg)| u128::from(*mg) * 1_000_000_000).sum();
        if losses == 0 {
            return;
        }
        let total: u128 = view.taken(leaf, self.element).map(|(_, amount)| amount.0).sum();
        for (lot, amount) in view.taken(leaf, self.element) {
            let Some((owner, _)) = hands_before(view, lot, leaf) else { continue };
            let parties = Parties { customer: owner, toller: entry.author };
            if let Some(account) = self.accounts.get_mut(&parties) {
                account.declared_loss_pg += proportion(losses, amount.0, total);
            }
        }
    }
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
