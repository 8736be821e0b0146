//! Each rule broken once, by members, places and lots of their own, and the record that did it.

mod evidence;
mod ground;
mod trade;

use ore_record::v1::{self, AttestationKind, CommissionKind, MaterialClass, OutputRole, Process, Role};

use crate::{
    cast::Cast,
    teller::{DAY_MS, Label, START_MS, Sink, Stock, Teller, acceptance, input, output, shipment},
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
