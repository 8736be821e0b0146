//! Reference libraries and claims of an origin: what may enter, and that none of it is taken back.

use ore_custody::{Reason, Rule};
use ore_record::v1::{
    ClaimOrigin, PublishLibrary, ReferenceAnalysis, ReferencePart, TraceValue, Withdraw, WithdrawReason,
    record::Event,
};

use crate::world::{World, key_of, sign};

/// A world in which `mine` has a lot, and what its laboratory said so far.
struct Story {
    world: World,
}

impl Story {
    fn new() -> Self {
        let mut world = World::new();
        world.tell("mine commissions L1 5000g").expect("a lot");
        Self { world }
    }

    /// The id, or `rule: message -> next step`.
    fn say(&mut self, author: &str, event: impl Into<Event>) -> Result<Vec<u8>, String> {
        let record = self.world.record(author, event.into());
        match self.world.submit(record) {
            Ok((id, _)) => Ok(id.as_bytes().to_vec()),
            Err(refusal) => Err(format!("{}: {} -> {}", refusal.rule, refusal.message, refusal.next_step)),
        }
    }

    fn published(&mut self) -> Vec<u8> {
        let parts = vec![self.say("lab", part("Kivu 1")).expect("a part")];
        self.say("lab", library(1, parts)).expect("a library")
    }
}

fn part(origin: &str) -> ReferencePart {
    let value = |element, ppt| TraceValue { element, ppt, ..TraceValue::default() };
    ReferencePart {
        library: "lab/coltan".into(),
        matrix: "coltan".into(),
        origin: origin.into(),
        campaign: "lab, LA-ICP-MS".into(),
        provenance: "own measurements, session 12".into(),
        analyses: vec![ReferenceAnalysis {
            sample: "S-1".into(),
            spot: "1".into(),
            pattern: vec![value(57, 1_200_000), value(58, 3_400_000)],
        }],
        ..ReferencePart::default()
    }
}

fn library(version: u32, parts: Vec<Vec<u8>>) -> PublishLibrary {
    PublishLibrary {
        library: "lab/coltan".into(),
        version,
        matrix: "coltan".into(),
        parts,
        ..PublishLibrary::default()
    }
}

fn claim(lot: &str, library: Vec<u8>) -> ClaimOrigin {
    ClaimOrigin { lot: lot.into(), origin: "Kivu 1".into(), library }
}

#[test]
fn a_library_grows_version_by_version_and_is_claimed_by() {
    let mut story = Story::new();
    let one = story.say("lab", part("Kivu 1")).expect("a part");
    let first = story.say("lab", library(1, vec![one.clone()])).expect("version 1");
    let two = story.say("lab", part("Kivu 2")).expect("another part");
    let second = PublishLibrary { previous: first.clone(), ..library(2, vec![one, two]) };
    let second = story.say("lab", second).expect("version 2");
    story.say("mine", claim("mine/L1", first)).expect("a claim by the first version");
    story.say("mine", claim("mine/L1", second)).expect("a claim by the second");
}

#[test]
fn a4_a_library_is_its_authors() {
    let mut story = Story::new();
    assert_eq!(
        story.say("refiner", part("Kivu 1")),
        Err("A4: library \"lab/coltan\" is not refiner's -> name it refiner/<name>".to_owned())
    );
    let stolen = story.say("lab", part("Kivu 1")).expect("a part");
    let own = PublishLibrary { library: "refiner/coltan".into(), ..library(1, vec![stolen]) };
    let refusal = story.say("refiner", own).expect_err("another library's part");
    assert!(refusal.starts_with("A6: part ") && refusal.contains("is of library lab/coltan"), "{refusal}");
}

#[test]
fn a2_versions_follow_each_other() {
    let mut story = Story::new();
    let part = story.say("lab", part("Kivu 1")).expect("a part");
    assert_eq!(
        story.say("lab", library(2, vec![part.clone()])),
        Err("A2: version 2 names no version before it -> name the newest version, and count one up"
            .to_owned())
    );
    let first = story.say("lab", library(1, vec![part.clone()])).expect("version 1");
    let third = PublishLibrary { previous: first, ..library(3, vec![part]) };
    assert_eq!(
        story.say("lab", third),
        Err("A2: version 3 does not follow version 1 -> name the newest version, and count one up".to_owned())
    );
}

#[test]
fn a1_parts_libraries_and_claims_name_records_of_their_kind() {
    let mut story = Story::new();
    let refusal = story.say("lab", library(1, vec![vec![7; 32]])).expect_err("no such part");
    assert!(refusal.starts_with("A1: a part of the library 07070707 is not in this ledger"), "{refusal}");
    let library_id = story.published();
    let refusal = story.say("lab", library(1, vec![library_id])).expect_err("a library is no part");
    assert!(refusal.contains("holds no reference analyses"), "{refusal}");
    let part = story.say("lab", part("Kivu 2")).expect("a part");
    let refusal = story.say("mine", claim("mine/L1", part)).expect_err("a part is no library");
    assert!(refusal.contains("publishes no library"), "{refusal}");
}

#[test]
fn a6_analyses_say_where_they_come_from_and_what_they_found() {
    let mut story = Story::new();
    let nowhere = ReferencePart { provenance: String::new(), ..part("Kivu 1") };
    assert_eq!(
        story.say("lab", nowhere),
        Err("A6: where the analyses come from is not stated -> state where the analyses come from".to_owned())
    );
    let mut empty = part("Kivu 1");
    empty.analyses[0].pattern[0].ppt = 0;
    let refusal = story.say("lab", empty).expect_err("nothing measured");
    assert!(refusal.contains("sample \"S-1\" states nothing of element 57"), "{refusal}");
    let mut none = part("Kivu 1");
    none.analyses.clear();
    assert!(story.say("lab", none).expect_err("no analysis").contains("holds no analysis"));
    let made_up = ReferencePart { synthetic: true, ..part("Kivu 1") };
    let made_up = story.say("lab", made_up).expect("a synthetic part");
    let silent = story.say("lab", library(1, vec![made_up.clone()])).expect_err("the version hides it");
    assert!(silent.contains("is synthetic, and the version does not say so"), "{silent}");
    let twice = PublishLibrary { synthetic: true, ..library(1, vec![made_up.clone(), made_up]) };
    assert!(story.say("lab", twice).expect_err("twice").contains("is named twice"));
}

#[test]
fn a4_who_has_or_owns_a_lot_claims_its_origin() {
    let mut story = Story::new();
    let library = story.published();
    assert_eq!(
        story.say("refiner", claim("mine/L1", library.clone())),
        Err("A4: refiner neither has nor owns lot mine/L1 -> have its custodian or owner claim its origin"
            .to_owned())
    );
    let refusal = story.say("mine", claim("mine/L7", library)).expect_err("no such lot");
    assert!(refusal.contains("no record creates lot \"mine/L7\""), "{refusal}");
}

#[test]
fn claims_and_libraries_are_never_taken_back() {
    let mut story = Story::new();
    let library = story.published();
    let claim = story.say("mine", claim("mine/L1", library.clone())).expect("a claim");
    let withdraw = |record| Withdraw {
        record,
        reason: WithdrawReason::IncorrectData.into(),
        explanation: String::new(),
    };
    let refusal = story.say("mine", withdraw(claim)).expect_err("it stays seen");
    assert!(refusal.contains("a claim of an origin, which stays seen"), "{refusal}");
    let refusal = story.say("lab", withdraw(library)).expect_err("it is claimed by");
    assert!(refusal.contains("publish a next version of the library without it"), "{refusal}");
}

#[test]
fn a_commitment_shows_no_spots_either() {
    let mut world = Story::new().world;
    let (_, mut record) = world.draft("lab assays L1").expect("a record");
    let Some(Event::Assay(assay)) = &mut record.event else { panic!("an assay") };
    assay.composition = None;
    assay.commitment = vec![1; 32];
    assay.spots = part("x")
        .analyses
        .into_iter()
        .map(|it| ore_record::v1::TraceSpot { spot: it.spot, pattern: it.pattern })
        .collect();
    let refusal = world.decide(&sign(record, &key_of("lab"))).expect_err("it shows the pattern");
    assert_eq!((refusal.rule, refusal.reason), (Rule::A6, Reason::BadValue));
    assert!(refusal.message.contains("a commitment shows no results"), "{}", refusal.message);
}
