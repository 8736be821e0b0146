//! A bundle proves where the metal came from, and every way of bending it is caught and named.

use ore_record::v1::{self, Bundle, LotStatus};
use ore_tests::ledger::{Ledger, new_lot, story, transform, trust_root};
use ore_verify::{
    BundleFault, Check, TrustRoot, bundle::Fault, claim::ClaimFault, recount::ShareFault, trail::TrailFault,
    verify_bundle,
};
use prost::Message;

const TA: u8 = 73;

fn good() -> (Ledger, Bundle) {
    let ledger = story();
    let bundle = ledger.bundle_of(ledger.claim("maker/T2", TA));
    (ledger, bundle)
}

fn verify(bundle: &Bundle) -> Result<(), BundleFault> {
    verify_bundle(&bundle.encode_to_vec(), &trust_root()).map(drop)
}

#[track_caller]
fn fails(bundle: &Bundle, check: Check) -> Fault {
    let fault = verify(bundle).expect_err("the bundle was bent");
    assert_eq!(fault.check, check, "{fault}");
    *fault.fault
}

#[test]
fn a_second_generation_target_is_traced_to_both_mines() {
    let ledger = story();
    let report = verify_bundle(&ledger.bundle_file("maker/T2", TA), &trust_root()).expect("a good bundle");
    assert_eq!(report.checks.len(), 11, "every check was made");
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
    let mut shares: Vec<(&str, u32, u64)> = report
        .claim
        .shares
        .iter()
        .map(|share| (share.source.as_str(), share.generation, share.value))
        .collect();
    shares.sort_unstable();
    // 1000 kg at 30 % and 500 kg at 20 %: three quarters from mine A. 6.3 kg of 12.3 kg was recycled once.
    let one = 1_000_000_000_000_000_000_u128;
    let part =
        |numerator: u128, denominator: u128| u64::try_from(one * numerator / denominator).expect("below one");
    let expected = [
        ("mine-a/pit", 0, part(3 * 60, 4 * 123)),
        ("mine-a/pit", 1, part(3 * 63, 4 * 123)),
        ("mine-b/pit", 0, part(60, 4 * 123)),
        ("mine-b/pit", 1, part(63, 4 * 123)),
    ];
    for (found, expected) in shares.iter().zip(expected) {
        assert_eq!((found.0, found.1), (expected.0, expected.1));
        assert!(found.2.abs_diff(expected.2) <= 1, "{found:?} is not {expected:?}");
    }
}

#[test]
fn a_by_product_has_the_shares_of_its_own_element() {
    let ledger = story();
    let report = verify_bundle(&ledger.bundle_file("refiner/N1", 41), &trust_root()).expect("a good bundle");
    // 1000 kg at 10 % and 500 kg at 20 % niobium: half and half, where tantalum is three to one.
    for share in &report.claim.shares {
        assert_eq!(share.value, 500_000_000_000_000_000);
    }
}

#[test]
fn scrap_without_history_is_recycled_and_counts_its_first_generation_when_it_is() {
    let mut ledger = story();
    let lot = v1::NewLot {
        material: v1::MaterialClass::Scrap.into(),
        ..new_lot("maker/S1", "maker/plant", "10 kg", &[("Ta", "90 %")])
    };
    let collected = v1::Commission {
        kind: v1::CommissionKind::CollectedScrap.into(),
        lot: Some(lot),
        scrap_class: v1::RecyclingClass::PostConsumer.into(),
        ..v1::Commission::default()
    };
    ledger.must("maker", collected);
    let recycling = v1::Transform {
        recycling_class: v1::RecyclingClass::PostConsumer.into(),
        ..transform(
            v1::Process::Recycling,
            "maker/plant",
            &[("maker/S1", "10 kg")],
            vec![new_lot("maker/S2", "maker/plant", "8.9 kg", &[("Ta", "99.9 %")])],
        )
    };
    ledger.must("maker", recycling);
    ledger.seal();
    for (lot, generation) in [("maker/S1", 0), ("maker/S2", 1)] {
        let report =
            verify_bundle(&ledger.bundle_file(lot, TA), &trust_root()).expect("engine and recount agree");
        let [share] = &report.claim.shares[..] else { panic!("one origin: {:?}", report.claim.shares) };
        assert_eq!((share.generation, share.route()), (generation, v1::Route::PostConsumer), "{lot}");
    }
}

#[test]
fn no_flipped_bit_in_any_byte_goes_unnoticed() {
    let file = story().bundle_file("maker/T2", TA);
    let mut caught = std::collections::BTreeMap::<&str, usize>::new();
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 1 << (at % 8);
        let fault = verify_bundle(&altered, &trust_root()).expect_err(&format!("byte {at} may be flipped"));
        *caught.entry(fault.check.name()).or_default() += 1;
    }
    assert!(caught.len() >= 5, "flips are caught by the check that is concerned: {caught:?}");
}

#[test]
fn a_shortened_or_lengthened_file_is_no_bundle() {
    let file = story().bundle_file("maker/T2", TA);
    for length in (0..file.len()).step_by(7) {
        assert!(verify_bundle(&file[..length], &trust_root()).is_err(), "{length} bytes suffice");
    }
    let mut longer = file;
    longer.extend([0xfa, 0x01, 0x01, 0x00]);
    let fault = verify_bundle(&longer, &trust_root()).expect_err("trailing bytes");
    assert_eq!(fault.check, Check::File);
}

#[test]
fn a_false_share_is_recounted() {
    let (ledger, _) = good();
    let mut claim = ledger.claim("maker/T2", TA);
    let moved = 10_000_000;
    claim.shares[0].value -= moved;
    claim.shares[0].lower = 0;
    claim.shares[1].value += moved;
    claim.shares[1].upper = 1_000_000_000_000_000_000;
    let fault = fails(&ledger.bundle_of(claim), Check::Shares);
    assert!(matches!(fault, Fault::Shares(ShareFault::Differs { .. })), "{fault}");
}

#[test]
fn shares_that_are_no_whole_or_leave_their_interval_are_named() {
    let ledger = story();
    let mut claim = ledger.claim("maker/T2", TA);
    claim.shares[0].value -= 1;
    let fault = fails(&ledger.bundle_of(claim), Check::Shares);
    assert!(matches!(fault, Fault::Shares(ShareFault::NotOne { .. })), "{fault}");

    let mut claim = ledger.claim("maker/T2", TA);
    claim.shares[0].lower += 2;
    let fault = fails(&ledger.bundle_of(claim), Check::Shares);
    assert!(matches!(fault, Fault::Shares(ShareFault::OutsideInterval { .. })), "{fault}");
}

#[test]
fn an_interval_that_was_widened_is_not_what_the_node_signed() {
    let (_, mut bundle) = good();
    bundle.claim.as_mut().expect("a claim").shares[0].lower -= 1;
    let fault = fails(&bundle, Check::Claim);
    assert!(matches!(fault, Fault::Claim(ClaimFault::AnotherClaim)), "{fault}");
}

#[test]
fn an_origin_renamed_or_left_out_is_named() {
    let ledger = story();
    let mut claim = ledger.claim("maker/T2", TA);
    claim.shares[0].country = "AU".into();
    let fault = fails(&ledger.bundle_of(claim), Check::Shares);
    assert!(matches!(fault, Fault::Shares(ShareFault::Differs { .. })), "{fault}");

    let mut claim = ledger.claim("maker/T2", TA);
    let gone = claim.shares.pop().expect("four shares");
    claim.shares[0].value += gone.value;
    claim.shares[0].upper = claim.shares[0].value;
    let fault = fails(&ledger.bundle_of(claim), Check::Shares);
    assert!(matches!(fault, Fault::Shares(ShareFault::Differs { .. })), "{fault}");
}

#[test]
fn a_dropped_record_breaks_the_proof_and_a_fitting_proof_shows_the_gap() {
    let (ledger, whole) = good();
    let mut bundle = whole.clone();
    bundle.entries.remove(0);
    fails(&bundle, Check::Inclusion);

    // Somebody who can make a proof for the remaining entries still cannot hide the gap.
    for at in 0..whole.entries.len() - 1 {
        let mut bundle = whole.clone();
        bundle.entries.remove(at);
        prove_again(&ledger, &mut bundle);
        let fault = *verify(&bundle).expect_err("a record is missing").fault;
        assert!(matches!(fault, Fault::Trail(TrailFault::MissingRecord { .. })), "entry {at}: {fault}");
    }
}

#[test]
fn a_record_that_the_trail_does_not_need_is_refused() {
    let (ledger, mut bundle) = good();
    let have: Vec<u64> = bundle.entries.iter().map(|entry| entry.leaf_index).collect();
    let stray = (0..ledger.size()).find(|leaf| {
        let signed = ore_record::SignedRecord::decode(&ledger.entries()[*leaf as usize]).expect("ours");
        !have.contains(leaf) && matches!(signed.event(), v1::record::Event::RegisterFacility(_))
    });
    let leaf_index = stray.expect("registrations are not on the trail");
    let entry = ledger.entries()[leaf_index as usize].clone();
    bundle.entries.push(v1::BundleEntry { leaf_index, entry });
    bundle.entries.sort_by_key(|entry| entry.leaf_index);
    prove_again(&ledger, &mut bundle);
    let fault = fails(&bundle, Check::Trail);
    assert!(matches!(fault, Fault::Trail(TrailFault::NotOnTrail { .. })), "{fault}");
}

#[test]
fn swapped_entries_and_forged_records_are_named() {
    let (_, mut bundle) = good();
    let (a, b) = (bundle.entries[0].leaf_index, bundle.entries[1].leaf_index);
    (bundle.entries[0].leaf_index, bundle.entries[1].leaf_index) = (b, a);
    fails(&bundle, Check::Inclusion);

    // A record in mine A's name, signed by somebody else's key.
    let (_, mut bundle) = good();
    let entry = ore_record::SignedRecord::decode(&bundle.entries[0].entry).expect("ours");
    let mut record = entry.record().clone();
    record.note = "forged".into();
    let forged = ore_record::SignedRecord::sign(record, &ore_tests::ledger::key_of("thief")).expect("short");
    bundle.entries[0].entry = forged.entry();
    fails(&bundle, Check::Inclusion);
}

#[test]
fn an_older_state_of_a_lot_does_not_pass_for_the_newest() {
    let (_, mut bundle) = good();
    let leaf = &mut bundle.lots[0];
    let mut state = v1::LotState::decode(leaf.leaf.as_slice()).expect("ours");
    state.remaining_mg += 1;
    leaf.leaf = state.encode_to_vec();
    fails(&bundle, Check::Heads);

    let (_, mut bundle) = good();
    bundle.lots.pop();
    fails(&bundle, Check::Heads);
}

#[test]
fn an_older_checkpoint_does_not_carry_a_newer_bundle() {
    let (mut ledger, bundle) = good();
    let old = bundle.checkpoint.clone();
    ledger
        .must("mine-a", ore_tests::ledger::mined("mine-a/A9", "mine-a/pit", "RW", "1 kg", &[("Ta", "30 %")]));
    ledger.seal();
    let mut newer = ledger.bundle_of(ledger.claim("maker/T2", TA));
    newer.checkpoint = old;
    let fault = fails(&newer, Check::Checkpoint);
    assert!(matches!(fault, Fault::Size { .. }), "{fault}");
    newer.claim.as_mut().expect("a claim").tree_size = bundle.claim.expect("a claim").tree_size;
    fails(&newer, Check::Claim);
    newer.claim = good().1.claim;
    newer.claim_note = good().1.claim_note;
    fails(&newer, Check::Seal);
}

#[test]
fn a_recalled_ancestor_cannot_be_left_out() {
    let mut ledger = story();
    let recall = v1::Recall {
        lot: Some(ore_record::draft::lot("refiner/P1")),
        descendants: true,
        reason: "test".into(),
    };
    ledger.must("refiner", recall);
    ledger.seal();
    let report =
        verify_bundle(&ledger.bundle_file("maker/T2", TA), &trust_root()).expect("a proof all the same");
    assert!(
        report.remarks.iter().any(|remark| remark.contains("refiner/P1 is recalled")),
        "{:?}",
        report.remarks
    );

    let mut bundle = ledger.bundle_of(ledger.claim("maker/T2", TA));
    for leaf in &mut bundle.lots {
        let mut state = v1::LotState::decode(leaf.leaf.as_slice()).expect("ours");
        if state.status() == LotStatus::Recalled {
            state.set_status(LotStatus::Active);
            leaf.leaf = state.encode_to_vec();
        }
    }
    fails(&bundle, Check::Heads);
}

#[test]
fn another_trust_root_believes_nothing() {
    let file = story().bundle_file("maker/T2", TA);
    let trust = TrustRoot { origin: "other.example/ta".into(), ..trust_root() };
    assert_eq!(verify_bundle(&file, &trust).expect_err("another ledger").check, Check::Ledger);
}

/// Replaces the log's proof by a good one for the entries that are there.
fn prove_again(ledger: &Ledger, bundle: &mut Bundle) {
    use ore_verify::build::BundleSource;
    let leaves: Vec<u64> = bundle.entries.iter().map(|entry| entry.leaf_index).collect();
    let size = ore_merkle::TreeSize::new(ledger.size());
    let proof = ore_verify::multiproof::prove(size, &leaves, |level, index| ledger.log_node(level, index));
    bundle.tree_proof = proof.expect("stored").iter().map(|hash| hash.as_bytes().to_vec()).collect();
}
