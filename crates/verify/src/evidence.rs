//! Evidence: signed bytes that exclude each other, which convince somebody who trusts no node.
//!
//! A file of `field value` lines, values of bytes in base64, so that it can be read, mailed and kept.
//! Who is accused follows from the key under which the bytes verify, never from a name in the file.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};
use ore_checkpoint::{Policy, PolicyFailure, SignedCheckpoint};
use ore_merkle::{
    ConsistencyError, ConsistencyProof, InclusionError, InclusionProof, LeafHash, NodeHash, RootHash,
    thousands, verify_consistency,
};

use crate::{
    promise::{BadPromise, InclusionPromise, SignedPromise},
    votes::{Statement, same_ballot},
};

/// First line of an evidence file.
pub const EVIDENCE_HEADER: &str = "oreledger evidence v1";
/// Longest evidence file, in bytes.
pub const MAX_EVIDENCE_BYTES: usize = 4 << 20;
/// Most consistency hashes.
const MAX_HASHES: usize = 64;

/// Statements that exclude each other. Parsed, not yet believed: [`Evidence::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// One key vouches for two roots of one size.
    TwoRoots {
        /// One note.
        first: SignedCheckpoint,
        /// The other.
        second: SignedCheckpoint,
    },
    /// A key vouches for a tree of which the tree that a quorum vouches for is no continuation.
    AgainstQuorum {
        /// The note of the one.
        note: SignedCheckpoint,
        /// The note of the quorum, of the same size or larger.
        quorum: SignedCheckpoint,
        /// Root that the quorum's tree has at the note's size.
        root: RootHash,
        /// From that root to the quorum's.
        proof: ConsistencyProof,
    },
    /// A consensus key said two things of which it may say one.
    TwoVotes {
        /// The key.
        public_key: [u8; 32],
        /// One statement.
        first: Statement,
        /// The other.
        second: Statement,
    },
    /// A node promised a place in the log, and a quorum's tree has another entry there, or had not grown so far
    /// when the promise was due.
    BrokenPromise {
        /// The promise.
        promise: SignedPromise,
        /// The note of the quorum.
        quorum: SignedCheckpoint,
        /// The leaf that is there instead; `None` when there is none yet.
        leaf: Option<(LeafHash, InclusionProof)>,
    },
}

/// Evidence that convinces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Short name of the fault.
    pub kind: &'static str,
    /// The Ed25519 keys that signed what they must not; the trust root says whose they are.
    pub keys: Vec<[u8; 32]>,
    /// What it is about, for people: a size, a leaf, a height.
    pub about: String,
}

/// Bytes that are no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvidence {
    /// Too long, not UTF-8, or without the header.
    #[error("not a file of evidence")]
    NotEvidence,
    /// A kind that this version does not know.
    #[error("evidence of unknown kind {0:?}")]
    UnknownKind(String),
    /// A field is absent, twice there, or malformed.
    #[error("{0} is absent or malformed")]
    Field(&'static str),
}

/// Why evidence does not convince.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotProven {
    /// They agree, or speak of different things.
    #[error("the two statements do not exclude each other")]
    NoContradiction,
    /// No key of the policy signed both.
    #[error("no key of the policy signed what is shown")]
    NoKey,
    /// The quorum's note is none.
    #[error("the quorum's note: {0}")]
    Quorum(PolicyFailure),
    /// The quorum's tree is not shown to have that root.
    #[error("consistency proof: {0}")]
    Proof(ConsistencyError),
    /// The other leaf is not shown to be there.
    #[error("inclusion proof: {0}")]
    Inclusion(InclusionError),
    /// Nobody who could break it made the promise.
    #[error("promise: {0}")]
    Promise(BadPromise),
    /// The promise is kept, or may still be.
    #[error("the promise is not broken: {0}")]
    NotBroken(&'static str),
}

impl Evidence {
    /// Short name of its kind, as in the file.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TwoRoots { .. } => "two-roots",
            Self::AgainstQuorum { .. } => "against-quorum",
            Self::TwoVotes { .. } => "two-votes",
            Self::BrokenPromise { .. } => "broken-promise",
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`BadEvidence`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEvidence> {
        if bytes.len() > MAX_EVIDENCE_BYTES {
            return Err(BadEvidence::NotEvidence);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| BadEvidence::NotEvidence)?;
        let fields = text.strip_prefix(EVIDENCE_HEADER).and_then(|rest| rest.strip_prefix('\n'));
        let fields = Fields(fields.ok_or(BadEvidence::NotEvidence)?);
        match fields.text("kind")? {
            "two-roots" => {
                Ok(Self::TwoRoots { first: fields.note("first")?, second: fields.note("second")? })
            }
            "against-quorum" => Ok(Self::AgainstQuorum {
                note: fields.note("note")?,
                quorum: fields.note("quorum")?,
                root: RootHash::from_bytes(fields.array("root")?),
                proof: fields.proof("proof")?,
            }),
            "two-votes" => Ok(Self::TwoVotes {
                public_key: fields.array("key")?,
                first: fields.statement("first", "first-signature")?,
                second: fields.statement("second", "second-signature")?,
            }),
            "broken-promise" => Ok(Self::BrokenPromise {
                promise: SignedPromise::parse(&fields.bytes("promise")?)
                    .map_err(|_| BadEvidence::Field("promise"))?,
                quorum: fields.note("quorum")?,
                leaf: match fields.has("leaf") {
                    false => None,
                    true => {
                        let hashes = fields.hashes("path")?;
                        let path = InclusionProof::new(hashes).map_err(|_| BadEvidence::Field("path"))?;
                        Some((LeafHash::from_bytes(fields.array("leaf")?), path))
                    }
                },
            }),
            other => Err(BadEvidence::UnknownKind(other.into())),
        }
    }

    /// Whether it convinces, and whose keys are at fault.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn verify(&self, policy: &Policy) -> Result<Proven, NotProven> {
        let kind = self.kind();
        match self {
            Self::TwoRoots { first, second } => two_roots(kind, first, second, policy),
            Self::AgainstQuorum { note, quorum, root, proof } => {
                let (one, many) = (note.unverified(), quorum.unverified());
                if one.origin() != many.origin() || one.root() == root {
                    return Err(NotProven::NoContradiction);
                }
                policy.check(quorum).map_err(NotProven::Quorum)?;
                verify_consistency(one.size(), root, many.size(), many.root(), proof)
                    .map_err(NotProven::Proof)?;
                proven(kind, &[note], policy)
            }
            Self::TwoVotes { public_key, first, second } => {
                let about = same_ballot(first, second).ok_or(NotProven::NoContradiction)?;
                if !first.is_by(public_key) || !second.is_by(public_key) {
                    return Err(NotProven::NoKey);
                }
                let logs = policy.logs();
                if !logs.iter().any(|log| log.key().name().as_str() == about.origin) {
                    return Err(NotProven::NoContradiction);
                }
                Ok(Proven { kind, keys: Vec::from([*public_key]), about: format!("{about}") })
            }
            Self::BrokenPromise { promise, quorum, leaf } => {
                let (promise, key) = promise.verify(policy).map_err(NotProven::Promise)?;
                broken(&promise, quorum, leaf.as_ref(), policy)?;
                let about =
                    format!("leaf {} at {} entries", promise.leaf, thousands(promise.tree_size.into()));
                Ok(Proven { kind, keys: Vec::from([*key.public_key()]), about })
            }
        }
    }
}

/// Whether a checkpoint of a quorum breaks a promise.
fn broken(
    promise: &InclusionPromise,
    quorum: &SignedCheckpoint,
    leaf: Option<&(LeafHash, InclusionProof)>,
    policy: &Policy,
) -> Result<(), NotProven> {
    let believed = policy.check(quorum).map_err(NotProven::Quorum)?;
    let checkpoint = believed.checkpoint();
    if checkpoint.origin() != promise.origin {
        return Err(NotProven::NoContradiction);
    }
    let size = checkpoint.size();
    match leaf {
        Some((hash, _)) if *hash == promise.hash => {
            Err(NotProven::NotBroken("the entry is where it was promised"))
        }
        Some((hash, path)) => {
            let index = ore_merkle::LeafIndex::new(promise.leaf);
            ore_merkle::verify_inclusion(hash, index, size, path, checkpoint.root())
                .map_err(NotProven::Inclusion)
        }
        None if size.get() >= promise.tree_size => Err(NotProven::NotBroken("what is there is not shown")),
        // More say that the time has passed than may lie: at least one of them is honest.
        None => {
            let past = believed.cosigned().iter().filter(|one| one.time.get() >= promise.deadline).count();
            let liars = policy.witnesses().len().saturating_sub(1) / 3;
            if past > liars { Ok(()) } else { Err(NotProven::NotBroken("it is not due yet")) }
        }
    }
}

fn two_roots(
    kind: &'static str,
    first: &SignedCheckpoint,
    second: &SignedCheckpoint,
    policy: &Policy,
) -> Result<Proven, NotProven> {
    let (one, two) = (first.unverified(), second.unverified());
    if one.origin() != two.origin() || one.size() != two.size() || one.root() == two.root() {
        return Err(NotProven::NoContradiction);
    }
    proven(kind, &[first, second], policy)
}

/// The keys that signed every one of the notes.
fn proven(kind: &'static str, notes: &[&SignedCheckpoint], policy: &Policy) -> Result<Proven, NotProven> {
    let logs = policy.logs().iter().map(|log| log.key());
    let keys = logs.chain(policy.witnesses().iter().map(|witness| witness.key()));
    let all = keys.filter(|key| notes.iter().all(|note| note.verify_key(key).is_ok()));
    let keys: Vec<[u8; 32]> = all.map(|key| *key.public_key()).collect();
    let size = notes.first().map_or(0, |note| note.unverified().size().get());
    if keys.is_empty() {
        return Err(NotProven::NoKey);
    }
    Ok(Proven { kind, keys, about: format!("a tree of {} entries", thousands(size.into())) })
}

/// The file. Reading it gives the same evidence.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{EVIDENCE_HEADER}\nkind {}", self.kind())?;
        match self {
            Self::TwoRoots { first, second } => {
                line(f, "first", format!("{first}").as_bytes())?;
                line(f, "second", format!("{second}").as_bytes())
            }
            Self::AgainstQuorum { note, quorum, root, proof } => {
                line(f, "note", format!("{note}").as_bytes())?;
                line(f, "quorum", format!("{quorum}").as_bytes())?;
                line(f, "root", root.as_bytes())?;
                line(f, "proof", &joined(proof.hashes()))
            }
            Self::TwoVotes { public_key, first, second } => {
                line(f, "key", public_key)?;
                line(f, "first", &first.message)?;
                line(f, "first-signature", &first.signature)?;
                line(f, "second", &second.message)?;
                line(f, "second-signature", &second.signature)
            }
            Self::BrokenPromise { promise, quorum, leaf } => {
                line(f, "promise", format!("{promise}").as_bytes())?;
                line(f, "quorum", format!("{quorum}").as_bytes())?;
                let Some((hash, path)) = leaf else { return Ok(()) };
                line(f, "leaf", hash.as_bytes())?;
                line(f, "path", &joined(path.hashes()))
            }
        }
    }
}

fn joined(hashes: &[NodeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, bytes: &[u8]) -> fmt::Result {
    writeln!(f, "{name} {}", Base64::encode_string(bytes))
}

/// Lines of `field value`.
struct Fields<'a>(&'a str);

impl<'a> Fields<'a> {
    fn text(&self, name: &'static str) -> Result<&'a str, BadEvidence> {
        let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(' ');
        let mut values = self.0.lines().filter_map(value);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            _ => Err(BadEvidence::Field(name)),
        }
    }

    fn bytes(&self, name: &'static str) -> Result<Vec<u8>, BadEvidence> {
        Base64::decode_vec(self.text(name)?).map_err(|_| BadEvidence::Field(name))
    }

    fn note(&self, name: &'static str) -> Result<SignedCheckpoint, BadEvidence> {
        SignedCheckpoint::parse(&self.bytes(name)?).map_err(|_| BadEvidence::Field(name))
    }

    fn has(&self, name: &str) -> bool {
        self.0.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
    }

    fn array<const N: usize>(&self, name: &'static str) -> Result<[u8; N], BadEvidence> {
        self.bytes(name)?.try_into().map_err(|_| BadEvidence::Field(name))
    }

    fn statement(&self, name: &'static str, signature: &'static str) -> Result<Statement, BadEvidence> {
        Ok(Statement { message: self.bytes(name)?, signature: self.array(signature)? })
    }

    fn hashes(&self, name: &'static str) -> Result<Vec<NodeHash>, BadEvidence> {
        let bytes = self.bytes(name)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() > MAX_HASHES {
            return Err(BadEvidence::Field(name));
        }
        Ok(hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect())
    }

    fn proof(&self, name: &'static str) -> Result<ConsistencyProof, BadEvidence> {
        ConsistencyProof::new(self.hashes(name)?).map_err(|_| BadEvidence::Field(name))
    }
}
