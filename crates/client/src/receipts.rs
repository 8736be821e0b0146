//! Receipts and bundles: fetched, and verified before anybody sees them.

use std::time::{Duration, Instant};

use ore_checkpoint::{SignedCheckpoint, TlogProof};
use ore_record::RecordId;
use ore_verify::{BundleReport, ReceiptReport, TrustRoot, verify_bundle, verify_receipt};
use ore_wire::v1;
use prost::Message;

use crate::{ClientError, Ledger, ledger::chain};

/// A receipt that verifies, as the file that anybody can check again.
#[derive(Clone, Debug)]
pub struct CheckedReceipt {
    /// C2SP `.tlog-proof` with the entry inside.
    pub file: String,
    /// What was checked.
    pub report: ReceiptReport,
    /// Height of the block, by the node's word.
    pub height: u64,
    /// Time of the block, by the node's word; milliseconds since 1970.
    pub block_time_ms: u64,
}

/// A bundle that verifies, as the file that anybody can check again.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    /// The file.
    pub bytes: Vec<u8>,
    /// What was checked.
    pub report: BundleReport,
}

impl Ledger {
    /// The receipt of a record: inclusion, log signature and quorum verified, and its checkpoint
    /// consistent with the newest one remembered. Waits up to `patience` for publication.
    ///
    /// # Errors
    /// [`ClientError::NotFound`], [`ClientError::Later`] when patience ends, [`ClientError::Verification`].
    pub async fn receipt(&self, id: RecordId, patience: Duration) -> Result<CheckedReceipt, ClientError> {
        let end = Instant::now() + patience;
        loop {
            let request = v1::GetReceiptRequest { record_id: id.as_bytes().to_vec().into() };
            match self.log_service().get_receipt(request).await {
                Ok(answer) => {
                    let receipt = answer.into_inner().receipt;
                    let receipt = receipt
                        .ok_or_else(|| ClientError::verification("receipt", "there is none in the answer"))?;
                    return self.check_receipt(id, &receipt).await;
                }
                Err(status) => match self.status(&status) {
                    ClientError::Later { after, .. } if Instant::now() + after < end => {
                        tokio::time::sleep(after).await
                    }
                    error => return Err(error),
                },
            }
        }
    }

    async fn check_receipt(
        &self,
        id: RecordId,
        receipt: &v1::Receipt,
    ) -> Result<CheckedReceipt, ClientError> {
        let broken = |why: String| ClientError::verification("receipt", why);
        let proof = TlogProof::parse(receipt.proof.as_bytes()).map_err(|error| broken(chain(&error)))?;
        let extra = Some(receipt.entry.to_vec());
        let whole = TlogProof::new(proof.index(), proof.path().clone(), proof.checkpoint().clone(), extra)
            .map_err(|error| broken(chain(&error)))?;
        let file = whole.to_string();
        let check = |root: &TrustRoot| {
            verify_receipt(file.as_bytes(), None, root).map_err(|fault| {
                let cause = fault.cause().map_or_else(String::new, |cause| format!(": {}", chain(cause)));
                broken(format!("{fault}{cause}"))
            })
        };
        let report = self.by_any_root(check).await?;
        if report.record.id() != id {
            return Err(broken(format!("it is of record {}", report.record.id())));
        }
        let place = receipt.place.clone().unwrap_or_default();
        if place.leaf_index != report.leaf_index {
            return Err(broken(format!(
                "the place says leaf {}, the proof {}",
                place.leaf_index, report.leaf_index
            )));
        }
        self.remember(&proof.checkpoint().note().to_string(), proof.checkpoint()).await?;
        Ok(CheckedReceipt { file, report, height: place.height, block_time_ms: receipt.block_time_ms })
    }

    /// Everything that the origin of one element in a lot rests on, verified.
    ///
    /// # Errors
    /// [`ClientError::Verification`] names the check that failed.
    pub async fn bundle(&self, lot: &str, element: u32) -> Result<VerifiedBundle, ClientError> {
        let request = v1::GetBundleRequest { lot: lot.to_owned(), element };
        let answer = self.log_service().get_bundle(request).await.map_err(|status| self.status(&status))?;
        let bytes = answer.into_inner().bundle.to_vec();
        let check = |root: &TrustRoot| {
            verify_bundle(&bytes, root).map_err(|fault| ClientError::verification("bundle", fault))
        };
        let report = self.by_any_root(check).await?;
        if report.claim.lot != lot || report.claim.element != element {
            let why = format!("it is about element {} of {}", report.claim.element, report.claim.lot);
            return Err(ClientError::verification("bundle", why));
        }
        let bundle = ore_record::v1::Bundle::decode(bytes.as_slice());
        if let Ok(bundle) = bundle
            && let Ok(signed) = SignedCheckpoint::parse(bundle.checkpoint.as_bytes())
        {
            self.remember(&bundle.checkpoint, &signed).await?;
        }
        Ok(VerifiedBundle { bytes, report })
    }
}
