//! What the store promises, told as statements about the world.

#![allow(unreachable_pub, reason = "modules of one test program")]

mod backup;
mod fault_disk;
mod faults;
mod ledger;
mod promise;
mod round_trip;
mod tamper;
mod torn;
