//! The log: checkpoints, receipts, proofs, entries, and the feed of new blocks.

use std::{pin::Pin, sync::Arc};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use ore_checkpoint::TlogProof;
use ore_merkle::{LeafIndex, TreeSize};
use ore_record::RecordId;
use ore_wire::{
    status,
    v1::{self, log_service_server::LogService},
};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};
use tonic::{Request, Response, Status};

use super::{Api, bundle, unreadable};
use crate::{access::Caller, block, health::Condition};

/// Bytes of entries in one part.
const PART_BYTES: usize = 1 << 20;
/// Entries that are read at once: 16 of the longest fit into a part.
const READ_AHEAD: u64 = 256;

/// The service.
pub struct Log(pub Arc<Api>);

type Parted<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl LogService for Log {
    type ReadEntriesStream = Parted<v1::ReadEntriesResponse>;
    type WatchStream = Parted<v1::WatchResponse>;

    async fn get_checkpoint(
        &self,
        _: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let ledger = &self.0.ledger;
        let published = ledger.published.borrow().clone();
        if published.checkpoint.is_none() {
            return Err(no_checkpoint());
        }
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint: published.note.to_string(),
            tree_size: published.tree_size,
            durable_size: ledger.tree_size(),
        }))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let id = request.into_inner().record_id;
        let receipt = self.0.timed(receipt(&self.0, &id)).await?;
        Ok(Response::new(v1::GetReceiptResponse { receipt: Some(receipt) }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        let v1::GetConsistencyProofRequest { old_size, mut new_size } = request.into_inner();
        if new_size == 0 {
            new_size = self.0.ledger.published.borrow().tree_size;
        }
        let reader = &self.0.ledger.reader;
        let proof = reader
            .prove_consistency(TreeSize::new(old_size), TreeSize::new(new_size))
            .map_err(|error| status::malformed("new_size", &error.to_string()))?;
        let hashes = proof.hashes().iter().map(|hash| Bytes::copy_from_slice(hash.as_bytes())).collect();
        Ok(Response::new(v1::GetConsistencyProofResponse { old_size, new_size, hashes }))
    }

    async fn read_entries(
        &self,
        request: Request<v1::ReadEntriesRequest>,
    ) -> Result<Response<Self::ReadEntriesStream>, Status> {
        let v1::ReadEntriesRequest { start, count } = request.into_inner();
        let size = self.0.ledger.tree_size();
        let end = if count == 0 { size } else { start.saturating_add(count).min(size) };
        let api = Arc::clone(&self.0);
        let parts = stream::unfold(start, move |at| {
            let api = Arc::clone(&api);
            async move { (at < end).then(|| part(&api, at, end)) }
        });
        Ok(Response::new(parts.boxed()))
    }

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        // Subscribed before the past is read, so that no block falls between.
        let feed = self.0.ledger.blocks.subscribe();
        let next = match request.into_inner().from_height {
            0 => self.0.ledger.newest.borrow().height + 1,
            height => height,
        };
        let condition = self.0.ledger.health.watch();
        let watch = Watch { api: Arc::clone(&self.0), feed, condition, next };
        let blocks = stream::unfold(watch, |mut watch| async move {
            let item = watch.next().await?;
            Some((item, watch))
        });
        Ok(Response::new(blocks.boxed()))
    }

    async fn get_bundle(
        &self,
        request: Request<v1::GetBundleRequest>,
    ) -> Result<Response<v1::GetBundleResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        self.0.timed(bundle::get_bundle(&self.0, &caller, request)).await.map(Response::new)
    }
}

/// How long a question for a receipt waits for the checkpoint that covers the record.
const COVERED_SOON: std::time::Duration = std::time::Duration::from_millis(250);

fn no_checkpoint() -> Status {
    status::unavailable("no checkpoint is published yet", std::time::Duration::from_millis(200))
}

/// Evidence that a record is in the log.
///
/// # Errors
/// `INVALID_ARGUMENT`, `NOT_FOUND`; `UNAVAILABLE` until a checkpoint covers it.
pub async fn receipt(api: &Api, record_id: &[u8]) -> Result<v1::Receipt, Status> {
    let id =
        RecordId::try_from(record_id).map_err(|error| status::malformed("record_id", &error.to_string()))?;
    let leaf = api.ledger.custody.read().await.leaf_of(&id);
    let leaf = leaf.ok_or_else(|| Status::not_found(format!("record {id} is not in the ledger")))?;
    // Whoever has just handed it in asks a few milliseconds too early.
    let mut published = api.ledger.published.subscribe();
    let covers = published.wait_for(|now| now.tree_size > leaf && now.checkpoint.is_some());
    let published = match tokio::time::timeout(COVERED_SOON, covers).await {
        Ok(Ok(now)) => now.clone(),
        Ok(Err(_)) | Err(_) => return Err(no_checkpoint()),
    };
    let checkpoint = published.checkpoint.ok_or_else(no_checkpoint)?;
    let reader = &api.ledger.reader;
    let internal =
        |error: &dyn std::fmt::Display| Status::internal(format!("receipt of leaf {leaf}: {error}"));
    let path =
        reader.prove_inclusion(leaf, TreeSize::new(published.tree_size)).map_err(|error| internal(&error))?;
    let entry = reader.entry(leaf).map_err(|error| unreadable(&error))?.unwrap_or_default();
    let extra = Some(entry.to_vec());
    let proof = TlogProof::new(LeafIndex::new(leaf), path, (*checkpoint).clone(), extra);
    let proof = proof.map_err(|error| internal(&error))?;
    let height = reader.height_of(leaf).unwrap_or_default();
    let header = reader.header(height).map_err(|error| unreadable(&error))?.unwrap_or_default();
    Ok(v1::Receipt {
        place: Some(v1::Place {
            record_id: Bytes::copy_from_slice(id.as_bytes()),
            leaf_index: leaf,
            tree_size: header.tree_size,
            height,
        }),
        entry,
        proof: proof.to_string(),
        block_time_ms: header.time_ms,
    })
}

/// One part of a range, and where the next begins.
fn part(api: &Api, at: u64, end: u64) -> (Result<v1::ReadEntriesResponse, Status>, u64) {
    let entries = match api.ledger.reader.entries(at..end.min(at + READ_AHEAD)) {
        Ok(entries) if !entries.is_empty() => entries,
        Ok(_) => return (Err(Status::data_loss(format!("entry {at} is missing from this node's log"))), end),
        Err(error) => return (Err(unreadable(&error)), end),
    };
    let mut bytes = 0;
    let fits = entries.into_iter().take_while(|entry| {
        let first = bytes == 0;
        bytes += entry.len();
        first || bytes <= PART_BYTES
    });
    let entries: Vec<Bytes> = fits.collect();
    let next = at + entries.len() as u64;
    (Ok(v1::ReadEntriesResponse { start: at, entries }), next)
}

/// A reader of new blocks: first those of the past that it asked for, then the feed.
struct Watch {
    api: Arc<Api>,
    feed: broadcast::Receiver<v1::WatchResponse>,
    condition: watch::Receiver<Condition>,
    next: u64,
}

impl Watch {
    async fn next(&mut self) -> Option<Result<v1::WatchResponse, Status>> {
        if self.next <= self.api.ledger.newest.borrow().height {
            let item = self.past(self.next);
            self.next += 1;
            return Some(item);
        }
        // Each turn drops a block of the feed that was reported already.
        loop {
            let block = tokio::select! {
                block = self.feed.recv() => block,
                _ = self.condition.wait_for(|now| *now == Condition::Stopping) => return None,
            };
            match block {
                Ok(block) if block.height < self.next => {}
                Ok(block) => {
                    self.next = block.height + 1;
                    return Some(Ok(block));
                }
                Err(RecvError::Lagged(blocks)) => {
                    let message = format!("fell {blocks} blocks behind; ask again from height {}", self.next);
                    return Some(Err(Status::data_loss(message)));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    fn past(&self, height: u64) -> Result<v1::WatchResponse, Status> {
        let stored = self.api.ledger.reader.block(height).map_err(|error| unreadable(&error))?;
        let stored = stored.ok_or_else(|| Status::not_found(format!("no block of height {height}")))?;
        let bytes: Bytes = block::encode(&stored.header, &stored.entries).into();
        let parts =
            block::decode(&bytes, usize::MAX).map_err(|error| Status::data_loss(error.to_string()))?;
        Ok(block::watch_response(&parts))
    }
}
