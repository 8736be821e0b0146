//! What can go wrong between a member and a node, and what to do about each.

use std::time::Duration;

use ore_wire::{
    status::{self, Refusal},
    v1::{Malformed, Rejection},
};

use crate::memory::MemoryError;

/// Why a call has no answer, or none that may be believed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers there.
    #[error("no ledger answers at {url}: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// The address is none.
    #[error("{url:?} is no address of a ledger: {reason}")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The rules refuse the record.
    #[error("rule {}: {}", .0.rule, .0.message)]
    Rejected(Box<Rejection>),
    /// The request could not be read.
    #[error("{}", list(.0))]
    Malformed(Vec<Malformed>),
    /// Not now.
    #[error("{message}; the node asks to wait {} ms", after.as_millis())]
    Later {
        /// Not before this has passed.
        after: Duration,
        /// Why.
        message: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The node does not know who asks, or does not believe it.
    #[error("the node does not know who asks: {0}")]
    Unknown(String),
    /// The node knows who asks, and that is not enough.
    #[error("the node does not show this: {0}")]
    Denied(String),
    /// Any other status.
    #[error("the node answers {code:?}: {message}")]
    Node {
        /// The code.
        code: tonic::Code,
        /// What it says.
        message: String,
    },
    /// The answer does not verify. Keep it: it is evidence.
    #[error("the node's {what} does not verify: {why}")]
    Verification {
        /// What was checked.
        what: &'static str,
        /// What was wrong with it.
        why: String,
    },
    /// The remembered checkpoint cannot be read or written.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl ClientError {
    /// The next step, for the person who made the call.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Unreachable { .. } => "start the ledger, or check the address and the network".to_owned(),
            Self::Address { .. } => {
                "write it like http://127.0.0.1:8720; for https, name the node's certificate \
                                     with --tls-ca FILE"
                    .to_owned()
            }
            Self::Rejected(rejection) => rejection.next_step.clone(),
            Self::Malformed(_) => {
                "correct the field; a program of another version may have made it".to_owned()
            }
            Self::Later { after, .. } => format!("try again in {} ms; nothing was lost", after.as_millis()),
            Self::NotFound(_) => "check the id; `oreledger lot list` shows the lots".to_owned(),
            Self::Unknown(_) => "say who asks with --as MEMBER and its key, or give a token with --token; \
                                 if the token is right, compare this machine's clock with the node's"
                .to_owned(),
            Self::Denied(_) => {
                "ask as a member that may see it (--as MEMBER), or ask the lot's holder for a share link"
                    .to_owned()
            }
            Self::Node { .. } => "look at the node's log".to_owned(),
            Self::Verification { .. } => {
                "do not rely on this node; keep its answer and show it to another member".to_owned()
            }
            Self::Memory(_) => "check the file that remembers the newest checkpoint".to_owned(),
        }
    }

    pub(crate) fn verification(what: &'static str, why: impl ToString) -> Self {
        Self::Verification { what, why: why.to_string() }
    }

    /// Translates a status; `url` is named when nobody answered.
    pub(crate) fn of_status(url: &str, status: &tonic::Status) -> Self {
        match status::refusal(status) {
            Refusal::Rejected(rejection) => Self::Rejected(Box::new(rejection)),
            Refusal::Malformed(fields) => Self::Malformed(fields),
            Refusal::Later { after, message } => Self::Later { after, message },
            Refusal::NotFound(message) => Self::NotFound(message),
            Refusal::Unknown(message) => Self::Unknown(message),
            Refusal::Denied(message) => Self::Denied(message),
            // tonic reports a lost connection as UNAVAILABLE without details, or UNKNOWN with a transport cause.
            Refusal::Other(tonic::Code::Unavailable, message) => {
                Self::Unreachable { url: url.to_owned(), reason: message }
            }
            Refusal::Other(tonic::Code::Unknown, message) if std::error::Error::source(status).is_some() => {
                Self::Unreachable { url: url.to_owned(), reason: message }
            }
            Refusal::Other(code, message) => Self::Node { code, message },
        }
    }
}

fn list(fields: &[Malformed]) -> String {
    let one = |field: &Malformed| {
        if field.field.is_empty() {
            field.message.clone()
        } else {
            format!("{}: {}", field.field, field.message)
        }
    };
    fields.iter().map(one).collect::<Vec<_>>().join("; ")
}
