//! Hand-over, partial consumption, scrap loops, items, withdrawal: as people in the trade tell them.

use ore_custody::{Effect, MassChange, Reason, SourceKind};
use ore_record::v1::LotStatus;

use crate::world::{Accepted, Rejected, World, check};

#[test]
fn a_lot_goes_from_mine_to_refiner() {
    let world = check(
        "mine    commissions L1 5000g Ta 30%
         mine    ships       L1 to refiner
         refiner receives    L1",
        Accepted,
    );
    let lot = world.lot("L1");
    assert_eq!(world.custody.member_id(lot.standing.custodian), "refiner");
    assert_eq!(world.custody.member_id(lot.standing.owner), "refiner");
    assert_eq!(lot.status(), LotStatus::Active);
    assert_eq!(lot.remaining_mg(), 5_000_000);
}

#[test]
fn a_toller_holds_what_it_does_not_own() {
    let world = check(
        "mine    commissions L1 5000g Ta 30%
         mine    ships       L1 to refiner passing custody for tolling
         refiner receives    L1",
        Accepted,
    );
    let lot = world.lot("L1");
    assert_eq!(world.custody.member_id(lot.standing.custodian), "refiner");
    assert_eq!(world.custody.member_id(lot.standing.owner), "mine");
}

#[test]
fn ownership_passes_while_the_lot_stays() {
    let world = check(
        "mine    commissions L1 5000g
         mine    ships       L1 to trader passing ownership
         trader  receives    L1 4000g",
        Accepted,
    );
    let lot = world.lot("L1");
    assert_eq!(world.custody.member_id(lot.standing.custodian), "mine");
    assert_eq!(world.custody.member_id(lot.standing.owner), "trader");
    // Nothing moved, so nothing was weighed in.
    assert_eq!((lot.remaining_mg(), lot.standing.shortfall_mg), (5_000_000, 0));
}

#[test]
fn while_an_offer_is_open_the_lot_is_reserved() {
    check(
        "mine commissions L1 5000g
         mine ships       L1 to refiner
         mine disposes    L1 10g",
        Rejected(
            "A4: lot mine/L1 is reserved: it is offered to refiner, who has not answered -> cancel the shipment first, or wait for the answer",
        ),
    );
}

#[test]
fn what_is_missing_at_receipt_is_a_shortfall_and_what_is_too_much_adds_nothing() {
    let world = check(
        "mine    commissions L1 5000g
         mine    commissions L2 5000g
         mine    ships       L1 L2 to refiner
         refiner receives    L1 4990g L2 5010g",
        Accepted,
    );
    let (l1, l2) = (world.lot("L1"), world.lot("L2"));
    assert_eq!((l1.remaining_mg(), l1.standing.shortfall_mg, l1.standing.surplus_mg), (4_990_000, 10_000, 0));
    assert_eq!((l2.remaining_mg(), l2.standing.shortfall_mg, l2.standing.surplus_mg), (5_000_000, 0, 10_000));
}

#[test]
fn a_declined_lot_stays_where_it_was_and_can_be_offered_again() {
    let world = check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         refiner declines    L1
         mine    ships       L1 to trader
         trader  receives    L1",
        Accepted,
    );
    assert_eq!(world.custody.member_id(world.lot("L1").standing.custodian), "trader");
    assert_eq!(world.custody.offers().count(), 0);
}

#[test]
fn an_answer_is_for_all_lots_of_an_offer() {
    check(
        "mine    commissions L1 5000g
         mine    commissions L2 5000g
         mine    ships       L1 L2 to refiner
         refiner receives    L1",
        Rejected(
            "A6: lot mine/L2 is part of the offer and not named: an answer is for all lots of an offer -> name exactly the lots of the shipment",
        ),
    );
}

#[test]
fn a_cancelled_offer_cannot_be_accepted() {
    let mut world = check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         mine    cancels     L1",
        Accepted,
    );
    let refusal = world.tell("refiner receives L1").expect_err("cancelled");
    assert_eq!(refusal.reason, Reason::OfferClosed);
    assert!(
        refusal.message.ends_with("is closed: it was answered, cancelled, or has expired"),
        "{}",
        refusal.message
    );
}

#[test]
fn an_expired_offer_binds_nobody() {
    check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         after 31 days
         refiner receives    L1",
        Rejected("A4: the offer expired 86460 s before this block -> ask mine for a new shipment"),
    );
}

#[test]
fn touching_one_lot_of_an_expired_offer_frees_all_of_them() {
    let world = check(
        "mine    commissions L1 5000g
         mine    commissions L2 5000g
         mine    ships       L1 L2 to refiner
         after 31 days
         mine    disposes    L1 10g",
        Accepted,
    );
    assert_eq!(world.lot("L2").status(), LotStatus::Active);
    assert_eq!(world.custody.offers().count(), 0);
    let mut world = world;
    world.tell("mine ships L2 to trader").expect("L2 is free");
}

#[test]
fn one_record_may_touch_two_lots_of_an_expired_offer() {
    let world = check(
        "mine    commissions L1 5000g
         mine    commissions L2 5000g
         mine    ships       L1 L2 to refiner
         after 31 days
         mine    ships       L2 L1 to trader
         trader  receives    L1 L2",
        Accepted,
    );
    for lot in ["L1", "L2"] {
        assert_eq!(world.custody.member_id(world.lot(lot).standing.custodian), "trader");
    }
}

#[test]
fn a_lot_is_consumed_in_parts() {
    let world = check(
        "mine commissions L1 5000g Ta 30%
         mine transforms  L1 2000g into A1 2000g Ta 30% by splitting
         mine transforms  L1 3000g into A2 1000g Ta 30% + A3 2000g Ta 30% by splitting",
        Accepted,
    );
    let lot = world.lot("L1");
    assert_eq!((lot.remaining_mg(), lot.standing.taken_mg), (0, 5_000_000));
    assert_eq!(lot.status(), LotStatus::Consumed);
}

#[test]
fn a_refiner_wins_a_by_product_and_keeps_the_slag() {
    let world = check(
        "mine    commissions Z1 1000kg Zr 46% Hf 1%
         mine    commissions Z2 1000kg Zr 44% Hf 1.5%
         mine    ships       Z1 Z2 to refiner
         refiner receives    Z1 Z2
         refiner transforms  Z1 + Z2 into ZR 900kg Zr 95% + HF 20kg Hf 95% by-product + SL 600kg Zr 5% Hf 0.8% residue losing Zr 1kg",
        Accepted,
    );
    assert_eq!(world.lot("HF").composition[0].element, 72);
    assert_eq!(world.lot("SL").remaining_mg(), 600_000_000);
}

#[test]
fn a_target_wears_down_comes_back_and_is_made_again() {
    let world = check(
        "mine     commissions V1 12500g Ta 90%
         mine     ships       V1 to maker
         maker    receives    V1
         maker    transforms  V1 into T1 10000g Ta 99.9% serial S1 + SW1 1200g Ta 99% residue
         maker    uses        T1 down to 7000g
         maker    ships       T1 to recycler for return
         recycler receives    T1
         recycler transforms  T1 into R1 6900g Ta 99.9% by recycling
         recycler ships       R1 to maker
         maker    receives    R1
         maker    commissions X 1g
         "
        .replace("maker    commissions X 1g", "maker transforms R1 into T2 6000g Ta 99.9% serial S2")
        .as_str(),
        Accepted,
    );
    let t1 = world.lot("T1");
    assert_eq!((t1.standing.used_mg, t1.standing.taken_mg, t1.remaining_mg()), (3_000_000, 7_000_000, 0));
    assert!(world.lot("T2").passport.item);
}

#[test]
fn scrap_and_unknown_lots_say_what_they_are() {
    let mut world = World::new();
    let source = |world: &mut World, line: &str| {
        let (_, record) = world.draft(line).expect("a record");
        let verified = crate::world::sign(record.clone(), &crate::world::key_of(&record.author));
        let change = world.decide(&verified).expect("accepted");
        match &change.effects()[0] {
            Effect::Source(source) => (source.kind, source.country.as_str().to_owned(), source.lot),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(source(&mut world, "mine commissions L1 1g"), (SourceKind::Mine, "AU".into(), 0));
    assert_eq!(
        source(&mut world, "recycler collects S1 1g"),
        (SourceKind::PostConsumerScrap, "ZZ".into(), 0)
    );
    assert_eq!(source(&mut world, "trader declares U1 1g"), (SourceKind::DeclaredUnknown, "ZZ".into(), 0));
}

#[test]
fn a_final_assay_is_the_composition_from_then_on() {
    let world = check(
        "mine commissions L1 5000g Ta 30%
         lab  assays      L1 Ta 28% stage final",
        Accepted,
    );
    assert_eq!(world.lot("L1").ppb(73), Some(280_000_000));
    let world = check(
        "mine    commissions L1 5000g Ta 30%
         mine    ships       L1 to refiner
         refiner assays      L1 Ta 28% stage buyer",
        Accepted,
    );
    assert_eq!(world.lot("L1").ppb(73), Some(300_000_000));
}

#[test]
fn only_a_laboratory_or_the_custodian_has_the_last_word() {
    check(
        "mine    commissions L1 5000g Ta 30%
         mine    ships       L1 to refiner
         refiner assays      L1 Ta 28% stage final",
        Rejected(
            "A4: refiner neither is a laboratory nor has lot mine/L1, so its result cannot be the final one -> state it as a buyer's or seller's result, or ask a laboratory",
        ),
    );
}

#[test]
fn a_held_lot_stays_put_until_it_is_released() {
    let mut world = check(
        "mine      commissions L1 5000g
         authority holds       L1",
        Accepted,
    );
    let refusal = world.tell("mine ships L1 to refiner").expect_err("held");
    assert_eq!(
        refusal.to_string(),
        "A4: lot mine/L1 was put on hold by authority: it cannot be used to ship"
    );
    assert_eq!(refusal.next_step, "ask authority to release it");
    assert_eq!(world.tell("mine releases L1").expect_err("not mine's").reason, Reason::NotAuthor);
    world.tell("authority releases L1").expect("its own hold");
    world.tell("mine ships L1 to refiner").expect("free");
}

#[test]
fn a_recalled_lot_only_travels_home() {
    let mut world = check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         refiner receives    L1
         mine    recalls     L1",
        Accepted,
    );
    assert_eq!(world.tell("refiner ships L1 to trader").expect_err("recalled").reason, Reason::LotNotActive);
    world.tell("refiner ships L1 to mine for return").expect("home");
    world.tell("mine receives L1").expect("home");
    assert_eq!(world.lot("L1").status(), LotStatus::Recalled);
    world.tell("mine releases L1").expect("its own recall");
    assert_eq!(world.lot("L1").status(), LotStatus::Active);
}

#[test]
fn a_withdrawn_commission_voids_its_lot_and_a_correction_takes_over_its_number() {
    let mut world = check(
        "wrong: mine commissions L1 5000g Ta 30%
         mine withdraws wrong",
        Accepted,
    );
    assert_eq!(world.lot("L1").status(), LotStatus::Void);
    let refusal = world.tell("mine ships L1 to refiner").expect_err("void");
    assert_eq!(refusal.to_string(), "A4: lot mine/L1 is void: the record that created it was withdrawn");
    let refusal = world.tell("mine commissions L1 500g Ta 30%").expect_err("taken");
    assert_eq!(refusal.to_string(), "A2: lot mine/L1 was created before, by a record that is withdrawn");
    assert_eq!(refusal.next_step, "name that withdrawn record in `corrects` to declare the lot again");
    world.tell("right: mine commissions L1 500g Ta 30% corrects wrong").expect("the correction");
    assert_eq!((world.lot("L1").remaining_mg(), world.custody.lot_ordinal("mine/L1")), (500_000, Some(1)));
    assert_eq!(world.custody.lots().next().map(|lot| lot.status()), Some(LotStatus::Void));
    let refusal = world.tell("mine commissions L2 1g corrects wrong").expect_err("once");
    assert_eq!(refusal.reason, Reason::AlreadyExists);
    // The correction was wrong too.
    world.tell("mine withdraws right").expect("nothing rests on it");
    world.tell("mine commissions L1 50g Ta 30% corrects right").expect("second correction");
    assert_eq!(world.custody.lot_ordinal("mine/L1"), Some(2));
}

#[test]
fn a_withdrawn_step_gives_its_inputs_back() {
    let mut world = check(
        "mine commissions L1 5000g Ta 30%
         t: mine transforms L1 3000g into A1 3000g Ta 30% by splitting",
        Accepted,
    );
    let (_, record) = world.draft("mine withdraws t").expect("a record");
    let verified = crate::world::sign(record, &crate::world::key_of("mine"));
    let change = world.decide(&verified).expect("accepted");
    let withdrawn = world.custody.leaf_of(&world.id("t")).expect("in the ledger");
    assert_eq!(
        change.effects(),
        [
            Effect::TakenBack { withdrawn, inputs: vec![(0, 3_000_000)], outputs: vec![1] },
            Effect::Void { lots: vec![1], withdrawn },
        ]
    );
    let _ = world.commit(change, verified);
    let lot = world.lot("L1");
    assert_eq!((lot.remaining_mg(), lot.standing.taken_mg), (5_000_000, 0));
    assert_eq!(world.lot("A1").status(), LotStatus::Void);
    assert_eq!(world.custody.withdrawn_at(withdrawn), Some(world.custody.leaves() - 1));
}

#[test]
fn withdrawal_waits_for_what_rests_on_the_record() {
    let mut world = check(
        "c: mine commissions L1 5000g Ta 30%
         a: lab assays L1 Ta 29% stage final
         t: mine transforms L1 1000g into A1 1000g by splitting",
        Accepted,
    );
    let refusal = world.tell("mine withdraws c").expect_err("dependents");
    assert_eq!(refusal.reason, Reason::DependentsStand);
    assert_eq!(refusal.dependents, [world.id("t"), world.id("a")]);
    let hex = |label: &str| world.id(label).to_string()[..8].to_owned();
    assert_eq!(
        refusal.to_string(),
        format!(
            "A4: 2 later records rest on record {}: Transform {} by mine, Assay {} by lab",
            hex("c"),
            hex("t"),
            hex("a")
        )
    );
    assert_eq!(
        refusal.next_step,
        "have them withdrawn first, newest first; a hand-over is undone by returning the lot"
    );
    world.tell("mine withdraws t").expect("newest");
    world.tell("lab withdraws a").expect("then the assay");
    assert_eq!(world.lot("L1").ppb(73), Some(300_000_000), "the composition before the assay is back");
    world.tell("mine withdraws c").expect("nothing rests on it");
}

#[test]
fn what_came_to_nothing_is_no_dependent() {
    check(
        "c: mine commissions L1 5000g
         mine ships L1 to refiner
         refiner declines L1
         mine ships L1 to refiner
         mine cancels L1
         authority holds L1
         authority releases L1
         mine ships L1 to trader
         after 40 days
         mine withdraws c",
        Accepted,
    );
}

#[test]
fn a_hand_over_cannot_be_withdrawn() {
    let mut world = check(
        "c: mine commissions L1 5000g
         s: mine ships L1 to refiner
         r: refiner receives L1",
        Accepted,
    );
    let refusal = world.tell("refiner withdraws r").expect_err("two parties");
    assert_eq!(
        refusal.to_string(),
        format!(
            "A4: record {} is part of a hand-over between two members, which one of them cannot take back",
            &world.id("r").to_string()[..8]
        )
    );
    assert_eq!(refusal.next_step, "return the lot: ship it back with the purpose return");
    let refusal = world.tell("mine withdraws c").expect_err("rests");
    assert_eq!(refusal.dependents, [world.id("r"), world.id("s")]);
    assert_eq!(world.tell("refiner withdraws c").expect_err("not its record").reason, Reason::NotAuthor);
}

#[test]
fn use_and_disposal_are_withdrawn_exactly() {
    let mut world = check(
        "mine  commissions V1 12000g Ta 99%
         mine  ships V1 to maker
         maker receives V1
         maker transforms V1 into T1 10000g Ta 99% serial S1
         u: maker uses T1 down to 7000g
         d: maker disposes T1 500g",
        Accepted,
    );
    assert_eq!(world.tell("maker withdraws u").expect_err("d rests on it").dependents, [world.id("d")]);
    world.tell("maker withdraws d").expect("newest");
    world.tell("maker withdraws u").expect("then the use");
    let standing = world.lot("T1").standing;
    assert_eq!((standing.remaining_mg, standing.used_mg, standing.disposed_mg), (10_000_000, 0, 0));
}

#[test]
fn mass_that_changes_without_a_step_reaches_the_graph() {
    let mut world = check("mine commissions L1 5000g", Accepted);
    let (_, record) = world.draft("mine disposes L1 100g").expect("a record");
    let verified = crate::world::sign(record, &crate::world::key_of("mine"));
    let change = world.decide(&verified).expect("accepted");
    assert_eq!(
        change.effects(),
        [Effect::Mass { lot: 0, remaining_mg: 4_900_000, why: MassChange::Disposed }]
    );
}

#[test]
fn observations_leave_the_mass_alone() {
    let world = check(
        "mine commissions L1 5000g
         mine seals L1 SEAL-7
         mine footprints L1
         mine counts 100kg",
        Accepted,
    );
    assert_eq!(world.lot("L1").remaining_mg(), 5_000_000);
}

#[test]
fn credits_are_earned_claimed_and_given_back() {
    let mut world = check(
        "certifier attests mine C1
         mine commissions L1 5000g Ta 40% mass-balance
         mine commissions L2 5000g Ta 40% mass-balance
         d: mine deposits L1 1000g
         c: mine claims L2 900g",
        Accepted,
    );
    let refusal = world.tell("mine withdraws d").expect_err("spent");
    assert_eq!(refusal.next_step, "withdraw claims of that period first");
    world.tell("mine withdraws c").expect("claim");
    world.tell("mine withdraws d").expect("deposit");
    assert!(world.custody.books().lines.is_empty());
    assert!(world.custody.books().accounts.values().all(|balance| *balance == 0));
}
