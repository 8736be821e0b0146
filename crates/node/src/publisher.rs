//! The publisher: from durable blocks to checkpoints that others can hold the ledger to.
//!
//! The body is noted in the promise file and synced before it is signed, and no body is ever signed
//! that contradicts an earlier one. Checkpoints follow blocks at a distance, so that a fast ledger signs
//! a few a second and not one a block. What a quorum of the validators has signed is [gathered](crate::gather) and
//! published; a ledger's only validator is its own quorum. Which validators count follows the ledger: see
//! [`crate::terms`].

mod handing_over;
mod together;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    consortium::{Consortium, ConsortiumError, cosigner_name},
    keys::NodeKeys,
    ledger::{Ledger, Published},
    sequencer::{Clock, lock},
    witness,
};
use handing_over::TermsSoFar;
use ore_checkpoint::{Cosigner, KeyName, NoteSigner, SignedCheckpoint, UnixSeconds};
use ore_merkle::TreeSize;
use ore_store::{Store, StoreError};
use together::Together;
pub use together::{Inbox, Outbound};

/// When a checkpoint that could not be made is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Signs and publishes.
pub struct Publisher {
    ledger: Arc<Ledger>,
    store: Arc<Mutex<Store>>,
    origin: KeyName,
    log: NoteSigner,
    cosigner: Cosigner,
    interval: Duration,
    clock: Clock,
    together: Together,
}

/// Why a checkpoint could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The promise cannot be noted, or would contradict an earlier one.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The note cannot be put together: a defect of ours.
    #[error("checkpoint of {size} entries: {why}")]
    Note {
        /// Its size.
        size: u64,
        /// What is wrong.
        why: String,
    },
    /// This node's keys do not satisfy the trust root's policy.
    #[error("the checkpoint of {size} entries does not satisfy the policy: {why}")]
    Policy {
        /// Its size.
        size: u64,
        /// What is missing.
        why: String,
    },
    /// Our log, or what our own key has signed, is not what a quorum or we ourselves have signed before.
    #[error("two checkpoints for {size} entries: root {ours} by our log, and, signed:\n{theirs}")]
    Fork {
        /// Their size.
        size: u64,
        /// The root that our own log gives.
        ours: String,
        /// The other, with its signatures.
        theirs: String,
    },
}

impl PublishError {
    /// Whether the node must stop: two bodies for one size are evidence, not an accident.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        matches!(self, Self::Store(StoreError::Contradiction { .. }) | Self::Fork { .. })
    }
}

impl Publisher {
    /// A publisher with this node's keys under the trust root's policy.
    ///
    /// # Errors
    /// [`ConsortiumError`] when origin or policy cannot be used.
    pub fn new(
        ledger: Arc<Ledger>,
        store: Arc<Mutex<Store>>,
        consortium: &Consortium,
        member: &str,
        keys: &NodeKeys,
        interval: Duration,
    ) -> Result<Self, ConsortiumError> {
        let name =
            |text: &str| KeyName::new(text).map_err(|error| ConsortiumError::Policy(error.to_string()));
        let origin = name(&consortium.origin)?;
        let outside = witness::ask::outside(&consortium.policy()?);
        let (so_far, promised) = {
            let store = lock(&store);
            (
                TermsSoFar::find(&ledger, &store, consortium)?,
                store.promised().map_or(0, |body| body.size().get()),
            )
        };
        let together = Together::new(so_far, &ledger, promised, outside);
        Ok(Self {
            ledger,
            store,
            log: NoteSigner::new(origin.clone(), &keys.log),
            cosigner: Cosigner::new(name(&cosigner_name(&consortium.origin, member))?, &keys.cosigner),
            origin,
            interval,
            clock: Clock::system(),
            together,
        })
    }

    /// Lets checkpoints wait this long for outside witnesses that the policy can do without.
    #[must_use]
    pub fn with_witness_grace(mut self, grace: Duration) -> Self {
        self.together = self.together.with_grace(grace);
        self
    }

    /// Takes the times of its cosignatures from another clock; for simulations.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Takes up the checkpoint that was published before the last stop, if it still says something true.
    pub fn resume(&self) {
        let Ok(Some(note)) = lock(&self.store).checkpoint() else { return };
        let Ok(signed) = SignedCheckpoint::parse(&note) else { return };
        let body = signed.unverified();
        let true_still = self.ledger.reader.root_at(body.size()).as_ref() == Some(body.root());
        if true_still && self.together.believes(&signed) {
            self.announce(signed.clone());
        }
        self.resume_together(&signed);
    }

    /// Promise, then signature and cosignature.
    fn sign(&self, size: u64) -> Result<SignedCheckpoint, PublishError> {
        let body = lock(&self.store).promise(&self.origin, TreeSize::new(size))?;
        let time = UnixSeconds::new(self.clock.now_ms() / 1_000)
            .ok_or_else(|| PublishError::Note { size, why: "the clock is out of range".into() })?;
        let lines = vec![self.log.sign(&body.to_text()), self.cosigner.cosign(&body, time)];
        SignedCheckpoint::new(body, lines).map_err(|why| PublishError::Note { size, why: why.to_string() })
    }

    fn announce(&self, signed: SignedCheckpoint) {
        let tree_size = signed.unverified().size().get();
        let note = signed.to_string().into();
        self.ledger.metrics.published_entries.set(tree_size);
        tracing::debug!(tree_size, "checkpoint published");
        let checkpoint = Some(Arc::new(signed));
        self.ledger.published.send_replace(Published { tree_size, note, checkpoint });
    }
}
