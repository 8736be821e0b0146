//! Provenance: which part of this metal came from where.
