//! The publisher: from durable blocks to checkpoints that others can hold the ledger to.
//!
//! The body is noted in the promise file and synced before it is signed, and no body is ever signed
//! that contradicts an earlier one. Checkpoints follow blocks at a distance, so that a fast ledger signs
//! a few a second and not one a block. A node that is its ledger's only validator publishes what it signs;
//! one of several [gathers](crate::gather) the others' cosignatures first.

mod together;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use ore_checkpoint::{Cosigner, KeyName, NoteSigner, Policy, SignedCheckpoint, UnixSeconds};
use ore_merkle::TreeSize;
use ore_store::{Store, StoreError};
use tokio::time::Instant;

use crate::{
    consortium::{Consortium, ConsortiumError, cosigner_name},
    gather::{Gathering, Panel},
    health::Condition,
    keys::NodeKeys,
    ledger::{Cosigners, Ledger, Published},
    sequencer::{Clock, chain, lock},
    witness,
};
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
    policy: Policy,
    interval: Duration,
    clock: Clock,
    /// `None` for a ledger's only validator.
    together: Option<Together>,
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
        let alone =
            outside.is_empty() && matches!(&consortium.validators[..], [only] if only.member == member);
        let promised = lock(&store).promised().map_or(0, |body| body.size().get());
        let together = match alone {
            true => None,
            false => {
                let panel = Panel::new(consortium)?;
                let gathering = Gathering::new(&consortium.origin, member, panel, promised);
                Some(Together::new(gathering, outside))
            }
        };
        Ok(Self {
            ledger,
            store,
            log: NoteSigner::new(origin.clone(), &keys.log),
            cosigner: Cosigner::new(name(&cosigner_name(&consortium.origin, member))?, &keys.cosigner),
            origin,
            policy: consortium.policy()?,
            interval,
            clock: Clock::system(),
            together,
        })
    }

    /// Lets checkpoints wait this long for outside witnesses that the policy can do without.
    #[must_use]
    pub fn with_witness_grace(mut self, grace: Duration) -> Self {
        self.together = self.together.map(|together| together.with_grace(grace));
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
        if true_still && self.policy.check(&signed).is_ok() {
            self.announce(signed.clone());
        }
        self.resume_together(&signed);
    }

    /// Publishes whatever is durable, until the node is stopping.
    ///
    /// # Errors
    /// Only what must stop the node: a contradiction.
    pub async fn run(self: Arc<Self>) -> Result<(), PublishError> {
        match self.together.is_some() {
            true => self.run_together().await,
            false => self.run_alone().await,
        }
    }

    async fn run_alone(self: Arc<Self>) -> Result<(), PublishError> {
        let mut newest = self.ledger.newest.subscribe();
        let mut condition = self.ledger.health.watch();
        // Each turn publishes one checkpoint, then waits for a block and for the interval.
        loop {
            let started = Instant::now();
            let size = newest.borrow_and_update().tree_size;
            let mut pause = self.interval;
            let mut wait_for_block = true;
            if size > self.ledger.published.borrow().tree_size {
                let publisher = Arc::clone(&self);
                match tokio::task::spawn_blocking(move || publisher.publish(size)).await {
                    Ok(Err(error)) if error.is_contradiction() => return Err(error),
                    Ok(Err(error)) => {
                        tracing::error!(error = %chain(&error), "no checkpoint, trying again");
                        (pause, wait_for_block) = (RETRY, false);
                    }
                    // A panic there is ours and has been printed; the next block tries again.
                    Ok(Ok(())) | Err(_) => {}
                }
            }
            let next = async {
                if wait_for_block && newest.changed().await.is_err() {
                    return;
                }
                tokio::time::sleep(pause.saturating_sub(started.elapsed())).await;
            };
            tokio::select! {
                () = next => {}
                _ = condition.wait_for(|now| *now == Condition::Stopping) => return Ok(()),
            }
        }
    }

    /// Promise, then signature and cosignature, then policy, then file, then everybody. One of several validators
    /// has nothing to publish by itself.
    ///
    /// # Errors
    /// [`PublishError`].
    pub fn publish(&self, size: u64) -> Result<(), PublishError> {
        if self.together.is_some() {
            return Ok(());
        }
        let signed = self.sign(size)?;
        self.policy.check(&signed).map_err(|why| PublishError::Policy { size, why: why.to_string() })?;
        lock(&self.store).publish_checkpoint(signed.to_string().as_bytes())?;
        self.announce(signed);
        Ok(())
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
        if self.together.is_none() {
            let newest = [(self.ledger.member.clone(), tree_size)].into();
            self.ledger.cosigners.send_replace(Cosigners { newest, waits: String::new() });
        }
        tracing::debug!(tree_size, "checkpoint published");
        let checkpoint = Some(Arc::new(signed));
        self.ledger.published.send_replace(Published { tree_size, note, checkpoint });
    }
}
