//! What a member writes on its tags is free text, and may be the name of another's facility, lot or attestation. It
//! moves nothing there.

use std::collections::BTreeMap;

use ore_audit::{
    Budget, View,
    balance::{self, BalanceOf},
    credits::{CreditsOf, credits},
};
use ore_findings::{Judge, Memory as Known, Rule};
use ore_generate::{Memory, Said, Sink, cast, generate, profile, violate};
use ore_provenance::{Element, Scratch};
use ore_record::v1::{MaterialClass, record::Event};

const SEED: u64 = 31;

/// A story in which every new lot bears the names of all facilities as tags.
struct Borrowing {
    memory: Memory,
    names: Vec<String>,
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
        self.memory.put(said)
    }

    fn pass(&mut self, time_ms: u64) {
        self.memory.pass(time_ms);
    }
}

fn told(names: Vec<String>) -> Memory {
    let mut sink = Borrowing { memory: Memory::new(&cast(), profile()), names };
    let (_, now_ms) = generate(&mut sink, SEED, 1_000);
    violate(&mut sink, SEED, now_ms);
    sink.memory
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
    let plain = told(Vec::new());
    let names = plain.journal.facilities().iter().map(|facility| plain.journal.text(*facility).to_owned());
    let borrowed = told(names.collect());
    let (told, tagged) = (said_of(&plain), said_of(&borrowed));
    assert!(
        told.2.contains_key(&Rule::M12) && told.2.contains_key(&Rule::M5) && told.2.contains_key(&Rule::M3)
    );
    assert!(told.0.iter().filter(|sheet| sheet.closing_pg != 0).count() > 10);
    assert_eq!(told.0, tagged.0, "balances");
    assert_eq!(told.1, tagged.1, "credits");
    assert_eq!(told.2, tagged.2, "findings");
}
