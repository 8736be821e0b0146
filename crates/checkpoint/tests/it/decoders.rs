//! No bytes from outside make a decoder panic, and what decodes prints back the same.

use ore_checkpoint::witness::{parse_conflict_size, parse_cosignatures};
use ore_checkpoint::{
    AddCheckpointRequest, Checkpoint, Note, NoteSigner, Policy, SignatureLine, SignedCheckpoint, TlogProof,
    VerifierKey,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{checkpoint_by, receipt, three_of_four, tree_of};

/// Feeds every decoder; whatever one accepts must print back the same.
fn feed(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(note) = Note::parse(bytes) {
        prop_assert!(note.to_string().as_bytes() == bytes);
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(bytes) {
        prop_assert!(checkpoint.to_string().as_bytes() == bytes);
        prop_assert_eq!(checkpoint.unverified().to_text(), checkpoint.note().unverified_text());
    }
    if let Ok(proof) = TlogProof::parse(bytes) {
        prop_assert!(proof.to_string().as_bytes() == bytes);
    }
    if let Ok(request) = AddCheckpointRequest::parse(bytes) {
        prop_assert!(request.to_string().as_bytes() == bytes);
    }
    if let Ok(policy) = Policy::parse(bytes) {
        prop_assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
    }
    if let Ok(lines) = parse_cosignatures(bytes) {
        let printed: String = lines.iter().map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(printed.as_bytes(), bytes);
    }
    if let Ok(size) = parse_conflict_size(bytes) {
        let printed = format!("{size}\n");
        prop_assert_eq!(printed.as_bytes(), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        prop_assert_eq!(checkpoint.to_text(), text);
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        prop_assert_eq!(key.to_string(), text);
    }
    if let Ok(line) = SignatureLine::parse(text) {
        prop_assert_eq!(line.to_string(), text);
    }
    prop_assert!(NoteSigner::from_private_text(text).is_err() || text.starts_with("PRIVATE+KEY+"));
    Ok(())
}

/// Something each decoder accepts, to damage.
fn samples() -> Vec<Vec<u8>> {
    let request = {
        let proof = tree_of(7).prove_consistency(3.into(), 7.into()).unwrap();
        AddCheckpointRequest::new(3.into(), proof, checkpoint_by(7, &[1])).unwrap()
    };
    let checkpoint = checkpoint_by(7, &[1, 2]);
    vec![
        checkpoint.to_string().into_bytes(),
        checkpoint.unverified().to_text().into_bytes(),
        checkpoint.note().signatures()[1].to_string().into_bytes(),
        format!("{}\n", checkpoint.note().signatures()[1]).into_bytes(),
        receipt(3, 7, &[1], Some(b"extra")).to_string().into_bytes(),
        request.to_string().into_bytes(),
        three_of_four().to_bytes(),
        crate::support::log_signer().verifier_key().to_string().into_bytes(),
        crate::support::cosigner(1).verifier_key().to_string().into_bytes(),
        b"600\n".to_vec(),
    ]
}

#[test]
fn every_sample_is_accepted_by_some_decoder() {
    for sample in samples() {
        feed(&sample).expect("prints back the same");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn noise_is_refused_or_prints_back(bytes in vec(any::<u8>(), 0..300)) {
        feed(&bytes)?;
    }

    #[test]
    fn noise_in_the_alphabet_of_the_formats_is_refused_or_prints_back(
        text in "(old |index |extra |quorum |group |witness |log |none|— |[0-9]{1,3}|[a-zA-Z0-9+/]{4}|=|\\+| |\n){0,40}",
    ) {
        feed(text.as_bytes())?;
    }

    #[test]
    fn damaged_samples_are_refused_or_print_back(
        which in 0_usize..10, edits in vec((any::<usize>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        let mut bytes = samples().swap_remove(which);
        for (at, byte, how) in edits {
            let at = at % (bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => { bytes.remove(at); }
                _ if at < bytes.len() => bytes[at] = byte,
                _ => bytes.push(byte),
            }
        }
        feed(&bytes)?;
    }
}
