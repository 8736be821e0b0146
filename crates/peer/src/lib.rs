//! Links between the nodes of one ledger: mutual TLS with pinned keys, lanes, quotas, reconnection.
//!
//! The engine's frames come from and go to an [`ore_consensus::TransportPeer`]; what else nodes tell each
//! other goes through a [`Side`]. Nothing here believes what it carries: it authenticates who sent it,
//! bounds how much, and passes it on.

mod assembly;
mod directory;
mod lanes;
pub mod limits;
mod link;
mod links;
mod network;
mod quota;
mod side;
mod tls;

pub use assembly::BadPart;
pub use directory::{Directory, Welcome};
pub use limits::Quota;
pub use link::{Greeting, LinkFault};
pub use links::{LinkReport, Links};
pub use network::{Network, Settings};
pub use side::{Side, SideFrame, SidePeer};
pub use tls::{IdentityError, IdentityFault, TlsIdentity};

/// Generated from `proto/oreledger/peer/v1/peer.proto`; the comments there are their documentation.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/oreledger.peer.v1.rs"));
}
