//! The story's pen: writes records with plausible times and exact masses.
//!
//! It keeps its own stock of every lot, so that what is lost in a step is what went in less what
//! came out, and a test finds a step that would make metal.

use std::collections::BTreeMap;

use ore_record::{
    content,
    v1::{
        self, Accept, AcceptedLot, Assay, AssayStage, Composition, Content, ContentKind, CustodyModel, Loss,
        LotRef, Mass, MassBasis, MaterialClass, NewLot, OutputRole, Process, Record, RecyclingClass, Ship,
        ShipPurpose, ShippedLot, TransferKind, Transform, TransformInput, TransformOutput, TransportMode,
        record::Event,
    },
};

use crate::post::item::{IdField, Item};

/// Atomic numbers of the two elements that the story follows.
pub(crate) const NB: u32 = 41;
pub(crate) const TA: u32 = 73;

const HOUR_MS: u64 = 3_600_000;

/// A lot as the teller knows it.
#[derive(Clone)]
struct Stock {
    holder: String,
    dry_mg: u64,
    composition: Composition,
}

/// Material of a lot that is about to be made.
pub(crate) struct Made<'a> {
    pub(crate) lot: &'a str,
    pub(crate) material: MaterialClass,
    pub(crate) form: &'a str,
    pub(crate) compound: &'a str,
    /// Dry mass in grams.
    pub(crate) grams: u64,
    pub(crate) composition: Composition,
    pub(crate) role: OutputRole,
    pub(crate) serial: &'a str,
}

/// Tantalum and niobium of a mineral, in hundredths of a percent of the oxides.
pub(crate) fn oxides(ta: u32, nb: u32) -> Composition {
    composition(ta * 100_000, nb * 100_000, "Ta2O5", "Nb2O5", ContentKind::Declared)
}

/// Tantalum and niobium of a product, in parts per million of the elements.
pub(crate) fn metals(ta: u32, nb: u32) -> Composition {
    composition(ta * 1_000, nb * 1_000, "", "", ContentKind::Declared)
}

fn composition(ta_ppb: u32, nb_ppb: u32, ta_oxide: &str, nb_oxide: &str, kind: ContentKind) -> Composition {
    let content = |element, ppb, oxide: &str| Content {
        element,
        ppb,
        oxide: oxide.to_owned(),
        kind: kind as i32,
        uncertainty_ppb: 0,
    };
    let contents = [content(NB, nb_ppb, nb_oxide), content(TA, ta_ppb, ta_oxide)];
    Composition {
        contents: contents.into_iter().filter(|content| content.ppb > 0).collect(),
        ..Composition::default()
    }
}

/// A mass weighed dry, in grams.
pub(crate) fn dry(grams: u64) -> Mass {
    Mass { dry_mg: grams * 1_000, basis: MassBasis::Dry as i32, unit: "KGM".to_owned(), ..Mass::default() }
}

/// A mass weighed wet, in grams, with its moisture in ppm; the product must be whole milligrams.
pub(crate) fn wet(grams: u64, moisture_ppm: u32) -> Mass {
    Mass {
        dry_mg: grams * u64::from(1_000_000 - moisture_ppm) / 1_000,
        basis: MassBasis::AsReceived as i32,
        wet_mg: grams * 1_000,
        moisture_ppm,
        unit: "KGM".to_owned(),
    }
}

/// Writes the story, item by item.
pub(crate) struct Teller {
    now_ms: u64,
    items: Vec<Item>,
    shelf: BTreeMap<String, Stock>,
}

impl Teller {
    /// Starts at a time, milliseconds since 1970.
    pub(crate) const fn new(now_ms: u64) -> Self {
        Self { now_ms, items: Vec::new(), shelf: BTreeMap::new() }
    }

    /// The story as told.
    pub(crate) fn finish(self) -> Vec<Item> {
        self.items
    }

    /// Items told so far.
    pub(crate) const fn told(&self) -> usize {
        self.items.len()
    }

    /// Time passes.
    pub(crate) const fn days(&mut self, days: u64) {
        self.now_ms += days * 24 * HOUR_MS;
    }

    /// Now, in the story.
    pub(crate) const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// One statement; the caller may add to it.
    pub(crate) fn tell(&mut self, author: &str, event: Event) -> &mut Item {
        self.now_ms += HOUR_MS;
        let record = Record {
            author: author.to_owned(),
            event_time_ms: self.now_ms,
            event: Some(event),
            ..Record::default()
        };
        self.items.push(Item { record, ..Item::default() });
        self.items.last_mut().expect("pushed on the line above")
    }

    /// A reference whose head is filled in later.
    pub(crate) fn lot(lot: &str) -> LotRef {
        LotRef { lot: lot.to_owned(), head: Vec::new() }
    }

    fn new_lot(made: &Made<'_>, facility: &str, tag: &str) -> NewLot {
        NewLot {
            lot: made.lot.to_owned(),
            material: made.material as i32,
            form: made.form.to_owned(),
            compound: made.compound.to_owned(),
            mass: Some(dry(made.grams)),
            composition: Some(made.composition.clone()),
            tags: if tag.is_empty() { Vec::new() } else { vec![tag.to_owned()] },
            facility: facility.to_owned(),
            model: CustodyModel::ControlledBlending as i32,
            serial: made.serial.to_owned(),
            ..NewLot::default()
        }
    }

    fn shelve(&mut self, holder: &str, lot: &NewLot) {
        let stock = Stock {
            holder: holder.to_owned(),
            dry_mg: lot.mass.as_ref().map_or(0, |mass| mass.dry_mg),
            composition: lot.composition.clone().unwrap_or_default(),
        };
        self.shelf.insert(lot.lot.clone(), stock);
    }

    /// A lot comes into being out of the ground, out of a scrap yard, or out of nowhere known.
    pub(crate) fn commission(
        &mut self,
        author: &str,
        kind: v1::CommissionKind,
        made: &Made<'_>,
        facility: &str,
        origin: &str,
        attestation: &str,
    ) -> &mut Item {
        let number = made.lot.rsplit('/').next().unwrap_or_default();
        let mut lot = Self::new_lot(made, facility, &format!("TAG-{origin}-{number}"));
        lot.origin_country = origin.to_owned();
        self.shelve(author, &lot);
        let scrap = kind == v1::CommissionKind::CollectedScrap;
        let event = v1::Commission {
            kind: kind as i32,
            lot: Some(lot),
            scrap_class: if scrap { RecyclingClass::PostConsumer as i32 } else { 0 },
            attestations: if attestation.is_empty() { Vec::new() } else { vec![attestation.to_owned()] },
        };
        self.tell(author, Event::Commission(event))
    }

    /// Inputs (lot, grams; 0 = all of it) become outputs; what is missing is declared as lost.
    pub(crate) fn transform(
        &mut self,
        author: &str,
        process: Process,
        facility: &str,
        inputs: &[(&str, u64)],
        outputs: &[Made<'_>],
    ) -> &mut Item {
        let mut balance: BTreeMap<u32, i128> = BTreeMap::new();
        let inputs: Vec<TransformInput> =
            inputs.iter().map(|(lot, grams)| self.take(author, lot, *grams, &mut balance)).collect();
        let outputs: Vec<TransformOutput> = outputs
            .iter()
            .map(|made| {
                let lot = Self::new_lot(made, facility, "");
                weigh(&mut balance, made.grams * 1_000, &made.composition, -1);
                self.shelve(author, &lot);
                TransformOutput { lot: Some(lot), role: made.role as i32 }
            })
            .collect();
        let losses = losses(author, &balance);
        let event = Transform {
            process: process as i32,
            facility: facility.to_owned(),
            inputs,
            outputs,
            losses,
            ..Transform::default()
        };
        self.tell(author, Event::Transform(event))
    }

    fn take(
        &mut self,
        author: &str,
        lot: &str,
        grams: u64,
        balance: &mut BTreeMap<u32, i128>,
    ) -> TransformInput {
        let stock = self.shelf.get_mut(lot).unwrap_or_else(|| panic!("{lot} is on the shelf"));
        assert_eq!(stock.holder, author, "{lot} is held by its user");
        let dry_mg = if grams == 0 { stock.dry_mg } else { grams * 1_000 };
        stock.dry_mg = stock.dry_mg.checked_sub(dry_mg).unwrap_or_else(|| panic!("{lot} holds {dry_mg} mg"));
        weigh(balance, dry_mg, &stock.composition, 1);
        let mass = Mass { dry_mg, basis: MassBasis::Dry as i32, unit: "KGM".to_owned(), ..Mass::default() };
        TransformInput { lot: Some(Self::lot(lot)), mass: Some(mass), composition: None }
    }

    /// Offers lots as they stand, dry.
    pub(crate) fn ship(
        &mut self,
        lots: &[&str],
        to: &str,
        purpose: ShipPurpose,
        from: &str,
        label: &str,
    ) -> &mut Item {
        let author = self.shelf[lots[0]].holder.clone();
        let shipped = lots
            .iter()
            .map(|lot| ShippedLot {
                lot: Some(Self::lot(lot)),
                mass: Some(Mass { dry_mg: self.shelf[*lot].dry_mg, ..dry(0) }),
                seals: Vec::new(),
            })
            .collect();
        let event = Ship {
            lots: shipped,
            receiver: to.to_owned(),
            transfer: TransferKind::CustodyAndOwnership as i32,
            purpose: purpose as i32,
            mode: TransportMode::Sea as i32,
            from_facility: from.to_owned(),
            ..Ship::default()
        };
        self.days(1);
        let item = self.tell(&author, Event::Ship(event));
        label.clone_into(&mut item.label);
        item
    }

    /// The receiver takes what was offered, all of it.
    pub(crate) fn accept(&mut self, author: &str, lots: &[&str], facility: &str) -> &mut Item {
        let mass = |stock: &Stock| Mass { dry_mg: stock.dry_mg, ..dry(0) };
        let masses: Vec<Mass> = lots.iter().map(|lot| mass(&self.shelf[*lot])).collect();
        self.accept_weighed(author, lots, masses, facility)
    }

    /// The receiver takes what was offered, by its own scale.
    pub(crate) fn accept_weighed(
        &mut self,
        author: &str,
        lots: &[&str],
        masses: Vec<Mass>,
        facility: &str,
    ) -> &mut Item {
        let mut accepted = Vec::new();
        for (lot, mass) in lots.iter().zip(masses) {
            let stock = self.shelf.get_mut(*lot).unwrap_or_else(|| panic!("{lot} is on the shelf"));
            author.clone_into(&mut stock.holder);
            stock.dry_mg = stock.dry_mg.min(mass.dry_mg);
            accepted.push(AcceptedLot {
                lot: Some(Self::lot(lot)),
                mass: Some(mass),
                seals: v1::SealState::Intact as i32,
            });
        }
        self.days(6);
        let event = Accept { offer: Vec::new(), lots: accepted, facility: facility.to_owned() };
        self.tell(author, Event::Accept(event))
    }

    /// Ship and accept, the usual pair.
    pub(crate) fn hand_over(&mut self, lots: &[&str], from: &str, to: &str, at: &str) {
        self.ship(lots, to, ShipPurpose::Sale, from, "");
        self.accept(to, lots, at);
    }

    /// The laboratory confirms what was declared, by measurement.
    pub(crate) fn assay(&mut self, lot: &str, method: &str) -> &mut Item {
        self.days(2);
        let stock = self.shelf.get_mut(lot).unwrap_or_else(|| panic!("{lot} is on the shelf"));
        let mut composition = stock.composition.clone();
        method.clone_into(&mut composition.method);
        composition.laboratory = "lab-gb".to_owned();
        composition.stage = AssayStage::Final as i32;
        for content in &mut composition.contents {
            content.kind = ContentKind::Measured as i32;
        }
        stock.composition.clone_from(&composition);
        let number = lot.rsplit('/').next().unwrap_or_default();
        let event = Assay {
            lot: Some(Self::lot(lot)),
            composition: Some(composition),
            sample: format!("S-{number}"),
            matrix: "bulk".to_owned(),
            ..Assay::default()
        };
        self.tell("lab-gb", Event::Assay(event))
    }

    /// An item's net mass falls to this many grams.
    pub(crate) fn use_item(&mut self, item: &str, grams: u64, facility: &str) {
        self.days(9);
        let stock = self.shelf.get_mut(item).unwrap_or_else(|| panic!("{item} is on the shelf"));
        assert!(grams * 1_000 < stock.dry_mg, "{item} only gets lighter");
        stock.dry_mg = grams * 1_000;
        let author = stock.holder.clone();
        let event = v1::Use {
            item: Some(Self::lot(item)),
            net_mass: Some(dry(grams)),
            facility: facility.to_owned(),
        };
        self.tell(&author, Event::Use(event));
    }

    /// A record that points at an earlier one by its label.
    pub(crate) fn tell_about(
        &mut self,
        author: &str,
        event: Event,
        field: IdField,
        label: &str,
    ) -> &mut Item {
        let item = self.tell(author, event);
        item.links.push((field, label.to_owned()));
        item
    }

    /// Forgets a lot whose record is withdrawn.
    pub(crate) fn forget(&mut self, lot: &str) {
        self.shelf.remove(lot);
    }
}

/// Adds what a mass contains to the balance, in billionths of a milligram.
fn weigh(balance: &mut BTreeMap<u32, i128>, dry_mg: u64, composition: &Composition, sign: i128) {
    for element in content::elements_of(composition).expect("a test checks every composition") {
        let nano_mg = content::contained_nano_mg(dry_mg, element.ppb) as i128;
        *balance.entry(u32::from(element.element)).or_default() += sign * nano_mg;
    }
}

fn losses(author: &str, balance: &BTreeMap<u32, i128>) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (element, nano_mg) in balance {
        assert!(
            *nano_mg >= 0,
            "{author} makes {} mg of element {element} out of nothing",
            -nano_mg / 1_000_000_000
        );
        let mg = (nano_mg / 1_000_000_000) as u64;
        if mg > 0 {
            losses.push(Loss { element: *element, mg, reason: "fume, effluent, weighing".to_owned() });
        }
    }
    losses
}
