//! A conformity credential as an attestation, for the certifier who issued it to sign. 0.6 and 0.7 say the same
//! in other places: scheme, assessments and topics are looked for in both.

use ore_record::v1::{Attest, Attestation, AttestationKind, Record, record::Event};
use serde_json::Value;

use super::{BadDocument, Imported, Terms, cut, day};

pub(super) fn draft(credential: &Value, terms: &Terms<'_>) -> Result<Imported, BadDocument> {
    let subject = &credential["credentialSubject"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut remarks = Vec::new();
    if terms.subject.is_empty() {
        return Err(BadDocument::Missing {
            path: "the subject on this ledger",
            next: "say which member, facility or lot it is about; the document names them in its own words",
        });
    }
    let id = text(&subject["id"]);
    let number = id.rsplit(['/', '#', ':']).next().unwrap_or_default();
    if number.is_empty() {
        return Err(BadDocument::Missing {
            path: "credentialSubject.id",
            next: "an attestation has a number; ask the issuer for a credential that names it",
        });
    }
    let time = |name: &'static str| {
        let found = text(&credential[name]);
        if found.is_empty() {
            return Ok(0);
        }
        day(&found).ok_or(BadDocument::Bad { path: name, found, why: "no time with an offset".to_owned() })
    };
    let (from, until) = (time("validFrom")?, time("validUntil")?);
    if until == 0 {
        remarks.push("the credential has no end; the ledger holds it until it is revoked".to_owned());
    }
    let either = |new: &str, old: &str| if subject[new].is_null() { &subject[old] } else { &subject[new] };
    let assessments = either("conformityAssessment", "assessment");
    let assessments = assessments.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(failed) = assessments.iter().find(|it| it["conformance"] == false) {
        return Err(BadDocument::Bad {
            path: "credentialSubject.conformityAssessment.conformance",
            found: format!("false for {}", text(&failed["name"])),
            why: "an assessment that was not passed certifies nothing".to_owned(),
        });
    }
    let mut topics: Vec<String> = assessments
        .iter()
        .flat_map(|it| match &it["conformityTopic"] {
            Value::Array(topics) => topics.iter().map(|topic| text(&topic["name"])).collect(),
            topic => vec![text(topic)],
        })
        .filter(|name| !name.is_empty())
        .collect();
    topics.dedup();
    if topics.is_empty() {
        remarks.push("the credential names no topic: its scope is empty".to_owned());
    }
    let scheme = text(&either("referenceScheme", "scope")["name"]);
    if scheme.is_empty() {
        return Err(BadDocument::Missing {
            path: "credentialSubject.referenceScheme.name",
            next: "a certificate is one of a scheme; ask the issuer for a credential that names it",
        });
    }
    let kind = match subject["attestationType"].as_str().unwrap_or_default() {
        "certification" | "verification" | "validation" | "inspection" | "testing" => {
            AttestationKind::Certificate
        }
        other => {
            return Err(BadDocument::Bad {
                path: "credentialSubject.attestationType",
                found: other.to_owned(),
                why: "only what somebody else has looked at becomes an attestation".to_owned(),
            });
        }
    };
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let number: String = cut(number, 60).chars().map(allowed).collect();
    let attestation = Attestation {
        id: format!("{}/{number}", terms.member),
        kind: kind.into(),
        subject: terms.subject.to_owned(),
        scheme: cut(&scheme, 64),
        scope: cut(&topics.join(", "), 128),
        valid_from_ms: from,
        valid_until_ms: until,
        ..Attestation::default()
    };
    let event = Event::Attest(Attest { attestation: Some(attestation) });
    Ok(Imported { record: Record { event: Some(event), event_time_ms: from, ..Record::default() }, remarks })
}
