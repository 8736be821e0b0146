//! Digital Traceability Events: what happened to one lot, from the records that say so.
//!
//! | Record | Event |
//! | --- | --- |
//! | Commission, Transform | MakeEvent |
//! | Ship with the Accept that answers it | MoveEvent |
//! | Use, Dispose | ModifyEvent |
//!
//! The words are those of the 0.7.0 schema (`consignor`, `inTransit`), which differ from the specification's
//! text. Other records have no event in UNTP and are left out.

use ore_record::{
    RecordId,
    v1::{
        Commission, Dispose, Facility, Mass, Member, NewLot, OutputRole, Record, Ship, Transform, Use,
        record::Event,
    },
};
use serde_json::{Value, json};

use crate::{
    number::kilograms,
    passport::words,
    place::Place,
    shape::{self, Issue, Link, measure},
    time::rfc3339,
};

/// Who and where, by id. What is not known is named by its id alone.
pub trait Directory {
    /// A member.
    fn member(&self, id: &str) -> Option<&Member>;
    /// A facility.
    fn facility(&self, id: &str) -> Option<&Facility>;
    /// A lot, as the record that made it states it.
    fn lot(&self, id: &str) -> Option<&NewLot>;
}

/// A record in the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The record.
    pub record: &'a Record,
    /// Its id.
    pub id: RecordId,
}

/// The unsigned credential with every event of a lot that UNTP has a word for; none when there is none.
/// `records` are the lot's, in order of the log.
#[must_use]
pub fn events(
    issue: &Issue<'_>,
    lot: &str,
    records: &[Told<'_>],
    directory: &dyn Directory,
    evidence: impl Fn(&RecordId) -> Vec<Link>,
) -> Option<Value> {
    let desk = Desk { place: issue.place, directory };
    let mut events = Vec::new();
    let mut offered: Option<Told<'_>> = None;
    for told in records {
        let event = match &told.record.event {
            Some(Event::Commission(commission)) => Some(desk.commissioned(told, commission)),
            Some(Event::Transform(transform)) => Some(desk.made(told, transform)),
            Some(Event::Ship(_)) => {
                offered = Some(*told);
                None
            }
            Some(Event::Accept(accept)) => offered
                .take()
                .filter(|offer| accept.offer[..] == offer.id.as_bytes()[..])
                .and_then(|offer| desk.moved(lot, &offer, told, &accept.facility)),
            Some(Event::Use(used)) => Some(desk.used(told, used)),
            Some(Event::Dispose(disposed)) => Some(desk.disposed(told, disposed)),
            _ => None,
        };
        if let Some(mut event) = event {
            let links: Vec<Value> = evidence(&told.id).iter().map(Link::json).collect();
            if !links.is_empty() {
                event["relatedDocument"] = links.into();
            }
            events.push(event);
        }
    }
    if events.is_empty() {
        return None;
    }
    let number = lot.split_once('/').map_or(lot, |(_, number)| number);
    let id = format!("{}/events", issue.place.lot(lot));
    let name = format!("Traceability events - {number}");
    Some(shape::credential(issue, "DigitalTraceabilityEvent", id, name, events.into()))
}

struct Desk<'a> {
    place: &'a Place,
    directory: &'a dyn Directory,
}

impl Desk<'_> {
    fn commissioned(&self, told: &Told<'_>, commission: &Commission) -> Value {
        let lot = commission.lot.clone().unwrap_or_default();
        let how = words(commission.kind().as_str_name(), "COMMISSION_KIND_");
        let mut event = self.event(told, "MakeEvent", &format!("{}: {how}", name_of(&lot)), "commissioning");
        // A mined lot is made of nothing that is on the ledger.
        event["inputProduct"] = json!([]);
        event["outputProduct"] = json!([self.product(&lot.lot, Some(&lot), lot.mass.as_ref(), "new")]);
        event["madeAtFacility"] = self.facility(&lot.facility);
        event
    }

    fn made(&self, told: &Told<'_>, transform: &Transform) -> Value {
        let process = words(transform.process().as_str_name(), "PROCESS_");
        let mut event = self.event(told, "MakeEvent", &process, "commissioning");
        let input = |input: &ore_record::v1::TransformInput| {
            let id = input.lot.as_ref().map_or("", |lot| lot.lot.as_str());
            self.product(id, None, input.mass.as_ref(), "consumed")
        };
        let output = |output: &ore_record::v1::TransformOutput| {
            let lot = output.lot.clone().unwrap_or_default();
            let disposition = if output.role() == OutputRole::Residue { "active" } else { "new" };
            self.product(&lot.lot, Some(&lot), lot.mass.as_ref(), disposition)
        };
        event["inputProduct"] = transform.inputs.iter().map(input).collect();
        event["outputProduct"] = transform.outputs.iter().map(output).collect();
        event["madeAtFacility"] = self.facility(&transform.facility);
        event
    }

    fn moved(&self, lot: &str, offer: &Told<'_>, answer: &Told<'_>, to: &str) -> Option<Value> {
        let Some(Event::Ship(ship)) = &offer.record.event else { return None };
        let shipped = shipped_of(ship, lot)?;
        let mut event = self.event(answer, "MoveEvent", "Delivery", "receiving");
        event["movedProduct"] = json!([self.product(lot, None, shipped.mass.as_ref(), "active")]);
        event["fromFacility"] = self.facility(&ship.from_facility);
        event["toFacility"] = self.facility(to);
        event["consignmentId"] = self.place.receipt(&offer.id.to_string()).into();
        let mut parties = vec![
            self.party("consignor", &offer.record.author),
            self.party("consignee", &answer.record.author),
        ];
        if !ship.carrier.is_empty() {
            parties.push(self.party("carrier", &ship.carrier));
        }
        event["relatedParty"] = parties.into();
        Some(event)
    }

    fn used(&self, told: &Told<'_>, used: &Use) -> Value {
        let id = used.item.as_ref().map_or("", |item| item.lot.as_str());
        let mut event = self.event(told, "ModifyEvent", "Net mass after use", "other");
        event["modifiedProduct"] = json!([self.product(id, None, used.net_mass.as_ref(), "active")]);
        event["modifiedAtFacility"] = self.facility(&used.facility);
        event
    }

    fn disposed(&self, told: &Told<'_>, disposed: &Dispose) -> Value {
        let id = disposed.lot.as_ref().map_or("", |lot| lot.lot.as_str());
        let how = words(disposed.kind().as_str_name(), "DISPOSE_KIND_");
        let mut event = self.event(told, "ModifyEvent", &how, "destroying");
        event["modifiedProduct"] = json!([self.product(id, None, disposed.mass.as_ref(), "disposed")]);
        let facility = self.directory.lot(id).map_or("", |lot| lot.facility.as_str());
        event["modifiedAtFacility"] = self.facility(facility);
        event
    }

    fn event(&self, told: &Told<'_>, kind: &str, name: &str, step: &str) -> Value {
        json!({
            "type": [kind, "LifecycleEvent"],
            "id": self.place.receipt(&told.id.to_string()),
            "name": name,
            "eventDate": rfc3339(told.record.event_time_ms),
            "activityType": {
                "code": step,
                "name": capital(step),
                "schemeId": "https://ref.gs1.org/cbv/BizStep",
                "schemeName": "GS1 CBV Business Step",
            },
            "relatedParty": [self.party("operator", &told.record.author)],
        })
    }

    fn product(&self, id: &str, lot: Option<&NewLot>, mass: Option<&Mass>, disposition: &str) -> Value {
        let lot = lot.or_else(|| self.directory.lot(id));
        let number = id.split_once('/').map_or(id, |(_, number)| number);
        let mut product = json!({
            "type": ["Product"],
            "id": self.place.lot(id),
            "name": lot.map_or_else(|| number.to_owned(), name_of),
        });
        match lot.filter(|lot| !lot.serial.is_empty()) {
            Some(lot) => {
                product["idGranularity"] = "item".into();
                product["itemNumber"] = lot.serial.as_str().into();
            }
            None => {
                product["idGranularity"] = "batch".into();
                product["batchNumber"] = number.into();
            }
        }
        let mut event = json!({ "product": product, "disposition": disposition });
        if let Some(mass) = mass {
            event["quantity"] = measure(kilograms(mass.dry_mg), "KGM", None, None);
        }
        event
    }

    fn facility(&self, id: &str) -> Value {
        let unknown = || Facility {
            id: if id.is_empty() { "not-stated" } else { id }.to_owned(),
            ..Facility::default()
        };
        let mut facility = self.directory.facility(id).map_or_else(
            || shape::facility(self.place, &unknown()),
            |known| shape::facility(self.place, known),
        );
        if let Some(facility) = facility.as_object_mut() {
            facility.remove("registeredId");
        }
        facility
    }

    fn party(&self, role: &str, id: &str) -> Value {
        let unknown = || Member { id: id.to_owned(), legal_name: id.to_owned(), ..Member::default() };
        self.directory.member(id).map_or_else(
            || shape::party_role(self.place, role, &unknown()),
            |member| shape::party_role(self.place, role, member),
        )
    }
}

fn shipped_of<'a>(ship: &'a Ship, lot: &str) -> Option<&'a ore_record::v1::ShippedLot> {
    ship.lots.iter().find(|shipped| shipped.lot.as_ref().is_some_and(|it| it.lot == lot))
}

fn name_of(lot: &NewLot) -> String {
    if lot.form.is_empty() {
        words(lot.material().as_str_name(), "MATERIAL_CLASS_")
    } else {
        lot.form.clone()
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
