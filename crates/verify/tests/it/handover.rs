//! One validator becomes four, then seven, one of them another's successor; receipts of all times verify with the
//! trust root of genesis.

use ore_record::v1::{RosterState, roster_state::Entity};
use ore_verify::{Handover, TrustRoot, follow, handover::Broken, verify_receipt};
use prost::Message;

use crate::world::{ORIGIN, World, grown, one_seal, rolled_back, set, trust};

fn verifies(receipt: &str, roots: &[TrustRoot]) -> bool {
    roots.iter().rev().any(|root| verify_receipt(receipt.as_bytes(), None, root).is_ok())
}

#[test]
fn receipts_of_all_times_verify_with_the_trust_root_of_genesis() {
    let ([of_one, of_four, of_seven], handovers) = grown();
    let files = handovers.each_ref().map(ToString::to_string);
    let read = files.map(|file| Handover::parse(file.as_bytes()).expect("our own file"));
    assert_eq!(read, handovers);
    let roots = follow(&trust(), &read).expect("each set vouches for the next");
    assert_eq!(roots.iter().map(|root| root.policy.witnesses().len()).collect::<Vec<_>>(), [1, 4, 7]);
    assert!(verifies(&of_one, &[trust()]), "an old receipt needs no handover");
    assert!(!verifies(&of_four, &roots[..1]) && verifies(&of_four, &roots[..2]));
    assert!(!verifies(&of_seven, &roots[..2]) && verifies(&of_seven, &roots));
    assert!(verifies(&of_one, &roots) && verifies(&of_four, &roots));
}

#[test]
fn a_set_that_the_one_before_does_not_vouch_for_is_not_followed() {
    let (_, [to_four, to_seven]) = grown();
    let first_fault = |chain: &[Handover]| follow(&trust(), chain).map(drop).expect_err("broken");
    // A link left out, the order turned round, the same link twice.
    let skipped = first_fault(std::slice::from_ref(&to_seven));
    assert!(matches!((skipped.number, skipped.fault), (1, Broken::NotBelieved(_))));
    assert_eq!(first_fault(&[to_seven.clone(), to_four.clone()]).number, 1);
    let twice = first_fault(&[to_four.clone(), to_four.clone()]);
    assert_eq!(twice.number, 2);
    // Two of four are no quorum of the set before.
    let mut world = World::default();
    world.change(&[1]);
    let seal = world.change(&[1, 2, 3, 4]);
    let to_four = world.handover(seal, &[1]);
    let seal = world.change(&[5]);
    let coup = world.handover(seal, &[2, 3, 5]);
    let fault = first_fault(&[to_four.clone(), coup]);
    assert!(matches!((fault.number, fault.fault), (2, Broken::NotBelieved(_))));
    // An old set under a new seal, a new set under an old one: each link alone is genuine.
    let fault = first_fault(&rolled_back());
    assert_eq!((fault.number, fault.fault), (3, Broken::OutOfOrder));
    let fault = first_fault(&one_seal());
    assert_eq!((fault.number, fault.fault), (2, Broken::OutOfOrder));
    // A set that somebody made up, under a seal that commits to another.
    let made_up = RosterState { entity: Some(Entity::Validators(set(&[5]))) }.encode_to_vec();
    let forged = Handover { leaf: made_up, ..to_four.clone() };
    assert!(matches!(first_fault(&[forged]).fault, Broken::OtherRoster | Broken::Path(_)));
    let other_root = Handover { head_root: [5; 32], ..to_four.clone() };
    assert_eq!(first_fault(&[other_root]).fault, Broken::OtherRoster);
    // A record is no seal, whoever vouches for it.
    let record = world.record();
    let no_seal = Handover { seal: world.receipt(record, &[1]), ..to_four };
    assert_eq!(first_fault(&[no_seal]).fault, Broken::NoSeal);
}

/// Files for verifiers in other languages: a good chain, receipts of its times, and chains that break at a known link.
fn files() -> Vec<(&'static str, String)> {
    let (receipts, [to_four, to_seven]) = grown();
    let mut world = World::default();
    world.change(&[1]);
    let seal = world.change(&[1, 2, 3, 4]);
    let first = world.handover(seal, &[1]);
    let seal = world.change(&[5]);
    let coup = world.handover(seal, &[2, 3, 5]);
    let record = world.record();
    let made_up = RosterState { entity: Some(Entity::Validators(set(&[5]))) }.encode_to_vec();
    let other_set = Handover { leaf: made_up, ..to_four.clone() };
    let other_root = Handover { head_root: [5; 32], ..to_four.clone() };
    let no_seal = Handover { seal: world.receipt(record, &[1]), ..to_four.clone() };
    let chain = |handovers: &[&Handover]| handovers.iter().map(ToString::to_string).collect::<String>();
    let whole = |handovers: Vec<Handover>| chain(&handovers.iter().collect::<Vec<_>>());
    let trust = trust();
    let policy = String::from_utf8(trust.policy.to_bytes()).expect("names of this test are text");
    let genesis = "07".repeat(32);
    let root = format!("origin = \"{ORIGIN}\"\ngenesis = \"{genesis}\"\npolicy = \"\"\"\n{policy}\"\"\"\n");
    let [of_one, of_four, of_seven] = receipts;
    vec![
        ("consortium.toml", root),
        ("of-one.tlog-proof", of_one),
        ("of-four.tlog-proof", of_four),
        ("of-seven.tlog-proof", of_seven),
        ("grown.handovers", chain(&[&to_four, &to_seven])),
        ("skipped.handovers", chain(&[&to_seven])),
        ("turned-round.handovers", chain(&[&to_seven, &to_four])),
        ("twice.handovers", chain(&[&to_four, &to_four])),
        ("coup.handovers", chain(&[&first, &coup])),
        ("another-set.handovers", chain(&[&other_set])),
        ("another-head-root.handovers", chain(&[&other_root])),
        ("no-seal.handovers", chain(&[&no_seal])),
        ("rolled-back.handovers", whole(rolled_back())),
        ("one-seal.handovers", whole(one_seal())),
    ]
}

/// `ORELEDGER_WRITE_VECTORS=1` writes them anew.
#[test]
fn the_published_files_are_these() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/handovers");
    for (name, text) in files() {
        let path = folder.join(name);
        if std::env::var_os("ORELEDGER_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &text).expect("room on the disk");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("the vector is there"), text, "{name}");
    }
}

#[test]
fn a_line_ends_in_a_newline_with_or_without_a_carriage_return() {
    let (_, handovers) = grown();
    let file = handovers.each_ref().map(ToString::to_string).concat();
    for same in [file.replace('\n', "\r\n"), file.trim_end().to_owned(), format!("\u{85}\n{file}")] {
        assert_eq!(Handover::parse_all(same.as_bytes()).as_deref(), Ok(&handovers[..]), "{same:?}");
    }
    let end = file.trim_end();
    for bad in [format!("{end}\r"), format!("{end}\r\r\n"), format!("\u{feff}{file}"), format!("{file}\n")] {
        assert!(Handover::parse_all(bad.as_bytes()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_flipped_bit_is_never_followed_to_another_set() {
    let (_, [to_four, _]) = grown();
    let file = to_four.to_string();
    let honest = follow(&trust(), std::slice::from_ref(&to_four)).expect("good");
    for at in 0..file.len() {
        let mut bytes = file.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(bent) = Handover::parse(&bytes) {
            // A signature that does not count may be bent; what is believed stays the same.
            let followed = follow(&trust(), &[bent]);
            assert!(followed.is_err() || followed.as_ref() == Ok(&honest), "byte {at}");
        }
    }
}
