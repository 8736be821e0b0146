//! Lots that change hands: ship, accept, decline, cancel.

use ore_record::v1::{
    Accept, AcceptedLot, CancelShipment, Decline, LotRef, SealState, Ship, ShipPurpose, ShippedLot,
    TransferKind, TransportMode, record::Event as Statement,
};

use super::{Mapping, lots::texts};
use crate::{
    event::Event,
    refusal::{Clause, Refusal, quote},
};

const PURPOSES: [(&str, ShipPurpose); 4] = [
    ("sale", ShipPurpose::Sale),
    ("tolling", ShipPurpose::Tolling),
    ("return", ShipPurpose::Return),
    ("recall", ShipPurpose::Recall),
];

impl Mapping<'_> {
    pub(super) fn ship(&mut self) -> Result<Vec<Statement>, Refusal> {
        let event = self.event;
        let possessing = Event::linked(&event.destinations, "possessing_party");
        let owning = Event::linked(&event.destinations, "owning_party");
        let transfer = match (possessing, owning) {
            (Some(_), Some(_)) => TransferKind::CustodyAndOwnership,
            (Some(_), None) => TransferKind::Custody,
            (None, Some(_)) => TransferKind::Ownership,
            (None, None) => {
                return self.refuse(
                    "destinationList",
                    Clause::SourceDestination,
                    "no destination says who receives",
                    "possessing_party takes custody, owning_party ownership",
                );
            }
        };
        let receiver = self.party(possessing.or(owning).unwrap_or_default(), "destinationList")?;
        if let (Some(one), Some(other)) = (possessing, owning)
            && self.party(one, "destinationList")? != self.party(other, "destinationList")?
        {
            let reason = "custody and ownership go to two members";
            return self.refuse(
                "destinationList",
                Clause::SourceDestination,
                reason,
                "send two events, one for each",
            );
        }
        let purpose = self.purpose()?;
        let mut lots = Vec::new();
        for thing in self.some_things(Clause::ObjectEvent)? {
            let mass = Some(self.taken_mass(thing)?);
            lots.push(ShippedLot {
                lot: Some(self.lot_ref(thing)?),
                mass,
                seals: texts(event.minerals.get("seal")),
            });
        }
        let modes = [
            ("road", TransportMode::Road),
            ("rail", TransportMode::Rail),
            ("sea", TransportMode::Sea),
            ("air", TransportMode::Air),
            ("inland_water", TransportMode::InlandWater),
        ];
        let location = |links, otherwise: &str| {
            let uri = Event::linked(links, "location").unwrap_or(otherwise);
            self.directory.place(uri).map(|place| place.id.clone()).unwrap_or_default()
        };
        let (from_facility, to_facility) =
            (location(&event.sources, &event.read_point), location(&event.destinations, ""));
        let mode = self.word("transportMode", &modes)?.unwrap_or(TransportMode::Unspecified);
        let carrier =
            self.term("carrier").and_then(|uri| self.directory.member(uri)).unwrap_or_default().to_owned();
        Ok(vec![Statement::Ship(Ship {
            lots,
            receiver,
            transfer: transfer.into(),
            purpose: purpose.into(),
            carrier,
            mode: mode.into(),
            permits: self.permits(),
            incoterm: self.term("incoterm").unwrap_or_default().to_owned(),
            from_facility,
            to_facility,
            expires_ms: 0,
        })])
    }

    fn purpose(&mut self) -> Result<ShipPurpose, Refusal> {
        let event = self.event;
        let sold = event.transactions.iter().any(|link| matches!(link.kind.as_str(), "po" | "poc" | "inv"));
        match (self.word("purpose", &PURPOSES)?, event.disposition.as_str()) {
            (Some(purpose), _) => Ok(purpose),
            (None, "returned") => Ok(ShipPurpose::Return),
            (None, "recalled") => Ok(ShipPurpose::Recall),
            (None, _) if sold => Ok(ShipPurpose::Sale),
            (None, _) if Event::linked(&event.destinations, "owning_party").is_some() => {
                self.lacks.push("the purpose of the shipment: ownership passes, so it counts as a sale".into());
                Ok(ShipPurpose::Sale)
            }
            _ => self.refuse(
                "mct:purpose",
                Clause::ObjectEvent,
                "nothing says why it is shipped",
                "a purchase order or an invoice in bizTransactionList, disposition returned, or mct:purpose sale, tolling, return or recall",
            ),
        }
    }

    fn party(&self, uri: &str, path: &str) -> Result<String, Refusal> {
        match self
            .directory
            .member(uri)
            .or_else(|| self.directory.place(uri).map(|place| place.owner.as_str()))
        {
            Some(member) => Ok(member.to_owned()),
            None => self.refuse(
                path,
                Clause::SourceDestination,
                format!("{} is no member of this ledger", quote(uri)),
                "a member is known by its GLN or URI in its identifiers",
            ),
        }
    }

    pub(super) fn accept(&mut self) -> Result<Vec<Statement>, Refusal> {
        let place = self.place()?;
        let states = [
            ("intact", SealState::Intact),
            ("broken", SealState::Broken),
            ("different", SealState::Different),
            ("absent", SealState::Absent),
        ];
        let seals = match self.word("sealState", &states)? {
            Some(state) => state,
            None => {
                self.lacks.push("a check of the seals".into());
                SealState::Unspecified
            }
        };
        let mut lots = Vec::new();
        for thing in self.some_things(Clause::ObjectEvent)? {
            let mass = Some(self.taken_mass(thing)?);
            lots.push(AcceptedLot { lot: Some(self.lot_ref(thing)?), mass, seals: seals.into() });
        }
        Ok(vec![Statement::Accept(Accept { offer: Vec::new(), lots, facility: place.id.clone() })])
    }

    pub(super) fn decline(&mut self) -> Result<Vec<Statement>, Refusal> {
        let lots = self.lot_refs()?;
        Ok(vec![Statement::Decline(Decline { offer: Vec::new(), lots, reason: self.reason() })])
    }

    pub(super) fn cancel(&mut self) -> Result<Vec<Statement>, Refusal> {
        let lots = self.lot_refs()?;
        Ok(vec![Statement::CancelShipment(CancelShipment { offer: Vec::new(), lots, reason: self.reason() })])
    }

    pub(super) fn lot_refs(&self) -> Result<Vec<LotRef>, Refusal> {
        self.some_things(Clause::ObjectEvent)?.iter().map(|thing| self.lot_ref(thing)).collect()
    }

    pub(super) fn reason(&self) -> String {
        self.term("reason").unwrap_or_default().to_owned()
    }
}
