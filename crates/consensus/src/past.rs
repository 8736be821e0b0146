//! Blocks that were decided, read again one after the other: did a quorum decide each, and does its header name one of
//! those whose turn it was?
//!
//! A node takes a block that a quorum decided whatever the second answer is, and says so if it is no: more than two
//! thirds have let pass what their rules forbid. Whoever checks a whole log calls that damage.

use ore_record::rules::Rules;

use crate::{
    certificate::{Certificate, CertificateFault, ValidatorEntry},
    turns::Heard,
};

/// A block of a log, with what is known of its height from the blocks before.
#[derive(Debug)]
pub struct PastBlock<'a> {
    /// Its height.
    pub height: u64,
    /// SHA-256 of its header.
    pub id: [u8; 32],
    /// Whom its header names.
    pub proposer: &'a str,
    /// As stored.
    pub certificate: &'a [u8],
    /// The set that decided it.
    pub validators: Vec<ValidatorEntry>,
    /// First height that this set decided.
    pub term: u64,
    /// The rules of its height.
    pub rules: Rules,
}

/// What is wrong with a block of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PastFault {
    /// No quorum decided it.
    #[error(transparent)]
    Certificate(#[from] CertificateFault),
    /// It names another than these, whose turn it was until it was decided.
    #[error("it names another proposer than {}, whose turn it was", .0.join(" or "))]
    OutOfTurn(Vec<String>),
}

/// Reads a ledger's blocks from the first after genesis on.
#[derive(Debug)]
pub struct Past {
    origin: String,
    heard: Heard,
}

impl Past {
    /// Before the first block.
    #[must_use]
    pub fn of(origin: &str) -> Self {
        Self { origin: origin.to_owned(), heard: Heard::default() }
    }

    /// Checks the next block.
    ///
    /// # Errors
    /// [`PastFault`]; blocks after it can be checked all the same.
    pub fn next(&mut self, mut block: PastBlock<'_>) -> Result<(), PastFault> {
        self.heard.enter(block.term);
        block.validators.sort();
        let judged = self.judge(&block);
        self.heard.name(block.proposer.to_owned(), block.validators.len());
        judged
    }

    fn judge(&self, block: &PastBlock<'_>) -> Result<(), PastFault> {
        let PastBlock { height, proposer, validators, rules, .. } = block;
        let certificate = Certificate::decode(block.certificate)?;
        certificate.verify_block(&self.origin, validators, *height, &block.id)?;
        match self.heard.out_of_turn(*rules, validators, (*height, certificate.round), proposer) {
            None => Ok(()),
            Some(asked) => Err(PastFault::OutOfTurn(asked)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::{certificate::CommitSignature, signed_bytes::precommit_bytes};

    const ORIGIN: &str = "ledger.example/past";
    const NAMES: [&str; 4] = ["d", "a", "c", "b"];

    fn key(member: &str) -> SigningKey {
        SigningKey::from_bytes(&[member.as_bytes()[0]; 32])
    }

    fn set() -> Vec<ValidatorEntry> {
        let entry = |member: &str| {
            let public_key = key(member).verifying_key().to_bytes();
            ValidatorEntry { member: member.to_owned(), public_key, power: 1 }
        };
        NAMES.map(entry).to_vec()
    }

    /// Decided in this round by three of the four.
    fn certificate(height: u64, round: u32, id: [u8; 32]) -> Vec<u8> {
        let signature = |member: &str| CommitSignature {
            member: member.to_owned(),
            public_key: key(member).verifying_key().to_bytes(),
            signature: key(member).sign(&precommit_bytes(ORIGIN, height, round, &id, member)).to_bytes(),
        };
        let signatures = ["a", "b", "c"].map(signature).to_vec();
        Certificate { height, round, block_id: id, signatures }.encode()
    }

    fn next(past: &mut Past, rules: Rules, height: u64, round: u32, proposer: &str) -> Result<(), PastFault> {
        let (id, term) = ([height as u8; 32], 1);
        let certificate = &certificate(height, round, id)[..];
        past.next(PastBlock { height, id, proposer, certificate, validators: set(), term, rules })
    }

    fn out_of_turn(turns: &[&str]) -> Result<(), PastFault> {
        Err(PastFault::OutOfTurn(turns.iter().map(|member| (*member).to_owned()).collect()))
    }

    #[test]
    fn a_block_names_one_of_those_who_were_asked_until_it_was_decided() {
        let mut past = Past::of(ORIGIN);
        let mut next = |height, round, proposer| next(&mut past, Rules::V1, height, round, proposer);
        assert_eq!(next(1, 0, "b"), Ok(()));
        assert_eq!(next(2, 0, "c"), Ok(()));
        // Decided in a later round, by whoever was asked then or before.
        assert_eq!(next(3, 2, "b"), Ok(()));
        assert_eq!(next(4, 2, "a"), Ok(()));
        assert_eq!(next(5, 0, "d"), out_of_turn(&["b"]));
        assert_eq!(next(6, 1, "b"), out_of_turn(&["c", "d"]));
        assert_eq!(next(7, 1, "nobody"), out_of_turn(&["d", "a"]));
    }

    #[test]
    fn whoever_was_silent_for_two_turns_is_out_of_turn_where_it_was_in_turn_before() {
        let mut past = Past::of(ORIGIN);
        for height in 1..=8 {
            let (round, proposer) = [(0, "a"), (0, "b"), (0, "c"), (1, "a")][height as usize % 4];
            assert_eq!(next(&mut past, Rules::V1, height, round, proposer), Ok(()));
        }
        for height in 9..=10 {
            let proposer = ["a", "b", "c"][height as usize % 4];
            assert_eq!(next(&mut past, Rules::V1, height, 0, proposer), Ok(()));
        }
        assert_eq!(next(&mut past, Rules::V1, 11, 0, "d"), out_of_turn(&["a"]));
    }

    #[test]
    fn a_certificate_is_for_this_block_by_a_quorum_of_this_set() {
        let mut past = Past::of(ORIGIN);
        let certificate = &certificate(1, 0, [9; 32])[..];
        let block = PastBlock {
            height: 1,
            id: [1; 32],
            proposer: "b",
            certificate,
            validators: set(),
            term: 1,
            rules: Rules::V1,
        };
        assert!(matches!(past.next(block), Err(PastFault::Certificate(_))));
    }
}
