//! The origin check. Answers are the node's word; the records that they rest on are named, and receipts prove those.

use ore_wire::{
    MAX_RESPONSE_BYTES,
    v1::{self, fingerprint_service_client::FingerprintServiceClient},
};

use crate::{ClientError, Ledger, ledger::Badged};

impl Ledger {
    fn fingerprint_service(&self) -> FingerprintServiceClient<Badged> {
        FingerprintServiceClient::new(self.channel()).max_decoding_message_size(MAX_RESPONSE_BYTES)
    }

    /// Is a trace pattern consistent with the claimed origin?
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn origin_check(
        &self,
        request: v1::OriginCheckRequest,
    ) -> Result<v1::OriginCheckResponse, ClientError> {
        self.answer(self.fingerprint_service().check(request).await)
    }

    /// Which origins does a pattern resemble?
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn origin_attribute(
        &self,
        request: v1::OriginAttributeRequest,
    ) -> Result<v1::OriginAttributeResponse, ClientError> {
        self.answer(self.fingerprint_service().attribute(request).await)
    }

    /// Are the patterns before and after a step those of one material?
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn origin_step(
        &self,
        request: v1::OriginStepRequest,
    ) -> Result<v1::OriginStepResponse, ClientError> {
        self.answer(self.fingerprint_service().step(request).await)
    }

    /// Published versions of reference libraries.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_libraries(
        &self,
        request: v1::ListLibrariesRequest,
    ) -> Result<v1::ListLibrariesResponse, ClientError> {
        self.answer(self.fingerprint_service().list_libraries(request).await)
    }

    /// What a version holds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_library(
        &self,
        request: v1::GetLibraryRequest,
    ) -> Result<v1::GetLibraryResponse, ClientError> {
        self.answer(self.fingerprint_service().get_library(request).await)
    }

    /// Who asked what of this node.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_queries(
        &self,
        request: v1::ListQueriesRequest,
    ) -> Result<v1::ListQueriesResponse, ClientError> {
        self.answer(self.fingerprint_service().list_queries(request).await)
    }
}
