//! Journeys and claims, and what only the end of the story shows.

use ore_record::v1::{
    self, AttestationKind, CommissionKind, CustodyModel, MaterialClass, OutputRole, Process, SealState,
};

use super::{ANNEX, Breaker, PIT, WORKS, lot, piece};
use crate::teller::{DAY_MS, Stock, acceptance, input, output, shipment};

impl Breaker<'_, '_> {
    /// O4, O6, O14, T1, T2, T3, T4, T7.
    pub(super) fn journeys(&mut self) {
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
    pub(super) fn claims(&mut self) {
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

    /// S1, and T5, which time alone makes.
    pub(super) fn last(&mut self) {
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
