//! EPCIS documents of one member: read twice, mapped, signed here, handed in, kept.
//!
//! [`intake`] is behind `import` and behind the capture gateway, so both do the same.

pub(crate) mod drafting;
pub(crate) mod gateway;
pub(crate) mod intake;
mod jobs;
mod originals;
pub(crate) mod outgoing;
pub(crate) mod problem;
mod queries;
mod rehearsal;
mod resolve;
mod rollback;
