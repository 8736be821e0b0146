//! UNTP 0.7.0 (UN/CEFACT, released 4 May 2026): what the ledger knows, as documents that others read.
//!
//! Facts in, JSON out: nothing here reads a clock, a file or a socket, and nothing is in a document that
//! is not in the facts. Out: product passports, traceability events, facility records, as credentials in
//! an enveloping JOSE, with DID documents and status lists. In: passports of 0.6 and 0.7 and conformity
//! credentials, as draft records that say what the document lacked.

pub mod did;
pub mod event;
pub mod facility;
pub mod import;
pub mod jose;
pub mod names;
mod number;
pub mod passport;
pub mod place;
mod shape;
pub mod status;
mod time;

/// The first context of every credential.
pub const CREDENTIALS_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
/// The context of UNTP 0.7.0.
pub const UNTP_CONTEXT: &str = "https://vocabulary.uncefact.org/untp/0.7.0/context/";
