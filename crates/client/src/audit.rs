//! The auditor's questions. Answers are the node's word: records are named, and receipts prove them.

use ore_wire::{
    MAX_RESPONSE_BYTES,
    v1::{self, audit_service_client::AuditServiceClient},
};
use tonic::{Response, Status};

use crate::{ClientError, Ledger, ledger::Badged};

/// Most parts of a streamed answer that are read.
const MAX_PARTS: usize = 100_000;

impl Ledger {
    fn audit_service(&self) -> AuditServiceClient<Badged> {
        AuditServiceClient::new(self.channel()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    pub(crate) fn answer<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, ClientError> {
        answer.map(Response::into_inner).map_err(|status| self.status(&status))
    }

    /// Findings of a lot, a facility or everything; asks again where a node's limit cut an answer short, so that
    /// the whole is complete.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn findings(&self, request: v1::FindingsRequest) -> Result<v1::FindingsResponse, ClientError> {
        let mut whole = v1::FindingsResponse::default();
        let (mut request, mut in_part) = (request, None);
        // Ends: each turn goes on at a later leaf.
        loop {
            let (findings, summary) = self.findings_once(request.clone()).await?;
            whole.findings.extend(findings);
            let next = summary.next_leaf;
            let sum = whole.summary.get_or_insert_default();
            sum.records += summary.records;
            sum.findings += summary.findings;
            sum.severe += summary.severe;
            sum.not_judged = summary.not_judged;
            sum.profile_version = summary.profile_version;
            let size = summary.basis.as_ref().map_or(0, |basis| basis.tree_size);
            let short = summary.basis.as_ref().map_or(v1::CutShort::Unspecified, v1::Basis::cut_short);
            sum.basis = summary.basis;
            // A record that was judged in part stays so, however whole the rest is.
            if short == v1::CutShort::Lots {
                in_part = in_part.or_else(|| sum.basis.clone());
            }
            if short == v1::CutShort::Unspecified || next <= request.from_leaf {
                sum.basis = in_part.or_else(|| sum.basis.take());
                return Ok(whole);
            }
            request.from_leaf = next;
            // Go on in the same ledger.
            request.as_of.get_or_insert_default().tree_size = size;
        }
    }

    async fn findings_once(
        &self,
        request: v1::FindingsRequest,
    ) -> Result<(Vec<v1::Finding>, v1::FindingsSummary), ClientError> {
        let mut parts = self.answer(self.audit_service().findings(request).await)?;
        let (mut findings, mut summary) = (Vec::new(), v1::FindingsSummary::default());
        for _ in 0..MAX_PARTS {
            let Some(part) = parts.message().await.map_err(|status| self.status(&status))? else { break };
            findings.extend(part.findings);
            summary = part.summary.unwrap_or(summary);
        }
        Ok((findings, summary))
    }

    /// Findings of records as they become durable, handed to `each` until it says stop.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn watch_findings(
        &self,
        request: v1::WatchFindingsRequest,
        mut each: impl FnMut(v1::FindingsResponse) -> bool,
    ) -> Result<(), ClientError> {
        let mut parts = self.answer(self.audit_service().watch_findings(request).await)?;
        // Ends when the node ends the stream, or the caller has enough.
        while let Some(part) = parts.message().await.map_err(|status| self.status(&status))? {
            if !each(part) {
                break;
            }
        }
        Ok(())
    }

    /// The books of a facility.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn mass_balance(
        &self,
        request: v1::MassBalanceRequest,
    ) -> Result<v1::MassBalanceResponse, ClientError> {
        self.answer(self.audit_service().mass_balance(request).await)
    }

    /// What of an element went round.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn circularity(
        &self,
        request: v1::CircularityRequest,
    ) -> Result<v1::CircularityResponse, ClientError> {
        self.answer(self.audit_service().circularity(request).await)
    }

    /// What a lot's element hangs on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn dependence(
        &self,
        request: v1::DependenceRequest,
    ) -> Result<v1::DependenceResponse, ClientError> {
        self.answer(self.audit_service().dependence(request).await)
    }

    /// Claim credits.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn credits(&self, request: v1::CreditsRequest) -> Result<v1::CreditsResponse, ClientError> {
        self.answer(self.audit_service().credits(request).await)
    }

    /// What tollers owe.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn metal_accounts(
        &self,
        request: v1::MetalAccountsRequest,
    ) -> Result<v1::MetalAccountsResponse, ClientError> {
        self.answer(self.audit_service().metal_accounts(request).await)
    }

    /// The timeline of a lot.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn chain_of_custody(
        &self,
        request: v1::ChainOfCustodyRequest,
    ) -> Result<v1::ChainOfCustodyResponse, ClientError> {
        self.answer(self.audit_service().chain_of_custody(request).await)
    }

    /// The burden of a lot.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lot_footprint(
        &self,
        request: v1::LotFootprintRequest,
    ) -> Result<v1::LotFootprintResponse, ClientError> {
        self.answer(self.audit_service().lot_footprint(request).await)
    }
}
