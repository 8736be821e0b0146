//! The offline verifier: nothing here asks a node anything.
//!
//! A receipt shows that one record is in the ledger; a bundle shows the origin of a lot's metal.
//! Every check has a name and stands in the order in which it is made; the first that fails ends
//! the verification and says what was wrong and where. Read [`bundle`] first.
#![no_std]

extern crate alloc;

pub mod build;
pub mod bundle;
pub mod claim;
pub mod evidence;
pub mod handover;
pub mod multiproof;
pub mod promise;
pub mod receipt;
pub mod recount;
pub mod trail;
pub mod votes;
mod wide;

use alloc::string::String;

use ore_checkpoint::Policy;

pub use bundle::{BundleFault, BundleReport, Check, CheckDone, verify_bundle};
pub use evidence::{BadEvidence, Evidence, NotProven, Proven};
pub use handover::{Handover, HandoverFault, Turnover, follow};
pub use promise::{BadPromise, InclusionPromise, SignedPromise};
pub use receipt::{ReceiptFault, ReceiptReport, verify_receipt};

/// What a verifier takes on trust, and nothing else: it comes from `consortium.toml`, not from a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRoot {
    /// Origin of the ledger.
    pub origin: String,
    /// Block id of the genesis block.
    pub genesis: [u8; 32],
    /// Whose signatures make a checkpoint (C2SP tlog-policy).
    pub policy: Policy,
}
