//! The tree against vectors, against trees we did not write, and against bytes nobody should send.

mod decoders;
mod dense;
mod differential;
mod sample_log;
mod support;
mod tiles;
mod upstream_cases;
