//! Pages and pictures: what a node shows to people, as HTML and SVG made on the server.
//!
//! [`answer`] turns an address into a [`Page`] by asking a [`Source`]; it opens no file, no socket and no clock.
//! Everything works without scripts, and no page makes a browser ask anybody but this node ([`CONTENT_SECURITY_POLICY`]).

pub mod assets;
pub mod desk;
pub mod entry;
mod events;
mod graph;
mod layout;
pub mod locale;
mod pages;
pub mod query;
mod route;
mod saved;
mod source;
mod told;
pub mod words;

pub use graph::provenance_picture;
pub use layout::refusal;
pub use locale::Language;
pub use route::{Asked, CONTENT_SECURITY_POLICY, HEADERS, Page, ROUTES, Viewer, answer};
pub use saved::saved_verifier;
pub use source::{Answer, Refused, Source};
