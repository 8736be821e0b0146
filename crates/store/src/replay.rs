//! Replay: the rules applied to blocks that are already in the log.
//!
//! Recovery, rebuilding and fsck all come through here, with the same custody code that decided the records
//! the first time; what does not follow from what went before is damage, named at its place.

use std::collections::BTreeMap;

use ore_custody::{Custody, Position, Records};
use ore_merkle::{Frontier, LeafIndex, RootHash};
use ore_provenance::Graph;
use ore_record::{SignedRecord, rules::Rules, v1, v1::record::Event};
use ore_verify::Turnover;
use sha2::{Digest, Sha256};

use crate::{
    block::Consequences,
    checked::{CheckedBlock, EntryContent},
    damage::{Damage, Fault, Place},
    error::StoreError,
    header::BlockId,
    positions::{BlockRows, Positions},
};

/// Counts of what was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Blocks.
    pub blocks: u64,
    /// Entries, seals included.
    pub entries: u64,
    /// Signatures of records.
    pub signatures: u64,
    /// Records that only the cofactored rule accepts (rule S1); counted when asked for.
    pub crafted: Option<u64>,
}

/// The state between two blocks.
pub struct Replay {
    /// The ledger's origin.
    pub origin: String,
    /// Custody after the blocks so far.
    pub custody: Custody,
    /// The graph; it may already be ahead of custody.
    pub graph: Graph,
    /// Blocks that the graph holds already.
    pub graph_blocks: u64,
    /// The tree.
    pub frontier: Frontier,
    /// Header of the newest block.
    pub header: Option<v1::BlockHeader>,
    /// Its id.
    pub block_id: BlockId,
    /// Where everything lies.
    pub positions: Positions,
    /// What was checked so far.
    pub counts: Counts,
    /// Whether the writes of custody state are wanted; fsck compares states whole and needs none.
    pub keep_state: bool,
    /// Sizes at which the root is wanted, and the roots that came up.
    pub watched: BTreeMap<u64, Option<RootHash>>,
}

/// What came out of one block.
#[derive(Debug)]
pub struct Replayed {
    /// Rows of the index.
    pub rows: BlockRows,
    /// Writes of the view and feed of the graph.
    pub consequences: Consequences,
}

/// Reads earlier records from the log, and those of the block under way from memory.
struct Earlier<'a> {
    positions: &'a Positions,
    block: &'a CheckedBlock,
    first_leaf: u64,
}

impl Records for Earlier<'_> {
    fn record(&self, leaf_index: u64) -> Option<SignedRecord> {
        if let Some(place) = leaf_index.checked_sub(self.first_leaf) {
            let entry = self.block.block.entries.get(usize::try_from(place).ok()?)?;
            return SignedRecord::decode(entry).ok();
        }
        SignedRecord::decode(&self.positions.read_entry(leaf_index).ok()??).ok()
    }
}

impl Replay {
    /// Before the first block.
    #[must_use]
    pub fn from_nothing(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            custody: Custody::new(origin),
            graph: Graph::new(),
            graph_blocks: 0,
            frontier: Frontier::new(),
            header: None,
            block_id: BlockId([0; 32]),
            positions: Positions::default(),
            counts: Counts::default(),
            keep_state: true,
            watched: BTreeMap::new(),
        }
    }

    /// Height of the next block.
    #[must_use]
    pub fn next_height(&self) -> u64 {
        self.header.as_ref().map_or(0, |header| header.height + 1)
    }

    /// Checks one block and applies it.
    ///
    /// # Errors
    /// [`StoreError::Damaged`]: the first thing that is wrong; the state is then of no more use.
    /// [`StoreError::NewerRules`]: it is judged by rules that are not known here.
    pub fn block(&mut self, checked: &CheckedBlock) -> Result<Replayed, StoreError> {
        let header = self.check_header(checked)?;
        self.custody.rules_at(header.height, Rules::NEWEST)?;
        let first_leaf = self.frontier.size().get();
        let mut consequences = Consequences::default();
        for place in 0..checked.entries.len() {
            self.entry(checked, &header, first_leaf, place, &mut consequences)?;
        }
        self.check_roots(checked, &header)?;
        let hashes = checked.entries.iter().map(|entry| entry.leaf_hash).collect();
        let ids = checked.entries.iter().map(|entry| entry.id).collect();
        let rows = BlockRows::with_hashes(first_leaf, checked.frame, &checked.block, hashes, ids);
        if self.positions.blocks() == header.height {
            self.positions.push(rows.slot, &rows.lengths, &checked.segment);
        }
        self.counts.blocks += 1;
        self.counts.entries += checked.entries.len() as u64;
        self.block_id = checked.id;
        self.header = Some(header);
        Ok(Replayed { rows, consequences })
    }

    fn check_header(&self, checked: &CheckedBlock) -> Result<v1::BlockHeader, Damage> {
        let wrong = |fault, expected: String, found: String| {
            Err(Damage::new(fault, checked.place(), expected, found))
        };
        let header = match &checked.header {
            Ok(header) => header.clone(),
            Err(why) => return wrong(Fault::Header, "a canonical header".into(), why.clone()),
        };
        if header.origin != self.origin {
            return wrong(Fault::HeaderChain, format!("origin {}", self.origin), header.origin);
        }
        let height = self.next_height();
        if header.height != height {
            return wrong(
                Fault::HeaderChain,
                format!("height {height}"),
                format!("height {}", header.height),
            );
        }
        if header.previous_header != self.block_id.0 {
            let expected = format!("previous header {}", self.block_id);
            return wrong(Fault::HeaderChain, expected, hex(&header.previous_header));
        }
        if let Some(before) = &self.header
            && header.time_ms < before.time_ms
        {
            let expected = format!("time {} ms or later", before.time_ms);
            return wrong(Fault::BlockTime, expected, format!("{} ms", header.time_ms));
        }
        Ok(header)
    }

    fn entry(
        &mut self,
        checked: &CheckedBlock,
        header: &v1::BlockHeader,
        first_leaf: u64,
        place: usize,
        consequences: &mut Consequences,
    ) -> Result<(), Damage> {
        let entry = &checked.entries[place];
        let leaf = first_leaf + place as u64;
        let wrong = |fault, expected: &str, found: String| {
            Err(Damage::new(fault, checked.entry_place(first_leaf, place), expected, found))
        };
        let last = place + 1 == checked.entries.len();
        match &entry.content {
            EntryContent::Bad(bad) => return wrong(Fault::Entry, "a canonical record", bad.to_string()),
            EntryContent::Forged(bad) => {
                return wrong(Fault::Signature, "a signature that verifies", bad.to_string());
            }
            EntryContent::Seal(seal) => {
                if !last {
                    return wrong(
                        Fault::Seal,
                        "one seal, at the end of its block",
                        "a seal before it".into(),
                    );
                }
                self.check_seal(checked, header, seal, checked.entry_place(first_leaf, place))?;
                let _ = self.custody.seal(entry.id, leaf);
            }
            EntryContent::Record(record, strict) => {
                if last {
                    return wrong(Fault::Seal, "the seal of its block", "another record".into());
                }
                self.counts.signatures += 1;
                if let Some(strict) = strict {
                    *self.counts.crafted.get_or_insert(0) += u64::from(!strict);
                }
                let at = Position { leaf_index: leaf, height: header.height, block_time_ms: header.time_ms };
                let earlier = Earlier { positions: &self.positions, block: checked, first_leaf };
                let change = match self.custody.decide(record, &at, &earlier) {
                    Ok(change) => change,
                    Err(no) => {
                        let found = format!("rule {:?}: {}", no.rule, no.message);
                        return wrong(Fault::Rule, "a record that the rules let in", found);
                    }
                };
                let graph = (self.graph_blocks <= header.height).then_some(&mut self.graph);
                consequences
                    .take_with(graph, place as u32, &record.record().author, &change, self.keep_state)
                    .or_else(|error| {
                        wrong(Fault::Graph, "a step that the graph accepts", error.to_string())
                    })?;
                let _ = self.custody.commit(change);
            }
        }
        self.frontier.append(entry.leaf_hash);
        if let Some(root) = self.watched.get_mut(&(leaf + 1)) {
            *root = Some(self.frontier.root());
        }
        Ok(())
    }

    fn check_seal(
        &mut self,
        checked: &CheckedBlock,
        header: &v1::BlockHeader,
        seal: &SignedRecord,
        place: Place,
    ) -> Result<(), Damage> {
        let state_root = self.custody.state_root();
        let expected = v1::Record {
            origin: self.origin.clone(),
            event: Some(Event::BlockSeal(v1::BlockSeal {
                height: header.height,
                previous_header: self.block_id.0.to_vec(),
                time_ms: header.time_ms,
                state_root: state_root.to_vec(),
                records: checked.entries.len() as u32 - 1,
            })),
            ..v1::Record::default()
        };
        // Compared by what a seal says; nonce and times of its envelope are the sequencer's.
        if seal.record().event == expected.event && seal.record().origin == expected.origin {
            return Ok(());
        }
        let Event::BlockSeal(found) = seal.event() else { unreachable!("is_seal was asked") };
        if found.state_root != state_root {
            return Err(Damage::new(Fault::StateRoot, place, hex(&state_root), hex(&found.state_root)));
        }
        let expected = format!("seal of height {} with {} records", header.height, checked.entries.len() - 1);
        Err(Damage::new(Fault::Seal, place, expected, format!("{found:?}")))
    }

    fn check_roots(&mut self, checked: &CheckedBlock, header: &v1::BlockHeader) -> Result<(), Damage> {
        let wrong = |fault, expected: String, found: String| {
            Err(Damage::new(fault, checked.place(), expected, found))
        };
        if checked.entries.is_empty() {
            return wrong(Fault::Seal, "a seal".into(), "no entries".into());
        }
        let (size, root) = (self.frontier.size().get(), self.frontier.root());
        if header.tree_size != size {
            return wrong(Fault::TreeRoot, format!("tree size {size}"), header.tree_size.to_string());
        }
        if header.tree_root != root.as_bytes() {
            return wrong(Fault::TreeRoot, root.to_string(), hex(&header.tree_root));
        }
        let state_root = self.custody.state_root();
        if header.state_root != state_root {
            return wrong(Fault::StateRoot, hex(&state_root), hex(&header.state_root));
        }
        let validators = next_validators(&self.custody, header.height);
        if header.next_validators != validators {
            return wrong(Fault::ValidatorSet, hex(&validators), hex(&header.next_validators));
        }
        Ok(())
    }

    /// Size and root of the tree so far.
    #[must_use]
    pub fn tree(&self) -> (u64, RootHash) {
        (self.frontier.size().get(), self.frontier.root())
    }
}

/// What the header of `height` says about the next set of validators: SHA-256 of the canonical ChangeValidators
/// that decides `height + 1`, or of nothing while there is none.
#[must_use]
pub fn next_validators(custody: &Custody, height: u64) -> [u8; 32] {
    use prost::Message as _;
    let set = custody.validators_at(height + 1).map(|validators| validators.set.encode_to_vec());
    Sha256::digest(set.unwrap_or_default()).into()
}

/// In the last block of a term: the next set of validators, under the state that the block's seal commits to; `None`
/// in every other block. To be asked right after [`Custody::state_root`], before another record is applied.
#[must_use]
pub fn turnover(custody: &mut Custody, height: u64) -> Option<Turnover> {
    let (place, from_height) =
        custody.placed_validators_at(height + 1).map(|(place, set)| (place, set.from_height))?;
    // The genesis block hands over to nobody: its set is in the trust root.
    if height == 0 || from_height != height + 1 {
        return None;
    }
    let head_root = *custody.head_root().as_bytes();
    let tree = custody.roster_tree();
    Some(Turnover {
        head_root,
        index: place.into(),
        size: tree.size().get(),
        leaf: custody.roster()[place as usize].leaf(),
        path: tree.inclusion_proof(LeafIndex::new(place.into())).ok()?,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
