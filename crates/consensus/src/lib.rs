//! The ordering engine behind one small trait.
//!
//! [`Application`] is what the ledger does, [`Engine`] is how it is run, [`Transport`] is where frames
//! go in and out, [`Certificate`] is what comes of it. The engine itself, Malachite BFT, is
//! named only inside `malachite_engine`; no type of it is public here.

mod application;
mod certificate;
mod device;
pub mod hub;
pub mod limits;
mod malachite_engine;
pub mod past;
mod progress;
mod signed_bytes;
mod transport;
pub mod turns;
mod wal_file;

pub use application::{
    Application, Candidate, DecidedBlock, Fatal, InvalidBlock, Misbehaviour, ProposedBlock, Standing,
};
pub use certificate::{Certificate, CertificateFault, CommitSignature, ValidatorEntry};
pub use device::LogDevice;
#[doc(hidden)]
pub use malachite_engine::danger_forge;
pub use malachite_engine::{
    Driver, Engine, EngineConfig, EngineError, Timeouts, signed_statements, tip_of_status,
};
pub use progress::{EngineState, Progress, Stall};
pub use signed_bytes::{BODY_CONTEXT, PROPOSAL_CONTEXT, VOTE_CONTEXT, precommit_bytes};
pub use transport::{FrameKind, Inbound, Outbound, Transport, TransportPeer};
pub use wal_file::WalError;
