//! Governance, keys, and the state as roots, proofs and stored pairs.

use ore_custody::{Custody, LoadError, Reason, Rule, state_tree::verify_head};
use ore_record::{
    keys::SecretKey,
    rules::{Rules, UnknownRules},
    v1::{self, record::Event},
};
use prost::Message;

use crate::world::{self, Accepted, ORIGIN, World, check, key_of, registration, sign};

#[test]
fn admission_takes_two_members() {
    let mut world = check("p: mine proposes newcomer", Accepted);
    assert!(world.custody.member("newcomer").is_none());
    assert_eq!(world.custody.proposals().count(), 1);
    let refusal = world.tell("mine approves p").expect_err("its own");
    assert_eq!((refusal.rule, refusal.reason), (Rule::A4, Reason::Governance));
    let leaf = world.custody.leaves();
    world.tell("refiner approves p").expect("second member");
    let member = world.custody.member("newcomer").expect("in force");
    assert!(member.may_sign(key_of("newcomer").public().as_bytes(), leaf));
    assert_eq!(world.custody.proposals().count(), 0);
    world.tell("newcomer declares U1 5g").expect("a trader now");
    assert!(
        world.tell("lab approves p").expect_err("in force").message.ends_with("does not wait for approvals")
    );
}

#[test]
fn a_proposal_can_be_taken_back_until_it_is_in_force() {
    let mut world = check(
        "p: mine proposes newcomer
         q: trader proposes newcomer
         mine withdraws p
         lab approves q",
        Accepted,
    );
    assert!(world.custody.member("newcomer").is_some());
    let refusal = world.tell("trader withdraws q").expect_err("in force");
    assert!(refusal.message.ends_with("is a record that is in force"), "{}", refusal.message);
}

#[test]
fn a_proposal_is_checked_again_when_it_comes_into_force() {
    let mut world = check(
        "p: mine proposes newcomer
         q: trader proposes newcomer
         lab approves p",
        Accepted,
    );
    let refusal = world.tell("lab approves q").expect_err("taken");
    assert_eq!(
        refusal.to_string(),
        "A2: the proposal cannot come into force any more: member newcomer is in the ledger already"
    );
    assert_eq!(refusal.next_step, "have its author withdraw it and propose it anew");
}

#[test]
fn keys_are_added_and_revoked_at_a_leaf() {
    let mut world = World::new();
    let old = key_of("mine");
    let new = SecretKey::from_seed(&[42; 32]);
    let revoke = |key: &SecretKey| {
        Event::RevokeKey(v1::RevokeKey {
            public_key: key.public().as_bytes().to_vec(),
            reason: "rotation".into(),
        })
    };
    let record = world.record("mine", revoke(&old));
    assert_eq!(
        world.submit(record).map(|_| ()).expect_err("the only key").to_string(),
        "A1: this is the only valid key of mine: nobody could sign for it any more"
    );
    world.must("mine", Event::AddKey(v1::AddKey { key: Some(registration("mine", &new)) }));
    world.must("mine", revoke(&old));
    let (_, record) = world.draft("mine commissions L1 5g").expect("a record");
    let refusal = world.decide(&sign(record.clone(), &old)).expect_err("revoked");
    assert_eq!(refusal.to_string(), "A1: the key that signed was revoked for mine");
    let verified = sign(record, &new);
    let change = world.decide(&verified).expect("the new key signs");
    let _ = world.commit(change, verified);
}

#[test]
fn a_key_is_checked_when_it_is_registered() {
    let mut world = World::new();
    let mut submit = |key: v1::KeyRegistration| {
        let record = world.record("mine", Event::AddKey(v1::AddKey { key: Some(key) }));
        world.submit(record).map(|_| ()).expect_err("refused").to_string()
    };
    let good = registration("mine", &SecretKey::from_seed(&[42; 32]));
    assert_eq!(
        submit(v1::KeyRegistration { public_key: vec![0; 32], ..good.clone() }),
        "A1: key of mine: the key is a point of small order"
    );
    assert_eq!(
        submit(registration("refiner", &SecretKey::from_seed(&[42; 32]))),
        "A1: key of mine: the proof of possession does not verify for this member, ledger and key"
    );
    assert_eq!(
        submit(registration("mine", &key_of("mine"))),
        "A1: key of mine: it was registered before, by mine"
    );
}

#[test]
fn validators_change_two_heights_later_with_two_thirds() {
    let mut world = World::new();
    assert_eq!(world.custody.validators_at(1).expect("genesis set").set.validators.len(), 1);
    let validator = |member: &str, tag: u8| v1::Validator {
        member: member.into(),
        consensus_key: vec![tag; 32],
        log_key: vec![tag + 1; 32],
        cosigner_key: vec![tag + 2; 32],
        tls_key: vec![],
        peer_address: String::new(),
    };
    let event = Event::ChangeValidators(v1::ChangeValidators {
        validators: vec![validator("mine", 10), validator("refiner", 20)],
        rules: 0,
    });
    // Two members agree, but none of them orders blocks now.
    let record = world.record("trader", event);
    let (id, _undo) = world.submit(record).expect("a proposal");
    let approve = |id: ore_record::RecordId| Event::Approve(v1::Approve { proposal: id.as_bytes().to_vec() });
    world.must("refiner", approve(id));
    assert_eq!(world.custody.validator_sets().count(), 1);
    world.height = 5;
    world.must("mine", approve(id));
    assert_eq!(world.custody.validators_at(6).expect("old").set.validators.len(), 1);
    assert_eq!(world.custody.validators_at(7).expect("new").set.validators.len(), 2);
    assert_eq!(world.custody.validators().expect("new").from_height, 7);
}

#[test]
fn a_version_of_the_rules_begins_with_the_set_that_states_it_and_stays() {
    let mut world = World::new();
    let set = world.custody.validators().expect("genesis set").set.clone();
    let stating = |rules| Event::ChangeValidators(v1::ChangeValidators { rules, ..set.clone() });
    assert_eq!(world.custody.rules_at(0, Rules::NEWEST), Ok(Rules::V1));
    assert_eq!(world.custody.rules_at(u64::MAX, Rules::NEWEST), Ok(Rules::V1));
    for rules in [1, 3] {
        let record = world.record("mine", stating(rules));
        let refusal = world.submit(record).map(|_| ()).expect_err("refused");
        assert_eq!(
            refusal.to_string(),
            format!("A6: version {rules} of the rules does not follow version 1")
        );
        assert_eq!(refusal.next_step, "state version 2, or none to keep the rules as they are");
    }
    let mut vote = |height, rules| {
        world.height = height;
        let record = world.record("mine", stating(rules));
        let (id, _undo) = world.submit(record).expect("a proposal");
        world.must("refiner", Event::Approve(v1::Approve { proposal: id.as_bytes().to_vec() }));
        world.custody.clone()
    };
    let custody = vote(5, 2);
    assert_eq!(custody.rules_at(6, Rules::NEWEST), Ok(Rules::V1), "blocks before keep their version");
    assert_eq!(custody.rules_at(7, Rules::NEWEST), Ok(Rules::V2));
    let unknown = UnknownRules { from_height: 7, version: 2, known: 1 };
    assert_eq!(custody.rules_at(7, Rules::V1), Err(unknown));
    assert_eq!(custody.rules_at(6, Rules::V1), Ok(Rules::V1), "a program that is too old goes on until then");
    // Another set that states none, and a version that nobody's program knows yet.
    let custody = vote(8, 0);
    assert_eq!(custody.rules_version_at(20), 2);
    let next = Rules::NEWEST.version() + 1;
    let custody = vote(9, next);
    assert_eq!((custody.rules_version_at(10), custody.rules_version_at(11)), (2, next));
    let unknown = UnknownRules { from_height: 11, version: next, known: next - 1 };
    assert_eq!(custody.rules_at(11, Rules::NEWEST), Err(unknown));
}

#[test]
fn profiles_follow_each_other_by_version() {
    let mut world = World::new();
    let set = |version| Event::SetProfile(v1::SetProfile { profile: Some(world::profile(version)) });
    let record = world.record("mine", set(3));
    assert_eq!(
        world.submit(record).map(|_| ()).expect_err("a gap").to_string(),
        "A6: the profile has version 3, the next one is 2"
    );
    let id = world.must("mine", set(2));
    assert_eq!(world.custody.profile().expect("set").version, 1);
    world.must("lab", Event::Approve(v1::Approve { proposal: id.as_bytes().to_vec() }));
    assert_eq!(world.custody.profile().expect("set").version, 2);
}

#[test]
fn an_attestation_is_changed_by_its_issuer_and_revoked_for_good() {
    let mut world = check("certifier attests mine C1", Accepted);
    let change = |state: v1::AttestationState| {
        Event::ChangeAttestation(v1::ChangeAttestation {
            attestation: "certifier/C1".into(),
            state: state.into(),
            reason: String::new(),
        })
    };
    let record = world.record("authority", change(v1::AttestationState::Suspended));
    assert_eq!(world.submit(record).map(|_| ()).expect_err("not its issuer").reason, Reason::NotAuthor);
    world.must("certifier", change(v1::AttestationState::Suspended));
    world.must("certifier", change(v1::AttestationState::Reinstated));
    world.must("certifier", change(v1::AttestationState::Revoked));
    let record = world.record("certifier", change(v1::AttestationState::Reinstated));
    assert_eq!(
        world.submit(record).map(|_| ()).expect_err("final").to_string(),
        "A4: attestation certifier/C1 is revoked, which is final"
    );
    assert_eq!(world.custody.attestation("certifier/C1").expect("there").changes.len(), 3);
}

#[test]
fn assays_are_exchanged_by_commitment() {
    let mut world = check("mine commissions L1 5000g Ta 30%", Accepted);
    let (_, draft) = world.draft("mine assays L1 Ta 31%").expect("a record");
    let Some(Event::Assay(assay)) = draft.event else { panic!("an assay") };
    let salt = [5; 32];
    let committed = world.must("mine", Event::Assay(ore_record::assay::commit(&assay, &salt)));
    let mut reveal = ore_record::assay::reveal(assay, &salt, committed);
    reveal.lot = Some(world.lot_ref("L1"));
    let mut false_reveal = reveal.clone();
    false_reveal.composition.as_mut().expect("contents").contents[0].ppb += 1;
    let record = world.record("mine", Event::Assay(false_reveal));
    assert_eq!(
        world.submit(record).map(|_| ()).expect_err("another result").to_string(),
        "A6: the results and the salt do not give the committed hash"
    );
    world.must("mine", Event::Assay(reveal));
}

#[test]
fn erased_private_parts_are_ones_own() {
    let mut world = World::new();
    world
        .tell_changed("c: mine commissions L1 5g", |record| record.private_root = vec![1; 32])
        .expect("a private part");
    world.tell("d: mine commissions L2 5g").expect("none");
    assert_eq!(world.tell("trader erases c").expect_err("not its record").reason, Reason::NotAuthor);
    assert!(
        world.tell("mine erases d").expect_err("nothing to erase").message.ends_with("has no private part")
    );
    world.tell("mine erases c").expect("its own");
}

#[test]
fn a_head_proof_shows_the_newest_state() {
    let mut world = check(
        "mine commissions L1 5000g
         mine commissions L2 5000g
         mine commissions L3 5000g
         mine ships L2 to refiner",
        Accepted,
    );
    let root = world.custody.state_root();
    let proof = world.custody.head_proof("mine/L2").expect("a lot");
    let state = verify_head(&proof, &root).expect("holds");
    assert_eq!((state.lot.as_str(), state.custodian.as_str()), ("mine/L2", "mine"));
    assert_eq!(state.status(), v1::LotStatus::Offered);
    assert_eq!(state.head, world.custody.head("mine/L2").expect("head").as_bytes());
    let mut forged = proof.clone();
    forged.leaf = v1::LotState { custodian: "refiner".into(), ..state }.encode_to_vec();
    assert!(verify_head(&forged, &root).is_err());
    assert!(verify_head(&proof, &[0; 32]).is_err());
    assert!(world.custody.head_proof("mine/L9").is_none());
}

#[test]
fn leaves_are_the_canonical_messages() {
    let mut world = check(
        "mine commissions L1 5000g
         mine commissions L2 7g
         mine disposes L2 7g
         c: mine commissions L3 3g
         mine withdraws c",
        Accepted,
    );
    for ordinal in 0..3 {
        let state = world.custody.lot_state(ordinal).expect("a lot");
        let proof = world.custody.head_proof(&state.lot).expect("a lot");
        assert_eq!(proof.leaf, state.encode_to_vec(), "{state:?}");
    }
    let place = world.custody.roster_index_of_member("mine").expect("a member");
    let Some(v1::roster_state::Entity::Member(member)) =
        world.custody.roster_state(place).and_then(|s| s.entity)
    else {
        panic!("a member")
    };
    assert_eq!(member.keys[0].from_leaf, 0);
}

#[test]
fn a_stored_state_that_is_garbled_is_refused_not_believed() {
    let mut world = check(
        "mine commissions L1 5000g Ta 30%
         mine commissions L2 5000g
         mine ships L2 to refiner",
        Accepted,
    );
    let root = world.custody.state_root();
    let ids: Vec<[u8; 32]> = world.log.iter().map(|record| *record.id().as_bytes()).collect();
    let load = |pairs: &std::collections::BTreeMap<Vec<u8>, Vec<u8>>| {
        Custody::load(ORIGIN, pairs.iter().map(|(k, v)| (k.clone(), v.clone())), ids.clone())
    };
    assert_eq!(load(&world.pairs).expect("as written").state_root(), root);
    for key in world.pairs.keys() {
        // A lost pair is noticed, unless it is one that may be absent.
        let mut fewer = world.pairs.clone();
        let _ = fewer.remove(key);
        if let Ok(mut custody) = load(&fewer) {
            assert_ne!(custody.state_root(), root, "lost {key:x?}");
        }
        // A shortened value never reads.
        let mut shorter = world.pairs.clone();
        if let Some(value) = shorter.get_mut(key) {
            let _ = value.pop();
        }
        if let Ok(mut custody) = load(&shorter) {
            assert_ne!(custody.state_root(), root, "cut {key:x?}");
        }
    }
    let mut odd = world.pairs.clone();
    let _ = odd.insert(b"X????".to_vec(), Vec::new());
    assert_eq!(load(&odd).err(), Some(LoadError::UnknownKey(b"X????".to_vec())));
}

/// What is judged and taken back again and again must not fill the memory, whatever its author thinks of.
#[test]
fn what_is_undone_leaves_nothing_behind_that_many_would_share() {
    let mut world = check("mine commissions L0 5kg Ta 30%", Accepted);
    let shared = |custody: &Custody| {
        let kinds = custody.bytes_by_kind();
        kinds.into_iter().find(|(kind, _)| *kind == "lots: what many share").expect("it is told").1
    };
    let try_out = |world: &mut World, number: usize| {
        let (_, mut record) =
            world.draft(&format!("mine commissions L{number} 5kg Ta 30%")).expect("a record");
        let Some(Event::Commission(commission)) = &mut record.event else { panic!("{record:?}") };
        let lot = commission.lot.as_mut().expect("it makes a lot");
        lot.compound = format!("Ta{}O{}", 1 + number / 9, 1 + number % 9);
        let change = world.decide(&sign(record, &key_of("mine"))).expect("a formula");
        world.custody.commit(change)
    };
    let root = world.custody.state_root();
    let undo = try_out(&mut world, 1);
    world.custody.undo(undo);
    let before = shared(&world.custody);
    for number in 2..200 {
        let undo = try_out(&mut world, number);
        world.custody.undo(undo);
    }
    assert_eq!(shared(&world.custody), before);
    assert_eq!(world.custody.state_root(), root);
    // What was forgotten is taken in again.
    for number in [7, 7 + 9] {
        let _ = try_out(&mut world, number);
        let lot = world.custody.lot(&format!("mine/L{number}")).expect("it stands");
        assert_eq!(*lot.passport.description.compound, *format!("Ta{}O{}", 1 + number / 9, 1 + number % 9));
    }
}
