//! What the members' port answers: every gRPC service, tiles, JSON and pages, behind one check of who asks.

use std::sync::Arc;

use axum::{Router, http::StatusCode, middleware};
use ore_wire::v1::{
    audit_service_server::AuditServiceServer, consortium_service_server::ConsortiumServiceServer,
    fingerprint_service_server::FingerprintServiceServer, log_service_server::LogServiceServer,
    lot_service_server::LotServiceServer, provenance_service_server::ProvenanceServiceServer,
    submission_service_server::SubmissionServiceServer,
};
use tonic::service::Routes;

use super::NodeError;
use crate::{
    access::{self, Access},
    http,
    services::{Api, audit, consortium, fingerprint, log, lot, provenance, submission},
};

/// gRPC, tiles and JSON on one port.
pub(super) fn member_router<H>(
    api: &Arc<Api>,
    health: tonic_health::pb::health_server::HealthServer<H>,
    access: Arc<Access>,
) -> Result<Router, NodeError>
where
    H: tonic_health::pb::health_server::Health,
{
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(ore_wire::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| NodeError::Reflection(error.to_string()))?;
    let (most_in, most_out) = (ore_wire::MAX_REQUEST_BYTES, ore_wire::MAX_RESPONSE_BYTES);
    let submission = SubmissionServiceServer::new(submission::Submission(Arc::clone(api)));
    let lots = LotServiceServer::new(lot::Lots(Arc::clone(api)));
    let provenance = ProvenanceServiceServer::new(provenance::Provenance(Arc::clone(api)));
    let audit = AuditServiceServer::new(audit::Audit(Arc::clone(api)));
    let origin = FingerprintServiceServer::new(fingerprint::Fingerprint(Arc::clone(api)));
    let log = LogServiceServer::new(log::Log(Arc::clone(api)));
    let consortium = ConsortiumServiceServer::new(consortium::Consortium(Arc::clone(api)));
    let routes =
        Routes::new(submission.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(lots.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(provenance.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(audit.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(origin.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(log.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(consortium.max_decoding_message_size(most_in).max_encoding_message_size(most_out))
            .add_service(health)
            .add_service(reflection);
    let router = routes.prepare().into_axum_router().merge(http::routes(Arc::clone(api)));
    // The access layer answers what no route does: who is refused learns nothing about what exists.
    let router = router.fallback(async || StatusCode::NOT_FOUND);
    Ok(router.layer(middleware::from_fn_with_state(access, access::check)))
}
