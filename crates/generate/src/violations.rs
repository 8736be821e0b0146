//! Each rule broken once, by members, places and lots of their own, and the record that did it.

use ore_fingerprint::{
    ledger::trace_values,
    library::Reference,
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};
use ore_record::{
    assay::{commit, reveal},
    draft,
    v1::{
        self, AssayStage, AttestationKind, CommissionKind, CustodyModel, MaterialClass, OutputRole, Process,
        Role, SealState, StockLine, Stocktake,
    },
};

use crate::{
    cast::Cast,
    teller::{DAY_MS, Label, START_MS, Sink, Stock, TA, Teller, acceptance, input, output, shipment},
};

/// Added to the conformant list; `vrefiner/other` is left out.
pub(crate) const CONFORMANT: &[&str] = &["vrefiner/works", "vrefiner/annex"];

const PIT: &str = "vminer/pit";
const WORKS: &str = "vrefiner/works";
const ANNEX: &str = "vrefiner/annex";
const PLANT: &str = "vmaker/plant";
const RWANDA: (i32, i32) = (-20_000_000, 300_000_000);
const ESTONIA: (i32, i32) = (594_000_000, 277_000_000);

/// The members and places of the violations.
pub(crate) fn cast(cast: &mut Cast) {
    use v1::FacilityKind::Refinery;
    cast.member("vminer", &[Role::Miner]);
    cast.member("vminer2", &[Role::Miner]);
    cast.member("vrefiner", &[Role::Refiner, Role::Trader]);
    cast.member("vmaker", &[Role::Manufacturer]);
    cast.member("outlaw", &[Role::Carrier]);
    for (id, country) in [
        (PIT, "RW"),
        ("vminer/red", "RW"),
        ("vminer/licensed", "RW"),
        ("vminer/ss-pit", "SS"),
        ("vminer/peat", "FI"),
    ] {
        // Places without a box are not checked, so only the country changes.
        cast.place("vminer", id, v1::FacilityKind::Mine, country, RWANDA);
    }
    cast.place("vminer", "vminer/small", v1::FacilityKind::Mine, "RW", RWANDA).capacity_mg_per_year =
        1_000_000_000;
    cast.place("vminer2", "vminer2/pit", v1::FacilityKind::Mine, "RW", RWANDA);
    for id in [WORKS, ANNEX, "vrefiner/other"] {
        cast.place("vrefiner", id, Refinery, "EE", ESTONIA);
    }
    cast.place("vmaker", PLANT, v1::FacilityKind::TargetPlant, "JP", (357_000_000, 1_397_000_000));
}

struct Breaker<'t, 's> {
    teller: &'t mut Teller<'s>,
    labels: Vec<Label>,
}

/// Breaks every rule once, after what a sink already holds, and says which records did.
pub fn violate(sink: &mut dyn Sink, seed: u64, from_ms: u64) -> Vec<Label> {
    let mut teller = Teller::new(sink, seed);
    teller.now_ms = from_ms.max(START_MS);
    teller.pass(DAY_MS);
    let mut breaker = Breaker { teller: &mut teller, labels: Vec::new() };
    breaker.mines();
    breaker.masses();
    breaker.books();
    breaker.journeys();
    breaker.claims();
    breaker.assays();
    breaker.origins();
    breaker.last();
    let mut labels = breaker.labels;
    labels.sort();
    labels
}

impl Breaker<'_, '_> {
    fn label(&mut self, rule: &'static str, record: [u8; 32]) {
        self.labels.push(Label { rule, record });
    }

    fn stock(&mut self, owner: &str, dry_mg: u64) -> Stock {
        let number = self.teller.number();
        Stock {
            lot: format!("{owner}/V-{number}"),
            dry_mg,
            ta_ppb: 300_000_000,
            nb_ppb: 0,
            shares: [0; crate::cast::MINES.len()],
        }
    }

    fn mined_with(
        &mut self,
        (owner, place): (&str, &str),
        dry_mg: u64,
        change: impl FnOnce(&mut v1::Commission),
    ) -> (Stock, [u8; 32]) {
        let stock = self.stock(owner, dry_mg);
        let mut lot = self.teller.lot(owner, place, &stock, MaterialClass::Concentrate);
        lot.origin_country = match place {
            "vminer/ss-pit" => "SS",
            "vminer/peat" => "FI",
            _ => "RW",
        }
        .to_owned();
        lot.tags = vec![format!("VTAG-{}", self.teller.number())];
        let kind = CommissionKind::Extracted.into();
        let mut commission = v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() };
        change(&mut commission);
        let id = self.teller.say(owner, commission);
        (stock, id)
    }

    fn mined(&mut self) -> Stock {
        self.mined_with(("vminer", PIT), 1_000_000_007, |_| ()).0
    }

    /// From the pit to a refinery, twelve days by sea.
    fn at_refinery(&mut self, place: &str) -> Stock {
        let stock = self.mined();
        self.moved(stock, place)
    }

    fn moved(&mut self, stock: Stock, place: &str) -> Stock {
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let offer = self.teller.say("vminer", shipment(&lots, PIT, ("vrefiner", place)));
        self.teller.pass(12 * DAY_MS);
        self.teller.say("vrefiner", acceptance(offer, &lots, place));
        stock
    }

    fn attest(
        &mut self,
        issuer: &str,
        kind: AttestationKind,
        subject: &str,
        change: impl FnOnce(&mut v1::Attestation),
    ) -> (String, [u8; 32]) {
        let id = format!("{issuer}/A-{}", self.teller.number());
        let mut attestation = v1::Attestation {
            id: id.clone(),
            kind: kind.into(),
            subject: subject.to_owned(),
            valid_from_ms: START_MS,
            valid_until_ms: START_MS + 40 * 365 * DAY_MS,
            ..v1::Attestation::default()
        };
        change(&mut attestation);
        let record = self.teller.say(issuer, v1::Attest { attestation: Some(attestation) });
        (id, record)
    }

    /// One input becomes one output of the same mass, changed as asked.
    fn step(
        &mut self,
        author: &str,
        place: &str,
        process: Process,
        from: &[&Stock],
        change: impl FnOnce(&mut v1::Transform),
    ) -> (Stock, [u8; 32]) {
        let total = from.iter().map(|stock| stock.dry_mg).sum();
        let stock = self.stock(author, total);
        let lot = self.teller.lot(author, place, &stock, MaterialClass::Intermediate);
        let mut transform = v1::Transform {
            process: process.into(),
            facility: place.to_owned(),
            inputs: from.iter().map(|stock| input(&stock.lot, stock.dry_mg)).collect(),
            outputs: vec![output(lot, OutputRole::Product)],
            ..v1::Transform::default()
        };
        change(&mut transform);
        let id = self.teller.say(author, transform);
        (stock, id)
    }

    /// O2, O3, O5, O8, O11, O12, A6, G1, M12.
    fn mines(&mut self) {
        let (first, _) = self.mined_with(("vminer", PIT), 500_000_003, |it| tag(it, "VTAG-TWICE"));
        let _ = first;
        let (_, id) = self.mined_with(("vminer", PIT), 500_000_009, |it| tag(it, "VTAG-TWICE"));
        self.label("O2", id);
        let (_, id) = self.mined_with(("vminer", PIT), 500_000_021, |it| tag(it, "VTAG-BOTH"));
        let _ = id;
        let (_, id) = self.mined_with(("vminer2", "vminer2/pit"), 500_000_033, |it| tag(it, "VTAG-BOTH"));
        self.label("G1", id);

        let (permit, _) =
            self.attest("authority", AttestationKind::ExtractionPermit, "vminer/licensed", |_| ());
        let change = |state: v1::AttestationState| v1::ChangeAttestation {
            attestation: permit.clone(),
            state: state.into(),
            reason: "inspection".to_owned(),
        };
        self.mined_with(("vminer", "vminer/licensed"), 400_000_001, |_| ());
        self.teller.say("authority", change(v1::AttestationState::Suspended));
        let (_, id) = self.mined_with(("vminer", "vminer/licensed"), 400_000_003, |_| ());
        self.label("O3", id);
        self.teller.say("authority", change(v1::AttestationState::Reinstated));
        self.mined_with(("vminer", "vminer/licensed"), 400_000_007, |_| ());

        self.attest("authority", AttestationKind::SiteStatus, "vminer/red", |it| it.scope = "red".to_owned());
        let (_, id) = self.mined_with(("vminer", "vminer/red"), 400_000_009, |_| ());
        self.label("O5", id);
        let (_, id) = self.mined_with(("vminer", "vminer/ss-pit"), 400_000_013, |_| ());
        self.label("O8", id);
        self.label("O11", id);
        let (_, id) = self.mined_with(("vminer", "vminer/peat"), 400_000_019, |_| ());
        self.label("O12", id);
        let (_, id) = self.mined_with(("vminer", "vminer/small"), 1_200_000_011, |_| ());
        self.label("M12", id);

        let far = v1::Facility {
            id: "vrefiner/far".to_owned(),
            name: "far".to_owned(),
            kind: v1::FacilityKind::Warehouse.into(),
            country: "RW".to_owned(),
            latitude_e7: ESTONIA.0,
            longitude_e7: ESTONIA.1,
            ..v1::Facility::default()
        };
        let id = self.teller.say("vrefiner", v1::RegisterFacility { facility: Some(far) });
        self.label("A6", id);
    }

    /// M2, M4, M5, O7, O13.
    fn masses(&mut self) {
        let stock = self.at_refinery(WORKS);
        let (_, id) = self.step("vrefiner", WORKS, Process::Blending, &[&stock], |it| ppb(it, 270_000_000));
        self.label("M2", id);
        let stock = self.at_refinery(WORKS);
        let (_, id) = self.step("vrefiner", WORKS, Process::Blending, &[&stock], |it| ppb(it, 310_000_000));
        self.label("M4", id);
        for campaign in 0..9 {
            let stock = self.at_refinery(WORKS);
            // Eight at 96 % in the product, one at 80 %: what is missing is declared.
            let percent = if campaign < 8 { 96 } else { 80 };
            let lost = stock.ta_pg() / 100 * (100 - percent) / 1_000_000_000;
            let (_, id) = self.step("vrefiner", WORKS, Process::Smelting, &[&stock], |it| {
                ppb(it, 3_000_000 * percent as u32);
                it.losses = vec![v1::Loss { element: TA, mg: lost as u64, reason: "fume".to_owned() }];
            });
            if campaign == 8 {
                self.label("M5", id);
            }
        }
        let stock = self.at_refinery(WORKS);
        let (_, id) = self.step("vrefiner", WORKS, Process::Blending, &[&stock], |it| {
            lot(it).origin_country = "AU".to_owned();
        });
        self.label("O7", id);
        let stock = self.at_refinery("vrefiner/other");
        let (_, id) = self.step("vrefiner", "vrefiner/other", Process::Smelting, &[&stock], |_| ());
        self.label("O13", id);
    }

    /// M3, M6, M7.
    fn books(&mut self) {
        let count = |mg: u64| Stocktake {
            facility: PLANT.to_owned(),
            period_start_ms: START_MS,
            lines: vec![StockLine { material: MaterialClass::Metal.into(), element: 0, mg }],
        };
        let stock = self.stock("vmaker", 777_000_123);
        let metal = self.teller.lot("vmaker", PLANT, &stock, MaterialClass::Metal);
        let kind = CommissionKind::DeclaredUnknown.into();
        self.teller.say("vmaker", v1::Commission { kind, lot: Some(metal), ..v1::Commission::default() });
        for take in 0..3 {
            self.teller.pass(30 * DAY_MS);
            let id = self.teller.say("vmaker", count(777_000_123));
            if take == 2 {
                self.label("M6", id);
            }
        }
        self.teller.pass(30 * DAY_MS);
        let id = self.teller.say("vmaker", count(700_000_123));
        self.label("M3", id);

        let stock = self.mined();
        let sent = [(stock.lot.as_str(), stock.dry_mg)];
        let offer = self.teller.say("vminer", shipment(&sent, PIT, ("vrefiner", WORKS)));
        self.teller.pass(12 * DAY_MS);
        let arrived = [(stock.lot.as_str(), stock.dry_mg / 100 * 98)];
        let id = self.teller.say("vrefiner", acceptance(offer, &arrived, WORKS));
        self.label("M7", id);
    }

    /// O4, O6, O14, T1, T2, T3, T4, T7.
    fn journeys(&mut self) {
        let (permit, _) = self.attest("authority", AttestationKind::TransportPermit, "vminer", |it| {
            it.quantity_cap_mg = 1_500_000_000;
        });
        for journey in 0..2 {
            let id = self.journey(|ship| ship.permits = vec![permit.clone()], |_| ()).0;
            if journey == 1 {
                self.label("O4", id);
            }
        }
        let (permit, _) = self.attest("authority", AttestationKind::ExportPermit, "vminer", |_| ());
        let (id, _) = self.journey(|ship| ship.permits = vec![permit], |_| ());
        self.label("O6", id);
        let (id, _) = self.journey(|ship| ship.carrier = "outlaw".to_owned(), |_| ());
        self.label("O14", id);
        let (_, id) = self.journey(
            |ship| ship.lots[0].seals = vec!["VSEAL-7".to_owned()],
            |accept| {
                accept.lots[0].seals = SealState::Broken.into();
            },
        );
        self.label("T7", id);

        let stock = self.mined();
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let offer = self.teller.say("vminer", shipment(&lots, PIT, ("vrefiner", WORKS)));
        let id = self.teller.say_with("vrefiner", acceptance(offer, &lots, WORKS), |said| {
            said.event_time_ms -= 3_600_000;
        });
        self.label("T1", id);
        let stock = self.mined();
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let mut ship = shipment(&lots, PIT, ("vrefiner", WORKS));
        ship.mode = v1::TransportMode::Road.into();
        let offer = self.teller.say("vminer", ship);
        self.teller.pass(3_600_000);
        let id = self.teller.say("vrefiner", acceptance(offer, &lots, WORKS));
        self.label("T2", id);

        let stock = self.at_refinery(WORKS);
        self.teller.pass(3 * DAY_MS);
        let half = Stock { dry_mg: stock.dry_mg / 2, ..stock.clone() };
        let start = self.teller.now_ms() - DAY_MS;
        self.step("vrefiner", WORKS, Process::Blending, &[&half], |it| it.started_ms = start);
        let (_, id) = self.step("vrefiner", ANNEX, Process::Blending, &[&half], |it| it.started_ms = start);
        self.label("T3", id);
        let stock = self.at_refinery(WORKS);
        self.teller.pass(DAY_MS);
        let (_, id) = self.step("vrefiner", ANNEX, Process::Blending, &[&stock], |_| ());
        self.label("T4", id);
    }

    fn journey(
        &mut self,
        sent: impl FnOnce(&mut v1::Ship),
        received: impl FnOnce(&mut v1::Accept),
    ) -> ([u8; 32], [u8; 32]) {
        let stock = self.mined();
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let mut ship = shipment(&lots, PIT, ("vrefiner", WORKS));
        sent(&mut ship);
        let offer = self.teller.say("vminer", ship);
        self.teller.pass(12 * DAY_MS);
        let mut accept = acceptance(offer, &lots, WORKS);
        received(&mut accept);
        (offer, self.teller.say("vrefiner", accept))
    }

    fn of_model(&mut self, owner: &str, place: &str, model: CustodyModel) -> Stock {
        let set = |it: &mut v1::Commission| it.lot.iter_mut().for_each(|lot| lot.model = model.into());
        self.mined_with((owner, place), 600_000_011, set).0
    }

    /// C2, C3, C6, C7, C8.
    fn claims(&mut self) {
        let one = self.of_model("vminer", PIT, CustodyModel::IdentityPreserved);
        let one = self.moved(one, WORKS);
        let two = self.of_model("vminer2", "vminer2/pit", CustodyModel::IdentityPreserved);
        let two = self.moved_from("vminer2", "vminer2/pit", two);
        let (_, id) = self.step("vrefiner", WORKS, Process::Blending, &[&one, &two], |it| {
            lot(it).model = CustodyModel::IdentityPreserved.into();
        });
        self.label("C2", id);

        let one = self.of_model("vminer", PIT, CustodyModel::Segregated);
        self.attest("certifier", AttestationKind::Certificate, &one.lot, |it| {
            it.scheme = "fair-metal".to_owned()
        });
        let one = self.moved(one, WORKS);
        let two = self.of_model("vminer", PIT, CustodyModel::Segregated);
        let two = self.moved(two, WORKS);
        let (_, id) = self.step("vrefiner", WORKS, Process::Blending, &[&one, &two], |it| {
            lot(it).model = CustodyModel::Segregated.into();
        });
        self.label("C3", id);

        let stock = self.mined();
        let (_, id) = self.attest("certifier", AttestationKind::Certificate, &stock.lot, |it| {
            (it.scheme, it.scope) = ("ISO 14021".to_owned(), "Ta 50 %".to_owned());
        });
        self.label("C6", id);
        let (certificate, _) = self.attest("certifier", AttestationKind::Certificate, "vminer", |it| {
            it.scheme = "fair-metal".to_owned()
        });
        let (_, id) = self.mined_with(("vminer", PIT), 300_000_007, |it| it.attestations = vec![certificate]);
        self.label("C7", id);

        let (one, two) = (self.at_refinery(WORKS), self.at_refinery(WORKS));
        let other = self.of_model("vminer2", "vminer2/pit", CustodyModel::ControlledBlending);
        let other = self.moved_from("vminer2", "vminer2/pit", other);
        let (target, wrong) = self.step("vrefiner", WORKS, Process::Sintering, &[&one, &two], piece);
        let reason = v1::WithdrawReason::IncorrectData.into();
        let withdraw = v1::Withdraw { record: wrong.to_vec(), reason, explanation: "wrong lot".to_owned() };
        self.teller.say("vrefiner", withdraw);
        let total = one.dry_mg + other.dry_mg;
        let again = Stock { dry_mg: total, ..target };
        let lot = self.teller.lot("vrefiner", WORKS, &again, MaterialClass::Intermediate);
        let mut transform = v1::Transform {
            process: Process::Sintering.into(),
            facility: WORKS.to_owned(),
            inputs: vec![input(&one.lot, one.dry_mg), input(&other.lot, other.dry_mg)],
            outputs: vec![output(lot, OutputRole::Product)],
            ..v1::Transform::default()
        };
        piece(&mut transform);
        let id = self.teller.say_with("vrefiner", transform, |said| said.corrects = wrong.to_vec());
        self.label("C8", id);
    }

    fn moved_from(&mut self, owner: &str, place: &str, stock: Stock) -> Stock {
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let offer = self.teller.say(owner, shipment(&lots, place, ("vrefiner", WORKS)));
        self.teller.pass(12 * DAY_MS);
        self.teller.say("vrefiner", acceptance(offer, &lots, WORKS));
        stock
    }

    /// C9 and C11.
    fn assays(&mut self) {
        let stock = self.mined();
        let seller = party(&stock.lot, AssayStage::Seller, 304_000_000);
        let buyer = party(&stock.lot, AssayStage::Buyer, 298_000_000);
        let open = |assay: v1::Assay, salt: [u8; 32], of: [u8; 32]| {
            reveal(assay, &salt, ore_record::RecordId::from_bytes(of))
        };
        // Blind: the seller and the intended receiver both commit before either opens.
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let offer = self.teller.say("vminer", shipment(&lots, PIT, ("vrefiner", WORKS)));
        let ours = self.teller.say("vminer", commit(&seller, &[1; 32]));
        let theirs = self.teller.say("vrefiner", commit(&buyer, &[2; 32]));
        self.teller.say("vminer", open(seller, [1; 32], ours));
        let id = self.teller.say("vrefiner", open(buyer, [2; 32], theirs));
        self.label("C9", id);
        self.teller.pass(12 * DAY_MS);
        self.teller.say("vrefiner", acceptance(offer, &lots, WORKS));

        let (one, two) = (self.at_refinery(WORKS), self.at_refinery(WORKS));
        let (blend, id) = self.step("vrefiner", WORKS, Process::Blending, &[&one, &two], |_| ());
        for (lot, lanthanum, ytterbium) in [(&one.lot, 100, 20), (&two.lot, 20, 60), (&blend.lot, 40, 60)] {
            let value = |element: u32, ppm: u64| v1::TraceValue {
                element,
                ppt: ppm * 1_000_000,
                ..v1::TraceValue::default()
            };
            let pattern = vec![value(57, lanthanum), value(70, ytterbium)];
            let assay = v1::Assay { lot: Some(draft::lot(lot)), pattern, ..v1::Assay::default() };
            self.teller.say("laboratory", assay);
        }
        self.label("C11", id);
    }

    /// O15 and O16, beside an honest lot: a synthetic library, three claims, and the assays that were shown.
    fn origins(&mut self) {
        let library = self.library();
        let (honest, foreign, late) = (self.mined(), self.mined(), self.mined());
        let claim = |stock: &Stock| v1::ClaimOrigin {
            lot: stock.lot.clone(),
            origin: Place::Origin(2).name(),
            library: library.to_vec(),
        };
        self.teller.say("vminer", claim(&honest));
        self.teller.say("vminer", claim(&foreign));
        self.teller.say("laboratory", pattern_of(&honest.lot, Place::Origin(2)));
        let against = self.teller.say("laboratory", pattern_of(&foreign.lot, Place::Origin(7)));
        self.label("O15", against);
        let shown = self.teller.say("laboratory", pattern_of(&late.lot, Place::Origin(2)));
        self.teller.say("vminer", claim(&late));
        self.label("O16", shown);
    }

    /// The synthetic reference library, published by the laboratory.
    fn library(&mut self) -> [u8; 32] {
        let (references, background) = synthetic::library(SHIPPED_SEED, SHIPPED);
        let sides = [(references, false), (background, true)];
        let mut parts = Vec::new();
        for (side, background) in sides {
            for part in side.chunk_by(|a, b| a.origin == b.origin && a.campaign == b.campaign) {
                let event = v1::ReferencePart {
                    library: "laboratory/synthetic".to_owned(),
                    matrix: "scheelite".to_owned(),
                    origin: part[0].origin.clone(),
                    background,
                    campaign: part[0].campaign.clone(),
                    provenance: "synthetic, of no place on earth".to_owned(),
                    analyses: part.iter().map(analysis).collect(),
                    synthetic: true,
                };
                parts.push(self.teller.say("laboratory", event).to_vec());
            }
        }
        let published = v1::PublishLibrary {
            library: "laboratory/synthetic".to_owned(),
            version: 1,
            matrix: "scheelite".to_owned(),
            parts,
            synthetic: true,
            ..v1::PublishLibrary::default()
        };
        self.teller.say("laboratory", published)
    }

    /// S1, and T5, which time alone makes.
    fn last(&mut self) {
        let stock = self.stock("vminer", 300_000_017);
        let mut lot = self.teller.lot("vminer", PIT, &stock, MaterialClass::Concentrate);
        lot.origin_country = "RW".to_owned();
        lot.tags = vec!["VTAG-CRAFTED".to_owned()];
        let kind = CommissionKind::Extracted.into();
        let commission = v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() };
        let id = self.teller.say_with("vminer", commission, |said| said.crafted = true);
        self.label("S1", id);
        let stock = self.mined();
        let lots = [(stock.lot.as_str(), stock.dry_mg)];
        let id = self.teller.say("vminer", shipment(&lots, PIT, ("vrefiner", WORKS)));
        self.label("T5", id);
        self.teller.pass(45 * DAY_MS);
    }
}

fn tag(it: &mut v1::Commission, tag: &str) {
    it.lot.iter_mut().for_each(|lot| lot.tags = vec![tag.to_owned()]);
}

fn lot(it: &mut v1::Transform) -> &mut v1::NewLot {
    it.outputs[0].lot.get_or_insert_default()
}

fn ppb(it: &mut v1::Transform, ppb: u32) {
    lot(it).composition.get_or_insert_default().contents[0].ppb = ppb;
}

fn piece(it: &mut v1::Transform) {
    let lot = lot(it);
    lot.material = MaterialClass::SputteringTarget.into();
    lot.serial = "VSN-1".to_owned();
}

fn analysis(reference: &Reference) -> v1::ReferenceAnalysis {
    v1::ReferenceAnalysis {
        sample: reference.sample.clone(),
        spot: String::new(),
        pattern: trace_values(&reference.pattern),
    }
}

/// A new sample of a synthetic place, spot by spot.
fn pattern_of(lot: &str, place: Place) -> v1::Assay {
    let spots = synthetic::sample(SHIPPED_SEED, place, SHIPPED.samples + 1, 8);
    v1::Assay {
        lot: Some(draft::lot(lot)),
        matrix: "scheelite".to_owned(),
        campaign: spots[0].campaign.clone(),
        spots: (1..)
            .zip(&spots)
            .map(|(number, spot)| v1::TraceSpot {
                spot: format!("spot {number}"),
                pattern: trace_values(&spot.pattern),
            })
            .collect(),
        ..v1::Assay::default()
    }
}

fn party(lot: &str, stage: AssayStage, ppb: u32) -> v1::Assay {
    let content =
        v1::Content { element: TA, ppb, kind: v1::ContentKind::Measured.into(), ..v1::Content::default() };
    let composition = v1::Composition {
        contents: vec![content],
        method: "ICP-MS".to_owned(),
        stage: stage.into(),
        ..v1::Composition::default()
    };
    v1::Assay {
        lot: Some(draft::lot(lot)),
        composition: Some(composition),
        session: "exchange".to_owned(),
        ..v1::Assay::default()
    }
}
