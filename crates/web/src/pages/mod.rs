//! One file a page.

pub(crate) mod ledger;
pub(crate) mod session;
