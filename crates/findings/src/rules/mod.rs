//! The rules, a file for each family.

pub(crate) mod assay;
pub(crate) mod claims;
pub(crate) mod letters;
mod mines;
pub(crate) mod origin;
pub(crate) mod recovery;
pub(crate) mod signature;
pub(crate) mod stock;
pub(crate) mod tamper;
pub(crate) mod time;
pub(crate) mod trace;
