//! Records in plain words, one line each.

use ore_record::{
    SignedRecord,
    v1::{LotRef, Mass, Record, SealState, record::Event},
};

use crate::{
    locale::{fill, mass},
    words::Words,
};

/// What a record says, for a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) time_ms: u64,
    pub(crate) author: String,
    pub(crate) event: &'static str,
    pub(crate) text: String,
    /// Lots that it names, the first ten.
    pub(crate) lots: Vec<String>,
    /// Its id, in bytes.
    pub(crate) id: Vec<u8>,
    pub(crate) is_seal: bool,
}

/// Tells an entry of the log.
pub(crate) fn tell(t: &'static Words, entry: &[u8]) -> Told {
    let Ok(signed) = SignedRecord::decode(entry) else {
        return Told { event: t.unreadable, ..Told::default() };
    };
    let record = signed.record();
    let (event, text) = record.event.as_ref().map_or((t.unreadable, String::new()), |event| words(t, event));
    let text = if record.note.is_empty() { text } else { format!("{text} ({})", record.note) };
    Told {
        time_ms: record.event_time_ms,
        author: record.author.clone(),
        event,
        text,
        lots: lots(record),
        id: signed.id().as_bytes().to_vec(),
        is_seal: signed.is_seal(),
    }
}

fn name(lot: Option<&LotRef>) -> String {
    lot.map_or_else(String::new, |lot| lot.lot.clone())
}

fn dry(of: Option<&Mass>) -> String {
    of.map_or_else(String::new, |of| mass(of.dry_mg))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [] => String::new(),
        few if few.len() <= 4 => few.join(", "),
        many => format!("{} + {}", many[..3].join(", "), many.len() - 3),
    }
}

/// The event's name, and what happened.
fn words(t: &'static Words, event: &Event) -> (&'static str, String) {
    match event {
        Event::Commission(it) => {
            let lot = it.lot.clone().unwrap_or_default();
            (t.event_commission, format!("{} {} {}", lot.lot, dry(lot.mass.as_ref()), lot.form))
        }
        Event::Transform(it) => {
            let inputs = it.inputs.iter().filter_map(|input| Some(input.lot.as_ref()?.lot.as_str()));
            let outputs = it.outputs.iter().filter_map(|output| Some(output.lot.as_ref()?.lot.as_str()));
            (process(t, it.process()), format!("{} → {}", list(inputs), list(outputs)))
        }
        Event::Ship(it) => {
            let lots = list(it.lots.iter().filter_map(|lot| Some(lot.lot.as_ref()?.lot.as_str())));
            (t.event_ship, fill(t.told_ship, &[&lots, &it.receiver]))
        }
        Event::Accept(it) => {
            let lots = it.lots.iter().map(|lot| {
                let seals = if lot.seals() == SealState::Different || lot.seals() == SealState::Broken {
                    " !"
                } else {
                    ""
                };
                format!("{} {}{seals}", name(lot.lot.as_ref()), dry(lot.mass.as_ref()))
            });
            let lots: Vec<String> = lots.take(5).collect();
            (t.event_accept, fill(t.told_accept, &[&lots.join(", "), &it.facility]))
        }
        Event::Decline(it) => (t.event_decline, it.reason.clone()),
        Event::CancelShipment(it) => (t.event_cancel, it.reason.clone()),
        Event::Assay(it) => {
            let method = it.composition.as_ref().map_or("", |it| it.method.as_str());
            let contents = it.composition.iter().flat_map(|it| &it.contents);
            let contents = contents.map(|content| {
                format!(
                    "{} {}",
                    super::pages::parts::symbol(content.element),
                    crate::locale::grade(content.ppb)
                )
            });
            let contents: Vec<String> = contents.take(6).collect();
            (t.event_assay, format!("{} {method} {}", name(it.lot.as_ref()), contents.join(", ")))
        }
        Event::ReferencePart(it) => {
            (t.event_reference, format!("{} · {} · {}", it.library, it.origin, it.matrix))
        }
        Event::PublishLibrary(it) => (t.event_library, format!("{} v{}", it.library, it.version)),
        Event::ClaimOrigin(it) => (t.event_origin, format!("{} · {}", it.lot, it.origin)),
        Event::Seal(it) => (t.event_seal, format!("{} {}", name(it.lot.as_ref()), it.seal)),
        Event::Use(it) => {
            (t.event_use, fill(t.told_use, &[&name(it.item.as_ref()), &dry(it.net_mass.as_ref())]))
        }
        Event::Stocktake(it) => (t.event_stocktake, it.facility.clone()),
        Event::Hold(it) => (t.event_hold, format!("{} {}", name(it.lot.as_ref()), it.reason)),
        Event::Release(it) => (t.event_release, format!("{} {}", name(it.lot.as_ref()), it.reason)),
        Event::Recall(it) => (t.event_recall, format!("{} {}", name(it.lot.as_ref()), it.reason)),
        Event::Dispose(it) => {
            (t.event_dispose, format!("{} {} {}", name(it.lot.as_ref()), dry(it.mass.as_ref()), it.reason))
        }
        Event::Footprint(it) => (t.event_footprint, name(it.lot.as_ref())),
        Event::Withdraw(it) => (t.event_withdraw, it.explanation.clone()),
        Event::Erased(it) => (t.event_erased, it.reason.clone()),
        Event::CreditDeposit(it) => (t.event_credit_deposit, name(it.lot.as_ref())),
        Event::CreditClaim(it) => (t.event_credit_claim, name(it.lot.as_ref())),
        Event::AdmitMember(it) => (
            t.event_admit,
            it.member
                .as_ref()
                .map_or_else(String::new, |member| format!("{} ({})", member.id, member.legal_name)),
        ),
        Event::ChangeRoles(it) => (t.event_roles, it.member.clone()),
        Event::AddKey(_) => (t.event_add_key, String::new()),
        Event::RevokeKey(it) => (t.event_revoke_key, it.reason.clone()),
        Event::RegisterFacility(it) => (
            t.event_facility,
            it.facility.as_ref().map_or_else(String::new, |it| format!("{} ({})", it.id, it.name)),
        ),
        Event::Attest(it) => (
            t.event_attest,
            it.attestation.as_ref().map_or_else(String::new, |it| format!("{} → {}", it.id, it.subject)),
        ),
        Event::ChangeAttestation(it) => (t.event_attestation, format!("{} {}", it.attestation, it.reason)),
        Event::SetProfile(it) => (
            t.event_profile,
            it.profile.as_ref().map_or_else(String::new, |it| format!("{} v{}", it.name, it.version)),
        ),
        Event::ChangeValidators(_) => (t.event_validators, String::new()),
        Event::Approve(it) => (t.event_approve, crate::locale::short(&it.proposal)),
        Event::BlockSeal(it) => {
            (t.event_seal_block, fill(t.told_block, &[&it.height.to_string(), &it.records.to_string()]))
        }
    }
}

/// What people call a process.
pub(crate) fn process(t: &'static Words, process: ore_record::v1::Process) -> &'static str {
    use ore_record::v1::Process;
    match process {
        Process::Unspecified => t.event_transform,
        Process::Crushing => t.process_crushing,
        Process::Concentrating => t.process_concentrating,
        Process::Smelting => t.process_smelting,
        Process::Refining => t.process_refining,
        Process::Reduction => t.process_reduction,
        Process::Blending => t.process_blending,
        Process::Splitting => t.process_splitting,
        Process::Sintering => t.process_sintering,
        Process::Bonding => t.process_bonding,
        Process::Machining => t.process_machining,
        Process::Assembling => t.process_assembling,
        Process::Recycling => t.process_recycling,
    }
}

/// Lots that a record names.
fn lots(record: &Record) -> Vec<String> {
    let mut lots: Vec<String> = match &record.event {
        Some(Event::Commission(it)) => it.lot.iter().map(|lot| lot.lot.clone()).collect(),
        Some(Event::Transform(it)) => {
            let inputs = it.inputs.iter().map(|input| name(input.lot.as_ref()));
            inputs.chain(it.outputs.iter().filter_map(|it| Some(it.lot.as_ref()?.lot.clone()))).collect()
        }
        Some(Event::Ship(it)) => it.lots.iter().map(|lot| name(lot.lot.as_ref())).collect(),
        Some(Event::Accept(it)) => it.lots.iter().map(|lot| name(lot.lot.as_ref())).collect(),
        Some(Event::Decline(it)) => it.lots.iter().map(|lot| lot.lot.clone()).collect(),
        Some(Event::CancelShipment(it)) => it.lots.iter().map(|lot| lot.lot.clone()).collect(),
        Some(Event::Assay(it)) => vec![name(it.lot.as_ref())],
        Some(Event::ClaimOrigin(it)) => vec![it.lot.clone()],
        Some(Event::Seal(it)) => vec![name(it.lot.as_ref())],
        Some(Event::Use(it)) => vec![name(it.item.as_ref())],
        Some(Event::Hold(it)) => vec![name(it.lot.as_ref())],
        Some(Event::Release(it)) => vec![name(it.lot.as_ref())],
        Some(Event::Recall(it)) => vec![name(it.lot.as_ref())],
        Some(Event::Dispose(it)) => vec![name(it.lot.as_ref())],
        Some(Event::Footprint(it)) => vec![name(it.lot.as_ref())],
        _ => Vec::new(),
    };
    lots.truncate(10);
    lots
}
