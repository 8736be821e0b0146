//! Where the vectors are, and a small log with witnesses to try things on.

use std::path::PathBuf;

use ore_checkpoint::{
    Checkpoint, Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint, TlogProof, UnixSeconds, VerifierKey,
};
use ore_merkle::{LeafIndex, Levels, TreeSize, hash_leaf};
use serde_json::Value;

pub(crate) const LOG: &str = "tlog-log-sample/independent-600";
pub(crate) const NOON: u64 = 1_767_225_600;

pub(crate) fn vector_bytes(name: &str) -> Vec<u8> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = here.join("../../tests/vectors/transparency").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

pub(crate) fn vector_text(name: &str) -> String {
    String::from_utf8(vector_bytes(name)).expect("vector is UTF-8")
}

pub(crate) fn vector_json(name: &str) -> Value {
    serde_json::from_slice(&vector_bytes(name)).expect("vector file is JSON")
}

pub(crate) fn vector_key(name: &str) -> VerifierKey {
    vector_text(name).trim_end().parse().expect("vector is a verifier key")
}

pub(crate) fn signed(name: &str) -> SignedCheckpoint {
    SignedCheckpoint::parse(&vector_bytes(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// Entry `n` of the independent log.
pub(crate) fn entry(n: u64) -> Vec<u8> {
    let event = ["MINED", "SMELTED", "REFINED", "SPUTTERED", "RECYCLED"][(n % 5) as usize];
    format!("{{\"seq\":{n},\"lot\":\"LOT-{n:06}\",\"event\":\"{event}\"}}").into_bytes()
}

pub(crate) fn tree_of(size: u64) -> Levels {
    (0..size).map(|n| hash_leaf(&entry(n))).collect()
}

pub(crate) fn name(name: &str) -> KeyName {
    KeyName::new(name).expect("a plain name")
}

pub(crate) fn log_signer() -> NoteSigner {
    NoteSigner::new(name("ledger.example/minerals"), &[0x11; 32])
}

pub(crate) fn cosigner(number: u8) -> Cosigner {
    Cosigner::new(name(&format!("member{number}.example/cosigner")), &[0x30 + number; 32])
}

pub(crate) fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds).expect("within 63 bits")
}

/// A checkpoint of the tree of `size` entries, signed by the log and cosigned by these members.
pub(crate) fn checkpoint_by(size: u64, members: &[u8]) -> SignedCheckpoint {
    let checkpoint =
        Checkpoint::new(&name("ledger.example/minerals"), TreeSize::new(size), tree_of(size).root());
    let mut lines = vec![log_signer().sign(&checkpoint.to_text())];
    lines.extend(members.iter().map(|member| cosigner(*member).cosign(&checkpoint, at(NOON))));
    SignedCheckpoint::new(checkpoint, lines).expect("a few lines")
}

/// The log, four members, three of whom must have cosigned.
pub(crate) fn three_of_four() -> Policy {
    let members = (1..=4).map(|member| cosigner(member).verifier_key().clone());
    Policy::k_of_n([log_signer().verifier_key().clone()], members, 3).expect("a sound policy")
}

/// A receipt for entry `index` in the tree of `size`, cosigned by these members.
pub(crate) fn receipt(index: u64, size: u64, members: &[u8], extra: Option<&[u8]>) -> TlogProof {
    let path = tree_of(size).prove_inclusion(LeafIndex::new(index), TreeSize::new(size)).unwrap();
    let extra = extra.map(<[u8]>::to_vec);
    TlogProof::new(LeafIndex::new(index), path, checkpoint_by(size, members), extra).unwrap()
}
