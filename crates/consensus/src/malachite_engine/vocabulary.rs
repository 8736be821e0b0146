//! Our words in the engine's grammar: address, height, value, vote, proposal, set.
//!
//! A value is a block's 32-byte id and nothing more: bodies travel and are stored beside the
//! engine, so that it clones 32 bytes where it would clone megabytes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use malachite::app::types::core;
use malachite::app::types::core::{LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType};
use ore_record::rules::Rules;

use crate::certificate::ValidatorEntry;
use crate::turns;

/// Implements the engine's context; carries nothing, for the origin is in the signer and verifier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ledger;

/// A member id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Address(pub(crate) Arc<str>);

impl Address {
    pub(crate) fn new(member: &str) -> Self {
        Self(Arc::from(member))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::Address for Address {}

/// A block's height; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Height(pub(crate) u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A block's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(pub(crate) [u8; 32]);

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::Value for BlockId {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// One member of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validator {
    pub(crate) address: Address,
    pub(crate) public_key: PublicKey,
    pub(crate) power: u64,
}

impl core::Validator<Ledger> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The set that decides a height, sorted by member, and in which order its members propose there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValidatorSet {
    pub(crate) members: Arc<[Validator]>,
    /// Places among the members, round by round; all of them.
    turns: Arc<[usize]>,
}

impl ValidatorSet {
    /// Of nobody; decides nothing.
    pub(crate) fn nobody() -> Self {
        Self { members: Arc::from([]), turns: Arc::from([]) }
    }

    /// The set of a height, and its turns by the rules of the height and by whom the headers before name. `None` if the set is empty, too large, names
    /// a member twice, has a member without power or names that do not fit.
    pub(crate) fn new(
        rules: Rules,
        mut entries: Vec<ValidatorEntry>,
        height: Height,
        proposers: &[String],
    ) -> Option<Self> {
        entries.sort();
        let distinct = entries.windows(2).all(|pair| pair[0].member < pair[1].member);
        let fits = entries.iter().all(|entry| {
            !entry.member.is_empty()
                && entry.member.len() <= crate::limits::NAME_BYTES
                && entry.power > 0
                // Three times the sum of all must fit the engine's integers.
                && entry.power <= u64::from(u32::MAX)
        });
        if entries.is_empty() || entries.len() > crate::limits::MEMBERS || !distinct || !fits {
            return None;
        }
        let turns = turns::order(rules, &entries, height.0, proposers).into();
        let member = |entry: ValidatorEntry| Validator {
            address: Address::new(&entry.member),
            public_key: PublicKey(entry.public_key),
            power: entry.power,
        };
        Some(Self { members: entries.into_iter().map(member).collect(), turns })
    }

    pub(crate) fn get(&self, member: &str) -> Option<&Validator> {
        self.members.iter().find(|validator| &*validator.address.0 == member)
    }

    /// Whose turn it is in a round of the height that this set was made for; rounds go round the set.
    pub(crate) fn proposer(&self, round: u32) -> &Validator {
        &self.members[self.turns[round as usize % self.turns.len()]]
    }

    /// Whose turn it was in a round and in all before it, each once.
    pub(crate) fn proposers_up_to(&self, round: u32) -> Vec<String> {
        let rounds = self.turns.len().min(round as usize + 1);
        self.turns[..rounds].iter().map(|place| self.members[*place].address.to_string()).collect()
    }

    /// Whether nobody but `member` decides.
    pub(crate) fn is_only(&self, member: &str) -> bool {
        self.members.len() == 1 && &*self.members[0].address.0 == member
    }
}

impl core::ValidatorSet<Ledger> for ValidatorSet {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.members.iter().map(|validator| validator.power).sum()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        self.get(&address.0)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.members.get(index)
    }
}

/// A prevote or precommit, for a block or for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) kind: VoteType,
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: NilOrVal<BlockId>,
    pub(crate) member: Address,
}

impl core::Vote<Ledger> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.member
    }

    fn extension(&self) -> Option<&SignedExtension<Ledger>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Ledger>> {
        None
    }

    /// Extensions are never asked for: the policy is `Disabled` at every height.
    fn extend(self, _: SignedExtension<Ledger>) -> Self {
        self
    }
}

/// A member's wish that a block be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) height: Height,
    pub(crate) round: Round,
    pub(crate) value: BlockId,
    pub(crate) pol_round: Round,
    pub(crate) member: Address,
}

impl core::Proposal<Ledger> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockId {
        &self.value
    }

    fn take_value(self) -> BlockId {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.member
    }
}

/// A block's body, signed by whoever proposes it in this round. Always one part: blocks are small enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) height: Height,
    pub(crate) round: u32,
    pub(crate) valid_round: Option<u32>,
    pub(crate) proposer: Address,
    pub(crate) id: BlockId,
    pub(crate) block: Bytes,
    pub(crate) signature: Signature,
}

impl core::ProposalPart<Ledger> for Body {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

/// 64 bytes that may be an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Signature(pub(crate) [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", BlockId(self.0[..32].try_into().unwrap_or([0; 32])))
    }
}

/// 32 bytes that may be an Ed25519 public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey(pub(crate) [u8; 32]);

/// Names the scheme; the engine never holds a private key, only [`super::signing::MemberSigner`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ed25519;

impl core::SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, &'static str> {
        bytes.try_into().map(Signature).map_err(|_| "signature is not 64 bytes")
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, &'static str> {
        bytes.try_into().map(PublicKey).map_err(|_| "public key is not 32 bytes")
    }

    fn encode_public_key(public_key: &PublicKey) -> Vec<u8> {
        public_key.0.to_vec()
    }
}

impl core::Context for Ledger {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Body;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = BlockId;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, _: Height, round: Round) -> &'a Validator {
        set.proposer(round.as_u32().unwrap_or(0))
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: BlockId,
        pol_round: Round,
        member: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, member }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<BlockId>, member: Address) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, member }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<BlockId>, member: Address) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, member }
    }
}
