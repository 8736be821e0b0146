//! Looking things up.

use alloc::vec::Vec;

use super::{Document, Entry, Fact, Journal, LotFact, Word};

impl Journal {
    /// The entry of a leaf.
    #[inline]
    #[must_use]
    pub fn entry(&self, leaf: u32) -> Option<&Entry> {
        self.entries.get(leaf as usize)
    }

    /// Number of lots, withdrawn ones included; their ordinals are the ledger's.
    #[must_use]
    pub fn lots(&self) -> u32 {
        self.lots.len() as u32
    }

    /// A lot by its ordinal.
    #[inline]
    #[must_use]
    pub fn lot(&self, ordinal: u32) -> Option<&LotFact> {
        self.lots.get(ordinal as usize)
    }

    /// Ordinal of the newest lot of an id.
    #[must_use]
    pub fn ordinal(&self, id: &str) -> Option<u32> {
        self.lot_of.get(&self.words.find(id)?).copied()
    }

    /// Id of a lot; empty when there is none.
    #[must_use]
    pub fn lot_id(&self, ordinal: u32) -> &str {
        self.lot(ordinal).map_or("", |lot| self.text(lot.id))
    }

    /// Leaves that touch a lot, oldest first.
    #[inline]
    #[must_use]
    pub fn timeline(&self, ordinal: u32) -> &[u32] {
        self.timelines.of(ordinal)
    }

    /// Leaves that were withdrawn, in the order of their withdrawals.
    #[must_use]
    pub fn withdrawals(&self) -> &[u32] {
        &self.withdrawals
    }

    /// Whether the records about a lot state times that never go back from one to the next.
    #[inline]
    #[must_use]
    pub fn in_order(&self, lot: u32) -> bool {
        self.disordered.get(lot as usize / 64).is_none_or(|word| word >> (lot % 64) & 1 == 0)
    }

    /// Leaves of a facility, oldest first: its registration, what was done there, and what is attested about it.
    #[inline]
    #[must_use]
    pub fn done_at(&self, facility: Word) -> &[u32] {
        self.done.under(facility)
    }

    /// Leaves posted under any other name, oldest first: a tag, a serial, a seal, an attestation, its subject, a
    /// member, a library.
    #[inline]
    #[must_use]
    pub fn posted(&self, word: Word) -> &[u32] {
        self.posts.under(word)
    }

    /// Leaves that publish a version of a reference library, in ledger order.
    #[must_use]
    pub fn libraries(&self) -> &[u32] {
        &self.libraries
    }

    /// The facility among whose records ([`Journal::done_at`]) a leaf stands; empty, or another name, for none.
    #[must_use]
    pub fn place_of(&self, leaf: u32) -> Word {
        match self.entry(leaf).map(|entry| &entry.fact) {
            Some(Fact::Commission(it)) => self.lot(it.lot).map_or(Word::EMPTY, |lot| lot.facility),
            Some(Fact::Step(it)) => it.facility,
            Some(Fact::Ship(it)) => it.from,
            Some(Fact::Accept(it)) => it.facility,
            Some(Fact::Returned { offer }) => match self.entry(*offer).map(|entry| &entry.fact) {
                Some(Fact::Ship(it)) => it.from,
                _ => Word::EMPTY,
            },
            Some(
                Fact::Assay { facility, .. }
                | Fact::Use { facility, .. }
                | Fact::Dispose { facility, .. }
                | Fact::Stocktake { facility, .. },
            ) => *facility,
            Some(Fact::Deposit { deposit, .. }) => self.known(&deposit.facility),
            Some(Fact::Claim { claim, .. }) => self.known(&claim.facility),
            Some(Fact::Facility(it)) => self.known(&it.id),
            Some(Fact::Attest(it)) => self.known(&it.subject),
            _ => Word::EMPTY,
        }
    }

    fn known(&self, name: &str) -> Word {
        self.words.find(name).unwrap_or(Word::EMPTY)
    }

    /// Every registered facility, in order.
    #[must_use]
    pub fn facilities(&self) -> &[Word] {
        &self.facilities
    }

    /// What a facility ever did, withdrawn records included: numbers of `Process`, 0 for what came from outside.
    #[must_use]
    pub fn processes(&self, facility: Word) -> &[i32] {
        self.processes.get(&facility).map_or(&[], Vec::as_slice)
    }

    /// Leaves of attestations about a subject, oldest first.
    #[must_use]
    pub fn attested(&self, subject: Word) -> &[u32] {
        self.attested.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// Leaves that change the state of an attestation, oldest first.
    #[must_use]
    pub fn changes(&self, attestation: Word) -> &[u32] {
        self.changed.get(&attestation).map_or(&[], Vec::as_slice)
    }

    /// Documents that a record names.
    pub fn documents(&self, leaf: u32) -> impl Iterator<Item = &Document> {
        let start = self.documents.partition_point(|document| document.leaf < leaf);
        self.documents[start..].iter().take_while(move |document| document.leaf == leaf)
    }

    /// Ordinals of the lots that a record touches or makes.
    pub fn lots_touched(&self, leaf: u32) -> impl Iterator<Item = u32> + '_ {
        let mut lots = Vec::new();
        match self.entry(leaf).map(|entry| &entry.fact) {
            Some(Fact::Commission(it)) => lots.push(it.lot),
            Some(Fact::Step(it)) => {
                lots.extend(it.inputs.iter().map(|input| input.lot));
                lots.extend(it.outputs.iter().map(|output| output.lot));
            }
            Some(Fact::Ship(it)) => lots.extend(it.lots.iter().map(|shipped| shipped.lot)),
            Some(Fact::Accept(it)) => lots.extend(it.lots.iter().map(|accepted| accepted.lot)),
            Some(Fact::Returned { offer }) => {
                if let Some(Fact::Ship(ship)) = self.entry(*offer).map(|entry| &entry.fact) {
                    lots.extend(ship.lots.iter().map(|shipped| shipped.lot));
                }
            }
            Some(
                Fact::Assay { lot, .. }
                | Fact::SealEvent { lot, .. }
                | Fact::Use { lot, .. }
                | Fact::Dispose { lot, .. }
                | Fact::Status { lot, .. }
                | Fact::Footprint { lot, .. }
                | Fact::Deposit { lot, .. }
                | Fact::Claim { lot, .. }
                | Fact::Origin { lot, .. },
            ) => lots.push(*lot),
            _ => {}
        }
        lots.into_iter()
    }

    /// Leaf of the profile in force at a ledger size.
    #[must_use]
    pub fn profile_at(&self, as_of: u64) -> Option<u32> {
        let before = self.profiles.iter().rev().find(|(_, from)| u64::from(*from) < as_of);
        before.map(|(leaf, _)| *leaf)
    }

    /// Time of the newest block in a ledger of that size, milliseconds since 1970.
    #[must_use]
    pub fn block_time_ms(&self, as_of: u64) -> u64 {
        let after = self.seals.partition_point(|(leaf, _)| u64::from(*leaf) < as_of);
        after.checked_sub(1).and_then(|newest| self.seals.get(newest)).map_or(0, |(_, time_ms)| *time_ms)
    }
}
