//! What holds for records, as statements about the world.

mod arbitrary;
mod batches;
mod canonical;
mod confidential;
mod keys;
mod quantities;
mod samples;
mod vectors;
