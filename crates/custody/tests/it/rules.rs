//! One test for each rule that refuses, with what the submitter reads: `rule: message -> next step`.

use ore_custody::{Reason, Rule};
use ore_record::v1::{self, MassBasis, Record, record::Event};

use crate::world::{Accepted, Rejected, World, check, check_changed, key_of, sign};

fn commission(record: &mut Record) -> &mut v1::NewLot {
    match &mut record.event {
        Some(Event::Commission(event)) => event.lot.as_mut().expect("a lot"),
        other => panic!("not a commission: {other:?}"),
    }
}

fn mass(record: &mut Record) -> &mut v1::Mass {
    commission(record).mass.as_mut().expect("a mass")
}

#[test]
fn a1_the_author_is_a_member() {
    check_changed(
        "mine commissions L1 5000g",
        |record| record.author = "nobody".into(),
        Rejected(
            "A1: author \"nobody\" is no member of this ledger -> have the member admitted first, or check its id",
        ),
    );
}

#[test]
fn a1_the_key_is_the_authors() {
    let mut world = World::new();
    let (_, record) = world.draft("mine commissions L1 5000g").expect("a record");
    let refusal = world.decide(&sign(record, &key_of("refiner"))).expect_err("refiner's key");
    assert_eq!((refusal.rule, refusal.reason), (Rule::A1, Reason::KeyNotValid));
    assert_eq!(refusal.message, "the key that signed is not registered for mine");
    assert_eq!(
        refusal.next_step,
        "sign with a valid key, or register this one with a record that a valid key signs"
    );
}

#[test]
fn a1_the_record_is_meant_for_this_ledger() {
    check_changed(
        "mine commissions L1 5000g",
        |record| record.origin = "elsewhere.example".into(),
        Rejected(
            "A1: the record is meant for ledger \"elsewhere.example\", this is \"test.example/ledger\" -> sign it for this ledger, or send it to the other",
        ),
    );
}

#[test]
fn a1_a_moved_head_is_refused_with_the_newest() {
    let mut world = check(
        "c: mine commissions L1 5000g
         d: mine disposes L1 10g",
        Accepted,
    );
    let (old, new) = (world.id("c"), world.id("d"));
    let refusal = world
        .tell_changed("mine disposes L1 20g", |record| {
            ore_record::draft::heads_mut(record)[0].head = old.as_bytes().to_vec();
        })
        .expect_err("stale");
    assert_eq!((refusal.rule, refusal.reason), (Rule::A1, Reason::StaleHead));
    assert_eq!(refusal.newest_head, Some(new));
    assert_eq!(
        refusal.message,
        format!(
            "lot mine/L1 has moved on: its newest record is {}, this record names {}",
            &new.to_string()[..8],
            &old.to_string()[..8]
        )
    );
    assert_eq!(
        refusal.next_step,
        "look at the newest record of the lot, then name it as the head and sign again"
    );
}

#[test]
fn a1_a_lot_that_nobody_created() {
    check(
        "mine ships L9 to refiner",
        Rejected(
            "A1: no record creates lot \"L9\" -> check the spelling, or submit the record that creates it first",
        ),
    );
}

#[test]
fn a2_the_same_record_is_appended_once() {
    let mut world = World::new();
    let (_, record) = world.draft("mine commissions L1 5000g").expect("a record");
    let (id, _undo) = world.submit(record.clone()).expect("first");
    let leaf = world.custody.leaf_of(&id).expect("there");
    let refusal = world.submit(record).map(|_| ()).expect_err("second");
    assert_eq!((refusal.rule, refusal.reason), (Rule::A2, Reason::AlreadyExists));
    assert_eq!(refusal.message, format!("the record is in the ledger already, at leaf {leaf}"));
    assert_eq!(refusal.next_step, "nothing: its receipt stands");
}

#[test]
fn a2_a_lot_number_is_used_once() {
    check(
        "mine commissions L1 5000g
         mine commissions L1 5000g",
        Rejected(
            "A2: lot mine/L1 exists already: it was created at leaf 17 -> give the lot a number that was not used before",
        ),
    );
}

#[test]
fn a3_the_event_is_not_in_the_future() {
    check(
        "mine commissions L1 5000g at-time 301",
        Rejected(
            "A3: the event is 301 s after the block's time, at most 300 s are allowed -> check the clock, or submit the record when it has happened",
        ),
    );
    check("mine commissions L1 5000g at-time 300", Accepted);
}

#[test]
fn a4_only_the_custodian_ships() {
    check(
        "mine    commissions L1 5000g
         refiner ships       L1 to trader",
        Rejected(
            "A4: lot mine/L1 is in the custody of mine, and only its custodian may ship it -> ask mine to do it, or to ship the lot to refiner first",
        ),
    );
}

#[test]
fn a4_only_the_named_receiver_accepts() {
    check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         trader  receives    L1",
        Rejected(
            "A4: the offer is made to refiner, and only refiner may accept it -> let refiner answer, or ask for an offer to trader",
        ),
    );
}

#[test]
fn a4_roles_allow_the_event() {
    check(
        "trader commissions L1 5000g",
        Rejected(
            "A4: trader has no role that allows this; it takes one of: miner -> let a member with that role state it, or ask the consortium to change the roles",
        ),
    );
}

#[test]
fn a4_a_lot_bears_its_authors_name() {
    check(
        "mine commissions refiner/L1 5000g",
        Rejected(
            "A4: lot refiner/L1 would bear the name of refiner, and only that member may create it -> name the lot mine/<number>",
        ),
    );
}

#[test]
fn a4_ownership_is_the_owners_to_pass_on() {
    check(
        "mine    commissions L1 5000g owned by trader
         mine    ships       L1 to refiner",
        Rejected(
            "A4: lot mine/L1 is owned by trader, and only its owner may pass ownership on -> transfer custody only, or let trader transfer the ownership",
        ),
    );
}

#[test]
fn a5_mass_above_zero_with_basis_and_unit() {
    check_changed(
        "mine commissions L1 5000g",
        |record| mass(record).dry_mg = 0,
        Rejected("A5: lot mine/L1: the dry mass is zero -> weigh it and state mass, basis and unit"),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| mass(record).basis = MassBasis::Unspecified.into(),
        Rejected(
            "A5: lot mine/L1: the mass states no basis; say dry, or as received with the moisture -> weigh it and state mass, basis and unit",
        ),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| mass(record).unit = "STN".into(),
        Rejected(
            "A5: lot mine/L1: unit \"STN\" is not one of KGM (kg), TNE (t), GRM (g), MGM (mg), DT (dry ton), APZ (troy ounce), LBR (pound) -> weigh it and state mass, basis and unit",
        ),
    );
}

#[test]
fn a6_countries_codes_and_coordinates() {
    check_changed(
        "mine commissions L1 5000g",
        |record| commission(record).transformation_country = "UK".into(),
        Rejected(
            "A6: country of the last transformation \"UK\" is no ISO 3166-1 alpha-2 code -> use the two capital letters of the country, for example AU",
        ),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| commission(record).origin_country = "BR".into(),
        Rejected(
            "A6: lot mine/L1 states origin country \"BR\", its mine mine/pit is in AU -> state AU or name the right mine",
        ),
    );
    check(
        "mine commissions L1 5000g hs 261591",
        Rejected(
            "A6: HS code \"261591\" is not in the table HS2022 -> use the six-digit code of that table, without dots, or leave it empty",
        ),
    );
    check("mine commissions L1 5000g hs 261590", Accepted);
    let mut world = World::new();
    let facility = v1::Facility {
        id: "mine/pit2".into(),
        name: "second pit".into(),
        kind: v1::FacilityKind::Mine.into(),
        latitude_e7: 900_000_001,
        country: "AU".into(),
        ..v1::Facility::default()
    };
    let event = Event::RegisterFacility(v1::RegisterFacility { facility: Some(facility) });
    let record = world.record("mine", event);
    let refusal = world.submit(record).map(|_| ()).expect_err("beyond the pole");
    assert_eq!(
        refusal.to_string(),
        "A6: latitude 900000001 is outside -900000000 to 900000000 (ten-millionths of a degree)"
    );
}

#[test]
fn m1_never_more_than_the_lot_holds() {
    check(
        "mine commissions L1 5000g
         mine transforms  L1 5001g into A1 5001g by splitting",
        Rejected(
            "M1: lot mine/L1 holds 5000 g dry, 5001 g are taken -> correct the mass, or name the other lots that it came from",
        ),
    );
    check(
        "mine commissions L1 5000g
         mine ships       L1 5001g to refiner",
        Rejected(
            "M1: lot mine/L1 holds 5000 g dry, 5001 g are shipped -> correct the mass, or name the other lots that it came from",
        ),
    );
    check(
        "mine commissions L1 5000g
         mine disposes    L1 5001g",
        Rejected(
            "M1: lot mine/L1 holds 5000 g dry, 5001 g are disposed of -> correct the mass, or name the other lots that it came from",
        ),
    );
    check(
        "mine commissions L1 5000g
         mine ships       L1 3000g to refiner",
        Rejected(
            "M1: lot mine/L1 holds 5000 g dry and 3000 g are shipped: a lot travels whole -> split the lot first and ship the part, or record what is gone",
        ),
    );
}

#[test]
fn m4_outputs_weigh_no_more_than_inputs() {
    check(
        "mine    commissions L1 5000g
         mine    ships       L1 to refiner
         refiner receives    L1
         refiner transforms  L1 into R1 5001g",
        Rejected(
            "M4: outputs weigh 5001 g, inputs 5000 g -> weigh again, name every input, or state what the outputs are made of",
        ),
    );
}

#[test]
fn m4_all_outputs_are_weighed_together() {
    check(
        "mine commissions L1 5000g
         mine transforms  L1 into A1 4000g + A2 4000g by splitting",
        Rejected("M4: outputs weigh 8000 g, inputs 5000 g -> weigh again, or name every input"),
    );
}

#[test]
fn m4_no_metal_out_of_nothing() {
    check(
        "mine    commissions L1 10kg Ta 30%
         mine    ships       L1 to refiner
         refiner receives    L1
         refiner transforms  L1 into R1 3500g Ta 90%",
        Rejected(
            "M4: outputs contain 3150 g of Ta, inputs at most 3000 g -> check masses, grades and units, or name every input",
        ),
    );
}

#[test]
fn m4_a_lot_that_nobody_assayed_could_be_all_of_it_but_not_more() {
    check(
        "mine    commissions L1 1000g
         mine    ships       L1 to refiner
         refiner receives    L1
         refiner transforms  L1 into R1 1100g Ta 100%",
        Rejected(
            "M4: outputs contain 1100 g of Ta, inputs at most 1000 g -> check masses, grades and units, or name every input",
        ),
    );
}

#[test]
fn m8_dry_wet_and_moisture_agree() {
    check_changed(
        "mine commissions L1 5000g",
        |record| {
            let mass = mass(record);
            mass.basis = MassBasis::AsReceived.into();
            mass.wet_mg = 5_500_000;
            mass.moisture_ppm = 80_000;
        },
        Rejected(
            "M8: lot mine/L1: 5500000 mg wet with 80000 ppm moisture are 5060000 mg dry, but the mass says 5000000 mg -> check the weighing and the moisture: dry = wet x (1 - moisture)",
        ),
    );
}

#[test]
fn m9_a_composition_is_no_more_than_the_whole() {
    check(
        "mine commissions L1 5000g Ta2O5 70% Nb2O5 40%",
        Rejected(
            "M9: lot mine/L1: contents sum to 1100000000 ppb with an uncertainty of 0 ppb, above 1,000,000,000 -> check the units: 1 % is 10,000,000 ppb, and an oxide is stated as the oxide",
        ),
    );
}

#[test]
fn m10_no_grade_above_the_pure_compound() {
    check(
        "mine commissions L1 5000g Ta 82% of Ta2O5",
        Rejected(
            "M10: lot mine/L1: 820000000 ppb Ta is above the 818971096 ppb of pure Ta2O5 -> state the content as the oxide, correct the grade, or leave the compound empty",
        ),
    );
    check("mine commissions L1 5000g Ta 81.8% of Ta2O5", Accepted);
    // A later assay is held against the compound too.
    check(
        "mine commissions L1 5000g Ta 80% of Ta2O5
         lab  assays      L1 Ta 83% stage final",
        Rejected(
            "M10: lot mine/L1: 830000000 ppb Ta is above the 818971096 ppb of pure Ta2O5 -> state the content as the oxide, correct the grade, or leave the compound empty",
        ),
    );
}

#[test]
fn m13_gold_does_not_turn_into_tin() {
    check(
        "mine    commissions L1 10kg Au 90% Ag 5%
         mine    ships       L1 to refiner
         refiner receives    L1
         refiner transforms  L1 into R1 9000g Sn 90%",
        Rejected(
            "M13: the outputs hold Sn, and no input holds any: the inputs hold Ag, Au -> name the input that brought the Sn, state it in an input's assay, or correct the output",
        ),
    );
}

#[test]
fn m13_oxygen_comes_from_the_air() {
    check(
        "mine    commissions L1 10kg Ta 90%
         mine    ships       L1 to refiner
         refiner receives    L1
         refiner transforms  L1 into R1 10900g Ta 81% O 18% of Ta2O5",
        Accepted,
    );
}

#[test]
fn m14_an_items_net_mass_only_falls() {
    let story = "mine  commissions V1 12000g Ta 99%
         mine  ships V1 to maker
         maker receives V1
         maker transforms V1 into T1 10000g Ta 99% serial S1
         maker uses T1 down to ";
    check(
        &format!("{story}10001g"),
        Rejected(
            "M14: item maker/T1 weighed 10000 g and would weigh 10001 g after use: its net mass only falls -> weigh again without packaging, or check the item's number",
        ),
    );
    check(&format!("{story}9999g"), Accepted);
    check(
        "mine  commissions V1 12000g
         mine  ships V1 to maker
         maker receives V1
         maker uses V1 down to 10g",
        Rejected(
            "M14: lot mine/V1 is no item: it has no serial number, so no net mass of one piece -> state a transformation, or commission pieces with serial numbers",
        ),
    );
}

#[test]
fn o1_a_mined_lot_has_a_mine_and_a_tag() {
    check(
        "mine commissions L1 5000g found mine/shed",
        Rejected(
            "O1: lot mine/L1 is stated as extracted, but facility mine/shed is not a mine -> name the mine that it comes from, or state the lot as of unknown origin",
        ),
    );
    check(
        "mine commissions L1 5000g untagged",
        Rejected(
            "O1: lot mine/L1 was extracted at mine/pit and bears no tag -> tag the lot at the mine and state the tag's number",
        ),
    );
}

#[test]
fn t1_no_consumption_before_creation() {
    check(
        "mine commissions L1 5000g
         mine transforms  L1 into A1 5000g by splitting at-time -120",
        Rejected("T1: lot mine/L1 was created 60 s after this event, both by mine -> correct the event time"),
    );
}

#[test]
fn t1_no_receipt_before_dispatch() {
    check(
        "mine commissions L1 5000g
         mine ships       L1 to mine
         mine receives    L1 at-time -120",
        Rejected(
            "T1: the lots were dispatched 60 s after this receipt, both by mine -> correct the event time",
        ),
    );
    // Clocks of two members differ: there it is a finding.
    check(
        "mine commissions L1 5000g
         mine ships       L1 to refiner
         refiner receives L1 at-time -120",
        Accepted,
    );
}

#[test]
fn t6_no_lot_is_its_own_ancestor() {
    check(
        "mine commissions L1 5000g
         mine transforms  L1 2000g into L1 2000g by splitting",
        Rejected(
            "T6: lot mine/L1 is an input and an output: it would be its own ancestor -> give what comes out a number of its own; what stays in the input is not an output",
        ),
    );
}

#[test]
fn c1_the_model_only_weakens() {
    check(
        "mine commissions L1 5000g
         mine transforms  L1 into A1 5000g segregated by splitting",
        Rejected(
            "C1: output mine/A1 is stated as segregated, but input mine/L1 is only controlled blending -> state controlled blending or a weaker model",
        ),
    );
    check(
        "mine commissions L1 5000g segregated
         mine transforms  L1 into A1 5000g mass-balance by splitting",
        Accepted,
    );
}

#[test]
fn c4_no_more_credits_than_were_earned() {
    let story = "certifier attests mine C1
         mine commissions L1 5000g Ta 40% mass-balance
         mine commissions L2 5000g Ta 40% mass-balance
         mine deposits L1 1000g
         ";
    check(
        &format!("{story}mine claims L2 901g"),
        Rejected(
            "C4: 901 g of Ta are claimed, the balance of green at mine/shed for 202609 is 900 g -> claim less, or deposit the credits of that period first",
        ),
    );
    check(
        &format!("{story}mine deposits L1 10g"),
        Rejected(
            "C4: lot mine/L1 has earned its credits under green before: a lot earns once -> withdraw the earlier deposit if it was wrong",
        ),
    );
    check(
        "certifier attests mine C1
         mine commissions L1 5000g Ta 40% mass-balance
         mine deposits L1 2001g",
        Rejected(
            "C4: 2001 g of Ta are deposited for lot mine/L1, which contained 2000 g -> deposit at most what the lot contained",
        ),
    );
}

#[test]
fn c5_physical_and_credit_claims_are_never_on_one_line() {
    check(
        "certifier attests mine C1
         mine commissions L1 5000g Ta 40% mass-balance
         mine commissions L2 5000g Ta 40% segregated
         mine deposits L1 1000g
         mine claims L2 100g",
        Rejected(
            "C5: lot mine/L2 is stated as segregated, a physical claim: credits cannot be claimed on the same line -> claim credits for lots of the mass balance or book and claim model",
        ),
    );
}

#[test]
fn form_lists_and_texts_are_bounded() {
    check_changed(
        "mine commissions L1 5000g",
        |record| record.note = "x".repeat(1001),
        Rejected("A6: the note has 1001 bytes, at most 1000 are allowed -> shorten it"),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| commission(record).tags = vec!["T".into(); 65],
        Rejected("A6: 65 tags, at most 64 are allowed in one record -> split them over several records"),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| commission(record).model = 0,
        Rejected("A6: chain-of-custody model is not stated -> state chain-of-custody model"),
    );
    check_changed(
        "mine commissions L1 5000g",
        |record| record.nonce.truncate(8),
        Rejected("A6: the nonce has 8 bytes, not 16 -> draw 16 random bytes"),
    );
}
