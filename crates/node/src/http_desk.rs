//! What the pages' own scripts ask: the trust root, drafts to sign, and records that were signed in the browser.
//!
//! A draft is made here and signed there: no key and no passphrase ever comes along these ways.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use base64ct::{Base64, Encoding};
use bytes::Bytes;
use ore_web::{
    Refused,
    desk::{MAX_RECORDS, Order, Standing},
};
use ore_wire::{status, v1};
use serde_json::Value as Json;
use tonic::Status;

use crate::{
    http::{answer, problem},
    services::{Api, submission},
};

/// The trust root of this node, as `consortium.toml`.
pub(crate) async fn trust(State(api): State<Arc<Api>>) -> Response {
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "no-cache")], api.trust.clone()).into_response()
}

/// Drafts of what people typed or uploaded, with the newest heads and in plain words.
pub(crate) async fn draft(State(api): State<Arc<Api>>, body: Bytes) -> Response {
    let drafted = async {
        let mut order = Order::read(&body).map_err(|refused| match refused {
            Refused::Bad(why) => status::malformed("body", &why),
            other => Status::internal(other.to_string()),
        })?;
        let lots = order.lots();
        let standings = standings(&api, lots).await;
        Ok::<Json, Status>(order.drafted(&api.ledger.origin, standings, nonce))
    };
    match drafted.await {
        Ok(json) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, json.to_string()).into_response()
        }
        Err(status) => problem(&status),
    }
}

async fn standings(api: &Api, lots: Vec<String>) -> HashMap<String, Standing> {
    let custody = api.ledger.custody.read().await;
    let standing = |lot: String| {
        let found = custody.lot(&lot)?;
        let offer = custody.offer_of(&found).and_then(|_| custody.id_at(found.standing.offer.into()));
        Some((lot, Standing { head: custody.id_at(found.standing.head.into()), offer }))
    };
    lots.into_iter().filter_map(standing).collect()
}

fn nonce() -> [u8; 16] {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).expect("the operating system has a random source");
    nonce
}

/// Records that were signed in the browser: `{"entries": [base64, ...]}`. They may build on each other.
pub(crate) async fn submit(State(api): State<Arc<Api>>, body: Bytes) -> Response {
    let results = async {
        let results = submission::submit_some(&api, entries(&body)?).await?;
        Ok::<_, Status>(v1::SubmitStreamResponse { results })
    };
    answer("oreledger.v1.SubmitStreamResponse", results.await)
}

fn entries(body: &[u8]) -> Result<Vec<Bytes>, Status> {
    let wrong = |why: &str| status::malformed("entries", why);
    let json: Json = serde_json::from_slice(body).map_err(|error| wrong(&error.to_string()))?;
    let entries = json["entries"].as_array().ok_or_else(|| wrong("a list of entries in base64"))?;
    if entries.len() > MAX_RECORDS {
        return Err(wrong("at most 1,000 records at once"));
    }
    let entry = |entry: &Json| Base64::decode_vec(entry.as_str()?).ok().map(Bytes::from);
    entries.iter().map(entry).collect::<Option<_>>().ok_or_else(|| wrong("each entry is padded base64"))
}
