//! Why a record is refused: the rule, the numbers and the next step, for the person who wrote it.
//!
//! [`Rule`] and [`Reason`] are closed: a program may act on them, a message is for reading.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use ore_record::RecordId;

/// The rule of the ledger that refuses. `Display` gives its id, for example `M1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Signed by a key valid for that member at that point; heads match.
    A1,
    /// A record is appended once; an id is taken once.
    A2,
    /// Event time not later than block time and the tolerance.
    A3,
    /// Who may do it: custodian, receiver, author, role.
    A4,
    /// Mass above zero, unit in the list, basis stated.
    A5,
    /// Country, HS code, coordinates, and every other value within its bounds.
    A6,
    /// Never more out of a lot than it holds.
    M1,
    /// No metal out of nothing, beyond the profile's limit.
    M4,
    /// Dry, wet and moisture agree.
    M8,
    /// A composition sums to no more than the whole.
    M9,
    /// No grade above the pure compound.
    M10,
    /// No element in the outputs that is in no input.
    M13,
    /// An item's net mass only falls.
    M14,
    /// A mined lot has a mine and a tag.
    O1,
    /// No consumption before creation, no receipt before dispatch, by one author.
    T1,
    /// No lot is its own ancestor.
    T6,
    /// The chain-of-custody model only weakens downstream.
    C1,
    /// Credits claimed never exceed credits earned; each is used once.
    C4,
    /// Physical and credit claims never on one line.
    C5,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What is wrong, for a program. The names are those of `RejectionReason` in `submission.proto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The author, or a member that the record names, is none.
    UnknownMember,
    /// The key is not, or no longer, one of the author's; or it cannot become one.
    KeyNotValid,
    /// The lot has moved on; `newest_head` names its head.
    StaleHead,
    /// The record is meant for another origin.
    WrongLedger,
    /// No record creates this lot.
    UnknownLot,
    /// No such record, or it is of another kind.
    UnknownRecord,
    /// The record, or an id in it, is there already.
    AlreadyExists,
    /// The event is later than block time plus tolerance.
    EventTimeInFuture,
    /// Another member holds (or owns) this lot.
    NotCustodian,
    /// The offer was made to another member.
    NotReceiver,
    /// The author's roles do not allow this event.
    RoleNotAllowed,
    /// Only the author of the earlier record, or the owner of the subject, may do this.
    NotAuthor,
    /// An open offer reserves this lot.
    LotReserved,
    /// The lot is consumed, disposed of, on hold, recalled or void.
    LotNotActive,
    /// The offer was answered, cancelled, or has expired.
    OfferClosed,
    /// Later records rest on the one to be withdrawn.
    DependentsStand,
    /// No such facility, or it is not the author's.
    UnknownFacility,
    /// Mass is zero, unit not in the list, or basis not stated.
    BadQuantity,
    /// A value is out of its range, or a name is not registered.
    BadValue,
    /// More is taken than the lot holds.
    NotEnoughMass,
    /// More of an element comes out than went in.
    MetalGain,
    /// Dry mass, wet mass and moisture disagree.
    Moisture,
    /// The composition sums to more than the whole.
    CompositionSum,
    /// The grade is above that of the pure compound.
    GradeAboveCompound,
    /// An element comes out that did not go in.
    ElementFromNothing,
    /// An item's net mass only falls.
    ItemMassRises,
    /// A mined lot has a mine and a tag.
    NoMineOrTag,
    /// Consumed before it was created, or received before it was dispatched.
    TimeOrder,
    /// A lot would be its own ancestor.
    OwnAncestor,
    /// The chain-of-custody model would become stronger downstream.
    ModelStrengthens,
    /// More credits are claimed than were earned, or one is used twice.
    CreditOverdrawn,
    /// Credit and physical claims on one line.
    CreditAndPhysical,
    /// Approvals, versions or sets do not fit; the message says which.
    Governance,
}

/// What the refusal is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The record as a whole.
    Whole,
    /// One lot, by its id.
    Lot(Box<str>),
    /// An earlier record.
    Record(RecordId),
    /// A member, facility or attestation, by its id.
    Named(Box<str>),
}

/// Empty for the record as a whole, else the id.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Lot(id) | Self::Named(id) => f.write_str(id),
            Self::Record(id) => id.fmt(f),
        }
    }
}

/// A refusal: nothing was changed, and the submitter can act on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {message}")]
pub struct Rejection {
    /// The rule that refuses.
    pub rule: Rule,
    /// The reason, closed, for programs.
    pub reason: Reason,
    /// What is wrong, with the numbers. Lower case, no full stop.
    pub message: String,
    /// What the submitter can do about it.
    pub next_step: String,
    /// What it is about.
    pub subject: Subject,
    /// With [`Reason::StaleHead`]: the newest record of the lot.
    pub newest_head: Option<RecordId>,
    /// With [`Reason::DependentsStand`]: the records that stand in the way, newest first; at most [`MAX_DEPENDENTS`].
    pub dependents: Vec<RecordId>,
}

/// Most dependents that one refusal lists.
pub const MAX_DEPENDENTS: usize = 16;

/// Boxed inside the crate, so that the path without a refusal moves little.
pub(crate) type Verdict<T> = Result<T, Box<Rejection>>;

/// A refusal of the whole record; the methods below say more.
#[cold]
pub(crate) fn refuse(
    rule: Rule,
    reason: Reason,
    message: impl Into<String>,
    next_step: impl Into<String>,
) -> Box<Rejection> {
    Box::new(Rejection {
        rule,
        reason,
        message: message.into(),
        next_step: next_step.into(),
        subject: Subject::Whole,
        newest_head: None,
        dependents: Vec::new(),
    })
}

pub(crate) trait About {
    fn lot(self, id: &str) -> Self;
    fn record(self, id: RecordId) -> Self;
    fn named(self, id: &str) -> Self;
}

impl About for Box<Rejection> {
    fn lot(mut self, id: &str) -> Self {
        self.subject = Subject::Lot(shorten(id).into());
        self
    }

    fn record(mut self, id: RecordId) -> Self {
        self.subject = Subject::Record(id);
        self
    }

    fn named(mut self, id: &str) -> Self {
        self.subject = Subject::Named(shorten(id).into());
        self
    }
}

/// At most 96 characters of somebody's text: an answer never grows with its question.
pub(crate) fn shorten(text: &str) -> &str {
    text.char_indices().nth(96).map_or(text, |(end, _)| &text[..end])
}
