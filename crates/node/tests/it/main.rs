//! A node on loopback, as a member, an auditor and an operator meet it.

mod access;
mod audit;
mod auditor;
mod board;
mod config;
mod crash;
mod crowd;
mod draft;
mod epcis;
mod fingerprint;
mod gather;
mod long;
mod lying;
mod operate;
mod pages;
mod quorum;
mod read;
mod submit;
mod tls;
mod untp;
mod witness;
mod world;
