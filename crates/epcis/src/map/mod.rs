//! From events to records: one table, in the crate's README, and nothing invented.
//!
//! What a document does not say is listed beside the draft, and the draft does without it; what a record
//! cannot do without is a refusal that names the clause in which the document could have said it.

mod lots;
mod moves;
mod statement;
mod status;

pub(crate) use status::inchi_key;

use std::collections::HashMap;

use ore_record::{
    draft,
    v1::{self, Record, record::Event as Statement},
};

use crate::{
    directory::{Directory, KnownPlace},
    event::{Action, Event, EventKind},
    gaps::MISSING,
    json::Value,
    refusal::{Clause, Refusal, quote},
};

/// A record that an event became, to be signed by its author.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Origin, key, nonce and heads are blank, and the offer of an answer.
    pub record: Record,
    /// Which statement of which event it is: the same event gives the same label wherever it stands.
    pub label: String,
    /// The label of the statement that this one withdraws, when it is a Withdraw without a record id.
    pub withdraws: Option<String>,
    /// The label of the withdrawn statement that this one replaces.
    pub corrects: Option<String>,
    /// Lots that a Withdraw touches without naming them: those that the withdrawn statement names or makes.
    pub moves: Vec<String>,
    /// The entry as its author signed it, when the document carries it.
    pub signed: Option<Vec<u8>>,
    /// What the document does not say, in words.
    pub lacks: Vec<String>,
}

/// Maps the events of one document.
#[derive(Clone, Debug)]
pub struct Importer {
    acting: String,
    document: Option<v1::Document>,
    /// Corrective events that were announced, and the withdrawn statement that each replaces. At most 10,000.
    announced: HashMap<String, String>,
}

/// Most corrective events that one document may announce ahead.
const MOST_ANNOUNCED: usize = 10_000;
/// Most statements that one event becomes.
const MOST_STATEMENTS: usize = 1_000;

impl Importer {
    /// For the document with this digest, whose events `acting` states unless they took place at somebody
    /// else's facility.
    #[must_use]
    pub fn new(acting: &str, document: Option<v1::Document>) -> Self {
        Self { acting: acting.to_owned(), document, announced: HashMap::new() }
    }

    /// The records that an event becomes.
    ///
    /// # Errors
    /// [`Refusal`] when a record cannot say what the event says, or needs what it does not say.
    pub fn map(&mut self, event: &Event, directory: &Directory) -> Result<Vec<Draft>, Refusal> {
        if event.minerals.get(MISSING).is_some() {
            let reason = "the event is a draft: something in it is to be filled in";
            let hint = "do what it says, and take mct:missing away";
            return Err(Refusal::new("mct:missing", Clause::Extension, reason, hint));
        }
        if let Some(drafts) = statement::carried(event, directory)? {
            return Ok(drafts);
        }
        let mut mapping = Mapping { event, directory, acting: &self.acting, lacks: Vec::new() };
        let (author, statements) = mapping.statements()?;
        if statements.len() > MOST_STATEMENTS {
            let reason = format!("the event becomes {} records, at most {MOST_STATEMENTS}", statements.len());
            return Err(Refusal::new("", Clause::Capture, reason, "split it"));
        }
        let lacks = mapping.lacks;
        let drafts = statements.into_iter().enumerate().map(|(at, statement)| Draft {
            record: self.record(event, &author, statement),
            label: format!("{}#{at}", event.hash.uri()),
            withdraws: None,
            corrects: self.announced.get(&event.id).map(|label| format!("{label}#{at}")),
            moves: Vec::new(),
            signed: None,
            lacks: if at == 0 { lacks.clone() } else { Vec::new() },
        });
        let drafts: Vec<Draft> = drafts.collect();
        match &event.error {
            None => Ok(drafts),
            Some(_) => Ok(self.withdraw(event, drafts)),
        }
    }

    fn record(&self, event: &Event, author: &str, statement: Statement) -> Record {
        Record {
            author: author.to_owned(),
            event_time_ms: event.time.since_1970_ms().unwrap_or_default(),
            utc_offset_minutes: event.offset_minutes,
            documents: self.document.iter().cloned().collect(),
            event: Some(statement),
            ..Record::default()
        }
    }

    /// An event that is declared wrong withdraws what it once stated, the last first.
    fn withdraw(&mut self, event: &Event, drafts: Vec<Draft>) -> Vec<Draft> {
        let Some(error) = &event.error else { return drafts };
        for id in error.corrective.iter().filter(|id| !id.is_empty()) {
            if self.announced.len() < MOST_ANNOUNCED {
                self.announced.insert(id.clone(), event.hash.uri());
            }
        }
        let reason = match error.reason.as_str() {
            "did_not_occur" => v1::WithdrawReason::DidNotOccur,
            _ => v1::WithdrawReason::IncorrectData,
        };
        let withdrawn = drafts.into_iter().rev().map(|mut draft| Draft {
            moves: draft::lots(&mut draft.record),
            record: Record {
                event_time_ms: error.time.since_1970_ms().unwrap_or_default(),
                event: Some(Statement::Withdraw(v1::Withdraw {
                    reason: reason.into(),
                    ..v1::Withdraw::default()
                })),
                ..draft.record
            },
            label: format!("{}/withdrawn", draft.label),
            withdraws: Some(draft.label),
            corrects: None,
            signed: None,
            lacks: Vec::new(),
        });
        withdrawn.collect()
    }
}

/// One event under way.
struct Mapping<'a> {
    event: &'a Event,
    directory: &'a Directory,
    acting: &'a str,
    lacks: Vec<String>,
}

impl<'a> Mapping<'a> {
    fn refuse<T>(
        &self,
        path: &str,
        clause: Clause,
        reason: impl Into<String>,
        hint: &str,
    ) -> Result<T, Refusal> {
        Err(Refusal::new(path, clause, reason, hint))
    }

    /// Author and statements.
    fn statements(&mut self) -> Result<(String, Vec<Statement>), Refusal> {
        if self.event.time.since_1970_ms().is_none() {
            return self.refuse("eventTime", Clause::When, "is before 1970", "records begin there");
        }
        let statements = self.by_step()?;
        Ok((self.author(), statements))
    }

    fn by_step(&mut self) -> Result<Vec<Statement>, Refusal> {
        let event = self.event;
        match event.kind {
            EventKind::Transformation => return self.transform(),
            EventKind::Aggregation | EventKind::Association => return self.seals(),
            EventKind::Object | EventKind::Transaction => {}
        }
        let recalls = |words: &[String]| words.iter().any(|word| word == "recalled");
        if recalls(&event.persistent.0) || (event.disposition == "recalled" && event.biz_step != "shipping") {
            return self.recall();
        }
        if recalls(&event.persistent.1) {
            return self.release();
        }
        match (event.action, event.biz_step.as_str()) {
            (Some(Action::Add), "commissioning" | "creating_class_instance")
                if event.kind == EventKind::Object =>
            {
                self.commission()
            }
            (Some(Action::Delete), _) if event.kind == EventKind::Object => self.dispose(),
            (_, "shipping") => self.ship(),
            (_, "void_shipping") => self.cancel(),
            (_, "receiving" | "accepting") => self.accept(),
            (_, "inspecting") if event.disposition == "returned" => self.decline(),
            (_, "sampling" | "inspecting" | "sensor_reporting") if self.is_assay() => self.assay(),
            (_, "holding") => self.hold(),
            (_, "cycle_counting" | "stock_taking") => self.stocktake(),
            (_, "other" | "inspecting" | "sensor_reporting") if event.minerals.get("netMass").is_some() => {
                self.used()
            }
            (_, "") => self.refuse(
                "bizStep",
                Clause::BizStep,
                "there is no bizStep, so nothing says which record this is",
                "state the business step",
            ),
            (_, step) => self.refuse(
                "bizStep",
                Clause::BizStep,
                format!("{} moves no metal and has no record on this ledger", quote(step)),
                "the steps that have one are in the table of crates/epcis/README.md",
            ),
        }
    }

    /// Who states it: the owner of the facility where it took place; the acting member where that is a
    /// warehouse, a port, or a place that the ledger does not know.
    fn author(&self) -> String {
        let place = self.directory.place(&self.event.biz_location);
        match place.or_else(|| self.directory.place(&self.event.read_point)) {
            Some(place) if !matches!(place.kind, v1::FacilityKind::Warehouse | v1::FacilityKind::Port) => {
                place.owner.clone()
            }
            _ => self.acting.to_owned(),
        }
    }

    /// The facility where it took place.
    fn place(&self) -> Result<&'a KnownPlace, Refusal> {
        let event = self.event;
        let known =
            [&event.biz_location, &event.read_point].into_iter().find_map(|uri| self.directory.place(uri));
        if let Some(place) = known {
            return Ok(place);
        }
        let named = if event.biz_location.is_empty() { &event.read_point } else { &event.biz_location };
        if named.is_empty() {
            return self.refuse(
                "bizLocation",
                Clause::Where,
                "neither bizLocation nor readPoint says where it took place",
                "state one of them, as a facility of this ledger",
            );
        }
        self.refuse(
            "bizLocation",
            Clause::Where,
            format!("{} is no facility of this ledger", quote(named)),
            "register the facility with this GLN or URI as its reference",
        )
    }

    /// Text of the minerals extension.
    fn term(&self, name: &str) -> Option<&'a str> {
        self.event.minerals.text(name)
    }

    /// A number or a text of the minerals extension, as text.
    fn number(&self, name: &str) -> Option<&'a str> {
        as_number(self.event.minerals.get(name)?)
    }

    /// A word of one of the format's enums, in people's spelling.
    fn word<T>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Refusal>
    where
        T: Copy,
    {
        let Some(text) = self.term(name) else { return Ok(None) };
        word_of(text, words).map(Some).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let reason = format!("{} is no word of this term", quote(text));
            Refusal::new(
                format!("mct:{name}"),
                Clause::Extension,
                reason,
                format!("one of {}", known.join(", ")),
            )
        })
    }
}

fn as_number(value: &Value) -> Option<&str> {
    match value {
        Value::Number(text) | Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Words are compared without case, with spaces and hyphens as underscores.
fn word_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<T> {
    let text = text.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
}
