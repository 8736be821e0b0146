//! Promises of inclusion: asked for, kept by the caller, and judged later.

use std::time::{SystemTime, UNIX_EPOCH};

use ore_checkpoint::TlogProof;
use ore_merkle::hash_leaf;
use ore_record::{RecordId, SignedRecord};
use ore_verify::{Evidence, InclusionPromise, SignedPromise, TrustRoot};
use ore_wire::v1;

use crate::{Accepted, ClientError, Ledger, ledger::chain, submission::accepted};

/// What became of a promise.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// A quorum's checkpoint has the entry where it was promised.
    Kept,
    /// It is not due yet.
    Open,
    /// It is broken, and this convinces anybody who has the trust root.
    Broken(Box<Evidence>),
    /// The node shows neither the entry nor what stands in its place: ask another node with the same promise.
    Unanswered(String),
}

impl Ledger {
    /// Hands one record in, waits until it is durable, and returns the node's signed promise that it stays where
    /// it is and is published in time. Keep the promise: it is evidence when it is broken.
    ///
    /// # Errors
    /// As [`Ledger::submit`]; [`ClientError::Verification`] when the promise is absent or about something else.
    pub async fn submit_promised(
        &self,
        record: &SignedRecord,
    ) -> Result<(Accepted, SignedPromise), ClientError> {
        let entry = record.entry();
        let wait = v1::Stage::Integrated.into();
        let request = v1::SubmitRequest { entry: entry.clone().into(), wait, promise: true };
        let answer = self.submission_service().submit(request).await;
        let answer = answer.map_err(|status| self.status(&status))?.into_inner();
        let broken = |error: &dyn std::error::Error| ClientError::verification("promise", chain(error));
        let signed = SignedPromise::parse(answer.promise.as_bytes()).map_err(|error| broken(&error))?;
        let check =
            |root: &TrustRoot| signed.verify_for(&root.policy, &entry).map_err(|error| broken(&error));
        let promise = self.by_any_root(check).await?;
        let place = accepted(record.id(), answer.place, answer.already_there)?;
        if promise.leaf != place.leaf_index || promise.record != record.id() {
            return Err(ClientError::verification("promise", "it is about another place than the answer"));
        }
        Ok((place, signed))
    }

    /// Judges a promise, of this node or another, by what a quorum vouches for now.
    ///
    /// # Errors
    /// [`ClientError`] when nobody answers, or answers what does not verify.
    pub async fn judge(&self, signed: &SignedPromise) -> Result<Verdict, ClientError> {
        let broken = |error: &dyn std::error::Error| ClientError::verification("promise", chain(error));
        let check = |root: &TrustRoot| signed.verify(&root.policy).map_err(|error| broken(&error));
        let (promise, _) = self.by_any_root(check).await?;
        let quorum = self.checkpoint().await?;
        if quorum.unverified().size().get() < promise.tree_size {
            let evidence = Evidence::BrokenPromise { promise: signed.clone(), quorum, leaf: None };
            let proven =
                now_seconds() >= promise.deadline && evidence.verify(&self.newest_root().policy).is_ok();
            return Ok(if proven { Verdict::Broken(Box::new(evidence)) } else { Verdict::Open });
        }
        let patience = std::time::Duration::from_secs(10);
        if let Ok(receipt) = self.receipt(promise.record, patience).await
            && receipt.report.leaf_index == promise.leaf
            && hash_leaf(&receipt.report.record.entry()) == promise.hash
        {
            return Ok(Verdict::Kept);
        }
        match self.receipt_of_leaf(&promise).await? {
            None => Ok(Verdict::Unanswered(format!("leaf {} is not shown", promise.leaf))),
            Some((hash, _)) if hash == promise.hash => Ok(Verdict::Kept),
            Some((hash, proof)) => {
                let (path, quorum) = (proof.path().clone(), proof.checkpoint().clone());
                let evidence =
                    Evidence::BrokenPromise { promise: signed.clone(), quorum, leaf: Some((hash, path)) };
                Ok(match evidence.verify(&self.newest_root().policy) {
                    Ok(_) => Verdict::Broken(Box::new(evidence)),
                    Err(why) => Verdict::Unanswered(why.to_string()),
                })
            }
        }
    }

    /// What stands at the promised leaf, proven.
    async fn receipt_of_leaf(
        &self,
        promise: &InclusionPromise,
    ) -> Result<Option<(ore_merkle::LeafHash, TlogProof)>, ClientError> {
        let request = v1::ReadEntriesRequest { start: promise.leaf, count: 1 };
        let answer = self.log_service().read_entries(request).await;
        let mut parts = answer.map_err(|status| self.status(&status))?.into_inner();
        let part = parts.message().await.map_err(|status| self.status(&status))?;
        let Some(entry) = part.and_then(|part| part.entries.into_iter().next()) else { return Ok(None) };
        let Ok(record) = SignedRecord::decode(&entry) else { return Ok(None) };
        let receipt = match self.receipt(record.id(), std::time::Duration::from_secs(10)).await {
            Ok(receipt) => receipt,
            Err(ClientError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let proof = TlogProof::parse(receipt.file.as_bytes())
            .map_err(|error| ClientError::verification("receipt", chain(&error)))?;
        let there = receipt.report.leaf_index == promise.leaf;
        Ok(there.then(|| (hash_leaf(&entry), proof)))
    }
}

/// Seconds since 1970, by this machine's clock: only for not calling a promise broken before its time.
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Name of the file in which a promise is kept.
#[must_use]
pub fn promise_file(record: &RecordId) -> String {
    format!("{record}.promise")
}
