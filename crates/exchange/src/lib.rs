//! Documents in and out: JSON Lines and CSV.
