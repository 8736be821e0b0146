//! Worked cases that need more than movements of lots: their ledgers are told here.

use ore_record::{
    draft,
    v1::{
        self as record, AssayStage, AttestationKind, CustodyModel, FacilityKind, MaterialClass, Mixing,
        Process, RecyclingClass, Role,
    },
};
use ore_tests::ledger::{Ledger, START_MS, mined, new_lot, transform};
use ore_wire::v1;

use super::{ONE, Public, TA};
use crate::cases::{close_units, dry};

const SMELTER: &[(&str, &[Role])] = &[
    ("works", &[Role::Miner, Role::Refiner, Role::Manufacturer, Role::Recycler]),
    ("certifier", &[Role::Certifier]),
    ("laboratory", &[Role::Laboratory]),
];

fn founded(mines: &[(&str, &str)]) -> Ledger {
    let mut facilities = vec![("works", "plant", FacilityKind::Refinery, "CH")];
    facilities.extend(mines.iter().map(|(name, country)| ("works", *name, FacilityKind::Mine, *country)));
    Ledger::found(SMELTER, &facilities)
}

fn mine(ledger: &mut Ledger, lot: &str, pit: &str, country: &str, mass: &str) {
    ledger.must(
        "works",
        mined(&format!("works/{lot}"), &format!("works/{pit}"), country, mass, &[("Ta", "100 %")]),
    );
}

fn pure(lot: &str, mass: &str) -> record::NewLot {
    new_lot(&format!("works/{lot}"), "works/plant", mass, &[("Ta", "100 %")])
}

fn blend(inputs: &[(&str, &str)], outputs: Vec<record::NewLot>) -> record::Transform {
    transform(Process::Blending, "works/plant", inputs, outputs)
}

/// P08.
#[tokio::test(flavor = "multi_thread")]
async fn credits_are_earned_claimed_and_never_overdrawn() {
    let mut ledger = founded(&[("a", "RW"), ("b", "BR")]);
    let model = CustodyModel::MassBalance.into();
    for (lot, pit, country, mass) in [("A", "a", "RW", "400 kg"), ("B", "b", "BR", "600 kg")] {
        mine(&mut ledger, lot, pit, country, mass);
    }
    let attestation = record::Attestation {
        id: "certifier/1".into(),
        kind: AttestationKind::Certificate.into(),
        subject: "works/A".into(),
        scheme: "fair".into(),
        valid_from_ms: START_MS,
        valid_until_ms: START_MS * 2,
        ..Default::default()
    };
    ledger.must("certifier", record::Attest { attestation: Some(attestation) });
    let deposit = record::CreditDeposit {
        scheme: "fair".into(),
        facility: "works/plant".into(),
        element: TA,
        lot: Some(draft::lot("works/A")),
        mg: 400_000_000,
        conversion_ppm: 950_000,
        period: 202_601,
        attestation: "certifier/1".into(),
    };
    ledger.must("works", deposit);
    let outputs = [("O1", "300 kg"), ("O2", "400 kg"), ("O3", "250 kg")];
    let outputs = outputs.map(|(lot, mass)| record::NewLot { model, ..pure(lot, mass) });
    ledger.must("works", blend(&[("works/A", "400 kg"), ("works/B", "600 kg")], outputs.to_vec()));
    let claim = |lot: &str, kg: u64| record::CreditClaim {
        scheme: "fair".into(),
        facility: "works/plant".into(),
        element: TA,
        lot: Some(draft::lot(lot)),
        mg: kg * 1_000_000,
        period: 202_601,
    };
    ledger.must("works", claim("works/O1", 300));
    ledger.must("works", claim("works/O2", 80));
    let refused = ledger.say("works", claim("works/O3", 50)).expect_err("the balance is 0");
    assert_eq!(format!("{:?}", refused.rule), "C4");
    let public = Public::of(&mut ledger).await;
    let mut accounts =
        public.audit().credits(v1::CreditsRequest::default()).await.expect("an answer").into_inner();
    let account = accounts.accounts.pop().expect("one");
    assert_eq!((account.earned_mg, account.claimed_mg, account.balance_mg), (380_000_000, 380_000_000, 0));
    let average = account.rolling_average.expect("inputs").e18;
    // 120 of 300, 160 of 400 and 100 of 250 kg.
    assert_eq!(average, ONE / 10 * 4);
    // After the first claim, as known then: 80 kg.
    let size = account.movements.len();
    assert_eq!(account.movements.iter().map(|it| it.mg).sum::<i64>(), 0);
    assert_eq!((size, account.movements[0].mg + account.movements[1].mg), (3, 80_000_000));
    let physical = public.attribute("works/O1", TA).await;
    let of_a =
        physical.countries.iter().find(|it| it.country == "RW").and_then(|it| it.share).expect("a share");
    assert_eq!(of_a.value_e18, ONE / 10 * 4, "credits leave physical shares alone");
    public.stop().await;
}

/// P09 and P14.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_mixed_is_only_bounded() {
    for (mixing, a, b, parts) in [
        (Mixing::Segregated, 300, 700, [(200, "0", "1"), (800, "1/8", "3/8")]),
        (Mixing::NotHomogenised, 100, 100, [(120, "1/6", "5/6"), (80, "0", "1")]),
    ] {
        let mut ledger = founded(&[("a", "RW"), ("b", "BR")]);
        mine(&mut ledger, "A", "a", "RW", &format!("{a} kg"));
        mine(&mut ledger, "B", "b", "BR", &format!("{b} kg"));
        let (first, second) = (format!("{a} kg"), format!("{b} kg"));
        let whole = format!("{} kg", a + b);
        let pile = record::Transform {
            mixing: mixing.into(),
            ..blend(&[("works/A", &first), ("works/B", &second)], vec![pure("PILE", &whole)])
        };
        ledger.must("works", pile);
        let outputs = parts.map(|(kg, ..)| pure(&format!("W{kg}"), &format!("{kg} kg")));
        ledger.must(
            "works",
            transform(Process::Splitting, "works/plant", &[("works/PILE", &whole)], outputs.to_vec()),
        );
        let public = Public::of(&mut ledger).await;
        for (kg, lower, upper) in parts {
            let answer = public.attribute(&format!("works/W{kg}"), TA).await;
            let share =
                answer.countries.iter().find(|it| it.country == "RW").and_then(|it| it.share).expect("there");
            close_units("value", share.value_e18.into(), &format!("{a}/{}", a + b));
            close_units("lower", share.lower_e18.into(), lower);
            close_units("upper", share.upper_e18.into(), upper);
        }
        public.stop().await;
    }
}

/// P13's other ledger, and the rule that identity was not preserved.
#[tokio::test(flavor = "multi_thread")]
async fn a_metal_account_is_no_share() {
    let mut ledger = Ledger::found(
        &[("owner", &[Role::Miner]), ("works", &[Role::Miner, Role::Refiner])],
        &[
            ("owner", "pit", FacilityKind::Mine, "RW"),
            ("works", "b", FacilityKind::Mine, "BR"),
            ("works", "plant", FacilityKind::Refinery, "CH"),
        ],
    );
    ledger.must("owner", mined("owner/O1A", "owner/pit", "RW", "1000 kg", &[("Ta", "100 %")]));
    mine(&mut ledger, "O2B", "b", "BR", "3000 kg");
    let ship =
        |lot: &str, from: &str, to: (&str, &str), kg: u64, purpose: record::ShipPurpose| record::Ship {
            lots: vec![record::ShippedLot {
                lot: Some(draft::lot(lot)),
                mass: Some(dry(kg * 1_000_000)),
                seals: vec![],
            }],
            receiver: to.0.into(),
            transfer: record::TransferKind::Custody.into(),
            purpose: purpose.into(),
            mode: record::TransportMode::Road.into(),
            from_facility: from.into(),
            to_facility: to.1.into(),
            ..Default::default()
        };
    let take = |offer: ore_record::RecordId, lot: &str, place: &str, kg: u64| record::Accept {
        offer: offer.as_bytes().to_vec(),
        lots: vec![record::AcceptedLot {
            lot: Some(draft::lot(lot)),
            mass: Some(dry(kg * 1_000_000)),
            seals: record::SealState::Intact.into(),
        }],
        facility: place.into(),
    };
    let toll = record::ShipPurpose::Tolling;
    let offer = ledger.must("owner", ship("owner/O1A", "owner/pit", ("works", "works/plant"), 1_000, toll));
    ledger.must("works", take(offer, "owner/O1A", "works/plant", 1_000));
    let mut melt = blend(
        &[("owner/O1A", "1000 kg"), ("works/O2B", "3000 kg")],
        vec![record::NewLot { owner: "owner".into(), ..pure("D1", "950 kg") }, pure("D2", "2850 kg")],
    );
    melt.losses = vec![record::Loss { element: TA, mg: 200_000_000, reason: "fume".into() }];
    ledger.must("works", melt);
    let back = record::ShipPurpose::Return;
    let offer = ledger.must("works", ship("works/D1", "works/plant", ("owner", "owner/pit"), 950, back));
    ledger.must("owner", take(offer, "works/D1", "owner/pit", 950));
    let public = Public::of(&mut ledger).await;
    let request = v1::MetalAccountsRequest { element: TA, ..Default::default() };
    let accounts = public.audit().metal_accounts(request).await.expect("an answer").into_inner().accounts;
    let [account] = accounts.as_slice() else { panic!("{accounts:?}") };
    assert_eq!((account.customer.as_str(), account.toller.as_str()), ("owner", "works"));
    assert_eq!(
        (account.delivered_mg, account.returned_mg, account.owed_mg),
        (1_000_000_000, 950_000_000, 50_000_000)
    );
    assert_eq!(account.declared_loss_mg, 50_000_000, "a quarter of 200 kg");
    let physical = public.attribute("works/D1", TA).await;
    let own =
        physical.countries.iter().find(|it| it.country == "RW").and_then(|it| it.share).expect("a share");
    assert_eq!(own.value_e18, ONE / 4, "the account says 950 kg, the atoms a quarter");
    public.stop().await;
}

/// P19, P20, P21.
#[tokio::test(flavor = "multi_thread")]
async fn assays_footprints_and_patterns_go_through_a_blend() {
    let mut ledger = founded(&[("a", "RW"), ("b", "BR")]);
    for (lot, pit, country, percent, uncertainty) in
        [("A", "a", "RW", "40 %", 8_000_000), ("B", "b", "BR", "60 %", 18_000_000)]
    {
        let mut commission =
            mined(&format!("works/{lot}"), &format!("works/{pit}"), country, "1000 kg", &[("Ta", percent)]);
        let composition = commission.lot.as_mut().and_then(|lot| lot.composition.as_mut()).expect("there");
        composition.contents[0].uncertainty_ppb = uncertainty;
        ledger.must("works", commission);
    }
    let footprint = |lot: &str, kg: u64| record::Footprint {
        lot: Some(draft::lot(lot)),
        co2e_g: kg * 1_000,
        energy_kj: kg,
        acid_waste_mg: kg,
        radioactive_waste_mg: kg,
        method: "ISO 14067".into(),
        ..Default::default()
    };
    // 400 kg at 8, 600 kg at 12, and 1,000 kg CO2e of the process, into 900 kg.
    ledger.must("works", footprint("works/A", 3_200));
    ledger.must("works", footprint("works/B", 7_200));
    let output = new_lot("works/X", "works/plant", "900 kg", &[("Ta", "100 %")]);
    let mut refine = transform(
        Process::Refining,
        "works/plant",
        &[("works/A", "1000 kg"), ("works/B", "1000 kg")],
        vec![output],
    );
    refine.losses = vec![record::Loss { element: TA, mg: 100_000_000, reason: "fume".into() }];
    ledger.must("works", refine);
    ledger.must("works", footprint("works/X", 1_000));

    // P21: 600 kg and 400 kg, unrefined, measured as 40 and 50 where the mix is 68 and 36.
    mine(&mut ledger, "FA", "a", "RW", "600 kg");
    mine(&mut ledger, "FB", "b", "BR", "400 kg");
    ledger
        .must("works", blend(&[("works/FA", "600 kg"), ("works/FB", "400 kg")], vec![pure("FX", "1000 kg")]));
    for (lot, lanthanum, ytterbium) in [("FA", 100, 20), ("FB", 20, 60), ("FX", 40, 50)] {
        let value =
            |element, ppm: u64| record::TraceValue { element, ppt: ppm * 1_000_000, ..Default::default() };
        let assay = record::Assay {
            lot: Some(draft::lot(&format!("works/{lot}"))),
            pattern: vec![value(57, lanthanum), value(70, ytterbium)],
            ..Default::default()
        };
        ledger.must("laboratory", assay);
    }
    let public = Public::of(&mut ledger).await;
    let answer = public.attribute("works/X", TA).await;
    let share =
        answer.countries.iter().find(|it| it.country == "RW").and_then(|it| it.share).expect("a share");
    close_units("nominal", share.value_e18.into(), "0.4");
    close_units("low", share.lower_e18.into(), "392/1010");
    close_units("high", share.upper_e18.into(), "408/990");

    let request = v1::LotFootprintRequest { lot: "works/X".into(), ..Default::default() };
    let burden = public.audit().lot_footprint(request).await.expect("an answer").into_inner();
    assert_eq!((burden.burden.expect("whole").co2e_micro_g, burden.silent), (11_400_000_000_000, 0));
    // 38/3 kg for each kilogram, in millionths of a gram, rounded down.
    assert_eq!(burden.per_kg.expect("each").co2e_micro_g, 12_666_666_666);
    assert!(burden.allocation.contains("dry mass") && burden.records.len() == 3);
    assert!(public.rules("works/FX").await.contains(&"C11".to_owned()));
    public.stop().await;
}

/// P22 and P23.
#[tokio::test(flavor = "multi_thread")]
async fn dependence_finds_what_nothing_arrives_without() {
    let mut ledger = Ledger::found(
        SMELTER,
        &[
            ("works", "a", FacilityKind::Mine, "RW"),
            ("works", "b", FacilityKind::Mine, "BR"),
            ("works", "c", FacilityKind::Mine, "NG"),
            ("works", "n1", FacilityKind::Refinery, "EE"),
            ("works", "n2", FacilityKind::Refinery, "CN"),
            ("works", "plant", FacilityKind::PowderPlant, "CH"),
        ],
    );
    for (lot, pit, country, mass, refinery) in
        [("A", "a", "RW", "450 kg", "n1"), ("B", "b", "BR", "250 kg", "n1"), ("C", "c", "NG", "300 kg", "n2")]
    {
        mine(&mut ledger, lot, pit, country, mass);
        let place = format!("works/{refinery}");
        let output = new_lot(&format!("works/R{lot}"), &place, mass, &[("Ta", "100 %")]);
        ledger.must(
            "works",
            transform(Process::Refining, &place, &[(&format!("works/{lot}"), mass)], vec![output]),
        );
    }
    let inputs = [("works/RA", "450 kg"), ("works/RB", "250 kg"), ("works/RC", "300 kg")];
    ledger.must("works", blend(&inputs, vec![pure("POWDER", "1000 kg")]));
    // P23: 52, 28 and 20 % by country of origin.
    for (lot, pit, country, mass) in
        [("H1", "a", "RW", "52 kg"), ("H2", "b", "BR", "28 kg"), ("H3", "c", "NG", "20 kg")]
    {
        mine(&mut ledger, lot, pit, country, mass);
    }
    let inputs = [("works/H1", "52 kg"), ("works/H2", "28 kg"), ("works/H3", "20 kg")];
    ledger.must("works", blend(&inputs, vec![pure("H", "100 kg")]));
    let public = Public::of(&mut ledger).await;
    let ask = async |lot: &str, kind: v1::DependenceKind| {
        let request = v1::DependenceRequest { lot: lot.to_owned(), kind: kind.into(), ..Default::default() };
        public.audit().dependence(request).await.expect("an answer").into_inner()
    };
    let answer = ask("works/POWDER", v1::DependenceKind::Facility).await;
    let node = |name: &str| answer.nodes.iter().find(|node| node.node == name).expect("on the way");
    for (name, through) in [("works/n1", "0.7"), ("works/n2", "0.3"), ("works/plant", "1")] {
        close_units(name, node(name).through_e18.into(), through);
        assert_eq!(node(name).through_e18 + node(name).without_e18, ONE);
    }
    let dominators: Vec<&str> =
        answer.nodes.iter().filter(|node| node.dominates).map(|node| node.node.as_str()).collect();
    assert_eq!(dominators, ["works/plant"]);
    assert_eq!(node("works/n1").alternatives, ["works/n2"]);
    let refiners = ask("works/POWDER", v1::DependenceKind::Refiner).await;
    assert_eq!(refiners.nodes.len(), 2);
    close_units("refiners", refiners.node_herfindahl_e18.into(), "0.58");
    let answer = ask("works/H", v1::DependenceKind::Country).await;
    close_units("herfindahl", answer.origin_herfindahl_e18.into(), "0.3888");
    public.stop().await;
}

/// P25: within the splitting limit; beyond it without an umpire; beyond it with one.
#[tokio::test(flavor = "multi_thread")]
async fn an_assay_exchange_needs_an_umpire_beyond_the_limit() {
    let mut ledger = Ledger::found(
        &[("seller", &[Role::Miner]), ("buyer", &[Role::Refiner]), ("laboratory", &[Role::Laboratory])],
        &[("seller", "pit", FacilityKind::Mine, "RW"), ("buyer", "works", FacilityKind::Refinery, "EE")],
    );
    for (lot, seller, buyer, umpire) in [
        ("L1", "30.10 %", "29.80 %", ""),
        ("L2", "30.40 %", "29.80 %", ""),
        ("L3", "30.40 %", "29.80 %", "29.95 %"),
    ] {
        let id = format!("seller/{lot}");
        ledger.must("seller", mined(&id, "seller/pit", "RW", "1000 kg", &[("Ta", "30 %")]));
        let assay = |result: &str, stage| record::Assay {
            lot: Some(draft::lot(&id)),
            composition: Some(draft::composition(&[("Ta", result)], "ICP-MS", "", stage).expect("contents")),
            session: "exchange".into(),
            ..Default::default()
        };
        let (ours, theirs) = (assay(seller, AssayStage::Seller), assay(buyer, AssayStage::Buyer));
        let mass = dry(1_000_000_000);
        ledger.must(
            "seller",
            record::Ship {
                lots: vec![record::ShippedLot {
                    lot: Some(draft::lot(&id)),
                    mass: Some(mass),
                    seals: vec![],
                }],
                receiver: "buyer".into(),
                transfer: record::TransferKind::CustodyAndOwnership.into(),
                purpose: record::ShipPurpose::Sale.into(),
                from_facility: "seller/pit".into(),
                to_facility: "buyer/works".into(),
                ..Default::default()
            },
        );
        // Both commit before either opens.
        let first = ledger.must("seller", ore_record::assay::commit(&ours, &[1; 32]));
        let second = ledger.must("buyer", ore_record::assay::commit(&theirs, &[2; 32]));
        ledger.must("seller", ore_record::assay::reveal(ours, &[1; 32], first));
        ledger.must("buyer", ore_record::assay::reveal(theirs, &[2; 32], second));
        if !umpire.is_empty() {
            ledger.must("laboratory", assay(umpire, AssayStage::Umpire));
        }
    }
    // Out of turn: the buyer commits when the seller's result is known.
    ledger.must("seller", mined("seller/L4", "seller/pit", "RW", "1000 kg", &[("Ta", "30 %")]));
    let assay = |stage| record::Assay {
        lot: Some(draft::lot("seller/L4")),
        composition: Some(draft::composition(&[("Ta", "30 %")], "ICP-MS", "", stage).expect("contents")),
        ..Default::default()
    };
    let first = ledger.must("seller", ore_record::assay::commit(&assay(AssayStage::Seller), &[1; 32]));
    ledger.must("seller", ore_record::assay::reveal(assay(AssayStage::Seller), &[1; 32], first));
    let second = ledger.must("laboratory", ore_record::assay::commit(&assay(AssayStage::Buyer), &[2; 32]));
    ledger.must("laboratory", ore_record::assay::reveal(assay(AssayStage::Buyer), &[2; 32], second));
    let public = Public::of(&mut ledger).await;
    for (lot, needs) in [("L1", false), ("L2", true), ("L3", false), ("L4", true)] {
        let rules = public.rules(&format!("seller/{lot}")).await;
        assert_eq!(rules.contains(&"C9".to_owned()), needs, "{lot}: {rules:?}");
    }
    public.stop().await;
}

/// P26.
#[tokio::test(flavor = "multi_thread")]
async fn the_denominator_decides_a_stocktake() {
    let mut ledger = founded(&[("a", "RW")]);
    let unknown = |lot: &str, mass: &str| record::Commission {
        kind: record::CommissionKind::DeclaredUnknown.into(),
        lot: Some(record::NewLot { material: MaterialClass::Metal.into(), ..pure(lot, mass) }),
        ..Default::default()
    };
    ledger.must("works", unknown("OPENING", "1000 kg"));
    ledger.seal();
    let from_ms = START_MS + ledger.size() * 60_000;
    for (lot, mass) in [("R1", "4750 kg"), ("R2", "450 kg")] {
        ledger.must("works", unknown(lot, mass));
    }
    let gone = |lot: &str, kg: u64, kind: record::DisposeKind| record::Dispose {
        lot: Some(draft::lot(lot)),
        mass: Some(dry(kg * 1_000_000)),
        kind: kind.into(),
        reason: "as the case has it".into(),
    };
    ledger.must("works", gone("works/R1", 4_750, record::DisposeKind::Exported));
    ledger.must("works", gone("works/R2", 150, record::DisposeKind::Lost));
    let line = record::StockLine { material: MaterialClass::Metal.into(), element: 0, mg: 1_240_000_000 };
    let take =
        record::Stocktake { facility: "works/plant".into(), period_start_ms: from_ms, lines: vec![line] };
    ledger.must("works", take);
    let public = Public::of(&mut ledger).await;
    let request = v1::MassBalanceRequest {
        facility: "works/plant".into(),
        material: MaterialClass::Metal.into(),
        period: Some(v1::Period { from_ms, to_ms: 0 }),
        ..Default::default()
    };
    let sheet = public.audit().mass_balance(request).await.expect("an answer").into_inner();
    assert_eq!((sheet.opening_mg, sheet.closing_mg), (1_000_000_000, 1_300_000_000));
    let [count] = sheet.counts.as_slice() else { panic!("{:?}", sheet.counts) };
    assert_eq!((count.variance_mg, count.throughput_mg), (-60_000_000, 6_200_000_000));
    // -60/13 % and -30/31 %.
    assert_eq!((count.of_closing_ppm, count.of_throughput_ppm), (-46_153, -9_677));
    public.stop().await;
}

/// Run-around, whatever it is called, is no recycled content under the strict reading.
#[tokio::test(flavor = "multi_thread")]
async fn the_reading_of_iso_14021_is_a_switch_that_the_answer_names() {
    let mut ledger = founded(&[("a", "RW")]);
    mine(&mut ledger, "A", "a", "RW", "100 kg");
    let scrap = record::NewLot { material: MaterialClass::Scrap.into(), ..pure("S", "20 kg") };
    ledger.must("works", blend(&[("works/A", "100 kg")], vec![pure("P", "80 kg"), scrap]));
    let recycling = record::Transform {
        recycling_class: RecyclingClass::PreConsumer.into(),
        ..transform(Process::Recycling, "works/plant", &[("works/S", "20 kg")], vec![pure("R", "19 kg")])
    };
    ledger.must("works", recycling);
    let public = Public::of(&mut ledger).await;
    let ask = async |reading: v1::RecyclingReading| {
        let request = v1::CircularityRequest { element: TA, reading: reading.into(), ..Default::default() };
        let answer = public.audit().circularity(request).await.expect("an answer").into_inner();
        (answer.reading, answer.total.expect("a row"))
    };
    let (name, common) = ask(v1::RecyclingReading::Common).await;
    assert!(name.contains("common") && common.recovered_mg == 19_000_000 && common.run_around_mg == 0);
    let (name, strict) = ask(v1::RecyclingReading::Strict).await;
    assert!(name.contains("strict") && strict.recovered_mg == 0 && strict.run_around_mg == 20_000_000);
    public.stop().await;
}
