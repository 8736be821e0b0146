//! The origin check as JSON: `POST /v1/fingerprint/<question>` with a request in protobuf's JSON mapping.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    response::Response,
};
use tonic::Status;

use crate::{
    access::Caller,
    http::{answer, problem},
    http_audit::request,
    services::{Api, fingerprint},
};

/// One question of the service, by its method's name in lower case with hyphens.
pub(crate) async fn ask(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(question): Path<String>,
    body: Bytes,
) -> Response {
    macro_rules! ask {
        ($name:literal, $ask:expr) => {
            match request(concat!("oreledger.v1.", $name, "Request"), &body) {
                Ok(asked) => answer(concat!("oreledger.v1.", $name, "Response"), $ask(asked).await),
                Err(status) => problem(&status),
            }
        };
    }
    match question.as_str() {
        "check" => ask!("OriginCheck", |asked| api.timed(fingerprint::check(&api, &caller, asked))),
        "attribute" => {
            ask!("OriginAttribute", |asked| api.timed(fingerprint::attribute(&api, &caller, asked)))
        }
        "step" => ask!("OriginStep", |asked| api.timed(fingerprint::step(&api, &caller, asked))),
        "list-libraries" => {
            ask!("ListLibraries", |asked| api.timed(fingerprint::list_libraries(&api, asked)))
        }
        "get-library" => ask!("GetLibrary", |asked| api.timed(fingerprint::get_library(&api, asked))),
        "list-queries" => {
            ask!("ListQueries", |asked| api.timed(fingerprint::list_queries(&api, &caller, asked)))
        }
        _ => problem(&Status::not_found("no such question of the origin check")),
    }
}
