//! Telling a story: masses, contents, times and names of records.

use ore_record::{
    draft,
    v1::{self, CustodyModel, MaterialClass, record::Event},
};

use crate::Dice;

/// What a member states.
#[derive(Clone, Debug)]
pub struct Said {
    /// Who.
    pub author: String,
    /// When, milliseconds since 1970. Never before what was said before.
    pub event_time_ms: u64,
    /// What. Heads of lots are empty: the sink knows them.
    pub event: Event,
    /// Documents it names.
    pub documents: Vec<v1::Document>,
    /// The withdrawn record that it replaces, or empty.
    pub corrects: Vec<u8>,
    /// Signed so that only the cofactored rule accepts it.
    pub crafted: bool,
}

/// Who keeps the records.
pub trait Sink {
    /// Keeps a record and returns its id.
    fn put(&mut self, said: Said) -> [u8; 32];

    /// Lets time pass to a moment: a block with nothing in it.
    fn pass(&mut self, time_ms: u64);
}

/// A record that breaks a rule on purpose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Id of the rule.
    pub rule: &'static str,
    /// RecordId.
    pub record: [u8; 32],
}

/// 2020-01-01T00:00:00Z: every story begins here.
pub(crate) const START_MS: u64 = 1_577_836_800_000;
pub(crate) const DAY_MS: u64 = 86_400_000;
pub(crate) const TA: u32 = 73;
pub(crate) const NB: u32 = 41;

/// Composes records for a sink.
pub struct Teller<'s> {
    sink: &'s mut dyn Sink,
    pub(crate) dice: Dice,
    pub(crate) now_ms: u64,
    numbers: u64,
}

/// A lot as the story knows it.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    pub(crate) lot: String,
    pub(crate) dry_mg: u64,
    pub(crate) ta_ppb: u32,
    pub(crate) nb_ppb: u32,
    /// Share of its tantalum by country of the mines, of 2^60.
    pub(crate) shares: [u64; crate::cast::MINES.len()],
}

impl Stock {
    pub(crate) fn ta_pg(&self) -> u128 {
        u128::from(self.dry_mg) * u128::from(self.ta_ppb)
    }

    pub(crate) fn nb_pg(&self) -> u128 {
        u128::from(self.dry_mg) * u128::from(self.nb_ppb)
    }
}

impl<'s> Teller<'s> {
    /// A story for a sink.
    pub fn new(sink: &'s mut dyn Sink, seed: u64) -> Self {
        Self { sink, dice: Dice::new(seed), now_ms: START_MS, numbers: 0 }
    }

    /// Time of the newest record, milliseconds since 1970.
    #[must_use]
    pub const fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.sink.pass(self.now_ms);
    }

    pub(crate) fn say(&mut self, author: &str, event: impl Into<Event>) -> [u8; 32] {
        self.say_with(author, event, |_| ())
    }

    /// One second later than the record before, unless `change` says otherwise.
    pub(crate) fn say_with(
        &mut self,
        author: &str,
        event: impl Into<Event>,
        change: impl FnOnce(&mut Said),
    ) -> [u8; 32] {
        self.now_ms += 1_000;
        let mut said = Said {
            author: author.to_owned(),
            event_time_ms: self.now_ms,
            event: event.into(),
            documents: Vec::new(),
            corrects: Vec::new(),
            crafted: false,
        };
        change(&mut said);
        self.sink.put(said)
    }

    /// A number nobody had before.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A new lot of tantalum and niobium.
    pub(crate) fn lot(
        &mut self,
        owner: &str,
        place: &str,
        stock: &Stock,
        material: MaterialClass,
    ) -> v1::NewLot {
        let content = |element: u32, ppb: u32| v1::Content {
            element,
            ppb,
            kind: v1::ContentKind::Measured.into(),
            ..v1::Content::default()
        };
        let mut contents = Vec::new();
        if stock.nb_ppb > 0 {
            contents.push(content(NB, stock.nb_ppb));
        }
        if stock.ta_ppb > 0 {
            contents.push(content(TA, stock.ta_ppb));
        }
        debug_assert!(stock.lot.starts_with(owner));
        v1::NewLot {
            lot: stock.lot.clone(),
            material: material.into(),
            form: "made up".to_owned(),
            mass: Some(dry(stock.dry_mg)),
            composition: Some(v1::Composition {
                contents,
                method: "XRF".to_owned(),
                ..v1::Composition::default()
            }),
            facility: place.to_owned(),
            model: CustodyModel::ControlledBlending.into(),
            ..v1::NewLot::default()
        }
    }
}

pub(crate) fn dry(dry_mg: u64) -> v1::Mass {
    v1::Mass { dry_mg, basis: v1::MassBasis::Dry.into(), unit: "MGM".to_owned(), ..v1::Mass::default() }
}

pub(crate) fn input(lot: &str, dry_mg: u64) -> v1::TransformInput {
    v1::TransformInput { lot: Some(draft::lot(lot)), mass: Some(dry(dry_mg)), composition: None }
}

pub(crate) fn output(lot: v1::NewLot, role: v1::OutputRole) -> v1::TransformOutput {
    v1::TransformOutput { lot: Some(lot), role: role.into() }
}

pub(crate) fn shipment(lots: &[(&str, u64)], from: &str, to: (&str, &str)) -> v1::Ship {
    let shipped = |(lot, dry_mg): &(&str, u64)| v1::ShippedLot {
        lot: Some(draft::lot(lot)),
        mass: Some(dry(*dry_mg)),
        seals: Vec::new(),
    };
    v1::Ship {
        lots: lots.iter().map(shipped).collect(),
        receiver: to.0.to_owned(),
        transfer: v1::TransferKind::CustodyAndOwnership.into(),
        purpose: v1::ShipPurpose::Sale.into(),
        mode: v1::TransportMode::Sea.into(),
        from_facility: from.to_owned(),
        to_facility: to.1.to_owned(),
        ..v1::Ship::default()
    }
}

pub(crate) fn acceptance(offer: [u8; 32], lots: &[(&str, u64)], place: &str) -> v1::Accept {
    let accepted = |(lot, dry_mg): &(&str, u64)| v1::AcceptedLot {
        lot: Some(draft::lot(lot)),
        mass: Some(dry(*dry_mg)),
        seals: v1::SealState::Intact.into(),
    };
    v1::Accept {
        offer: offer.to_vec(),
        lots: lots.iter().map(accepted).collect(),
        facility: place.to_owned(),
    }
}
