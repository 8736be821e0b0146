//! Why a document, or one event of it, is refused: where, by which clause, and what to write instead.

use std::fmt;

/// The clause that a refusal rests on. EPCIS is GS1 EPCIS 2.0 (ISO/IEC 19987:2024), CBV is GS1 CBV 2.0
/// (ISO/IEC 19988:2024). Clauses are cited by their titles; a number stands only where GS1's published artefacts
/// name it (its REST interface cites §8.2.7.1 for the parameters of a query).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// The text is no JSON or XML at all.
    Syntax,
    /// Document, header and body.
    Document,
    /// The JSON-LD context and namespaces of extensions.
    Context,
    /// Names that are neither the standard's nor qualified.
    Extension,
    /// Primitive types: URI, string, decimal, boolean.
    Primitive,
    /// `ADD`, `OBSERVE`, `DELETE`.
    Action,
    /// `QuantityElement`.
    Quantity,
    /// Units of measure.
    Unit,
    /// Event time, zone offset, declaration time.
    When,
    /// Read point and business location.
    Where,
    /// What every event has.
    Event,
    /// `ObjectEvent`.
    ObjectEvent,
    /// `AggregationEvent`.
    AggregationEvent,
    /// `TransactionEvent`.
    TransactionEvent,
    /// `TransformationEvent`.
    TransformationEvent,
    /// `AssociationEvent`.
    AssociationEvent,
    /// `ErrorDeclaration`.
    ErrorDeclaration,
    /// Instance or lot master data.
    Ilmd,
    /// Persistent dispositions.
    PersistentDisposition,
    /// Sensor elements, metadata and reports.
    Sensor,
    /// Certification.
    Certification,
    /// Master data of the header.
    MasterData,
    /// Business steps.
    BizStep,
    /// Dispositions.
    Disposition,
    /// Business transaction types.
    TransactionType,
    /// Source and destination types.
    SourceDestination,
    /// Error reasons.
    ErrorReason,
    /// Identifiers of objects.
    Identifier,
    /// Check digits of GS1 keys.
    CheckDigit,
    /// The event's hash as its identifier.
    EventHash,
    /// Parameters of a query.
    Query,
    /// Capture and its limits.
    Capture,
}

impl Clause {
    /// The clause as people look it up.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Syntax => "EPCIS 2.0, JSON/JSON-LD and XML bindings",
            Self::Document => "EPCIS 2.0, EPCISDocument",
            Self::Context => "EPCIS 2.0, JSON/JSON-LD binding, @context",
            Self::Extension => "EPCIS 2.0, Extension mechanisms",
            Self::Primitive => "EPCIS 2.0, Primitive types",
            Self::Action => "EPCIS 2.0, Action type",
            Self::Quantity => "EPCIS 2.0, The \"What\" dimension, QuantityElement",
            Self::Unit => "EPCIS 2.0, The \"What\" dimension, UOM",
            Self::When => "EPCIS 2.0, The \"When\" dimension",
            Self::Where => "EPCIS 2.0, The \"Where\" dimension",
            Self::Event => "EPCIS 2.0, Core event types module, EPCISEvent",
            Self::ObjectEvent => "EPCIS 2.0, Core event types module, ObjectEvent",
            Self::AggregationEvent => "EPCIS 2.0, Core event types module, AggregationEvent",
            Self::TransactionEvent => "EPCIS 2.0, Core event types module, TransactionEvent",
            Self::TransformationEvent => "EPCIS 2.0, Core event types module, TransformationEvent",
            Self::AssociationEvent => "EPCIS 2.0, Core event types module, AssociationEvent",
            Self::ErrorDeclaration => "EPCIS 2.0, Core event types module, ErrorDeclaration",
            Self::Ilmd => "EPCIS 2.0, Core event types module, Instance/Lot master data (ILMD)",
            Self::PersistentDisposition => "EPCIS 2.0, Core event types module, PersistentDisposition",
            Self::Sensor => "EPCIS 2.0, Core event types module, SensorElement",
            Self::Certification => "EPCIS 2.0, Core event types module, EPCISEvent, certificationInfo",
            Self::MasterData => "EPCIS 2.0, Transmission of master data",
            Self::BizStep => "CBV 2.0, Business steps",
            Self::Disposition => "CBV 2.0, Dispositions",
            Self::TransactionType => "CBV 2.0, Business transaction types",
            Self::SourceDestination => "CBV 2.0, Source/Destination types",
            Self::ErrorReason => "CBV 2.0, Error reason identifiers",
            Self::Identifier => "CBV 2.0, Physical or digital objects",
            Self::CheckDigit => "GS1 General Specifications, check digit calculation",
            Self::EventHash => "CBV 2.0, EPCIS event identifiers",
            Self::Query => "EPCIS 2.0 §8.2.7.1 SimpleEventQuery",
            Self::Capture => "EPCIS 2.0, REST binding, capture",
        }
    }
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where, as `epcisBody.eventList[3].quantityList[0].uom`. Empty: the whole document.
    pub path: String,
    /// By which clause.
    pub clause: Clause,
    /// What is wrong, lower case, without a full stop.
    pub reason: String,
    /// What to write instead. May be empty.
    pub hint: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(
        path: impl Into<String>,
        clause: Clause,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), clause, reason: reason.into(), hint: hint.into() }
    }

    /// The same, further out.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.path = match (outer.is_empty(), self.path.is_empty()) {
            (true, _) => self.path,
            (false, true) => outer.to_owned(),
            (false, false) => format!("{outer}.{}", self.path),
        };
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} ({})", self.reason, self.clause.text())
    }
}

impl std::error::Error for Refusal {}

/// At most 80 characters of a text, quoted.
pub(crate) fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(80).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
