//! The second verifier, in JavaScript, answers as the first one does: on good files, on bent ones, on noise.
//!
//! It shares nothing with the first but the specification, so a mistake would have to be made twice.
//! It runs in Node here and in a browser in `crates/cli/tests/browser`. Where there is no Node the tests
//! say that they are left out; with `ORELEDGER_BROWSER=required`, as in CI, its absence is a failure.

mod bent;
mod fields;
mod handovers;
mod node;
mod schema;
#[path = "../../../crates/verify/tests/it/world.rs"]
mod world;

use std::path::PathBuf;

use ore_checkpoint::{Policy, ProofFailure};
use ore_record::{oxides, signature, v1};
use ore_tests::ledger;
use ore_verify::{ReceiptFault, TrustRoot, verify_bundle, verify_receipt};
use prost::Message;
use serde_json::Value as Json;

use node::{Job, Signature, TrustText, answers};

/// What both verifiers say in the same words: of a bundle each check that it passed, and what it is larger than; of a
/// receipt where its record is.
fn words(file: &[u8], trust: &TrustRoot) -> Vec<String> {
    if file.starts_with(ore_checkpoint::PROOF_HEADER.as_bytes()) {
        let report = verify_receipt(file, None, trust).ok();
        return report.and_then(|report| Some(report.checks.last()?.to_string())).into_iter().collect();
    }
    let detail = |done: ore_verify::CheckDone| done.detail;
    match verify_bundle(file, trust) {
        Ok(report) => report.checks.into_iter().map(detail).collect(),
        Err(fault) => {
            let limit = Some(fault.fault.to_string()).filter(|_| fault.fault.is_limit());
            fault.done.into_iter().map(detail).chain(limit).collect()
        }
    }
}

/// What the first verifier says: nothing, or the name of the check that failed.
fn first(file: &[u8], trust: &TrustRoot) -> Option<&'static str> {
    if file.starts_with(ore_checkpoint::PROOF_HEADER.as_bytes()) {
        return match verify_receipt(file, None, trust) {
            Ok(_) => None,
            Err(ReceiptFault::File(_) | ReceiptFault::NoEntry | ReceiptFault::Entry(_)) => Some("file"),
            Err(ReceiptFault::Origin { .. }) => Some("ledger"),
            Err(ReceiptFault::Signature { .. }) => Some("signature"),
            Err(ReceiptFault::Proof(ProofFailure::Policy(_))) => Some("checkpoint"),
            Err(ReceiptFault::Proof(ProofFailure::Inclusion(_))) => Some("inclusion"),
        };
    }
    verify_bundle(file, trust).err().map(|fault| fault.check.name())
}

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(vectors().join("bundles").join(name)).expect("the vector is there")
}

/// The trust root of the vectors, and its text as people hold it.
fn vector_trust() -> (TrustRoot, String) {
    let text = String::from_utf8(vector("consortium.toml")).expect("text");
    let table: ore_node::Consortium = ore_node::Consortium::parse(&text).expect("a trust root");
    let policy = Policy::parse(table.policy.as_bytes()).expect("a policy");
    (TrustRoot { origin: table.origin, genesis: table.genesis, policy }, text)
}

/// Asks both verifiers about files, and compares: the same verdict, at the same check.
#[track_caller]
fn both_say_the_same(files: Vec<(String, Vec<u8>)>, trust: &TrustRoot, text: TrustText) -> Vec<Json> {
    let expected: Vec<_> = files.iter().map(|(_, file)| (first(file, trust), words(file, trust))).collect();
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    let job = Job { files: files.into_iter().map(|(_, file)| file).collect(), trust: text, ..Job::default() };
    let Some(answers) = answers(&job) else { return Vec::new() };
    let mut differ = Vec::new();
    for ((name, (expected, words)), answer) in names.iter().zip(&expected).zip(&answers.files) {
        let verified = answer["verified"].as_bool().expect("a verdict");
        let failed = answer["failed"].as_str();
        let fault = answer["fault"].as_str().unwrap_or_default();
        if failed != *expected || verified != expected.is_none() || fault.contains("broke off") {
            differ.push(format!("{name}: first {expected:?}, second {failed:?} ({fault})"));
        }
        let steps = answer["steps"].as_array().expect("steps");
        let said: Vec<_> = steps.iter().filter_map(|step| step["detail"].as_str()).collect();
        if let Some(unsaid) = words.iter().find(|words| !said.contains(&words.as_str())) {
            differ.push(format!("{name}: first says {unsaid:?}, second {said:?}"));
        }
    }
    assert!(differ.is_empty(), "{} of {} differ:\n{}", differ.len(), names.len(), differ.join("\n"));
    answers.files
}

#[test]
fn the_demos_bundle_and_receipt_verify_in_every_step() {
    let (trust, text) = vector_trust();
    let files =
        ["TGT-301.orebundle", "TGT-301.tlog-proof"].map(|name| (name.to_owned(), vector(name))).to_vec();
    assert!(files.iter().all(|(_, file)| first(file, &trust).is_none()), "the first verifier believes them");
    let answers = both_say_the_same(files, &trust, TrustText(text));
    if let [bundle, receipt] = &answers[..] {
        let bundle = bundle["steps"].as_array().expect("steps");
        assert_eq!(bundle.len(), 12, "the trust root and the eleven checks: {bundle:?}");
        assert_eq!(receipt["steps"].as_array().map(Vec::len), Some(6));
        let said = bundle[1]["detail"].as_str().expect("a text");
        assert!(said.starts_with("canonical bundle of 75,"), "{said}");
    }
}

#[test]
fn a_bundle_of_more_entries_than_are_taken_up_is_told_of_in_the_same_words() {
    let entries = vec![v1::BundleEntry::default(); 200_001];
    let bundle = v1::Bundle { claim: Some(v1::ProvenanceClaim::default()), entries, ..v1::Bundle::default() };
    let (trust, file) = (ledger::trust_root(), bundle.encode_to_vec());
    assert_eq!(words(&file, &trust), ["the bundle has 200,001 entries, the limit is 200,000"]);
    both_say_the_same(vec![("200,001 entries".into(), file)], &trust, TrustText::of(&trust));
}

#[test]
fn a_flipped_bit_anywhere_fails_at_the_same_check() {
    let (trust, text) = vector_trust();
    let mut files = bent::flips("bundle", &vector("TGT-301.orebundle"), 100, 1);
    files.extend(bent::flips("receipt", &vector("TGT-301.tlog-proof"), 100, 2));
    let answers = both_say_the_same(files, &trust, TrustText(text));
    // A cosigner's line with another name is one by an unknown key: three of four remain, which is a quorum.
    let unnoticed = answers.iter().filter(|answer| answer["verified"] == true).count();
    assert!(unnoticed <= 25, "{unnoticed} of {} flips change nothing that counts", answers.len());
}

#[test]
fn every_region_of_a_small_bundle_fails_at_the_same_check() {
    let file = ledger::story().bundle_file("maker/T2", bent::TA);
    let answers = both_say_the_same(
        bent::flips("story", &file, 400, 3),
        &ledger::trust_root(),
        TrustText::of(&ledger::trust_root()),
    );
    let caught: std::collections::BTreeSet<&str> =
        answers.iter().filter_map(|answer| answer["failed"].as_str()).collect();
    assert!(answers.is_empty() || caught.len() >= 7, "flips reach many checks: {caught:?}");
}

#[test]
fn bundles_that_were_bent_on_purpose_fail_at_the_same_check() {
    let files = bent::on_purpose();
    let reached: std::collections::BTreeSet<_> =
        files.iter().filter_map(|(_, file)| first(file, &ledger::trust_root())).collect();
    for check in [
        "file",
        "ledger",
        "checkpoint",
        "claim",
        "seal",
        "records",
        "inclusion",
        "keys",
        "heads",
        "trail",
        "shares",
    ] {
        assert!(reached.contains(check), "nothing here fails at {check}: {reached:?}");
    }
    both_say_the_same(files, &ledger::trust_root(), TrustText::of(&ledger::trust_root()));
}

#[test]
fn files_bent_field_by_field_fail_at_the_same_check() {
    let ledger = ledger::story();
    let mut dice = bent::Dice::new(11);
    let file = ledger.bundle_file("maker/T2", bent::TA);
    let mut files: Vec<(String, Vec<u8>)> =
        (0..400).map(|at| (format!("bundle {at}"), fields::mutated(&mut dice, &file))).collect();
    // A claim that the ledger signs as it stands, so that nothing stops the checks after it.
    let good = ledger.claim("maker/T2", bent::TA);
    let encoded = good.encode_to_vec();
    let claims = (0..300).filter_map(|at| {
        let claim = v1::ProvenanceClaim::decode(&*fields::mutated(&mut dice, &encoded)).ok()?;
        let frame = |it: &v1::ProvenanceClaim| (it.origin.clone(), it.lot.clone(), it.tree_size);
        (frame(&claim) == frame(&good)).then_some(())?;
        Some((format!("claim {at}"), ledger.bundle_of(claim).encode_to_vec()))
    });
    files.extend(claims.collect::<Vec<_>>());
    files.extend(bent::receipts(&mut dice, &ledger, 300));
    let reached: std::collections::BTreeSet<_> =
        files.iter().map(|(_, file)| first(file, &ledger::trust_root())).collect();
    assert!(reached.len() >= 10 && reached.contains(&None), "they reach many checks: {reached:?}");
    both_say_the_same(files, &ledger::trust_root(), TrustText::of(&ledger::trust_root()));
}

#[test]
fn remarks_are_made_by_both() {
    let file = bent::recalled();
    let report = verify_bundle(&file, &ledger::trust_root()).expect("a proof all the same");
    let text = TrustText::of(&ledger::trust_root());
    let answers = both_say_the_same(vec![("recalled".into(), file)], &ledger::trust_root(), text);
    for answer in answers {
        let remarks: Vec<&str> =
            answer["remarks"].as_array().expect("a list").iter().filter_map(Json::as_str).collect();
        assert_eq!(remarks, report.remarks);
        assert!(!remarks.is_empty(), "a recall is remarked");
    }
}

#[test]
fn noise_is_answered_and_never_breaks_the_verifier_off() {
    let files = bent::noise(300);
    both_say_the_same(files, &ledger::trust_root(), TrustText::of(&ledger::trust_root()));
}

#[test]
fn every_edge_case_of_ed25519_is_decided_as_the_ledger_decides_it() {
    let file = vectors().join("ed25519/cctv-ed25519/ed25519vectors.json");
    let cases: Json =
        serde_json::from_slice(&std::fs::read(file).expect("the vectors are there")).expect("JSON");
    let text = |case: &Json, field: &str| case[field].as_str().expect("a text").to_owned();
    let signatures: Vec<Signature> = cases
        .as_array()
        .expect("a list")
        .iter()
        .map(|case| Signature {
            key: text(case, "key"),
            message: node::hex(text(case, "msg").as_bytes()),
            signature: text(case, "sig"),
        })
        .collect();
    let Some(answers) = answers(&Job { signatures: signatures.clone(), ..Job::default() }) else { return };
    let mut accepted = 0;
    for (case, answer) in signatures.iter().zip(&answers.signatures) {
        let [key, message, signed] =
            [&case.key, &case.message, &case.signature].map(|text| node::unhex(text));
        let by_zip215 = signature::zip215(&key, &message, &signed).is_ok();
        let strictly = signature::strict(&key, &message, &signed).is_ok();
        accepted += usize::from(by_zip215);
        assert_eq!(answer["accepted"], by_zip215, "{case:?}");
        assert_eq!(answer["strict"], strictly, "{case:?}");
        assert_eq!(answer["crafted"], !strictly, "{case:?}");
    }
    assert_eq!((signatures.len(), accepted), (914, 826));
}

#[test]
fn oxides_hold_the_same_part_of_their_element() {
    let known: Vec<_> = oxides::all().collect();
    let formulas: Vec<String> = known.iter().map(|oxide| oxide.formula.to_owned()).collect();
    let Some(answers) = answers(&Job { oxides: formulas, ..Job::default() }) else { return };
    for (oxide, answer) in known.iter().zip(&answers.factors) {
        assert_eq!(*answer, serde_json::json!([oxide.element, oxide.factor_ppb]), "{}", oxide.formula);
    }
    assert_eq!(answers.factors.len(), 75);
}
