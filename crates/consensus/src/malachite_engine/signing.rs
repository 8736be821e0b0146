//! Signs what this member says and verifies what others say, always over [`crate::signed_bytes`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ed25519_dalek::{Signer as _, SigningKey};
use malachite::app::consensus::SignedConsensusMsg;
use malachite::app::types::core::{
    NilOrVal, Round, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType,
};
use malachite_signing::{Error, Signer, VerificationResult, Verifier};

use super::codec;
use super::vocabulary::{Body, Ledger, Proposal, PublicKey, Signature, Vote};
use crate::application::Misbehaviour;
use crate::certificate::verifies;
use crate::signed_bytes::{PRECOMMIT, PREVOTE, body_bytes, proposal_bytes, vote_bytes};

/// Statements of ours that the engine may yet ask about: a proposal and two votes a round, some rounds.
const REMEMBERED: usize = 16;

/// What this process signed a moment ago. The engine verifies our own proposal and votes as it does everybody's;
/// what was just signed here, byte for byte, needs no arithmetic to be believed.
#[derive(Debug, Default)]
struct Spoken(Mutex<VecDeque<(Vec<u8>, Signature)>>);

impl Spoken {
    fn remember(&self, message: &[u8], signature: Signature) {
        let mut spoken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spoken.len() == REMEMBERED {
            spoken.pop_front();
        }
        spoken.push_back((message.to_owned(), signature));
    }

    fn has(&self, message: &[u8], signature: &Signature) -> bool {
        let spoken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spoken.iter().any(|(said, with)| said == message && with.0 == signature.0)
    }
}

/// Checks signatures on one ledger.
#[derive(Clone, Debug)]
pub(crate) struct MemberVerifier {
    pub(super) origin: Arc<str>,
    us: [u8; 32],
    spoken: Arc<Spoken>,
}

/// Holds this member's consensus key; no one else does.
#[derive(Clone)]
pub(crate) struct MemberSigner {
    origin: Arc<str>,
    key: SigningKey,
    spoken: Arc<Spoken>,
}

impl MemberSigner {
    pub(crate) fn new(origin: Arc<str>, seed: &[u8; 32]) -> Self {
        Self { origin, key: SigningKey::from_bytes(seed), spoken: Arc::default() }
    }

    /// Checks everybody's signatures, and believes what this signer said a moment ago.
    pub(crate) fn verifier(&self) -> MemberVerifier {
        MemberVerifier {
            origin: Arc::clone(&self.origin),
            us: self.public_key(),
            spoken: Arc::clone(&self.spoken),
        }
    }

    pub(crate) fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Puts this member's signature on a body that it proposes.
    pub(crate) fn sign_body(&self, mut body: Body) -> Body {
        body.signature = self.sign(&bytes_of_body(&self.origin, &body));
        body
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }

    fn state(&self, message: &[u8]) -> Signature {
        let signature = self.sign(message);
        self.spoken.remember(message, signature);
        signature
    }
}

impl MemberVerifier {
    /// Whether `public_key` signed this body.
    pub(crate) fn verify_body(&self, body: &Body, public_key: &PublicKey) -> bool {
        verifies(&public_key.0, &bytes_of_body(&self.origin, body), &body.signature.0)
    }

    fn stated(&self, message: &[u8], signature: &Signature, public_key: &PublicKey) -> bool {
        (public_key.0 == self.us && self.spoken.has(message, signature))
            || verifies(&public_key.0, message, &signature.0)
    }
}

fn bytes_of_body(origin: &str, body: &Body) -> Vec<u8> {
    body_bytes(origin, body.height.0, body.round, body.valid_round, &body.id.0, &body.block, &body.proposer.0)
}

/// `None` for a round that was never entered: nothing is signed about it.
pub(super) fn bytes_of_vote(origin: &str, vote: &Vote) -> Option<Vec<u8>> {
    let kind = match vote.kind {
        VoteType::Prevote => PREVOTE,
        VoteType::Precommit => PRECOMMIT,
    };
    let id = match &vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(&id.0),
    };
    Some(vote_bytes(origin, kind, vote.height.0, vote.round.as_u32()?, id, &vote.member.0))
}

pub(super) fn bytes_of_proposal(origin: &str, proposal: &Proposal) -> Option<Vec<u8>> {
    let pol_round = match proposal.pol_round {
        Round::Nil => None,
        Round::Some(round) => Some(round),
    };
    Some(proposal_bytes(
        origin,
        proposal.height.0,
        proposal.round.as_u32()?,
        pol_round,
        &proposal.value.0,
        &proposal.member.0,
    ))
}

/// What the two statements of a misbehaviour cover, and their signatures; `None` when they are none. With the
/// member's key, this is all that somebody needs who has no engine.
#[must_use]
pub fn signed_statements(origin: &str, evidence: &Misbehaviour) -> Option<[(Vec<u8>, [u8; 64]); 2]> {
    let statement = |bytes: &bytes::Bytes| match codec::decode_consensus(bytes.clone()).ok()? {
        SignedConsensusMsg::Vote(vote) => Some((bytes_of_vote(origin, &vote.message)?, vote.signature.0)),
        SignedConsensusMsg::Proposal(proposal) => {
            Some((bytes_of_proposal(origin, &proposal.message)?, proposal.signature.0))
        }
    };
    Some([statement(&evidence.first)?, statement(&evidence.second)?])
}

fn result(valid: bool) -> Result<VerificationResult, Error> {
    Ok(VerificationResult::from_bool(valid))
}

#[async_trait::async_trait]
impl Verifier<Ledger> for MemberVerifier {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        result(
            bytes_of_vote(&self.origin, vote).is_some_and(|bytes| self.stated(&bytes, signature, public_key)),
        )
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        result(
            bytes_of_proposal(&self.origin, proposal)
                .is_some_and(|bytes| self.stated(&bytes, signature, public_key)),
        )
    }

    /// Nobody extends votes here, so whoever does is wrong.
    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Ledger>,
        (): &(),
        _: &Signature,
        _: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        result(false)
    }

    /// Peers are authenticated by the transport; proofs of the engine's own network are never used.
    async fn verify_validator_proof(&self, _: &ValidatorProof<Ledger>) -> Result<VerificationResult, Error> {
        result(false)
    }
}

#[async_trait::async_trait]
impl Signer<Ledger> for MemberSigner {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<Ledger, Vote>, Error> {
        let bytes = bytes_of_vote(&self.origin, &vote).ok_or_else(Error::new)?;
        let signature = self.state(&bytes);
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Ledger, Proposal>, Error> {
        let bytes = bytes_of_proposal(&self.origin, &proposal).ok_or_else(Error::new)?;
        let signature = self.state(&bytes);
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _: VoteExtensionScope<Ledger>,
        (): (),
    ) -> Result<SignedMessage<Ledger, ()>, Error> {
        Err(Error::new())
    }

    async fn sign_validator_proof(&self, _: Vec<u8>, _: Vec<u8>) -> Result<ValidatorProof<Ledger>, Error> {
        Err(Error::new())
    }
}

#[cfg(test)]
mod tests {
    use super::{MemberSigner, PublicKey, REMEMBERED, Signature};

    #[test]
    fn what_was_just_said_is_believed_and_nothing_like_it() {
        let signer = MemberSigner::new("ledger".into(), &[1; 32]);
        let (verifier, us) = (signer.verifier(), PublicKey(signer.public_key()));
        let signature = signer.state(b"vote");
        assert!(verifier.spoken.has(b"vote", &signature));
        let mut forged = signature.0;
        forged[0] ^= 1;
        assert!(!verifier.stated(b"vote", &Signature(forged), &us));
        assert!(!verifier.stated(b"veto", &signature, &us));
        let other = MemberSigner::new("ledger".into(), &[2; 32]);
        assert!(!verifier.stated(b"vote", &signature, &PublicKey(other.public_key())));
    }

    #[test]
    fn what_was_said_long_ago_is_verified_again() {
        let signer = MemberSigner::new("ledger".into(), &[1; 32]);
        let verifier = signer.verifier();
        let signature = signer.state(b"first");
        (0..REMEMBERED).for_each(|n| {
            let _ = signer.state(&[n as u8]);
        });
        assert!(!verifier.spoken.has(b"first", &signature));
        assert!(verifier.stated(b"first", &signature, &PublicKey(signer.public_key())));
    }
}
