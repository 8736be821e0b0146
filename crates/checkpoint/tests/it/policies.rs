//! Policies: the format's rules line by line, and quorums of every shape.

use ore_checkpoint::{
    Policy, PolicyErrorKind, PolicyFailure, PolicyName, SignedCheckpoint, byzantine_quorum,
};
use proptest::prelude::*;

use crate::support::{checkpoint_by, cosigner, log_signer, name, three_of_four};

fn witness(n: u8) -> String {
    cosigner(n).verifier_key().to_string()
}

fn log() -> String {
    log_signer().verifier_key().to_string()
}

fn names(names: &[&str]) -> Vec<PolicyName> {
    names.iter().map(|name| PolicyName::new(name.as_bytes()).unwrap()).collect()
}

/// The shape of the specification's example: two of three here and any of three there.
fn two_levels() -> String {
    let mut file = format!("# who we believe\n\n \tlog {} https://log.example/\t\n", log());
    for n in 1..=3 {
        file += &format!("witness X{n} {}\n", witness(n));
    }
    file += "group X-witnesses 2 X1 X2 X3\n  # an indented comment\n";
    for n in 1..=3 {
        file += &format!("witness Y{n} {} https://w{n}.example/\n", witness(n + 3));
    }
    file + "group Y-witnesses any Y1 Y2 Y3\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

#[test]
fn groups_of_groups_are_counted_by_their_thresholds() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len(), policy.groups().len()), (1, 6, 3));
    assert_eq!(policy.logs()[0].url(), Some(b"https://log.example/".as_slice()));
    for (witnessed, enough) in [
        (&["X1", "X2", "Y1"][..], true),
        (&["X1", "X3", "Y3"], true),
        (&["X1", "X2", "X3", "Y1", "Y2", "Y3"], true),
        (&["X1", "X2", "X3"], false),
        (&["X1", "Y1", "Y2", "Y3"], false),
        (&["X1", "X1", "Y1"], false),
        (&["X-and-Y"], false),
        (&["X-witnesses", "Y-witnesses"], false),
        (&[], false),
    ] {
        assert_eq!(policy.is_satisfied_by(&names(witnessed)), enough, "{witnessed:?}");
    }
    assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
}

#[test]
fn each_mistake_names_its_line() {
    use PolicyErrorKind as Kind;
    let (w1, w2, log) = (witness(1), witness(2), log());
    let undefined = |name: &str| Kind::UndefinedName(names(&[name]).remove(0));
    let duplicate = |name: &str| Kind::DuplicateName(names(&[name]).remove(0));
    let repeated = |name: &str| Kind::RepeatedMember(names(&[name]).remove(0));
    for (file, line, kind) in [
        (String::new(), 1, Kind::NoQuorum),
        (format!("log {log}\n"), 2, Kind::NoQuorum),
        ("quorum none".into(), 1, Kind::UnterminatedLine),
        ("quorum none\nquorum none\n".into(), 2, Kind::SecondQuorum),
        ("quorum\n".into(), 1, Kind::Usage("quorum <name>|none")),
        ("quorum a b\n".into(), 1, Kind::Usage("quorum <name>|none")),
        ("\n\nquorum a\n".into(), 3, undefined("a")),
        ("Quorum none\n".into(), 1, Kind::UnknownKeyword),
        ("quorum none\r\n".into(), 1, Kind::ControlCharacter),
        ("quorum\u{b}none\n".into(), 1, Kind::ControlCharacter),
        ("log\n".into(), 1, Kind::Usage("log <vkey> [<url>]")),
        (format!("log {log} url more\n"), 1, Kind::Usage("log <vkey> [<url>]")),
        (format!("log {log}\nlog {log}\n"), 2, Kind::DuplicateKey),
        ("log nothing\n".into(), 1, Kind::Key(ore_checkpoint::BadKey::Form)),
        (format!("witness a {w1}\nwitness b {w1}\n"), 2, Kind::DuplicateKey),
        (format!("witness a {w1}\nwitness a {w2}\n"), 2, duplicate("a")),
        (format!("witness a {w1}\ngroup a all a\n"), 2, duplicate("a")),
        (format!("witness none {w1}\n"), 1, Kind::ReservedName),
        (format!("witness a {w1}\ngroup g 1 none\n"), 2, Kind::ReservedName),
        (format!("group g 1 a\nwitness a {w1}\n"), 1, undefined("a")),
        (format!("witness a {w1}\ngroup g all g\n"), 2, undefined("g")),
        (format!("witness a {w1}\ngroup g 0 a\n"), 2, Kind::Threshold),
        (format!("witness a {w1}\ngroup g 2 a\n"), 2, Kind::Threshold),
        (format!("witness a {w1}\ngroup g 01 a\n"), 2, Kind::Threshold),
        (format!("witness a {w1}\ngroup g most a\n"), 2, Kind::Threshold),
        (format!("witness a {w1}\ngroup g any\n"), 2, Kind::Usage("group <name> all|any|<k> <name>...")),
        (format!("witness a {w1}\ngroup g 1 a a\n"), 2, repeated("a")),
        (format!("witness a {w1}\ngroup g 1 a\ngroup h 1 a\n"), 3, repeated("a")),
    ] {
        let error = Policy::parse(file.as_bytes()).expect_err(&file);
        assert_eq!((error.line, error.kind), (line, kind), "{file}");
    }
    let swapped = Policy::parse(format!("witness a {log}\n").as_bytes()).unwrap_err();
    assert!(matches!(swapped.kind, Kind::KeyType { role: "witness", .. }));
    let swapped = Policy::parse(format!("log {w1}\n").as_bytes()).unwrap_err();
    assert!(matches!(swapped.kind, Kind::KeyType { role: "log", .. }));
}

#[test]
fn names_are_opaque_bytes() {
    let mut file = b"witness \xff\xfe ".to_vec();
    file.extend_from_slice(witness(1).as_bytes());
    file.extend_from_slice(b" https://\xe9.example\nquorum \xff\xfe\n");
    let policy = Policy::parse(&file).unwrap();
    assert_eq!(policy.witnesses()[0].name().as_bytes(), b"\xff\xfe");
    assert_eq!(policy.to_bytes(), file);
    // A Kelvin sign is no K.
    let file = format!("witness K {}\nquorum \u{212a}\n", witness(1));
    assert!(Policy::parse(file.as_bytes()).is_err());
}

#[test]
fn thirty_two_of_everything_fit() {
    let mut file = String::new();
    for n in 0..32_u8 {
        let log = ore_checkpoint::NoteSigner::new(name(&format!("log{n}")), &[n; 32]);
        file += &format!("log {}\n", log.verifier_key());
        let cosigner = ore_checkpoint::Cosigner::new(name(&format!("witness{n}")), &[100 + n; 32]);
        file += &format!("witness w{n} {}\ngroup g{n} all w{n}\n", cosigner.verifier_key());
    }
    let policy = Policy::parse(format!("{file}quorum g31\n").as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len(), policy.groups().len()), (32, 32, 32));
    assert!(policy.is_satisfied_by(&names(&["w31"])) && !policy.is_satisfied_by(&names(&["w30"])));
}

#[test]
fn three_of_four_members_suffice_and_two_do_not() {
    let policy = three_of_four();
    assert_eq!(policy.check(&checkpoint_by(5, &[1, 2, 4])).unwrap().cosigned().len(), 3);
    assert_eq!(policy.check(&checkpoint_by(5, &[4, 3, 2, 1])).unwrap().cosigned().len(), 4);
    let failure = policy.check(&checkpoint_by(5, &[1, 2]));
    assert!(matches!(failure, Err(PolicyFailure::NoQuorum { cosigned: 2, listed: 4, .. })));
    // One member many times, at many times, is one member; strangers are nobody.
    let mut repeated = checkpoint_by(5, &[1, 2]);
    for second in 0..20 {
        let again = cosigner(1).cosign(repeated.unverified(), crate::support::at(second));
        repeated.add(again).unwrap();
    }
    for stranger in 5..9 {
        let line = cosigner(stranger).cosign(repeated.unverified(), crate::support::at(1));
        repeated.add(line).unwrap();
    }
    let failure = policy.check(&repeated);
    assert!(matches!(failure, Err(PolicyFailure::NoQuorum { cosigned: 2, listed: 4, .. })));
}

#[test]
fn cosignatures_do_not_replace_the_log_s_own_signature() {
    let policy = three_of_four();
    let full = checkpoint_by(5, &[1, 2, 3]);
    let cosignatures = full.note().signatures()[1..].to_vec();
    let without_log = SignedCheckpoint::new(full.unverified().clone(), cosignatures).unwrap();
    assert!(matches!(policy.check(&without_log), Err(PolicyFailure::NoLogSignature { .. })));
    let elsewhere =
        SignedCheckpoint::parse(full.to_string().replace("ledger.example/minerals", "x").as_bytes());
    assert!(matches!(policy.check(&elsewhere.unwrap()), Err(PolicyFailure::UnknownOrigin { .. })));
    let nobody = Policy::parse(b"quorum none\n").unwrap();
    assert!(matches!(nobody.check(&full), Err(PolicyFailure::UnknownOrigin { .. })), "no log is listed");
    let log_only = Policy::parse(format!("log {}\nquorum none\n", log()).as_bytes()).unwrap();
    assert!(log_only.check(&checkpoint_by(5, &[])).is_ok());
}

#[test]
fn a_quorum_is_more_than_two_thirds() {
    for members in 1..200 {
        let votes = byzantine_quorum(members);
        assert!(3 * votes > 2 * members && 3 * (votes - 1) <= 2 * members, "{members}");
        assert_eq!(votes, 2 * members / 3 + 1, "{members}");
    }
    assert_eq!([1, 4, 7, 10].map(byzantine_quorum), [1, 3, 5, 7]);
    assert_eq!(byzantine_quorum(0), 1, "nobody is never enough");
}

proptest! {
    #[test]
    fn exactly_k_of_n_satisfy(n in 1_usize..12, k in 1_usize..12, present in any::<u16>()) {
        prop_assume!(k <= n);
        let members: Vec<_> = (0..n as u8).map(|n| cosigner(n).verifier_key().clone()).collect();
        let policy = Policy::k_of_n([], members.clone(), k).unwrap();
        let here: Vec<PolicyName> = members
            .iter()
            .enumerate()
            .filter(|(at, _)| present >> at & 1 == 1)
            .map(|(_, key)| PolicyName::from(key.name()))
            .collect();
        prop_assert_eq!(policy.is_satisfied_by(&here), here.len() >= k);
        prop_assert_eq!(Policy::parse(&policy.to_bytes()), Ok(policy));
    }
}
