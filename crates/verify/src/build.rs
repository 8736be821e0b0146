//! Putting a bundle together, from any source that holds the ledger.

use alloc::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    string::{String, ToString},
    vec::Vec,
};

use ore_checkpoint::{MalformedNote, SignatureLine};
use ore_merkle::{NodeHash, TreeSize};
use ore_record::{
    RecordId, SignedRecord,
    v1::{Bundle, BundleEntry, LotState, ProvenanceClaim, RosterState, StateLeaf},
};
use prost::Message;

use crate::{
    bundle::MAX_BUNDLE_ENTRIES,
    claim::claim_note,
    multiproof::{self, MultiproofError},
    trail::{self, Touch},
};

/// What a bundle is made from: a ledger as it stood right after the seal at the end of the checkpoint's tree.
pub trait BundleSource {
    /// Place of a record in the log.
    fn leaf_of(&self, record: &RecordId) -> Option<u64>;
    /// Bytes of an entry.
    fn entry(&self, leaf: u64) -> Option<Vec<u8>>;
    /// Node of a complete subtree of the log.
    fn log_node(&self, level: u8, index: u64) -> Option<NodeHash>;
    /// Index in the head tree and newest state of a lot.
    fn lot(&self, lot: &str) -> Option<(u64, LotState)>;
    /// Index in the roster tree and state of a member.
    fn member(&self, member: &str) -> Option<(u64, RosterState)>;
    /// Size and root of the head tree.
    fn head_tree(&self) -> (u64, [u8; 32]);
    /// Node of a complete subtree of the head tree.
    fn head_node(&self, level: u8, index: u64) -> Option<NodeHash>;
    /// Size and root of the roster tree.
    fn roster_tree(&self) -> (u64, [u8; 32]);
    /// Node of a complete subtree of the roster tree.
    fn roster_node(&self, level: u8, index: u64) -> Option<NodeHash>;
}

/// Why a bundle cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The ledger has no such lot.
    #[error("the ledger has no lot {0}")]
    NoLot(String),
    /// The ledger has no such record.
    #[error("record {record} of lot {lot} cannot be read from the log")]
    NoRecord {
        /// The lot whose past names it.
        lot: String,
        /// The record.
        record: RecordId,
    },
    /// The ledger has no such member.
    #[error("the ledger has no member {0}")]
    NoMember(String),
    /// An entry cannot be read.
    #[error("entry {0} cannot be read from the log")]
    NoEntry(u64),
    /// More ancestors than a bundle holds.
    #[error("the lot's past has more than 200,000 records; ask for a bundle of a lot further upstream")]
    TooLarge,
    /// The origin cannot stand in a note.
    #[error("the claim's note: {0}")]
    Note(MalformedNote),
    /// A tree cannot prove its leaves.
    #[error("{tree}: {cause}")]
    Proof {
        /// Which tree.
        tree: &'static str,
        /// What is wrong.
        cause: MultiproofError,
    },
}

/// Builds the bundle for a claim. The claim's `tree_size` and `checkpoint` must be of one size, and
/// the source must stand at it. `sign` signs the claim's note with the node's log key.
///
/// # Errors
/// [`BuildError`].
pub fn build(
    source: &impl BundleSource,
    claim: ProvenanceClaim,
    checkpoint: String,
    sign: impl FnOnce(&str) -> SignatureLine,
) -> Result<Bundle, BuildError> {
    let claim_note = claim_note(&claim, sign).map_err(BuildError::Note)?;
    let gathered = gather(source, &claim.lot)?;
    let size = claim.tree_size;
    let mut entries = gathered.entries;
    let seal = size.saturating_sub(1);
    entries.insert(seal, source.entry(seal).ok_or(BuildError::NoEntry(seal))?);
    let leaves: Vec<u64> = entries.keys().copied().collect();
    let tree_proof = prove("log", size, &leaves, |level, index| source.log_node(level, index))?;

    let (head_size, head_root) = source.head_tree();
    let mut lots: Vec<StateLeaf> = Vec::new();
    for lot in &gathered.lots {
        let (index, state) = source.lot(lot).ok_or_else(|| BuildError::NoLot(lot.clone()))?;
        lots.push(StateLeaf { index, leaf: state.encode_to_vec() });
    }
    lots.sort_by_key(|leaf| leaf.index);
    let head_proof = prove("head tree", head_size, &indexes(&lots), |l, i| source.head_node(l, i))?;

    let (roster_size, roster_root) = source.roster_tree();
    let mut roster: Vec<StateLeaf> = Vec::new();
    for member in &gathered.authors {
        let (index, state) = source.member(member).ok_or_else(|| BuildError::NoMember(member.clone()))?;
        roster.push(StateLeaf { index, leaf: state.encode_to_vec() });
    }
    roster.sort_by_key(|leaf| leaf.index);
    let roster_proof = prove("roster", roster_size, &indexes(&roster), |l, i| source.roster_node(l, i))?;

    Ok(Bundle {
        claim: Some(claim),
        checkpoint,
        entries: entries.into_iter().map(|(leaf_index, entry)| BundleEntry { leaf_index, entry }).collect(),
        tree_proof,
        head_root: head_root.to_vec(),
        roster_root: roster_root.to_vec(),
        head_size,
        roster_size,
        lots,
        head_proof,
        roster,
        roster_proof,
        claim_note,
    })
}

/// The records on the trail of a lot, their lots and authors.
struct Gathered {
    entries: BTreeMap<u64, Vec<u8>>,
    lots: BTreeSet<String>,
    authors: BTreeSet<String>,
}

fn gather(source: &impl BundleSource, target: &str) -> Result<Gathered, BuildError> {
    let (_, state) = source.lot(target).ok_or_else(|| BuildError::NoLot(target.to_string()))?;
    let head =
        RecordId::try_from(state.head.as_slice()).map_err(|_| BuildError::NoLot(target.to_string()))?;
    let mut gathered = Gathered { entries: BTreeMap::new(), lots: BTreeSet::new(), authors: BTreeSet::new() };
    let mut records: BTreeMap<RecordId, SignedRecord> = BTreeMap::new();
    let mut seen: BTreeSet<(String, RecordId)> = BTreeSet::new();
    // Each (lot, record) is visited once; MAX_BUNDLE_ENTRIES bounds the records.
    let mut waiting = alloc::vec![(target.to_string(), head)];
    while let Some((lot, id)) = waiting.pop() {
        if !seen.insert((lot.clone(), id)) {
            continue;
        }
        gathered.lots.insert(lot.clone());
        if let Entry::Vacant(vacant) = records.entry(id) {
            let no_record = || BuildError::NoRecord { lot: lot.clone(), record: id };
            let leaf = source.leaf_of(&id).ok_or_else(no_record)?;
            let entry = source.entry(leaf).ok_or(BuildError::NoEntry(leaf))?;
            let signed = SignedRecord::decode(&entry).map_err(|_| no_record())?;
            gathered.authors.insert(signed.record().author.clone());
            gathered.entries.insert(leaf, entry);
            vacant.insert(signed);
            if gathered.entries.len() >= MAX_BUNDLE_ENTRIES {
                return Err(BuildError::TooLarge);
            }
        }
        let event = records[&id].event();
        match trail::touch(event, &lot) {
            Some(Touch::After(previous)) => waiting.push((lot, previous)),
            Some(Touch::Created) => waiting.extend(trail::inputs_of(event)),
            None => return Err(BuildError::NoRecord { lot, record: id }),
        }
    }
    Ok(gathered)
}

fn indexes(leaves: &[StateLeaf]) -> Vec<u64> {
    leaves.iter().map(|leaf| leaf.index).collect()
}

fn prove(
    tree: &'static str,
    size: u64,
    leaves: &[u64],
    node: impl FnMut(u8, u64) -> Option<NodeHash>,
) -> Result<Vec<Vec<u8>>, BuildError> {
    let proof = multiproof::prove(TreeSize::new(size), leaves, node)
        .map_err(|cause| BuildError::Proof { tree, cause })?;
    Ok(proof.iter().map(|hash| hash.as_bytes().to_vec()).collect())
}
