//! A receipt stands by itself, and only unaltered.

use ore_tests::ledger::{story, trust_root};
use ore_verify::{ReceiptFault, TrustRoot, verify_receipt};

#[test]
fn a_receipt_convinces_whoever_holds_the_trust_root() {
    let ledger = story();
    for leaf in 0..ledger.size() {
        let report = verify_receipt(ledger.receipt_file(leaf).as_bytes(), None, &trust_root())
            .expect("a good receipt");
        assert_eq!((report.leaf_index, report.tree_size), (leaf, ledger.size()));
        assert!(report.strict);
    }
}

#[test]
fn no_receipt_survives_a_flipped_bit() {
    let receipt = story().receipt_file(5).into_bytes();
    for at in 0..receipt.len() {
        for bit in 0..8 {
            let mut altered = receipt.clone();
            altered[at] ^= 1 << bit;
            let result = verify_receipt(&altered, None, &trust_root());
            assert!(result.is_err(), "bit {bit} of byte {at} may be flipped: {result:?}");
        }
    }
}

#[test]
fn a_receipt_of_another_ledger_is_named() {
    let receipt = story().receipt_file(5).into_bytes();
    let trust = TrustRoot { origin: "other.example/ta".into(), ..trust_root() };
    let fault = verify_receipt(&receipt, None, &trust).expect_err("another ledger");
    assert!(matches!(fault, ReceiptFault::Origin { .. }), "{fault}");
}
