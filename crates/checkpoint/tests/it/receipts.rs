//! Receipts: what a reader is told, and that nothing altered convinces.

use ore_checkpoint::{BadProofFile, PROOF_HEADER, ProofCheck, ProofFailure, TlogProof};
use ore_merkle::hash_leaf;

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

#[test]
fn no_flipped_bit_anywhere_in_the_file_convinces() {
    // Exactly the quorum, so that a cosignature turned into a stranger's line is missed as well.
    let good = receipt(4, 11, &[1, 2, 3], None).to_string().into_bytes();
    let policy = three_of_four();
    let mut well_formed = 0;
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        if let Ok(altered) = TlogProof::parse(&file) {
            well_formed += 1;
            assert!(altered.verify(&entry(4), &policy).is_err(), "bit {bit}");
        }
    }
    assert!(well_formed > 1000, "most damage is only seen by the checks themselves: {well_formed}");
}

#[test]
fn no_flipped_bit_in_the_entry_convinces() {
    let (receipt, policy, good) = (receipt(4, 11, &[1, 2, 3], None), three_of_four(), entry(4));
    assert!(receipt.verify(&good, &policy).is_ok());
    for bit in 0..good.len() * 8 {
        let mut altered = good.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(receipt.verify(&altered, &policy), Err(ProofFailure::Inclusion(_))), "bit {bit}");
    }
}
