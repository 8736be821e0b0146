//! What the journal keeps of a record.
//!
//! The frequent kinds are small structs of numbers; the rare ones are kept as their author stated them.

use alloc::boxed::Box;

use ore_record::v1::{
    self, CommissionKind, CustodyModel, MaterialClass, Mixing, OutputRole, Process, RecyclingClass,
    SealState, ShipPurpose, TransferKind, TransportMode,
};

use super::Word;

/// A lot, as its creating record states it.
#[derive(Clone, Debug)]
pub struct LotFact {
    /// `<member>/<lot number>`.
    pub id: Word,
    /// Leaf of the creating record.
    pub made_at: u32,
    /// Ordinal of the withdrawn lot whose id it took over.
    pub replaces: Option<u32>,
    /// Dry milligrams at creation.
    pub dry_mg: u64,
    /// Material class.
    pub material: MaterialClass,
    /// Chain-of-custody model.
    pub model: CustodyModel,
    /// Facility where it came into being.
    pub facility: Word,
    /// As declared, two letters; zeros when nothing was declared.
    pub origin_country: [u8; 2],
    /// Serial number of a piece, or empty.
    pub serial: Word,
    /// Form, for people.
    pub form: Word,
    /// Owner when it is not the author.
    pub owner: Word,
    /// Tags and seals from the start.
    pub tags: Box<[Word]>,
}

/// A lot without parents.
#[derive(Clone, Debug)]
pub struct CommissionFact {
    /// Mined, collected or of declared unknown origin.
    pub kind: CommissionKind,
    /// Ordinal.
    pub lot: u32,
    /// Of collected scrap.
    pub scrap_class: RecyclingClass,
    /// Attestations that it relies on.
    pub attestations: Box<[Word]>,
}

/// What a transformation took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputFact {
    /// Ordinal.
    pub lot: u32,
    /// Dry milligrams.
    pub dry_mg: u64,
}

/// What a transformation made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputFact {
    /// Ordinal.
    pub lot: u32,
    /// Product, by-product or residue.
    pub role: OutputRole,
}

/// Inputs became outputs.
#[derive(Clone, Debug)]
pub struct StepFact {
    /// What was done.
    pub process: Process,
    /// Where.
    pub facility: Word,
    /// Class, when the process is recycling.
    pub recycling_class: RecyclingClass,
    /// How the inputs met.
    pub mixing: Mixing,
    /// Start of the campaign; 0: at once.
    pub started_ms: u64,
    /// What went in.
    pub inputs: Box<[InputFact]>,
    /// What came out.
    pub outputs: Box<[OutputFact]>,
    /// Element and milligrams that went to no lot.
    pub losses: Box<[(u8, u64)]>,
}

/// One lot of a shipment.
#[derive(Clone, Debug)]
pub struct ShippedFact {
    /// Ordinal.
    pub lot: u32,
    /// Weighed at dispatch, dry milligrams.
    pub dry_mg: u64,
    /// Seals at dispatch.
    pub seals: Box<[Word]>,
}

/// An offer.
#[derive(Clone, Debug)]
pub struct ShipFact {
    /// What travels.
    pub lots: Box<[ShippedFact]>,
    /// Named receiver.
    pub receiver: Word,
    /// What passes.
    pub transfer: TransferKind,
    /// Why.
    pub purpose: ShipPurpose,
    /// Carrier, or empty.
    pub carrier: Word,
    /// How.
    pub mode: TransportMode,
    /// Transport and export permits.
    pub permits: Box<[Word]>,
    /// Departure; empty when only ownership passes, whatever the record names: nothing leaves.
    pub from: Word,
    /// Destination, or empty.
    pub to: Word,
    /// Leaf of the answer, and whether it is an Accept.
    pub answer: Option<(u32, bool)>,
}

impl ShipFact {
    /// Whether lots leave a place: not where only ownership passes.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.transfer != TransferKind::Ownership
    }
}

/// One lot as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedFact {
    /// Ordinal.
    pub lot: u32,
    /// Weighed at receipt, dry milligrams.
    pub dry_mg: u64,
    /// Seals as found.
    pub seals: SealState,
}

/// A receipt.
#[derive(Clone, Debug)]
pub struct AcceptFact {
    /// Leaf of the Ship.
    pub offer: u32,
    /// What arrived.
    pub lots: Box<[AcceptedFact]>,
    /// Where; empty when only ownership passes, whatever the record names: nothing arrives.
    pub facility: Word,
}

/// What a record states. `lot` is an ordinal wherever it stands.
#[derive(Clone, Debug)]
#[allow(missing_docs)] // The fields are those of the events in record.proto.
pub enum Fact {
    /// Changes nothing that an auditor asks about.
    Other,
    /// A block ends.
    Seal,
    Commission(Box<CommissionFact>),
    Step(Box<StepFact>),
    Ship(Box<ShipFact>),
    Accept(Box<AcceptFact>),
    /// Decline or CancelShipment; the leaf of the Ship.
    Returned {
        offer: u32,
    },
    /// `facility`: where the lot was then; `reveals`: leaf of the commitment.
    Assay {
        lot: u32,
        facility: Word,
        reveals: Option<u32>,
        assay: Box<v1::Assay>,
    },
    SealEvent {
        lot: u32,
        seal: Word,
        action: v1::SealAction,
    },
    /// `from`: where the lot was before.
    Use {
        lot: u32,
        net_mg: u64,
        facility: Word,
        from: Word,
    },
    Dispose {
        lot: u32,
        dry_mg: u64,
        kind: v1::DisposeKind,
        facility: Word,
    },
    Status {
        lot: u32,
        kind: StatusKind,
    },
    Stocktake {
        facility: Word,
        stocktake: Box<v1::Stocktake>,
    },
    Footprint {
        lot: u32,
        footprint: Box<v1::Footprint>,
    },
    /// The leaf of the withdrawn record.
    Withdraw {
        record: u32,
    },
    Deposit {
        lot: u32,
        deposit: Box<v1::CreditDeposit>,
    },
    Claim {
        lot: u32,
        claim: Box<v1::CreditClaim>,
    },
    /// Analyses of known origin.
    Reference(Box<v1::ReferencePart>),
    /// A version of a reference library; leaves of its parts.
    Library {
        library: Box<v1::PublishLibrary>,
        parts: Box<[u32]>,
    },
    /// A claim of an origin; the leaf of the library's version.
    Origin {
        lot: u32,
        origin: Word,
        library: u32,
    },
    Member(Box<v1::Member>),
    Facility(Box<v1::Facility>),
    Attest(Box<v1::Attestation>),
    ChangeAttestation {
        attestation: Word,
        state: v1::AttestationState,
    },
    Profile(Box<v1::Profile>),
}

/// Holds, releases and recalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusKind {
    /// Put on hold.
    Hold,
    /// Free again.
    Release,
    /// Called back.
    Recall,
}

/// A document that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document {
    /// Leaf of the record.
    pub leaf: u32,
    /// For example "royalty".
    pub kind: Word,
}

/// One leaf of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// By the author's account; a seal's is the block time.
    pub event_ms: u64,
    /// Who; empty for a seal.
    pub author: Word,
    /// Leaf of the record that withdrew it.
    pub withdrawn_at: Option<u32>,
    /// What.
    pub fact: Fact,
}
