//! The worked cases of provenance that are stories, told in real records to the real rules.
//!
//! `tests/vectors/provenance/cases.json`; the cases that test a formula alone are in `ore-provenance`.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;
use ore_provenance::{
    Attribution, Element, ForwardLimits, LotIndex, Parts, Route, Scratch, Threshold, trace_forward,
};
use ore_record::{
    RecordId, SignedRecord, draft, elements,
    v1::{
        self, CommissionKind, CustodyModel, FacilityKind, MaterialClass, Process, RecyclingClass, Role,
        WithdrawReason,
    },
};
use ore_tests::ledger::{Ledger, key_of};
use serde_json::Value;

const WORKS: &str = "works";
/// Shares are held to two units of 10^-18.
const UNITS: i64 = 2;

pub(crate) fn cases() -> BTreeMap<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/provenance/cases.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    cases.iter().map(|case| (text(&case["id"]).to_owned(), case.clone())).collect()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// A decimal, or a fraction `a/b`.
pub(crate) fn rational(text: &str) -> BigRational {
    if let Some((numerator, denominator)) = text.split_once('/') {
        return rational(numerator) / rational(denominator);
    }
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    let scale = BigInt::from(10u8).pow(u32::try_from(after.len()).expect("short"));
    BigRational::new(format!("{before}{after}").parse().expect("digits"), scale)
}

pub(crate) fn milligrams(kilograms: &str) -> u64 {
    let mass = rational(kilograms) * BigRational::from_integer(1_000_000.into());
    assert!(mass.is_integer(), "{kilograms} kg is no whole number of milligrams");
    mass.to_integer().try_into().expect("fits")
}

/// A case, told to a ledger by one member with every role, so that only the transformations count.
pub(crate) struct Teller {
    pub(crate) ledger: Ledger,
    /// Lots that are the same item after use.
    alias: BTreeMap<String, String>,
    items: Vec<String>,
    made: BTreeMap<String, RecordId>,
}

impl Teller {
    pub(crate) fn new(case: &Value) -> Self {
        let events = events(case);
        let mut facilities = vec![(WORKS, "plant".to_owned(), FacilityKind::Refinery, "CH".to_owned())];
        for event in events.iter().filter(|event| text(&event["op"]) == "source") {
            let (kind, name, country) = atom(event);
            let place = if kind == "mine" { FacilityKind::Mine } else { FacilityKind::Warehouse };
            let country = if country == "ZZ" { "CH" } else { country };
            if !facilities.iter().any(|facility| facility.1 == name) {
                facilities.push((WORKS, name, place, country.to_owned()));
            }
        }
        let roles: &[Role] = &[Role::Miner, Role::Refiner, Role::Manufacturer, Role::Recycler];
        let borrowed: Vec<_> = facilities
            .iter()
            .map(|(owner, name, kind, country)| (*owner, name.as_str(), *kind, country.as_str()))
            .collect();
        let used = events.iter().filter(|event| text(&event["op"]) == "use");
        let items = used.flat_map(|event| event["in"].as_array().expect("inputs").iter());
        Self {
            ledger: Ledger::found(&[(WORKS, roles)], &borrowed),
            alias: BTreeMap::new(),
            items: items.map(|input| text(&input[0]).to_owned()).collect(),
            made: BTreeMap::new(),
        }
    }

    pub(crate) fn tell(&mut self, case: &Value) {
        for event in case["events"].as_array().expect("events") {
            match text(&event["op"]) {
                "source" => self.source(event, None),
                "make" => self.make(event, Process::Blending, RecyclingClass::Unspecified, None),
                "recycle" => {
                    let class = if text(&event["class"]) == "pre" {
                        RecyclingClass::PreConsumer
                    } else {
                        RecyclingClass::PostConsumer
                    };
                    self.make(event, Process::Recycling, class, None);
                }
                "use" => self.use_up(event),
                other => panic!("event {other}"),
            }
        }
        self.ledger.seal();
    }

    pub(crate) fn id(&self, name: &str) -> String {
        format!("{WORKS}/{}", self.alias.get(name).map_or(name, String::as_str))
    }

    fn put(
        &mut self,
        event: impl Into<v1::record::Event>,
        corrects: Option<RecordId>,
    ) -> Result<RecordId, Box<ore_custody::Rejection>> {
        let mut record = self.ledger.draft(WORKS, event);
        record.corrects = corrects.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        self.ledger.put(SignedRecord::sign(record, &key_of(WORKS)).expect("short"))
    }

    fn source(&mut self, event: &Value, corrects: Option<RecordId>) {
        let (kind, facility, country) = atom(event);
        let name = text(&event["lot"]);
        let mut lot = self.lot(name, &event["el"], MaterialClass::Concentrate);
        lot.facility = format!("{WORKS}/{facility}");
        lot.tags = vec![format!("TAG-{name}")];
        let kind = match kind {
            "mine" => {
                lot.origin_country = country.into();
                CommissionKind::Extracted
            }
            "unknown" => CommissionKind::DeclaredUnknown,
            "recycled_source" => CommissionKind::CollectedScrap,
            other => panic!("source {other}"),
        };
        if kind == CommissionKind::CollectedScrap {
            lot.material = MaterialClass::Scrap.into();
        }
        let scrap_class = if kind == CommissionKind::CollectedScrap {
            RecyclingClass::PostConsumer
        } else {
            RecyclingClass::Unspecified
        };
        let commission = v1::Commission {
            kind: kind.into(),
            lot: Some(lot),
            scrap_class: scrap_class.into(),
            attestations: Vec::new(),
        };
        let id = self.put(commission, corrects).unwrap_or_else(|no| panic!("{name}: {no:?}"));
        self.made.insert(name.to_owned(), id);
    }

    fn make(&mut self, event: &Value, process: Process, class: RecyclingClass, corrects: Option<RecordId>) {
        let inputs = event["in"].as_array().expect("inputs").iter().map(|input| self.input(input)).collect();
        let outputs = event["out"].as_object().expect("outputs").iter();
        let outputs: Vec<_> = outputs
            .map(|(name, contents)| {
                let material = if self.items.contains(name) {
                    MaterialClass::SputteringTarget
                } else {
                    MaterialClass::Intermediate
                };
                let mut lot = self.lot(name, contents, material);
                if self.items.contains(name) {
                    lot.serial = format!("SN-{name}");
                }
                v1::TransformOutput { lot: Some(lot), role: v1::OutputRole::Product.into() }
            })
            .collect();
        let names: Vec<String> = event["out"].as_object().expect("outputs").keys().cloned().collect();
        let losses = event["loss"].as_object().into_iter().flatten().map(|(symbol, kilograms)| v1::Loss {
            element: elements::atomic_number(symbol).expect("an element"),
            mg: milligrams(text(kilograms)),
            reason: "process loss".into(),
        });
        let transform = v1::Transform {
            process: process.into(),
            facility: format!("{WORKS}/plant"),
            inputs,
            outputs,
            losses: losses.collect(),
            recycling_class: class.into(),
            ..v1::Transform::default()
        };
        let result = self.put(transform, corrects);
        match event["must_fail"].as_str() {
            Some("over_consumption") => {
                let rejection = result.expect_err("more than the lot holds");
                assert_eq!(format!("{:?}", rejection.rule), "M1", "{rejection:?}");
            }
            _ => {
                let id = result.unwrap_or_else(|no| panic!("{names:?}: {no:?}"));
                self.made.extend(names.into_iter().map(|name| (name, id)));
            }
        }
    }

    fn input(&self, input: &Value) -> v1::TransformInput {
        let id = self.id(text(&input[0]));
        let dry_mg = match &input[1] {
            Value::String(all) if all == "all" => {
                self.ledger.custody().lot(&id).expect("there").remaining_mg()
            }
            // Parts are only taken of lots that are written down as pure metal.
            part => milligrams(text(part.as_object().expect("a part").values().next().expect("an element"))),
        };
        v1::TransformInput { lot: Some(draft::lot(&id)), mass: Some(dry(dry_mg)), composition: None }
    }

    fn use_up(&mut self, event: &Value) {
        let item = text(&event["in"][0][0]).to_owned();
        let (after, contents) =
            event["out"].as_object().expect("outputs").iter().next().expect("what is left");
        let left = contents.as_object().expect("contents").values().next().expect("an element");
        let used = v1::Use {
            item: Some(draft::lot(&self.id(&item))),
            net_mass: Some(dry(milligrams(text(left)))),
            facility: format!("{WORKS}/plant"),
        };
        self.put(used, None).unwrap_or_else(|no| panic!("{item}: {no:?}"));
        self.alias.insert(after.clone(), item);
    }

    /// A lot whose contents come out exactly: pure metal, or diluted to a power of ten.
    fn lot(&self, name: &str, contents: &Value, material: MaterialClass) -> v1::NewLot {
        let masses: Vec<(u32, u64)> = contents
            .as_object()
            .expect("contents")
            .iter()
            .map(|(symbol, kg)| (elements::atomic_number(symbol).expect("an element"), milligrams(text(kg))))
            .collect();
        let total: u64 = masses.iter().map(|(_, mg)| mg).sum();
        let dry_mg = if masses.len() == 1 { total } else { total.checked_next_power_of_ten() };
        let mut contents: Vec<v1::Content> = masses
            .iter()
            .map(|(element, mg)| {
                let ppb = u128::from(*mg) * 1_000_000_000;
                assert_eq!(ppb % u128::from(dry_mg), 0, "{name}: contents are no whole ppb");
                v1::Content {
                    element: *element,
                    ppb: u32::try_from(ppb / u128::from(dry_mg)).expect("a fraction"),
                    kind: v1::ContentKind::Declared.into(),
                    ..v1::Content::default()
                }
            })
            .collect();
        contents.sort_by_key(|content| content.element);
        v1::NewLot {
            lot: format!("{WORKS}/{name}"),
            material: material.into(),
            form: "material".into(),
            mass: Some(dry(dry_mg)),
            composition: Some(v1::Composition { contents, ..v1::Composition::default() }),
            facility: format!("{WORKS}/plant"),
            model: CustodyModel::ControlledBlending.into(),
            ..v1::NewLot::default()
        }
    }

    fn answer(&self, name: &str, symbol: &str, as_of: u64) -> Attribution {
        let element = elements::atomic_number(symbol).expect("an element");
        self.ledger.attribution(&self.id(name), u8::try_from(element).expect("118 at most"), as_of)
    }

    /// Holds every expectation of a case that is about lots.
    fn check(&self, expect: &Value, as_of: u64) -> usize {
        let mut checked = 0;
        for (kind, lots) in expect.as_object().expect("expectations") {
            if !["shares", "geo", "country", "recycled", "generation", "verified_ratio", "remaining"]
                .contains(&kind.as_str())
            {
                continue;
            }
            for (lot, contents) in lots.as_object().expect("lots") {
                for (symbol, expected) in contents.as_object().expect("elements") {
                    self.check_one(kind, lot, symbol, expected, as_of);
                    checked += 1;
                }
            }
        }
        checked
    }

    fn check_one(&self, kind: &str, lot: &str, symbol: &str, expected: &Value, as_of: u64) {
        let what = format!("{kind} of {symbol} in {lot}");
        if kind == "remaining" {
            let held = self.ledger.custody().lot(&self.id(lot)).expect("the lot is there");
            assert_eq!(held.remaining_mg(), milligrams(text(expected)), "{what}");
            return;
        }
        let answer = self.answer(lot, symbol, as_of);
        assert!(answer.complete, "{what}");
        match kind {
            "recycled" => close(&what, answer.recycled.value, text(expected)),
            "verified_ratio" => close(&what, answer.verified.value, text(expected)),
            _ => self.check_parts(&what, kind, &answer, expected),
        }
    }

    fn check_parts(&self, what: &str, kind: &str, answer: &Attribution, expected: &Value) {
        let mut found: BTreeMap<String, u128> = BTreeMap::new();
        for share in &answer.origins {
            let facility = self.ledger.facility_name(share.origin.source.0);
            let country = String::from_utf8(share.origin.country.to_vec()).expect("letters");
            let source = match share.kind {
                ore_provenance::SourceKind::Mine => {
                    format!("mine:{}", facility.trim_start_matches("works/mine-"))
                }
                ore_provenance::SourceKind::DeclaredUnknown => "unknown".into(),
                ore_provenance::SourceKind::ScrapCollection => "recycled_source:EoL".into(),
            };
            let route = match share.origin.route {
                Route::Primary => "primary",
                Route::PreConsumer => "pre",
                Route::PostConsumer => "post",
            };
            let name = match kind {
                "shares" => format!("{source}|{country}|{route}"),
                "geo" => format!("{source}|{country}"),
                "country" => country,
                "generation" => share.origin.generation.to_string(),
                other => panic!("expectation {other}"),
            };
            *found.entry(name).or_default() += u128::from(share.share.value.units());
        }
        let expected = expected.as_object().expect("parts");
        assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
        for (name, share) in expected {
            let units = found.get(name).unwrap_or_else(|| panic!("{what}: no {name} in {found:?}"));
            close_units(&format!("{what} from {name}"), *units, text(share));
        }
    }
}

/// Kind, facility name and country of a source.
fn atom(event: &Value) -> (&str, String, &str) {
    let fields: Vec<&str> = text(&event["atom"]).split('|').collect();
    let (kind, name) = fields[0].split_once(':').unwrap_or((fields[0], "place"));
    (kind, format!("{kind}-{name}").replace('_', "-"), fields[1])
}

pub(crate) fn events(case: &Value) -> Vec<Value> {
    match case.get("versions") {
        Some(versions) => versions[0]["events"].as_array().expect("events").clone(),
        None => case["events"].as_array().expect("events").clone(),
    }
}

pub(crate) fn dry(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: v1::MassBasis::Dry.into(), unit: "MGM".into(), ..v1::Mass::default() }
}

fn close(what: &str, found: Parts, expected: &str) {
    close_units(what, found.units().into(), expected);
}

pub(crate) fn close_units(what: &str, units: u128, expected: &str) {
    let one = BigInt::from(1_000_000_000_000_000_000_u64);
    let expected = rational(expected) * BigRational::from_integer(one);
    let difference = BigRational::from_integer(units.into()) - expected;
    let bound = BigRational::from_integer(UNITS.into());
    assert!(difference <= bound && -difference <= bound, "{what}: {units} units of 10^-18");
}

trait PowerOfTen {
    fn checked_next_power_of_ten(self) -> Self;
}

impl PowerOfTen for u64 {
    fn checked_next_power_of_ten(self) -> Self {
        (0..19).map(|power| 10u64.pow(power)).find(|power| *power >= self).expect("a mass of a test")
    }
}

#[test]
fn stories_of_lots_come_out_of_real_records_exactly() {
    let cases = cases();
    let mut checked = 0;
    for id in ["P01", "P03", "P04", "P05", "P06", "P07", "P10", "P13", "P15", "P16", "P17", "P18"] {
        let case = &cases[id];
        let mut teller = Teller::new(case);
        teller.tell(case);
        let size = teller.ledger.size();
        let here = teller.check(&case["expect"], size);
        assert!(here > 0, "{id} expects something");
        checked += here;
    }
    assert!(checked >= 39, "{checked} expectations");
}

/// P02 as it is told.
pub(crate) fn wet_blend(case: &Value) -> Teller {
    let mut teller = Teller::new(case);
    for (name, place, country) in [("L1", "mine-A", "RW"), ("L2", "mine-B", "BR")] {
        let wet = &case["wet"][name];
        let moisture = format!("{} %", text(&wet["moisture_pct"]));
        let mass = ore_record::mass::from_text(text(&wet["wet_kg"]), "KGM", Some(&moisture)).expect("a mass");
        let expected = milligrams(text(&case["expect"]["dry_kg"][name]));
        assert_eq!(mass.dry_mg, expected, "dry mass of {name}");
        // The case states its oxide factor, 0.81897; contents go in as metal.
        let grade = rational(text(&wet["grade_pct"])) * rational(text(&wet["factor"])) / rational("100");
        let ppb = grade * BigRational::from_integer(1_000_000_000.into());
        assert!(ppb.is_integer());
        let mut lot = teller.lot(name, &serde_json::json!({"Ta": "1"}), MaterialClass::Concentrate);
        lot.mass = Some(mass);
        lot.composition.as_mut().expect("there").contents[0].ppb =
            ppb.to_integer().try_into().expect("a fraction");
        lot.facility = format!("{WORKS}/{place}");
        lot.tags = vec![format!("TAG-{name}")];
        lot.origin_country = country.into();
        let kind = CommissionKind::Extracted.into();
        let commission = v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() };
        teller.put(commission, None).unwrap_or_else(|no| panic!("{no:?}"));
    }
    let make = case["events"].as_array().expect("events").last().expect("a blend");
    teller.make(make, Process::Blending, RecyclingClass::Unspecified, None);
    teller.ledger.seal();
    teller
}

#[test]
fn a_blend_is_weighed_by_contained_metal_not_by_the_scale() {
    let case = &cases()["P02"];
    let teller = wet_blend(case);
    assert_eq!(teller.check(&case["expect"], teller.ledger.size()), 1);
}

/// P11 as it is told, and the size before its correction.
pub(crate) fn corrected(case: &Value) -> (Teller, u64) {
    let mut teller = Teller::new(case);
    let (before, after) = (&case["versions"][0], &case["versions"][1]);
    teller.tell(before);
    let size_before = teller.ledger.size();
    teller.check(&before["expect"], size_before);

    for wrong in ["X", "A"] {
        let record = teller.made[wrong].as_bytes().to_vec();
        let reason = WithdrawReason::IncorrectData.into();
        let withdraw = v1::Withdraw { record, reason, explanation: "weighed again".into() };
        teller.put(withdraw, None).unwrap_or_else(|no| panic!("{no:?}"));
    }
    let events = after["events"].as_array().expect("events");
    let (wrong_a, wrong_x) = (teller.made["A"], teller.made["X"]);
    teller.source(&events[0], Some(wrong_a));
    teller.make(&events[2], Process::Blending, RecyclingClass::Unspecified, Some(wrong_x));
    teller.ledger.seal();
    (teller, size_before)
}

#[test]
fn a_correction_changes_the_answer_and_the_old_one_is_still_known() {
    let case = &cases()["P11"];
    let (teller, size_before) = corrected(case);
    let (before, after) = (&case["versions"][0], &case["versions"][1]);
    assert_eq!(teller.check(&after["expect"], teller.ledger.size()), 1);

    // The lot of that time is the first of its name.
    let element = Element(73);
    let first_x = LotIndex(2);
    let then = ore_provenance::attribute(
        teller.ledger.graph(),
        &mut Scratch::default(),
        first_x,
        element,
        size_before,
        &ore_provenance::Limits::default(),
    );
    teller.check_parts("then", "shares", &then.expect("an answer"), &before["expect"]["shares"]["X"]["Ta"]);
}

#[test]
fn a_recall_finds_what_holds_enough_of_a_lot() {
    let cases = cases();
    let mut teller = Teller::new(&cases["P03"]);
    teller.tell(&cases["P03"]);
    let expect = &cases["P12"]["expect"];
    let start = LotIndex(teller.ledger.custody().lot_ordinal("works/A").expect("there"));
    let threshold = Threshold::Share(Parts::new(650_000_000_000_000_000).expect("below one"));
    let limits = ForwardLimits { threshold, ..ForwardLimits::default() };
    let recall = trace_forward(
        teller.ledger.graph(),
        &mut Scratch::default(),
        &[start],
        Element(73),
        u64::MAX,
        &limits,
    )
    .expect("an answer");
    for (lot, share) in expect["hits"].as_object().expect("hits") {
        let ordinal = teller.ledger.custody().lot_ordinal(&format!("works/{lot}")).expect("there");
        let hit =
            recall.hits.iter().find(|hit| hit.lot == LotIndex(ordinal)).unwrap_or_else(|| panic!("{lot}"));
        close(lot, hit.share, text(share));
    }
    let missed = teller.ledger.custody().lot_ordinal("works/Y").expect("there");
    assert!(recall.hits.iter().all(|hit| hit.lot != LotIndex(missed)), "Y holds 60 % only");
}
