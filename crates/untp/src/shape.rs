//! Shapes that several kinds of document share: issuers, parties, countries, facilities, links, measures.

use base64ct::{Base64UrlUnpadded, Encoding};
use ore_record::v1::{Facility, Member};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{CREDENTIALS_CONTEXT, UNTP_CONTEXT, names, place::Place, time::rfc3339};

/// From when until when a credential holds, and as whose statement.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    /// Where it will be served.
    pub place: &'a Place,
    /// Who signs it.
    pub issuer: &'a Member,
    /// Milliseconds since 1970.
    pub from_ms: u64,
    /// Milliseconds since 1970.
    pub until_ms: u64,
}

/// Something to be followed from a document, bound by its digest where the bytes are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it is.
    pub url: String,
    /// For people.
    pub name: String,
    /// For example `application/vc+jwt`.
    pub media_type: String,
    /// SHA-256 of its bytes.
    pub sha256: Option<[u8; 32]>,
}

impl Link {
    /// A link to bytes that are at hand.
    #[must_use]
    pub fn to_bytes(url: String, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        let sha256 = Some(Sha256::digest(bytes).into());
        Self { url, name: name.to_owned(), media_type: media_type.to_owned(), sha256 }
    }

    pub(crate) fn json(&self) -> Value {
        let mut link = json!({
            "linkURL": self.url, "linkName": self.name, "mediaType": self.media_type,
        });
        if let Some(digest) = &self.sha256 {
            link["digestMultibase"] = multihash(digest).into();
        }
        link
    }
}

/// A SHA-256 digest as a multihash (code 0x12, 32 bytes) in multibase base64url.
fn multihash(digest: &[u8; 32]) -> String {
    let mut bytes = vec![0x12, 0x20];
    bytes.extend_from_slice(digest);
    format!("u{}", Base64UrlUnpadded::encode_string(&bytes))
}

/// The envelope that every credential has.
pub(crate) fn credential(issue: &Issue<'_>, kind: &str, id: String, name: String, subject: Value) -> Value {
    let party = party(issue.place, issue.issuer);
    json!({
        "@context": [CREDENTIALS_CONTEXT, UNTP_CONTEXT],
        "type": [kind, "VerifiableCredential"],
        "id": id,
        "issuer": {
            "type": ["CredentialIssuer"],
            "id": issue.place.member_did(&issue.issuer.id),
            "name": issue.issuer.legal_name,
            "issuerAlsoKnownAs": [party],
        },
        "validFrom": rfc3339(issue.from_ms),
        "validUntil": rfc3339(issue.until_ms),
        "name": name,
        "credentialSubject": subject,
    })
}

/// A member by the identifier that most people can look up: a GLN, a LEI, else its DID.
pub(crate) fn party(place: &Place, member: &Member) -> Value {
    let of = |scheme: &str| {
        member.identifiers.iter().find(|it| it.scheme == scheme && plain(&it.value)).map(|it| &it.value)
    };
    let (id, registered) = match (of("GLN"), of("LEI")) {
        (Some(gln), _) => (format!("https://id.gs1.org/417/{gln}"), gln.clone()),
        (None, Some(lei)) => (format!("https://search.gleif.org/#/record/{lei}"), lei.clone()),
        (None, None) => (place.member_did(&member.id), member.id.clone()),
    };
    json!({ "type": ["Party"], "id": id, "name": member.legal_name, "registeredId": registered })
}

/// Whether a text of somebody's can stand in a URI as it is.
fn plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub(crate) fn party_role(place: &Place, role: &str, member: &Member) -> Value {
    json!({ "role": role, "party": party(place, member) })
}

/// A country with its name. "ZZ", which ISO 3166-1 leaves to its users, says that nobody could show which.
pub(crate) fn country(code: &str) -> Value {
    let code = if code.is_empty() { "ZZ" } else { code };
    let name = names::country(code).unwrap_or(if code == "ZZ" { "unknown" } else { code });
    json!({ "countryCode": code, "countryName": name })
}

pub(crate) fn facility(place: &Place, facility: &Facility) -> Value {
    json!({
        "type": ["Facility"],
        "id": place.facility_uri(facility),
        "name": if facility.name.is_empty() { &facility.id } else { &facility.name },
        "registeredId": facility.id,
    })
}

/// A number with its unit (UN/ECE Rec 20) and, where it is uncertain, how far it may be off.
pub(crate) fn measure(value: Value, unit: &str, below: Option<Value>, above: Option<Value>) -> Value {
    let mut measure = Map::new();
    measure.insert("value".to_owned(), value);
    if let Some(above) = above {
        measure.insert("upperTolerance".to_owned(), above);
    }
    if let Some(below) = below {
        measure.insert("lowerTolerance".to_owned(), below);
    }
    measure.insert("unit".to_owned(), unit.into());
    Value::Object(measure)
}

/// What kind of thing it is: its HS item, or where none is stated our own word for its material.
pub(crate) fn category(hs_code: &str, material: &str, form: &str) -> Value {
    if hs_code.is_empty() {
        let name = if form.is_empty() { material } else { form };
        return json!({
            "code": material,
            "name": name,
            "schemeId": "urn:x-oreledger:material-class",
            "schemeName": "Material classes of the ledger (no HS code is stated)",
        });
    }
    let name = names::hs_item(hs_code).unwrap_or(if form.is_empty() { material } else { form });
    json!({
        "code": dotted(hs_code),
        "name": name,
        "schemeId": "https://www.wcoomd.org/en/topics/nomenclature/",
        "schemeName": "Harmonized System 2022",
    })
}

/// Six digits as customs write them: 8103.99.
fn dotted(hs_code: &str) -> String {
    if hs_code.len() == 6 && hs_code.is_ascii() {
        format!("{}.{}", &hs_code[..4], &hs_code[4..])
    } else {
        hs_code.to_owned()
    }
}
