//! Signs what this member says and verifies what others say, always over [`crate::signed_bytes`].

use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use malachite::app::types::core::{
    NilOrVal, Round, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType,
};
use malachite_signing::{Error, Signer, VerificationResult, Verifier};

use super::vocabulary::{Body, Ledger, Proposal, PublicKey, Signature, Vote};
use crate::certificate::verifies;
use crate::signed_bytes::{PRECOMMIT, PREVOTE, body_bytes, proposal_bytes, vote_bytes};

/// Checks signatures on one ledger.
#[derive(Clone, Debug)]
pub(crate) struct MemberVerifier {
    pub(crate) origin: Arc<str>,
}

/// Holds this member's consensus key; no one else does.
#[derive(Clone)]
pub(crate) struct MemberSigner {
    origin: Arc<str>,
    key: SigningKey,
}

impl MemberSigner {
    pub(crate) fn new(origin: Arc<str>, seed: &[u8; 32]) -> Self {
        Self { origin, key: SigningKey::from_bytes(seed) }
    }

    pub(crate) fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Puts this member's signature on a body that it proposes.
    pub(crate) fn sign_body(&self, mut body: Body) -> Body {
        body.signature = self.sign(&bytes_of_body(&self.origin, &body));
        body
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.key.sign(message).to_bytes())
    }
}

impl MemberVerifier {
    /// Whether `public_key` signed this body.
    pub(crate) fn verify_body(&self, body: &Body, public_key: &PublicKey) -> bool {
        verifies(&public_key.0, &bytes_of_body(&self.origin, body), &body.signature.0)
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
            bytes_of_vote(&self.origin, vote)
                .is_some_and(|bytes| verifies(&public_key.0, &bytes, &signature.0)),
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
                .is_some_and(|bytes| verifies(&public_key.0, &bytes, &signature.0)),
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
        let signature = self.sign(&bytes);
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(&self, proposal: Proposal) -> Result<SignedMessage<Ledger, Proposal>, Error> {
        let bytes = bytes_of_proposal(&self.origin, &proposal).ok_or_else(Error::new)?;
        let signature = self.sign(&bytes);
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
