//! From records to events: the standard's fields for everybody, the statement itself for this ledger.
//!
//! Each event says in EPCIS's words what they can say, and carries the record as `mct:statement` (and, where
//! there is one, the signed entry as `mct:signedRecord`), so that an import gives the same record again.

use base64ct::{Base64, Encoding};
use ore_record::{
    RecordId, SignedRecord, content, draft,
    units::{self, Unit},
    v1::{
        self, DisposeKind, Mass, MassBasis, NewLot, Record, SealAction, ShipPurpose, TransferKind,
        record::Event as Statement,
    },
};

use crate::{
    GS1_CONTEXT,
    context::Context,
    directory::Directory,
    event::MINERALS,
    hash::EventHash,
    json::{Object, Value},
    syntax::Instant,
};

/// The context of every document that is written here.
#[must_use]
pub fn context() -> Value {
    Value::List(vec![GS1_CONTEXT.into(), Object::new().with("mct", MINERALS).into()])
}

/// The hash of an event that is written here.
pub(crate) fn hash(event: &Object) -> EventHash {
    EventHash::of(event, &Context::of(&Object::new().with("@context", context())))
}

/// The beginning of a document, up to its events; [`TAIL`] ends it, commas stand between.
#[must_use]
pub fn head(id: &str, created: Instant) -> String {
    let head = Object::new()
        .with("@context", context())
        .with("id", id)
        .with("type", "EPCISDocument")
        .with("schemaVersion", "2.0")
        .with("creationDate", created.utc());
    let mut text = Value::Object(head).write();
    text.pop();
    text.push_str(EVENTS);
    text
}

/// Between the other names of a document, without its last brace, and its events.
pub const EVENTS: &str = ",\"epcisBody\":{\"eventList\":[";

/// The end of a document.
pub const TAIL: &str = "]}}";

/// A record as an event with its hash for an id; none if it is about the roster, not about lots.
#[must_use]
pub fn record(signed: &SignedRecord, withdrawn: Option<&Record>, directory: &Directory) -> Option<Object> {
    let mut plain = signed.record().clone();
    blank_envelope(&mut plain);
    let mut event = match (&plain.event, withdrawn) {
        (Some(Statement::Withdraw(withdraw)), Some(old)) => withdrawal(&plain, withdraw, old, directory)?,
        _ => body(&plain, directory)?,
    };
    event.set("mct:statement", statement(&plain));
    event.set("mct:signedRecord", Base64::encode_string(&signed.entry()));
    let id = hash(&event).uri();
    event.set("eventID", id);
    Some(event)
}

/// A record as an event without an id.
pub(crate) fn event(record: &Record, signed: Option<&SignedRecord>, directory: &Directory) -> Option<Object> {
    let mut event = body(record, directory)?;
    event.set("mct:statement", statement(record));
    if let Some(signed) = signed {
        event.set("mct:signedRecord", Base64::encode_string(&signed.entry()));
    }
    Some(event)
}

/// Takes away what a draft does not have: ledger, key, nonce, heads.
pub(crate) fn blank_envelope(record: &mut Record) {
    record.origin.clear();
    record.author_key.clear();
    record.nonce.clear();
    draft::heads_mut(record).into_iter().for_each(|lot| lot.head.clear());
}

/// The record in JSON, each name in the namespace of the extension. Time and offset are the event's, but for
/// a withdrawal, whose event is that of the withdrawn record.
fn statement(record: &Record) -> Value {
    let mut record = record.clone();
    if !matches!(record.event, Some(Statement::Withdraw(_))) {
        (record.event_time_ms, record.utc_offset_minutes) = (0, 0);
    }
    let json = ore_exchange::json::record_to_json(&record);
    qualified(Value::parse(&json).expect("written as JSON a line before"))
}

fn qualified(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut out = Object::new();
            object.iter().for_each(|(name, value)| out.set(&format!("mct:{name}"), qualified(value.clone())));
            out.into()
        }
        Value::List(items) => Value::List(items.into_iter().map(qualified).collect()),
        simple => simple,
    }
}

/// An event of the withdrawn record's form with an error declaration.
fn withdrawal(
    record: &Record,
    withdraw: &v1::Withdraw,
    old: &Record,
    directory: &Directory,
) -> Option<Object> {
    let mut old = old.clone();
    blank_envelope(&mut old);
    let mut event = body(&old, directory)?;
    let reason = match withdraw.reason() {
        v1::WithdrawReason::DidNotOccur => "did_not_occur",
        _ => "incorrect_data",
    };
    let time = Instant::from_ms(i64::try_from(record.event_time_ms).ok()?);
    let declaration = Object::new().with("declarationTime", time.utc()).with("reason", reason);
    event.set("errorDeclaration", declaration);
    Some(event)
}

struct Writer<'a> {
    event: Object,
    directory: &'a Directory,
}

/// What EPCIS's own words say of a record; none if it is about no lot.
pub(crate) fn body(record: &Record, directory: &Directory) -> Option<Object> {
    let kind = match record.event.as_ref()? {
        Statement::Transform(_) => "TransformationEvent",
        Statement::Seal(_) => "AssociationEvent",
        _ => "ObjectEvent",
    };
    let minutes = record.utc_offset_minutes;
    let sign = if minutes < 0 { '-' } else { '+' };
    let offset = format!("{sign}{:02}:{:02}", minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    let time = Instant::from_ms(i64::try_from(record.event_time_ms).ok()?);
    let event =
        Object::new().with("type", kind).with("eventTime", time.utc()).with("eventTimeZoneOffset", offset);
    let mut writer = Writer { event, directory };
    writer.statement(record)?;
    Some(writer.event)
}

impl Writer<'_> {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.event.set(name, value);
    }

    fn step(&mut self, action: &str, step: &str, disposition: &str) {
        self.set("action", action);
        self.set("bizStep", step);
        if !disposition.is_empty() {
            self.set("disposition", disposition);
        }
    }

    fn observed(&mut self, step: &str, disposition: &str, lots: Vec<Value>) {
        self.step("OBSERVE", step, disposition);
        self.set("quantityList", lots);
    }

    fn at(&mut self, facility: &str, stays: bool) {
        if !facility.is_empty() {
            let place = || Object::new().with("id", self.directory.place_uri(facility));
            let (read, stay) = (place(), place());
            self.event.set("readPoint", read);
            if stays {
                self.event.set("bizLocation", stay);
            }
        }
    }

    fn lot(&self, id: &str) -> Value {
        Object::new().with("epcClass", self.directory.lot_uri(id)).into()
    }

    fn lot_of(&self, lot: Option<&v1::LotRef>) -> Value {
        self.lot(lot.map_or("", |lot| &lot.lot))
    }

    fn weighed(&self, id: &str, mass: Option<&Mass>) -> Value {
        let mut element = Object::new().with("epcClass", self.directory.lot_uri(id));
        if let Some(mass) = mass {
            let mg = if mass.basis() == MassBasis::AsReceived { mass.wet_mg } else { mass.dry_mg };
            let unit = Unit::parse(&mass.unit).ok().filter(|unit| units::write(mg, *unit).exact);
            let unit = unit.unwrap_or(Unit::Kilogram);
            element.set("quantity", Value::Number(units::write(mg, unit).text));
            element.set("uom", unit.code());
        }
        element.into()
    }

    /// The arms follow the order of the proto.
    fn statement(&mut self, record: &Record) -> Option<()> {
        match record.event.as_ref()? {
            Statement::Commission(it) => {
                let lot = it.lot.as_ref()?;
                self.step("ADD", "commissioning", "active");
                let weighed = self.weighed(&lot.lot, lot.mass.as_ref());
                self.set("quantityList", vec![weighed]);
                self.at(&lot.facility, true);
                self.ilmd(&[lot]);
            }
            Statement::Transform(it) => self.transform(it),
            Statement::Ship(it) => self.ship(it, &record.author),
            Statement::Accept(it) => {
                let lots = it.lots.iter();
                let lots = lots
                    .map(|lot| self.weighed(lot.lot.as_ref().map_or("", |it| &it.lot), lot.mass.as_ref()));
                let lots = lots.collect();
                self.observed("receiving", "in_progress", lots);
                self.at(&it.facility, true);
            }
            Statement::Decline(it) => {
                let lots = it.lots.iter().map(|lot| self.lot(&lot.lot)).collect();
                self.observed("inspecting", "returned", lots);
            }
            Statement::CancelShipment(it) => {
                let lots = it.lots.iter().map(|lot| self.lot(&lot.lot)).collect();
                self.observed("void_shipping", "in_progress", lots);
            }
            Statement::Assay(it) => self.assay(it),
            Statement::Seal(it) => {
                let action = match it.action() {
                    SealAction::Applied => "ADD",
                    SealAction::Broken | SealAction::Voided => "DELETE",
                    SealAction::Checked | SealAction::Unspecified => "OBSERVE",
                };
                self.set("action", action);
                let lot = it.lot.as_ref().map_or("", |lot| &lot.lot);
                self.set("parentID", self.directory.lot_uri(lot));
                let seal = format!("{}/seals/{}", self.directory.lot_uri(lot), percent(&it.seal));
                self.set("childEPCs", vec![Value::from(seal)]);
            }
            Statement::Use(it) => {
                let weighed = self.weighed(it.item.as_ref().map_or("", |lot| &lot.lot), it.net_mass.as_ref());
                self.observed("other", "", vec![weighed]);
                self.at(&it.facility, true);
            }
            Statement::Stocktake(it) => {
                self.observed("stock_taking", "", Vec::new());
                self.event.remove("quantityList");
                self.set("epcList", Vec::new());
                self.at(&it.facility, true);
            }
            Statement::Hold(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("holding", "unavailable", vec![lot]);
            }
            Statement::Release(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("holding", "available", vec![lot]);
            }
            Statement::Recall(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("holding", "recalled", vec![lot]);
            }
            Statement::Dispose(it) => {
                let disposition = match it.kind() {
                    DisposeKind::Stolen => "stolen",
                    DisposeKind::Lost => "unknown",
                    DisposeKind::Destroyed => "destroyed",
                    _ => "disposed",
                };
                self.step("DELETE", "destroying", disposition);
                if it.kind() != DisposeKind::Destroyed {
                    self.set("bizStep", "decommissioning");
                }
                let weighed = self.weighed(it.lot.as_ref().map_or("", |lot| &lot.lot), it.mass.as_ref());
                self.set("quantityList", vec![weighed]);
            }
            Statement::Footprint(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("other", "", vec![lot]);
            }
            Statement::CreditDeposit(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("other", "", vec![lot]);
                self.at(&it.facility, false);
            }
            Statement::CreditClaim(it) => {
                let lot = self.lot_of(it.lot.as_ref());
                self.observed("other", "", vec![lot]);
                self.at(&it.facility, false);
            }
            Statement::Withdraw(_) | Statement::Erased(_) => {
                self.step("OBSERVE", "other", "");
                self.set("epcList", Vec::new());
            }
            _ => return None,
        }
        Some(())
    }

    fn transform(&mut self, it: &v1::Transform) {
        let inputs = it.inputs.iter();
        let inputs = inputs
            .map(|input| self.weighed(input.lot.as_ref().map_or("", |it| &it.lot), input.mass.as_ref()));
        let inputs: Vec<Value> = inputs.collect();
        let outputs: Vec<&NewLot> = it.outputs.iter().filter_map(|output| output.lot.as_ref()).collect();
        let weighed: Vec<Value> =
            outputs.iter().map(|lot| self.weighed(&lot.lot, lot.mass.as_ref())).collect();
        self.set("inputQuantityList", inputs);
        self.set("outputQuantityList", weighed);
        self.set("bizStep", "commissioning");
        self.set("disposition", "active");
        self.at(&it.facility, true);
        self.ilmd(&outputs);
    }

    fn ship(&mut self, it: &v1::Ship, author: &str) {
        let disposition = match it.purpose() {
            ShipPurpose::Return => "returned",
            ShipPurpose::Recall => "recalled",
            _ => "in_transit",
        };
        let lots = it.lots.iter();
        let lots = lots.map(|lot| self.weighed(lot.lot.as_ref().map_or("", |it| &it.lot), lot.mass.as_ref()));
        let lots = lots.collect();
        self.observed("shipping", disposition, lots);
        self.at(&it.from_facility, false);
        let kinds: &[&str] = match it.transfer() {
            TransferKind::Custody => &["possessing_party"],
            TransferKind::Ownership => &["owning_party"],
            _ => &["owning_party", "possessing_party"],
        };
        for (list, end, member, facility) in [
            ("sourceList", "source", author, &it.from_facility),
            ("destinationList", "destination", it.receiver.as_str(), &it.to_facility),
        ] {
            let party = self.directory.member_uri(member);
            let link = |kind: &str, uri: String| Value::from(Object::new().with("type", kind).with(end, uri));
            let mut links: Vec<Value> = kinds.iter().map(|kind| link(kind, party.clone())).collect();
            if !facility.is_empty() {
                links.push(link("location", self.directory.place_uri(facility)));
            }
            self.event.set(list, links);
        }
    }

    fn assay(&mut self, it: &v1::Assay) {
        let lot = self.lot_of(it.lot.as_ref());
        self.observed("sampling", "", vec![lot]);
        let composition = it.composition.as_ref();
        if let Some(laboratory) = composition.map(|it| &it.laboratory).filter(|it| !it.is_empty()) {
            let uri = self.directory.member_uri(laboratory);
            let place = Object::new().with("id", uri);
            self.set("readPoint", place);
        }
    }

    /// What is said of new lots, one term for all of them or a list.
    fn ilmd(&mut self, lots: &[&NewLot]) {
        let about = |lot: &NewLot| {
            let mut about = Object::new().with("mct:lot", self.directory.lot_uri(&lot.lot));
            let contents = lot.composition.iter().flat_map(|composition| &composition.contents);
            let contained: Vec<Value> = contents
                .map(|content| {
                    let (name, amount) = content::write(content);
                    Object::new().with("mct:substance", name).with("mct:amount", amount).into()
                })
                .collect();
            if !lot.form.is_empty() {
                about.set("mct:form", lot.form.as_str());
            }
            if !lot.origin_country.is_empty() {
                about.set("mct:originCountry", lot.origin_country.as_str());
            }
            if !contained.is_empty() {
                about.set("mct:content", contained);
            }
            Value::from(about)
        };
        let lots: Vec<Value> = lots.iter().map(|lot| about(lot)).collect();
        self.event.set("ilmd", Object::new().with("mct:lots", lots));
    }
}

/// What may not stand in a path, escaped.
fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The record that a Withdraw names, for [`record`].
#[must_use]
pub fn withdrawn_id(record: &Record) -> Option<RecordId> {
    match &record.event {
        Some(Statement::Withdraw(withdraw)) => RecordId::try_from(withdraw.record.as_slice()).ok(),
        _ => None,
    }
}
