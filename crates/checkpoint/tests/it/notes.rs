//! Every published note and key is accepted or rejected as given.

use ore_checkpoint::{
    BadKey, BadPrivateKey, KeyType, MAX_SIGNATURES, MalformedNote, Note, NoteFailure, NoteSigner,
    VerifierKey, VerifierSet,
};
use serde_json::Value;

use crate::support::{cosigner, log_signer, name, vector_json};

fn keys(list: &Value) -> Vec<VerifierKey> {
    list.as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect()
}

/// In the words of the vectors.
fn judge(note: &str, vkeys: &Value) -> Result<(usize, usize), &'static str> {
    let trusted = VerifierSet::new(keys(vkeys)).map_err(|_| "reject: ambiguous key")?;
    let note = Note::parse(note.as_bytes()).map_err(|_| "reject: malformed")?;
    let verified = note.verify(&trusted).map_err(|failure| match failure {
        NoteFailure::NoKnownSignature => "reject: no verifiable signature",
        NoteFailure::InvalidSignature { .. } => "reject: invalid signature of a known key",
    })?;
    assert_eq!(verified.text(), note.unverified_text());
    Ok((verified.verified().len(), verified.unverified().len()))
}

#[test]
fn every_published_note_is_judged_as_given() {
    let vectors = vector_json("signed-note/vectors.json");
    let notes = vectors["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 14);
    for case in notes {
        let text = case["note"].as_str().unwrap();
        let want = match case["result"].as_str().unwrap() {
            "ok" => Ok((
                case["verified"].as_u64().unwrap() as usize,
                case["unverified"].as_u64().unwrap() as usize,
            )),
            reject => Err(reject),
        };
        assert_eq!(judge(text, &case["vkeys"]), want, "{}", case["name"]);
        if let Ok(note) = Note::parse(text.as_bytes()) {
            assert_eq!(note.to_string(), text, "{}", case["name"]);
        }
    }
    let not_utf8 = hex::decode(vectors["non_utf8_note_hex"].as_str().unwrap()).unwrap();
    assert_eq!(Note::parse(&not_utf8), Err(MalformedNote::NotUtf8));
}

#[test]
fn every_published_key_is_judged_as_given() {
    let vectors = vector_json("signed-note/vectors.json");
    let vkeys = &vectors["vkeys"];
    for key in vkeys["good"].as_array().unwrap() {
        let text = key.as_str().unwrap();
        let parsed: VerifierKey = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.key_type(), KeyType::Note);
    }
    let bad = vkeys["bad"].as_array().unwrap();
    assert_eq!(bad.len(), 4);
    for case in bad {
        let text = case["vkey"].as_str().unwrap();
        let error = text.parse::<VerifierKey>().expect_err(text);
        let as_given = match case["why"].as_str().unwrap() {
            // Its base64 also leaves stray bits, which we notice first.
            "wrong key length, key id adjusted" => matches!(error, BadKey::Base64),
            "unknown type byte, key id adjusted" => matches!(error, BadKey::UnsupportedType(0x65)),
            "truncated" => matches!(error, BadKey::Base64),
            "wrong key id" => matches!(error, BadKey::IdMismatch { .. }),
            other => panic!("a reason this test does not know: {other}"),
        };
        assert!(as_given, "{case}: {error}");
    }
    let padded = "key+01234567+".to_owned() + "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(padded.parse::<VerifierKey>(), Err(BadKey::Length(37)));
    let witness: VerifierKey = vkeys["cosignature_type_4"].as_str().unwrap().parse().unwrap();
    assert_eq!(witness.key_type(), KeyType::CosignatureV1);
}

#[test]
fn the_published_private_key_is_read_and_never_shown() {
    let vectors = vector_json("signed-note/vectors.json");
    let (private, public) = (&vectors["vkeys"]["skey"]["skey"], &vectors["vkeys"]["skey"]["vkey"]);
    let private = private.as_str().unwrap();
    let signer = NoteSigner::from_private_text(private).unwrap();
    assert_eq!(signer.verifier_key().to_string(), public.as_str().unwrap());
    let secret = private.rsplit('+').next().unwrap();
    assert!(!format!("{signer:?} {:?}", cosigner(1)).contains(secret));
    assert_eq!(NoteSigner::from_private_text(public.as_str().unwrap()).err(), Some(BadPrivateKey::Form));
    let renamed = private.replace("PeterNeumann", "EnochRoot");
    assert!(matches!(NoteSigner::from_private_text(&renamed), Err(BadPrivateKey::Key(_))));
}

#[test]
fn a_key_that_anyone_can_sign_for_is_refused() {
    // The neutral element and a point of order two.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    for point in [neutral, order_two, [0; 32]] {
        assert_eq!(VerifierKey::new(name("weak"), KeyType::Note, &point), Err(BadKey::Point));
    }
}

#[test]
fn a_known_key_s_bad_signature_condemns_the_note_and_a_stranger_s_does_not() {
    let text = "ore\n";
    let (log, stranger) = (log_signer(), NoteSigner::new(name("stranger"), &[9; 32]));
    let note = Note::new(text, vec![log.sign(text), stranger.sign("other text\n")]).unwrap();
    let trust = |keys: &[&VerifierKey]| VerifierSet::new(keys.iter().copied().cloned().collect()).unwrap();
    let verified = note.verify(&trust(&[log.verifier_key()])).unwrap();
    assert_eq!((verified.verified().len(), verified.unverified().len()), (1, 1));
    let failure = note.verify(&trust(&[log.verifier_key(), stranger.verifier_key()]));
    assert!(
        matches!(failure, Err(NoteFailure::InvalidSignature { name, .. }) if name.as_str() == "stranger")
    );
    // Same name, another key: the id tells them apart, so the line is a stranger's.
    let namesake = NoteSigner::new(name("stranger"), &[8; 32]);
    assert!(note.verify(&trust(&[log.verifier_key(), namesake.verifier_key()])).is_ok());
}

#[test]
fn sixteen_signatures_are_read_and_the_bound_is_kept() {
    let text = "ore\n";
    let line = |n: usize| NoteSigner::new(name(&format!("key{n}")), &[n as u8; 32]).sign(text);
    let lines: Vec<_> = (0..=MAX_SIGNATURES).map(line).collect();
    for count in [1, 16, MAX_SIGNATURES] {
        let note = Note::new(text, lines[..count].to_vec()).unwrap();
        assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note));
    }
    assert_eq!(Note::new(text, lines.clone()), Err(MalformedNote::TooManySignatures));
    let mut full = Note::new(text, lines[..MAX_SIGNATURES].to_vec()).unwrap();
    assert_eq!(full.add(lines[0].clone()), Ok(()), "the same line again adds nothing");
    assert_eq!(full.signatures().len(), MAX_SIGNATURES);
    assert_eq!(full.add(lines[MAX_SIGNATURES].clone()), Err(MalformedNote::TooManySignatures));
}
