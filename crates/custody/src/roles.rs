//! Roles allow events: the whole table (rule A4). What is not here is open to every member.

use ore_record::v1::{Process, Role, record::Event};

use Role::{
    Auditor, Authority, Carrier, Certifier, Concentrator, Laboratory, Manufacturer, Miner, Recycler, Refiner,
    Trader,
};

/// Who can hold lots at all.
const HOLDERS: &[Role] = &[Miner, Trader, Concentrator, Refiner, Manufacturer, Recycler, Laboratory, Carrier];
/// Who works material.
const WORKERS: &[Role] = &[Miner, Concentrator, Refiner, Manufacturer, Recycler];
/// Who can state how things are with a lot that is not theirs.
const OVERSEERS: &[Role] = &[Certifier, Auditor, Authority];

/// Roles of which one is needed; nothing: any member may.
pub(crate) fn allowed(event: &Event) -> &'static [Role] {
    match event {
        Event::Commission(event) => match event.kind() {
            ore_record::v1::CommissionKind::Extracted => &[Miner],
            _ => &[Miner, Trader, Concentrator, Refiner, Manufacturer, Recycler],
        },
        Event::Transform(event) => by_process(event.process()),
        Event::Ship(_) | Event::Accept(_) | Event::Decline(_) | Event::CancelShipment(_) => HOLDERS,
        Event::Assay(_) => {
            &[Miner, Trader, Concentrator, Refiner, Manufacturer, Recycler, Laboratory, Auditor, Authority]
        }
        Event::Use(_) => &[Manufacturer, Refiner, Recycler],
        Event::Stocktake(_) | Event::Dispose(_) => HOLDERS,
        Event::Footprint(_) | Event::CreditDeposit(_) | Event::CreditClaim(_) => {
            &[Miner, Trader, Concentrator, Refiner, Manufacturer, Recycler]
        }
        Event::Attest(_) | Event::ChangeAttestation(_) => &[Certifier, Authority, Laboratory],
        // Who may hold, release, recall or seal a lot that it does not have is asked beside the lot.
        _ => &[],
    }
}

fn by_process(process: Process) -> &'static [Role] {
    match process {
        Process::Unspecified => &[],
        Process::Blending | Process::Splitting => {
            &[Miner, Trader, Concentrator, Refiner, Manufacturer, Recycler]
        }
        Process::Crushing | Process::Concentrating => WORKERS,
        Process::Smelting | Process::Refining | Process::Reduction => {
            &[Concentrator, Refiner, Manufacturer, Recycler]
        }
        Process::Sintering | Process::Bonding | Process::Machining | Process::Assembling => {
            &[Refiner, Manufacturer, Recycler]
        }
        Process::Recycling => &[Concentrator, Refiner, Manufacturer, Recycler],
    }
}

/// Who may put a lot on hold, or seal it, that it neither has nor owns.
pub(crate) const MAY_HOLD: &[Role] = OVERSEERS;
/// Who may release what another has put on hold or called back.
pub(crate) const MAY_RELEASE: &[Role] = &[Authority];
/// Who may call a lot back that it neither made, has nor owns.
pub(crate) const MAY_RECALL: &[Role] = &[Authority];

/// The name people use.
pub(crate) const fn name(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "no role",
        Miner => "miner",
        Trader => "trader",
        Concentrator => "concentrator",
        Refiner => "refiner",
        Manufacturer => "manufacturer",
        Recycler => "recycler",
        Laboratory => "laboratory",
        Carrier => "carrier",
        Certifier => "certifier",
        Auditor => "auditor",
        Authority => "authority",
    }
}
