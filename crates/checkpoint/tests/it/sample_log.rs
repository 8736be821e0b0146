//! Logs that other programs wrote: checkpoints, cosignatures, receipts and requests hold as published.

use ore_checkpoint::{
    AddCheckpointRequest, BadCheckpoint, BadKey, BadSignature, Checkpoint, KeyType, NoteFailure, Policy,
    PolicyFailure, ProofCheck, ProofFailure, SignatureStatement, SignedCheckpoint, TlogProof, VerifierKey,
    VerifierSet,
};
use ore_merkle::tiles::{self, BundleRef};
use ore_merkle::{LeafIndex, Levels, TreeSize, hash_leaf, verify_consistency};

use crate::support::{LOG, NOON, at, entry, name, signed, tree_of, vector_bytes, vector_key, vector_text};

fn log_and_witness() -> Policy {
    let (log, witness) = (vector_key(&format!("{LOG}/log.vkey")), vector_key(&format!("{LOG}/witness.vkey")));
    Policy::k_of_n([log], [witness], 1).unwrap()
}

#[test]
fn all_sixteen_tessera_checkpoints_are_signed_fit_the_entries_and_are_consistent() {
    let log = "tlog-log-sample/tessera-made-log";
    let key = vector_key(&format!("{log}.vkey"));
    let mut tree = Levels::new();
    let full = tiles::bundles_at(TreeSize::new(15)).next().unwrap();
    let bytes = vector_bytes(&format!("{log}/{full}"));
    let entries = BundleRef::parse(full, &bytes).unwrap();
    let mut checkpoints = Vec::new();
    for size in 0..=15_u64 {
        if size > 0 {
            tree.append(hash_leaf(entries.entries()[size as usize - 1]));
        }
        let signed = signed(&format!("{log}/checkpoint.{size}"));
        assert_eq!(signed.to_string(), vector_text(&format!("{log}/checkpoint.{size}")));
        let checkpoint = signed.verify_key(&key).expect("signed by the log").clone();
        assert_eq!((checkpoint.size(), *checkpoint.root()), (TreeSize::new(size), tree.root()));
        assert_eq!(checkpoint.require_strict(), Ok(()));
        checkpoints.push(checkpoint);
    }
    assert_eq!(signed(&format!("{log}/checkpoint")).verify_key(&key).unwrap(), &checkpoints[15]);
    let mut pairs = 0;
    for first in &checkpoints[1..] {
        for second in checkpoints.iter().filter(|second| second.size() >= first.size()) {
            let proof = tree.prove_consistency(first.size(), second.size()).unwrap();
            verify_consistency(first.size(), first.root(), second.size(), second.root(), &proof).unwrap();
            pairs += 1;
        }
    }
    assert_eq!(pairs, 15 * 16 / 2);
}

#[test]
fn the_independent_log_s_checkpoints_fit_its_entries() {
    let key = vector_key(&format!("{LOG}/log.vkey"));
    for (file, size) in [("checkpoint.300", 300), ("log/checkpoint", 600), ("checkpoint.cosigned", 600)] {
        let signed = signed(&format!("{LOG}/{file}"));
        let checkpoint = signed.verify_key(&key).expect("signed by the log");
        assert_eq!((checkpoint.size(), *checkpoint.root()), (TreeSize::new(size), tree_of(size).root()));
        assert_eq!(signed.to_string(), vector_text(&format!("{LOG}/{file}")));
    }
}

#[test]
fn a_cosigned_checkpoint_satisfies_a_policy_and_says_when() {
    let policy = log_and_witness();
    let believed = policy.check(&signed(&format!("{LOG}/checkpoint.cosigned"))).unwrap();
    assert_eq!(believed.checkpoint().size(), TreeSize::new(600));
    assert_eq!(believed.log_keys().len(), 1);
    let [cosigned] = believed.cosigned() else { panic!("one witness") };
    assert_eq!((cosigned.witness.as_bytes(), cosigned.time), (b"witness.example/w1".as_slice(), at(NOON)));
    let plain = policy.check(&signed(&format!("{LOG}/log/checkpoint")));
    assert!(matches!(plain, Err(PolicyFailure::NoQuorum { cosigned: 0, listed: 1, .. })));
}

#[test]
fn a_post_quantum_cosignature_is_a_stranger_s_line() {
    let signed = signed(&format!("{LOG}/checkpoint.mldsa44-cosigned"));
    assert_eq!(signed.to_string(), vector_text(&format!("{LOG}/checkpoint.mldsa44-cosigned")));
    let key = vector_key(&format!("{LOG}/log.vkey"));
    let trusted = VerifierSet::new(vec![key]).unwrap();
    let verified = signed.note().verify(&trusted).expect("the log's own line holds");
    assert!(verified.unverified().iter().any(|line| line.signature().len() == 8 + 2420));
    let its_key = vector_text(&format!("{LOG}/mldsa44.vkey"));
    assert_eq!(its_key.trim_end().parse::<VerifierKey>(), Err(BadKey::UnsupportedType(0x06)));
}

#[test]
fn the_published_receipts_convince_and_no_other_entry_does() {
    let policy = log_and_witness();
    for index in [0, 300, 599] {
        let file = format!("{LOG}/proof-{index}.tlog-proof");
        let receipt = TlogProof::parse(&vector_bytes(&file)).unwrap();
        assert_eq!(receipt.to_string(), vector_text(&file));
        assert_eq!(receipt.index(), LeafIndex::new(index));
        let verified =
            receipt.verify(&entry(index), &policy).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (size, root) = (TreeSize::new(600), tree_of(600).root());
        assert_eq!(
            verified.checks(),
            [
                ProofCheck::LogSignature { origin: "ledger.example/minerals".into() },
                ProofCheck::Quorum { cosigned: 1, listed: 1 },
                ProofCheck::LeafHash { leaf: hash_leaf(&entry(index)) },
                ProofCheck::Inclusion { index: LeafIndex::new(index), size, root },
            ]
        );
        let other = receipt.verify(&entry(index ^ 1), &policy);
        assert!(matches!(other, Err(ProofFailure::Inclusion(_))), "{file}");
    }
}

#[test]
fn the_published_add_checkpoint_request_is_consistent() {
    let file = format!("{LOG}/add-checkpoint.request");
    let request = AddCheckpointRequest::parse(&vector_bytes(&file)).unwrap();
    assert_eq!(request.to_string(), vector_text(&file));
    assert_eq!(request.old_size(), TreeSize::new(300));
    let old = signed(&format!("{LOG}/checkpoint.300"));
    let key = vector_key(&format!("{LOG}/log.vkey"));
    let old = old.verify_key(&key).unwrap();
    request.checkpoint().verify_key(&key).unwrap();
    assert_eq!(request.check_consistency((old.size(), old.root())), Ok(()));
    assert!(request.check_consistency((old.size(), &tree_of(299).root())).is_err());
    assert!(request.check_consistency((TreeSize::new(299), &tree_of(299).root())).is_err());
}

#[test]
fn sunlight_s_witnessed_checkpoints_carry_valid_cosignatures() {
    for who in ["witness", "mirror"] {
        let json = crate::support::vector_json(&format!("sunlight-witnessed/{who}.v0.json"));
        let key: VerifierKey = json["verifier_keys"][0].as_str().unwrap().parse().unwrap();
        assert_eq!(key.key_type(), KeyType::CosignatureV1);
        let checkpoint = signed(&format!("sunlight-witnessed/{who}-checkpoint"));
        let trusted = VerifierSet::new(vec![key.clone()]).unwrap();
        let verified = checkpoint.note().verify(&trusted).unwrap();
        assert_eq!(verified.verified(), [(key, SignatureStatement::CosignedAt(at(1_767_139_200)))]);
        // The log's own line, where there is one, is of a type that is not verified here.
        assert_eq!(verified.unverified().len(), checkpoint.note().signatures().len() - 1);
    }
}

#[test]
fn a_checkpoint_with_extension_lines_is_read_whole_but_is_not_ours() {
    let body = "ledger.example/minerals\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
    let plain = Checkpoint::parse(body).unwrap();
    assert_eq!(plain.require_strict(), Ok(()));
    let extended = Checkpoint::parse(&format!("{body}more\nand more\n")).unwrap();
    assert_eq!(extended.extensions(), ["more", "and more"]);
    assert_eq!(extended.to_text(), format!("{body}more\nand more\n"));
    assert_eq!(extended.require_strict(), Err(BadCheckpoint::ExtensionRefused));
    // The cosignature covers the extension lines.
    let cosigner = crate::support::cosigner(1);
    let line = cosigner.cosign(&extended, at(NOON));
    assert!(cosigner.verifier_key().verify(&extended.to_text(), line.signature()).is_ok());
    assert_eq!(cosigner.verifier_key().verify(body, line.signature()), Err(BadSignature::Invalid));
    let spaced = Checkpoint::parse(&body.replace("ledger.example/minerals", "go.sum database tree")).unwrap();
    assert_eq!(spaced.require_strict(), Err(BadCheckpoint::OriginForm));
    let wrong_root = Checkpoint::parse(&body.replace("47DE", "57DE")).unwrap();
    assert_eq!(wrong_root.require_strict(), Err(BadCheckpoint::EmptyTreeRoot));
}

#[test]
fn a_checkpoint_spelled_another_way_is_refused() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for (text, error) in [
        (String::new(), BadCheckpoint::MissingLine),
        ("origin\n1\n".into(), BadCheckpoint::MissingLine),
        (format!("origin\n1\n{root}"), BadCheckpoint::MissingLine),
        (format!("\n1\n{root}\n"), BadCheckpoint::EmptyOrigin),
        (format!("origin\n01\n{root}\n"), BadCheckpoint::Size),
        (format!("origin\n+1\n{root}\n"), BadCheckpoint::Size),
        (format!("origin\n-0\n{root}\n"), BadCheckpoint::Size),
        (format!("origin\n\n{root}\n"), BadCheckpoint::Size),
        (format!("origin\n18446744073709551616\n{root}\n"), BadCheckpoint::Size),
        (format!("origin\n1\n{root}=\n"), BadCheckpoint::Root),
        (format!("origin\n1\n{}\n", root.trim_end_matches('=')), BadCheckpoint::Root),
        (format!("origin\n1\n{}\n", root.replace("U=", "V=")), BadCheckpoint::Root),
        ("origin\n1\nAAAA\n".into(), BadCheckpoint::Root),
        (format!("origin\n1\n{root}\n\n"), BadCheckpoint::EmptyExtension),
    ] {
        assert_eq!(Checkpoint::parse(&text), Err(error), "{text:?}");
    }
}

#[test]
fn a_signature_says_nothing_under_another_key_type() {
    let checkpoint = tree_of(3);
    let body = Checkpoint::new(&name("ledger.example/minerals"), checkpoint.size(), checkpoint.root());
    let key = crate::support::log_signer();
    let line = key.sign(&body.to_text());
    let as_witness = VerifierKey::new(
        key.verifier_key().name().clone(),
        KeyType::CosignatureV1,
        key.verifier_key().public_key(),
    )
    .unwrap();
    let signed = SignedCheckpoint::new(body, vec![line]).unwrap();
    assert!(signed.verify_key(key.verifier_key()).is_ok());
    assert_eq!(signed.verify_key(&as_witness), Err(NoteFailure::NoKnownSignature));
}
