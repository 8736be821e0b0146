//! Refusals in the standard's words: problem details (RFC 9457) whose type is an exception of EPCIS 2.0.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// The exceptions of the REST binding that occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    /// What was sent is not as the standard, or a rule of the ledger, says.
    Validation,
    /// More than is taken at once.
    CaptureLimit,
    /// Whoever asks may not.
    Security,
    /// There is no such job, or no such path.
    NoSuchResource,
    /// There is no query of this name.
    NoSuchName,
    /// There is one already.
    AlreadyExists,
    /// Another kind of content.
    UnsupportedMediaType,
    /// A query that is none.
    QueryValidation,
    /// The fault is here, or at the node.
    Implementation,
}

impl Exception {
    const fn name(self) -> &'static str {
        match self {
            Self::Validation => "ValidationException",
            Self::CaptureLimit => "CaptureLimitExceededException",
            Self::Security => "SecurityException",
            Self::NoSuchResource => "NoSuchResourceException",
            Self::NoSuchName => "NoSuchNameException",
            Self::AlreadyExists => "ResourceAlreadyExistsException",
            Self::UnsupportedMediaType => "UnsupportedMediaTypeException",
            Self::QueryValidation => "QueryValidationException",
            Self::Implementation => "ImplementationException",
        }
    }

    /// The status that the standard's interface description gives it.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Validation | Self::QueryValidation => StatusCode::BAD_REQUEST,
            Self::CaptureLimit => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Security => StatusCode::FORBIDDEN,
            Self::NoSuchResource | Self::NoSuchName => StatusCode::NOT_FOUND,
            Self::AlreadyExists => StatusCode::CONFLICT,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Implementation => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Problem details, as they stand in an answer or among the errors of a job.
    pub(crate) fn details(self, status: StatusCode, title: &str, detail: &str) -> Value {
        json!({
            "type": format!("epcisException:{}", self.name()), "title": title, "status": status.as_u16(),
            "detail": detail,
        })
    }

    /// An answer.
    pub(crate) fn answer(self, detail: &str) -> Response {
        self.answer_as(self.status(), detail)
    }

    /// An answer with another status than usual.
    pub(crate) fn answer_as(self, status: StatusCode, detail: &str) -> Response {
        let body = self.details(status, status.canonical_reason().unwrap_or("error"), detail);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
