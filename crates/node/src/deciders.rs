//! Who decides the next height, and whom the newest headers name as proposers: both follow from committed blocks alone.

use std::collections::VecDeque;

use ore_consensus::{ValidatorEntry, turns::headers_that_matter};
use ore_custody::Custody;
use ore_store::{Reader, StoreError};

/// The validators of one height and what makes their turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deciders {
    validators: Vec<ValidatorEntry>,
    from_height: u64,
    /// Oldest first, of headers that this set decided; at most [`headers_that_matter`].
    proposers: VecDeque<String>,
}

impl Deciders {
    /// Of `height`, the one after the newest in the log.
    ///
    /// # Errors
    /// [`StoreError`]: a block cannot be read.
    pub fn of(custody: &Custody, log: &Reader, height: u64) -> Result<Self, StoreError> {
        let mut deciders = Self::without_proposers(custody, height);
        // Genesis was proposed by nobody.
        let decided_from = deciders.from_height.max(1);
        let matter = headers_that_matter(deciders.validators.len()) as u64;
        for decided in height.saturating_sub(matter).max(decided_from)..height {
            let named = log.header(decided)?.map(|header| header.proposer);
            deciders.proposers.push_back(named.unwrap_or_default());
        }
        Ok(deciders)
    }

    fn without_proposers(custody: &Custody, height: u64) -> Self {
        let from_height = custody.validators_at(height).map(|set| set.from_height).unwrap_or_default();
        let validators = validators_of(custody, height);
        Self { validators, from_height, proposers: VecDeque::new() }
    }

    /// A block is decided whose header names `proposer`: who decides the next one, at `height`.
    pub fn advance(&mut self, custody: &Custody, proposer: String, height: u64) {
        let next = Self::without_proposers(custody, height);
        if next.from_height != self.from_height || next.validators != self.validators {
            *self = next;
            return;
        }
        self.proposers.push_back(proposer);
        while self.proposers.len() > headers_that_matter(self.validators.len()) {
            self.proposers.pop_front();
        }
    }

    /// The set.
    #[must_use]
    pub fn validators(&self) -> &[ValidatorEntry] {
        &self.validators
    }

    /// Whom the newest headers of this set name, oldest first.
    #[must_use]
    pub fn proposers(&self) -> Vec<String> {
        self.proposers.iter().cloned().collect()
    }

    /// Whether this member decides.
    #[must_use]
    pub fn include(&self, member: &str) -> bool {
        self.validators.iter().any(|validator| validator.member == member)
    }
}

/// The validators that decide a height, as the engine wants them.
fn validators_of(custody: &Custody, height: u64) -> Vec<ValidatorEntry> {
    let set = custody.validators_at(height).map(|set| set.set.validators.as_slice()).unwrap_or_default();
    let entry = |validator: &ore_record::v1::Validator| {
        let public_key = validator.consensus_key.as_slice().try_into().ok()?;
        Some(ValidatorEntry { member: validator.member.clone(), public_key, power: 1 })
    };
    set.iter().filter_map(entry).collect()
}
