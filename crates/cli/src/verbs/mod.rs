//! One file per verb.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod bundle;
pub(crate) mod claims;
pub(crate) mod demo;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod findings;
pub(crate) mod fingerprint;
pub(crate) mod found;
pub(crate) mod fsck;
pub(crate) mod generate;
pub(crate) mod governance;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod lot;
pub(crate) mod node;
pub(crate) mod passport;
pub(crate) mod peers;
pub(crate) mod receipt;
pub(crate) mod share;
pub(crate) mod sign;
pub(crate) mod submit;
pub(crate) mod trace;
pub(crate) mod verify;
