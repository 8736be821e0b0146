//! The five types of event, and events of somebody else's type.

use super::{EVENT_TYPES, Faults, values};
use crate::{
    json::{Object, Value},
    refusal::{Clause, quote},
    syntax,
    words::Vocabulary,
};

/// How a field of an event is checked.
type Check = fn(&mut Faults, &Value);

/// Fields that every event may have.
const COMMON: [(&str, Check); 6] = [
    ("@context", values::context),
    ("eventTime", values::time),
    ("recordTime", values::time),
    ("eventTimeZoneOffset", values::zone_offset),
    ("eventID", values::uri),
    ("certificationInfo", values::certification),
];

/// Fields of all types but some.
const WHY_AND_WHERE: [(&str, Check); 8] = [
    ("bizStep", |faults, value| values::word(Vocabulary::BizStep, Clause::BizStep)(faults, value)),
    ("disposition", |faults, value| {
        values::word(Vocabulary::Disposition, Clause::Disposition)(faults, value)
    }),
    ("readPoint", place),
    ("bizLocation", place),
    ("bizTransactionList", transactions),
    ("sourceList", |faults, value| parties(faults, value, "source")),
    ("destinationList", |faults, value| parties(faults, value, "destination")),
    ("sensorElementList", sensors),
];

/// The fields of one type beside those.
fn own_fields(kind: &str) -> &'static [(&'static str, Check)] {
    match kind {
        "ObjectEvent" => &[
            ("action", values::action),
            ("epcList", different_uris),
            ("quantityList", quantities),
            ("persistentDisposition", persistent),
            ("ilmd", ilmd),
        ],
        "TransformationEvent" => &[
            ("inputEPCList", different_uris),
            ("inputQuantityList", quantities),
            ("outputEPCList", different_uris),
            ("outputQuantityList", quantities),
            ("transformationID", values::uri),
            ("persistentDisposition", persistent),
            ("ilmd", ilmd),
        ],
        "TransactionEvent" => &[
            ("action", values::action),
            ("parentID", values::uri),
            ("epcList", uris),
            ("quantityList", quantities),
        ],
        _ => &[
            ("action", values::action),
            ("parentID", values::uri),
            ("childEPCs", uris),
            ("childQuantityList", quantities),
        ],
    }
}

pub(super) fn check(faults: &mut Faults, event: &Object) {
    faults.required(event, &["eventTime", "eventTimeZoneOffset"], Clause::When);
    for (name, check) in COMMON {
        faults.field(event, name, check);
    }
    faults.field(event, "errorDeclaration", error_declaration);
    let kind = match event.get("type") {
        Some(Value::Text(kind)) => kind.as_str(),
        Some(other) => {
            faults.add(Clause::Event, format!("type is {}, not text", other.kind()), "");
            return;
        }
        None => {
            faults.add(Clause::Event, "type is missing", format!("one of {}", EVENT_TYPES.join(", ")));
            return;
        }
    };
    if !EVENT_TYPES.contains(&kind) {
        if !syntax::is_uri(kind) {
            let hint = format!("one of {}, or a qualified type of your own", EVENT_TYPES.join(", "));
            faults.add(Clause::Event, format!("{} is no type of event", quote(kind)), hint);
        }
        return;
    }
    let own = own_fields(kind);
    for (name, check) in own.iter().chain(&WHY_AND_WHERE) {
        faults.field(event, name, check);
    }
    faults.names(event, &|name| {
        let known = |fields: &[(&str, Check)]| fields.iter().any(|(known, _)| *known == name);
        matches!(name, "type" | "errorDeclaration") || known(&COMMON) || known(own) || known(&WHY_AND_WHERE)
    });
    together(faults, event, kind);
}

/// The clause of a type.
pub(crate) fn clause_of(kind: &str) -> Clause {
    match kind {
        "ObjectEvent" => Clause::ObjectEvent,
        "AggregationEvent" => Clause::AggregationEvent,
        "TransactionEvent" => Clause::TransactionEvent,
        "TransformationEvent" => Clause::TransformationEvent,
        "AssociationEvent" => Clause::AssociationEvent,
        _ => Clause::Event,
    }
}

/// What must be there together.
fn together(faults: &mut Faults, event: &Object, kind: &str) {
    let clause = clause_of(kind);
    let some = |name: &str| event.get(name).and_then(Value::as_list).is_some_and(|items| !items.is_empty());
    let list = |name: &str| event.get(name).and_then(Value::as_list).is_some();
    let deletes = event.text("action") == Some("DELETE");
    if kind != "TransformationEvent" {
        faults.required(event, &["action"], clause);
    }
    match kind {
        "ObjectEvent" => {
            let sensed = some("sensorElementList") && event.get("readPoint").is_some();
            if !(list("epcList") || some("quantityList") || sensed) {
                let hint = "or a sensorElementList with a readPoint";
                faults.add(clause, "there is neither an epcList nor a quantityList", hint);
            }
            if event.get("ilmd").is_some() && event.text("action") != Some("ADD") {
                faults.add(Clause::Ilmd, "ilmd stands in an event whose action is not ADD", "leave it out");
            }
        }
        "AggregationEvent" | "AssociationEvent" => {
            if !(some("childEPCs") || some("childQuantityList") || deletes) {
                faults.add(
                    clause,
                    "there are neither childEPCs nor a childQuantityList",
                    "name the children",
                );
            }
            if kind == "AssociationEvent" {
                faults.required(event, &["parentID"], clause);
            }
        }
        "TransactionEvent" => {
            if !some("bizTransactionList") {
                faults.add(clause, "there is no bizTransactionList", "name the business transaction");
            }
            if !(list("epcList") || some("quantityList") || deletes) {
                faults.add(clause, "there is neither an epcList nor a quantityList", "name the objects");
            }
        }
        _ => {
            let inputs = some("inputEPCList") || some("inputQuantityList");
            let outputs = some("outputEPCList") || some("outputQuantityList");
            let linked = event.get("transformationID").is_some();
            if !(inputs && outputs || linked && (inputs || outputs)) {
                let hint = "state both, or one of them with the transformationID that joins them";
                faults.add(clause, "inputs or outputs are missing", hint);
            }
        }
    }
}

fn uris(faults: &mut Faults, value: &Value) {
    faults.items(value, Clause::Primitive, values::uri);
}

fn different_uris(faults: &mut Faults, value: &Value) {
    uris(faults, value);
    if value.as_list().is_some_and(values::has_twins) {
        faults.add(Clause::Identifier, "an identifier stands twice", "name each object once");
    }
}

fn quantities(faults: &mut Faults, value: &Value) {
    faults.items(value, Clause::Quantity, |faults, element| {
        faults.object(element, Clause::Quantity, |faults, element| {
            faults.required(element, &["epcClass"], Clause::Quantity);
            faults.field(element, "epcClass", values::uri);
            faults.field(element, "quantity", values::decimal);
            faults.field(element, "uom", values::unit);
            only(faults, element, &["epcClass", "quantity", "uom"], Clause::Quantity);
        });
    });
}

/// No other name at all, not even a qualified one.
fn only(faults: &mut Faults, object: &Object, names: &[&str], clause: Clause) {
    for (name, _) in object.iter().filter(|(name, _)| !names.contains(name)) {
        faults.add(clause, format!("{} is no field here", quote(name)), format!("only {}", names.join(", ")));
    }
}

fn place(faults: &mut Faults, value: &Value) {
    faults.object(value, Clause::Where, |faults, place| {
        faults.required(place, &["id"], Clause::Where);
        faults.field(place, "id", values::uri);
    });
}

fn transactions(faults: &mut Faults, value: &Value) {
    faults.items(value, Clause::TransactionType, |faults, item| {
        faults.object(item, Clause::TransactionType, |faults, item| {
            faults.required(item, &["bizTransaction"], Clause::TransactionType);
            faults.field(item, "type", values::word(Vocabulary::TransactionType, Clause::TransactionType));
            faults.field(item, "bizTransaction", values::uri);
            only(faults, item, &["type", "bizTransaction"], Clause::TransactionType);
        });
    });
}

fn parties(faults: &mut Faults, value: &Value, end: &str) {
    faults.items(value, Clause::SourceDestination, |faults, item| {
        faults.object(item, Clause::SourceDestination, |faults, item| {
            faults.required(item, &["type", end], Clause::SourceDestination);
            faults.field(
                item,
                "type",
                values::word(Vocabulary::SourceDestination, Clause::SourceDestination),
            );
            faults.field(item, end, values::uri);
            only(faults, item, &["type", end], Clause::SourceDestination);
        });
    });
}

fn persistent(faults: &mut Faults, value: &Value) {
    let clause = Clause::PersistentDisposition;
    faults.object(value, clause, |faults, value| {
        only(faults, value, &["set", "unset"], clause);
        if value.get("set").is_none() && value.get("unset").is_none() {
            faults.add(clause, "there is neither set nor unset", "name the dispositions");
        }
        for name in ["set", "unset"] {
            faults.field(value, name, |faults, list| {
                faults.items(list, clause, values::word(Vocabulary::Disposition, Clause::Disposition));
                if list.as_list().is_some_and(|items| items.is_empty() || values::has_twins(items)) {
                    faults.add(clause, "is empty or names a disposition twice", "name each once");
                }
            });
        }
    });
}

fn ilmd(faults: &mut Faults, value: &Value) {
    faults.object(value, Clause::Ilmd, |faults, ilmd| {
        for (name, _) in ilmd.iter().filter(|(name, _)| !syntax::is_uri(name)) {
            let hint = "qualify it, as in \"cbvmda:lotNumber\"";
            faults.add(Clause::Ilmd, format!("{} is not qualified by a namespace", quote(name)), hint);
        }
    });
}

fn error_declaration(faults: &mut Faults, value: &Value) {
    let clause = Clause::ErrorDeclaration;
    faults.object(value, clause, |faults, value| {
        faults.required(value, &["declarationTime"], clause);
        faults.names(value, &|name| matches!(name, "declarationTime" | "reason" | "correctiveEventIDs"));
        faults.field(value, "declarationTime", values::time);
        faults.field(value, "reason", values::word(Vocabulary::ErrorReason, Clause::ErrorReason));
        faults.field(value, "correctiveEventIDs", uris);
    });
}

fn sensors(faults: &mut Faults, value: &Value) {
    faults.items(value, Clause::Sensor, |faults, element| {
        faults.object(element, Clause::Sensor, |faults, element| {
            faults.required(element, &["sensorReport"], Clause::Sensor);
            faults.names(element, &|name| matches!(name, "sensorMetadata" | "sensorReport"));
            faults.field(element, "sensorMetadata", |faults, value| fields(faults, value, &METADATA));
            faults.field(element, "sensorReport", |faults, reports| {
                faults.items(reports, Clause::Sensor, |faults, report| {
                    fields(faults, report, &REPORT);
                    if report.as_object().is_some_and(|report| report.get("type").is_none()) {
                        faults.add(Clause::Sensor, "type is missing", "state what was measured");
                    }
                });
                if reports.as_list().is_some_and(<[Value]>::is_empty) {
                    faults.add(Clause::Sensor, "there is no report", "state what was measured");
                }
            });
        });
    });
}

fn fields(faults: &mut Faults, value: &Value, known: &[(&str, Check)]) {
    faults.object(value, Clause::Sensor, |faults, object| {
        faults.names(object, &|name| known.iter().any(|(known, _)| *known == name));
        for (name, check) in known {
            faults.field(object, name, check);
        }
    });
}

const METADATA: [(&str, Check); 8] = [
    ("time", values::time),
    ("deviceID", values::uri),
    ("deviceMetadata", values::uri),
    ("rawData", values::uri),
    ("startTime", values::time),
    ("endTime", values::time),
    ("dataProcessingMethod", values::uri),
    ("bizRules", values::uri),
];

const REPORT: [(&str, Check); 24] = [
    ("type", |faults, value| values::word(Vocabulary::Measurement, Clause::Sensor)(faults, value)),
    ("exception", |faults, value| values::word(Vocabulary::Alert, Clause::Sensor)(faults, value)),
    ("deviceID", values::uri),
    ("deviceMetadata", values::uri),
    ("rawData", values::uri),
    ("dataProcessingMethod", values::uri),
    ("bizRules", values::uri),
    ("time", values::time),
    ("microorganism", values::uri),
    ("chemicalSubstance", values::uri),
    ("coordinateReferenceSystem", values::uri),
    ("value", values::decimal),
    ("component", |faults, value| values::word(Vocabulary::Component, Clause::Sensor)(faults, value)),
    ("stringValue", values::text),
    ("booleanValue", values::boolean),
    ("hexBinaryValue", values::hex_binary),
    ("uriValue", values::uri),
    ("minValue", values::decimal),
    ("maxValue", values::decimal),
    ("meanValue", values::decimal),
    ("sDev", values::decimal),
    ("percRank", values::decimal),
    ("percValue", values::decimal),
    ("uom", values::text),
];
