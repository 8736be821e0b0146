//! EPCIS 2.0 on the members' port: what the ledger knows, as events, page by page.
//!
//! There is no capture here, because a node holds no member's key and signs for nobody: a member's system
//! captures at the gateway on its own machine (`oreledger capture`), which signs there and hands in here.

mod walk;

use std::sync::Arc;

use axum::{
    extract::{Query as Parameters, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use ore_epcis::{
    Clause, Instant, Refusal,
    json::{Object, Value},
    query::{self, Query, escaped},
};

use crate::{http::problem, services::Api};
use walk::{NoAnswer, Token, page};

/// `GET /epcis/events`: the simple event query, in the order of the log or in another.
pub(crate) async fn events(
    State(api): State<Arc<Api>>,
    uri: Uri,
    Parameters(parameters): Parameters<Vec<(String, String)>>,
) -> Response {
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = match Query::read(pairs) {
        Ok(query) => query,
        Err(refusal) => return bad_query(&refusal),
    };
    let token = match query.next_page_token.as_deref().map(Token::read) {
        None => None,
        Some(Some(token)) => Some(token),
        Some(None) => {
            let (name, reason) = ("nextPageToken", "is no token that a page before gave");
            return bad_query(&Refusal::new(name, Clause::Query, reason, "follow the Link header"));
        }
    };
    match page(&api, &query, token).await {
        Ok((events, next)) => written(events, next, &uri, &parameters),
        Err(NoAnswer::Status(status)) => problem(&status),
        Err(NoAnswer::TooLarge(most)) => {
            let detail = format!("more than {most} events answer it, which is what maxEventCount allows");
            too_much("QueryTooLargeException", &detail)
        }
        Err(NoAnswer::TooComplex { entries, most }) => {
            let detail = format!(
                "{entries} records would have to be put in order or counted, at most {most} are: narrow it by \
                 GE_recordTime and LT_recordTime, or take the order of recordTime"
            );
            too_much("QueryTooComplexException", &detail)
        }
    }
}

fn too_much(what: &str, detail: &str) -> Response {
    problem_details(StatusCode::PAYLOAD_TOO_LARGE, what, "the query is too large", detail, "")
}

fn written(events: Vec<Object>, next: Option<Token>, uri: &Uri, parameters: &[(String, String)]) -> Response {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = Instant::from_ms(now.map_or(0, |now| i64::try_from(now.as_millis()).unwrap_or(i64::MAX)));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/ld+json"));
    headers.insert("gs1-epcis-version", HeaderValue::from_static("2.0.0"));
    headers.insert("gs1-cbv-version", HeaderValue::from_static("2.0.0"));
    if let Some(next) = next {
        let others = parameters.iter().filter(|(name, _)| name != "nextPageToken");
        let mut link = format!("<{}?", uri.path());
        for (name, value) in others {
            link.push_str(&format!("{}={}&", escaped(name), escaped(value)));
        }
        link.push_str(&format!("nextPageToken={next}>; rel=\"next\""));
        headers.extend(HeaderValue::from_str(&link).ok().map(|link| (header::LINK, link)));
    }
    (headers, query::answer(events, now).write()).into_response()
}

/// `/epcis/capture`: not here, and where.
pub(crate) async fn no_capture() -> Response {
    let detail = "a node holds no member's key and signs for nobody: run `oreledger capture` on the machine \
                  that has the key, and post to http://127.0.0.1:8723/epcis/capture there";
    problem_details(StatusCode::METHOD_NOT_ALLOWED, "ImplementationException", "no capture here", detail, "")
}

fn bad_query(refusal: &Refusal) -> Response {
    let (detail, instance) =
        (format!("{refusal}; {}", refusal.hint), format!("epcis:events?{}", escaped(&refusal.path)));
    let title = "a query parameter is wrong";
    problem_details(StatusCode::BAD_REQUEST, "QueryParameterException", title, &detail, &instance)
}

/// Problem details in the standard's words.
fn problem_details(status: StatusCode, what: &str, title: &str, detail: &str, instance: &str) -> Response {
    let mut body = Object::new()
        .with("type", format!("epcisException:{what}"))
        .with("title", title)
        .with("status", Value::Number(status.as_u16().to_string()))
        .with("detail", detail);
    if !instance.is_empty() {
        body.set("instance", instance);
    }
    let headers = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, headers, Value::from(body).write()).into_response()
}
