//! The rules, one file per family. Each function judges one kind of statement and pushes what follows.

pub(crate) mod author;
pub(crate) mod commission;
pub(crate) mod composition;
pub(crate) mod credits;
pub(crate) mod governance;
pub(crate) mod handover;
pub(crate) mod observations;
pub(crate) mod quantities;
pub(crate) mod reference;
pub(crate) mod roster_form;
pub(crate) mod status;
pub(crate) mod transform;
pub(crate) mod values;
pub(crate) mod withdraw;
