//! EPCIS 1.2 and 2.0 documents in XML, brought into the form that they have in JSON.
//!
//! Everything after this file sees one form only. `extension` and `baseExtension` of 1.x vanish, words of
//! the vocabularies become bare, elements of other namespaces become members with a prefix.

use roxmltree::{Node, ParsingOptions};

use crate::{
    json::{self, Object, Value},
    refusal::{Clause, Refusal},
    schema::EVENT_TYPES,
    words::Vocabulary,
};

/// Most nodes of a document: bounds memory beside the text.
const MOST_NODES: u32 = 8_000_000;
/// Deepest nesting of an extension.
const MOST_DEPTH: usize = 24;

/// Head and events of a document.
pub(crate) fn read(text: &str) -> Result<(Object, Vec<Value>), Refusal> {
    let bad = |reason: String| Refusal::new("", Clause::Syntax, reason, "send an EPCISDocument");
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES };
    let document = roxmltree::Document::parse_with_options(text, options)
        .map_err(|error| bad(format!("not XML: {error}")))?;
    let root = document.root_element();
    let kind = root.tag_name().name();
    if !matches!(kind, "EPCISDocument" | "EPCISQueryDocument") {
        return Err(bad(format!("the root is {kind:?}, not EPCISDocument")));
    }
    let list = root.descendants().find(|node| node.tag_name().name() == "EventList");
    let Some(list) = list else { return Err(bad("there is no EventList".into())) };
    let mut head = Object::new().with("@context", contexts(root)).with("type", kind);
    for name in ["schemaVersion", "creationDate"] {
        if let Some(value) = root.attribute(name) {
            head.set(name, value);
        }
    }
    for child in root.children().filter(|child| child.is_element() && child.tag_name().namespace().is_some())
    {
        head.set(&name_of(child), generic(child, 0)?);
    }
    let mut events = Vec::new();
    collect(list, &mut events)?;
    Ok((head, events))
}

/// Events, also those that 1.x wraps into an extension.
fn collect(list: Node<'_, '_>, events: &mut Vec<Value>) -> Result<(), Refusal> {
    for node in list.children().filter(Node::is_element) {
        if node.tag_name().name() == "extension" {
            let inner = node.descendants().filter(|inner| EVENT_TYPES.contains(&inner.tag_name().name()));
            for node in inner {
                events.push(event(node)?);
            }
        } else {
            events.push(event(node)?);
        }
    }
    Ok(())
}

/// GS1's context and the namespaces that are declared anywhere.
fn contexts(root: Node<'_, '_>) -> Value {
    let mut prefixes = Object::new();
    for node in root.descendants().filter(Node::is_element) {
        for space in node.namespaces() {
            if let Some(prefix) = space.name().filter(|prefix| !matches!(*prefix, "xml" | "xsi" | "epcis")) {
                prefixes.set(prefix, space.uri());
            }
        }
    }
    Value::List(vec![crate::GS1_CONTEXT.into(), prefixes.into()])
}

/// `prefix:local`, or the local name of an element without a namespace.
fn name_of(node: Node<'_, '_>) -> String {
    qualified(node, node.tag_name().namespace(), node.tag_name().name())
}

fn qualified(node: Node<'_, '_>, namespace: Option<&str>, local: &str) -> String {
    let prefix = namespace.and_then(|uri| node.lookup_prefix(uri));
    prefix.map_or_else(|| local.to_owned(), |prefix| format!("{prefix}:{local}"))
}

fn text_of<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

/// The children, looking through the wrappers of 1.x.
fn children<'a, 'i>(node: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    let mut found = Vec::new();
    let mut waiting: Vec<Node<'a, 'i>> = node.children().filter(Node::is_element).collect();
    waiting.reverse();
    while let Some(child) = waiting.pop() {
        let name = child.tag_name();
        if name.namespace().is_none() && matches!(name.name(), "extension" | "baseExtension") {
            let inner: Vec<_> = child.children().filter(Node::is_element).collect();
            waiting.extend(inner.into_iter().rev());
        } else {
            found.push(child);
        }
    }
    found
}

fn event(node: Node<'_, '_>) -> Result<Value, Refusal> {
    let mut event = Object::new().with("type", name_of(node));
    for child in children(node) {
        let name = child.tag_name().name();
        if child.tag_name().namespace().is_some() {
            add(&mut event, &name_of(child), generic(child, 0)?);
            continue;
        }
        match name {
            "epcList" | "childEPCs" | "inputEPCList" | "outputEPCList" => {
                let epcs: Vec<Value> = children(child).into_iter().map(|epc| text_of(epc).into()).collect();
                // An empty list of 1.x says nothing.
                if !epcs.is_empty() {
                    event.set(name, epcs);
                }
            }
            "quantityList" | "childQuantityList" | "inputQuantityList" | "outputQuantityList" => {
                let elements: Vec<Value> = children(child).into_iter().map(quantity).collect();
                if !elements.is_empty() {
                    event.set(name, elements);
                }
            }
            "bizStep" => event.set(name, Vocabulary::BizStep.in_json(text_of(child))),
            "disposition" => event.set(name, Vocabulary::Disposition.in_json(text_of(child))),
            "persistentDisposition" => event.set(name, persistent(child)),
            "readPoint" | "bizLocation" => event.set(name, place(child)?),
            "bizTransactionList" => event.set(name, links(child, Vocabulary::TransactionType)),
            "sourceList" | "destinationList" => event.set(name, links(child, Vocabulary::SourceDestination)),
            "sensorElementList" => event.set(name, sensors(child)?),
            "errorDeclaration" => event.set(name, error_declaration(child)?),
            "ilmd" => event.set(name, members(child, 0)?),
            _ => add(&mut event, name, generic(child, 0)?),
        }
    }
    Ok(event.into())
}

/// Adds a member; a second one of the name makes a list.
fn add(object: &mut Object, name: &str, value: Value) {
    match object.remove(name) {
        None => object.set(name, value),
        Some(Value::List(mut items)) => {
            items.push(value);
            object.set(name, items);
        }
        Some(first) => object.set(name, vec![first, value]),
    }
}

fn number(text: &str) -> Value {
    if json::is_number(text) { Value::Number(text.to_owned()) } else { text.into() }
}

fn quantity(node: Node<'_, '_>) -> Value {
    let mut element = Object::new();
    for child in children(node) {
        let text = text_of(child);
        match child.tag_name().name() {
            "quantity" => element.set("quantity", number(text)),
            name => element.set(name, text),
        }
    }
    element.into()
}

fn persistent(node: Node<'_, '_>) -> Value {
    let side = |name: &str| -> Vec<Value> {
        let named = children(node).into_iter().filter(|child| child.tag_name().name() == name);
        named.map(|child| Vocabulary::Disposition.in_json(text_of(child)).into()).collect()
    };
    let mut sides = Object::new();
    for name in ["set", "unset"] {
        let words = side(name);
        if !words.is_empty() {
            sides.set(name, words);
        }
    }
    sides.into()
}

fn place(node: Node<'_, '_>) -> Result<Value, Refusal> {
    let mut place = Object::new();
    for child in children(node) {
        if child.tag_name().namespace().is_none() && child.tag_name().name() == "id" {
            place.set("id", text_of(child));
        } else {
            add(&mut place, &name_of(child), generic(child, 0)?);
        }
    }
    Ok(place.into())
}

fn links(node: Node<'_, '_>, vocabulary: Vocabulary) -> Value {
    let link = |child: Node<'_, '_>| {
        let mut link = Object::new();
        if let Some(kind) = child.attribute("type") {
            link.set("type", vocabulary.in_json(kind));
        }
        link.set(child.tag_name().name(), text_of(child));
        Value::Object(link)
    };
    Value::List(children(node).into_iter().map(link).collect())
}

fn sensors(node: Node<'_, '_>) -> Result<Value, Refusal> {
    let mut elements = Vec::new();
    for element in children(node) {
        let mut object = Object::new();
        let mut reports = Vec::new();
        for part in children(element) {
            match part.tag_name().name() {
                "sensorMetadata" => object.set("sensorMetadata", attributes(part)),
                "sensorReport" => reports.push(attributes(part)),
                _ => add(&mut object, &name_of(part), generic(part, 0)?),
            }
        }
        object.set("sensorReport", reports);
        elements.push(object.into());
    }
    Ok(Value::List(elements))
}

/// Sensor data stand in attributes.
fn attributes(node: Node<'_, '_>) -> Value {
    let mut object = Object::new();
    for attribute in node.attributes() {
        let name = qualified(node, attribute.namespace(), attribute.name());
        let text = attribute.value().trim();
        let value: Value = match name.as_str() {
            "type" => Vocabulary::Measurement.in_json(text).into(),
            "exception" => Vocabulary::Alert.in_json(text).into(),
            "component" => Vocabulary::Component.in_json(text).into(),
            "booleanValue" => match text {
                "true" | "1" => Value::Bool(true),
                "false" | "0" => Value::Bool(false),
                other => other.into(),
            },
            "value" | "minValue" | "maxValue" | "meanValue" | "sDev" | "percRank" | "percValue" => {
                number(text)
            }
            _ => text.into(),
        };
        object.set(&name, value);
    }
    object.into()
}

fn error_declaration(node: Node<'_, '_>) -> Result<Value, Refusal> {
    let mut declaration = Object::new();
    for child in children(node) {
        match (child.tag_name().namespace(), child.tag_name().name()) {
            (None, "reason") => declaration.set("reason", Vocabulary::ErrorReason.in_json(text_of(child))),
            (None, "correctiveEventIDs") => {
                let ids: Vec<Value> = children(child).into_iter().map(|id| text_of(id).into()).collect();
                declaration.set("correctiveEventIDs", ids);
            }
            (None, name) => declaration.set(name, text_of(child)),
            _ => add(&mut declaration, &name_of(child), generic(child, 0)?),
        }
    }
    Ok(declaration.into())
}

/// An element as text, or as an object of its members.
fn generic(node: Node<'_, '_>, depth: usize) -> Result<Value, Refusal> {
    if !node.children().any(|child| child.is_element()) && node.attributes().len() == 0 {
        return Ok(text_of(node).into());
    }
    members(node, depth)
}

fn members(node: Node<'_, '_>, depth: usize) -> Result<Value, Refusal> {
    if depth == MOST_DEPTH {
        let reason = format!("an extension is nested more than {MOST_DEPTH} deep");
        return Err(Refusal::new("", Clause::Extension, reason, "flatten it"));
    }
    let mut object = Object::new();
    for attribute in node.attributes() {
        object.set(&qualified(node, attribute.namespace(), attribute.name()), attribute.value());
    }
    for child in node.children().filter(Node::is_element) {
        add(&mut object, &name_of(child), generic(child, depth + 1)?);
    }
    let text = text_of(node);
    if !text.is_empty() {
        object.set("#text", text);
    }
    Ok(object.into())
}
