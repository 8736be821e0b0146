//! Certificates: what a verifier who trusts nobody accepts and refuses.

use ed25519_dalek::{Signer, SigningKey};
use ore_consensus::{Certificate, CertificateFault, CommitSignature, ValidatorEntry, precommit_bytes};
use proptest::prelude::*;

use crate::ledger::{ORIGIN, entry, seed};

const MEMBERS: [&str; 4] = ["buyer", "mine", "refiner", "smelter"];

fn set() -> Vec<ValidatorEntry> {
    MEMBERS.map(entry).to_vec()
}

fn signature(member: &str, origin: &str, height: u64, round: u32, id: &[u8; 32]) -> CommitSignature {
    let key = SigningKey::from_bytes(&seed(member));
    let bytes = precommit_bytes(origin, height, round, id, member);
    CommitSignature {
        member: member.to_owned(),
        public_key: key.verifying_key().to_bytes(),
        signature: key.sign(&bytes).to_bytes(),
    }
}

fn certificate(members: &[&str]) -> Certificate {
    let id = [7; 32];
    let signatures = members.iter().map(|member| signature(member, ORIGIN, 9, 2, &id)).collect();
    Certificate { height: 9, round: 2, block_id: id, signatures }
}

#[test]
fn three_of_four_are_a_quorum_and_two_are_not() {
    certificate(&MEMBERS).verify(ORIGIN, &set()).unwrap();
    certificate(&MEMBERS[..3]).verify(ORIGIN, &set()).unwrap();
    certificate(&MEMBERS[..3]).verify_block(ORIGIN, &set(), 9, &[7; 32]).unwrap();
    let two = certificate(&MEMBERS[..2]).verify(ORIGIN, &set());
    assert_eq!(two, Err(CertificateFault::BelowQuorum { signed: 2, total: 4, height: 9 }));
    let none = certificate(&[]).verify(ORIGIN, &set());
    assert_eq!(none, Err(CertificateFault::BelowQuorum { signed: 0, total: 4, height: 9 }));
    // Exactly two thirds are not more than two thirds.
    let of_three = certificate(&MEMBERS[..2]).verify(ORIGIN, &set()[..3]);
    assert_eq!(of_three, Err(CertificateFault::BelowQuorum { signed: 2, total: 3, height: 9 }));
}

#[test]
fn a_forged_signature_spoils_it() {
    let mut forged = certificate(&MEMBERS);
    forged.signatures[1].signature[20] ^= 1;
    let fault = CertificateFault::BadSignature { member: "mine".into(), height: 9 };
    assert_eq!(forged.verify(ORIGIN, &set()), Err(fault));
}

#[test]
fn one_member_counts_once() {
    let mut twice = certificate(&MEMBERS[..2]);
    twice.signatures.push(twice.signatures[1].clone());
    let fault = CertificateFault::DuplicateSigner { member: "mine".into(), height: 9 };
    assert_eq!(twice.verify(ORIGIN, &set()), Err(fault));
}

#[test]
fn a_stranger_and_a_strange_key_are_named() {
    let stranger = certificate(&["buyer", "mine", "refiner", "trader"]);
    let fault = CertificateFault::UnknownSigner { member: "trader".into(), height: 9 };
    assert_eq!(stranger.verify(ORIGIN, &set()), Err(fault));
    let mut other_key = certificate(&MEMBERS);
    other_key.signatures[0].public_key = entry("trader").public_key;
    let fault = CertificateFault::OtherKey { member: "buyer".into(), height: 9 };
    assert_eq!(other_key.verify(ORIGIN, &set()), Err(fault));
}

#[test]
fn it_proves_one_block_at_one_height_in_one_round_on_one_ledger() {
    let good = certificate(&MEMBERS);
    let bad = |certificate: &Certificate| {
        matches!(certificate.verify(ORIGIN, &set()), Err(CertificateFault::BadSignature { .. }))
    };
    assert!(bad(&Certificate { block_id: [8; 32], ..good.clone() }));
    assert!(bad(&Certificate { height: 10, ..good.clone() }));
    assert!(bad(&Certificate { round: 3, ..good.clone() }));
    let elsewhere = good.verify("ledger.example/tungsten", &set());
    assert!(matches!(elsewhere, Err(CertificateFault::BadSignature { .. })));
    let other_block = good.verify_block(ORIGIN, &set(), 9, &[8; 32]);
    assert_eq!(other_block, Err(CertificateFault::OtherBlock { height: 9 }));
    let other_height = good.verify_block(ORIGIN, &set(), 8, &[7; 32]);
    assert_eq!(other_height, Err(CertificateFault::OtherHeight { wanted: 8, found: 9 }));
}

#[test]
fn a_set_that_is_empty_or_names_a_member_twice_proves_nothing() {
    let fault = Err(CertificateFault::UnusableSet { height: 9 });
    assert_eq!(certificate(&MEMBERS).verify(ORIGIN, &[]), fault);
    let doubled = [set(), set()].concat();
    assert_eq!(certificate(&MEMBERS).verify(ORIGIN, &doubled), fault);
}

#[test]
fn what_a_precommit_covers_is_these_bytes() {
    let mut expected = b"\0oreledger/vote/v1\0".to_vec();
    expected.extend_from_slice(&[0, 3]);
    expected.extend_from_slice(b"o/t");
    expected.push(2);
    expected.extend_from_slice(&[0, 0, 0, 0, 0, 0, 1, 2]);
    expected.extend_from_slice(&[0, 0, 0, 5]);
    expected.push(1);
    expected.extend_from_slice(&[0xAB; 32]);
    expected.extend_from_slice(&[0, 4]);
    expected.extend_from_slice(b"mine");
    assert_eq!(precommit_bytes("o/t", 258, 5, &[0xAB; 32], "mine"), expected);
}

#[test]
fn there_is_one_encoding_and_it_comes_back() {
    // As few as may be: with one more, a certificate cut short can still be one.
    let good = certificate(&MEMBERS[..3]);
    let bytes = good.encode();
    assert_eq!(Certificate::decode(&bytes).unwrap(), good);
    let unsorted = certificate(&["mine", "buyer", "refiner"]).encode();
    assert_eq!(Certificate::decode(&unsorted), Err(CertificateFault::NotCanonical));
    let mut unknown_field = bytes.clone();
    unknown_field.extend_from_slice(&[0x28, 1]);
    assert_eq!(Certificate::decode(&unknown_field), Err(CertificateFault::NotCanonical));
    for length in 0..bytes.len() {
        let cut = Certificate::decode(&bytes[..length]);
        assert!(cut.is_err() || cut.unwrap().verify(ORIGIN, &set()).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let read = Certificate::decode(&flipped);
        assert!(read.is_err() || read.unwrap().verify(ORIGIN, &set()).is_err(), "flipped {at}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(certificate) = Certificate::decode(&bytes) {
            prop_assert_eq!(certificate.encode(), bytes);
        }
    }
}
