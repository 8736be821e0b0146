//! The command as people use it: run as a process, judged by its streams and its exit code.

mod capture;
mod demo;
mod epcis;
mod fingerprint;
mod help;
mod keys;
mod recount;
mod submit;
mod support;
