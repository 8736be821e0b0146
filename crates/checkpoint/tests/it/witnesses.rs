//! The conversations a published witness had, replayed on our side of the table.

use std::collections::BTreeMap;

use ore_checkpoint::witness::{parse_conflict_size, parse_cosignatures};
use ore_checkpoint::{
    AddCheckpointRequest, BadAddCheckpoint, BadCheckpoint, MalformedNote, RequestInconsistent,
};
use ore_merkle::{RootHash, TreeSize};

use crate::support::{checkpoint_by, cosigner, tree_of, vector_text};

/// The request bodies of a conversation and the status each was answered with.
fn conversation(file: &str) -> Vec<(String, u16)> {
    let text = vector_text(file);
    let mut turns = Vec::new();
    for turn in text.split("POST ").skip(1) {
        let (_, rest) = turn.split_once("```\n").expect("a body begins");
        let (body, rest) = rest.split_once("```\n").expect("a body ends");
        let status = rest.trim_start().strip_prefix("HTTP ").expect("a status").lines().next().unwrap();
        turns.push((body.to_owned(), status.trim().parse().unwrap()));
    }
    turns
}

/// The log's key in the conversation, found from its signature: name and key are one in Sigsum logs.
// The conversation does not name the log's public key, so its signatures are not replayed.
#[test]
fn a_published_witness_s_answers_follow_from_format_and_consistency() {
    let turns = conversation("tlog-witness/litewitness.add-checkpoint.hurl");
    assert_eq!(turns.len(), 9);
    // What the witness has cosigned, by origin.
    let mut latest: BTreeMap<String, (TreeSize, RootHash)> = BTreeMap::new();
    let mut seen = BTreeMap::<u16, usize>::new();
    for (body, status) in turns {
        *seen.entry(status).or_default() += 1;
        let request = match AddCheckpointRequest::parse(body.as_bytes()) {
            Ok(request) => request,
            // Their damaged signature is damaged in the unused bits of its base64: malformed to us.
            Err(error) => {
                let line = BadAddCheckpoint::Checkpoint(BadCheckpoint::Note(MalformedNote::SignatureLine(1)));
                assert_eq!((error, status), (line, 403));
                continue;
            }
        };
        assert_eq!(request.to_string(), body);
        let new = request.checkpoint().unverified();
        let known = latest.get(new.origin()).copied().unwrap_or((TreeSize::EMPTY, tree_of(0).root()));
        let judged = request.check_consistency((known.0, &known.1));
        match status {
            200 => {
                assert_eq!(judged, Ok(()), "{body}");
                latest.insert(new.origin().to_owned(), (new.size(), *new.root()));
            }
            // Refused for its signature or origin, before consistency is looked at.
            403 => {}
            409 => assert!(matches!(judged, Err(RequestInconsistent::OldSizeMismatch { .. })), "{body}"),
            422 => assert!(matches!(judged, Err(RequestInconsistent::Proof(_))), "{body}"),
            other => panic!("a status this test does not know: {other}"),
        }
    }
    assert_eq!(seen, BTreeMap::from([(200, 3), (403, 2), (409, 2), (422, 2)]));
}

#[test]
fn a_checkpoint_of_the_go_checksum_database_is_read() {
    let turns = conversation("tlog-witness/sumdb.add-checkpoint.hurl");
    let [(body, 200)] = &turns[..] else { panic!("one turn") };
    let request = AddCheckpointRequest::parse(body.as_bytes()).unwrap();
    assert_eq!(request.checkpoint().unverified().origin(), "go.sum database tree");
    assert_eq!(request.to_string(), *body);
    assert_eq!(request.check_consistency((TreeSize::EMPTY, &tree_of(0).root())), Ok(()));
}

#[test]
fn two_roots_for_one_size_are_a_fork() {
    let size = TreeSize::new(5);
    let request =
        AddCheckpointRequest::new(size, Default::default(), checkpoint_by(5, &[])).expect("well formed");
    assert_eq!(request.check_consistency((size, &tree_of(5).root())), Ok(()));
    let (latest, submitted) = (RootHash::from_bytes([7; 32]), tree_of(5).root());
    let fork = RequestInconsistent::Fork { latest, submitted };
    assert_eq!(request.check_consistency((size, &latest)), Err(fork));
}

#[test]
fn a_malformed_request_says_what_is_wrong() {
    let proof = tree_of(11).prove_consistency(TreeSize::new(3), TreeSize::new(11)).unwrap();
    let request = AddCheckpointRequest::new(TreeSize::new(3), proof, checkpoint_by(11, &[])).unwrap();
    let good = request.to_string();
    assert_eq!(AddCheckpointRequest::parse(good.as_bytes()), Ok(request.clone()));
    assert_eq!(request.check_consistency((TreeSize::new(3), &tree_of(3).root())), Ok(()));
    let hash_line = good.lines().nth(1).unwrap().to_owned();
    let (old, new) = (TreeSize::new(12), TreeSize::new(11));
    for (body, error) in [
        (String::new(), BadAddCheckpoint::NoCheckpoint),
        (good.replace("old 3", "old 03"), BadAddCheckpoint::OldSize),
        (good.replace("old 3", "size 3"), BadAddCheckpoint::OldSize),
        (good.replace("old 3", "old 12"), BadAddCheckpoint::OldSizeBeyondCheckpoint { old, new }),
        (good.replace(&hash_line, &hash_line[4..]), BadAddCheckpoint::ProofLine(1)),
        (good.replace(&hash_line, &[hash_line.as_str(); 64].join("\n")), BadAddCheckpoint::ProofTooLong),
        (good.replace(&hash_line, &[hash_line.as_str(); 99].join("\n")), BadAddCheckpoint::ProofTooLong),
    ] {
        assert_eq!(AddCheckpointRequest::parse(body.as_bytes()), Err(error), "{body}");
    }
    let from_empty = good.replace("old 3", "old 0");
    let from_empty = AddCheckpointRequest::parse(from_empty.as_bytes()).unwrap();
    let judged = from_empty.check_consistency((TreeSize::EMPTY, &tree_of(0).root()));
    assert_eq!(judged, Err(RequestInconsistent::ProofFromEmpty));
}

#[test]
fn a_witness_s_answers_are_read() {
    let checkpoint = checkpoint_by(5, &[]);
    let line = cosigner(1).cosign(checkpoint.unverified(), crate::support::at(7));
    let body = format!("{line}\n{line}\n");
    assert_eq!(parse_cosignatures(body.as_bytes()), Ok(vec![line.clone(), line.clone()]));
    assert!(parse_cosignatures(line.to_string().as_bytes()).is_err(), "no final newline");
    assert!(parse_cosignatures(b"").is_err());
    assert_eq!(parse_conflict_size(b"3\n"), Ok(TreeSize::new(3)));
    for bad in [b"3".as_slice(), b"03\n", b"\n", b"", b"-1\n", b"\xff\n"] {
        assert!(parse_conflict_size(bad).is_err(), "{bad:?}");
    }
}
