//! May this record enter? The order of the questions, and which file answers each.

use ore_record::{VerifiedRecord, v1::record::Event};

use crate::{
    change::Change,
    desk::{Desk, Position, Records},
    lot::NONE,
    rejection::{Reason, Rejection, Rule, Verdict, refuse},
    roles,
    rules::{
        author, commission, credits, governance, handover, observations, reference, status, transform,
        withdraw,
    },
    state::Custody,
};

impl Custody {
    /// Judges one record at one position. Pure: the same state, record and position give the same answer everywhere.
    ///
    /// `log` must give every record before `at.leaf_index`, those of the same block included.
    ///
    /// # Errors
    /// [`Rejection`]: the first rule that refuses, with the numbers and the next step.
    #[allow(clippy::result_large_err, reason = "a change is larger, and a refusal is rare")]
    pub fn decide(
        &self,
        record: &VerifiedRecord,
        at: &Position,
        log: &dyn Records,
    ) -> Result<Change, Rejection> {
        self.judge(record, *at, log).map_err(|refusal| *refusal)
    }

    fn judge(&self, verified: &VerifiedRecord, at: Position, log: &dyn Records) -> Verdict<Change> {
        let leaf = self.records.len() as u32;
        debug_assert_eq!(at.leaf_index, u64::from(leaf), "a record is judged for the next leaf");
        if leaf >= NONE - 1 {
            return Err(refuse(
                Rule::A6,
                Reason::BadValue,
                "the ledger has as many records as this version can number",
                "start a ledger with a new origin",
            ));
        }
        let mut desk = Desk::new(self, verified.record(), at, leaf, log);
        author::check_ledger(&desk)?;
        author::check_duplicate(&desk, &verified.id())?;
        author::check_envelope(&desk)?;
        author::check_author(&mut desk)?;
        author::check_time(&desk)?;
        desk.must_have_role(roles::allowed(verified.event()))?;
        withdraw::check_corrects(&mut desk)?;
        judge_event(&mut desk, verified.event())?;
        let Desk { writes, effects, .. } = desk;
        Ok(Change { leaf, id: verified.id(), first_lot: self.lots.len() as u32, writes, effects })
    }
}

fn judge_event(desk: &mut Desk<'_>, event: &Event) -> Verdict<()> {
    match event {
        Event::Commission(event) => commission::judge(desk, event),
        Event::Transform(event) => transform::judge(desk, event),
        Event::Ship(event) => handover::ship(desk, event),
        Event::Accept(event) => handover::accept(desk, event),
        Event::Decline(event) => handover::decline(desk, event),
        Event::CancelShipment(event) => handover::cancel(desk, event),
        Event::Assay(event) => observations::assay(desk, event),
        Event::Seal(event) => observations::seal(desk, event),
        Event::Use(event) => observations::use_item(desk, event),
        Event::Stocktake(event) => observations::stocktake(desk, event),
        Event::Footprint(event) => observations::footprint(desk, event),
        Event::Hold(event) => status::hold(desk, event),
        Event::Release(event) => status::release(desk, event),
        Event::Recall(event) => status::recall(desk, event),
        Event::Dispose(event) => status::dispose(desk, event),
        Event::Withdraw(event) => withdraw::judge(desk, event),
        Event::Erased(event) => withdraw::erased(desk, event),
        Event::CreditDeposit(event) => credits::deposit(desk, event),
        Event::CreditClaim(event) => credits::claim(desk, event),
        Event::ReferencePart(event) => reference::part(desk, event),
        Event::PublishLibrary(event) => reference::publish(desk, event),
        Event::ClaimOrigin(event) => reference::claim(desk, event),
        Event::AdmitMember(_) | Event::ChangeRoles(_) | Event::SetProfile(_) | Event::ChangeValidators(_) => {
            governance::propose(desk, event)
        }
        Event::Approve(event) => governance::approve(desk, event),
        Event::AddKey(event) => governance::add_key(desk, event),
        Event::RevokeKey(event) => governance::revoke_key(desk, event),
        Event::RegisterFacility(event) => governance::register_facility(desk, event),
        Event::Attest(event) => governance::attest(desk, event),
        Event::ChangeAttestation(event) => governance::change_attestation(desk, event),
        Event::BlockSeal(_) => Err(refuse(
            Rule::A4,
            Reason::RoleNotAllowed,
            "a block seal is written by the ledger, not submitted",
            "submit the statement itself",
        )),
    }
}
