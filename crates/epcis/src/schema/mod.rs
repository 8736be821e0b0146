//! What GS1's JSON schema of EPCIS 2.0 demands, with formats asserted, and the clause behind each demand.
//!
//! Written by hand so that a refusal says what the standard says; the tests hold it against the schema
//! itself, judged by a validator that is not ours, over every sample and thousands of mutations.

mod event;
mod values;

use crate::{
    json::{Object, Value},
    refusal::{Clause, Refusal, quote},
    syntax,
};

/// Most faults that are reported of one event or head.
const MOST_FAULTS: usize = 16;

/// The types of event of the standard.
pub(crate) const EVENT_TYPES: [&str; 5] =
    ["ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent"];

/// Collects what is wrong, with its place.
pub(crate) struct Faults {
    path: Vec<String>,
    found: Vec<Refusal>,
}

impl Faults {
    pub(crate) const fn new() -> Self {
        Self { path: Vec::new(), found: Vec::new() }
    }

    fn add(&mut self, clause: Clause, reason: impl Into<String>, hint: impl Into<String>) {
        if self.found.len() < MOST_FAULTS {
            let path = self.path.join(".").replace(".[", "[");
            self.found.push(Refusal::new(path, clause, reason, hint));
        }
    }

    /// Looks at something further in.
    fn at(&mut self, step: impl Into<String>, look: impl FnOnce(&mut Self)) {
        self.path.push(step.into());
        look(self);
        self.path.pop();
    }

    fn field(&mut self, object: &Object, name: &str, look: impl FnOnce(&mut Self, &Value)) {
        if let Some(value) = object.get(name) {
            self.at(name, |faults| look(faults, value));
        }
    }

    fn required(&mut self, object: &Object, names: &[&str], clause: Clause) {
        for name in names {
            if object.get(name).is_none() {
                self.add(clause, format!("{name} is missing"), format!("state {name}"));
            }
        }
    }

    /// Every name is one of these, or a qualified one.
    fn names(&mut self, object: &Object, known: &dyn Fn(&str) -> bool) {
        for (name, _) in object.iter() {
            if !known(name) && !syntax::is_uri(name) {
                self.add(
                    Clause::Extension,
                    format!(
                        "{} is no field of the standard here, and is not qualified by a namespace",
                        quote(name)
                    ),
                    "qualify an extension with a prefix that @context declares, as in \"example:myField\"",
                );
            }
        }
    }

    fn object(&mut self, value: &Value, clause: Clause, look: impl FnOnce(&mut Self, &Object)) {
        match value {
            Value::Object(object) => look(self, object),
            other => self.add(clause, format!("expected an object, found {}", other.kind()), ""),
        }
    }

    fn items(&mut self, value: &Value, clause: Clause, mut look: impl FnMut(&mut Self, &Value)) {
        match value {
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.at(format!("[{at}]"), |faults| look(faults, item));
                }
            }
            other => self.add(clause, format!("expected a list, found {}", other.kind()), ""),
        }
    }

    /// What was found.
    pub(crate) fn end(self) -> Result<(), Vec<Refusal>> {
        if self.found.is_empty() { Ok(()) } else { Err(self.found) }
    }
}

/// Checks everything of a document but its events.
///
/// # Errors
/// Every fault, up to 16.
pub fn check_head(head: &Object, has_events: bool) -> Result<(), Vec<Refusal>> {
    let mut faults = Faults::new();
    match head.text("type") {
        Some("EPCISDocument") => document(&mut faults, head, has_events),
        Some("EPCISQueryDocument") => query_document(&mut faults, head, has_events),
        Some(_) => faults.add(
            Clause::Document,
            "type is neither EPCISDocument nor EPCISQueryDocument, nor that of an event",
            "a capture takes an EPCISDocument",
        ),
        None => faults.add(Clause::Document, "type is missing or no text", "\"type\": \"EPCISDocument\""),
    }
    faults.end()
}

/// Checks one event of a document, or a bare event when `bare`.
///
/// # Errors
/// Every fault, up to 16.
pub fn check_event(event: &Value, bare: bool) -> Result<(), Vec<Refusal>> {
    let mut faults = Faults::new();
    faults.object(event, Clause::Event, |faults, event| {
        event::check(faults, event);
        if bare && event.get("@context").is_none() {
            faults.add(Clause::Context, "a bare event needs its own @context", "add GS1's context");
        }
    });
    faults.end()
}

fn document(faults: &mut Faults, head: &Object, has_events: bool) {
    const NAMES: [&str; 10] = [
        "@context",
        "id",
        "type",
        "schemaVersion",
        "creationDate",
        "instanceIdentifier",
        "sender",
        "receiver",
        "epcisHeader",
        "epcisBody",
    ];
    faults.required(head, &["@context", "schemaVersion", "creationDate"], Clause::Document);
    if !has_events {
        faults.add(Clause::Document, "epcisBody.eventList is missing", "a document carries a list of events");
    }
    faults.names(head, &|name| NAMES.contains(&name));
    common(faults, head);
    for name in ["instanceIdentifier", "sender", "receiver"] {
        faults.field(head, name, values::text);
    }
    faults.field(head, "epcisHeader", header);
}

fn query_document(faults: &mut Faults, head: &Object, has_events: bool) {
    const NAMES: [&str; 6] = ["@context", "id", "type", "schemaVersion", "creationDate", "epcisBody"];
    faults.required(head, &["@context"], Clause::Document);
    if !has_events {
        let hint = "a query document carries a list of events";
        faults.add(Clause::Document, "epcisBody.queryResults.resultsBody.eventList is missing", hint);
    }
    faults.names(head, &|name| NAMES.contains(&name));
    common(faults, head);
    faults.field(head, "epcisBody", |faults, body| {
        faults.object(body, Clause::Document, |faults, body| {
            faults.names(body, &|name| name == "queryResults");
            faults.field(body, "queryResults", query_results);
        });
    });
}

fn query_results(faults: &mut Faults, results: &Value) {
    const NAMES: [&str; 3] = ["queryName", "subscriptionID", "resultsBody"];
    faults.object(results, Clause::Document, |faults, results| {
        faults.required(results, &["queryName"], Clause::Document);
        faults.names(results, &|name| NAMES.contains(&name));
        faults.field(results, "queryName", values::text);
        faults.field(results, "subscriptionID", values::text);
        faults.field(results, "resultsBody", |faults, body| {
            faults.object(body, Clause::Document, |faults, body| {
                faults.names(body, &|name| matches!(name, "eventList" | "vocabularyList"));
                faults.field(body, "vocabularyList", vocabularies);
            });
        });
    });
}

fn common(faults: &mut Faults, head: &Object) {
    faults.field(head, "id", values::uri);
    faults.field(head, "@context", values::context);
    faults.field(head, "creationDate", values::time);
    faults.field(head, "schemaVersion", |faults, version| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !version.as_text().is_some_and(|text| text.split('.').all(digits)) {
            faults.add(Clause::Document, "is no version such as \"2.0\"", "\"schemaVersion\": \"2.0\"");
        }
    });
}

fn header(faults: &mut Faults, header: &Value) {
    faults.object(header, Clause::MasterData, |faults, header| {
        faults.names(header, &|name| name == "epcisMasterData");
        faults.field(header, "epcisMasterData", |faults, data| {
            faults.object(data, Clause::MasterData, |faults, data| {
                faults.field(data, "vocabularyList", vocabularies);
            });
        });
    });
}

fn vocabularies(faults: &mut Faults, list: &Value) {
    faults.items(list, Clause::MasterData, |faults, vocabulary| {
        faults.object(vocabulary, Clause::MasterData, |faults, vocabulary| {
            faults.required(vocabulary, &["type"], Clause::MasterData);
            faults.field(vocabulary, "type", values::uri);
            faults.field(vocabulary, "vocabularyElementList", |faults, elements| {
                faults.items(elements, Clause::MasterData, vocabulary_element);
            });
        });
    });
}

fn vocabulary_element(faults: &mut Faults, element: &Value) {
    faults.object(element, Clause::MasterData, |faults, element| {
        faults.required(element, &["id"], Clause::MasterData);
        faults.field(element, "id", values::uri);
        faults.field(element, "children", |faults, children| {
            faults.items(children, Clause::MasterData, values::uri);
        });
        faults.field(element, "attributes", |faults, attributes| {
            faults.items(attributes, Clause::MasterData, |faults, attribute| {
                faults.object(attribute, Clause::MasterData, |faults, attribute| {
                    faults.required(attribute, &["id"], Clause::MasterData);
                    faults.field(attribute, "id", values::uri);
                    faults.field(attribute, "attribute", |faults, value| {
                        if !matches!(value, Value::Number(_) | Value::Text(_) | Value::Object(_)) {
                            faults.add(Clause::MasterData, format!("cannot be {}", value.kind()), "");
                        }
                    });
                });
            });
        });
    });
}
