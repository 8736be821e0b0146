//! Enveloping JOSE: a credential as the payload of a JSON Web Signature (W3C VC JOSE COSE §3.1).
//!
//! One algorithm (EdDSA with Ed25519, RFC 8037), one type (`vc+jwt`), so that a signed credential can never
//! be taken for a login token, which is of another type, and a record, which begins with a zero byte.
//! Reading gives the payload only together with the key that signed it.

use base64ct::{Base64UrlUnpadded, Encoding};
use ore_record::keys::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Media type of a signed credential.
pub const MEDIA_TYPE: &str = "application/vc+jwt";
/// Longest signed credential that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "vc+jwt";

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    cty: String,
    #[serde(default)]
    kid: String,
    #[serde(default)]
    typ: String,
    /// Extensions that must be understood (RFC 7515 §4.1.11): none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Value>,
}

/// Why a text is no signed credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadJwt {
    /// Too long to be read.
    #[error("a signed credential has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Not three parts of base64url.
    #[error("not a signed credential: three parts of base64url with points between them are expected")]
    Parts,
    /// A header that is no JSON.
    #[error("its header cannot be read")]
    Header,
    /// Not EdDSA, not `vc+jwt`, or with extensions.
    #[error("it must be of type vc+jwt and signed with EdDSA, it is {typ:?} signed with {alg:?}")]
    Kind {
        /// The type that it states.
        typ: String,
        /// The algorithm that it states.
        alg: String,
    },
    /// A payload that is no JSON object.
    #[error("its payload is no JSON object")]
    Payload,
    /// Altered, or signed by another key.
    #[error("its signature does not verify with the key of {0}")]
    Signature(String),
}

/// The id of a key in a DID document: the DID, and the key in hexadecimal.
#[must_use]
pub fn key_id(did: &str, key: &[u8; 32]) -> String {
    let mut id = format!("{did}#");
    for byte in key {
        id.push_str(&format!("{byte:02x}"));
    }
    id
}

/// Signs a credential.
#[must_use]
pub fn sign(credential: &Value, did: &str, key: &SecretKey) -> String {
    sign_with(credential, did, key.public().as_bytes(), |bytes| key.sign_raw(bytes))
}

/// Signs a credential with a key that somebody else holds.
#[must_use]
pub fn sign_with(
    credential: &Value,
    did: &str,
    public: &[u8; 32],
    signer: impl FnOnce(&[u8]) -> [u8; 64],
) -> String {
    let header = json!({ "alg": ALGORITHM, "cty": "vc", "kid": key_id(did, public), "typ": TYPE });
    let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
    let mut jwt = format!("{}.{}", part(&header), part(credential));
    let signature = signer(jwt.as_bytes());
    jwt.push('.');
    jwt.push_str(&Base64UrlUnpadded::encode_string(&signature));
    jwt
}

/// A credential that was signed, by whoever it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Unverified {
    /// Key id that the header names.
    pub key_id: String,
    credential: Value,
    signed: Vec<u8>,
    signature: [u8; 64],
}

/// Takes a signed credential apart.
///
/// # Errors
/// [`BadJwt`].
pub fn parse(text: &str) -> Result<Unverified, BadJwt> {
    if text.len() > MAX_BYTES {
        return Err(BadJwt::TooLong);
    }
    let text = text.trim();
    let (signed, signature) = text.rsplit_once('.').ok_or(BadJwt::Parts)?;
    let (header, payload) = signed.split_once('.').ok_or(BadJwt::Parts)?;
    let bytes = |part: &str| Base64UrlUnpadded::decode_vec(part).map_err(|_| BadJwt::Parts);
    let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| BadJwt::Header)?;
    if header.alg != ALGORITHM || header.typ != TYPE || header.crit.is_some() {
        return Err(BadJwt::Kind { typ: header.typ, alg: header.alg });
    }
    let signature = bytes(signature)?.try_into().map_err(|_| BadJwt::Parts)?;
    let credential: Value = serde_json::from_slice(&bytes(payload)?).map_err(|_| BadJwt::Payload)?;
    if !credential.is_object() {
        return Err(BadJwt::Payload);
    }
    Ok(Unverified { key_id: header.kid, credential, signed: signed.into(), signature })
}

impl Unverified {
    /// What it says, before anybody has checked who says it.
    #[must_use]
    pub const fn unverified(&self) -> &Value {
        &self.credential
    }

    /// The credential, if this key signed it.
    ///
    /// # Errors
    /// [`BadJwt::Signature`].
    pub fn verify(self, key: &PublicKey) -> Result<Value, BadJwt> {
        if key.signed_raw(&self.signed, &self.signature) {
            Ok(self.credential)
        } else {
            Err(BadJwt::Signature(self.key_id))
        }
    }
}
