//! What a node says about the other members' nodes, and the evidence that it keeps.

use ore_wire::v1;

use crate::{ClientError, Ledger};

impl Ledger {
    /// Each member's node as this node has seen it. The node's word; evidence is checked by whoever reads it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn peers(&self) -> Result<v1::ListPeersResponse, ClientError> {
        let answer = self.consortium_service().list_peers(v1::ListPeersRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.status(&status))
    }

    /// The validators of the next height: the node's word alone. What shows them to somebody who trusts no node are
    /// handovers; whoever states this set again signs it, and has to know it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn validators(&self) -> Result<Vec<ore_record::v1::Validator>, ClientError> {
        let answer = self.consortium_service().get_validators(v1::GetValidatorsRequest {}).await;
        answer.map(|answer| answer.into_inner().validators).map_err(|status| self.status(&status))
    }

    /// One piece of evidence, as a file; `ore_verify::Evidence` says what it proves.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for a name that [`Ledger::peers`] does not give.
    pub async fn evidence(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        let request = v1::GetEvidenceRequest { name: name.to_owned() };
        let answer = self.consortium_service().get_evidence(request).await;
        answer.map(|answer| answer.into_inner().evidence.to_vec()).map_err(|status| self.status(&status))
    }
}
