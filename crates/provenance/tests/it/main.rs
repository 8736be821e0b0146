//! Statements about provenance.
