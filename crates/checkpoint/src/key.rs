//! Note keys: names, ids, verifier keys, and the signer of a log.
//!
//! C2SP signed-note. A key is known by its name *and* its id, the first four bytes of
//! SHA-256(name || 0x0A || type || public key). Verification is `verify_strict`: no small-order keys, no second spelling of a signature.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::cosignature::{UnixSeconds, cosigned_message};
use crate::note::SignatureLine;
use crate::text;

/// Longest key name we accept, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;

/// Who signs: non-empty, without spaces and `+`. A log's key name is its origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// First four bytes of the key's hash. It tells keys apart; it does not protect against forgery.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

/// What a key's signatures state; the type byte in its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyType {
    /// 0x01: Ed25519 over the note text. The keys of logs.
    Note = 0x01,
    /// 0x04: timestamped Ed25519 cosignature over a checkpoint. The keys of witnesses.
    CosignatureV1 = 0x04,
}

/// A public key under its name, as written in policies: `name+id+base64(type || public key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key_type: KeyType,
    key: VerifyingKey,
}

/// What a valid signature states, beyond the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureStatement {
    /// The signer vouches for the text.
    Signed,
    /// The cosigner saw this tree as the largest consistent one at that time.
    CosignedAt(UnixSeconds),
}

/// The key of a log. It signs with one name and zeroizes itself when dropped.
pub struct NoteSigner {
    key: SigningKey,
    verifier: VerifierKey,
}

/// A text that is no usable verifier key or key name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Names tell signers apart, so they must be visible and unambiguous.
    #[error("a key name has 1 to 1,024 bytes without spaces, control characters and '+'")]
    Name,
    /// Not `name+id+key`.
    #[error("a verifier key is written name+id+base64")]
    Form,
    /// The id is not eight lower-case hexadecimal digits.
    #[error("a key id is written as eight hexadecimal digits")]
    IdForm,
    /// The key is not padded standard base64.
    #[error("a verifier key is written in padded standard base64")]
    Base64,
    /// A type we do not verify (ML-DSA is 0x06).
    #[error("key type {0:#04x} is not one this ledger verifies (0x01 Ed25519, 0x04 cosignature/v1)")]
    UnsupportedType(u8),
    /// An Ed25519 public key has 32 bytes.
    #[error("an Ed25519 public key has 32 bytes, this one has {0}")]
    Length(usize),
    /// Not a point of the curve, or one of small order, for which anyone can sign.
    #[error("the public key is not a usable Ed25519 point")]
    Point,
    /// The id does not belong to this name and key.
    #[error("key id {written} does not belong to this key, whose id is {computed}")]
    IdMismatch {
        /// The id in the text.
        written: KeyId,
        /// The id of name, type and key.
        computed: KeyId,
    },
}

/// A text that is no private note key. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrivateKey {
    /// Not `PRIVATE+KEY+name+id+key`.
    #[error("a private note key is written PRIVATE+KEY+name+id+base64 of type 0x01")]
    Form,
    /// The name is unusable or the id belongs to another key.
    #[error("private note key")]
    Key(#[source] BadKey),
}

/// A signature that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The bytes do not have the length of the key's signature type.
    #[error("a signature of this key has {want} bytes, this one has {got}")]
    Length {
        /// Bytes the type asks for.
        want: usize,
        /// Bytes there are.
        got: usize,
    },
    /// A cosignature's time does not fit 63 bits.
    #[error("cosignature time is beyond 2^63 - 1 seconds")]
    Time,
    /// The key did not sign this.
    #[error("the signature does not verify")]
    Invalid,
}

impl KeyName {
    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`BadKey::Name`] when empty, too long, or with a space, control character or `+`.
    pub fn new(name: &str) -> Result<Self, BadKey> {
        let fits = !name.is_empty() && name.len() <= MAX_NAME_BYTES;
        if !fits || name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
            return Err(BadKey::Name);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyId {
    /// Takes the four bytes as they stand before a signature.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    pub const fn to_bytes(self) -> [u8; 4] {
        self.0
    }

    /// The id of this name, type and public key.
    pub fn of(name: &KeyName, key_type: KeyType, public_key: &[u8; 32]) -> Self {
        let digest = Sha256::new()
            .chain_update(name.0.as_bytes())
            .chain_update([b'\n', key_type as u8])
            .chain_update(public_key)
            .finalize();
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl VerifierKey {
    /// Takes a public key under a name.
    ///
    /// # Errors
    ///
    /// [`BadKey::Point`] when the bytes are no point of the curve, or one of small order.
    pub fn new(name: KeyName, key_type: KeyType, public_key: &[u8; 32]) -> Result<Self, BadKey> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| BadKey::Point)?;
        if key.is_weak() {
            return Err(BadKey::Point);
        }
        Ok(Self::of(name, key_type, key))
    }

    /// For our own signers, whose public keys come from a secret and are not weak.
    pub(crate) fn of(name: KeyName, key_type: KeyType, key: VerifyingKey) -> Self {
        let id = KeyId::of(&name, key_type, key.as_bytes());
        Self { name, id, key_type, key }
    }

    /// The name; for a log, its origin.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id that stands before this key's signatures.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What this key's signatures state.
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The 32 bytes of the public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether a signature line claims to be by this key: name and id both match.
    pub fn claims(&self, line: &SignatureLine) -> bool {
        *line.name() == self.name && line.id() == self.id
    }

    /// Checks a signature (without the id) over a note text, newline at the end included.
    ///
    /// # Errors
    ///
    /// [`BadSignature`].
    pub fn verify(&self, note_text: &str, signature: &[u8]) -> Result<SignatureStatement, BadSignature> {
        match self.key_type {
            KeyType::Note => {
                self.verify_bytes(note_text.as_bytes(), signature)?;
                Ok(SignatureStatement::Signed)
            }
            KeyType::CosignatureV1 => {
                let wrong_length = BadSignature::Length { want: 72, got: signature.len() };
                let (time, rest) = signature.split_first_chunk().ok_or(wrong_length)?;
                if rest.len() != 64 {
                    return Err(wrong_length);
                }
                let time = UnixSeconds::new(u64::from_be_bytes(*time)).ok_or(BadSignature::Time)?;
                self.verify_bytes(&cosigned_message(time, note_text), rest)?;
                Ok(SignatureStatement::CosignedAt(time))
            }
        }
    }

    fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let bytes: &[u8; 64] =
            signature.try_into().map_err(|_| BadSignature::Length { want: 64, got: signature.len() })?;
        self.key.verify_strict(message, &Signature::from_bytes(bytes)).map_err(|_| BadSignature::Invalid)
    }
}

impl NoteSigner {
    /// A signer from the 32-byte seed of an Ed25519 key (RFC 8032 private key).
    pub fn new(name: KeyName, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::of(name, KeyType::Note, key.verifying_key());
        Self { key, verifier }
    }

    /// Reads the private form that other note tools write: `PRIVATE+KEY+name+id+base64`.
    ///
    /// # Errors
    ///
    /// [`BadPrivateKey`].
    pub fn from_private_text(text: &str) -> Result<Self, BadPrivateKey> {
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or(BadPrivateKey::Form)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadPrivateKey::Form);
        };
        let key = text::from_base64(key).ok_or(BadPrivateKey::Form)?;
        let [0x01, seed @ ..] = key.as_slice() else { return Err(BadPrivateKey::Form) };
        let seed = seed.try_into().map_err(|_| BadPrivateKey::Form)?;
        let signer = Self::new(KeyName::new(name).map_err(BadPrivateKey::Key)?, seed);
        check_id(parse_id(id).map_err(BadPrivateKey::Key)?, signer.verifier.id)
            .map_err(BadPrivateKey::Key)?;
        Ok(signer)
    }

    /// The public half.
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a note text, newline at the end included. Signing two inconsistent checkpoints is a
    /// fork: whoever calls this remembers what was signed before.
    pub fn sign(&self, note_text: &str) -> SignatureLine {
        let signature = self.key.sign(note_text.as_bytes());
        SignatureLine::made(&self.verifier, signature.to_bytes().to_vec())
    }
}

/// Says whose key it is and nothing else.
impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.verifier)
    }
}

impl FromStr for VerifierKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        // The base64 part may contain further plus signs.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadKey::Form);
        };
        let name = KeyName::new(name)?;
        let written = parse_id(id)?;
        let key = text::from_base64(key).ok_or(BadKey::Base64)?;
        let (&type_byte, public_key) = key.split_first().ok_or(BadKey::Length(0))?;
        let key_type = match type_byte {
            0x01 => KeyType::Note,
            0x04 => KeyType::CosignatureV1,
            other => return Err(BadKey::UnsupportedType(other)),
        };
        let public_key = public_key.try_into().map_err(|_| BadKey::Length(public_key.len()))?;
        let verifier = Self::new(name, key_type, public_key)?;
        check_id(written, verifier.id)?;
        Ok(verifier)
    }
}

fn parse_id(text: &str) -> Result<KeyId, BadKey> {
    let hex = text.len() == 8 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    if !hex {
        return Err(BadKey::IdForm);
    }
    let id = u32::from_str_radix(text, 16).map_err(|_| BadKey::IdForm)?;
    Ok(KeyId(id.to_be_bytes()))
}

fn check_id(written: KeyId, computed: KeyId) -> Result<(), BadKey> {
    if written != computed {
        return Err(BadKey::IdMismatch { written, computed });
    }
    Ok(())
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = Vec::with_capacity(33);
        key.push(self.key_type as u8);
        key.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{}+{}", self.name, self.id, text::base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("KeyName({:?})", self.0))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
