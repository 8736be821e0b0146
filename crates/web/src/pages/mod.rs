//! One file a page.

pub(crate) mod ledger;
pub(crate) mod lot;
pub(crate) mod lots;
pub(crate) mod parts;
pub(crate) mod session;
