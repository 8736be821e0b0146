//! The same judgement as implementations that others wrote: the crates signed_note and tlog_tiles.

use ore_checkpoint::{Checkpoint, Note, NoteSigner, VerifierKey, VerifierSet};
use ore_merkle::{RootHash, TreeSize};
use proptest::prelude::*;
use signed_note::{StandardVerifier, Verifier, VerifierList};

use crate::support::name;

fn signer(n: u8) -> NoteSigner {
    NoteSigner::new(name(&format!("key{}.example", n % 3)), &[n; 32])
}

fn note_by(text: &str, signers: &[u8]) -> Note {
    Note::new(text, signers.iter().map(|n| signer(*n).sign(text)).collect()).unwrap()
}

/// (verified, unverified), or nothing when the note is refused.
fn theirs(bytes: &[u8], trusted: &[VerifierKey]) -> Option<(usize, usize)> {
    let note = signed_note::Note::from_bytes(bytes).ok()?;
    let keys = trusted.iter().map(|key| {
        Box::new(StandardVerifier::new(&key.to_string()).expect("they read our keys")) as Box<dyn Verifier>
    });
    let (verified, unverified) = note.verify(&VerifierList::new(keys.collect())).ok()?;
    Some((verified.len(), unverified.len()))
}

fn ours(bytes: &[u8], trusted: &[VerifierKey]) -> Option<(usize, usize)> {
    let set = VerifierSet::new(trusted.to_vec()).ok()?;
    let verified = Note::parse(bytes).ok()?.verify(&set).ok()?;
    Some((verified.verified().len(), verified.unverified().len()))
}

fn text() -> impl Strategy<Value = String> {
    "([a-z0-9 —é]{0,12}\n){1,5}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn notes_we_sign_are_judged_alike(
        text in text(), signers in proptest::collection::vec(0_u8..6, 1..8), trusted in any::<[bool; 6]>(),
    ) {
        let bytes = note_by(&text, &signers).to_string().into_bytes();
        let trusted: Vec<VerifierKey> = (0..6).filter(|n| trusted[*n as usize])
            .map(|n| signer(n).verifier_key().clone()).collect();
        let judged = ours(&bytes, &trusted);
        prop_assert_eq!(judged, theirs(&bytes, &trusted));
        let known = signers.iter().any(|n| trusted.contains(signer(*n).verifier_key()));
        prop_assert_eq!(judged.is_some(), known);
    }

    #[test]
    fn notes_we_damage_are_judged_alike(text in text(), at in any::<usize>(), byte in any::<u8>(), drop in any::<bool>()) {
        let mut bytes = note_by(&text, &[1, 2]).to_string().into_bytes();
        let at = at % bytes.len();
        if drop { bytes.remove(at); } else { bytes[at] = byte; }
        let trusted = [signer(1).verifier_key().clone(), signer(2).verifier_key().clone()];
        prop_assert_eq!(ours(&bytes, &trusted), theirs(&bytes, &trusted));
    }

    #[test]
    fn keys_are_read_alike(n in any::<u8>(), at in any::<usize>(), byte in 0x20_u8..0x7f) {
        let mut text = signer(n).verifier_key().to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        // They also take upper-case hexadecimal in the id.
        let lower = text.split('+').nth(1).is_some_and(|id| !id.bytes().any(|c| c.is_ascii_uppercase()));
        if lower {
            prop_assert_eq!(text.parse::<VerifierKey>().is_ok(), StandardVerifier::new(&text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn checkpoints_are_read_alike(
        origin in "[a-z./ ]{0,9}", size in any::<u64>(), zeros in "0{0,2}", root in any::<[u8; 32]>(),
        extensions in proptest::collection::vec("[a-z]{0,4}", 0..3), at in any::<usize>(), byte in any::<u8>(), damage in any::<bool>(),
    ) {
        let root = base64(&root);
        let mut text = format!("{origin}\n{zeros}{size}\n{root}\n");
        extensions.iter().for_each(|line| text += &format!("{line}\n"));
        let mut bytes = text.into_bytes();
        if damage {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
        let (ours, theirs) = (Checkpoint::parse(text), tlog_tiles::Checkpoint::from_bytes(&bytes));
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                prop_assert_eq!(ours.origin(), theirs.origin());
                prop_assert_eq!(ours.size().get(), theirs.size());
                prop_assert_eq!(ours.root().to_bytes(), theirs.hash().0);
                prop_assert_eq!(ours.to_text().into_bytes(), theirs.to_bytes());
            }
            (Err(_), Err(_)) => {}
            _ => prop_assert!(false, "{:?}: ours {:?}, theirs {:?}", text, ours, theirs.is_ok()),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let origin = name("x");
    let root = RootHash::from_slice(bytes).unwrap();
    let text = Checkpoint::new(&origin, TreeSize::EMPTY, root).to_text();
    text.lines().nth(2).unwrap().to_owned()
}
