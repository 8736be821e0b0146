//! One event with types: what happened to what, when, where and why.
//!
//! Made of a value that passed [`crate::check_event`]; GS1 keys are canonical, words bare.

use crate::{
    context::Context,
    digital_link,
    hash::EventHash,
    json::{Object, Value},
    refusal::{Clause, Refusal, quote},
    schema,
    syntax::{self, Instant},
};

/// The namespace of the minerals extension; `crates/epcis/README.md` lists its terms.
pub const MINERALS: &str = "https://example.com/ns/minerals-custody/1.0/";

/// Which of the five types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Something happened to objects.
    Object,
    /// Objects were put into a container, or taken out.
    Aggregation,
    /// Objects belong to a business transaction.
    Transaction,
    /// Objects became others.
    Transformation,
    /// Objects were attached to an object or a place.
    Association,
}

/// What the event says about the objects' existence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They come into being, or are put together.
    Add,
    /// They are there.
    Observe,
    /// They cease to be, or are taken apart.
    Delete,
}

/// So much of a class of objects, or one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// Canonical where it is a GS1 key.
    pub uri: String,
    /// The number, digit for digit; none for a single object.
    pub quantity: Option<String>,
    /// UN/ECE Recommendation 20; none: pieces.
    pub unit: Option<String>,
    /// Where it stands, for messages.
    pub path: String,
}

/// Something that is linked by a word of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The word; empty if none.
    pub kind: String,
    /// Canonical where it is a GS1 key.
    pub uri: String,
}

/// An event declared wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDeclaration {
    /// When it was declared.
    pub time: Instant,
    /// The word; empty if none.
    pub reason: String,
    /// Events that say it right.
    pub corrective: Vec<String>,
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its hash, by which it is the same event wherever it stands.
    pub hash: EventHash,
    /// `eventID`; empty if none.
    pub id: String,
    /// Its type.
    pub kind: EventKind,
    /// When.
    pub time: Instant,
    /// Minutes east of UTC at its place.
    pub offset_minutes: i32,
    /// None in a transformation.
    pub action: Option<Action>,
    /// Objects, children or inputs.
    pub things: Vec<Thing>,
    /// Outputs of a transformation.
    pub outputs: Vec<Thing>,
    /// Container, or what children are attached to; empty if none.
    pub parent: String,
    /// Empty if none.
    pub transformation_id: String,
    /// Empty if none.
    pub biz_step: String,
    /// Empty if none.
    pub disposition: String,
    /// Persistent dispositions set and unset.
    pub persistent: (Vec<String>, Vec<String>),
    /// Empty if none.
    pub read_point: String,
    /// Empty if none.
    pub biz_location: String,
    /// Business transactions.
    pub transactions: Vec<Link>,
    /// Sources.
    pub sources: Vec<Link>,
    /// Destinations.
    pub destinations: Vec<Link>,
    /// Declared wrong.
    pub error: Option<ErrorDeclaration>,
    /// Sensor elements as they stand.
    pub sensors: Vec<Value>,
    /// Terms of the minerals extension of the event and of its `ilmd`, by their local names.
    pub minerals: Object,
}

impl Event {
    /// Reads an event.
    ///
    /// # Errors
    /// Every fault against the schema, up to 16; a type that is somebody else's; a wrong check digit.
    pub fn read(value: &Value, context: &Context) -> Result<Self, Vec<Refusal>> {
        schema::check_event(value, false)?;
        let Some(event) = value.as_object() else {
            return Err(vec![Refusal::new("", Clause::Event, "an event is an object", "")]);
        };
        let context = &context.and(event);
        Self::from_object(event, context).map_err(|refusal| vec![refusal])
    }

    fn from_object(event: &Object, context: &Context) -> Result<Self, Refusal> {
        let kind = kind_of(event)?;
        let text = |name: &str| event.text(name).unwrap_or_default().to_owned();
        let uri = |name: &str| canonical(name, event.text(name).unwrap_or_default());
        let place = |name: &str| {
            let id = event.get(name).and_then(Value::as_object).and_then(|place| place.text("id"));
            canonical(name, id.unwrap_or_default())
        };
        let (inputs, outputs): (&[&str], &[&str]) = match kind {
            EventKind::Object | EventKind::Transaction => (&["epcList", "quantityList"], &[]),
            EventKind::Aggregation | EventKind::Association => (&["childEPCs", "childQuantityList"], &[]),
            EventKind::Transformation => {
                (&["inputEPCList", "inputQuantityList"], &["outputEPCList", "outputQuantityList"])
            }
        };
        let mut minerals = Object::new();
        let ilmd = event.get("ilmd").and_then(Value::as_object);
        for (name, value) in event.iter().chain(ilmd.into_iter().flat_map(Object::iter)) {
            if let Some((MINERALS, local)) = context.split(name) {
                minerals.set(local, local_names(value, context));
            }
        }
        let sides = event.get("persistentDisposition").and_then(Value::as_object);
        let side = |name: &str| sides.and_then(|sides| sides.get(name)).map(texts).unwrap_or_default();
        Ok(Self {
            hash: EventHash::of(event, context),
            id: text("eventID"),
            kind,
            time: event.text("eventTime").and_then(syntax::instant).ok_or_else(|| bad_time("eventTime"))?,
            offset_minutes: event.text("eventTimeZoneOffset").and_then(syntax::offset_minutes).unwrap_or(0),
            action: match event.text("action") {
                Some("ADD") => Some(Action::Add),
                Some("OBSERVE") => Some(Action::Observe),
                Some("DELETE") => Some(Action::Delete),
                _ => None,
            },
            things: things(event, inputs)?,
            outputs: things(event, outputs)?,
            parent: uri("parentID")?,
            transformation_id: text("transformationID"),
            biz_step: text("bizStep"),
            disposition: text("disposition"),
            persistent: (side("set"), side("unset")),
            read_point: place("readPoint")?,
            biz_location: place("bizLocation")?,
            transactions: links(event, "bizTransactionList", "bizTransaction")?,
            sources: links(event, "sourceList", "source")?,
            destinations: links(event, "destinationList", "destination")?,
            error: event.get("errorDeclaration").and_then(Value::as_object).map(error).transpose()?,
            sensors: event.get("sensorElementList").and_then(Value::as_list).unwrap_or_default().to_vec(),
            minerals,
        })
    }

    /// The link of a kind.
    pub(crate) fn linked<'a>(links: &'a [Link], kind: &str) -> Option<&'a str> {
        links.iter().find(|link| link.kind == kind).map(|link| link.uri.as_str())
    }

    /// Every URI that names a lot which must be there already; not those that come into being.
    pub fn lots(&self) -> impl Iterator<Item = &str> {
        let made = self.kind == EventKind::Object && self.action == Some(Action::Add);
        let things = self.things.iter().filter(move |_| !made).map(|thing| thing.uri.as_str());
        let parent = Some(self.parent.as_str()).filter(|_| self.kind == EventKind::Association);
        things.chain(parent).filter(|uri| !uri.is_empty())
    }
}

fn kind_of(event: &Object) -> Result<EventKind, Refusal> {
    match event.text("type").unwrap_or_default() {
        "ObjectEvent" => Ok(EventKind::Object),
        "AggregationEvent" => Ok(EventKind::Aggregation),
        "TransactionEvent" => Ok(EventKind::Transaction),
        "TransformationEvent" => Ok(EventKind::Transformation),
        "AssociationEvent" => Ok(EventKind::Association),
        other => {
            let reason = format!("{} is a type of event that this ledger has no record for", quote(other));
            Err(Refusal::new(
                "type",
                Clause::Event,
                reason,
                "say it with one of the five types of the standard",
            ))
        }
    }
}

fn bad_time(path: &str) -> Refusal {
    Refusal::new(path, Clause::When, "is no time", "")
}

/// A URI in the one spelling that counts; a GS1 key with a wrong check digit is none.
fn canonical(path: &str, uri: &str) -> Result<String, Refusal> {
    let Some(link) = digital_link::canonical(uri) else { return Ok(uri.to_owned()) };
    if let Some((has, right)) = digital_link::wrong_check_digit(&link) {
        let reason = format!("{} ends in check digit {has}, which should be {right}", quote(uri));
        return Err(Refusal::new(path, Clause::CheckDigit, reason, "correct the key"));
    }
    Ok(link)
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_list().unwrap_or_else(|| std::slice::from_ref(value));
    items.iter().filter_map(Value::as_text).map(str::to_owned).collect()
}

fn things(event: &Object, names: &[&str]) -> Result<Vec<Thing>, Refusal> {
    let mut things = Vec::new();
    for name in names {
        for (at, item) in event.get(name).and_then(Value::as_list).unwrap_or_default().iter().enumerate() {
            let path = format!("{name}[{at}]");
            let thing = match item {
                Value::Text(uri) => {
                    Thing { uri: canonical(&path, uri)?, quantity: None, unit: None, path: path.clone() }
                }
                Value::Object(element) => Thing {
                    uri: canonical(&path, element.text("epcClass").unwrap_or_default())?,
                    quantity: match element.get("quantity") {
                        Some(Value::Number(digits)) => Some(digits.clone()),
                        _ => None,
                    },
                    unit: element.text("uom").map(str::to_owned),
                    path: path.clone(),
                },
                _ => continue,
            };
            things.push(thing);
        }
    }
    Ok(things)
}

fn links(event: &Object, list: &str, end: &str) -> Result<Vec<Link>, Refusal> {
    let items = event.get(list).and_then(Value::as_list).unwrap_or_default();
    let link = |(at, item): (usize, &Value)| {
        let item = item.as_object()?;
        let uri = canonical(&format!("{list}[{at}]"), item.text(end).unwrap_or_default());
        Some(uri.map(|uri| Link { kind: item.text("type").unwrap_or_default().to_owned(), uri }))
    };
    items.iter().enumerate().filter_map(link).collect()
}

fn error(declaration: &Object) -> Result<ErrorDeclaration, Refusal> {
    let time = declaration.text("declarationTime").and_then(syntax::instant);
    Ok(ErrorDeclaration {
        time: time.ok_or_else(|| bad_time("errorDeclaration.declarationTime"))?,
        reason: declaration.text("reason").unwrap_or_default().to_owned(),
        corrective: declaration.get("correctiveEventIDs").map(texts).unwrap_or_default(),
    })
}

/// A value of the extension with local names throughout.
fn local_names(value: &Value, context: &Context) -> Value {
    match value {
        Value::Object(object) => {
            let mut local = Object::new();
            for (name, value) in object.iter() {
                let name = match context.split(name) {
                    Some((MINERALS, name)) => name,
                    _ => name,
                };
                local.set(name, local_names(value, context));
            }
            Value::Object(local)
        }
        Value::List(items) => Value::List(items.iter().map(|item| local_names(item, context)).collect()),
        simple => simple.clone(),
    }
}
