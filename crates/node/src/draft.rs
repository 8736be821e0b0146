//! A block under way: records applied one by one to the live state, each with its undo.
//!
//! Building a block, checking somebody else's, the genesis block and a block that is applied again all
//! come through here, so there is one way from records to a state root.

use std::sync::Arc;

use bytes::Bytes;
use ore_custody::{Custody, Position, Records, Rejection, Undo};
use ore_merkle::{Frontier, LeafHash, RootHash, hash_leaf};
use ore_provenance::{Graph, Mark};
use ore_record::{BadSignature, RecordId, SignedRecord, VerifiedRecord, batch, state::block_id};
use ore_store::{CommittedBlock, Consequences, graph_feed::FeedError};
use ore_verify::Turnover;

use crate::block::{BadBlock, BlockParts, Sealing};

/// What a new block follows.
#[derive(Clone, Debug)]
pub struct Tip {
    /// Height of the newest block; `None` before genesis.
    pub height: Option<u64>,
    /// Its id; zeros before genesis.
    pub id: [u8; 32],
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The tree with its entries.
    pub frontier: Frontier,
}

impl Tip {
    /// Before genesis.
    #[must_use]
    pub const fn nothing() -> Self {
        Self { height: None, id: [0; 32], time_ms: 0, frontier: Frontier::new() }
    }

    /// Height of the next block.
    #[must_use]
    pub fn next_height(&self) -> u64 {
        self.height.map_or(0, |height| height + 1)
    }
}

/// Why a record did not get into the block.
#[derive(Debug)]
pub enum NotAdded {
    /// The rules refuse it.
    Rejected(Box<Rejection>),
    /// The graph disagrees with the rules: a defect of ours. The draft is of no more use.
    Graph(FeedError),
}

/// A block under way.
#[derive(Debug)]
pub struct Draft {
    height: u64,
    time_ms: u64,
    first_leaf: u64,
    undos: Vec<Undo>,
    mark: Mark,
    entries: Vec<Bytes>,
    leaf_hashes: Vec<LeafHash>,
    ids: Vec<RecordId>,
    consequences: Consequences,
    bytes: usize,
}

/// A block with its seal and header; its records are applied.
#[derive(Debug)]
pub struct Sealed {
    /// SHA-256 of the header.
    pub id: [u8; 32],
    /// Its height.
    pub height: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The member that its header names.
    pub proposer: String,
    /// The header's bytes.
    pub header: Bytes,
    /// Canonical SignedRecords, the seal last.
    pub entries: Vec<Bytes>,
    /// First leaf.
    pub first_leaf: u64,
    /// The tree with its entries.
    pub frontier: Frontier,
    leaf_hashes: Vec<LeafHash>,
    /// Id of each record, the seal's included.
    pub ids: Vec<RecordId>,
    consequences: Consequences,
    undos: Vec<Undo>,
    mark: Mark,
    /// In the last block of a set of validators: the next one, under this block's state.
    pub turnover: Option<Turnover>,
}

/// Earlier records: from the log, and those of the block under way from memory.
struct Earlier<'a, R> {
    log: &'a R,
    first_leaf: u64,
    entries: &'a [Bytes],
}

impl<R: Records> Records for Earlier<'_, R> {
    fn record(&self, leaf_index: u64) -> Option<SignedRecord> {
        match leaf_index.checked_sub(self.first_leaf) {
            Some(place) => SignedRecord::decode(self.entries.get(usize::try_from(place).ok()?)?).ok(),
            None => self.log.record(leaf_index),
        }
    }
}

impl Draft {
    /// Begins the block after `tip`.
    #[must_use]
    pub fn begin(tip: &Tip, graph: &Graph, time_ms: u64) -> Self {
        Self {
            height: tip.next_height(),
            time_ms,
            first_leaf: tip.frontier.size().get(),
            undos: Vec::new(),
            mark: graph.mark(),
            entries: Vec::new(),
            leaf_hashes: Vec::new(),
            ids: Vec::new(),
            consequences: Consequences::default(),
            bytes: 0,
        }
    }

    /// Leaf of the next record.
    #[must_use]
    pub fn next_leaf(&self) -> u64 {
        self.first_leaf + self.entries.len() as u64
    }

    /// First leaf of the block.
    #[must_use]
    pub const fn first_leaf(&self) -> u64 {
        self.first_leaf
    }

    /// Records so far.
    #[must_use]
    pub fn records(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of the entries so far.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Applies a record and gives it the next leaf.
    ///
    /// # Errors
    /// [`NotAdded`]; a rejection changes nothing.
    pub fn add(
        &mut self,
        custody: &mut Custody,
        graph: &mut Graph,
        log: &impl Records,
        record: &VerifiedRecord,
        entry: Bytes,
    ) -> Result<u64, NotAdded> {
        let leaf_index = self.next_leaf();
        let at = Position { leaf_index, height: self.height, block_time_ms: self.time_ms };
        let earlier = Earlier { log, first_leaf: self.first_leaf, entries: &self.entries };
        let change = custody
            .decide(record, &at, &earlier)
            .map_err(|rejection| NotAdded::Rejected(rejection.into()))?;
        let place = self.entries.len() as u32;
        self.consequences.take(graph, place, &record.record().author, &change).map_err(NotAdded::Graph)?;
        self.undos.push(custody.commit(change));
        self.leaf_hashes.push(hash_leaf(&entry));
        self.ids.push(record.id());
        self.bytes += entry.len();
        self.entries.push(entry);
        Ok(leaf_index)
    }

    /// Ends the block: state root, seal, tree root, header.
    #[must_use]
    pub fn seal(mut self, custody: &mut Custody, tip: &Tip, origin: &str, proposer: &str) -> Sealed {
        let state_root = custody.state_root();
        let turnover = ore_store::turnover(custody, self.height);
        let sealing = Sealing {
            origin,
            height: self.height,
            previous: tip.id,
            time_ms: self.time_ms,
            state_root,
            records: self.entries.len() as u32,
        };
        let seal = sealing.seal();
        self.undos.push(custody.seal(seal.id(), self.next_leaf()));
        let entry = Bytes::from(seal.entry());
        self.leaf_hashes.push(hash_leaf(&entry));
        self.ids.push(seal.id());
        self.entries.push(entry);
        let mut frontier = tip.frontier.clone();
        for leaf in &self.leaf_hashes {
            frontier.append(*leaf);
        }
        let root: RootHash = frontier.root();
        let next = ore_store::next_validators(custody, self.height);
        let header = Bytes::from(sealing.header(frontier.size().get(), &root, next, proposer));
        Sealed {
            id: block_id(&header),
            height: self.height,
            time_ms: self.time_ms,
            proposer: proposer.to_owned(),
            header,
            entries: self.entries,
            first_leaf: self.first_leaf,
            frontier,
            leaf_hashes: self.leaf_hashes,
            ids: self.ids,
            consequences: self.consequences,
            undos: self.undos,
            mark: self.mark,
            turnover,
        }
    }

    /// Takes everything back.
    pub fn undo(self, custody: &mut Custody, graph: &mut Graph) {
        undo(self.undos, &self.mark, custody, graph);
    }
}

fn undo(undos: Vec<Undo>, mark: &Mark, custody: &mut Custody, graph: &mut Graph) {
    for undo in undos.into_iter().rev() {
        custody.undo(undo);
    }
    graph.undo_to(mark).expect("the mark was made before what is undone, and undoing never goes below it");
}

/// Takes back what was sealed: its lots were hashed for its state root, and those that stand are hashed again, so that
/// what is proven until the next block is proven of them.
fn unseal(undos: Vec<Undo>, mark: &Mark, custody: &mut Custody, graph: &mut Graph) {
    undo(undos, mark, custody, graph);
    let _ = custody.state_root();
}

impl Sealed {
    /// Takes everything back.
    pub fn undo(self, custody: &mut Custody, graph: &mut Graph) {
        unseal(self.undos, &self.mark, custody, graph);
    }

    /// What stands after it.
    #[must_use]
    pub fn tip(&self) -> Tip {
        Tip { height: Some(self.height), id: self.id, time_ms: self.time_ms, frontier: self.frontier.clone() }
    }

    /// Entries in the log with this block.
    #[must_use]
    pub fn tree_size(&self) -> u64 {
        self.frontier.size().get()
    }

    /// What readers of the live feed are told.
    #[must_use]
    pub fn watch_response(&self) -> ore_wire::v1::WatchResponse {
        let records = self.entries.len() - 1;
        let first = self.ids.first().filter(|_| records > 0);
        ore_wire::v1::WatchResponse {
            height: self.height,
            block_id: Bytes::copy_from_slice(&self.id),
            tree_size: self.tree_size(),
            records: records as u32,
            time_ms: self.time_ms,
            first_record: first.map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default(),
            header: self.header.clone(),
        }
    }

    /// The block as it travels.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        crate::block::encode(&self.header, &self.entries)
    }

    /// For the store; afterwards nothing can be undone any more.
    #[must_use]
    pub fn into_committed(self, certificate: Bytes) -> (CommittedBlock, Applied) {
        let block = CommittedBlock {
            height: self.height,
            header: self.header,
            entries: self.entries,
            certificate,
            consequences: self.consequences,
            leaf_hashes: self.leaf_hashes,
            ids: self.ids,
        };
        (block, Applied { undos: self.undos, mark: self.mark })
    }
}

/// What remains of a block that is on its way to the disk: the way back, if the disk refuses.
#[derive(Debug)]
pub struct Applied {
    undos: Vec<Undo>,
    mark: Mark,
}

impl Applied {
    /// Takes everything back.
    pub fn undo(self, custody: &mut Custody, graph: &mut Graph) {
        unseal(self.undos, &self.mark, custody, graph);
    }
}

/// Why a block cannot stand after a tip.
#[derive(Debug, thiserror::Error)]
pub enum BlockFault {
    /// Its bytes are no block.
    #[error(transparent)]
    Bad(#[from] BadBlock),
    /// It does not follow.
    #[error("the block does not follow this log: {0}")]
    DoesNotFollow(String),
    /// An entry is no record.
    #[error("entry {place}: {why}")]
    Entry {
        /// Place in the block, from 0.
        place: usize,
        /// What is wrong.
        why: String,
    },
    /// Its header or seal is not what its records give.
    #[error("the header is not what the records give")]
    Result,
}

/// How the signatures of somebody's block are checked.
#[derive(Debug, Default)]
pub struct Scrutiny {
    /// Fresh randomness for the batch.
    pub entropy: [u8; 32],
    /// In the entries' order, what this process verified before from the same bytes; it may be shorter.
    pub known: Vec<Option<Arc<VerifiedRecord>>>,
}

/// Applies a whole block that somebody made: every signature and every rule again.
///
/// # Errors
/// [`BlockFault`]; then nothing has changed.
pub fn apply(
    parts: &BlockParts,
    tip: &Tip,
    origin: &str,
    custody: &mut Custody,
    graph: &mut Graph,
    log: &impl Records,
    scrutiny: Scrutiny,
) -> Result<Sealed, BlockFault> {
    let header = &parts.header;
    let fits = header.height == tip.next_height()
        && header.previous_header == tip.id
        && header.origin == origin
        && header.time_ms >= tip.time_ms;
    if !fits {
        return Err(BlockFault::DoesNotFollow(format!("height {} of {}", header.height, header.origin)));
    }
    let records = verified(parts, scrutiny)?;
    let mut draft = Draft::begin(tip, graph, header.time_ms);
    for (place, (record, entry)) in records.iter().zip(&parts.entries).enumerate() {
        if let Err(error) = draft.add(custody, graph, log, record, entry.clone()) {
            draft.undo(custody, graph);
            let why = match error {
                NotAdded::Rejected(rejection) => rejection.to_string(),
                NotAdded::Graph(error) => error.to_string(),
            };
            return Err(BlockFault::Entry { place, why });
        }
    }
    let sealed = draft.seal(custody, tip, origin, &header.proposer);
    if sealed.id != parts.id || sealed.entries.last() != parts.entries.last() {
        sealed.undo(custody, graph);
        return Err(BlockFault::Result);
    }
    Ok(sealed)
}

/// All records but the seal, their signatures checked together, apart from those that were checked before.
fn verified(
    parts: &BlockParts,
    Scrutiny { entropy, mut known }: Scrutiny,
) -> Result<Vec<Arc<VerifiedRecord>>, BlockFault> {
    let (_, records) = parts.entries.split_last().ok_or(BadBlock::Seal)?;
    let fault = |place, why: String| BlockFault::Entry { place, why };
    known.resize(records.len(), None);
    let (mut places, mut decoded) = (Vec::new(), Vec::new());
    for (place, entry) in records.iter().enumerate().filter(|(place, _)| known[*place].is_none()) {
        decoded.push(SignedRecord::decode(entry).map_err(|error| fault(place, error.to_string()))?);
        places.push(place);
    }
    for (place, answer) in places.into_iter().zip(batch::verify(decoded, entropy)) {
        known[place] = Some(Arc::new(answer.map_err(|e: BadSignature| fault(place, e.to_string()))?));
    }
    Ok(known.into_iter().flatten().collect())
}
