//! A node that runs: until it is asked to stop or cannot go on, and in which order everything then ends.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use ore_consensus::{Engine, EngineError};
use ore_peer::Links;
use ore_store::StoreError;
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::sync::DropGuard;

use super::{NodeError, Shutdown};
use crate::{
    admission::Admission,
    health::Condition,
    ledger::Ledger,
    publisher::{PublishError, Publisher},
    sequencer::Sequencer,
};

/// What a node is made of while it runs.
pub(super) struct Running {
    pub(super) ledger: Arc<Ledger>,
    pub(super) admission: Arc<Admission>,
    pub(super) store: Arc<Mutex<ore_store::Store>>,
    pub(super) engine: Engine,
    pub(super) ordering: Ordering,
    pub(super) publisher: Arc<Publisher>,
    pub(super) publishing: JoinHandle<Result<(), PublishError>>,
    pub(super) servers: Vec<JoinHandle<()>>,
    pub(super) helpers: Vec<JoinHandle<()>>,
    pub(super) verifiers: Vec<thread::JoinHandle<()>>,
    pub(super) neighbours: Neighbours,
    pub(super) ending: Shutdown,
    pub(super) pool_records: usize,
    pub(super) stop: Duration,
}

/// The links while they run; they end when this is dropped.
#[derive(Default)]
pub(super) struct Neighbours {
    pub(super) links: Option<Links>,
    pub(super) tasks: Vec<JoinHandle<()>>,
    pub(super) _stop: Option<DropGuard>,
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The end of the ordering thread, which gives the sequencer back.
pub(super) type Ordering = oneshot::Receiver<Result<Sequencer, EngineError>>;

impl Running {
    /// Until a stop is asked for or the node cannot go on; then stops it.
    pub(super) async fn supervise(mut self, shutdown: Shutdown) -> Result<(), NodeError> {
        let failure = tokio::select! {
            () = shutdown.asked() => None,
            ended = &mut self.ordering => Some(match ended {
                Ok(Err(error)) => NodeError::Engine(error),
                Ok(Ok(_)) | Err(_) => NodeError::EngineGone,
            }),
            published = &mut self.publishing => match published {
                Ok(Err(error)) => Some(NodeError::Publish(error)),
                Ok(Ok(())) | Err(_) => Some(NodeError::EngineGone),
            },
        };
        if let Some(failure) = &failure {
            tracing::error!(error = %crate::sequencer::chain(failure), "node cannot go on");
        }
        let limit = self.stop;
        let stopped = tokio::time::timeout(limit, self.stop(failure.is_none()));
        let stopped = stopped.await.unwrap_or(Err(NodeError::StopTimeout(limit)));
        failure.map_or(stopped, Err)
    }

    /// Refuse, drain, publish, stop serving, stop ordering, close.
    async fn stop(self, in_order: bool) -> Result<(), NodeError> {
        tracing::info!("node is stopping");
        self.ledger.health.set(Condition::Stopping, "the node is shutting down");
        if in_order {
            // What was taken is answered: all room has been given back. Bounded by the caller.
            let _ = tokio::time::timeout(self.stop / 3, self.admission.drained(self.pool_records)).await;
        }
        self.admission.close();
        self.engine.shutdown().await;
        if in_order {
            // The engine's end gives the sequencer back, and with it the state.
            let _ = self.ordering.await;
            let publisher = Arc::clone(&self.publisher);
            let _ = tokio::task::spawn_blocking(move || publisher.publish_the_rest()).await;
        }
        drop(self.neighbours);
        self.ending.stop();
        for mut server in self.servers {
            // A caller that does not hang up is cut off.
            if tokio::time::timeout(self.stop / 4, &mut server).await.is_err() {
                server.abort();
            }
        }
        self.helpers.iter().for_each(JoinHandle::abort);
        if !self.publishing.is_finished() {
            // It ends by itself when the node is stopping, with whatever it is signing.
            let _ = self.publishing.await;
        }
        drop(self.publisher);
        let (store, ledger, verifiers) = (self.store, self.ledger, self.verifiers);
        let closed = tokio::task::spawn_blocking(move || {
            for verifier in verifiers {
                let _ = verifier.join();
            }
            match Arc::try_unwrap(store).map(Mutex::into_inner) {
                Ok(Ok(store)) => match store.close(&ledger.graph()) {
                    // After a full disk, say: the log has everything, and the next start makes the view again.
                    Err(StoreError::View { why }) => {
                        tracing::warn!(%why, "the view lags behind the log; the next start catches up");
                        Ok(())
                    }
                    Err(why @ StoreError::GraphAhead { .. }) => {
                        tracing::error!(%why, "a defect of this program: the graph was not saved, and the next start makes it again from the log");
                        Ok(())
                    }
                    closed => closed.map_err(NodeError::Close),
                },
                // Somebody still holds it, or panicked holding it: the log has everything.
                _ => {
                    tracing::warn!("the store is still in use and was not closed in order");
                    Ok(())
                }
            }
        });
        let closed = closed.await.unwrap_or(Ok(()));
        tracing::info!("node stopped");
        closed
    }
}
