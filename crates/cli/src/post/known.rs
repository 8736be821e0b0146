//! What is known of lots without asking: heads and offers of records made a moment ago.

use std::collections::{HashMap, HashSet};

use ore_client::{ClientError, Ledger};
use ore_record::{
    RecordId, draft,
    v1::{Record, record::Event},
};

use super::item::{Item, wants_open_offer};

/// Heads and open offers, as of the last record that was made here.
#[derive(Default)]
pub(crate) struct Known {
    heads: HashMap<String, Option<RecordId>>,
    offers: HashMap<String, RecordId>,
}

impl Known {
    /// Asks for the heads of all lots that these records name without a head, and for the open offers that they
    /// answer, where they are not known yet.
    pub(crate) async fn learn<'a>(
        &mut self,
        ledger: &Ledger,
        items: impl Iterator<Item = &'a mut Item>,
    ) -> Result<(), ClientError> {
        let mut made: HashSet<String> = HashSet::new();
        let (mut heads, mut offers) = (HashSet::new(), HashSet::new());
        for item in items {
            let answers = wants_open_offer(item);
            for (at, lot) in draft::heads_mut(&mut item.record).into_iter().enumerate() {
                let unknown = !lot.lot.is_empty() && !made.contains(&lot.lot);
                if unknown && lot.head.is_empty() && !self.heads.contains_key(&lot.lot) {
                    heads.insert(lot.lot.clone());
                }
                if unknown && answers && at == 0 && !self.offers.contains_key(&lot.lot) {
                    offers.insert(lot.lot.clone());
                }
            }
            made.extend(draft::new_lots(&item.record).iter().map(|lot| lot.lot.clone()));
        }
        let ask: Vec<String> = heads.into_iter().collect();
        let heads = ledger.heads(&ask).await?;
        self.heads.extend(ask.into_iter().zip(heads));
        let ask: Vec<String> = offers.into_iter().collect();
        for lot in ledger.lots_named(&ask).await? {
            if let Some(offer) = lot.open_offer.and_then(|offer| RecordId::try_from(offer.ship.as_ref()).ok())
            {
                self.offers.insert(lot.lot, offer);
            }
        }
        Ok(())
    }

    /// Fills in blank heads; true if there was one. A lot that nobody knows gets a head of zeros, so
    /// that the ledger itself says what is wrong with it.
    pub(crate) fn fill_heads(&self, record: &mut Record) -> bool {
        let mut filled = false;
        for lot in draft::heads_mut(record) {
            if lot.head.is_empty() {
                let head = self.heads.get(&lot.lot).copied().flatten();
                lot.head = head.map_or([0; 32], |head| *head.as_bytes()).to_vec();
                filled = true;
            }
        }
        filled
    }

    /// The open offer on a lot, if it was made here or learnt of.
    pub(crate) fn offer(&self, lot: &str) -> Option<RecordId> {
        self.offers.get(lot).copied()
    }

    /// A record was made: it is the head of every lot that it touches or makes.
    pub(crate) fn made(&mut self, id: RecordId, record: &mut Record, moves: &[String]) {
        let is_offer = matches!(record.event, Some(Event::Ship(_)));
        for lot in draft::heads_mut(record) {
            self.heads.insert(lot.lot.clone(), Some(id));
            if is_offer {
                self.offers.insert(lot.lot.clone(), id);
            } else {
                self.offers.remove(&lot.lot);
            }
        }
        let new = draft::new_lots(record).into_iter().map(|new| &new.lot);
        self.heads.extend(new.chain(moves).map(|lot| (lot.clone(), Some(id))));
    }

    /// A record was refused: what it would have changed is to be asked for again.
    pub(crate) fn unmade(&mut self, record: &mut Record) {
        for lot in draft::heads_mut(record) {
            self.heads.remove(&lot.lot);
            self.offers.remove(&lot.lot);
        }
        for lot in draft::new_lots(record) {
            self.heads.remove(&lot.lot);
        }
    }

    /// Nothing is known any more, but offers.
    pub(crate) fn forget_heads(&mut self) {
        self.heads.clear();
    }
}
