//! One file a page.

pub(crate) mod assays;
pub(crate) mod balance;
pub(crate) mod circularity;
pub(crate) mod custody;
pub(crate) mod dependence;
pub(crate) mod findings;
pub(crate) mod journey;
pub(crate) mod ledger;
pub(crate) mod lot;
pub(crate) mod lots;
pub(crate) mod origin;
pub(crate) mod parts;
pub(crate) mod passport;
pub(crate) mod recall;
pub(crate) mod record;
pub(crate) mod session;
