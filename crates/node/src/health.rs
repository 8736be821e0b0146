//! The node's state, as its operator and its members see it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

use ore_wire::v1;
use tokio::sync::watch;

use crate::outcome::NotTaken;

/// What the node can do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Condition {
    /// Reads and writes.
    Serving = 1,
    /// Reads; records are refused until there is space.
    DiskFull = 2,
    /// Reads; a height does not advance though records wait.
    Stalled = 3,
    /// Going away.
    Stopping = 4,
    /// Reads and writes, but what is durable is not published within the promised time.
    Unpublished = 5,
}

/// The node's condition; cheap to ask on every submission.
#[derive(Debug)]
pub struct Health {
    condition: AtomicU8,
    note: Mutex<String>,
    unpublished: AtomicBool,
    changed: watch::Sender<Condition>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            condition: AtomicU8::new(Condition::Serving as u8),
            note: Mutex::default(),
            unpublished: AtomicBool::new(false),
            changed: watch::Sender::new(Condition::Serving),
        }
    }
}

impl Health {
    /// The condition now.
    #[must_use]
    pub fn condition(&self) -> Condition {
        match self.condition.load(Ordering::Relaxed) {
            2 => Condition::DiskFull,
            3 => Condition::Stalled,
            4 => Condition::Stopping,
            _ if self.unpublished.load(Ordering::Relaxed) => Condition::Unpublished,
            _ => Condition::Serving,
        }
    }

    /// What is the matter, for people; empty when serving.
    #[must_use]
    pub fn note(&self) -> String {
        if self.condition() == Condition::Unpublished {
            return "what is durable is not published within the promised time: too few cosignatures"
                .to_owned();
        }
        self.note.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether publishing takes longer than promised. Anything worse is said instead.
    pub fn set_unpublished(&self, late: bool) {
        if self.unpublished.swap(late, Ordering::Relaxed) != late {
            // Whoever watches looks at the condition again.
            self.changed.send_modify(|_| {});
        }
    }

    /// Changes the condition. A node that is stopping does nothing else any more.
    pub fn set(&self, condition: Condition, note: &str) {
        if self.condition() == Condition::Stopping {
            return;
        }
        note.clone_into(&mut self.note.lock().unwrap_or_else(PoisonError::into_inner));
        self.condition.store(condition as u8, Ordering::Relaxed);
        self.changed.send_replace(condition);
    }

    /// Changes of the condition.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Condition> {
        self.changed.subscribe()
    }

    /// Whether records are taken now. A stall does not refuse: the queue is bounded, and it may end.
    ///
    /// # Errors
    /// [`NotTaken`] with the reason.
    pub fn accepting(&self) -> Result<(), NotTaken> {
        match self.condition() {
            Condition::Serving | Condition::Stalled | Condition::Unpublished => Ok(()),
            Condition::DiskFull => Err(NotTaken::DiskFull),
            Condition::Stopping => Err(NotTaken::Stopping),
        }
    }
}

impl From<Condition> for v1::Health {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Serving => Self::Serving,
            Condition::DiskFull => Self::DiskFull,
            Condition::Stalled => Self::Stalled,
            Condition::Stopping => Self::Stopping,
            Condition::Unpublished => Self::Unpublished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_publication_is_said_unless_something_is_worse() {
        let health = Health::default();
        let mut watch = health.watch();
        watch.mark_unchanged();
        health.set_unpublished(true);
        assert!(watch.has_changed().is_ok_and(|changed| changed));
        assert_eq!(health.condition(), Condition::Unpublished);
        assert!(health.note().contains("promised time") && health.accepting().is_ok());
        health.set(Condition::DiskFull, "no space");
        assert_eq!((health.condition(), health.note().as_str()), (Condition::DiskFull, "no space"));
        health.set(Condition::Serving, "");
        health.set_unpublished(false);
        assert_eq!((health.condition(), health.note().as_str()), (Condition::Serving, ""));
    }
}
