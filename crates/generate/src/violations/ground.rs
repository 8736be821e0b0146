//! Mines, masses and books.

use ore_record::v1::{self, AttestationKind, CommissionKind, MaterialClass, Process, StockLine, Stocktake};

use super::{Breaker, ESTONIA, PIT, PLANT, WORKS, lot, ppb, tag};
use crate::teller::{DAY_MS, START_MS, TA, acceptance, shipment};

impl Breaker<'_, '_> {
    /// O2, O3, O5, O8, O11, O12, A6, G1, M12.
    pub(super) fn mines(&mut self) {
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
    pub(super) fn masses(&mut self) {
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
    pub(super) fn books(&mut self) {
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
}
