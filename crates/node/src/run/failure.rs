//! Why a node does not start, or ends.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ore_consensus::EngineError;
use ore_store::StoreError;

use crate::{
    consortium::ConsortiumError, keys::KeyError, publisher::PublishError, recovery::OpenError, tls::TlsError,
    witness::WitnessError,
};

/// Why a node did not start, or ended. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The trust root.
    #[error(transparent)]
    Consortium(#[from] ConsortiumError),
    /// The node's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The keys are not those that the trust root names for the member.
    #[error("the {what} key of {member} is not the one that the trust root names for it")]
    OtherKey {
        /// Which key.
        what: &'static str,
        /// Whose.
        member: String,
    },
    /// The TLS key cannot be used.
    #[error("links to other nodes")]
    Links(#[from] ore_peer::IdentityError),
    /// The ledger.
    #[error("open the ledger in {}", path.display())]
    Open {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: OpenError,
    },
    /// What this node has cosigned for other ledgers, or which they are.
    #[error("witness for other ledgers")]
    Witness(#[from] WitnessError),
    /// The log of queries.
    #[error("open the log of queries in {}", path.display())]
    Queries {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The folder of evidence.
    #[error("open the evidence in {}", path.display())]
    Evidence {
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("listen on {address}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The certificate of the members' port.
    #[error("TLS on the members' port")]
    Tls(#[from] TlsError),
    /// A thread cannot be started.
    #[error("start a thread for {what}")]
    Thread {
        /// What for.
        what: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The ordering engine does not start, or failed.
    #[error("ordering engine")]
    Engine(#[source] EngineError),
    /// The engine ended without a word: it panicked.
    #[error("the ordering thread ended unexpectedly")]
    EngineGone,
    /// Two bodies for one size: both are in the message, for keeping.
    #[error("checkpoints")]
    Publish(#[source] PublishError),
    /// Reflection cannot be set up: a defect of ours.
    #[error("reflection: {0}")]
    Reflection(String),
    /// The ledger could not be closed in order; nothing acknowledged is lost.
    #[error("close the ledger")]
    Close(#[source] StoreError),
    /// Stopping took longer than it may; nothing acknowledged is lost.
    #[error("the node did not stop within {0:?} and was cut off; nothing acknowledged is lost")]
    StopTimeout(Duration),
}
