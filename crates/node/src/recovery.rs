//! From a directory to a running state: the log is opened, an empty one gets its genesis block.

use std::path::PathBuf;

use bytes::Bytes;
use ore_checkpoint::KeyName;
use ore_custody::Custody;
use ore_merkle::{Frontier, TreeSize, hash_leaf};
use ore_provenance::Graph;
use ore_record::{
    rules::{Rules, UnknownRules},
    state::block_id,
};
use ore_store::{Reader, Recovered, Store, StoreError, StoreOptions, silent};

use crate::{
    block,
    config::Config,
    consortium::Consortium,
    draft::{self, BlockFault, Tip},
    genesis::MAX_GENESIS_BYTES,
};

/// A ledger that can be continued.
pub struct Opened {
    /// One writer.
    pub store: Store,
    /// Custody after the newest block.
    pub custody: Custody,
    /// The graph after it.
    pub graph: Graph,
    /// What the next block follows.
    pub tip: Tip,
    /// The rules of the next block.
    pub rules: Rules,
}

/// Why a ledger cannot be opened. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The next block is judged by rules that this program does not know.
    #[error(transparent)]
    NewerRules(#[from] UnknownRules),
    /// The genesis file cannot be read.
    #[error("read the genesis block {}", path.display())]
    ReadGenesis {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is not what its id promises.
    #[error("the genesis block in {} cannot be applied", path.display())]
    BadGenesis {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: BlockFault,
    },
    /// The data or the genesis file belongs to another ledger than the trust root.
    #[error("{what} is of the ledger with genesis {found}, the trust root names {expected}")]
    OtherLedger {
        /// What.
        what: &'static str,
        /// Its genesis, in hexadecimal.
        found: String,
        /// The trust root's.
        expected: String,
    },
    /// The origin is no name that a log can have.
    #[error("origin {0:?} of the trust root is no name for a log: no spaces, no '+'")]
    Origin(String),
    /// The log says something about itself that cannot be.
    #[error("the tree of the log cannot be continued at {0} entries")]
    Frontier(u64),
}

/// Opens the store, gives it its genesis block if it is empty, and checks that it is the trust root's ledger.
///
/// # Errors
/// [`OpenError`].
pub fn open(config: &Config, consortium: &Consortium) -> Result<Opened, OpenError> {
    if KeyName::new(&consortium.origin).is_err() {
        return Err(OpenError::Origin(consortium.origin.clone()));
    }
    let options = StoreOptions::new(&consortium.origin);
    let (mut store, recovered) = Store::open(&config.data, &options, &silent)?;
    let Recovered { mut custody, mut graph, newest, replayed_blocks, rebuilt, torn_bytes, .. } = recovered;
    if torn_bytes > 0 {
        tracing::warn!(bytes = torn_bytes, "a torn tail of the log was cut off; it was never acknowledged");
    }
    if let Some(reason) = rebuilt {
        tracing::warn!(%reason, "the view was made again from the log");
    }
    tracing::info!(replayed_blocks, entries = store.reader().size().get(), "ledger opened");
    let tip = match newest {
        Some((header, id)) => {
            check_first_block(&store.reader(), consortium)?;
            let frontier = frontier(&store.reader())?;
            Tip { height: Some(header.height), id: id.0, time_ms: header.time_ms, frontier }
        }
        None => begin(config, consortium, &mut store, &mut custody, &mut graph)?,
    };
    let rules = custody.rules_at(tip.next_height(), config.newest_rules)?;
    Ok(Opened { store, custody, graph, tip, rules })
}

fn other(what: &'static str, found: [u8; 32], consortium: &Consortium) -> OpenError {
    let hex = |bytes| ore_record::RecordId::from_bytes(bytes).to_string();
    OpenError::OtherLedger { what, found: hex(found), expected: hex(consortium.genesis) }
}

fn check_first_block(reader: &Reader, consortium: &Consortium) -> Result<(), OpenError> {
    let first = reader.block(0)?.map(|block| block_id(&block.header)).unwrap_or_default();
    if first == consortium.genesis { Ok(()) } else { Err(other("the data", first, consortium)) }
}

/// The first block of an empty ledger, through the same code as every other.
fn begin(
    config: &Config,
    consortium: &Consortium,
    store: &mut Store,
    custody: &mut Custody,
    graph: &mut Graph,
) -> Result<Tip, OpenError> {
    let path = config.genesis.clone();
    let bytes =
        std::fs::read(&path).map_err(|source| OpenError::ReadGenesis { path: path.clone(), source })?;
    let bad = |source: BlockFault| OpenError::BadGenesis { path: path.clone(), source };
    let parts = block::decode(&Bytes::from(bytes), MAX_GENESIS_BYTES).map_err(|error| bad(error.into()))?;
    if parts.id != consortium.genesis {
        return Err(other("the genesis block", parts.id, consortium));
    }
    let mut entropy = [0; 32];
    getrandom::fill(&mut entropy)
        .map_err(|_| bad(BlockFault::DoesNotFollow("no randomness from the operating system".into())))?;
    let reader = store.reader();
    let sealed = draft::apply(
        &parts,
        &Tip::nothing(),
        &consortium.origin,
        custody,
        graph,
        &reader,
        draft::Scrutiny { entropy, known: Vec::new() },
    );
    let sealed = sealed.map_err(bad)?;
    let tip = sealed.tip();
    let (block, _) = sealed.into_committed(Bytes::new());
    store.append(block)?;
    Ok(tip)
}

/// The right border of the tree, from the last leaf and its path: in a path to the last leaf all hashes are left
/// siblings, which are the peaks of the tree before it.
fn frontier(reader: &Reader) -> Result<Frontier, OpenError> {
    let size = reader.size().get();
    let lost = || OpenError::Frontier(size);
    let last = size.checked_sub(1).ok_or_else(lost)?;
    let path = reader.prove_inclusion(last, TreeSize::new(size)).map_err(|_| lost())?;
    let mut bytes = last.to_be_bytes().to_vec();
    path.hashes().iter().rev().for_each(|hash| bytes.extend_from_slice(hash.as_bytes()));
    let mut frontier = Frontier::from_bytes(&bytes).map_err(|_| lost())?;
    frontier.append(hash_leaf(&reader.entry(last)?.ok_or_else(lost)?));
    let same = reader.root_at(TreeSize::new(size)) == Some(frontier.root());
    if same { Ok(frontier) } else { Err(lost()) }
}
