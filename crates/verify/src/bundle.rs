//! Checking a bundle: one answer about the origin of metal, with everything that it rests on.
//!
//! The checks, in order: the file, the ledger, the checkpoint, who answered, the seal, each record, their place
//! in the log, the authors' keys, the newest state of each lot, the trail, the shares. Nothing of a
//! bundle is believed before the check that covers it has passed.

use alloc::{
    boxed::Box,
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use ore_checkpoint::{BadCheckpoint, PolicyFailure, SignedCheckpoint};
use ore_merkle::{LeafHash, NodeHash, RootHash, TreeSize, hash_leaf, thousands};
use ore_record::{
    BadEntry, BadSignature, RecordId, SignedRecord,
    canonical::{self, NotCanonical},
    elements,
    state::state_root,
    v1::{
        BlockSeal, Bundle, LotState, LotStatus, MemberState, ProvenanceClaim, RosterState, StateLeaf,
        record::Event, roster_state::Entity,
    },
};

use crate::{
    TrustRoot,
    claim::{ClaimFault, check_claim},
    multiproof::{self, MultiproofError},
    recount::{self, ShareFault},
    trail::{self, Records, TrailFault},
};

/// Longest bundle that is read, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 256 << 20;
/// Most entries in a bundle.
pub const MAX_BUNDLE_ENTRIES: usize = 200_000;

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The file is the canonical encoding of a bundle.
    File,
    /// Claim and checkpoint speak of the ledger that the trust root names.
    Ledger,
    /// The checkpoint is signed by the log and cosigned by the policy's quorum.
    Checkpoint,
    /// A node of the ledger signed the claim as its answer.
    Claim,
    /// The last entry is the seal that holds the state root.
    Seal,
    /// Each record decodes and its author's signature verifies.
    Records,
    /// All entries are leaves of the checkpoint's tree.
    Inclusion,
    /// Each author's key was registered and not revoked at that point of the log.
    Keys,
    /// The newest state of the lot and of its ancestors is what the state root commits to.
    Heads,
    /// The records lead from the lot to every origin without a gap.
    Trail,
    /// The shares follow from the records.
    Shares,
}

impl Check {
    /// A short name, as the command line prints it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Ledger => "ledger",
            Self::Checkpoint => "checkpoint",
            Self::Claim => "claim",
            Self::Seal => "seal",
            Self::Records => "records",
            Self::Inclusion => "inclusion",
            Self::Keys => "keys",
            Self::Heads => "heads",
            Self::Trail => "trail",
            Self::Shares => "shares",
        }
    }
}

/// A check that was made and passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckDone {
    /// Which.
    pub check: Check,
    /// What it found, in words and numbers.
    pub detail: String,
}

/// A bundle that convinces.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleReport {
    /// The statement that was proven.
    pub claim: ProvenanceClaim,
    /// The checks that were made.
    pub checks: Vec<CheckDone>,
    /// What a reader should know although the proof holds: recalled or held lots, crafted signatures.
    pub remarks: Vec<String>,
}

/// The first check that failed, and those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("check '{}' failed: {fault}", check.name())]
pub struct BundleFault {
    /// The check that failed.
    pub check: Check,
    /// Checks that passed before it.
    pub done: Vec<CheckDone>,
    /// What was wrong.
    pub fault: Box<Fault>,
}

/// What was wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Too long to read.
    #[error("the file has {} bytes, the limit is 268,435,456", counted(*.0))]
    TooLong(usize),
    /// Not a bundle.
    #[error("the file is {0}")]
    NotABundle(NotCanonical),
    /// A part that must be there is not.
    #[error("the bundle has no {0}")]
    Missing(&'static str),
    /// More entries than a verifier reads.
    #[error("the bundle has {} entries, the limit is 200,000", counted(*.0))]
    TooManyEntries(usize),
    /// Another ledger.
    #[error("the bundle is about ledger {found:?}, the trust root is for {trusted:?}")]
    Origin {
        /// In the bundle.
        found: String,
        /// In the trust root.
        trusted: String,
    },
    /// The claim and the checkpoint disagree about the size of the log.
    #[error("the claim holds at size {}, the checkpoint is of size {}", thousands((*claimed).into()), thousands((*checkpoint).into()))]
    Size {
        /// In the claim.
        claimed: u64,
        /// In the checkpoint.
        checkpoint: u64,
    },
    /// Malformed checkpoint.
    #[error("the checkpoint is malformed: {0}")]
    BadCheckpoint(BadCheckpoint),
    /// Checkpoint that the policy does not believe.
    #[error("the checkpoint does not satisfy the policy: {0}")]
    Policy(PolicyFailure),
    /// Nobody stands by the claim.
    #[error("{0}")]
    Claim(ClaimFault),
    /// The last entry is no seal, or not the last of the log.
    #[error("the last entry (leaf {leaf}) is not the seal at the end of a log of {} entries", thousands((*size).into()))]
    NoSeal {
        /// Its leaf index.
        leaf: u64,
        /// Size of the log.
        size: u64,
    },
    /// The two roots do not make the seal's state root.
    #[error("head root and roster root do not give the state root of the seal")]
    StateRoot,
    /// A hash of the wrong length.
    #[error("{0} is not 32 bytes long")]
    HashLength(&'static str),
    /// A malformed entry.
    #[error("entry at leaf {leaf}: {cause}")]
    Entry {
        /// Its leaf index.
        leaf: u64,
        /// What is wrong.
        cause: BadEntry,
    },
    /// A bad signature.
    #[error("record {record} at leaf {leaf}: {cause}")]
    Signature {
        /// Its leaf index.
        leaf: u64,
        /// The record.
        record: RecordId,
        /// What is wrong.
        cause: BadSignature,
    },
    /// A record for another ledger.
    #[error("record {record} at leaf {leaf} was signed for ledger {found:?}")]
    RecordOrigin {
        /// Its leaf index.
        leaf: u64,
        /// The record.
        record: RecordId,
        /// The ledger it names.
        found: String,
    },
    /// Two seals, or a seal in the middle.
    #[error("entry at leaf {0} is a seal, but only the last entry may be one")]
    StraySeal(u64),
    /// A proof of one of the three trees.
    #[error("{tree}: {cause}")]
    Proof {
        /// Which tree.
        tree: &'static str,
        /// What is wrong.
        cause: MultiproofError,
    },
    /// A proof that leads elsewhere.
    #[error("{tree}: the proof leads to {found}, not to {expected}")]
    WrongRoot {
        /// Which tree.
        tree: &'static str,
        /// Where the proof leads.
        found: RootHash,
        /// The root that is vouched for.
        expected: RootHash,
    },
    /// A malformed leaf of the state.
    #[error("{tree}, leaf {index}: {cause}")]
    StateLeaf {
        /// Which tree.
        tree: &'static str,
        /// Its index.
        index: u64,
        /// What is wrong.
        cause: NotCanonical,
    },
    /// A leaf that is not a member, or names a member twice.
    #[error("roster leaf {0} is no member, or a member that stands there twice")]
    NotAMember(u64),
    /// A key that could not sign there.
    #[error("record {record} at leaf {leaf}: the key is not one that {author} could sign with at that point")]
    Key {
        /// Its leaf index.
        leaf: u64,
        /// The record.
        record: RecordId,
        /// The author it names.
        author: String,
    },
    /// A lot of the trail without its state, or with two.
    #[error("lot {0} is on the trail, but its newest state is not in the bundle exactly once")]
    NoLotState(String),
    /// State of a lot that is not on the trail.
    #[error("the state of lot {0} is in the bundle, but the lot is not on the trail")]
    StrayLotState(String),
    /// A lot that was declared not to exist.
    #[error("lot {0} is void: the record that made it was withdrawn")]
    Void(String),
    /// The trail.
    #[error("{0}")]
    Trail(TrailFault),
    /// The shares.
    #[error("{0}")]
    Shares(ShareFault),
}

/// Checks a bundle against a trust root, offline.
///
/// # Errors
/// [`BundleFault`] names the first check that failed, what was wrong and where.
pub fn verify_bundle(file: &[u8], trust: &TrustRoot) -> Result<BundleReport, BundleFault> {
    let mut progress = Progress { done: Vec::new(), remarks: Vec::new() };
    progress.run(Check::File, |_| read(file)).and_then(|bundle| check_all(bundle, trust, progress))
}

fn check_all(bundle: Bundle, trust: &TrustRoot, mut progress: Progress) -> Result<BundleReport, BundleFault> {
    let claim = bundle.claim.clone().unwrap_or_default();
    progress.run(Check::Ledger, |_| check_ledger(&claim, trust))?;
    let (size, root) = progress.run(Check::Checkpoint, |_| check_checkpoint(&bundle, &claim, trust))?;
    progress.run(Check::Claim, |_| {
        let signed = check_claim(&claim, &bundle.claim_note, &trust.policy).map_err(Fault::Claim)?;
        Ok(((), format!("answered and signed with {signed} log key(s) of the ledger")))
    })?;
    let seal_leaf = progress.run(Check::Seal, |_| check_seal(&bundle, size))?;
    let records = progress.run(Check::Records, |remarks| check_records(&bundle, trust, remarks))?;
    progress.run(Check::Inclusion, |_| check_inclusion(&bundle, size, root))?;
    progress.run(Check::Keys, |_| check_keys(&bundle, &records))?;
    let states = progress.run(Check::Heads, |_| check_heads(&bundle, seal_leaf))?;
    let (trail, head) = progress.run(Check::Trail, |remarks| {
        let head = head_of_target(&claim, &states)?;
        let trail = trail::walk(&claim.lot, head, &records).map_err(Fault::Trail)?;
        check_lot_states(&trail.lots, &states, remarks)?;
        let detail = format!(
            "{} records join {} lots without a gap",
            counted(records.len()),
            counted(trail.lots.len())
        );
        Ok(((trail, head), detail))
    })?;
    progress.run(Check::Shares, |_| {
        let shares = recount::recount(&claim.lot, head, claim.element, &trail, &records);
        let shares = shares.map_err(Fault::Shares)?;
        recount::compare(&claim.shares, &shares).map_err(Fault::Shares)?;
        let symbol = elements::symbol(claim.element).unwrap_or("?");
        Ok(((), format!("{} origins of {symbol} recounted from the records", counted(claim.shares.len()))))
    })?;
    Ok(BundleReport { claim, checks: progress.done, remarks: progress.remarks })
}

/// The checks so far.
struct Progress {
    done: Vec<CheckDone>,
    remarks: Vec<String>,
}

impl Progress {
    /// Makes one check; a failure carries those that passed before it.
    fn run<T>(
        &mut self,
        check: Check,
        make: impl FnOnce(&mut Vec<String>) -> Result<(T, String), Fault>,
    ) -> Result<T, BundleFault> {
        match make(&mut self.remarks) {
            Ok((value, detail)) => {
                self.done.push(CheckDone { check, detail });
                Ok(value)
            }
            Err(fault) => {
                Err(BundleFault { check, done: core::mem::take(&mut self.done), fault: Box::new(fault) })
            }
        }
    }
}

impl Fault {
    /// Whether there is more than is taken up: nothing was found wrong then, and nothing was checked.
    #[must_use]
    pub const fn is_limit(&self) -> bool {
        matches!(self, Self::TooLong(_) | Self::TooManyEntries(_))
    }
}

fn read(file: &[u8]) -> Result<(Bundle, String), Fault> {
    if file.len() > MAX_BUNDLE_BYTES {
        return Err(Fault::TooLong(file.len()));
    }
    let bundle: Bundle = canonical::decode(file).map_err(Fault::NotABundle)?;
    if bundle.claim.is_none() {
        return Err(Fault::Missing("claim"));
    }
    if bundle.entries.len() > MAX_BUNDLE_ENTRIES {
        return Err(Fault::TooManyEntries(bundle.entries.len()));
    }
    let detail = format!(
        "canonical bundle of {} bytes, {} entries",
        counted(file.len()),
        counted(bundle.entries.len())
    );
    Ok((bundle, detail))
}

fn check_ledger(claim: &ProvenanceClaim, trust: &TrustRoot) -> Result<((), String), Fault> {
    if claim.origin != trust.origin {
        return Err(Fault::Origin { found: claim.origin.clone(), trusted: trust.origin.clone() });
    }
    Ok(((), format!("about {}, the ledger of the trust root", claim.origin)))
}

fn check_checkpoint(
    bundle: &Bundle,
    claim: &ProvenanceClaim,
    trust: &TrustRoot,
) -> Result<((TreeSize, RootHash), String), Fault> {
    let signed = SignedCheckpoint::parse(bundle.checkpoint.as_bytes()).map_err(Fault::BadCheckpoint)?;
    let believed = trust.policy.check(&signed).map_err(Fault::Policy)?;
    let checkpoint = believed.checkpoint();
    if checkpoint.origin() != trust.origin {
        return Err(Fault::Origin { found: checkpoint.origin().into(), trusted: trust.origin.clone() });
    }
    let size = checkpoint.size();
    if size.get() != claim.tree_size {
        return Err(Fault::Size { claimed: claim.tree_size, checkpoint: size.get() });
    }
    let detail = format!(
        "log of {} entries, signed by {} of {} log keys and cosigned by {} of {} listed",
        thousands(size.get().into()),
        believed.log_keys().len(),
        trust.policy.logs().len(),
        believed.cosigned().len(),
        trust.policy.witnesses().len()
    );
    Ok(((size, *checkpoint.root()), detail))
}

/// The seal is the last entry of the log, so its state root is the newest.
fn check_seal(bundle: &Bundle, size: TreeSize) -> Result<(BlockSeal, String), Fault> {
    let last = bundle.entries.last().ok_or(Fault::Missing("entries"))?;
    let no_seal = Fault::NoSeal { leaf: last.leaf_index, size: size.get() };
    if last.leaf_index.checked_add(1) != Some(size.get()) {
        return Err(no_seal);
    }
    let entry =
        SignedRecord::decode(&last.entry).map_err(|cause| Fault::Entry { leaf: last.leaf_index, cause })?;
    let Event::BlockSeal(seal) = entry.event() else { return Err(no_seal) };
    let head = hash32(&bundle.head_root, "the head root")?;
    let roster = hash32(&bundle.roster_root, "the roster root")?;
    if state_root(&head, &roster)[..] != seal.state_root[..] {
        return Err(Fault::StateRoot);
    }
    let detail = format!("block {} seals the state of all lots and members", seal.height);
    Ok((seal.clone(), detail))
}

fn check_records(
    bundle: &Bundle,
    trust: &TrustRoot,
    remarks: &mut Vec<String>,
) -> Result<(Records, String), Fault> {
    let mut records = Records::new();
    let (_, entries) = bundle.entries.split_last().ok_or(Fault::Missing("entries"))?;
    for entry in entries {
        let leaf = entry.leaf_index;
        let signed = SignedRecord::decode(&entry.entry).map_err(|cause| Fault::Entry { leaf, cause })?;
        let record = signed.id();
        if signed.is_seal() {
            return Err(Fault::StraySeal(leaf));
        }
        if signed.record().origin != trust.origin {
            let found = signed.record().origin.clone();
            return Err(Fault::RecordOrigin { leaf, record, found });
        }
        let verified = signed.verify().map_err(|cause| Fault::Signature { leaf, record, cause })?;
        if !verified.signed().strict() {
            remarks.push(format!(
                "S1: the signature of record {record} was crafted so that stricter verifiers refuse it"
            ));
        }
        records.insert(record, (leaf, verified.into_signed()));
    }
    let detail = format!("{} records decode canonically and their signatures verify", counted(records.len()));
    Ok((records, detail))
}

fn check_inclusion(bundle: &Bundle, size: TreeSize, root: RootHash) -> Result<((), String), Fault> {
    let leaves: Vec<(u64, NodeHash)> =
        bundle.entries.iter().map(|entry| (entry.leaf_index, hash_leaf(&entry.entry).into())).collect();
    prove("log", size, &leaves, &bundle.tree_proof, root)?;
    Ok(((), format!("all {} entries are leaves of the tree with root {root}", counted(leaves.len()))))
}

fn check_keys(bundle: &Bundle, records: &Records) -> Result<((), String), Fault> {
    const TREE: &str = "roster";
    let expected = RootHash::from_bytes(hash32(&bundle.roster_root, "the roster root")?);
    let size = TreeSize::new(bundle.roster_size);
    prove(TREE, size, &state_leaves(&bundle.roster), &bundle.roster_proof, expected)?;
    let mut members: BTreeMap<String, MemberState> = BTreeMap::new();
    for leaf in &bundle.roster {
        let state: RosterState = canonical::decode(&leaf.leaf).map_err(|cause| Fault::StateLeaf {
            tree: TREE,
            index: leaf.index,
            cause,
        })?;
        let Some(Entity::Member(state)) = state.entity else { return Err(Fault::NotAMember(leaf.index)) };
        let id = state.member.as_ref().map(|member| member.id.clone()).unwrap_or_default();
        if members.insert(id, state).is_some() {
            return Err(Fault::NotAMember(leaf.index));
        }
    }
    for (record, (leaf, signed)) in records {
        let author = &signed.record().author;
        if !members.get(author).is_some_and(|member| could_sign(member, signed, *leaf)) {
            return Err(Fault::Key { leaf: *leaf, record: *record, author: author.clone() });
        }
    }
    Ok(((), format!("{} authors held their keys when they signed", counted(members.len()))))
}

fn could_sign(member: &MemberState, signed: &SignedRecord, leaf: u64) -> bool {
    member.keys.iter().any(|key| {
        key.public_key == signed.record().author_key
            && key.from_leaf <= leaf
            && (key.revoked_leaf == 0 || leaf < key.revoked_leaf)
    })
}

fn check_heads(bundle: &Bundle, seal: BlockSeal) -> Result<(BTreeMap<String, LotState>, String), Fault> {
    const TREE: &str = "head tree";
    let expected = RootHash::from_bytes(hash32(&bundle.head_root, "the head root")?);
    let size = TreeSize::new(bundle.head_size);
    prove(TREE, size, &state_leaves(&bundle.lots), &bundle.head_proof, expected)?;
    let mut states = BTreeMap::new();
    for leaf in &bundle.lots {
        let state: LotState = canonical::decode(&leaf.leaf).map_err(|cause| Fault::StateLeaf {
            tree: TREE,
            index: leaf.index,
            cause,
        })?;
        let lot = state.lot.clone();
        if states.insert(lot.clone(), state).is_some() {
            return Err(Fault::NoLotState(lot));
        }
    }
    let detail =
        format!("newest state of {} lots is what block {} seals", counted(states.len()), seal.height);
    Ok((states, detail))
}

fn head_of_target(claim: &ProvenanceClaim, states: &BTreeMap<String, LotState>) -> Result<RecordId, Fault> {
    let state = states.get(&claim.lot).ok_or_else(|| Fault::NoLotState(claim.lot.clone()))?;
    RecordId::try_from(state.head.as_slice()).map_err(|_| Fault::HashLength("a lot's head"))
}

/// Each lot of the trail stands, and nothing about it has been withheld.
fn check_lot_states(
    lots: &alloc::collections::BTreeSet<String>,
    states: &BTreeMap<String, LotState>,
    remarks: &mut Vec<String>,
) -> Result<(), Fault> {
    if let Some(stray) = states.keys().find(|lot| !lots.contains(*lot)) {
        return Err(Fault::StrayLotState(stray.clone()));
    }
    for lot in lots {
        let state = states.get(lot).ok_or_else(|| Fault::NoLotState(lot.clone()))?;
        match state.status() {
            LotStatus::Void => return Err(Fault::Void(lot.clone())),
            LotStatus::Recalled => remarks.push(format!("lot {lot} is recalled")),
            LotStatus::Held => remarks.push(format!("lot {lot} is on hold")),
            _ => {}
        }
    }
    Ok(())
}

fn counted(number: usize) -> String {
    thousands(number as u128)
}

fn state_leaves(leaves: &[StateLeaf]) -> Vec<(u64, NodeHash)> {
    leaves.iter().map(|leaf| (leaf.index, hash_leaf(&leaf.leaf).into())).collect()
}

fn prove(
    tree: &'static str,
    size: TreeSize,
    leaves: &[(u64, NodeHash)],
    proof: &[Vec<u8>],
    expected: RootHash,
) -> Result<(), Fault> {
    let hashes: Option<Vec<NodeHash>> = proof
        .iter()
        .map(|hash| Some(NodeHash::from(LeafHash::from_bytes(hash.as_slice().try_into().ok()?))))
        .collect();
    let hashes = hashes.ok_or(Fault::HashLength("a hash of a proof"))?;
    let found = multiproof::root_from(size, leaves, &hashes).map_err(|cause| Fault::Proof { tree, cause })?;
    if found == expected { Ok(()) } else { Err(Fault::WrongRoot { tree, found, expected }) }
}

fn hash32(bytes: &[u8], what: &'static str) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::HashLength(what))
}

impl core::fmt::Display for CheckDone {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:<10}  {}", self.check.name().to_string(), self.detail)
    }
}
