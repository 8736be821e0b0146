//! Assays and trace patterns.

use ore_fingerprint::{
    ledger::trace_values,
    library::Reference,
    synthetic::{self, Place, SHIPPED, SHIPPED_SEED},
};
use ore_record::{
    assay::{commit, reveal},
    draft,
    v1::{self, AssayStage, Process},
};

use super::{Breaker, PIT, WORKS};
use crate::teller::{DAY_MS, Stock, TA, acceptance, shipment};

impl Breaker<'_, '_> {
    /// C9 and C11.
    pub(super) fn assays(&mut self) {
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
    pub(super) fn origins(&mut self) {
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
