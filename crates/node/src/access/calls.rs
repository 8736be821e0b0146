//! The table of calls. A test holds it against the service descriptors and the HTTP routes, both ways.

/// What a call needs of whoever makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it shows hashes, signatures, health, or which ledger this is.
    Nothing,
    /// Nothing but what it carries: a record's own signature.
    Signature,
    /// A member's token.
    Member,
    /// A member's token; the service holds the lot against [`super::Caller::may_see`].
    Lot,
    /// As `Lot`, or a share link for that lot.
    LotOrShare,
    /// A share link, as part of the address.
    Share,
    /// The token of a member whose roles show it the whole ledger.
    Sight,
    /// Nothing: whatever a page shows is asked with the rights of whoever looks, each question against its own row.
    Page,
}

/// One call of the members' port.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Full gRPC path, or HTTP route as the router writes it.
    pub name: &'static str,
    /// What it needs.
    pub needs: Needs,
    /// How many ordinary calls it counts for while it is in progress: by the memory that it can take.
    pub weight: u32,
}

const fn row(name: &'static str, needs: Needs) -> Call {
    Call { name, needs, weight: 1 }
}

/// A call that can take much more memory than others.
const fn heavy(name: &'static str, needs: Needs, weight: u32) -> Call {
    Call { name, needs, weight }
}

/// Every call, in order of its name's group.
#[rustfmt::skip]
pub const CALLS: &[Call] = &[
    row("/oreledger.v1.SubmissionService/Submit", Needs::Signature),
    heavy("/oreledger.v1.SubmissionService/SubmitStream", Needs::Signature, 8),
    heavy("/oreledger.v1.SubmissionService/Check", Needs::Member, 64),

    row("/oreledger.v1.LotService/GetLot", Needs::Lot),
    row("/oreledger.v1.LotService/GetLots", Needs::Lot),
    row("/oreledger.v1.LotService/GetHeads", Needs::Member),
    row("/oreledger.v1.LotService/ListLots", Needs::Lot),
    row("/oreledger.v1.LotService/History", Needs::Lot),

    heavy("/oreledger.v1.ProvenanceService/TraceBack", Needs::Sight, 16),
    heavy("/oreledger.v1.ProvenanceService/TraceForward", Needs::Sight, 16),
    row("/oreledger.v1.ProvenanceService/Attribute", Needs::LotOrShare),

    row("/oreledger.v1.AuditService/Findings", Needs::Sight),
    row("/oreledger.v1.AuditService/WatchFindings", Needs::Sight),
    row("/oreledger.v1.AuditService/MassBalance", Needs::Sight),
    row("/oreledger.v1.AuditService/Circularity", Needs::Sight),
    row("/oreledger.v1.AuditService/Dependence", Needs::Sight),
    row("/oreledger.v1.AuditService/Credits", Needs::Sight),
    row("/oreledger.v1.AuditService/MetalAccounts", Needs::Sight),
    row("/oreledger.v1.AuditService/ChainOfCustody", Needs::Sight),
    row("/oreledger.v1.AuditService/LotFootprint", Needs::Sight),

    row("/oreledger.v1.FingerprintService/Check", Needs::Lot),
    row("/oreledger.v1.FingerprintService/Attribute", Needs::Lot),
    row("/oreledger.v1.FingerprintService/Step", Needs::Lot),
    row("/oreledger.v1.FingerprintService/ListLibraries", Needs::Member),
    row("/oreledger.v1.FingerprintService/GetLibrary", Needs::Member),
    row("/oreledger.v1.FingerprintService/ListQueries", Needs::Sight),

    row("/oreledger.v1.LogService/GetCheckpoint", Needs::Nothing),
    row("/oreledger.v1.LogService/GetConsistencyProof", Needs::Nothing),
    row("/oreledger.v1.LogService/GetReceipt", Needs::Member),
    heavy("/oreledger.v1.LogService/ReadEntries", Needs::Sight, 4),
    row("/oreledger.v1.LogService/Watch", Needs::Sight),
    heavy("/oreledger.v1.LogService/GetBundle", Needs::LotOrShare, 64),

    row("/oreledger.v1.ConsortiumService/GetInfo", Needs::Nothing),
    row("/oreledger.v1.ConsortiumService/ListMembers", Needs::Member),
    row("/oreledger.v1.ConsortiumService/ListFacilities", Needs::Member),
    row("/oreledger.v1.ConsortiumService/ListAttestations", Needs::Member),
    row("/oreledger.v1.ConsortiumService/GetProfile", Needs::Member),
    row("/oreledger.v1.ConsortiumService/GetValidators", Needs::Member),
    row("/oreledger.v1.ConsortiumService/ListPeers", Needs::Member),
    row("/oreledger.v1.ConsortiumService/GetEvidence", Needs::Member),
    row("/oreledger.v1.ConsortiumService/ListHandovers", Needs::Nothing),

    row("/grpc.health.v1.Health/Check", Needs::Nothing),
    row("/grpc.health.v1.Health/Watch", Needs::Nothing),
    row("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Needs::Nothing),

    row("/checkpoint", Needs::Nothing),
    row("/add-checkpoint", Needs::Nothing),
    row("/tile/{*name}", Needs::Nothing),
    row("/tile/entries/{*name}", Needs::Sight),
    row("/v1/info", Needs::Nothing),
    row("/v1/trust", Needs::Nothing),
    heavy("/v1/draft", Needs::Member, 4),
    heavy("/v1/submit", Needs::Signature, 8),
    row("/v1/lots", Needs::Lot),
    row("/v1/lots/{member}/{number}", Needs::Lot),
    row("/v1/lots/{member}/{number}/history", Needs::Lot),
    heavy("/v1/lots/{member}/{number}/trace", Needs::Sight, 16),
    row("/v1/lots/{member}/{number}/attribute", Needs::LotOrShare),
    row("/v1/audit/{question}", Needs::Sight),
    row("/v1/fingerprint/{question}", Needs::Lot),
    row("/v1/records/{id}/receipt", Needs::Member),
    row("/epcis/capture", Needs::Nothing),
    heavy("/epcis/events", Needs::Sight, 4),
    row("/v1/lots/{member}/{number}/passport", Needs::LotOrShare),
    row("/untp/facilities/{member}/{name}", Needs::Member),
    row("/untp/status/{list}", Needs::Nothing),
    row("/.well-known/did.json", Needs::Nothing),
    row("/id/{member}/did.json", Needs::Nothing),
    row("/share/{token}", Needs::Share),
    heavy("/share/{token}/bundle", Needs::Share, 64),

    row("/", Needs::Page),
    row("/assets/{*name}", Needs::Nothing),
    row("/session", Needs::Page),
    row("/verify", Needs::Page),
    row("/enter", Needs::Page),
    row("/enter/{form}", Needs::Page),
    row("/ledger", Needs::Page),
    row("/ledger/feed", Needs::Page),
    row("/lots", Needs::Page),
    heavy("/lots/{member}/{number}", Needs::Page, 16),
    heavy("/lots/{member}/{number}/{view}", Needs::Page, 16),
    row("/records/{id}", Needs::Page),
    row("/facilities", Needs::Page),
    row("/facilities/{owner}/{name}", Needs::Page),
    row("/findings", Needs::Page),
    row("/circularity", Needs::Page),
];

/// The row of a call, by its full gRPC path or its HTTP route.
#[must_use]
pub fn call(name: &str) -> Option<&'static Call> {
    CALLS.iter().find(|call| call.name == name)
}
