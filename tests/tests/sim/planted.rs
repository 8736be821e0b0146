//! The harness finds what is put in on purpose: one bug of each kind.

use std::collections::BTreeSet;

use crate::{
    invariants,
    plan::{Act, Plan, Planted, Vice},
    story::live,
};

/// Names of the invariants that a plan breaks.
fn found(plan: &Plan) -> Vec<&'static str> {
    invariants::broken(&live(plan)).into_iter().map(|(name, _)| name).collect()
}

/// The calm world is sound, so that whatever is found below was planted.
#[test]
fn nothing_planted_nothing_found() {
    assert_eq!(found(&Plan::calm(5)), Vec::<&str>::new());
}

#[test]
fn a_certificate_with_swapped_signatures_is_found() {
    let found = found(&Plan::calm(5).with(Planted::SwappedSignatures));
    assert!(found.contains(&"certificates and cosignatures verify by themselves"), "{found:?}");
}

#[test]
fn a_checkpoint_that_one_member_signed_alone_is_found() {
    let found = found(&Plan::calm(5).with(Planted::LoneCheckpoint));
    assert!(found.contains(&"certificates and cosignatures verify by themselves"), "{found:?}");
}

#[test]
fn a_member_that_stores_another_block_is_found() {
    let found = found(&Plan::calm(5).with(Planted::OtherBlock));
    assert!(found.contains(&"equal roots at equal sizes"), "{found:?}");
}

#[test]
fn stores_that_lose_acknowledged_blocks_are_found() {
    let mut plan = Plan::calm(5).with(Planted::LostBlocks);
    plan.heal_ms = 8_000;
    plan.acts = vec![(2_000, Act::Copy), (6_000, Act::RestoreAll)];
    let found = found(&plan);
    assert!(found.contains(&"nothing acknowledged is lost"), "{found:?}");
}

#[test]
fn lines_that_are_never_mended_are_found() {
    let mut plan = Plan::calm(5).with(Planted::NoHealing);
    let (some, others) = (BTreeSet::from([0, 1]), BTreeSet::from([2, 3]));
    plan.acts = vec![(600, Act::Cut(some.clone(), others.clone())), (600, Act::Cut(others, some))];
    assert_eq!(found(&plan), ["every submitted record gets in"]);
}

#[test]
fn members_that_vote_without_looking_are_found() {
    let mut plan = Plan::calm(5).with(Planted::UncheckedBlocks);
    plan.liar = Some((2, Vice::FalseRecord));
    let found = found(&plan);
    assert!(found.contains(&"what is stored is sound and nobody stops"), "{found:?}");
}

#[test]
fn a_forged_proposer_is_refused_and_held_against_whoever_forged_it() {
    let mut plan = Plan::calm(5);
    plan.liar = Some((2, Vice::FalseProposer));
    let report = live(&plan);
    assert_eq!(invariants::broken(&report), []);
    for holding in &report.honest {
        let faults: Vec<_> = holding.faults.iter().map(|fault| (&*fault.member, fault.kind)).collect();
        assert_eq!(faults, [(&*report.liar_name(), "invalid_block")], "{} accuses", holding.member);
    }
}

#[test]
fn members_that_do_not_look_whom_a_block_names_are_found() {
    let mut plan = Plan::calm(5).with(Planted::UncheckedBlocks);
    plan.liar = Some((2, Vice::FalseProposer));
    let report = live(&plan);
    let found: Vec<_> = invariants::broken(&report).into_iter().map(|(name, _)| name).collect();
    assert!(found.contains(&"every block names a member whose turn it was"), "{found:?}");
    for holding in &report.honest {
        let said = holding.faults.iter().any(|fault| fault.kind == "out_of_turn");
        assert!(said, "{} took it and said nothing", holding.member);
    }
}

#[test]
fn nodes_that_forget_their_log_are_found() {
    // Restarts in the middle of a height show it, and not each restart is one.
    let found = (0..40).find(|seed| {
        let mut plan = Plan::calm(*seed).with(Planted::ForgottenLog);
        plan.weather.most_ms = 120;
        plan.acts = (1..12)
            .flat_map(|n| {
                let at = 250 * n + seed % 50;
                let all = (0..4).map(move |member| (at + 20, Act::Start(member)));
                std::iter::once((at, Act::KillAll)).chain(all)
            })
            .collect();
        found(&plan).contains(&"no honest member says two things")
    });
    assert!(found.is_some(), "forty times nobody noticed");
}
