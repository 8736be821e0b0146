//! Receipts: what a reader is told, and that nothing altered convinces.

use ore_checkpoint::{BadProofFile, PROOF_HEADER, ProofCheck, ProofFailure, TlogProof};
use ore_merkle::hash_leaf;
use proptest::prelude::*;

use crate::support::{entry, receipt, three_of_four};

#[test]
fn a_receipt_lists_what_was_checked_in_order() {
    let receipt = receipt(4, 11, &[1, 2, 3], None);
    let verified = receipt.verify(&entry(4), &three_of_four()).unwrap();
    let said: Vec<String> = verified.checks().iter().map(ToString::to_string).collect();
    assert_eq!(said[0], "checkpoint is signed by log ledger.example/minerals");
    assert_eq!(said[1], "quorum is satisfied: 3 of 4 witnesses cosigned");
    assert!(said[2].starts_with("entry has leaf hash "));
    assert!(said[3].starts_with("leaf 4 is in the tree of 11 leaves with root "));
    let by_hash = receipt.verify_leaf(hash_leaf(&entry(4)), &three_of_four()).unwrap();
    assert!(!by_hash.checks().iter().any(|check| matches!(check, ProofCheck::LeafHash { .. })));
    assert_eq!(by_hash.checks().len(), 3);
}

#[test]
fn a_receipt_names_the_check_that_failed() {
    let policy = three_of_four();
    let too_few = receipt(4, 11, &[1, 2], None).verify(&entry(4), &policy);
    assert!(matches!(too_few, Err(ProofFailure::Policy(_))));
    let other_entry = receipt(4, 11, &[1, 2, 3], None).verify(&entry(5), &policy);
    assert!(matches!(other_entry, Err(ProofFailure::Inclusion(_))));
}

#[test]
fn extra_data_travels_but_is_not_authenticated() {
    for extra in [b"".as_slice(), b"salt", &[0xff; 1000]] {
        let with_extra = receipt(4, 11, &[1, 2, 3], Some(extra));
        let read = TlogProof::parse(with_extra.to_string().as_bytes()).unwrap();
        assert_eq!(read, with_extra);
        assert_eq!(read.unauthenticated_extra(), Some(extra));
        assert!(read.verify(&entry(4), &three_of_four()).is_ok());
    }
    assert_eq!(receipt(4, 11, &[1], None).unauthenticated_extra(), None);
}

#[test]
fn a_malformed_receipt_says_what_is_wrong() {
    let good = receipt(2, 3, &[1], None).to_string();
    let hash_line = good.lines().nth(2).unwrap().to_owned();
    for (file, error) in [
        (String::new(), BadProofFile::NoCheckpoint),
        (good.replace("@v1", "@v2"), BadProofFile::Header),
        (good.replacen('\n', "\n\n", 1), BadProofFile::Index),
        (good.replace("index 2", "index 02"), BadProofFile::Index),
        (good.replace("index 2", "indx 2"), BadProofFile::Index),
        (good.replace("index 2", "extra ?\nindex 2"), BadProofFile::Extra),
        (good.replace("index 2", "index 2\nextra AAAA"), BadProofFile::PathLine(1)),
        (good.replace("index 2", "extra AAAA\nextra AAAA\nindex 2"), BadProofFile::Index),
        (good.replace(&hash_line, &hash_line[4..]), BadProofFile::PathLine(1)),
        (good.replace(&hash_line, &[hash_line.as_str(); 66].join("\n")), BadProofFile::PathTooLong),
    ] {
        assert_eq!(TlogProof::parse(file.as_bytes()), Err(error), "{file}");
    }
    assert!(matches!(TlogProof::parse(good.trim_end().as_bytes()), Err(BadProofFile::Checkpoint(_))));
    assert!(good.starts_with(PROOF_HEADER));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flipped_bit_anywhere_in_the_file_never_convinces(at in any::<usize>(), bit in 0_u32..8) {
        // Exactly the quorum, so that a cosignature turned into a stranger's line is missed as well.
        let good = receipt(4, 11, &[1, 2, 3], None);
        let policy = three_of_four();
        let mut file = good.to_string().into_bytes();
        let at = at % file.len();
        file[at] ^= 1 << bit;
        if let Ok(altered) = TlogProof::parse(&file) {
            prop_assert!(altered.verify(&entry(4), &policy).is_err(), "byte {} bit {}", at, bit);
        }
    }

    #[test]
    fn a_flipped_bit_in_the_entry_never_convinces(at in any::<usize>(), bit in 0_u32..8) {
        let mut altered = entry(4);
        let at = at % altered.len();
        altered[at] ^= 1 << bit;
        prop_assert!(receipt(4, 11, &[1, 2, 3], None).verify(&altered, &three_of_four()).is_err());
    }
}
