//! The origin check: what the trace pattern of a lot says of the origin that was claimed for it.
//!
//! What a question rests on is taken from the auditor's index under the ledger's locks and copied; distributions
//! are fitted and scored without them, off the reactor, a bounded number at once. Every question is written to the
//! node's log of queries before its answer leaves.

mod libraries;
mod queries;
mod questions;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use ore_wire::{
    fingerprint::answer::Fitted,
    v1::{self, fingerprint_service_server::FingerprintService},
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{access::Caller, query_log::QueryLog};

pub(crate) use libraries::{get_library, list_libraries};
pub(crate) use queries::list_queries;
pub(crate) use questions::{attribute, check, step};

/// Fitted libraries that are kept: the newest asked for.
const KEPT: usize = 4;

/// What the service keeps between questions.
#[derive(Debug)]
pub struct FingerprintDesk {
    /// Who asked what.
    pub queries: QueryLog,
    fitted: Mutex<VecDeque<(Vec<u8>, Arc<Fitted>)>>,
}

impl FingerprintDesk {
    /// A desk with this log.
    #[must_use]
    pub const fn new(queries: QueryLog) -> Self {
        Self { queries, fitted: Mutex::new(VecDeque::new()) }
    }

    fn kept(&self, record: &[u8]) -> Option<Arc<Fitted>> {
        let fitted = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        fitted.iter().find(|(id, _)| id == record).map(|(_, fitted)| Arc::clone(fitted))
    }

    fn keep(&self, record: &[u8], library: &Arc<Fitted>) {
        let mut fitted = self.fitted.lock().unwrap_or_else(PoisonError::into_inner);
        if fitted.iter().any(|(id, _)| id == record) {
            return;
        }
        if fitted.len() >= KEPT {
            fitted.pop_front();
        }
        fitted.push_back((record.to_vec(), Arc::clone(library)));
    }
}

/// The service.
pub struct Fingerprint(pub Arc<Api>);

#[tonic::async_trait]
impl FingerprintService for Fingerprint {
    async fn check(
        &self,
        request: Request<v1::OriginCheckRequest>,
    ) -> Result<Response<v1::OriginCheckResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(check(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn attribute(
        &self,
        request: Request<v1::OriginAttributeRequest>,
    ) -> Result<Response<v1::OriginAttributeResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(attribute(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn step(
        &self,
        request: Request<v1::OriginStepRequest>,
    ) -> Result<Response<v1::OriginStepResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(step(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }

    async fn list_libraries(
        &self,
        request: Request<v1::ListLibrariesRequest>,
    ) -> Result<Response<v1::ListLibrariesResponse>, Status> {
        self.0.timed(list_libraries(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn get_library(
        &self,
        request: Request<v1::GetLibraryRequest>,
    ) -> Result<Response<v1::GetLibraryResponse>, Status> {
        self.0.timed(get_library(&self.0, request.into_inner())).await.map(Response::new)
    }

    async fn list_queries(
        &self,
        request: Request<v1::ListQueriesRequest>,
    ) -> Result<Response<v1::ListQueriesResponse>, Status> {
        let caller = Caller::of(&request);
        self.0.timed(list_queries(&self.0, &caller, request.into_inner())).await.map(Response::new)
    }
}
