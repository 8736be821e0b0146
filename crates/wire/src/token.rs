//! Tokens: by which key somebody asks, until when, and, of a share link, for which lot alone.
//!
//! A JSON Web Token (RFC 7519) that a member's own key signs (EdDSA, RFC 8037), so that nobody hands out
//! passwords. Reading is strict: one algorithm, one type per purpose (RFC 8725 §3.11), known claims only.
//! Whether the key is the issuer's, now, is for the roster to say: a token here is only as good as its key.

use base64ct::{Base64UrlUnpadded, Encoding};
use ore_record::{keys::SecretKey, signature};
use serde::{Deserialize, Serialize};

/// Longest life of a member's token, in seconds.
pub const MEMBER_SECONDS: u64 = 600;
/// Longest life of a share link, in seconds: a leap year.
pub const SHARE_SECONDS: u64 = 366 * 24 * 3_600;
/// How far the issuer's clock may be ahead, in seconds.
pub const SKEW_SECONDS: u64 = 60;
/// Longest token, in bytes; the longest lot name and origin fit several times.
pub const MAX_BYTES: usize = 2_048;

const ALGORITHM: &str = "EdDSA";
const MEMBER_TYPE: &str = "JWT";
const SHARE_TYPE: &str = "share+jwt";

/// Who asks, by which key, of which ledger, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Member that issued it.
    pub issuer: String,
    /// Public key that signed it.
    pub key: [u8; 32],
    /// Origin of the ledger that it is for.
    pub audience: String,
    /// Seconds since 1970.
    pub issued_s: u64,
    /// Seconds since 1970; from this second on it is void.
    pub expires_s: u64,
    /// Of a share link: the one lot that its bearer may see.
    pub share: Option<Share>,
}

/// What a share link shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The lot.
    pub lot: String,
    /// Entries of the log that shares are computed as of.
    pub tree_size: u64,
}

/// Why a token is refused. For whoever made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Longer than any token.
    #[error("a token has at most {MAX_BYTES} bytes")]
    TooLong,
    /// Not three parts of base64url, or not the JSON that belongs there.
    #[error("not a token of this ledger: its header or its claims cannot be read")]
    Malformed,
    /// Signed by something else than EdDSA, or of another type.
    #[error("a token must be signed with EdDSA and be of type JWT or share+jwt")]
    Kind,
    /// Altered, or signed by another key.
    #[error("the token's signature does not verify")]
    Signature,
    /// For another ledger.
    #[error("the token is for another ledger")]
    Audience,
    /// Over.
    #[error("the token has expired")]
    Expired,
    /// From the future.
    #[error("the token was issued in the future: compare the clocks")]
    NotYet,
    /// Valid for longer than any token may be.
    #[error("the token is valid for too long: {MEMBER_SECONDS} s at most, a share link 366 days")]
    TooLongLived,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    iat: u64,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lot: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree_size: Option<u64>,
}

impl Token {
    /// A member's token, valid from `now_s` for as long as one may be.
    #[must_use]
    pub fn of_member(member: &str, key: &SecretKey, origin: &str, now_s: u64) -> Self {
        Self {
            issuer: member.to_owned(),
            key: *key.public().as_bytes(),
            audience: origin.to_owned(),
            issued_s: now_s,
            expires_s: now_s + MEMBER_SECONDS,
            share: None,
        }
    }

    /// A share link's token, valid from `now_s` for `seconds`.
    #[must_use]
    pub fn of_share(
        member: &str,
        key: &SecretKey,
        origin: &str,
        share: Share,
        now_s: u64,
        seconds: u64,
    ) -> Self {
        let expires_s = now_s.saturating_add(seconds.min(SHARE_SECONDS));
        Self { expires_s, share: Some(share), ..Self::of_member(member, key, origin, now_s) }
    }

    /// The token as it travels. What is signed is text and every record starts with a zero byte, so that
    /// neither can stand for the other.
    #[must_use]
    pub fn sign(&self, key: &SecretKey) -> String {
        let header = Header {
            alg: ALGORITHM.to_owned(),
            kid: hex(&self.key),
            typ: if self.share.is_some() { SHARE_TYPE } else { MEMBER_TYPE }.to_owned(),
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            iat: self.issued_s,
            exp: self.expires_s,
            lot: self.share.as_ref().map(|share| share.lot.clone()),
            tree_size: self.share.as_ref().map(|share| share.tree_size),
        };
        let mut text = format!("{}.{}", part(&header), part(&claims));
        let signature = key.sign_raw(text.as_bytes());
        text.push('.');
        text.push_str(&Base64UrlUnpadded::encode_string(&signature));
        text
    }

    /// Reads a token and checks everything but the roster: form, signature, ledger, time.
    ///
    /// # Errors
    /// [`BadToken`], naming the first check that fails.
    pub fn read(text: &str, origin: &str, now_s: u64) -> Result<Self, BadToken> {
        if text.len() > MAX_BYTES {
            return Err(BadToken::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadToken::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(BadToken::Malformed)?;
        let header: Header = parse(header)?;
        if header.alg != ALGORITHM {
            return Err(BadToken::Kind);
        }
        let key = unhex(&header.kid).ok_or(BadToken::Malformed)?;
        let claims: Claims = parse(claims)?;
        let share = match (header.typ.as_str(), claims.lot, claims.tree_size) {
            (MEMBER_TYPE, None, None) => None,
            (SHARE_TYPE, Some(lot), Some(tree_size)) => Some(Share { lot, tree_size }),
            _ => return Err(BadToken::Kind),
        };
        let signature = Base64UrlUnpadded::decode_vec(signature).map_err(|_| BadToken::Malformed)?;
        signature::strict(&key, signed.as_bytes(), &signature).map_err(|_| BadToken::Signature)?;
        let token = Self {
            issuer: claims.iss,
            key,
            audience: claims.aud,
            issued_s: claims.iat,
            expires_s: claims.exp,
            share,
        };
        token.check(origin, now_s)?;
        Ok(token)
    }

    /// Checks ledger and time once more, of a token that was read before.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn check(&self, origin: &str, now_s: u64) -> Result<(), BadToken> {
        if self.audience != origin {
            return Err(BadToken::Audience);
        }
        if self.expires_s <= now_s {
            return Err(BadToken::Expired);
        }
        if self.issued_s > now_s.saturating_add(SKEW_SECONDS) {
            return Err(BadToken::NotYet);
        }
        let longest = if self.share.is_some() { SHARE_SECONDS } else { MEMBER_SECONDS };
        if self.expires_s.saturating_sub(self.issued_s) > longest {
            return Err(BadToken::TooLongLived);
        }
        Ok(())
    }
}

fn part(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("texts and numbers always become JSON");
    Base64UrlUnpadded::encode_string(&json)
}

fn parse<'a, T: for<'de> Deserialize<'de>>(part: &'a str) -> Result<T, BadToken> {
    let json = Base64UrlUnpadded::decode_vec(part).map_err(|_| BadToken::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| BadToken::Malformed)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 64 lower-case digits, nothing else: one key has one name.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks_exact(2);
    let bytes: Option<Vec<u8>> = pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    bytes.filter(|_| text.len() == 64)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "ledger.example/tantalum";
    const NOW: u64 = 1_800_000_000;

    fn key() -> SecretKey {
        SecretKey::from_seed(&[7; 32])
    }

    fn member() -> Token {
        Token::of_member("refiner-a", &key(), ORIGIN, NOW)
    }

    /// Signs any header and claims.
    fn forged(header: &str, claims: &str) -> String {
        let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let signature = key().sign_raw(signed.as_bytes());
        format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature))
    }

    #[test]
    fn what_was_signed_is_read_back() {
        let token = member();
        assert_eq!(Token::read(&token.sign(&key()), ORIGIN, NOW), Ok(token));
        let share = Share { lot: "refiner-a/TA-1".into(), tree_size: 77 };
        let token = Token::of_share("refiner-a", &key(), ORIGIN, share, NOW, 30 * 86_400);
        assert_eq!(Token::read(&token.sign(&key()), ORIGIN, NOW + 29 * 86_400), Ok(token));
    }

    #[test]
    fn time_and_ledger_are_held() {
        let text = member().sign(&key());
        assert_eq!(Token::read(&text, ORIGIN, NOW + 599).map(|_| ()), Ok(()));
        assert_eq!(Token::read(&text, ORIGIN, NOW + 600), Err(BadToken::Expired));
        assert_eq!(Token::read(&text, ORIGIN, NOW - 61), Err(BadToken::NotYet));
        assert_eq!(Token::read(&text, "other.example/ta", NOW), Err(BadToken::Audience));
        let long = Token { expires_s: NOW + 601, ..member() };
        assert_eq!(Token::read(&long.sign(&key()), ORIGIN, NOW), Err(BadToken::TooLongLived));
    }

    #[test]
    fn no_other_algorithm_type_or_claim_is_read() {
        let kid = hex(key().public().as_bytes());
        let claims = format!(r#"{{"iss":"a","aud":"{ORIGIN}","iat":{NOW},"exp":{}}}"#, NOW + 60);
        let good = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"JWT"}}"#);
        assert!(Token::read(&forged(&good, &claims), ORIGIN, NOW).is_ok());
        for (header, claims, expected) in [
            (good.replace("EdDSA", "none"), claims.clone(), BadToken::Kind),
            (good.replace("EdDSA", "HS256"), claims.clone(), BadToken::Kind),
            (good.replace("EdDSA", "eddsa"), claims.clone(), BadToken::Kind),
            (good.replace("\"JWT\"", "\"share+jwt\""), claims.clone(), BadToken::Kind),
            (good.replace("JWT\"", "JWT\",\"crit\":[\"exp\"]"), claims.clone(), BadToken::Malformed),
            (good.replace(&kid, &kid.to_uppercase()), claims.clone(), BadToken::Malformed),
            (good.replace(&kid, "00"), claims.clone(), BadToken::Malformed),
            (good.clone(), claims.replace("}", ",\"admin\":true}"), BadToken::Malformed),
            (good.clone(), claims.replace("}", ",\"iss\":\"b\"}"), BadToken::Malformed),
            (good.clone(), claims.replace("}", ",\"lot\":\"a/1\",\"tree_size\":1}"), BadToken::Kind),
            (good.clone(), claims.replace("}", ",\"exp\":-1}"), BadToken::Malformed),
        ] {
            assert_eq!(
                Token::read(&forged(&header, &claims), ORIGIN, NOW),
                Err(expected),
                "{header} {claims}"
            );
        }
    }

    #[test]
    fn no_changed_byte_is_read() {
        let text = member().sign(&key());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(Token::read(&changed, ORIGIN, NOW).is_err(), "byte {at}");
            assert!(Token::read(&text[..at], ORIGIN, NOW).is_err(), "cut at {at}");
        }
        assert_eq!(Token::read(&"a".repeat(MAX_BYTES + 1), ORIGIN, NOW), Err(BadToken::TooLong));
    }
}
