//! Refusals as `google.rpc.Status`, and back: one mapping for the node and for every client.
//!
//! A program acts on the code and the details; the message is for people. Status details travel in
//! HTTP/2 trailers, which peers bound, so texts are cut to what fits.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::v1::{self, RejectionReason};

/// Domain of every `ErrorInfo` that a node writes.
pub const DOMAIN: &str = "oreledger";

/// Longest text in a status, in bytes. Trailers are bounded to 16 KiB by common clients, base64 adds a
/// third, and a status holds the message twice, the next step once, and at most 16 ids of 64 digits.
const MAX_TEXT_BYTES: usize = 2_000;

/// Prefix of the enum's names in the proto, which an `ErrorInfo` leaves out.
const REASON_PREFIX: &str = "REJECTION_REASON_";

/// What a client can do about an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The rules refuse the record: its author has to act.
    Rejected(v1::Rejection),
    /// The request cannot be read: the program that sent it has to be corrected.
    Malformed(Vec<v1::Malformed>),
    /// The node cannot take it now: send it again.
    Later {
        /// Not before this time has passed.
        after: Duration,
        /// Why.
        message: String,
    },
    /// There is no such thing.
    NotFound(String),
    /// The node does not know who asks, or does not believe it.
    Unknown(String),
    /// The node knows who asks, and that is not enough.
    Denied(String),
    /// Anything else, with its code.
    Other(Code, String),
}

/// The rules refuse the record.
#[must_use]
pub fn rejected(rejection: &v1::Rejection) -> Status {
    let message = cut(&rejection.message);
    let mut metadata = HashMap::from([
        ("rule".to_owned(), rejection.rule.clone()),
        ("message".to_owned(), message.clone()),
        ("next_step".to_owned(), cut(&rejection.next_step)),
        ("subject".to_owned(), cut(&rejection.subject)),
    ]);
    if !rejection.newest_head.is_empty() {
        metadata.insert("newest_head".to_owned(), hex(&rejection.newest_head));
    }
    if !rejection.dependents.is_empty() {
        let ids: Vec<String> = rejection.dependents.iter().map(|id| hex(id)).collect();
        metadata.insert("dependents".to_owned(), ids.join(" "));
    }
    let details = ErrorDetails::with_error_info(reason_name(rejection.reason()), DOMAIN, metadata);
    let text = format!("rule {}: {message}", rejection.rule);
    Status::with_error_details(Code::FailedPrecondition, text, details)
}

/// The request cannot be read.
#[must_use]
pub fn malformed(field: &str, message: &str) -> Status {
    let details = ErrorDetails::with_bad_request_violation(field, cut(message));
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {}", cut(message)), details)
}

/// The queue is full; the record is not at fault.
#[must_use]
pub fn overloaded(message: &str, after: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(after));
    Status::with_error_details(Code::ResourceExhausted, message, details)
}

/// The node cannot serve this now, and says when to ask again.
#[must_use]
pub fn unavailable(message: &str, after: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(after));
    Status::with_error_details(Code::Unavailable, message, details)
}

/// Nobody is known to ask: no token, or one that does not hold. `reason` is for programs.
#[must_use]
pub fn unknown(reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(Code::Unauthenticated, cut(message), details)
}

/// Whoever asks may not see this. `reason` is for programs.
#[must_use]
pub fn denied(reason: &str, message: &str) -> Status {
    let details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(Code::PermissionDenied, cut(message), details)
}

/// Reads a status that [`rejected`], [`malformed`], [`overloaded`] or [`unavailable`] wrote, or any other.
#[must_use]
pub fn refusal(status: &Status) -> Refusal {
    let details = status.get_error_details();
    let message = || status.message().to_owned();
    match status.code() {
        Code::FailedPrecondition => match details.error_info() {
            Some(info) if info.domain == DOMAIN => Refusal::Rejected(rejection(&info.reason, &info.metadata)),
            _ => Refusal::Other(status.code(), message()),
        },
        Code::InvalidArgument => Refusal::Malformed(match details.bad_request() {
            Some(bad) => bad
                .field_violations
                .iter()
                .map(|v| v1::Malformed { field: v.field.clone(), message: v.description.clone() })
                .collect(),
            None => vec![v1::Malformed { field: String::new(), message: message() }],
        }),
        Code::ResourceExhausted | Code::Unavailable => {
            match details.retry_info().and_then(|retry| retry.retry_delay) {
                Some(after) => Refusal::Later { after, message: message() },
                None => Refusal::Other(status.code(), message()),
            }
        }
        Code::NotFound => Refusal::NotFound(message()),
        Code::Unauthenticated => Refusal::Unknown(message()),
        Code::PermissionDenied => Refusal::Denied(message()),
        code => Refusal::Other(code, message()),
    }
}

fn rejection(reason: &str, metadata: &HashMap<String, String>) -> v1::Rejection {
    let text = |key: &str| metadata.get(key).cloned().unwrap_or_default();
    v1::Rejection {
        rule: text("rule"),
        reason: RejectionReason::from_str_name(&format!("{REASON_PREFIX}{reason}"))
            .unwrap_or_default()
            .into(),
        message: text("message"),
        next_step: text("next_step"),
        subject: text("subject"),
        newest_head: unhex(&text("newest_head")).into(),
        dependents: text("dependents").split_whitespace().map(|id| unhex(id).into()).collect(),
    }
}

/// Name of a reason without the enum's prefix: `STALE_HEAD`.
#[must_use]
pub fn reason_name(reason: RejectionReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(REASON_PREFIX).unwrap_or(name)
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_TEXT_BYTES {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{} (shortened)", &text[..end])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Empty when the text is not hexadecimal.
fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stale() -> v1::Rejection {
        v1::Rejection {
            rule: "A1".into(),
            reason: RejectionReason::StaleHead.into(),
            message: "lot mine-a/1 has moved on".into(),
            next_step: "name the newest head and sign again".into(),
            subject: "mine-a/1".into(),
            newest_head: vec![7; 32].into(),
            dependents: vec![vec![8; 32].into(), vec![9; 32].into()],
        }
    }

    #[test]
    fn a_rejection_survives_the_journey_through_a_status() {
        let status = rejected(&stale());
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(
            status.get_error_details().error_info().map(|info| info.reason.as_str()),
            Some("STALE_HEAD")
        );
        assert_eq!(refusal(&status), Refusal::Rejected(stale()));
    }

    #[test]
    fn a_full_queue_says_when_to_come_back() {
        let status = overloaded("65,536 records wait", Duration::from_millis(250));
        assert_eq!(status.code(), Code::ResourceExhausted);
        let Refusal::Later { after, .. } = refusal(&status) else { panic!("no retry hint") };
        assert_eq!(after, Duration::from_millis(250));
    }

    #[test]
    fn a_malformed_field_is_named() {
        let status = malformed("entry.signature", "the signature has 3 bytes, not 64");
        let Refusal::Malformed(fields) = refusal(&status) else { panic!("no field") };
        assert_eq!(fields[0].field, "entry.signature");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let text = cut(&"ß".repeat(2_000));
        assert!(text.len() < 2_020 && text.ends_with("ß (shortened)"));
    }

    #[test]
    fn every_reason_has_a_name_without_prefix() {
        let reasons: Vec<_> = (0..).map_while(|number| RejectionReason::try_from(number).ok()).collect();
        assert!(reasons.len() > 30);
        assert!(reasons.iter().all(|reason| !reason_name(*reason).contains("REJECTION")));
    }
}
