//! Checkpoints: what a log promises about its tree, who signed it, and when that is enough.
//!
//! The C2SP formats signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof and
//! tlog-witness, over ed25519-dalek's strict verification. Nothing here reads a clock, a file or a
//! socket: a timestamp is an argument, a policy is a value. Reading order: [`note`], [`key`],
//! [`checkpoint`], [`cosignature`], [`policy`], [`proof_file`], [`witness`].
//!
//! ```
//! use ore_checkpoint::{Checkpoint, Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint, UnixSeconds};
//! use ore_merkle::{Levels, hash_leaf};
//!
//! let tree: Levels = [b"mined", b"moved"].map(|entry| hash_leaf(entry)).into_iter().collect();
//! let origin = KeyName::new("ledger.example/minerals")?;
//! let log = NoteSigner::new(origin.clone(), &[1; 32]);
//! let member = Cosigner::new(KeyName::new("member.example/cosigner")?, &[2; 32]);
//!
//! let checkpoint = Checkpoint::new(&origin, tree.size(), tree.root());
//! let time = UnixSeconds::new(1_767_225_600).ok_or("beyond 63 bits")?;
//! let lines = vec![log.sign(&checkpoint.to_text()), member.cosign(&checkpoint, time)];
//! let signed = SignedCheckpoint::new(checkpoint, lines)?;
//!
//! // Elsewhere, with nothing but the bytes and a policy:
//! let policy = Policy::k_of_n([log.verifier_key().clone()], [member.verifier_key().clone()], 1)?;
//! let believed = policy.check(&SignedCheckpoint::parse(signed.to_string().as_bytes())?)?;
//! assert_eq!(believed.checkpoint().root(), &tree.root());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

extern crate alloc;

pub mod checkpoint;
pub mod cosignature;
pub mod key;
pub mod note;
pub mod policy;
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
