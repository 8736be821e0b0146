//! Who asked what: written down before the answer leaves, and listed for whoever sees the whole ledger.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use ore_wire::{status, v1};
use sha2::{Digest, Sha256};
use tonic::Status;

use super::super::Api;
use crate::access::{Caller, Sight};

/// Queries in one answer.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MOST: u32 = 1_000;

/// Who asked what, for whoever sees the whole ledger.
///
/// # Errors
/// `PERMISSION_DENIED`, `INVALID_ARGUMENT`.
pub(crate) async fn list_queries(
    api: &Arc<Api>,
    caller: &Caller,
    request: v1::ListQueriesRequest,
) -> Result<v1::ListQueriesResponse, Status> {
    let sees =
        matches!(caller, Caller::Nobody { reads: true } | Caller::Member { sight: Sight::Everything, .. });
    if !sees {
        return Err(status::denied(
            "ROLE",
            "the log of queries is for members whose roles show the whole ledger",
        ));
    }
    let most = match request.page_size {
        0 => PAGE_DEFAULT,
        size if size <= PAGE_MOST => size,
        _ => return Err(status::malformed("page_size", "at most 1,000")),
    };
    let wanted = |query: &v1::OriginQuery| {
        (request.lot.is_empty() || query.lot == request.lot)
            && (request.member.is_empty() || query.member == request.member)
    };
    let (queries, held, dropped) = api.fingerprint.queries.newest(most as usize, wanted);
    Ok(v1::ListQueriesResponse { queries, held, dropped })
}

/// A question on its way into the log.
pub(super) struct Query(v1::OriginQuery);

impl Query {
    pub(super) fn of(question: &str, caller: &Caller, lot: &str, request: &[u8]) -> Self {
        let member = match caller {
            Caller::Member { id, .. } => id.to_string(),
            Caller::Share { issuer, .. } => format!("share link of {issuer}"),
            Caller::Nobody { .. } => "nobody".to_owned(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(v1::OriginQuery {
            time_ms: now.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
            member,
            question: question.to_owned(),
            lot: short(lot),
            question_sha256: Bytes::copy_from_slice(&Sha256::digest(request)),
            ..v1::OriginQuery::default()
        })
    }

    /// Before the answer leaves.
    pub(super) fn written(
        self,
        api: &Api,
        library: Option<&v1::LibraryName>,
        origin: &str,
        assessed: bool,
    ) -> Result<(), Status> {
        let library = library.map_or_else(String::new, |name| format!("{} {}", name.library, name.version));
        let outcome = if assessed { "assessed" } else { "not assessable" }.to_owned();
        let query = v1::OriginQuery { library, origin: short(origin), outcome, ..self.0 };
        api.fingerprint.queries.write(query).map_err(|error| {
            tracing::error!(%error, "the log of queries cannot be written");
            Status::internal(
                "the question could not be written down, so it is not answered; the operator has been told",
            )
        })
    }
}

/// Text from outside in a line of the log.
fn short(text: &str) -> String {
    text.chars().take(96).collect()
}
