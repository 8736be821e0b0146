//! Where the vectors are, and small trees to try things on.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use ore_merkle::{LeafHash, Levels, hash_leaf};
use proptest::prelude::*;
use serde_json::Value;

pub(crate) fn vector_path(name: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../../tests/vectors/transparency").join(name)
}

pub(crate) fn vector_bytes(name: &str) -> Vec<u8> {
    let path = vector_path(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

pub(crate) fn vector_json(name: &str) -> Value {
    serde_json::from_slice(&vector_bytes(name)).expect("vector file is JSON")
}

/// Bytes of a base64 string; null and absent are no bytes, as Go writes them.
pub(crate) fn base64_of(value: &Value) -> Vec<u8> {
    Base64::decode_vec(value.as_str().unwrap_or_default()).expect("vector is base64")
}

pub(crate) fn hex_of(value: &Value) -> [u8; 32] {
    let bytes = hex::decode(value.as_str().expect("vector is a string")).expect("vector is hex");
    bytes.try_into().expect("vector is 32 bytes")
}

pub(crate) fn u64_of(value: &Value) -> u64 {
    value.as_u64().expect("vector is a 64-bit number")
}

/// The leaf of entry `n` in trees made up for a test.
pub(crate) fn leaf(n: u64) -> LeafHash {
    hash_leaf(&entry(n))
}

pub(crate) fn entry(n: u64) -> Vec<u8> {
    format!("entry {n}").into_bytes()
}

pub(crate) fn tree_of(size: u64) -> Levels {
    (0..size).map(leaf).collect()
}

/// A tree size and a leaf index below it.
pub(crate) fn size_and_index(max: u64) -> impl Strategy<Value = (u64, u64)> {
    (1..=max).prop_flat_map(|size| (Just(size), 0..size))
}

/// Two tree sizes, the first at least 1 and not above the second.
pub(crate) fn two_sizes(max: u64) -> impl Strategy<Value = (u64, u64)> {
    (1..=max).prop_flat_map(|second| (1..=second, Just(second)))
}
