//! Witnesses (C2SP tlog-witness): this node as one for other ledgers, and others for ours.
//!
//! As a witness, the node cosigns a checkpoint of a log that it was told to watch, if it continues what it has
//! cosigned of that log before. What it has cosigned is on the disk before the answer leaves. Its own ledger it
//! never cosigns this way: there its promise file decides.

pub mod ask;

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use ore_checkpoint::{
    AddCheckpointRequest, Cosigner, Policy, RequestInconsistent, SignedCheckpoint, UnixSeconds, VerifierKey,
};
use ore_merkle::{RootHash, TreeSize, hash_leaf};
use ore_verify::Evidence;

use crate::{faults::Faults, sequencer::now_ms};

/// Largest file that is read: a note, or a policy.
const MAX_BYTES: u64 = 1 << 20;

/// A witness for other ledgers.
pub struct Witness {
    cosigner: Cosigner,
    /// Keys of the logs that are watched, by origin.
    logs: BTreeMap<String, Watched>,
    faults: Arc<Faults>,
}

struct Watched {
    keys: Vec<VerifierKey>,
    path: PathBuf,
    /// The newest note that was cosigned, as it was shown.
    newest: Mutex<Option<SignedCheckpoint>>,
}

/// Why a node cannot be a witness. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} holds no {wanted}: {why}", path.display())]
    Garbled {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// The answer to `add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: the cosignature line.
    Cosigned(String),
    /// 400: no request.
    Bad(String),
    /// 403: no signature by a key of the log.
    Forbidden,
    /// 404: a log that is not watched.
    UnknownLog,
    /// 409: the witness has cosigned another size; or, for the same size, another root.
    Conflict(u64),
    /// 422: the proof does not hold.
    BadProof(String),
    /// 500: what was seen cannot be kept, so nothing is signed.
    NotKept,
}

impl Answer {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Bad(_) => 400,
            Self::Forbidden => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) => 409,
            Self::BadProof(_) => 422,
            Self::NotKept => 500,
        }
    }

    /// Content type and body.
    #[must_use]
    pub fn body(&self) -> (&'static str, String) {
        const TEXT: &str = "text/plain; charset=utf-8";
        match self {
            Self::Cosigned(lines) => (TEXT, lines.clone()),
            Self::Conflict(size) => ("text/x.tlog.size", format!("{size}\n")),
            Self::Bad(why) | Self::BadProof(why) => (TEXT, format!("{why}\n")),
            Self::Forbidden => (TEXT, "no valid signature by a key of this log\n".into()),
            Self::UnknownLog => (TEXT, "this log is not watched here\n".into()),
            Self::NotKept => (TEXT, "the checkpoint cannot be kept now\n".into()),
        }
    }
}

impl Witness {
    /// A witness for the logs of a C2SP policy file, whose state is kept in a folder. `own` is never watched.
    ///
    /// # Errors
    /// [`WitnessError`]; a witness that does not know what it has cosigned cosigns nothing.
    pub fn open(
        policy: &Path,
        folder: &Path,
        own: &str,
        cosigner: Cosigner,
        faults: Arc<Faults>,
    ) -> Result<Self, WitnessError> {
        let garbled = |wanted, why: String| WitnessError::Garbled { path: policy.to_owned(), wanted, why };
        let text = read(policy)?.unwrap_or_default();
        let parsed = Policy::parse(&text).map_err(|error| garbled("C2SP policy", error.to_string()))?;
        fs::create_dir_all(folder)
            .map_err(|source| WitnessError::File { path: folder.to_owned(), source })?;
        let mut logs: BTreeMap<String, Watched> = BTreeMap::new();
        for log in parsed.logs() {
            let origin = log.key().name().as_str();
            if origin == own {
                return Err(garbled("log but our own", "it names our own ledger".into()));
            }
            if let Some(watched) = logs.get_mut(origin) {
                watched.keys.push(log.key().clone());
                continue;
            }
            let name: String =
                hash_leaf(origin.as_bytes()).as_bytes()[..16].iter().map(|b| format!("{b:02x}")).collect();
            let path = folder.join(name);
            let newest = match read(&path)? {
                None => None,
                Some(bytes) => Some(SignedCheckpoint::parse(&bytes).map_err(|error| {
                    WitnessError::Garbled { path: path.clone(), wanted: "checkpoint", why: error.to_string() }
                })?),
            };
            let keys = vec![log.key().clone()];
            logs.insert(origin.to_owned(), Watched { keys, path, newest: Mutex::new(newest) });
        }
        Ok(Self { cosigner, logs, faults })
    }

    /// Answers a request body. Blocks for an fsync.
    #[must_use]
    pub fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let request = match AddCheckpointRequest::parse(body) {
            Ok(request) => request,
            Err(error) => return Answer::Bad(error.to_string()),
        };
        let shown = request.checkpoint();
        let Some(watched) = self.logs.get(shown.unverified().origin()) else { return Answer::UnknownLog };
        if !watched.keys.iter().any(|key| shown.verify_key(key).is_ok()) {
            return Answer::Forbidden;
        }
        // Held until the disk has it: of two requests at once the second sees what the first left.
        let mut newest = watched.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let empty = RootHash::from_bytes([0; 32]);
        let latest = newest
            .as_ref()
            .map_or((TreeSize::EMPTY, &empty), |note| (note.unverified().size(), note.unverified().root()));
        match request.check_consistency(latest) {
            Ok(()) => {}
            Err(RequestInconsistent::OldSizeMismatch { latest, .. }) => {
                return Answer::Conflict(latest.get());
            }
            Err(RequestInconsistent::Fork { .. }) => {
                let size = latest.0.get();
                if let Some(first) = newest.clone() {
                    let evidence = Evidence::TwoRoots { first, second: shown.clone() };
                    self.faults.record(
                        crate::faults::OTHERS,
                        "two_roots",
                        Some(evidence.to_string().as_bytes()),
                    );
                }
                return Answer::Conflict(size);
            }
            Err(error @ (RequestInconsistent::ProofFromEmpty | RequestInconsistent::Proof(_))) => {
                return Answer::BadProof(error.to_string());
            }
        }
        let Some(time) = UnixSeconds::new(now_ms() / 1_000) else { return Answer::NotKept };
        let unchanged = newest.as_ref().is_some_and(|note| note.unverified() == shown.unverified());
        if !unchanged {
            if let Err(error) = keep(&watched.path, shown.to_string().as_bytes()) {
                tracing::error!(%error, "a witnessed checkpoint cannot be kept");
                return Answer::NotKept;
            }
            *newest = Some(shown.clone());
        }
        Answer::Cosigned(format!("{}\n", self.cosigner.cosign(shown.unverified(), time)))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, WitnessError> {
    let failed = |source| WitnessError::File { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(file) if file.len() > MAX_BYTES => return Err(failed(io::Error::other("longer than 1 MiB"))),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    fs::read(path).map(Some).map_err(failed)
}

/// Write, sync, rename, sync the folder.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = fs::File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}
