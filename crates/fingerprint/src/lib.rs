//! Trace-element patterns as evidence: is this assay consistent with the declared origin?
//!
//! The rare earths from lanthanum to lutetium travel with ore and concentrate until chemical refining erases
//! them. This crate turns a pattern into evidence with stated strength, never into a verdict, and "not
//! assessable" with its reasons is a result of its own: start at [`check::check`].
//!
//! Nothing here reads a clock, a file or a socket. Floating point is allowed in this crate and in no other
//! of its layer, because nothing here decides whether a record may enter; every logarithm comes from `libm`,
//! so that all platforms agree to the bit.
#![no_std]

extern crate alloc;

pub mod attribution;
pub mod blend;
pub mod calibration;
pub mod campaign;
pub mod check;
pub mod contrast;
pub mod discriminant;
pub mod element;
pub mod embedding;
pub mod evidence;
pub mod lambdas;
pub mod ledger;
pub mod library;
pub mod linalg;
pub mod material;
pub mod pattern;
pub mod plot;
pub mod quality;
pub mod special;
pub mod steps;
pub mod student;
pub mod synthetic;
