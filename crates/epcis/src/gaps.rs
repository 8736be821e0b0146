//! What a document leaves out: events that must have happened before one of its own, drafted as far as it tells.
//!
//! A lot is followed from event to event: who has it, where, and what is left of it. Where the next event needs it in
//! other hands, the hand-over between is drafted with its parties, places and quantity; what nobody has said, such as
//! when it was, stays empty. A drafted event says in `mct:missing` what is to be filled in, and is refused by the
//! importer until that is done and taken away, so that nothing drafted here is ever stated unread.

use std::collections::HashSet;

use ore_record::{
    draft, mass,
    units::{self, Unit},
    v1::{
        Accept, AcceptedLot, CommissionKind, LotRef, Mass, NewLot, Record, Ship, ShippedLot, TransferKind,
        Use, record::Event as Statement,
    },
};

use crate::{
    directory::{Directory, KnownLot},
    event::Event,
    export,
    json::{Object, Value},
    map::{Draft, inchi_key},
    refusal::Refusal,
};

/// The term that marks an event as a draft.
pub const MISSING: &str = "missing";

/// An event with what comes before and after it.
#[derive(Clone, Debug, Default)]
pub struct Completed {
    /// In their order; the event itself is among them.
    pub events: Vec<Object>,
    /// What is to be done, for people.
    pub asked: Vec<String>,
    /// Whether something in the event itself is to be filled in.
    pub amended: bool,
}

/// An event that is not as the standard asks, to be corrected.
#[must_use]
pub fn faulty(original: &Object, fault: &Refusal) -> Completed {
    let asked = format!("{fault}; {}", fault.hint);
    let events = vec![marked(original.clone(), vec![asked.clone()])];
    Completed { events, asked: vec![asked], amended: true }
}

/// Drafts what is missing in one document.
#[derive(Debug, Default)]
pub struct Drafting {
    /// Lots that nothing brings into being: it is drafted once, where the first event names one.
    commissioned: HashSet<String>,
}

impl Drafting {
    /// Drafts what is missing around the next event, and goes on as if it had been filled in.
    ///
    /// `original` is the event as it stands, `mapped` what the importer makes of it; lots that the ledger knows are in
    /// the directory.
    pub fn complete(
        &mut self,
        event: &Event,
        original: &Object,
        mapped: &Result<Vec<Draft>, Refusal>,
        directory: &mut Directory,
    ) -> Completed {
        let commissioned = &mut self.commissioned;
        let mut gaps =
            Gaps { directory, commissioned, done: Completed::default(), own: Vec::new(), after: Vec::new() };
        let mut amended = original.clone();
        match mapped {
            Ok(drafts) => {
                for draft in drafts {
                    gaps.before(&draft.record, &mut amended);
                    gaps.directory.follow(&draft.record);
                    gaps.measure(&draft.record);
                }
            }
            Err(refusal) => {
                gaps.unknown(event);
                gaps.own.push(format!("{refusal}; {}", refusal.hint));
            }
        }
        let Gaps { mut done, own, after, .. } = gaps;
        if own.is_empty() {
            done.events.push(original.clone());
        } else {
            // Its hash is another one then.
            amended.remove("eventID");
            done.asked.extend(own.iter().cloned());
            done.amended = true;
            done.events.push(marked(amended, own));
        }
        done.events.extend(after);
        done
    }

    /// Lots that are remembered here, which the directory does not have.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.commissioned.len()
    }
}

/// What is missing around one event.
struct Gaps<'a> {
    directory: &'a mut Directory,
    commissioned: &'a mut HashSet<String>,
    done: Completed,
    /// What is missing in the event itself.
    own: Vec<String>,
    after: Vec<Object>,
}

impl Gaps<'_> {
    /// What must have happened before a statement, for each lot that it needs.
    fn before(&mut self, record: &Record, amended: &mut Object) {
        let author = &record.author;
        match &record.event {
            Some(Statement::Commission(it)) => {
                let lot = it.lot.as_ref();
                if it.kind() == CommissionKind::Extracted && lot.is_some_and(|lot| lot.tags.is_empty()) {
                    let mut ilmd =
                        amended.get("ilmd").and_then(Value::as_object).cloned().unwrap_or_default();
                    ilmd.set("mct:tag", "");
                    amended.set("ilmd", ilmd);
                    self.own.push("mct:tag in the ilmd: a mined lot bears one".to_owned());
                }
            }
            Some(Statement::Transform(it)) => {
                for input in &it.inputs {
                    self.hand_over(input.lot.as_ref(), author, &it.facility, false);
                    self.enough(input.lot.as_ref(), input.mass.as_ref());
                }
            }
            Some(Statement::Ship(it)) => {
                // Whoever passes ownership on had it.
                let owns = it.transfer() != TransferKind::Custody;
                for lot in &it.lots {
                    self.hand_over(lot.lot.as_ref(), author, &it.from_facility, owns);
                    self.used(lot.lot.as_ref(), lot.mass.as_ref(), author);
                    self.enough(lot.lot.as_ref(), lot.mass.as_ref());
                }
            }
            Some(Statement::Accept(it)) => {
                for lot in &it.lots {
                    let known = self.known(lot.lot.as_ref());
                    if let Some((id, known)) = known.filter(|(_, known)| known.offered_to != *author) {
                        self.ship(&id, &known, author, &it.facility, false);
                    }
                }
            }
            Some(Statement::Use(it)) => self.hand_over(it.item.as_ref(), author, &it.facility, false),
            Some(Statement::Dispose(it)) => {
                self.hand_over(it.lot.as_ref(), author, "", false);
                self.enough(it.lot.as_ref(), it.mass.as_ref());
            }
            _ => {}
        }
    }

    fn known(&self, lot: Option<&LotRef>) -> Option<(String, KnownLot)> {
        let id = &lot?.lot;
        let known = self.directory.lot(&self.directory.lot_uri(id))?;
        Some((id.clone(), known.clone()))
    }

    /// A lot that somebody else has was shipped and received before; `owns`: with its ownership.
    fn hand_over(&mut self, lot: Option<&LotRef>, author: &str, facility: &str, owns: bool) {
        let Some((id, known)) = self.known(lot) else { return };
        if known.custodian.is_empty() || known.custodian == author {
            return;
        }
        if known.offered_to != author {
            self.ship(&id, &known, author, facility, owns);
        }
        let accepted =
            AcceptedLot { lot: Some(draft::lot(&id)), mass: left(&known), ..AcceptedLot::default() };
        let accept = Accept { lots: vec![accepted], facility: facility.to_owned(), ..Accept::default() };
        self.draft(author, Statement::Accept(accept), &format!("{author} received {id}"), &[]);
    }

    fn ship(&mut self, id: &str, known: &KnownLot, receiver: &str, to: &str, owns: bool) {
        let transfer = if owns { TransferKind::CustodyAndOwnership } else { TransferKind::Custody };
        let shipped = ShippedLot { lot: Some(draft::lot(id)), mass: left(known), ..ShippedLot::default() };
        let ship = Ship {
            lots: vec![shipped],
            receiver: receiver.to_owned(),
            transfer: transfer.into(),
            from_facility: known.facility.clone(),
            to_facility: to.to_owned(),
            ..Ship::default()
        };
        let mut asked = vec!["mct:purpose: sale, tolling, return or recall"];
        if !owns {
            asked.push("owning_party in both lists, if ownership passed too");
        }
        let told = format!("{} shipped {id} to {receiver}", known.custodian);
        self.draft(&known.custodian, Statement::Ship(ship), &told, &asked);
    }

    /// A single piece that weighs less than it did was used in between.
    fn used(&mut self, lot: Option<&LotRef>, mass: Option<&Mass>, author: &str) {
        let Some((id, known)) = self.known(lot) else { return };
        let Some(mass) =
            mass.filter(|mass| u128::from(mass.dry_mg) * 100 < u128::from(known.remaining_mg) * 95)
        else {
            return;
        };
        if self.directory.lot_uri(&id).contains("/21/") {
            let used = Use {
                item: Some(draft::lot(&id)),
                net_mass: Some(mass.clone()),
                facility: known.facility.clone(),
            };
            self.draft(author, Statement::Use(used), &format!("{author} used {id} down to this mass"), &[]);
        }
    }

    /// What is taken is there.
    fn enough(&mut self, lot: Option<&LotRef>, mass: Option<&Mass>) {
        let (Some((id, known)), Some(taken)) = (self.known(lot), mass) else { return };
        if taken.dry_mg <= known.remaining_mg {
            return;
        }
        let there = left(&known).map_or_else(String::new, |there| mass::write(&there));
        self.own.push(format!(
            "{} are taken of {id}, of which {there} are there: correct this quantity, or the one before that says \
             so (and take its eventID away)",
            mass::write(taken)
        ));
    }

    /// Lots that nothing brings into being.
    fn unknown(&mut self, event: &Event) {
        for thing in &event.things {
            let unknown =
                self.directory.lot(&thing.uri).is_none() && event.lots().any(|uri| uri == thing.uri);
            if !unknown || !self.commissioned.insert(thing.uri.clone()) {
                continue;
            }
            let quantity = match (&thing.quantity, &thing.unit) {
                (Some(quantity), Some(unit)) => Object::new()
                    .with("epcClass", thing.uri.as_str())
                    .with("quantity", Value::Number(quantity.clone()))
                    .with("uom", unit.as_str()),
                _ => Object::new().with("epcClass", thing.uri.as_str()),
            };
            let nowhere = || Object::new().with("id", "");
            let drafted = Object::new()
                .with("type", "ObjectEvent")
                .with("action", "ADD")
                .with("bizStep", "commissioning")
                .with("quantityList", vec![Value::from(quantity)])
                .with("readPoint", nowhere())
                .with("bizLocation", nowhere());
            let asked = ["where it came into being, with its mass and what ilmd says of it"];
            self.push(drafted, &format!("{} was commissioned", thing.uri), &asked);
        }
    }

    /// Lots that were made and not measured.
    fn measure(&mut self, record: &Record) {
        for lot in draft::new_lots(record) {
            if lot.composition.is_none() && lot.material() != ore_record::v1::MaterialClass::Residue {
                let drafted = self.sampling(lot);
                self.after.push(drafted);
            }
        }
    }

    fn sampling(&mut self, lot: &NewLot) -> Object {
        let uri = self.directory.lot_uri(&lot.lot);
        let elements = self.directory.lot(&uri).map(|known| known.elements.clone()).unwrap_or_default();
        let report = |substance: String| {
            let report = Object::new().with("type", "Dimensionless").with("chemicalSubstance", substance);
            Value::from(report.with("value", Value::Null).with("uom", "P1"))
        };
        let known = elements.iter().filter_map(|element| inchi_key(*element));
        let mut reports: Vec<Value> =
            known.map(|key| report(format!("https://identifiers.org/inchikey:{key}"))).collect();
        if reports.is_empty() {
            reports.push(report(String::new()));
        }
        let sensor = Object::new()
            .with("sensorMetadata", Object::new().with("dataProcessingMethod", ""))
            .with("sensorReport", reports);
        let drafted = Object::new()
            .with("type", "ObjectEvent")
            .with("action", "OBSERVE")
            .with("bizStep", "sampling")
            .with("quantityList", vec![Value::from(Object::new().with("epcClass", uri))])
            .with("readPoint", Object::new().with("id", ""))
            .with("mct:stage", "")
            .with("sensorElementList", vec![Value::from(sensor)]);
        let told = format!("{} was measured; if it was not, take this event away", lot.lot);
        self.timed(
            drafted,
            &told,
            &[
                "readPoint: the laboratory's place",
                "value and dataProcessingMethod",
                "mct:stage: final or umpire makes it the composition of the lot",
            ],
        )
    }

    /// Drafts the event of a statement, and goes on as if it had happened.
    fn draft(&mut self, author: &str, statement: Statement, told: &str, asked: &[&str]) {
        let record = Record { author: author.to_owned(), event: Some(statement), ..Record::default() };
        if let Some(mut event) = export::body(&record, self.directory) {
            match &record.event {
                Some(Statement::Ship(_)) => event.set("mct:purpose", ""),
                Some(Statement::Use(it)) => {
                    let net_mg = it.net_mass.as_ref().map_or(0, |mass| mass.dry_mg);
                    event.set("mct:netMass", units::write(net_mg, Unit::Kilogram).text);
                }
                _ => {}
            }
            self.push(event, told, asked);
        }
        self.directory.follow(&record);
    }

    fn push(&mut self, event: Object, told: &str, asked: &[&str]) {
        let drafted = self.timed(event, told, asked);
        self.done.events.push(drafted);
    }

    /// With empty times, for nobody has said when it was.
    fn timed(&mut self, mut event: Object, told: &str, asked: &[&str]) -> Object {
        event.set("eventTime", "");
        event.set("eventTimeZoneOffset", "");
        let all = [told, "eventTime and eventTimeZoneOffset"].into_iter().chain(asked.iter().copied());
        let all = all.map(str::to_owned).collect();
        self.done.asked.push(told.to_owned());
        marked(event, all)
    }
}

/// An event that is not to be taken before these are done.
fn marked(event: Object, asked: Vec<String>) -> Object {
    let asked: Vec<Value> = asked.into_iter().map(Value::from).collect();
    event.with(&format!("mct:{MISSING}"), asked)
}

/// All that is left of a lot, as it was weighed when it was made.
fn left(known: &KnownLot) -> Option<Mass> {
    if known.moisture_ppm == 0 {
        return mass::dry(known.remaining_mg, Unit::Kilogram).ok();
    }
    let solid_ppm = 1_000_000_u64.checked_sub(known.moisture_ppm.into()).filter(|ppm| *ppm > 0)?;
    let wet_mg = u128::from(known.remaining_mg) * 1_000_000 / u128::from(solid_ppm);
    mass::as_received(u64::try_from(wet_mg).ok()?, known.moisture_ppm, Unit::Kilogram).ok()
}
