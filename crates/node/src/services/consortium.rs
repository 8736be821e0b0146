//! The consortium: who takes part, under which rules, and how far this node is.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use ore_wire::{
    status,
    v1::{self, consortium_service_server::ConsortiumService},
};
use tonic::{Request, Response, Status};

use super::{Api, Page};
use crate::faults::FaultCount;

/// Most changes of the validators in one answer.
const HANDOVERS_A_PAGE: usize = 100;

/// The service.
pub struct Consortium(pub Arc<Api>);

#[tonic::async_trait]
impl ConsortiumService for Consortium {
    async fn get_info(
        &self,
        _: Request<v1::GetInfoRequest>,
    ) -> Result<Response<v1::GetInfoResponse>, Status> {
        self.0.timed(get_info(&self.0)).await.map(Response::new)
    }

    async fn list_members(
        &self,
        request: Request<v1::ListMembersRequest>,
    ) -> Result<Response<v1::ListMembersResponse>, Status> {
        let request = request.into_inner();
        let page = Page::read(request.page_size, &request.page_token)?;
        let custody = self.0.ledger.custody.read().await;
        let (members, next_page_token) = page.of(custody.members());
        let members = members.into_iter().map(|member| member.state.clone()).collect();
        let tree_size = custody.leaves();
        Ok(Response::new(v1::ListMembersResponse { members, next_page_token, tree_size }))
    }

    async fn list_facilities(
        &self,
        request: Request<v1::ListFacilitiesRequest>,
    ) -> Result<Response<v1::ListFacilitiesResponse>, Status> {
        let request = request.into_inner();
        let page = Page::read(request.page_size, &request.page_token)?;
        let custody = self.0.ledger.custody.read().await;
        let of_member = |id: &str| {
            request.member.is_empty()
                || id.split_once('/').is_some_and(|(member, _)| member == request.member)
        };
        let (facilities, next_page_token) =
            page.of(custody.facilities().filter(|facility| of_member(&facility.id)));
        let facilities = facilities.into_iter().cloned().collect();
        let tree_size = custody.leaves();
        Ok(Response::new(v1::ListFacilitiesResponse { facilities, next_page_token, tree_size }))
    }

    async fn list_attestations(
        &self,
        request: Request<v1::ListAttestationsRequest>,
    ) -> Result<Response<v1::ListAttestationsResponse>, Status> {
        let request = request.into_inner();
        let page = Page::read(request.page_size, &request.page_token)?;
        let custody = self.0.ledger.custody.read().await;
        let about = |subject: &str| request.subject.is_empty() || subject == request.subject;
        let (attestations, next_page_token) = page.of(custody.attestations().filter(|standing| {
            standing.attestation.as_ref().is_some_and(|attestation| about(&attestation.subject))
        }));
        let attestations = attestations.into_iter().cloned().collect();
        let tree_size = custody.leaves();
        Ok(Response::new(v1::ListAttestationsResponse { attestations, next_page_token, tree_size }))
    }

    async fn get_profile(
        &self,
        _: Request<v1::GetProfileRequest>,
    ) -> Result<Response<v1::GetProfileResponse>, Status> {
        let custody = self.0.ledger.custody.read().await;
        let profile = custody.profile().cloned();
        Ok(Response::new(v1::GetProfileResponse { profile, tree_size: custody.leaves() }))
    }

    async fn get_validators(
        &self,
        _: Request<v1::GetValidatorsRequest>,
    ) -> Result<Response<v1::GetValidatorsResponse>, Status> {
        let custody = self.0.ledger.custody.read().await;
        let next_height = self.0.ledger.newest.borrow().height + 1;
        let validators = custody.validators_at(next_height).map(|set| set.set.validators.clone());
        let validators = validators.unwrap_or_default();
        Ok(Response::new(v1::GetValidatorsResponse { validators, next_height }))
    }

    async fn list_peers(
        &self,
        _: Request<v1::ListPeersRequest>,
    ) -> Result<Response<v1::ListPeersResponse>, Status> {
        let next_height = self.0.ledger.newest.borrow().height + 1;
        let rules = self.0.ledger.custody.read().await.rules_version_at(next_height);
        Ok(Response::new(peers(&self.0, rules)))
    }

    async fn get_evidence(
        &self,
        request: Request<v1::GetEvidenceRequest>,
    ) -> Result<Response<v1::GetEvidenceResponse>, Status> {
        let name = request.into_inner().name;
        if name.is_empty() {
            return Err(status::malformed("name", "one of the names that ListPeers gives"));
        }
        let faults = Arc::clone(&self.0.ledger.faults);
        let evidence = tokio::task::spawn_blocking(move || faults.evidence(&name)).await.ok().flatten();
        let evidence = evidence.ok_or_else(|| Status::not_found("no evidence of this name is kept"))?;
        Ok(Response::new(v1::GetEvidenceResponse { evidence: evidence.into() }))
    }

    async fn list_handovers(
        &self,
        request: Request<v1::ListHandoversRequest>,
    ) -> Result<Response<v1::ListHandoversResponse>, Status> {
        let after = request.into_inner().after_height;
        let kept = self.0.ledger.handovers.borrow().clone();
        let page = kept.range(after.saturating_add(1)..).take(HANDOVERS_A_PAGE);
        let handovers = page
            .map(|(from_height, file)| v1::HandoverFile { from_height: *from_height, file: file.clone() });
        Ok(Response::new(v1::ListHandoversResponse { handovers: handovers.collect() }))
    }
}

/// Which ledger this is, and how far this node is.
///
/// # Errors
/// None of its own; a time limit may be put around it.
pub async fn get_info(api: &Api) -> Result<v1::GetInfoResponse, Status> {
    let ledger = &api.ledger;
    let lots = ledger.custody.read().await.lots().len() as u64;
    let newest = *ledger.newest.borrow();
    Ok(v1::GetInfoResponse {
        origin: ledger.origin.clone(),
        genesis_id: Bytes::copy_from_slice(&ledger.genesis),
        member: ledger.member.clone(),
        height: newest.height,
        durable_size: newest.tree_size,
        published_size: ledger.published.borrow().tree_size,
        lots,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        health: v1::Health::from(ledger.health.condition()).into(),
        health_note: ledger.health.note(),
    })
}

/// What this node has seen of each member's node.
fn peers(api: &Api, rules: u32) -> v1::ListPeersResponse {
    let cosigners = api.ledger.cosigners.borrow().clone();
    let mut peers: BTreeMap<String, v1::Peer> = BTreeMap::new();
    for (member, cosigned_size) in cosigners.newest {
        let peer = v1::Peer { member: member.clone(), validator: true, cosigned_size, ..v1::Peer::default() };
        peers.insert(member, peer);
    }
    let mut peer = |member: String, change: &dyn Fn(&mut v1::Peer)| {
        change(peers.entry(member.clone()).or_insert_with(|| v1::Peer { member, ..v1::Peer::default() }));
    };
    for FaultCount { member, kind, count, evidence } in api.ledger.faults.list() {
        let fault = v1::PeerFault { kind: kind.to_owned(), count, evidence };
        peer(member, &|peer| peer.faults.push(fault.clone()));
    }
    let newest_rules = api.newest_rules.version();
    peer(api.ledger.member.clone(), &|peer| peer.newest_rules = newest_rules);
    for link in api.links.iter().flat_map(ore_peer::Links::report) {
        peer(link.member, &|peer| peer.newest_rules = link.newest_rules);
    }
    let not_cosigning = cosigners.waits;
    v1::ListPeersResponse { peers: peers.into_values().collect(), not_cosigning, rules, newest_rules }
}
