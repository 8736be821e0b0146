//! DID documents: which keys speak for a member, so that a stranger can check what the member signed.
//!
//! `did:web` says where to ask; the answer is made from the ledger's roster. It shows keys and nothing
//! else: no name, no roles, no lots. A node never holds a member's key, so it can serve this document and
//! unsigned views, and only the member can sign.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};

use crate::jose::key_id;

/// The DID document of `did` with the keys that may sign now.
#[must_use]
pub fn document(did: &str, keys: &[[u8; 32]]) -> Value {
    let methods: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({
                "id": key_id(did, key),
                "type": "JsonWebKey",
                "controller": did,
                "publicKeyJwk": {
                    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
                    "x": Base64UrlUnpadded::encode_string(key),
                },
            })
        })
        .collect();
    let ids: Vec<Value> = methods.iter().map(|method| method["id"].clone()).collect();
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": ids,
    })
}

/// The key of a DID document that a key id names.
#[must_use]
pub fn key_of(document: &Value, key_id: &str) -> Option<[u8; 32]> {
    let methods = document["verificationMethod"].as_array()?;
    let method = methods.iter().find(|method| method["id"] == key_id)?;
    let allowed = document["assertionMethod"].as_array()?.iter().any(|id| id == key_id);
    let x = Base64UrlUnpadded::decode_vec(method["publicKeyJwk"]["x"].as_str()?).ok()?;
    let right = method["publicKeyJwk"]["crv"] == "Ed25519" && allowed;
    right.then(|| x.try_into().ok()).flatten()
}
