//! Evidence: signed bytes that exclude each other, which convince somebody who trusts no node.
//!
//! A file of `field value` lines, values of bytes in base64, so that it can be read, mailed and kept.
//! Who is accused follows from the key under which the bytes verify, never from a name in the file.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding};
use ore_checkpoint::{Policy, PolicyFailure, SignedCheckpoint, VerifierKey};
use ore_merkle::{ConsistencyError, ConsistencyProof, NodeHash, RootHash, verify_consistency};

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
}

/// Evidence that convinces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Short name of the fault.
    pub kind: &'static str,
    /// The keys that signed what they must not; their owners are at fault.
    pub keys: Vec<VerifierKey>,
    /// The size that is spoken of.
    pub tree_size: u64,
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
}

impl Evidence {
    /// Short name of its kind, as in the file.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::TwoRoots { .. } => "two-roots",
            Self::AgainstQuorum { .. } => "against-quorum",
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
                root: RootHash::from_bytes(
                    fields.bytes("root")?.try_into().map_err(|_| BadEvidence::Field("root"))?,
                ),
                proof: fields.proof("proof")?,
            }),
            other => Err(BadEvidence::UnknownKind(other.into())),
        }
    }

    /// Whether it convinces, and whose keys are at fault.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn verify(&self, policy: &Policy) -> Result<Proven, NotProven> {
        match self {
            Self::TwoRoots { first, second } => two_roots(self.kind(), first, second, policy),
            Self::AgainstQuorum { note, quorum, root, proof } => {
                let (one, many) = (note.unverified(), quorum.unverified());
                if one.origin() != many.origin() || one.root() == root {
                    return Err(NotProven::NoContradiction);
                }
                policy.check(quorum).map_err(NotProven::Quorum)?;
                verify_consistency(one.size(), root, many.size(), many.root(), proof)
                    .map_err(NotProven::Proof)?;
                proven(self.kind(), &[note], policy)
            }
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
    let all = |key: &&VerifierKey| notes.iter().all(|note| note.verify_key(key).is_ok());
    let keys: Vec<VerifierKey> = keys.filter(all).cloned().collect();
    let tree_size = notes.first().map_or(0, |note| note.unverified().size().get());
    if keys.is_empty() { Err(NotProven::NoKey) } else { Ok(Proven { kind, keys, tree_size }) }
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
                let hashes: Vec<u8> = proof.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect();
                line(f, "proof", &hashes)
            }
        }
    }
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

    fn proof(&self, name: &'static str) -> Result<ConsistencyProof, BadEvidence> {
        let bytes = self.bytes(name)?;
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() > MAX_HASHES {
            return Err(BadEvidence::Field(name));
        }
        let hashes = hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect();
        ConsistencyProof::new(hashes).map_err(|_| BadEvidence::Field(name))
    }
}
