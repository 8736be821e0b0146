//! A batch gives exactly the answers of one at a time, whatever is mixed into it.

use ore_record::{SignedRecord, batch, signature};
use proptest::prelude::*;

use crate::{
    arbitrary::Dice,
    samples,
    vectors::{Case, edge_cases, speccheck, wycheproof},
};

fn all_cases() -> Vec<Case> {
    edge_cases().into_iter().chain(wycheproof()).chain(speccheck()).collect()
}

fn answers(cases: &[&Case], entropy: [u8; 32]) -> Vec<bool> {
    let pending: Vec<_> = cases.iter().map(|case| case.pending()).collect();
    signature::many(&pending, entropy)
}

#[test]
fn every_case_alone_and_all_in_one_batch_get_the_single_answer() {
    let cases = all_cases();
    let single: Vec<bool> = cases.iter().map(Case::zip215).collect();
    let together: Vec<&Case> = cases.iter().collect();
    assert_eq!(answers(&together, [1; 32]), single);
    for (case, single) in cases.iter().zip(&single) {
        assert_eq!(answers(&[case], [2; 32]), [*single], "{}", case.name);
        // Four times itself: the smallest that goes through the batch equation.
        assert_eq!(answers(&[case; 4], [3; 32]), [*single; 4], "{}", case.name);
    }
}

#[test]
fn the_826_good_edge_cases_pass_as_one_batch_equation() {
    let cases = edge_cases();
    let good: Vec<&Case> = cases.iter().filter(|case| case.zip215()).collect();
    assert_eq!(good.len(), 826);
    for entropy in [[4; 32], [5; 32], [6; 32]] {
        assert!(answers(&good, entropy).into_iter().all(|good| good));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_mixture_of_edge_cases_gets_the_single_answers(size in 1usize..=64, seed: u64, entropy: [u8; 32]) {
        let cases = all_cases();
        let mut dice = Dice(seed);
        // Few bad ones among many good ones, as well as all kinds alike.
        let mostly_good = dice.below(2) == 0;
        let chosen: Vec<&Case> = (0..size)
            .map(|_| loop {
                let case = &cases[dice.below(cases.len() as u64) as usize];
                if !mostly_good || case.zip215() || dice.below(20) == 0 {
                    break case;
                }
            })
            .collect();
        let single: Vec<bool> = chosen.iter().map(|case| case.zip215()).collect();
        prop_assert_eq!(answers(&chosen, entropy), single);
    }

    #[test]
    fn records_in_a_batch_get_the_single_answers(size in 1usize..=40, seed: u64, entropy: [u8; 32]) {
        let mut dice = Dice(seed);
        let records: Vec<SignedRecord> = (0..size as u64).map(|number| damaged(number, &mut dice)).collect();
        let single: Vec<_> = records.iter().cloned().map(SignedRecord::verify).collect();
        prop_assert_eq!(batch::verify(records, entropy), single);
    }
}

/// A signed record; one in four with a foreign key, a flipped signature bit or another's signature.
fn damaged(number: u64, dice: &mut Dice) -> SignedRecord {
    let good = samples::signed(number);
    match dice.below(12) {
        0 => {
            let mut signature = good.signature().to_vec();
            signature[dice.below(64) as usize] ^= 1 << dice.below(8);
            SignedRecord::from_parts(good.bytes().to_vec(), signature).expect("still an entry")
        }
        1 => {
            SignedRecord::from_parts(good.bytes().to_vec(), samples::signed(number + 1).signature().to_vec())
                .expect("still an entry")
        }
        2 => {
            let mut record = good.record().clone();
            record.author_key = vec![2; dice.below(40) as usize];
            let bytes = prost::Message::encode_to_vec(&record);
            SignedRecord::from_parts(bytes, good.signature().to_vec()).expect("still an entry")
        }
        _ => good,
    }
}
