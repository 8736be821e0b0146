//! The tantalum loop of the worked cases, as facts: powder of two mines (case P02), a target that is made of it and of
//! powder recycled from a spent target (case P06).

use ore_record::{
    RecordId,
    v1::{
        ClaimedShare, CustodyModel, Facility, FacilityKind, Identifier, Mass, MassBasis, MaterialClass,
        Member, NewLot, OriginKind, Role, Route,
    },
};
use ore_untp::{
    passport::{Element, Facts, Issue, Link},
    place::Place,
};

pub(crate) const WHOLE: u64 = 1_000_000_000_000_000_000;
/// 6 August 2026.
pub(crate) const ISSUED_MS: u64 = 1_785_974_400_000;

/// Everything that facts borrow.
pub(crate) struct World {
    pub(crate) place: Place,
    pub(crate) maker: Member,
    pub(crate) owner: Member,
    pub(crate) plant: Facility,
    pub(crate) lot: NewLot,
}

impl World {
    pub(crate) fn new() -> Self {
        let member = |id: &str, name: &str, country: &str, gln: &str| Member {
            id: id.to_owned(),
            legal_name: name.to_owned(),
            country: country.to_owned(),
            identifiers: vec![Identifier { scheme: "GLN".to_owned(), value: gln.to_owned() }],
            roles: vec![Role::Manufacturer.into()],
        };
        Self {
            place: Place::parse("https://ledger.example.com").expect("an address"),
            maker: member("target-maker", "Sample Target Maker K.K.", "JP", "9521234000143"),
            owner: member("fab", "Sample Fab", "TW", "9521234000150"),
            plant: Facility {
                id: "target-maker/plant".to_owned(),
                name: "Sample target plant".to_owned(),
                kind: FacilityKind::TargetPlant.into(),
                latitude_e7: 356_895_000,
                longitude_e7: 1_396_917_000,
                country: "JP".to_owned(),
                reference: "9521234000143".to_owned(),
                ..Facility::default()
            },
            lot: NewLot {
                lot: "target-maker/TG-000002".to_owned(),
                material: MaterialClass::SputteringTarget.into(),
                form: "tantalum sputtering target".to_owned(),
                hs_code: "810399".to_owned(),
                mass: Some(Mass {
                    dry_mg: 10_000_000,
                    basis: MassBasis::Dry.into(),
                    unit: "KGM".to_owned(),
                    ..Mass::default()
                }),
                facility: "target-maker/plant".to_owned(),
                model: CustodyModel::ControlledBlending.into(),
                serial: "TG-000002".to_owned(),
                ..NewLot::default()
            },
        }
    }

    pub(crate) fn facts(&self, elements: Vec<Element>) -> Facts<'_> {
        Facts {
            issue: self.issue(),
            origin: "ledger.example.com/tantalum",
            tree_size: 300,
            lot: &self.lot,
            mass_mg: 10_000_000,
            maker: &self.maker,
            owner: &self.owner,
            facility: &self.plant,
            made_ms: ISSUED_MS - 86_400_000,
            made_by: RecordId::from_bytes([0x11; 32]),
            made_at: 42,
            elements,
            evidence: vec![Link::to_bytes(
                self.place.receipt(&"11".repeat(32)),
                "Receipt",
                "text/plain",
                b"receipt",
            )],
            by_source: false,
        }
    }

    pub(crate) fn issue(&self) -> Issue<'_> {
        Issue {
            place: &self.place,
            issuer: &self.maker,
            from_ms: ISSUED_MS,
            until_ms: ISSUED_MS + 365 * 86_400_000,
        }
    }
}

/// A share that is certain.
pub(crate) fn share(source: &str, country: &str, route: Route, generation: u32, value: u64) -> ClaimedShare {
    ClaimedShare {
        kind: OriginKind::Mine.into(),
        source: source.to_owned(),
        country: country.to_owned(),
        route: route.into(),
        generation,
        value,
        lower: value,
        upper: value,
    }
}

/// The shares of the loop: 6.3 kg of recycled and 6.2 kg of primary powder, each 92/131 from mine A and 39/131 from B.
pub(crate) fn loop_shares() -> Vec<ClaimedShare> {
    // Exact fractions in units of 10^-18, rounded down; the last takes what is left.
    let part = |weight: u64, of: u64| u128::from(WHOLE) * u128::from(weight) * u128::from(of) / (1_000 * 131);
    let [a0, b0, a1] = [part(496, 92), part(496, 39), part(504, 92)].map(|part| part as u64);
    vec![
        share("mine-a/pit", "RW", Route::Primary, 0, a0),
        share("mine-b/pit", "BR", Route::Primary, 0, b0),
        share("mine-a/pit", "RW", Route::PostConsumer, 1, a1),
        share("mine-b/pit", "BR", Route::PostConsumer, 1, WHOLE - a0 - b0 - a1),
    ]
}

/// Pure tantalum from the loop.
pub(crate) fn tantalum() -> Element {
    Element { number: 73, ppb: 1_000_000_000, uncertainty_ppb: 0, shares: loop_shares() }
}
