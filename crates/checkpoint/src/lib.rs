//! Checkpoints: signed notes, cosignatures, policies, proofs.
