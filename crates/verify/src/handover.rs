//! Handovers: from the validators of the trust root to those of today, with nobody believed on the way.
//!
//! A set of validators is a leaf of the roster tree once it was voted for. A handover shows that leaf under the
//! state root of a block's seal, and the seal under a checkpoint that a quorum of the set **before** believes. So
//! each set vouches for the next, and the trust root of genesis suffices for a receipt of any time.
//!
//! ```text
//! oreledger handover v1
//! seal <base64 of a C2SP .tlog-proof with the seal as its extra data>
//! head-root <base64>
//! roster <leaf index> <leaves>
//! leaf <base64 of the canonical RosterState>
//! path <base64 of the hashes of its inclusion proof>
//! ```
//!
//! What this does not stop: members of an old set who keep its keys, more than two thirds of them, can sign another
//! history for whoever has seen nothing newer. One later checkpoint, remembered, exposes them.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str::Lines};

use base64ct::{Base64, Encoding};
use ore_checkpoint::{KeyName, KeyType, Policy, ProofFailure, TlogProof, VerifierKey, byzantine_quorum};
use ore_merkle::{
    InclusionError, InclusionProof, LeafIndex, NodeHash, TreeSize, hash_leaf, root_from_inclusion,
};
use ore_record::{
    SignedRecord,
    state::state_root,
    v1::{ChangeValidators, RosterState, record::Event, roster_state::Entity},
};
use prost::Message;

use crate::TrustRoot;

/// First line of a handover.
pub const HANDOVER_HEADER: &str = "oreledger handover v1";
/// Longest handover, in bytes.
pub const MAX_HANDOVER_BYTES: usize = 4 << 20;
/// Most handovers that are followed: a change of the validators every week for nineteen years.
pub const MAX_HANDOVERS: usize = 1_000;
/// Most hashes of a path.
const MAX_HASHES: usize = 64;

/// One step from a set of validators to the next. Parsed, not yet believed: [`follow`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The seal in the log, under a checkpoint of the set before.
    pub seal: TlogProof,
    /// Root of the head tree under the seal's state root.
    pub head_root: [u8; 32],
    /// Place of the new set in the roster tree.
    pub index: u64,
    /// Leaves of the roster tree.
    pub size: u64,
    /// Canonical `RosterState` with the new set.
    pub leaf: Vec<u8>,
    /// From the leaf to the roster root.
    pub path: InclusionProof,
}

/// What of a handover only the state right after its seal can give: the new set under that state's roots. It has to
/// be taken while that state stands; the seal's proof is added when the set before has vouched for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turnover {
    /// Root of the head tree under the seal's state root.
    pub head_root: [u8; 32],
    /// Place of the new set in the roster tree.
    pub index: u64,
    /// Leaves of the roster tree.
    pub size: u64,
    /// Canonical `RosterState` with the new set.
    pub leaf: Vec<u8>,
    /// From the leaf to the roster root.
    pub path: InclusionProof,
}

/// Bytes that are no handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} of the handover is absent or malformed")]
pub struct BadHandover(pub &'static str);

/// Why a chain of handovers is not followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("handover {number}: {fault}")]
pub struct HandoverFault {
    /// Which, counted from 1.
    pub number: usize,
    /// What is wrong with it.
    pub fault: Broken,
}

/// What is wrong with a handover.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// More than [`MAX_HANDOVERS`].
    #[error("more than {MAX_HANDOVERS} are not followed")]
    TooMany,
    /// The entry is no seal.
    #[error("its entry is no block's seal")]
    NoSeal,
    /// The set before does not vouch for the seal.
    #[error("the validators before do not vouch for it: {0}")]
    NotBelieved(ProofFailure),
    /// The path leads nowhere.
    #[error("the roster's path: {0}")]
    Path(InclusionError),
    /// The state root of the seal is another.
    #[error("the seal commits to another roster")]
    OtherRoster,
    /// The leaf is no set of validators, or not in its one encoding.
    #[error("the leaf is no set of validators")]
    NoSet,
    /// Not later than the one before.
    #[error("it is not later than the one before")]
    OutOfOrder,
    /// The new set's keys make no policy.
    #[error("the new set's keys: {0}")]
    Keys(String),
}

impl Handover {
    /// Reads a handover.
    ///
    /// # Errors
    /// [`BadHandover`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadHandover> {
        let mut lines = lines_of(bytes)?;
        if lines.next() != Some(HANDOVER_HEADER) {
            return Err(BadHandover("header"));
        }
        let seal = decode(field(&mut lines, "seal")?, "seal")?;
        let seal = TlogProof::parse(&seal).map_err(|_| BadHandover("seal"))?;
        Ok(Self::new(Turnover::read(lines)?, seal))
    }

    /// Reads a file of several, one after the other; an empty one has none.
    ///
    /// # Errors
    /// [`BadHandover`]; also for more than [`MAX_HANDOVERS`].
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, BadHandover> {
        let text = core::str::from_utf8(bytes).map_err(|_| BadHandover("text"))?;
        let mut parts = text.split(HANDOVER_HEADER);
        if parts.next().is_some_and(|before| !before.trim().is_empty()) {
            return Err(BadHandover("header"));
        }
        let mut handovers = Vec::new();
        for part in parts {
            if handovers.len() == MAX_HANDOVERS {
                return Err(BadHandover("number"));
            }
            handovers.push(Self::parse(format!("{HANDOVER_HEADER}{part}").as_bytes())?);
        }
        Ok(handovers)
    }

    /// Puts together what was taken when the seal was new, and what shows the seal in the log.
    #[must_use]
    pub fn new(Turnover { head_root, index, size, leaf, path }: Turnover, seal: TlogProof) -> Self {
        Self { seal, head_root, index, size, leaf, path }
    }

    /// The set that it shows, once `before` believes it; and the leaf of its seal in the log.
    fn check(&self, origin: &str, before: &Policy) -> Result<(Policy, u64), Broken> {
        let entry = self.seal.unauthenticated_extra().ok_or(Broken::NoSeal)?;
        let record = SignedRecord::decode(entry).map_err(|_| Broken::NoSeal)?;
        let Some(Event::BlockSeal(seal)) = &record.record().event else { return Err(Broken::NoSeal) };
        let verified = self.seal.verify(entry, before).map_err(Broken::NotBelieved)?;
        let (index, size) = (LeafIndex::new(self.index), TreeSize::new(self.size));
        let root =
            root_from_inclusion(&hash_leaf(&self.leaf), index, size, &self.path).map_err(Broken::Path)?;
        if state_root(&self.head_root, root.as_bytes())[..] != seal.state_root[..] {
            return Err(Broken::OtherRoster);
        }
        let state = RosterState::decode(&self.leaf[..]).map_err(|_| Broken::NoSet)?;
        let (RosterState { entity: Some(Entity::Validators(set)) }, true) =
            (&state, state.encode_to_vec() == self.leaf)
        else {
            return Err(Broken::NoSet);
        };
        Ok((policy_of(origin, set)?, verified.index().get()))
    }
}

impl Turnover {
    /// Reads what [`fmt::Display`] wrote.
    ///
    /// # Errors
    /// [`BadHandover`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadHandover> {
        Self::read(lines_of(bytes)?)
    }

    fn read(mut lines: Lines<'_>) -> Result<Self, BadHandover> {
        let head_root = decode(field(&mut lines, "head-root")?, "head-root")?;
        let (index, size) = field(&mut lines, "roster")?.split_once(' ').ok_or(BadHandover("roster"))?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| BadHandover("roster"));
        let (index, size) = (number(index)?, number(size)?);
        let leaf = decode(field(&mut lines, "leaf")?, "leaf")?;
        let path = decode(field(&mut lines, "path")?, "path")?;
        let (hashes, rest) = path.as_chunks::<32>();
        if !rest.is_empty() || hashes.len() > MAX_HASHES || lines.next().is_some() {
            return Err(BadHandover("path"));
        }
        let hashes = hashes.iter().map(|hash| NodeHash::from_bytes(*hash)).collect();
        let path = InclusionProof::new(hashes).map_err(|_| BadHandover("path"))?;
        let head_root = head_root.try_into().map_err(|_| BadHandover("head-root"))?;
        Ok(Self { head_root, index, size, leaf, path })
    }
}

fn lines_of(bytes: &[u8]) -> Result<Lines<'_>, BadHandover> {
    if bytes.len() > MAX_HANDOVER_BYTES {
        return Err(BadHandover("length"));
    }
    Ok(core::str::from_utf8(bytes).map_err(|_| BadHandover("text"))?.lines())
}

/// What stands behind the name of the next line.
fn field<'a>(lines: &mut Lines<'a>, name: &'static str) -> Result<&'a str, BadHandover> {
    let line = lines.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.ok_or(BadHandover(name))
}

fn decode(text: &str, name: &'static str) -> Result<Vec<u8>, BadHandover> {
    Base64::decode_vec(text).map_err(|_| BadHandover(name))
}

/// More than two thirds of a set, each by its cosigner key, under any of its log keys.
///
/// # Errors
/// [`Broken::Keys`].
pub fn policy_of(origin: &str, set: &ChangeValidators) -> Result<Policy, Broken> {
    let bad = |why: &dyn fmt::Display| Broken::Keys(format!("{why}"));
    let key = |name: &str, kind, bytes: &[u8]| {
        let name = KeyName::new(name).map_err(|error| bad(&error))?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| bad(&"a key has 32 bytes"))?;
        VerifierKey::new(name, kind, &bytes).map_err(|error| bad(&error))
    };
    let (mut logs, mut witnesses) = (Vec::new(), Vec::new());
    for validator in &set.validators {
        logs.push(key(origin, KeyType::Note, &validator.log_key)?);
        let name = format!("{origin}/{}", validator.member);
        witnesses.push(key(&name, KeyType::CosignatureV1, &validator.cosigner_key)?);
    }
    Policy::k_of_n(logs, witnesses, byzantine_quorum(set.validators.len())).map_err(|error| bad(&error))
}

/// The trust root of genesis, then that of each later set, in order. Whatever one of them believes was believed by
/// a quorum of the validators of its time; a receipt is checked with the newest first.
///
/// # Errors
/// [`HandoverFault`], naming the first that is broken; nothing after it is believed.
pub fn follow(genesis: &TrustRoot, handovers: &[Handover]) -> Result<Vec<TrustRoot>, HandoverFault> {
    let mut roots = Vec::from([genesis.clone()]);
    let mut last: Option<(u64, u64)> = None;
    for (handover, number) in handovers.iter().zip(1..) {
        let fault = |fault| HandoverFault { number, fault };
        if number > MAX_HANDOVERS {
            return Err(fault(Broken::TooMany));
        }
        let before = roots.last().map_or(&genesis.policy, |root| &root.policy);
        let (policy, leaf) = handover.check(&genesis.origin, before).map_err(fault)?;
        if last.is_some_and(|(set, seal)| handover.index <= set || leaf <= seal) {
            return Err(fault(Broken::OutOfOrder));
        }
        last = Some((handover.index, leaf));
        roots.push(TrustRoot { policy, ..genesis.clone() });
    }
    Ok(roots)
}

/// The file. Reading it gives the same handover.
impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HANDOVER_HEADER}")?;
        writeln!(f, "seal {}", Base64::encode_string(format!("{}", self.seal).as_bytes()))?;
        let Self { head_root, index, size, leaf, path, .. } = self.clone();
        write!(f, "{}", Turnover { head_root, index, size, leaf, path })
    }
}

/// The lines of a handover after its seal. Reading them gives the same turnover.
impl fmt::Display for Turnover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: Vec<u8> = self.path.hashes().iter().flat_map(|hash| *hash.as_bytes()).collect();
        writeln!(f, "head-root {}", Base64::encode_string(&self.head_root))?;
        writeln!(f, "roster {} {}", self.index, self.size)?;
        writeln!(f, "leaf {}", Base64::encode_string(&self.leaf))?;
        writeln!(f, "path {}", Base64::encode_string(&path))
    }
}
