//! fsck: everything recomputed from bytes, the first wrong thing named.
//!
//! The log is read once, in order: frames, checksums, entries, signatures in batches, custody rules, seals, roots,
//! certificates. On the way everything made from it is compared: flat files, view, graph, checkpoint, promise,
//! exported tiles. Memory: two states (the replayed and the stored one) and some MiB of queues.

mod aside;
mod made;

use std::{collections::BTreeMap, path::Path, path::PathBuf, sync::Arc};

use ore_checkpoint::{Checkpoint, Policy};
use ore_merkle::RootHash;
use ore_record::rules::Rules;

use crate::{
    checked::{CheckedBlock, Met, read_checked},
    damage::{Damage, Fault, Place},
    disk::{Access, Disk, RealDisk},
    error::StoreError,
    header,
    log::{self, LOG_DIR, LogEnd, Start},
    replay::{Counts, Replay},
    store::{Phase, Progress},
    tree::LogTree,
};

/// A question for whoever knows certificates: did more than two thirds of these commit to this block, and was it the
/// turn of whom its header names? Asked once per block after genesis, in their order.
#[derive(Debug)]
pub struct CertificateQuestion<'a> {
    /// The ledger's origin.
    pub origin: &'a str,
    /// Height of the block.
    pub height: u64,
    /// Its id.
    pub block_id: [u8; 32],
    /// The certificate's bytes.
    pub certificate: &'a [u8],
    /// The validators that decide this height: member and consensus key.
    pub validators: Vec<(&'a str, [u8; 32])>,
    /// First height that they decide.
    pub term: u64,
    /// The rules of this height.
    pub rules: Rules,
    /// Whom the header names as its proposer.
    pub proposer: &'a str,
}

/// Why a block is not certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncertified {
    /// No quorum vouches for it; why not.
    Certificate(String),
    /// Its header names somebody else than those whose turn it was until it was decided, in the order of their turns.
    OutOfTurn(Vec<String>),
}

/// Answers a [`CertificateQuestion`], or says why not.
pub type CertificateCheck<'a> = &'a (dyn Fn(&CertificateQuestion<'_>) -> Result<(), Uncertified> + Sync);

/// What to check beside the ledger's own folder.
#[derive(Clone)]
pub struct FsckOptions<'a> {
    /// The ledger's origin; from genesis when not given.
    pub origin: Option<String>,
    /// Id of the genesis block, from the trust root.
    pub genesis: Option<[u8; 32]>,
    /// Checks certificates. Without it they are counted as not checked.
    pub certificates: Option<CertificateCheck<'a>>,
    /// Who must have signed the published checkpoint. Without it only its body is checked.
    pub policy: Option<&'a Policy>,
    /// A checkpoint that somebody remembers: the log must extend it.
    pub remembered: Option<Checkpoint>,
    /// A folder with exported tiles; needs 64 bytes of memory per leaf.
    pub tiles: Option<PathBuf>,
    /// This node signs checkpoints, so it must have a promise at least as new as what it published.
    pub signs: bool,
    /// Ask stricter verifiers about each signature too (rule S1), about 25 µs a record.
    pub strict: bool,
    /// The node has crashed and was not started since: a torn tail and an index that lags are no damage.
    pub after_crash: bool,
    /// The disk.
    pub disk: Arc<dyn Disk>,
}

impl Default for FsckOptions<'_> {
    fn default() -> Self {
        Self {
            origin: None,
            genesis: None,
            certificates: None,
            policy: None,
            remembered: None,
            tiles: None,
            signs: true,
            strict: false,
            after_crash: false,
            disk: Arc::new(RealDisk),
        }
    }
}

/// What was checked, and the first thing that is wrong.
#[derive(Clone, Debug)]
pub struct FsckReport {
    /// Name of each check and how many things it looked at, in the order of the checks.
    pub checks: Vec<(&'static str, u64)>,
    /// Blocks, entries, signatures.
    pub counts: Counts,
    /// Leaves and root of the log, as far as it was read.
    pub tree: (u64, RootHash),
    /// Blocks that the view lags behind the log; the next start catches up.
    pub view_lag_blocks: u64,
    /// Checks that were left out, and why.
    pub left_out: Vec<&'static str>,
    /// The first thing that is wrong.
    pub damage: Option<Damage>,
}

impl FsckReport {
    /// Whether everything is as it should be.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.damage.is_none()
    }
}

/// Checks the ledger in `dir`, which no other process may have open.
///
/// # Errors
/// When the disk cannot be read at all; whatever is wrong with its bytes stands in the report.
pub fn fsck(dir: &Path, options: &FsckOptions<'_>, progress: Progress<'_>) -> Result<FsckReport, StoreError> {
    let _lock = crate::open::lock(dir)?;
    let mut check = Fsck::new(dir, options);
    let damage = match check.run(progress) {
        Ok(()) => None,
        Err(StoreError::Damaged(damage)) => Some(*damage),
        Err(error) => return Err(error),
    };
    Ok(check.report(damage))
}

struct Fsck<'a> {
    dir: &'a Path,
    options: &'a FsckOptions<'a>,
    replay: Replay,
    checks: BTreeMap<Check, u64>,
    left_out: Vec<&'static str>,
    view_lag_blocks: u64,
    /// Held in memory while tiles are to be checked.
    tree: Option<LogTree>,
}

/// The checks, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Check {
    Segments,
    Frames,
    Headers,
    Entries,
    Signatures,
    Seals,
    Certificates,
    FlatRows,
    AuthorRows,
    ViewState,
    Graph,
    Checkpoint,
    Promise,
    Remembered,
    Tiles,
}

impl Check {
    const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments: names, headers, order",
            Self::Frames => "frames: length, CRC, place, padding",
            Self::Headers => "headers: canonical, chain, time, tree root, state root, next validators",
            Self::Entries => "entries: canonical, leaf hash",
            Self::Signatures => "records: signature, key validity, every rule",
            Self::Seals => "seals: height, previous header, time, state root, count",
            Self::Certificates => "certificates: quorum of the validators of that height, proposer in turn",
            Self::FlatRows => "blocks in the flat files: leaf hashes, record ids, lengths, positions",
            Self::AuthorRows => "rows of the index by author",
            Self::ViewState => "lots and roster entries in the view, equal to the replayed state",
            Self::Graph => "lots in the stored provenance graph, equal to the replayed graph",
            Self::Checkpoint => "published checkpoints: body, signatures",
            Self::Promise => "promises: body, not older than the checkpoint",
            Self::Remembered => "remembered checkpoints that the log extends",
            Self::Tiles => "exported tiles and bundles",
        }
    }
}

fn replay_for(origin: &str) -> Replay {
    Replay { keep_state: false, ..Replay::from_nothing(origin) }
}

impl<'a> Fsck<'a> {
    fn new(dir: &'a Path, options: &'a FsckOptions<'a>) -> Self {
        Self {
            dir,
            options,
            replay: replay_for(options.origin.as_deref().unwrap_or_default()),
            checks: BTreeMap::new(),
            left_out: Vec::new(),
            view_lag_blocks: 0,
            tree: options.tiles.as_ref().map(|_| LogTree::default()),
        }
    }

    fn report(self, damage: Option<Damage>) -> FsckReport {
        FsckReport {
            checks: self.checks.iter().map(|(check, count)| (check.name(), *count)).collect(),
            counts: self.replay.counts,
            tree: self.replay.tree(),
            view_lag_blocks: self.view_lag_blocks,
            left_out: self.left_out,
            damage,
        }
    }

    fn count(&mut self, check: Check, more: u64) {
        *self.checks.entry(check).or_default() += more;
    }

    fn run(&mut self, progress: Progress<'_>) -> Result<(), StoreError> {
        let disk = Arc::clone(&self.options.disk);
        let segments = log::open_segments(&*disk, &self.dir.join(LOG_DIR), Access::Read)?;
        self.count(Check::Segments, segments.len() as u64);
        let papers = aside::Papers::read(self)?;
        let mut made = made::Made::open(self)?;
        let end = std::thread::scope(|scope| {
            for met in read_checked(scope, segments, Start::GENESIS, self.options.strict) {
                match met.recv().map_err(|_| StoreError::IndexGone)? {
                    Met::Blocks(blocks) => {
                        for block in &blocks {
                            self.block(block, &mut made)?;
                        }
                        progress(Phase::Fsck, self.replay.frontier.size().get(), None);
                    }
                    Met::End(end) => return Ok(end),
                    Met::Unreadable(error) => return Err(error),
                }
            }
            Ok(LogEnd::Stopped)
        })?;
        self.tail(end)?;
        made.finish(self)?;
        papers.check(self)?;
        aside::check_tiles(self)
    }

    fn block(&mut self, checked: &CheckedBlock, made: &mut made::Made) -> Result<(), StoreError> {
        if self.replay.header.is_none() {
            self.check_genesis(checked)?;
        }
        let replayed = self.replay.block(checked)?;
        if let Some(tree) = &mut self.tree {
            tree.extend(checked.entries.iter().map(|entry| entry.leaf_hash));
        }
        self.count(Check::Frames, 1);
        self.count(Check::Headers, 1);
        self.count(Check::Seals, 1);
        self.count(Check::Entries, checked.entries.len() as u64);
        self.count(Check::Signatures, checked.entries.len() as u64 - 1);
        self.check_certificate(checked)?;
        made.block(self, checked, replayed)
    }

    fn check_genesis(&mut self, checked: &CheckedBlock) -> Result<(), Damage> {
        if let Some(genesis) = self.options.genesis
            && checked.id.0 != genesis
        {
            let expected = format!("genesis {}", header::BlockId(genesis));
            return Err(Damage::new(Fault::HeaderChain, checked.place(), expected, checked.id.to_string()));
        }
        if self.options.origin.is_none()
            && let Ok(header) = &checked.header
        {
            let watched = std::mem::take(&mut self.replay.watched);
            self.replay = replay_for(&header.origin);
            self.replay.watched = watched;
        }
        Ok(())
    }

    fn check_certificate(&mut self, checked: &CheckedBlock) -> Result<(), StoreError> {
        let (height, bytes) = (checked.block.height, &checked.block.certificate);
        let wrong = |expected: String, found: String| {
            Err(Damage::new(Fault::Certificate, checked.place(), expected, found).into())
        };
        if height == 0 {
            return match bytes.is_empty() {
                true => Ok(()),
                false => wrong("no certificate: the trust root vouches for genesis".into(), "one".into()),
            };
        }
        let Some(check) = self.options.certificates else {
            if !self.left_out.contains(&"certificates: nobody was named to check them") {
                self.left_out.push("certificates: nobody was named to check them");
            }
            return Ok(());
        };
        let custody = &self.replay.custody;
        let set = custody.validators_at(height);
        let validators = set.into_iter().flat_map(|set| &set.set.validators);
        let validators = validators
            .filter_map(|v| Some((v.member.as_str(), v.consensus_key.as_slice().try_into().ok()?)))
            .collect();
        let question = CertificateQuestion {
            origin: &self.replay.origin,
            height,
            block_id: checked.id.0,
            certificate: bytes,
            validators,
            term: set.map_or(0, |set| set.from_height),
            rules: custody.rules_at(height, Rules::NEWEST)?,
            proposer: self.replay.header.as_ref().map_or("", |header| &header.proposer),
        };
        match check(&question) {
            Ok(()) => self.count(Check::Certificates, 1),
            Err(Uncertified::Certificate(why)) => return wrong("a quorum of the validators".into(), why),
            Err(Uncertified::OutOfTurn(turns)) => {
                let expected = format!("{}, whose turn it was", turns.join(" or "));
                let found = question.proposer;
                return Err(Damage::new(Fault::Proposer, checked.place(), expected, found).into());
            }
        }
        Ok(())
    }

    fn tail(&self, end: LogEnd) -> Result<(), Damage> {
        match end {
            LogEnd::Damaged(damage) => Err(damage),
            LogEnd::End { tail: Some((mut damage, follows)), .. } => {
                if self.options.after_crash && !follows {
                    return Ok(());
                }
                if !follows && damage.fault == Fault::Frame {
                    damage.fault = Fault::TrailingBytes;
                    damage.expected = format!("{} or the end of the log", damage.expected).into();
                }
                Err(damage)
            }
            LogEnd::End { tail: None, .. } => Ok(()),
            LogEnd::Stopped => Err(Damage::new(
                Fault::Segment,
                Place::default(),
                "the end of the log",
                "a reader that stopped",
            )),
        }
    }
}
