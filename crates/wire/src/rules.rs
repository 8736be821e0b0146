//! From a refusal by the custody rules to the proto's.

use ore_custody::{Reason, Rejection, Subject};

use crate::v1;

impl From<&Rejection> for v1::Rejection {
    fn from(rejection: &Rejection) -> Self {
        Self {
            rule: rejection.rule.to_string(),
            reason: reason(rejection.reason).into(),
            message: rejection.message.clone(),
            next_step: rejection.next_step.clone(),
            subject: match &rejection.subject {
                Subject::Whole => String::new(),
                Subject::Lot(id) | Subject::Named(id) => id.to_string(),
                Subject::Record(id) => id.to_string(),
            },
            newest_head: rejection.newest_head.map(|id| id.as_bytes().to_vec().into()).unwrap_or_default(),
            dependents: rejection.dependents.iter().map(|id| id.as_bytes().to_vec().into()).collect(),
        }
    }
}

/// One to one: a new reason does not compile until the proto names it.
const fn reason(reason: Reason) -> v1::RejectionReason {
    match reason {
        Reason::UnknownMember => v1::RejectionReason::UnknownMember,
        Reason::KeyNotValid => v1::RejectionReason::KeyNotValid,
        Reason::StaleHead => v1::RejectionReason::StaleHead,
        Reason::WrongLedger => v1::RejectionReason::WrongLedger,
        Reason::UnknownLot => v1::RejectionReason::UnknownLot,
        Reason::UnknownRecord => v1::RejectionReason::UnknownRecord,
        Reason::AlreadyExists => v1::RejectionReason::AlreadyExists,
        Reason::EventTimeInFuture => v1::RejectionReason::EventTimeInFuture,
        Reason::NotCustodian => v1::RejectionReason::NotCustodian,
        Reason::NotReceiver => v1::RejectionReason::NotReceiver,
        Reason::RoleNotAllowed => v1::RejectionReason::RoleNotAllowed,
        Reason::NotAuthor => v1::RejectionReason::NotAuthor,
        Reason::LotReserved => v1::RejectionReason::LotReserved,
        Reason::LotNotActive => v1::RejectionReason::LotNotActive,
        Reason::OfferClosed => v1::RejectionReason::OfferClosed,
        Reason::DependentsStand => v1::RejectionReason::DependentsStand,
        Reason::UnknownFacility => v1::RejectionReason::UnknownFacility,
        Reason::BadQuantity => v1::RejectionReason::BadQuantity,
        Reason::BadValue => v1::RejectionReason::BadValue,
        Reason::NotEnoughMass => v1::RejectionReason::NotEnoughMass,
        Reason::MetalGain => v1::RejectionReason::MetalGain,
        Reason::Moisture => v1::RejectionReason::Moisture,
        Reason::CompositionSum => v1::RejectionReason::CompositionSum,
        Reason::GradeAboveCompound => v1::RejectionReason::GradeAboveCompound,
        Reason::ElementFromNothing => v1::RejectionReason::ElementFromNothing,
        Reason::ItemMassRises => v1::RejectionReason::ItemMassRises,
        Reason::NoMineOrTag => v1::RejectionReason::NoMineOrTag,
        Reason::TimeOrder => v1::RejectionReason::TimeOrder,
        Reason::OwnAncestor => v1::RejectionReason::OwnAncestor,
        Reason::ModelStrengthens => v1::RejectionReason::ModelStrengthens,
        Reason::CreditOverdrawn => v1::RejectionReason::CreditOverdrawn,
        Reason::CreditAndPhysical => v1::RejectionReason::CreditAndPhysical,
        Reason::Governance => v1::RejectionReason::Governance,
    }
}
