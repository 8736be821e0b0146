//! Notes, checkpoints, policies and receipts against vectors, another implementation, and noise.

mod decoders;
mod differential;
mod notes;
mod policies;
mod receipts;
mod sample_log;
mod support;
mod witnesses;
