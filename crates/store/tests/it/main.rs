//! What the store promises, told as statements about the world.

mod backup;
mod fault_disk;
mod faults;
mod ledger;
mod promise;
mod round_trip;
mod tamper;
mod torn;
