//! The auditor's questions as JSON: `POST /v1/audit/<question>` with a request in protobuf's JSON mapping.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use futures::StreamExt;
use ore_wire::{status, v1};
use prost::Message;
use prost_reflect::DynamicMessage;
use tonic::Status;

use crate::{
    http::{answer, pool, problem},
    services::{Api, audit},
};

/// Findings in one JSON answer; beyond them `nextLeaf` says where to go on.
const MOST_FINDINGS: usize = 10_000;

/// Reads a request of this name from JSON; nothing at all stands for an empty one.
pub(crate) fn request<T: Message + Default>(name: &str, body: &[u8]) -> Result<T, Status> {
    let body = if body.is_empty() { b"{}" } else { body };
    let wrong = |error: &dyn std::fmt::Display| status::malformed("request", &format!("{name}: {error}"));
    let descriptor = pool().get_message_by_name(name).ok_or_else(|| Status::internal("unknown message"))?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let message = DynamicMessage::deserialize(descriptor, &mut reader).map_err(|error| wrong(&error))?;
    reader.end().map_err(|error| wrong(&error))?;
    T::decode(message.encode_to_vec().as_slice()).map_err(|error| wrong(&error))
}

/// One question of the audit service, by its method's name in lower case with hyphens.
pub(crate) async fn ask(State(api): State<Arc<Api>>, Path(question): Path<String>, body: Bytes) -> Response {
    macro_rules! ask {
        ($name:literal, $ask:expr) => {
            match request(concat!("oreledger.v1.", $name, "Request"), &body) {
                Ok(asked) => answer(concat!("oreledger.v1.", $name, "Response"), $ask(&api, asked).await),
                Err(status) => problem(&status),
            }
        };
    }
    match question.as_str() {
        "findings" => ask!("Findings", findings),
        "mass-balance" => ask!("MassBalance", audit::mass_balance),
        "circularity" => ask!("Circularity", audit::circularity),
        "dependence" => ask!("Dependence", audit::dependence),
        "credits" => ask!("Credits", audit::credits),
        "metal-accounts" => ask!("MetalAccounts", audit::metal_accounts),
        "chain-of-custody" => ask!("ChainOfCustody", audit::chain_of_custody),
        "lot-footprint" => ask!("LotFootprint", audit::footprint),
        _ => problem(&Status::not_found("no such question of the audit service")),
    }
}

/// The stream as one answer.
pub(crate) async fn findings(
    api: &Arc<Api>,
    asked: v1::FindingsRequest,
) -> Result<v1::FindingsResponse, Status> {
    let mut parts = std::pin::pin!(audit::findings(Arc::clone(api), asked).await?);
    let mut whole = v1::FindingsResponse::default();
    while let Some(part) = parts.next().await {
        let part = part?;
        whole.findings.extend(part.findings);
        whole.summary = part.summary.or(whole.summary);
        if whole.findings.len() >= MOST_FINDINGS && whole.summary.is_none() {
            let next_leaf = whole.findings.last().map_or(0, |last| last.leaf_index + 1);
            let basis = v1::Basis {
                cut_short: v1::CutShort::Lots.into(),
                note: "more findings than one answer holds; go on from nextLeaf".to_owned(),
                ..v1::Basis::default()
            };
            let summary = v1::FindingsSummary { basis: Some(basis), next_leaf, ..Default::default() };
            whole.summary = Some(summary);
            break;
        }
    }
    Ok(whole)
}
