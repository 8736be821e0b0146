//! Only a key of its own holder, for this member and this ledger, can be registered.

use curve25519_dalek::{constants::EIGHT_TORSION, edwards::CompressedEdwardsY};
use ore_record::{
    MemberId,
    keys::{BadKey, PublicKey},
};

use crate::samples::key;

const ORIGIN: &str = "ledger.example/tantalum";

fn member(id: &str) -> MemberId {
    MemberId::parse(id).expect("a slug")
}

#[test]
fn the_eight_points_of_small_order_are_refused() {
    for point in EIGHT_TORSION {
        assert_eq!(PublicKey::check(&point.compress().0), Err(BadKey::SmallOrder));
    }
}

#[test]
fn a_second_encoding_of_a_point_is_refused() {
    // y = p + 1, the identity again; y = p, a point of order four.
    for low_byte in [0xee, 0xed] {
        let mut bytes = [0xff; 32];
        bytes[0] = low_byte;
        bytes[31] = 0x7f;
        assert_eq!(PublicKey::check(&bytes), Err(BadKey::NotCanonical));
    }
    // x = 0 with the sign bit set.
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes[31] = 0x80;
    assert_eq!(PublicKey::check(&bytes), Err(BadKey::NotCanonical));
}

#[test]
fn a_key_with_a_component_of_small_order_is_refused() {
    let good = CompressedEdwardsY(*key(1).public().as_bytes()).decompress().expect("a point");
    for torsion in &EIGHT_TORSION[1..] {
        assert_eq!(PublicKey::check(&(good + torsion).compress().0), Err(BadKey::NotTorsionFree));
    }
    assert!(PublicKey::check(&good.compress().0).is_ok());
}

#[test]
fn what_is_no_point_or_not_32_bytes_is_refused() {
    let mut bytes = [0; 32];
    bytes[0] = 2;
    assert_eq!(PublicKey::check(&bytes), Err(BadKey::NotAPoint));
    assert_eq!(PublicKey::check(&[1; 31]), Err(BadKey::Length(31)));
    assert_eq!(PublicKey::check(&[]), Err(BadKey::Length(0)));
}

#[test]
fn possession_is_for_one_member_one_ledger_and_one_key() {
    let proof = key(1).prove_possession(ORIGIN, &member("mine-a"));
    let public = key(1).public();
    assert_eq!(public.check_possession(ORIGIN, &member("mine-a"), &proof), Ok(()));
    let refused = Err(BadKey::NoPossession);
    assert_eq!(public.check_possession(ORIGIN, &member("mine-b"), &proof), refused);
    assert_eq!(public.check_possession("ledger.example/tin", &member("mine-a"), &proof), refused);
    assert_eq!(key(2).public().check_possession(ORIGIN, &member("mine-a"), &proof), refused);
    assert_eq!(public.check_possession(ORIGIN, &member("mine-a"), &proof[..63]), refused);
    for bit in 0..512 {
        let mut bad = proof;
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(public.check_possession(ORIGIN, &member("mine-a"), &bad), refused, "bit {bit}");
    }
}

#[test]
fn a_record_signature_is_no_proof_of_possession() {
    let proof = key(1).prove_possession(ORIGIN, &member("mine-a"));
    let mut bytes = ORIGIN.as_bytes().to_vec();
    bytes.extend_from_slice(b"\0mine-a\0");
    bytes.extend_from_slice(key(1).public().as_bytes());
    assert_ne!(key(1).sign_record(&bytes), proof);
}

#[test]
fn names_are_what_they_claim_to_be() {
    for good in ["ab", "mine-a", "a0", &"a".repeat(32)] {
        assert!(MemberId::parse(good).is_ok(), "{good}");
    }
    for bad in ["", "a", "A1", "1a", "-a", "mine_a", "mine a", "mine/a", "miné", &"a".repeat(33)] {
        assert!(MemberId::parse(bad).is_err(), "{bad}");
    }
    let lot = ore_record::LotId::parse("mine-a/L_2026.01-7").expect("a lot");
    assert_eq!((lot.member(), lot.as_str()), ("mine-a", "mine-a/L_2026.01-7"));
    for bad in ["mine-a", "mine-a/", "/L", "mine-a/a b", "mine-a/a/b", "M/1", "mine-a/鉱"] {
        assert!(ore_record::LotId::parse(bad).is_err(), "{bad}");
    }
}
