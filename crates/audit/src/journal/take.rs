//! Taking up a record.

use alloc::{boxed::Box, vec::Vec};

use ore_record::v1::{self, TransferKind, record::Event};

use super::{
    AcceptFact, AcceptedFact, CommissionFact, Document, Entry, Fact, InputFact, Journal, JournalFull,
    LotFact, OutputFact, Pending, ShipFact, ShippedFact, StatusKind, StepFact, Word,
};

impl Journal {
    /// Takes up the next leaf. `leaf_of` finds the leaf of an earlier record by its id.
    ///
    /// # Errors
    /// [`JournalFull`].
    pub fn append(
        &mut self,
        record: &v1::Record,
        leaf_of: &dyn Fn(&[u8]) -> Option<u64>,
    ) -> Result<(), JournalFull> {
        let leaf = u32::try_from(self.entries.len()).map_err(|_| JournalFull)?;
        let author = self.words.of(&record.author)?;
        let leaf_of = |id: &[u8]| leaf_of(id).and_then(|leaf| u32::try_from(leaf).ok());
        for document in &record.documents {
            let kind = self.words.of(&document.kind)?;
            self.documents.push(Document { leaf, kind });
        }
        let mut event_ms = record.event_time_ms;
        self.now_ms = event_ms;
        let fact = match record.event.as_ref() {
            Some(Event::Commission(it)) => self.commission(leaf, it)?,
            Some(Event::Transform(it)) => self.step(leaf, it)?,
            Some(Event::Ship(it)) => self.ship(leaf, it)?,
            Some(Event::Accept(it)) => self.accept(leaf, it, leaf_of(&it.offer))?,
            Some(Event::Decline(it)) => self.returned(leaf, &it.lots, leaf_of(&it.offer)),
            Some(Event::CancelShipment(it)) => self.returned(leaf, &it.lots, leaf_of(&it.offer)),
            Some(Event::Assay(it)) => {
                let (reveals, assay) = (leaf_of(&it.reveals), Box::new(it.clone()));
                let lot = self.lot_named(it.lot.as_ref());
                let facility = lot.map_or(Word::EMPTY, |lot| self.places[lot as usize]);
                // It may change what the facility's stock contains.
                self.done.post(facility, leaf);
                let fact = |lot| Fact::Assay { lot, facility, reveals, assay };
                self.on_lot(leaf, it.lot.as_ref(), fact)
            }
            Some(Event::Seal(it)) => {
                let seal = self.words.of(&it.seal)?;
                self.posts.post(seal, leaf);
                self.on_lot(leaf, it.lot.as_ref(), |lot| Fact::SealEvent { lot, seal, action: it.action() })
            }
            Some(Event::Use(it)) => {
                let facility = self.words.of(&it.facility)?;
                self.done.post(facility, leaf);
                let net_mg = it.net_mass.as_ref().map_or(0, |mass| mass.dry_mg);
                let from = self.used(it.item.as_ref(), facility);
                self.on_lot(leaf, it.item.as_ref(), |lot| Fact::Use { lot, net_mg, facility, from })
            }
            Some(Event::Dispose(it)) => self.dispose(leaf, it),
            Some(Event::Hold(it)) => self.status(leaf, it.lot.as_ref(), StatusKind::Hold),
            Some(Event::Release(it)) => self.status(leaf, it.lot.as_ref(), StatusKind::Release),
            Some(Event::Recall(it)) => self.status(leaf, it.lot.as_ref(), StatusKind::Recall),
            Some(Event::Stocktake(it)) => {
                let facility = self.words.of(&it.facility)?;
                self.done.post(facility, leaf);
                Fact::Stocktake { facility, stocktake: Box::new(it.clone()) }
            }
            Some(Event::Footprint(it)) => self.on_lot(leaf, it.lot.as_ref(), |lot| Fact::Footprint {
                lot,
                footprint: Box::new(it.clone()),
            }),
            Some(Event::CreditDeposit(it)) => {
                let facility = self.words.of(&it.facility)?;
                self.done.post(facility, leaf);
                let deposit = Box::new(it.clone());
                self.on_lot(leaf, it.lot.as_ref(), |lot| Fact::Deposit { lot, deposit })
            }
            Some(Event::CreditClaim(it)) => {
                let facility = self.words.of(&it.facility)?;
                self.done.post(facility, leaf);
                let claim = Box::new(it.clone());
                self.on_lot(leaf, it.lot.as_ref(), |lot| Fact::Claim { lot, claim })
            }
            Some(Event::ReferencePart(it)) => Fact::Reference(Box::new(it.clone())),
            Some(Event::PublishLibrary(it)) => {
                let id = self.words.of(&it.library)?;
                self.posts.post(id, leaf);
                self.libraries.push(leaf);
                let parts = it.parts.iter().filter_map(|part| leaf_of(part)).collect();
                Fact::Library { library: Box::new(it.clone()), parts }
            }
            Some(Event::ClaimOrigin(it)) => {
                let origin = self.words.of(&it.origin)?;
                let lot = self.words.find(&it.lot).and_then(|word| self.lot_of.get(&word).copied());
                match (lot, leaf_of(&it.library)) {
                    (Some(lot), Some(library)) => {
                        self.touch(lot, leaf);
                        Fact::Origin { lot, origin, library }
                    }
                    _ => Fact::Other,
                }
            }
            Some(Event::Withdraw(it)) => match leaf_of(&it.record) {
                Some(record) => self.withdraw(leaf, record),
                None => Fact::Other,
            },
            Some(Event::AdmitMember(it)) => {
                let member = it.member.clone().unwrap_or_default();
                let word = self.words.of(&member.id)?;
                self.posts.post(word, leaf);
                Fact::Member(Box::new(member))
            }
            Some(Event::RegisterFacility(it)) => {
                let facility = it.facility.clone().unwrap_or_default();
                let word = self.words.of(&facility.id)?;
                self.done.post(word, leaf);
                self.facilities.push(word);
                Fact::Facility(Box::new(facility))
            }
            Some(Event::Attest(it)) => {
                let attestation = it.attestation.clone().unwrap_or_default();
                let (id, subject) = (self.words.of(&attestation.id)?, self.words.of(&attestation.subject)?);
                self.words.of(&attestation.scheme)?;
                self.posts.post(id, leaf);
                self.posts.post(subject, leaf);
                if !self.done.under(subject).is_empty() {
                    self.done.post(subject, leaf);
                }
                self.attested.entry(subject).or_default().push(leaf);
                Fact::Attest(Box::new(attestation))
            }
            Some(Event::ChangeAttestation(it)) => {
                let attestation = self.words.of(&it.attestation)?;
                self.posts.post(attestation, leaf);
                self.changed.entry(attestation).or_default().push(leaf);
                Fact::ChangeAttestation { attestation, state: it.state() }
            }
            Some(Event::SetProfile(it)) => {
                self.propose(leaf, author);
                Fact::Profile(Box::new(it.profile.clone().unwrap_or_default()))
            }
            Some(Event::Approve(it)) => {
                if let Some(proposal) = leaf_of(&it.proposal) {
                    self.approve(leaf, proposal, author);
                }
                Fact::Other
            }
            Some(Event::BlockSeal(it)) => {
                event_ms = it.time_ms;
                self.seals.push((leaf, it.time_ms));
                Fact::Seal
            }
            _ => Fact::Other,
        };
        self.entries.push(Entry { event_ms, author, withdrawn_at: None, fact });
        Ok(())
    }

    fn lot_named(&self, reference: Option<&v1::LotRef>) -> Option<u32> {
        let word = self.words.find(&reference?.lot)?;
        self.lot_of.get(&word).copied()
    }

    fn on_lot(&mut self, leaf: u32, reference: Option<&v1::LotRef>, fact: impl FnOnce(u32) -> Fact) -> Fact {
        let Some(lot) = self.lot_named(reference) else { return Fact::Other };
        self.touch(lot, leaf);
        fact(lot)
    }

    fn status(&mut self, leaf: u32, reference: Option<&v1::LotRef>, kind: StatusKind) -> Fact {
        self.on_lot(leaf, reference, |lot| Fact::Status { lot, kind })
    }

    /// Where a lot was before its use at a place; there it is afterwards.
    fn used(&mut self, reference: Option<&v1::LotRef>, facility: Word) -> Word {
        let lot = self.lot_named(reference);
        let Some(place) = lot.and_then(|lot| self.places.get_mut(lot as usize)) else { return Word::EMPTY };
        let to = if facility.is_empty() { *place } else { facility };
        core::mem::replace(place, to)
    }

    fn new_lot(&mut self, leaf: u32, stated: &v1::NewLot) -> Result<u32, JournalFull> {
        let lot = u32::try_from(self.lots.len()).map_err(|_| JournalFull)?;
        let id = self.words.of(&stated.lot)?;
        let facility = self.words.of(&stated.facility)?;
        let serial = self.words.of(&stated.serial)?;
        let tags = self.words_of(&stated.tags)?;
        let fact = LotFact {
            id,
            made_at: leaf,
            replaces: self.lot_of.insert(id, lot),
            dry_mg: stated.mass.as_ref().map_or(0, |mass| mass.dry_mg),
            material: stated.material(),
            model: stated.model(),
            facility,
            origin_country: stated.origin_country.as_bytes().try_into().unwrap_or_default(),
            serial,
            form: self.words.of(&stated.form)?,
            owner: self.words.of(&stated.owner)?,
            tags,
        };
        for tag in &fact.tags {
            self.posts.post(*tag, leaf);
        }
        self.posts.post(serial, leaf);
        self.lots.push(fact);
        self.timelines.begin(leaf);
        self.places.push(facility);
        Ok(lot)
    }

    fn commission(&mut self, leaf: u32, it: &v1::Commission) -> Result<Fact, JournalFull> {
        let stated = it.lot.clone().unwrap_or_default();
        let lot = self.new_lot(leaf, &stated)?;
        let facility = self.words.of(&stated.facility)?;
        self.done.post(facility, leaf);
        self.does(facility, super::EXTRACTION);
        let attestations = self.words_of(&it.attestations)?;
        for attestation in &attestations {
            self.posts.post(*attestation, leaf);
        }
        let fact = CommissionFact { kind: it.kind(), lot, scrap_class: it.scrap_class(), attestations };
        Ok(Fact::Commission(Box::new(fact)))
    }

    fn step(&mut self, leaf: u32, it: &v1::Transform) -> Result<Fact, JournalFull> {
        let facility = self.words.of(&it.facility)?;
        self.done.post(facility, leaf);
        self.does(facility, it.process);
        let mut inputs = Vec::with_capacity(it.inputs.len());
        for input in &it.inputs {
            let Some(lot) = self.lot_named(input.lot.as_ref()) else { continue };
            self.touch(lot, leaf);
            inputs.push(InputFact { lot, dry_mg: input.mass.as_ref().map_or(0, |mass| mass.dry_mg) });
        }
        let mut outputs = Vec::with_capacity(it.outputs.len());
        for output in &it.outputs {
            let stated = output.lot.clone().unwrap_or_default();
            outputs.push(OutputFact { lot: self.new_lot(leaf, &stated)?, role: output.role() });
        }
        let losses = it.losses.iter().filter_map(|loss| Some((u8::try_from(loss.element).ok()?, loss.mg)));
        Ok(Fact::Step(Box::new(StepFact {
            process: it.process(),
            facility,
            recycling_class: it.recycling_class(),
            mixing: it.mixing(),
            started_ms: it.started_ms,
            inputs: inputs.into(),
            outputs: outputs.into(),
            losses: losses.collect(),
        })))
    }

    fn ship(&mut self, leaf: u32, it: &v1::Ship) -> Result<Fact, JournalFull> {
        let leaves = it.transfer() != TransferKind::Ownership;
        let mut lots = Vec::with_capacity(it.lots.len());
        for shipped in &it.lots {
            let Some(lot) = self.lot_named(shipped.lot.as_ref()) else { continue };
            self.touch(lot, leaf);
            if leaves {
                // On the way: at no facility until it is accepted or comes back.
                self.places[lot as usize] = Word::EMPTY;
            }
            let seals = self.words_of(&shipped.seals)?;
            for seal in &seals {
                self.posts.post(*seal, leaf);
            }
            let dry_mg = shipped.mass.as_ref().map_or(0, |mass| mass.dry_mg);
            lots.push(ShippedFact { lot, dry_mg, seals });
        }
        // Where nothing leaves, the rules do not look at the name: it may be anybody's, or nobody's.
        let from = if leaves { self.words.of(&it.from_facility)? } else { Word::EMPTY };
        let to = self.words.of(&it.to_facility)?;
        self.done.post(from, leaf);
        let permits = self.words_of(&it.permits)?;
        for permit in &permits {
            self.posts.post(*permit, leaf);
        }
        Ok(Fact::Ship(Box::new(ShipFact {
            lots: lots.into(),
            receiver: self.words.of(&it.receiver)?,
            transfer: it.transfer(),
            purpose: it.purpose(),
            carrier: self.words.of(&it.carrier)?,
            mode: it.mode(),
            permits,
            from,
            to,
            answer: None,
        })))
    }

    /// The offer that a record answers, with the answer.
    fn answer(&mut self, offer: u32, leaf: u32, taken: bool) -> Option<&ShipFact> {
        match self.entries.get_mut(offer as usize).map(|entry| &mut entry.fact) {
            Some(Fact::Ship(ship)) => {
                ship.answer = Some((leaf, taken));
                Some(&**ship)
            }
            _ => None,
        }
    }

    fn accept(&mut self, leaf: u32, it: &v1::Accept, offer: Option<u32>) -> Result<Fact, JournalFull> {
        let Some(offer) = offer else { return Ok(Fact::Other) };
        let Some(leaves) = self.answer(offer, leaf, true).map(ShipFact::leaves) else {
            return Ok(Fact::Other);
        };
        // As with the offer: where nothing arrives, the name is free text.
        let facility = if leaves { self.words.of(&it.facility)? } else { Word::EMPTY };
        self.done.post(facility, leaf);
        let mut lots = Vec::with_capacity(it.lots.len());
        for accepted in &it.lots {
            let Some(lot) = self.lot_named(accepted.lot.as_ref()) else { continue };
            self.touch(lot, leaf);
            if leaves {
                self.places[lot as usize] = facility;
            }
            let dry_mg = accepted.mass.as_ref().map_or(0, |mass| mass.dry_mg);
            lots.push(AcceptedFact { lot, dry_mg, seals: accepted.seals() });
        }
        Ok(Fact::Accept(Box::new(AcceptFact { offer, lots: lots.into(), facility })))
    }

    fn returned(&mut self, leaf: u32, lots: &[v1::LotRef], offer: Option<u32>) -> Fact {
        let Some(offer) = offer else { return Fact::Other };
        let Some(ship) = self.answer(offer, leaf, false) else { return Fact::Other };
        let back: Vec<u32> = ship.lots.iter().map(|shipped| shipped.lot).filter(|_| ship.leaves()).collect();
        let from = ship.from;
        self.done.post(from, leaf);
        for lot in back {
            self.places[lot as usize] = from;
        }
        for reference in lots {
            if let Some(lot) = self.lot_named(Some(reference)) {
                self.touch(lot, leaf);
            }
        }
        Fact::Returned { offer }
    }

    fn dispose(&mut self, leaf: u32, it: &v1::Dispose) -> Fact {
        let Some(lot) = self.lot_named(it.lot.as_ref()) else { return Fact::Other };
        self.touch(lot, leaf);
        let facility = self.places[lot as usize];
        self.done.post(facility, leaf);
        let dry_mg = it.mass.as_ref().map_or(0, |mass| mass.dry_mg);
        Fact::Dispose { lot, dry_mg, kind: it.kind(), facility }
    }

    fn withdraw(&mut self, leaf: u32, record: u32) -> Fact {
        let lots: Vec<u32> = self.lots_touched(record).collect();
        for lot in lots {
            self.touch(lot, leaf);
        }
        // Of what says where a lot is, only a use can be withdrawn. An offer after it that came to nothing does not
        // stand in the way: where that left the lot, there it is.
        if let Some(Fact::Use { lot, facility, from, .. }) =
            self.entries.get(record as usize).map(|entry| &entry.fact)
            && let Some(place) =
                self.places.get_mut(*lot as usize).filter(|place| !facility.is_empty() && *place == facility)
        {
            *place = *from;
        }
        if let Some(entry) = self.entries.get_mut(record as usize) {
            entry.withdrawn_at = Some(leaf);
            self.withdrawals.push(record);
        }
        Fact::Withdraw { record }
    }

    /// In genesis nothing waits; later the profile in force says how many members must agree.
    fn propose(&mut self, leaf: u32, author: Word) {
        if self.seals.is_empty() {
            self.profiles.push((leaf, leaf));
        } else {
            self.pending.push(Pending { leaf, approvals: Vec::from([author]) });
            self.settle(leaf);
        }
    }

    fn approve(&mut self, leaf: u32, proposal: u32, author: Word) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.leaf == proposal)
            && !pending.approvals.contains(&author)
        {
            pending.approvals.push(author);
        }
        self.settle(leaf);
    }

    fn settle(&mut self, leaf: u32) {
        let needed =
            self.profiles.last().and_then(|(profile, _)| match &self.entries.get(*profile as usize)?.fact {
                Fact::Profile(profile) => Some(profile.approvals_needed as usize),
                _ => None,
            });
        let members = self.entries.iter().filter(|entry| matches!(entry.fact, Fact::Member(_))).count();
        let needed = needed.unwrap_or(1).max(members.min(2));
        if let Some(at) = self.pending.iter().position(|pending| pending.approvals.len() >= needed) {
            let agreed = self.pending.remove(at);
            self.profiles.push((agreed.leaf, leaf));
        }
    }
}
