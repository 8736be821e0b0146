//! Who decides the next height, and whom the newest headers name as proposers: both follow from committed blocks alone.

use ore_consensus::{
    ValidatorEntry,
    turns::{Heard, headers_that_matter},
};
use ore_custody::Custody;
use ore_record::rules::Rules;
use ore_store::{Reader, StoreError};

/// The validators of one height and what makes their turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deciders {
    validators: Vec<ValidatorEntry>,
    heard: Heard,
}

impl Deciders {
    /// Of `height`, the one after the newest in the log.
    ///
    /// # Errors
    /// [`StoreError`]: a block cannot be read.
    pub fn of(custody: &Custody, log: &Reader, height: u64) -> Result<Self, StoreError> {
        let (validators, from_height) = validators_of(custody, height);
        let members = validators.len();
        let mut heard = Heard::since(from_height);
        let matter = headers_that_matter(members) as u64;
        // Genesis was proposed by nobody.
        for decided in height.saturating_sub(matter).max(from_height).max(1)..height {
            let named = log.header(decided)?.map(|header| header.proposer);
            heard.name(named.unwrap_or_default(), members);
        }
        Ok(Self { validators, heard })
    }

    /// A block is decided whose header names `proposer`: who decides the next one, at `height`.
    pub fn advance(&mut self, custody: &Custody, proposer: String, height: u64) {
        self.heard.name(proposer, self.validators.len());
        let (validators, from_height) = validators_of(custody, height);
        self.heard.enter(from_height);
        self.validators = validators;
    }

    /// The set.
    #[must_use]
    pub fn validators(&self) -> &[ValidatorEntry] {
        &self.validators
    }

    /// Whom the newest headers of this set name, oldest first.
    #[must_use]
    pub fn proposers(&self) -> Vec<String> {
        self.heard.proposers()
    }

    /// Whose turn it was until the next block was decided, of this height and in this round, if it names somebody else
    /// as its proposer.
    #[must_use]
    pub fn out_of_turn(&self, rules: Rules, decided: (u64, u32), proposer: &str) -> Option<Vec<String>> {
        self.heard.out_of_turn(rules, &self.validators, decided, proposer)
    }

    /// Whether this member decides.
    #[must_use]
    pub fn include(&self, member: &str) -> bool {
        self.validators.iter().any(|validator| validator.member == member)
    }
}

/// The validators that decide a height, sorted by name, and the first height that they decide.
fn validators_of(custody: &Custody, height: u64) -> (Vec<ValidatorEntry>, u64) {
    let Some(set) = custody.validators_at(height) else { return Default::default() };
    let entry = |validator: &ore_record::v1::Validator| {
        let public_key = validator.consensus_key.as_slice().try_into().ok()?;
        Some(ValidatorEntry { member: validator.member.clone(), public_key, power: 1 })
    };
    let mut validators: Vec<_> = set.set.validators.iter().filter_map(entry).collect();
    validators.sort();
    (validators, set.from_height)
}
