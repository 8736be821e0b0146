//! One node: it admits records, gives them their order, makes them durable, publishes and answers.
//!
//! Reading order: [`run`] (the only file that spawns), [`admission`], [`pool`], [`sequencer`], [`draft`],
//! [`publisher`], then the services. [`config`] and [`consortium`] are what an operator writes; [`genesis`]
//! makes a new ledger.

pub mod access;
pub mod admin;
pub mod admission;
pub mod audit_index;
pub mod block;
pub mod config;
pub mod consortium;
pub mod deciders;
pub mod draft;
pub mod faults;
pub mod gather;
pub mod genesis;
pub mod gossip;
pub mod health;
pub mod http;
mod http_audit;
mod http_desk;
mod http_epcis;
mod http_fingerprint;
mod http_untp;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod metrics;
pub mod neighbours;
pub mod outcome;
mod pages;
pub mod pool;
pub mod port;
mod posting;
pub mod publisher;
pub mod query_log;
pub mod recovery;
pub mod run;
pub mod sequencer;
pub mod services;
pub mod telemetry;
pub mod terms;
pub mod tls;
pub mod traces;
pub mod trial;
pub mod witness;

pub use config::{Config, ConfigErrors};
pub use consortium::{Consortium, ConsortiumError, TrustedValidator};
pub use genesis::Genesis;
pub use keys::NodeKeys;
pub use run::{Node, NodeError, Shutdown, run};
