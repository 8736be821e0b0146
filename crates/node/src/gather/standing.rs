//! Whether this node signs: a validator that has started asks the others what it signed before.

use std::collections::BTreeSet;

use super::{Gathering, Log};

/// Whether this node signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is no validator.
    Observing,
    /// It has started, and asks the others what it signed before: they answered so far.
    Asking(BTreeSet<String>),
    /// It signs.
    Signing,
}

/// What a node that does not sign waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is no validator.
    NotValidator,
    /// The others have not yet said what it signed before.
    Answers {
        /// Validators that must answer.
        of: usize,
        /// Validators that have.
        have: usize,
    },
    /// Its log is shorter than what it, or a quorum, has signed.
    CatchUp {
        /// Entries it has.
        durable: u64,
        /// Entries it needs.
        needed: u64,
    },
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotValidator => f.write_str("this node is no validator"),
            Self::Answers { of, have } => {
                write!(f, "{have} of {of} validators have said what this node signed before")
            }
            Self::CatchUp { durable, needed } => {
                write!(f, "{durable} entries are here, {needed} were signed for before")
            }
        }
    }
}

impl Gathering {
    /// Whether this node signs; otherwise what it waits for.
    #[must_use]
    pub fn waits_for(&self, log: &impl Log) -> Option<Waiting> {
        match &self.standing {
            Standing::Observing => Some(Waiting::NotValidator),
            Standing::Asking(answers) => {
                Some(Waiting::Answers { of: self.panel.answers_needed(), have: answers.len() })
            }
            Standing::Signing => {
                let (durable, needed) = (log.size(), self.floor.max(self.promised));
                (durable < needed).then_some(Waiting::CatchUp { durable, needed })
            }
        }
    }

    pub(super) fn count_answer(&mut self, from: &str) {
        let Standing::Asking(answers) = &mut self.standing else { return };
        if from != self.me && self.panel.has(from) {
            answers.insert(from.to_owned());
        }
        if answers.len() >= self.panel.answers_needed() {
            self.standing = Standing::Signing;
        }
    }
}
