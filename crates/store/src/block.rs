//! Blocks on their way into the store, with what follows from their records.

use std::collections::BTreeMap;

use bytes::Bytes;
use ore_custody::Change;
use ore_merkle::{LeafHash, hash_leaf};
use ore_provenance::Graph;
use ore_record::RecordId;

use crate::{
    batch::Write,
    graph_feed::{self, FeedError},
    positions::record_id,
    view::{PREFIX_AUTHOR, PREFIX_STATE},
};

/// What a block's records change in the view: custody state, the graph, the index by author.
#[derive(Clone, Debug, Default)]
pub struct Consequences {
    pub(crate) writes: Vec<Write>,
    pub(crate) feed: Vec<u8>,
    authors: BTreeMap<String, Vec<u8>>,
}

impl Consequences {
    /// Takes one record's change, before it is committed, and feeds the graph with it. `place` counts the
    /// entries of the block from 0.
    ///
    /// # Errors
    /// [`FeedError`] when the graph refuses what custody admitted.
    pub fn take(
        &mut self,
        graph: &mut Graph,
        place: u32,
        author: &str,
        change: &Change,
    ) -> Result<(), FeedError> {
        self.take_with(Some(graph), place, author, change, true)
    }

    /// As [`Consequences::take`]; without a graph that already has the record, and without state that nobody will store.
    pub(crate) fn take_with(
        &mut self,
        graph: Option<&mut Graph>,
        place: u32,
        author: &str,
        change: &Change,
        keep_state: bool,
    ) -> Result<(), FeedError> {
        if let Some(graph) = graph {
            graph_feed::feed(graph, change.leaf(), change.effects(), &mut self.feed)?;
        }
        if keep_state {
            self.writes.extend(change.writes().map(|(key, value)| (state_key(&key), value)));
        }
        self.authors.entry(author.to_owned()).or_default().extend_from_slice(&place.to_be_bytes());
        Ok(())
    }

    /// All writes of the block of this height.
    pub(crate) fn into_writes(self, height: u64) -> (Vec<Write>, Vec<u8>) {
        let mut writes = self.writes;
        for (author, places) in self.authors {
            writes.push((author_key(&author, height), Some(places)));
        }
        (writes, self.feed)
    }
}

fn state_key(key: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::with_capacity(1 + key.len());
    prefixed.push(PREFIX_STATE);
    prefixed.extend_from_slice(key);
    prefixed
}

/// Key of the records of one author in one block.
#[must_use]
pub fn author_key(author: &str, height: u64) -> Vec<u8> {
    let mut key = author_prefix(author);
    key.extend_from_slice(&height.to_be_bytes());
    key
}

/// What all keys of one author begin with.
#[must_use]
pub fn author_prefix(author: &str) -> Vec<u8> {
    let mut key = vec![PREFIX_AUTHOR];
    key.extend_from_slice(author.as_bytes());
    key.push(0);
    key
}

/// A decided block, to be stored.
#[derive(Clone, Debug)]
pub struct CommittedBlock {
    /// Its height.
    pub height: u64,
    /// Canonical BlockHeader.
    pub header: Bytes,
    /// Canonical SignedRecords, the seal last.
    pub entries: Vec<Bytes>,
    /// The ordering engine's certificate; empty for genesis.
    pub certificate: Bytes,
    /// What follows from it.
    pub consequences: Consequences,
    /// Hash of each entry.
    pub leaf_hashes: Vec<LeafHash>,
    /// Id of each record, the seal's included.
    pub ids: Vec<RecordId>,
}

impl CommittedBlock {
    /// A block whose hashes are computed here. Who has them already fills the fields.
    #[must_use]
    pub fn new(
        height: u64,
        header: Bytes,
        entries: Vec<Bytes>,
        certificate: Bytes,
        consequences: Consequences,
    ) -> Self {
        let leaf_hashes = entries.iter().map(|entry| hash_leaf(entry)).collect();
        let ids = entries.iter().map(|entry| record_id(entry)).collect();
        Self { height, header, entries, certificate, consequences, leaf_hashes, ids }
    }
}
