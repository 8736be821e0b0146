//! What a member writes on its tags is free text, and so is where a lot is whose ownership alone passes. Both may be
//! the name of another's facility, lot or attestation, and move nothing there.

use std::collections::BTreeMap;

use ore_audit::{
    Budget, View,
    balance::{self, BalanceOf},
    credits::{CreditsOf, credits},
};
use ore_findings::{Judge, Memory as Known, Rule};
use ore_generate::{Memory, Said, Sink, cast, generate, profile, violate};
use ore_provenance::{Element, Scratch};
use ore_record::v1::{self, MaterialClass, TransferKind, record::Event};

const SEED: u64 = 31;

/// A story in which every new lot bears the names of all facilities as tags, or every lot that was received is sold
/// on and bought back where it lies, with a name for its place.
struct Borrowing {
    memory: Memory,
    names: Vec<String>,
    /// Names of the places of a sale and a purchase.
    places: Option<[String; 2]>,
    sales: usize,
}

impl Borrowing {
    /// Sold, after a first offer that was declined, and bought back; either answer takes its time.
    fn sell_in_place(&mut self, owner: &str, event_time_ms: u64, lots: &[v1::AcceptedLot]) {
        let Some([from, at]) = self.places.clone() else { return };
        let shipped = |it: &v1::AcceptedLot| v1::ShippedLot {
            lot: it.lot.clone(),
            mass: it.mass.clone(),
            ..v1::ShippedLot::default()
        };
        let unsealed = |it: &v1::AcceptedLot| v1::AcceptedLot { seals: 0, ..it.clone() };
        let mut say = |author: &str, event_time_ms: u64, event: Event| {
            let (author, documents, corrects) = (author.to_owned(), Vec::new(), Vec::new());
            self.memory.put(Said { author, event_time_ms, event, documents, corrects, crafted: false })
        };
        for (seller, buyer, taken) in [(owner, BUYER, false), (owner, BUYER, true), (BUYER, owner, true)] {
            let ship = v1::Ship {
                lots: lots.iter().map(shipped).collect(),
                receiver: buyer.to_owned(),
                transfer: TransferKind::Ownership.into(),
                purpose: v1::ShipPurpose::Sale.into(),
                from_facility: from.clone(),
                ..v1::Ship::default()
            };
            let offer = say(seller, event_time_ms, ship.into()).to_vec();
            let answer = if taken {
                let (lots, facility) = (lots.iter().map(unsealed).collect(), at.clone());
                v1::Accept { offer, lots, facility }.into()
            } else {
                let lots = lots.iter().filter_map(|it| it.lot.clone()).collect();
                v1::Decline { offer, lots, ..v1::Decline::default() }.into()
            };
            say(buyer, event_time_ms + ANSWER_MS, answer);
        }
        self.sales += 1;
    }
}

impl Sink for Borrowing {
    fn put(&mut self, mut said: Said) -> [u8; 32] {
        let lots = match &mut said.event {
            Event::Commission(it) => it.lot.iter_mut().collect(),
            Event::Transform(it) => it.outputs.iter_mut().filter_map(|output| output.lot.as_mut()).collect(),
            _ => Vec::new(),
        };
        for lot in lots {
            lot.tags.extend(self.names.iter().cloned());
        }
        let (author, event_time_ms) = (said.author.clone(), said.event_time_ms);
        let received = match &said.event {
            Event::Accept(it) => it.lots.clone(),
            _ => Vec::new(),
        };
        let id = self.memory.put(said);
        if !received.is_empty() {
            self.sell_in_place(&author, event_time_ms, &received);
        }
        id
    }

    fn pass(&mut self, time_ms: u64) {
        self.memory.pass(time_ms);
    }
}

/// Longer than anything may be on the way.
const ANSWER_MS: u64 = 200 * 86_400_000;

/// Buys what it never has in its hands.
const BUYER: &str = "laboratory";

fn told(names: Vec<String>, places: Option<[&str; 2]>) -> Borrowing {
    let (memory, places) = (Memory::new(&cast(), profile()), places.map(|it| it.map(str::to_owned)));
    let mut sink = Borrowing { memory, names, places, sales: 0 };
    let (_, now_ms) = generate(&mut sink, SEED, 1_000);
    violate(&mut sink, SEED, now_ms);
    sink
}

/// Leaf and message of each finding, by rule.
type Findings = BTreeMap<Rule, Vec<(u32, String)>>;

/// Balances and credits of every facility, and all findings but those about the tags themselves.
fn said_of(memory: &Memory) -> (Vec<balance::Balance>, String, Findings) {
    let view =
        View { journal: &memory.journal, graph: &memory.graph, as_of: memory.size(), date_ms: u64::MAX };
    let budget = || Budget::new(u64::MAX);
    let (mut balances, mut accounts) = (Vec::new(), String::new());
    for facility in memory.journal.facilities() {
        for element in [Element(0), Element(73)] {
            let material = MaterialClass::Unspecified;
            let of = BalanceOf { facility: *facility, material, element, from_ms: 0, to_ms: u64::MAX };
            balances.push(balance::balance(&view, &of, 10_000, &mut budget()));
        }
        let of = CreditsOf { facility: *facility, scheme: String::new(), element: 0, lifetime_months: 12 };
        accounts.push_str(&format!("{:?}\n", credits(&view, of, &mut budget())));
    }
    let strict = |leaf: u32| Some(!memory.crafted.contains(&leaf));
    let mut scratch = Scratch::default();
    let mut judge = Judge::new(view, &mut scratch, &strict, budget(), Known::default());
    let mut findings = Findings::new();
    for leaf in 0..memory.size() as u32 {
        for found in judge.judge(leaf).expect("budget enough") {
            findings.entry(found.rule).or_default().push((leaf, found.message));
        }
    }
    findings.retain(|rule, _| !matches!(rule, Rule::O2 | Rule::G1));
    (balances, accounts, findings)
}

#[test]
fn a_tag_that_bears_the_name_of_a_facility_moves_nothing_there() {
    let plain = told(Vec::new(), None).memory;
    let names = plain.journal.facilities().iter().map(|facility| plain.journal.text(*facility).to_owned());
    let borrowed = told(names.collect(), None).memory;
    let (told, tagged) = (said_of(&plain), said_of(&borrowed));
    assert!(
        told.2.contains_key(&Rule::M12) && told.2.contains_key(&Rule::M5) && told.2.contains_key(&Rule::M3)
    );
    assert!(told.0.iter().filter(|sheet| sheet.closing_pg != 0).count() > 10);
    assert_eq!(told.0, tagged.0, "balances");
    assert_eq!(told.1, tagged.1, "credits");
    assert_eq!(told.2, tagged.2, "findings");
}

#[test]
fn a_sale_in_place_moves_nothing_wherever_it_is_said_to_be() {
    let unsold = told(Vec::new(), None).memory;
    let places: Vec<String> =
        unsold.journal.facilities().iter().map(|place| unsold.journal.text(*place).to_owned()).collect();
    let honest = told(Vec::new(), Some(["", ""]));
    assert!(honest.sales > 100, "{} sales", honest.sales);
    let (before, sold) = (said_of(&unsold), said_of(&honest.memory));
    let sums = |sheet: &balance::Balance| (sheet.opening_pg, sheet.lines.clone(), sheet.closing_pg);
    assert!(before.0.iter().map(sums).eq(sold.0.iter().map(sums)), "balances");
    let messages = |findings: &Findings| -> Vec<(Rule, Vec<String>)> {
        let of_rule = |(rule, found): (&Rule, &Vec<(u32, String)>)| {
            (*rule, found.iter().map(|(_, message)| message.clone()).collect())
        };
        findings.iter().map(of_rule).collect()
    };
    assert_eq!(messages(&before.2), messages(&sold.2), "findings");
    let (first, last) = places.first().zip(places.last()).expect("registered");
    for names in [[first.as_str(), first], [last, first], ["nobody/nowhere", "victim/next"]] {
        let borrowed = told(Vec::new(), Some(names)).memory;
        let told = said_of(&borrowed);
        assert_eq!(sold.0, told.0, "balances with {names:?}");
        assert_eq!(sold.1, told.1, "credits with {names:?}");
        assert_eq!(sold.2, told.2, "findings with {names:?}");
        let nowhere = borrowed.journal.words().find("nobody/nowhere");
        assert!(nowhere.is_none_or(|word| borrowed.journal.done_at(word).is_empty()));
    }
}
