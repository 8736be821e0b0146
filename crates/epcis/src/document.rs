//! A document, event by event: JSON of any size in the memory of one event, XML whole.
//!
//! A document is read twice: [`survey`] checks everything and counts, and only then does a second
//! reading hand out events, with the context known wherever in the document it stands.

use std::{collections::VecDeque, io::BufRead};

use crate::{
    context::Context,
    json::{BadJson, Object, Reader, Value},
    refusal::{Clause, Refusal},
    schema, xml,
};

/// Largest event, and largest part of a head, in bytes.
pub const MOST_EVENT_BYTES: usize = 1 << 20;
/// Largest document in XML, which is held whole, in bytes.
pub const MOST_XML_BYTES: usize = 64 << 20;

/// A document that is being read.
pub struct Document<R> {
    form: Form<R>,
}

enum Form<R> {
    Json(Box<Json<R>>),
    Whole { head: Object, events: VecDeque<Value>, bare: bool },
}

struct Json<R> {
    reader: Reader<R>,
    /// Objects that are open, from the root to the one that holds the list of events, with their names.
    open: Vec<(String, Object)>,
    place: Place,
    has_events: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the innermost open object; whether nothing was read in it yet.
    Object { first: bool },
    /// In the list of events.
    List { first: bool },
    /// After the root, which is left in `open`.
    End,
    /// A bare event was handed out.
    Gone,
}

/// What stands around the events of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// All of it, with an empty body.
    pub fields: Object,
    /// Whether it is a bare event rather than a document.
    pub bare: bool,
    /// Whether there was a list of events.
    pub has_events: bool,
}

impl<R: BufRead> Document<R> {
    /// Begins to read a document, or a bare event.
    ///
    /// # Errors
    /// [`Refusal`] when it is neither JSON nor XML.
    pub fn open(mut source: R) -> Result<Self, Refusal> {
        let unreadable = |error: std::io::Error| syntax(format!("cannot be read: {error}"));
        let start = source.fill_buf().map_err(unreadable)?;
        if start.starts_with(b"\xef\xbb\xbf") {
            source.consume(3);
        }
        let first = source.fill_buf().map_err(unreadable)?.iter().find(|byte| !byte.is_ascii_whitespace());
        if first == Some(&b'<') {
            let mut text = String::new();
            let mut limited = std::io::Read::take(source, MOST_XML_BYTES as u64 + 1);
            std::io::Read::read_to_string(&mut limited, &mut text).map_err(unreadable)?;
            if text.len() > MOST_XML_BYTES {
                let reason = format!("a document in XML has at most {MOST_XML_BYTES} bytes");
                return Err(Refusal::new("", Clause::Capture, reason, "capture it in parts, or in JSON"));
            }
            let (head, events) = xml::read(&text)?;
            return Ok(Self { form: Form::Whole { head, events: events.into(), bare: false } });
        }
        let mut reader = Reader::new(source, MOST_EVENT_BYTES);
        reader.mark(b'{').map_err(bad)?;
        let open = vec![(String::new(), Object::new())];
        let place = Place::Object { first: true };
        Ok(Self { form: Form::Json(Box::new(Json { reader, open, place, has_events: false })) })
    }

    /// The next event.
    ///
    /// # Errors
    /// [`Refusal`] when the text cannot be read on.
    pub fn next_event(&mut self) -> Result<Option<Value>, Refusal> {
        match &mut self.form {
            Form::Json(json) => json.next_event().map_err(bad),
            Form::Whole { events, .. } => Ok(events.pop_front()),
        }
    }

    /// The rest of the head, after the last event.
    #[must_use]
    pub fn head(self) -> Head {
        match self.form {
            Form::Json(json) => {
                let bare = json.place == Place::Gone;
                let fields = json.open.into_iter().next().map(|(_, root)| root).unwrap_or_default();
                Head { fields, bare, has_events: json.has_events }
            }
            Form::Whole { head, bare, .. } => Head { fields: head, bare, has_events: true },
        }
    }
}

impl<R: BufRead> Json<R> {
    fn next_event(&mut self) -> Result<Option<Value>, BadJson> {
        loop {
            match self.place {
                Place::Object { first } => self.member(first)?,
                Place::List { first } => {
                    let another = if first { self.not_empty(b']')? } else { self.reader.more(b']')? };
                    if another {
                        self.place = Place::List { first: false };
                        return self.reader.whole().map(Some);
                    }
                    self.place = Place::Object { first: false };
                }
                Place::End => {
                    self.reader.end()?;
                    let root = self.open.first().map(|(_, root)| root.clone()).unwrap_or_default();
                    let kind = root.text("type");
                    if self.has_events || matches!(kind, None | Some("EPCISDocument" | "EPCISQueryDocument"))
                    {
                        return Ok(None);
                    }
                    self.place = Place::Gone;
                    return Ok(Some(Value::Object(root)));
                }
                Place::Gone => return Ok(None),
            }
        }
    }

    /// Whether something stands before the closing mark, which is taken if not.
    fn not_empty(&mut self, close: u8) -> Result<bool, BadJson> {
        if self.reader.look()? == Some(close) {
            return self.reader.mark(close).map(|()| false);
        }
        Ok(true)
    }

    /// Reads one member of the innermost open object, or closes it.
    fn member(&mut self, first: bool) -> Result<(), BadJson> {
        let another = if first { self.not_empty(b'}')? } else { self.reader.more(b'}')? };
        self.place = Place::Object { first: false };
        if !another {
            if self.open.len() == 1 {
                self.place = Place::End;
            } else if let Some((name, object)) = self.open.pop() {
                self.put(name, Value::Object(object))?;
            }
            return Ok(());
        }
        let name = self.reader.name()?;
        let leads = matches!(
            (self.open.len(), name.as_str()),
            (1, "epcisBody") | (2, "queryResults") | (3, "resultsBody")
        );
        if leads && self.reader.look()? == Some(b'{') {
            self.reader.mark(b'{')?;
            self.open.push((name, Object::new()));
            self.place = Place::Object { first: true };
            return Ok(());
        }
        if name == "eventList" && matches!(self.open.len(), 2 | 4) && self.reader.look()? == Some(b'[') {
            if self.has_events {
                return Err(self.reader.bad("the name \"eventList\" stands twice"));
            }
            self.has_events = true;
            self.reader.mark(b'[')?;
            self.place = Place::List { first: true };
            return Ok(());
        }
        let value = self.reader.whole()?;
        self.put(name, value)
    }

    fn put(&mut self, name: String, value: Value) -> Result<(), BadJson> {
        let Some((_, object)) = self.open.last_mut() else { return Ok(()) };
        if object.get(&name).is_some() {
            return Err(self.reader.bad(format!("the name {name:?} stands twice in one object")));
        }
        object.set(&name, value);
        Ok(())
    }
}

fn syntax(reason: String) -> Refusal {
    Refusal::new("", Clause::Syntax, reason, "send an EPCIS 2.0 document in JSON, or in XML")
}

fn bad(error: BadJson) -> Refusal {
    syntax(error.to_string())
}

/// What a first reading found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What stands around the events.
    pub head: Head,
    /// Namespaces, fields that the hash leaves out.
    pub context: Context,
    /// Events in the document.
    pub events: u64,
    /// What is wrong, each with its event's place in the path; at most 100.
    pub faults: Vec<Refusal>,
    /// Events that are wrong, in ascending order.
    pub bad_events: Vec<u64>,
}

/// Most faults that a survey reports.
const MOST_FAULTS: usize = 100;

/// Reads a document once: checks its head and every event against the schema.
///
/// # Errors
/// [`Refusal`] when the text cannot be read to its end.
pub fn survey(source: impl BufRead) -> Result<Survey, Refusal> {
    let mut document = Document::open(source)?;
    let (mut events, mut faults, mut bad_events) = (0_u64, Vec::new(), Vec::new());
    while let Some(event) = document.next_event()? {
        // Only a root that is its own event comes without a list around it.
        let bare = matches!(&document.form, Form::Json(json) if json.place == Place::Gone);
        if let Err(found) = schema::check_event(&event, bare) {
            let outer = if bare { String::new() } else { format!("epcisBody.eventList[{events}]") };
            bad_events.push(events);
            let room = MOST_FAULTS.saturating_sub(faults.len());
            faults.extend(found.into_iter().take(room).map(|fault| fault.within(&outer)));
        }
        events += 1;
    }
    let whole = matches!(document.form, Form::Whole { .. });
    let head = document.head();
    if !head.bare
        && let Err(found) = schema::check_head(&head.fields, head.has_events)
    {
        faults.splice(0..0, found);
    }
    let context = Context::of(&head.fields);
    let context = if whole { context.for_names_only() } else { context };
    Ok(Survey { head, context, events, faults, bad_events })
}
