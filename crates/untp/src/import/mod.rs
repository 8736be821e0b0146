//! Documents in: passports of UNTP 0.6 and 0.7, and conformity credentials, as draft records.
//!
//! A document of somebody else's proves nothing on this ledger: it is kept by its digest, and what it says
//! of a lot stands there as declared, of unknown origin, with whatever it lacks named in a remark. Nothing is
//! made up: a material called "copper ore" is not taken for copper. The nonce of a draft follows from the
//! document and the member, so that the same document taken in twice is the same record.

mod conformity;
mod passport;

use ore_record::v1::{Document, Record};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::jose::{self, BadJwt};

/// Longest document, in bytes.
pub const MAX_BYTES: usize = jose::MAX_BYTES;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A product passport of 0.7.
    Passport07,
    /// A product passport of 0.6.
    Passport06,
    /// A conformity credential.
    Conformity,
}

/// Who takes it in, and what the document cannot know.
#[derive(Clone, Debug, Default)]
pub struct Terms<'a> {
    /// The member who will sign the record.
    pub member: &'a str,
    /// Of a passport: the member's facility where the lot is now.
    pub facility: &'a str,
    /// Of a passport: the lot's number on this ledger, when not the document's.
    pub number: &'a str,
    /// Of a conformity credential: the member, facility or lot here that it is about.
    pub subject: &'a str,
    /// Materials class of the lot; the document has none that fits.
    pub material: &'a str,
}

/// A draft, and what has to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Without ledger, author and key, which whoever signs fills in.
    pub record: Record,
    /// What the document lacks, and what was left out, for people.
    pub remarks: Vec<String>,
}

/// A document that gives no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDocument {
    /// Too long.
    #[error("a document has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Neither JSON nor a signed credential.
    #[error("neither a JSON document nor a signed credential")]
    Unreadable,
    /// A signed credential that is none.
    #[error(transparent)]
    Signed(#[from] BadJwt),
    /// Another kind of credential, or none.
    #[error("type is {0}: a DigitalProductPassport or a DigitalConformityCredential is expected")]
    Kind(String),
    /// A field that a record needs is missing.
    #[error("{path} is missing: {next}")]
    Missing {
        /// Where it would be.
        path: &'static str,
        /// What to do.
        next: &'static str,
    },
    /// A field that cannot be taken.
    #[error("{path} is {found}: {why}")]
    Bad {
        /// Where it is.
        path: &'static str,
        /// What is there.
        found: String,
        /// What is wrong.
        why: String,
    },
}

/// A document as it came: the credential, its bytes' digest, and whether it was signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// What it says.
    pub credential: Value,
    /// Key that its signature names; none for plain JSON.
    pub signed: Option<jose::Unverified>,
    kind: Kind,
    sha256: [u8; 32],
    length: u64,
}

/// Reads a document: JSON, or a signed credential whose signature is for the caller to check.
///
/// # Errors
/// [`BadDocument`].
pub fn open(bytes: &[u8]) -> Result<Incoming, BadDocument> {
    if bytes.len() > MAX_BYTES {
        return Err(BadDocument::TooLong);
    }
    let text = str::from_utf8(bytes).map_err(|_| BadDocument::Unreadable)?.trim();
    let (credential, signed) = if text.starts_with('{') {
        (serde_json::from_str(text).map_err(|_| BadDocument::Unreadable)?, None)
    } else {
        let signed = jose::parse(text)?;
        (signed.unverified().clone(), Some(signed))
    };
    let kind = kind_of(&credential)?;
    Ok(Incoming {
        credential,
        signed,
        kind,
        sha256: Sha256::digest(bytes).into(),
        length: bytes.len() as u64,
    })
}

fn kind_of(credential: &Value) -> Result<Kind, BadDocument> {
    let types = &credential["type"];
    let is =
        |name: &str| types == name || types.as_array().is_some_and(|types| types.iter().any(|it| it == name));
    if is("DigitalConformityCredential") {
        return Ok(Kind::Conformity);
    }
    if !is("DigitalProductPassport") {
        return Err(BadDocument::Kind(types.to_string().chars().take(120).collect()));
    }
    // 0.6 has the product inside the subject; 0.7 is the product.
    let nested = credential["credentialSubject"]["product"].is_object();
    Ok(if nested { Kind::Passport06 } else { Kind::Passport07 })
}

impl Incoming {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Who says that it is by them.
    #[must_use]
    pub fn issuer(&self) -> &str {
        let issuer = &self.credential["issuer"];
        issuer.as_str().or_else(|| issuer["id"].as_str()).unwrap_or_default()
    }

    /// The draft that it becomes.
    ///
    /// # Errors
    /// [`BadDocument`].
    pub fn draft(&self, terms: &Terms<'_>) -> Result<Imported, BadDocument> {
        let mut imported = match self.kind {
            Kind::Passport07 => {
                passport::draft(&self.credential["credentialSubject"], &passport::V07, terms)?
            }
            Kind::Passport06 => {
                passport::draft(&self.credential["credentialSubject"], &passport::V06, terms)?
            }
            Kind::Conformity => conformity::draft(&self.credential, terms)?,
        };
        let record = &mut imported.record;
        record.nonce = self.nonce(terms.member);
        record.documents = vec![Document {
            sha256: self.sha256.to_vec(),
            media_type: if self.signed.is_some() { jose::MEDIA_TYPE } else { "application/ld+json" }
                .to_owned(),
            length: self.length,
            kind: match self.kind {
                Kind::Conformity => "UNTP conformity credential",
                Kind::Passport06 | Kind::Passport07 => "UNTP product passport",
            }
            .to_owned(),
            issuer: cut(self.issuer(), 128),
        }];
        if record.event_time_ms == 0 {
            let from = self.credential["validFrom"].as_str().unwrap_or_default();
            let (ms, offset) = ore_exchange::parse_time(from).map_err(|_| BadDocument::Missing {
                path: "validFrom",
                next: "a document says from when it holds, as 2026-08-06T00:00:00Z",
            })?;
            (record.event_time_ms, record.utc_offset_minutes) = (ms, offset);
        }
        Ok(imported)
    }

    fn nonce(&self, member: &str) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(b"oreledger/untp-import/v1\0");
        hash.update(self.sha256);
        hash.update(member.as_bytes());
        hash.finalize()[..16].to_vec()
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned()
}

/// A day as the first moment of it in UTC.
fn day(text: &str) -> Option<u64> {
    let time = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    ore_exchange::parse_time(&time).ok().map(|(ms, _)| ms)
}
