//! The worked cases that are stories of lots, through the graph.

use std::collections::BTreeMap;

use num_rational::BigRational;
use ore_provenance::{
    AppendError, Attribution, Element, ForwardLimits, Graph, Limits, LotIndex, Mixing, NewLot, Origin, Parts,
    Picograms, RecyclingClass, Route, Scratch, SourceId, SourceKind, StepIndex, StepKind, Taken, Threshold,
    attribute, dependence, trace_forward,
};
use serde_json::Value;

use crate::oracle::{parts, unit, whole};
use crate::world::{NOW, exact};

/// Picograms in a kilogram.
const KILOGRAM: u128 = 1_000_000_000_000_000;
const PURE: u32 = 1_000_000_000;

/// All cases by id.
pub(crate) fn cases() -> BTreeMap<String, Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/provenance/cases.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    cases.iter().map(|case| (case["id"].as_str().unwrap().to_owned(), case.clone())).collect()
}

/// A decimal or a fraction `a/b`, exactly.
pub(crate) fn rational(text: &str) -> BigRational {
    let decimal = |text: &str| {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
        let scale = 10u128.pow(after.len() as u32);
        let number: u128 = format!("{before}{after}").parse().unwrap();
        let value = BigRational::new(number.into(), scale.into());
        if negative { -value } else { value }
    };
    match text.split_once('/') {
        Some((numerator, denominator)) => decimal(numerator) / decimal(denominator),
        None => decimal(text),
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn element(symbol: &str) -> Element {
    Element(match symbol {
        "Ti" => 22,
        "Zr" => 40,
        "Ru" => 44,
        "Sn" => 50,
        "Hf" => 72,
        "Ta" => 73,
        "W" => 74,
        other => panic!("no atomic number for {other}"),
    })
}

fn milligrams(kilograms: &str) -> u64 {
    let mass = rational(kilograms) * whole(1_000_000);
    assert!(mass.is_integer(), "{kilograms} kg is no whole number of milligrams");
    mass.to_integer().to_string().parse().unwrap()
}

fn kilograms(mass: Picograms) -> BigRational {
    BigRational::new(mass.0.into(), KILOGRAM.into())
}

/// Runs the events of a case through a graph.
#[derive(Default)]
struct Story {
    graph: Graph,
    scratch: Scratch,
    lots: BTreeMap<String, LotIndex>,
    sources: Vec<String>,
    leaf: u64,
    refused: Vec<(String, AppendError)>,
    makers: BTreeMap<StepIndex, Value>,
}

impl Story {
    fn of(case: &Value) -> Self {
        let mut story = Self::default();
        story.tell(case);
        story
    }

    fn tell(&mut self, case: &Value) {
        for event in case["events"].as_array().unwrap() {
            match text(&event["op"]) {
                "source" => self.source(event, &case["wet"]),
                "make" | "use" => self.step(event, StepKind::Transform),
                "recycle" => {
                    let class = match text(&event["class"]) {
                        "post" => RecyclingClass::PostConsumer,
                        "pre" => RecyclingClass::PreConsumer,
                        other => panic!("class {other}"),
                    };
                    self.step(event, StepKind::Recycle(class));
                }
                other => panic!("event {other}"),
            }
            self.leaf += 1;
        }
    }

    /// `kind:name|country|route`.
    fn origin(&mut self, atom: &str) -> (Origin, SourceKind) {
        let fields: Vec<&str> = atom.split('|').collect();
        let kind = match fields[0].split(':').next().unwrap() {
            "mine" => SourceKind::Mine,
            "unknown" => SourceKind::DeclaredUnknown,
            "recycled_source" => SourceKind::ScrapCollection,
            other => panic!("source {other}"),
        };
        let route = match fields[2] {
            "primary" => Route::Primary,
            "post" => Route::PostConsumer,
            other => panic!("route {other}"),
        };
        let number = self.sources.iter().position(|it| it == fields[0]).unwrap_or_else(|| {
            self.sources.push(fields[0].to_owned());
            self.sources.len() - 1
        });
        let source = SourceId(number as u32);
        let country = fields[1].as_bytes().try_into().unwrap();
        (Origin { source, country, route, generation: 0 }, kind)
    }

    fn source(&mut self, event: &Value, wet: &Value) {
        let (origin, kind) = self.origin(text(&event["atom"]));
        let name = text(&event["lot"]);
        let (dry_mg, composition) = match wet.get(name) {
            Some(wet) => weighed_wet(wet),
            None => lot(&event["el"]),
        };
        let made = self.graph.append_source(self.leaf, origin, kind, dry_mg, &composition).unwrap();
        self.lots.insert(name.to_owned(), made.first_lot());
    }

    fn step(&mut self, event: &Value, kind: StepKind) {
        let inputs: Vec<Taken> = event["in"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| {
                let lot = self.lots[text(&input[0])];
                let dry_mg = match &input[1] {
                    Value::String(all) if all == "all" => self.graph.lot(lot, NOW).unwrap().remaining_mg(),
                    // Parts are only taken of lots that are written down as pure metal.
                    part => milligrams(text(part.as_object().unwrap().values().next().unwrap())),
                };
                Taken { lot, dry_mg }
            })
            .collect();
        let names: Vec<(String, (u64, Vec<_>))> =
            event["out"].as_object().unwrap().iter().map(|(name, el)| (name.clone(), lot(el))).collect();
        let outputs: Vec<NewLot<'_>> =
            names.iter().map(|(_, (dry_mg, composition))| NewLot { dry_mg: *dry_mg, composition }).collect();
        match self.graph.append_step(self.leaf, kind, Mixing::Homogenised, &inputs, &outputs) {
            Ok(made) => {
                self.makers.insert(made.step, event.clone());
                for ((name, _), lot) in names.into_iter().zip(made.lots) {
                    self.lots.insert(name, LotIndex(lot));
                }
            }
            Err(error) => {
                let reason = text(&event["must_fail"]).to_owned();
                self.refused.push((reason, error));
            }
        }
    }

    fn ask(&mut self, lot: &str, symbol: &str) -> Attribution {
        let limits = Limits::default();
        attribute(&self.graph, &mut self.scratch, self.lots[lot], element(symbol), NOW, &limits).unwrap()
    }

    /// Checks everything that a case expects of single lots.
    fn check(&mut self, expect: &Value) {
        for (lot, symbol, expected) in nested(&expect["shares"]) {
            let answer = self.ask(&lot, &symbol);
            let found = answer.origins.iter().map(|it| (self.atom(&it.origin, true), it.share.value));
            same(&lot, &expected, found);
        }
        for (lot, symbol, expected) in nested(&expect["geo"]) {
            let answer = self.ask(&lot, &symbol);
            let found = answer.origins.iter().map(|it| (self.atom(&it.origin, false), it.share.value));
            same(&lot, &expected, found);
        }
        for (lot, symbol, expected) in nested(&expect["country"]) {
            let answer = self.ask(&lot, &symbol);
            let country = |code: &[u8; 2]| String::from_utf8(code.to_vec()).unwrap();
            same(&lot, &expected, answer.by_country.iter().map(|it| (country(&it.0), it.1.value)));
        }
        for (lot, symbol, expected) in nested(&expect["generation"]) {
            let answer = self.ask(&lot, &symbol);
            same(&lot, &expected, answer.by_generation.iter().map(|it| (it.0.to_string(), it.1.value)));
        }
        for (lot, symbol, expected) in leaves(&expect["recycled"]) {
            close(&lot, &expected, self.ask(&lot, &symbol).recycled.value);
        }
        for (lot, symbol, expected) in leaves(&expect["verified_ratio"]) {
            close(&lot, &expected, self.ask(&lot, &symbol).verified.value);
        }
        for (lot, symbol, expected) in leaves(&expect["remaining"]) {
            let left = self.graph.remaining(self.lots[&lot], element(&symbol), NOW).unwrap();
            assert_eq!(kilograms(left.value), expected, "{lot}");
        }
        self.check_losses();
    }

    /// What a step loses by the arrays is what its record declares lost or used up.
    fn check_losses(&self) {
        for (step, event) in &self.makers {
            let symbols: Vec<&String> = event["out"]
                .as_object()
                .unwrap()
                .values()
                .flat_map(|el| el.as_object().unwrap().keys())
                .collect();
            for symbol in symbols {
                let mass = self.graph.step_mass(*step, element(symbol), NOW).unwrap();
                let declared = ["loss", "consumed"].iter().find_map(|word| event[*word][symbol].as_str());
                let lost = BigRational::new(mass.loss_pg().unwrap().into(), KILOGRAM.into());
                assert_eq!(lost, rational(declared.unwrap_or("0")), "{event}");
            }
        }
    }

    fn atom(&self, origin: &Origin, with_route: bool) -> String {
        let country = String::from_utf8(origin.country.to_vec()).unwrap();
        let route = match origin.route {
            Route::Primary => "primary",
            Route::PreConsumer => "pre",
            Route::PostConsumer => "post",
        };
        let place = format!("{}|{country}", self.sources[origin.source.0 as usize]);
        if with_route { format!("{place}|{route}") } else { place }
    }
}

/// A lot of the elements' masses in kilograms: pure when there is one, else a dry mass of a round power
/// of ten, so that every fraction is a whole number of parts per billion.
fn lot(el: &Value) -> (u64, Vec<(Element, ore_provenance::Content)>) {
    let masses: Vec<(Element, u64)> = el
        .as_object()
        .unwrap()
        .iter()
        .map(|(symbol, mass)| (element(symbol), milligrams(text(mass))))
        .collect();
    let sum: u64 = masses.iter().map(|(_, mass)| mass).sum();
    let dry_mg = if let [(_, only)] = masses[..] { only } else { 10u64.pow(sum.ilog10() + 1) };
    let composition = masses
        .into_iter()
        .map(|(element, mass)| {
            let scaled = u128::from(mass) * u128::from(PURE);
            assert!(scaled.is_multiple_of(u128::from(dry_mg)));
            (element, exact((scaled / u128::from(dry_mg)) as u32))
        })
        .collect();
    (dry_mg, composition)
}

/// Dry = wet × (1 - moisture); content = grade of oxide × factor.
fn weighed_wet(wet: &Value) -> (u64, Vec<(Element, ore_provenance::Content)>) {
    let hundred = whole(100);
    let dry = rational(text(&wet["wet_kg"])) * (whole(1) - rational(text(&wet["moisture_pct"])) / &hundred);
    let grade = rational(text(&wet["grade_pct"])) / hundred * rational(text(&wet["factor"]));
    let number = |value: BigRational| -> u64 {
        assert!(value.is_integer());
        value.to_integer().to_string().parse().unwrap()
    };
    let ppb = number(grade * whole(u128::from(PURE))) as u32;
    (number(dry * whole(1_000_000)), vec![(element("Ta"), exact(ppb))])
}

fn nested(expect: &Value) -> Vec<(String, String, BTreeMap<String, BigRational>)> {
    let mut found = Vec::new();
    for (lot, elements) in expect.as_object().into_iter().flatten() {
        for (symbol, shares) in elements.as_object().unwrap() {
            let shares = shares.as_object().unwrap().iter();
            let shares = shares.map(|(key, share)| (key.clone(), rational(text(share)))).collect();
            found.push((lot.clone(), symbol.clone(), shares));
        }
    }
    found
}

fn leaves(expect: &Value) -> Vec<(String, String, BigRational)> {
    let mut found = Vec::new();
    for (lot, elements) in expect.as_object().into_iter().flatten() {
        for (symbol, number) in elements.as_object().unwrap() {
            found.push((lot.clone(), symbol.clone(), rational(text(number))));
        }
    }
    found
}

fn close(what: &str, expected: &BigRational, found: Parts) {
    let off = parts(found) - expected;
    assert!(off <= unit() && -off <= unit(), "{what}: {found} instead of {expected}");
}

fn same(what: &str, expected: &BTreeMap<String, BigRational>, found: impl Iterator<Item = (String, Parts)>) {
    let mut sums: BTreeMap<String, BigRational> = BTreeMap::new();
    for (key, share) in found {
        *sums.entry(key).or_insert_with(|| whole(0)) += parts(share);
    }
    assert_eq!(sums.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{what}");
    for (key, share) in expected {
        let off = &sums[key] - share;
        // A sum over generations adds their last units.
        let most = unit() * whole(4);
        assert!(off <= most && -off <= most, "{what} {key}: {} instead of {share}", sums[key]);
    }
}

#[test]
fn every_story_of_lots_comes_out_exactly() {
    let cases = cases();
    assert_eq!(cases.len(), 26);
    for id in ["P01", "P02", "P03", "P04", "P05", "P06", "P07", "P10", "P13", "P15", "P16", "P17", "P18"] {
        let case = &cases[id];
        let mut story = Story::of(case);
        assert!(case["expect"].as_object().is_some_and(|expect| !expect.is_empty()), "{id}");
        story.check(&case["expect"]);
    }
}

#[test]
fn p02_wet_or_gross_mass_would_give_another_answer() {
    let case = &cases()["P02"];
    let story = Story::of(case);
    for (lot, dry) in case["expect"]["dry_kg"].as_object().unwrap() {
        assert_eq!(story.graph.lot(story.lots[lot], NOW).unwrap().dry_mg, milligrams(text(dry)));
    }
    for (lot, mass) in [("L1", "4520.7144"), ("L2", "1916.3898")] {
        let contained = story.graph.contained(story.lots[lot], element("Ta"), NOW).unwrap().value;
        assert_eq!(kilograms(contained), rational(mass));
    }
    let wrong = &case["expect"]["wrong_answers"];
    assert_eq!(rational(text(&wrong["by_wet_mass_A"])), rational("20000/32000"));
    assert_eq!(rational(text(&wrong["by_dry_mass_A"])), rational("18400/30100"));
}

#[test]
fn p04_recovery_is_output_over_input() {
    let case = &cases()["P04"];
    let story = Story::of(case);
    let step = story.graph.lot(story.lots["P"], NOW).unwrap().step;
    let taken = story.graph.step_mass(step, element("Ta"), NOW).unwrap().taken;
    let made = story.graph.contained(story.lots["P"], element("Ta"), NOW).unwrap().value;
    assert_eq!(kilograms(made) / kilograms(taken), rational(text(&case["expect"]["recovery"]["P"])));
}

#[test]
fn p11_a_correction_changes_the_present_and_not_the_past() {
    let case = &cases()["P11"];
    let versions = case["versions"].as_array().unwrap();
    let mut story = Story::default();
    story.tell(&versions[0]);
    let (then, wrong) = (story.leaf, story.lots.clone());
    for lot in ["X", "A", "B"] {
        story.graph.void_lot(story.leaf, story.lots[lot]).unwrap();
        story.leaf += 1;
    }
    story.tell(&versions[1]);
    story.check(&versions[1]["expect"]);

    let limits = Limits::default();
    let past = attribute(&story.graph, &mut story.scratch, wrong["X"], element("Ta"), then, &limits).unwrap();
    let expected = &nested(&versions[0]["expect"]["shares"])[0].2;
    same("X then", expected, past.origins.iter().map(|it| (story.atom(&it.origin, true), it.share.value)));
    assert!(attribute(&story.graph, &mut story.scratch, wrong["X"], element("Ta"), NOW, &limits).is_err());
    assert!(story.graph.lot(story.lots["X"], then).is_none());
}

#[test]
fn p12_a_recall_names_lots_above_the_threshold_and_the_kilograms_in_each() {
    let cases = cases();
    let case = &cases["P12"];
    let mut story = Story::of(&cases[text(&case["recall"]["case"])]);
    let threshold = rational(text(&case["recall"]["threshold"]));
    let names: BTreeMap<LotIndex, String> =
        story.lots.iter().map(|(name, lot)| (*lot, name.clone())).collect();
    let mut recall = |threshold: Threshold| {
        let limits = ForwardLimits { threshold, ..ForwardLimits::default() };
        let start = [story.lots["A"]];
        trace_forward(&story.graph, &mut story.scratch, &start, element("Ta"), NOW, &limits).unwrap()
    };
    let least = Parts::new(650_000_000_000_000_000).unwrap();
    assert_eq!(parts(least), threshold);
    let hits: BTreeMap<String, Parts> = recall(Threshold::Share(least))
        .hits
        .iter()
        .map(|hit| (names[&hit.lot].clone(), hit.share))
        .filter(|(name, _)| !name.starts_with('S'))
        .collect();
    let expected = case["expect"]["hits"].as_object().unwrap();
    assert_eq!(hits.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, share) in expected {
        assert_eq!(parts(hits[name]), rational(text(share)), "{name}");
    }
    let all = recall(Threshold::Any);
    assert!(!all.truncated && !all.uncertain);
    for (name, mass) in case["expect"]["kg_of_A"].as_object().unwrap() {
        let hit = all.hits.iter().find(|hit| names[&hit.lot] == *name).unwrap();
        assert_eq!(kilograms(hit.remaining), rational(text(mass)), "{name}");
    }
    let heavy = recall(Threshold::Mass(Picograms(450 * KILOGRAM)));
    let heavy: Vec<&str> = heavy.hits.iter().map(|hit| names[&hit.lot].as_str()).collect();
    assert_eq!(heavy, ["S2", "Y"]);
}

#[test]
fn p13_the_metal_account_is_not_the_physical_share() {
    let case = &cases()["P13"];
    let mut story = Story::of(case);
    let step = story.graph.lot(story.lots["D1"], NOW).unwrap().step;
    let mass = story.graph.step_mass(step, element("Ta"), NOW).unwrap();
    let recovery = kilograms(mass.made) / kilograms(mass.taken);
    let account = rational("1000") * recovery;
    assert_eq!(account, rational(text(&case["expect"]["metal_account_O1"])));
    let answer = story.ask("D1", "Ta");
    assert!(answer.origins.len() > 1, "identity is not preserved");
}

#[test]
fn p15_a_double_spend_is_refused_with_the_numbers() {
    let case = &cases()["P15"];
    let story = Story::of(case);
    let lot = story.lots["L"];
    let error = AppendError::OverConsumption { lot, remaining_mg: 30_000_000, wanted_mg: 40_000_000 };
    assert_eq!(story.refused, [("over_consumption".to_owned(), error)]);
    for absent in case["expect"]["absent"].as_array().unwrap() {
        assert!(!story.lots.contains_key(text(absent)));
    }
}

#[test]
fn p16_a_products_shares_are_its_elements_shares_weighted_by_mass() {
    let case = &cases()["P16"];
    let mut story = Story::of(case);
    let mut masses: BTreeMap<String, BigRational> = BTreeMap::new();
    let mut total = whole(0);
    for symbol in ["W", "Ti"] {
        let answer = story.ask("TG", symbol);
        let contained = kilograms(answer.contained.value);
        for it in &answer.origins {
            *masses.entry(story.atom(&it.origin, true)).or_insert_with(|| whole(0)) +=
                parts(it.share.value) * &contained;
        }
        total += contained;
    }
    for (atom, share) in case["expect"]["product_mass_share"]["TG"].as_object().unwrap() {
        let off = &masses[atom] / &total - rational(text(share));
        assert!(off <= unit() && -off <= unit(), "{atom}");
    }
}

#[test]
fn p18_scrap_without_history_is_recycled_and_not_undocumented() {
    let case = &cases()["P18"];
    let answer = Story::of(case).ask("X", "Ru");
    close(
        "undocumented",
        &rational(text(&case["expect"]["undocumented"])),
        answer.verified.complement().value,
    );
}

#[test]
fn p19_assay_tolerances_open_the_interval() {
    let case = &cases()["P19"];
    let mut story = Story::default();
    for (name, atom) in [("A", "mine:A|RW|primary"), ("B", "mine:B|BR|primary")] {
        let (origin, kind) = story.origin(atom);
        let mass = milligrams(text(&case["interval"][name][0]));
        let relative = rational(text(&case["interval"][name][1])) * whole(500_000_000);
        let mut content = exact(500_000_000);
        content.uncertainty_ppb_k2 = relative.to_integer().to_string().parse().unwrap();
        let made = story.graph.append_source(0, origin, kind, 2 * mass, &[(element("Ta"), content)]).unwrap();
        story.lots.insert(name.to_owned(), made.first_lot());
    }
    let event = serde_json::json!({"in": [["A", "all"], ["B", "all"]], "out": {"X": {"Ta": "1000"}}});
    story.step(&event, StepKind::Transform);
    let answer = story.ask("X", "Ta");
    let share = answer.origins[0].share;
    close("nominal", &rational(text(&case["expect"]["nominal_A"])), share.value);
    close("low", &rational(text(&case["expect"]["low_A"])), share.lower);
    close("high", &rational(text(&case["expect"]["high_A"])), share.upper);
    assert_eq!(answer.methods, [ore_provenance::Method::WellMixed, ore_provenance::Method::AssayInterval]);
}

#[test]
fn p09_and_p14_withdrawals_are_bounded_by_the_graph_as_by_the_formula() {
    let cases = cases();
    let segregated = &cases["P09"];
    for (index, (first, second)) in [("200", "800"), ("800", "200")].into_iter().enumerate() {
        let mut story =
            pile(&segregated["bounds"]["A"], &segregated["bounds"]["B"], Mixing::Segregated, first, second);
        let answer = story.ask("W", "Ta");
        let bounds = &segregated["expect"]["bounds_A"][index];
        close(
            "expected",
            &rational(text(&segregated["expect"]["expected_A"])),
            answer.origins[0].share.value,
        );
        close("low", &rational(text(&bounds[0])), answer.origins[0].share.lower);
        close("high", &rational(text(&bounds[1])), answer.origins[0].share.upper);
        close("the set", &rational(text(&segregated["expect"]["certified"])), answer.verified.lower);
    }
    let stockpile = &cases["P14"];
    let layers = &stockpile["stock"]["layers"];
    let mut story = pile(
        &layers[0][1],
        &layers[1][1],
        Mixing::NotHomogenised,
        text(&stockpile["stock"]["withdraw"]),
        "80",
    );
    let share = story.ask("W", "Ta").origins[0].share;
    close("mix", &rational(text(&stockpile["expect"]["mix_A"])), share.value);
    close("low", &rational(text(&stockpile["expect"]["bounds_A"][0])), share.lower);
    close("high", &rational(text(&stockpile["expect"]["bounds_A"][1])), share.upper);
}

fn pile(a: &Value, b: &Value, mixing: Mixing, withdrawn: &str, rest: &str) -> Story {
    let mut story = Story::default();
    let mut inputs = Vec::new();
    for (atom, mass) in [("mine:A|RW|primary", a), ("mine:B|BR|primary", b)] {
        let (origin, kind) = story.origin(atom);
        let (dry_mg, composition) = lot(&serde_json::json!({ "Ta": mass }));
        let made = story.graph.append_source(0, origin, kind, dry_mg, &composition).unwrap();
        inputs.push(Taken { lot: made.first_lot(), dry_mg });
    }
    let (dry_mg, composition) = lot(&serde_json::json!({ "Ta": withdrawn }));
    let outputs = [
        NewLot { dry_mg, composition: &composition },
        NewLot { dry_mg: milligrams(rest), composition: &composition },
    ];
    let made = story.graph.append_step(1, StepKind::Transform, mixing, &inputs, &outputs).unwrap();
    story.lots.insert("W".to_owned(), made.first_lot());
    story
}

#[test]
fn p22_dependence_names_the_node_without_which_nothing_arrives() {
    let case = &cases()["P22"];
    let mut story = Story::default();
    let mut nodes: Vec<String> = Vec::new();
    let mut node_of: BTreeMap<StepIndex, u32> = BTreeMap::new();
    let mut at = |step: StepIndex, name: &str| {
        let number = nodes.iter().position(|it| it == name).unwrap_or_else(|| {
            nodes.push(name.to_owned());
            nodes.len() - 1
        });
        node_of.insert(step, number as u32);
    };
    // One step per node and stage: what several paths bring to a node is worked up together.
    let mut stages: Vec<BTreeMap<String, Vec<Taken>>> = vec![BTreeMap::new(); 4];
    let pure = [(element("Ta"), exact(PURE))];
    let paths = case["flow"]["paths"].as_array().unwrap();
    for path in paths {
        let (origin, kind) = story.origin(&format!("{}|RW|primary", text(&path[0][0])));
        let dry_mg = milligrams(text(&path[1]));
        let made = story.graph.append_source(0, origin, kind, dry_mg, &pure).unwrap();
        at(made.step, text(&path[0][0]));
        let taken = Taken { lot: made.first_lot(), dry_mg };
        stages[1].entry(text(&path[0][1]).to_owned()).or_default().push(taken);
    }
    for stage in 1..4 {
        for (name, inputs) in stages[stage].clone() {
            let dry_mg = inputs.iter().map(|taken| taken.dry_mg).sum();
            let output = NewLot { dry_mg, composition: &pure };
            let made = story
                .graph
                .append_step(stage as u64, StepKind::Transform, Mixing::Homogenised, &inputs, &[output])
                .unwrap();
            at(made.step, &name);
            story.lots.insert(name.clone(), made.first_lot());
            if let Some(next) = stages.get_mut(stage + 1) {
                let path = paths.iter().find(|path| path[0][stage] == *name).unwrap();
                let taken = Taken { lot: made.first_lot(), dry_mg };
                next.entry(text(&path[0][stage + 1]).to_owned()).or_default().push(taken);
            }
        }
    }
    let found = dependence(
        &story.graph,
        &mut story.scratch,
        story.lots["target"],
        element("Ta"),
        NOW,
        &Limits::default(),
        |step| node_of.get(&step).copied(),
    )
    .unwrap();
    assert!(found.complete);
    let of = |name: &str| {
        let number = nodes.iter().position(|it| it == name).unwrap() as u32;
        *found.nodes.iter().find(|node| node.node == number).unwrap()
    };
    for (name, share) in case["expect"]["share_through"].as_object().unwrap() {
        assert_eq!(parts(of(name).through), rational(text(share)), "{name}");
    }
    for (name, share) in case["expect"]["supply_without"].as_object().unwrap() {
        assert_eq!(parts(of(name).without), rational(text(share)), "{name}");
    }
    // The asked product's own maker is trivially one of them.
    let single: Vec<&str> = found
        .single_points_of_failure()
        .map(|node| nodes[node as usize].as_str())
        .filter(|name| *name != "target")
        .collect();
    let expected: Vec<&str> =
        case["expect"]["single_point_of_failure"].as_array().unwrap().iter().map(text).collect();
    assert_eq!(single, expected);
}
