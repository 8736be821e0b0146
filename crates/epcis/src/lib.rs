//! GS1 EPCIS 2.0 and CBV 2.0: documents read, checked, hashed, mapped to records and written.
//!
//! Pure functions: bytes in, events and records out. Nothing here opens a socket or a file, knows a key,
//! or asks a ledger; what the roster and the ledger know is handed in.

mod context;
pub mod digital_link;
pub mod directory;
mod document;
mod event;
pub mod export;
pub mod gaps;
mod hash;
pub mod json;
mod map;
pub mod query;
mod refusal;
mod schema;
mod syntax;
mod words;
mod xml;

pub use context::Context;
pub use directory::{Directory, KnownLot, KnownPlace, Product};
pub use document::{Document, Head, MOST_EVENT_BYTES, MOST_XML_BYTES, Survey, survey};
pub use event::{Action, ErrorDeclaration, Event, EventKind, Link, MINERALS, Thing};
pub use hash::{EventHash, pre_hash};
pub use map::{Draft, Importer};
pub use refusal::{Clause, Refusal};
pub use schema::{check_event, check_head};
pub use syntax::Instant;

/// GS1's JSON-LD context of EPCIS 2.0.
pub const GS1_CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
