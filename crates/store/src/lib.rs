//! The record log, the view in sled, and fsck.
