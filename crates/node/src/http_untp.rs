//! UNTP on the members' port: which keys speak for a member, which passports are stale, and unsigned views.
//!
//! A node holds no member's key, so it signs no passport. It serves what a stranger needs to check one that
//! a member signed: the member's keys, as a DID document, and the status list, which the node signs with its
//! log key in its own name. The input of such a signature (RFC 7515 §5.1) is base64url with a point and ends
//! without a newline, so it can never be taken for a note, nor a note for it.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Extension,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, header, request::Parts, uri::Authority},
    response::{IntoResponse, Response},
};
use ore_record::{
    SignedRecord,
    v1::{ClaimedShare, Facility},
};
use ore_untp::{
    did,
    facility::{self, Address},
    jose,
    passport::{self, Element, Facts, Issue},
    place::{BadPlace, Place},
    status,
};
use ore_wire::v1;
use serde_json::Value;
use tonic::Status;

use crate::{
    access::Caller,
    http::problem,
    services::{Api, no_lot, provenance, touched},
};

/// How long a stranger may keep a DID document or a status list, in seconds.
const KEPT: &str = "public, max-age=300";
/// Elements below this are not in the view of a passport: 1 %.
const LEAST_PPB: u32 = 10_000_000;
/// Media type of a DID document.
const DID_DOCUMENT: &str = "application/did+json";

/// The place that was asked: what a document names must be where it was found. TLS ends at this port, or at a
/// proxy that says so.
pub(crate) struct Asked(Place);

impl FromRequestParts<Arc<Api>> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Response> {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        // HTTP/1.1 names the host in a header, HTTP/2 in the address (RFC 9113 §8.3.1).
        let host = parts.uri.authority().map(Authority::as_str).or_else(|| text(header::HOST.as_str()));
        let place = place_of(host.unwrap_or_default(), text("x-forwarded-proto"), api.tls);
        place.map(Self).map_err(|error| problem(&Status::invalid_argument(error.to_string())))
    }
}

fn place_of(host: &str, forwarded: Option<&str>, tls: bool) -> Result<Place, BadPlace> {
    let proxied = forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
    Place::of_host(host, tls || proxied)
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// For everybody.
fn public(kind: &'static str, body: String) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT)], body).into_response()
}

/// For whoever asked, and no cache on the way.
fn private(view: Result<Value, Status>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    match view {
        Ok(view) => (headers, view.to_string()).into_response(),
        Err(status) => problem(&status),
    }
}

/// The node's own keys: `did:web:<host>`.
pub(crate) async fn node_did(State(api): State<Arc<Api>>, Asked(place): Asked) -> Response {
    let key = *api.log_key.verifier_key().public_key();
    public(DID_DOCUMENT, did::document(&place.node_did(), &[key]).to_string())
}

/// A member's keys: `did:web:<host>:id:<member>`. Those that were revoked are not in it.
pub(crate) async fn member_did(
    State(api): State<Arc<Api>>,
    Path(member): Path<String>,
    Asked(place): Asked,
) -> Response {
    let custody = api.ledger.custody.read().await;
    let Some(known) = custody.member(&member) else { return StatusCode::NOT_FOUND.into_response() };
    let keys: Vec<[u8; 32]> =
        known.keys().filter_map(|key| key.public_key.as_slice().try_into().ok()).collect();
    public(DID_DOCUMENT, did::document(&place.member_did(&member), &keys).to_string())
}

/// Which of 131,072 leaves hold records that were withdrawn.
pub(crate) async fn status_list(
    State(api): State<Arc<Api>>,
    Path(list): Path<u64>,
    Asked(place): Asked,
) -> Response {
    let custody = api.ledger.custody.read().await;
    let leaves = custody.leaves();
    let first = list.saturating_mul(status::BITS);
    if first >= leaves {
        return StatusCode::NOT_FOUND.into_response();
    }
    let last = first.saturating_add(status::BITS).min(leaves);
    let withdrawn: Vec<u64> = (first..last).filter(|leaf| custody.withdrawn_at(*leaf).is_some()).collect();
    drop(custody);
    let credential = status::credential(&place, list, withdrawn.into_iter(), now_ms());
    let key = *api.log_key.verifier_key().public_key();
    public(jose::MEDIA_TYPE, jose::sign_with(&credential, &place.node_did(), &key, |bytes| sign(&api, bytes)))
}

fn sign(api: &Api, input: &[u8]) -> [u8; 64] {
    let text = str::from_utf8(input).expect("base64url and a point are ASCII");
    let line = api.log_key.sign(text);
    line.signature().try_into().expect("an Ed25519 signature has 64 bytes")
}

/// A facility's record, unsigned: its owner signs it with `oreledger passport --facility`.
pub(crate) async fn facility_view(
    State(api): State<Arc<Api>>,
    Path((member, name)): Path<(String, String)>,
    Asked(place): Asked,
) -> Response {
    let custody = api.ledger.custody.read().await;
    let view = || {
        let id = format!("{member}/{name}");
        let facility = custody.facility(&id).ok_or_else(|| Status::not_found("no facility of this id"))?;
        let owner = member_of(&custody, &member)?;
        let issue = Issue { place: &place, issuer: owner, from_ms: now_ms(), until_ms: now_ms() };
        Ok(facility::record(&issue, facility, owner, &Address::default()))
    };
    private(view())
}

/// A passport, unsigned: what its maker would sign now.
pub(crate) async fn passport_view(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((member, number)): Path<(String, String)>,
    Asked(place): Asked,
) -> Response {
    private(passport_of(&api, &caller, &format!("{member}/{number}"), &place).await)
}

async fn passport_of(api: &Arc<Api>, caller: &Caller, id: &str, place: &Place) -> Result<Value, Status> {
    let contents = {
        let custody = api.ledger.custody.read().await;
        caller.may_see(&custody, id)?;
        let lot = custody.lot(id).ok_or_else(|| no_lot(id))?;
        let mut contents = lot.composition.to_vec();
        contents.retain(|content| content.ppb >= LEAST_PPB);
        contents.sort_by_key(|content| std::cmp::Reverse(content.ppb));
        contents
    };
    let (mut elements, mut tree_size) = (Vec::new(), 0);
    for content in contents {
        let request = v1::AttributeRequest {
            lot: id.to_owned(),
            element: content.element.into(),
            ..Default::default()
        };
        let answer = provenance::attribute(api, caller, request).await?;
        tree_size = answer.tree_size;
        elements.push(Element {
            number: content.element.into(),
            ppb: content.ppb,
            uncertainty_ppb: content.uncertainty_ppb,
            shares: answer.origins.into_iter().map(claimed).collect(),
        });
    }
    let custody = api.ledger.custody.read().await;
    let lot = custody.lot(id).ok_or_else(|| no_lot(id))?;
    let entry = api.ledger.reader.entry(lot.passport.created_at.into()).ok().flatten();
    let record = entry.and_then(|entry| SignedRecord::decode(&entry).ok());
    let record = record.ok_or_else(|| Status::internal("the record that made the lot cannot be read"))?;
    let stated = touched::created(record.record(), id).ok_or_else(|| no_lot(id))?;
    let maker = member_of(&custody, &record.record().author)?;
    let unknown = Facility { id: stated.facility.clone(), ..Facility::default() };
    let mass_mg = if lot.remaining_mg() > 0 { lot.remaining_mg() } else { lot.passport.created_mg };
    Ok(passport::passport(&Facts {
        issue: Issue { place, issuer: maker, from_ms: now_ms(), until_ms: now_ms() },
        origin: &api.ledger.origin,
        tree_size,
        lot: stated,
        mass_mg,
        maker,
        owner: member_of(&custody, custody.member_id(lot.standing.owner))?,
        facility: custody.facility(&stated.facility).unwrap_or(&unknown),
        made_ms: record.record().event_time_ms,
        made_by: record.id(),
        made_at: lot.passport.created_at.into(),
        elements,
        evidence: Vec::new(),
        by_source: false,
    }))
}

fn claimed(origin: v1::OriginShare) -> ClaimedShare {
    let (share, origin) = (origin.share.unwrap_or_default(), origin.origin.unwrap_or_default());
    ClaimedShare {
        kind: origin.kind,
        source: origin.source,
        country: origin.country,
        route: origin.route,
        generation: origin.generation,
        value: share.value_e18,
        lower: share.lower_e18,
        upper: share.upper_e18,
    }
}

fn member_of<'a>(custody: &'a ore_custody::Custody, id: &str) -> Result<&'a ore_record::v1::Member, Status> {
    let member = custody.member(id).and_then(|member| member.state.member.as_ref());
    member.ok_or_else(|| Status::not_found("no member of this id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_name_the_place_that_was_asked_with_its_scheme() {
        let base =
            |forwarded, tls| place_of("ledger.example:8720", forwarded, tls).map(|it| it.base().to_owned());
        assert_eq!(base(None, false).as_deref(), Ok("http://ledger.example:8720"));
        assert_eq!(base(None, true).as_deref(), Ok("https://ledger.example:8720"));
        assert_eq!(base(Some("HTTPS"), false).as_deref(), Ok("https://ledger.example:8720"));
        assert_eq!(base(Some("http"), true).as_deref(), Ok("https://ledger.example:8720"));
        assert!(place_of("", None, true).is_err() && place_of("a/b", None, true).is_err());
    }
}
