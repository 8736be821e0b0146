//! Engine messages survive their encoding, and arbitrary bytes are refused without panic.
