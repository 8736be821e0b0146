//! Checkpoints: what a log promises about its tree, who signed it, and when that is enough.
//!
//! The C2SP formats signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof and
//! tlog-witness, over ed25519-dalek's strict verification. Nothing here reads a clock, a file or a
//! socket: a timestamp is an argument, a policy is a value. Reading order: [`note`], [`key`],
//! [`checkpoint`], [`cosignature`], [`policy`], [`proof_file`], [`witness`].
#![no_std]

extern crate alloc;

pub mod checkpoint;
pub mod cosignature;
pub mod key;
pub mod note;
pub mod policy;
mod policy_parse;
pub mod proof_file;
mod text;
pub mod witness;

pub use checkpoint::{BadCheckpoint, Checkpoint, SignedCheckpoint};
pub use cosignature::{Cosigner, UnixSeconds};
pub use key::{
    BadKey, BadPrivateKey, BadSignature, KeyId, KeyName, KeyType, NoteSigner, SignatureStatement, VerifierKey,
};
pub use note::{
    AmbiguousKey, MAX_NOTE_BYTES, MAX_SIGNATURES, MalformedNote, Note, NoteFailure, SignatureLine,
    VerifiedNote, VerifierSet,
};
pub use policy::{
    Cosigned, GroupDefinition, LogDefinition, Policy, PolicyError, PolicyErrorKind, PolicyFailure,
    PolicyName, VerifiedCheckpoint, WitnessDefinition, byzantine_quorum,
};
pub use proof_file::{BadProofFile, PROOF_HEADER, ProofCheck, ProofFailure, TlogProof, VerifiedProof};
pub use witness::{AddCheckpointRequest, BadAddCheckpoint, BadCosignatureResponse, RequestInconsistent};
