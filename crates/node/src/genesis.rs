//! The genesis block, and the directory of a new node.
//!
//! Height 0 holds the consortium's founding records and needs no certificate: its id stands in the
//! trust root, and whoever compares that has compared everything in it.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use ore_custody::{Custody, Records};
use ore_provenance::Graph;
use ore_record::{BadSignature, SignedRecord, v1};

use crate::{
    config::{Config, ConfigErrors},
    consortium::{Consortium, ConsortiumError},
    draft::{Draft, NotAdded, Tip},
    keys::{KeyError, NodeKeys},
};

/// Largest genesis block, in bytes: a hundred members with their facilities.
pub const MAX_GENESIS_BYTES: usize = 8 << 20;

/// A genesis block.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Its bytes.
    pub block: Vec<u8>,
    /// Its id, for the trust root.
    pub id: [u8; 32],
    /// Entries in the log after it.
    pub tree_size: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The validators that decide height 1.
    pub validators: v1::ChangeValidators,
}

/// Why there is no genesis block.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// A record's signature does not verify.
    #[error("founding record {place}: {why}")]
    Signature {
        /// Place in the list, from 0.
        place: usize,
        /// What is wrong with it.
        why: BadSignature,
    },
    /// The rules refuse a record.
    #[error("founding record {place} is refused by rule {}: {}; {}", why.rule, why.message, why.next_step)]
    Rejected {
        /// Place in the list, from 0.
        place: usize,
        /// Why.
        why: Box<ore_custody::Rejection>,
    },
    /// The graph disagrees with the rules: a defect of ours.
    #[error("founding record {place}: {why}")]
    Graph {
        /// Place in the list, from 0.
        place: usize,
        /// Why.
        why: ore_store::graph_feed::FeedError,
    },
    /// Nobody could decide the next block.
    #[error("the founding records name no validators")]
    NoValidators,
    /// Too long.
    #[error("the genesis block has {0} bytes, the limit is {MAX_GENESIS_BYTES}")]
    TooLong(usize),
    /// The trust root cannot be written for it.
    #[error(transparent)]
    Consortium(#[from] ConsortiumError),
    /// Keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A file of the new node cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The configuration that was written cannot be read: a defect of ours.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
}

struct NoLog;

impl Records for NoLog {
    fn record(&self, _: u64) -> Option<SignedRecord> {
        None
    }
}

/// Builds the genesis block from founding records, in their order: profile, members, facilities, and the
/// validators.
///
/// # Errors
/// [`GenesisError`] names the record and what is wrong with it.
pub fn build(origin: &str, time_ms: u64, records: Vec<SignedRecord>) -> Result<Genesis, GenesisError> {
    let (mut custody, mut graph, tip) = (Custody::new(origin), Graph::new(), Tip::nothing());
    let mut draft = Draft::begin(&tip, &graph, time_ms);
    for (place, record) in records.into_iter().enumerate() {
        let entry = Bytes::from(record.entry());
        let record = record.verify().map_err(|why| GenesisError::Signature { place, why })?;
        draft.add(&mut custody, &mut graph, &NoLog, &record, entry).map_err(|error| match error {
            NotAdded::Rejected(why) => GenesisError::Rejected { place, why },
            NotAdded::Graph(why) => GenesisError::Graph { place, why },
        })?;
    }
    let validators = custody.validators_at(1).ok_or(GenesisError::NoValidators)?.set.clone();
    let sealed = draft.seal(&mut custody, &tip, origin, "");
    let block = sealed.encode();
    if block.len() > MAX_GENESIS_BYTES {
        return Err(GenesisError::TooLong(block.len()));
    }
    Ok(Genesis { block, id: sealed.id, tree_size: sealed.tree_size(), time_ms, validators })
}

/// Writes everything a node needs into `dir`: `consortium.toml`, `genesis.block`, `keys/` and `node.toml`.
/// Existing keys are kept when they are the same directory's; existing files are never overwritten silently with
/// other content.
///
/// # Errors
/// [`GenesisError`].
pub fn install(
    dir: &Path,
    genesis: &Genesis,
    consortium: &Consortium,
    keys: &NodeKeys,
    member: &str,
    listen: SocketAddr,
    admin_listen: SocketAddr,
) -> Result<Config, GenesisError> {
    fs::create_dir_all(dir).map_err(|source| GenesisError::Write { path: dir.to_owned(), source })?;
    keys.save(&dir.join("keys"))?;
    write_new(&dir.join("consortium.toml"), consortium.to_text().as_bytes())?;
    write_new(&dir.join("genesis.block"), &genesis.block)?;
    let text = format!(
        "# One node of {}. Every field is told in full in node-config/README.md.\n\
         member = \"{member}\"\n\
         consortium = \"consortium.toml\"\n\
         genesis = \"genesis.block\"\n\
         keys = \"keys\"\n\
         data = \"data\"\n\
         listen = \"{listen}\"\n\
         admin_listen = \"{admin_listen}\"\n",
        consortium.origin
    );
    let path = dir.join("node.toml");
    write_new(&path, text.as_bytes())?;
    Ok(Config::load(&path)?)
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), GenesisError> {
    let failed = |source| GenesisError::Write { path: path.to_owned(), source };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(failed)
}
