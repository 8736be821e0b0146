//! From the bytes of an entry to a verified record: no step can be skipped.

use alloc::{string::String, vec::Vec};

use prost::Message;

use crate::{
    MAX_ENTRY_BYTES, RecordId, canonical, envelope,
    ids::RECORD_CONTEXT,
    keys::SecretKey,
    signature::{self, Refused},
    v1::{self, record::Event},
};

/// A record that decodes canonically, with its signature, which nobody has checked yet.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedRecord {
    id: RecordId,
    record: v1::Record,
    /// Context and record in one piece: what is hashed and signed.
    context_and_bytes: Vec<u8>,
    /// None for a seal.
    signature: Option<[u8; SIGNATURE_BYTES]>,
}

/// Length of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;

/// Why bytes are no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// Longer than an entry may be.
    #[error("the entry has {0} bytes, the limit is 65,535; put documents in by digest, split long campaigns")]
    TooLong(usize),
    /// The envelope is not canonical.
    #[error("the envelope is {0}")]
    Envelope(canonical::NotCanonical),
    /// The record inside is not canonical.
    #[error("the record is {0}")]
    Record(canonical::NotCanonical),
    /// A signature has 64 bytes; a seal has none.
    #[error("the signature has {0} bytes, not 64")]
    SignatureLength(usize),
    /// The record says nothing.
    #[error("the record has no event, or one that this version does not know")]
    NoEvent,
    /// A seal with an author or a signature.
    #[error("a block seal has no author, no key and no signature")]
    SignedSeal,
}

/// Why a signature is refused (ZIP-215).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// The author's key is no key.
    #[error("author key of {author} is malformed")]
    Key {
        /// Member id in the record.
        author: String,
    },
    /// The signature does not verify.
    #[error("signature of {author} does not verify under its key")]
    Invalid {
        /// Member id in the record.
        author: String,
    },
    /// A seal is not signed, so there is nothing to verify.
    #[error("a block seal is written by the ledger, not submitted")]
    Seal,
}

impl SignedRecord {
    /// Reads an entry of the log, or a submission.
    ///
    /// # Errors
    /// [`BadEntry`] names what is wrong with the bytes.
    pub fn decode(entry: &[u8]) -> Result<Self, BadEntry> {
        if entry.len() > MAX_ENTRY_BYTES {
            return Err(BadEntry::TooLong(entry.len()));
        }
        match envelope::open(entry) {
            Some((record, signature)) => Self::read(record, signature),
            // Not the canonical envelope: the general decoder says why.
            None => {
                let envelope: v1::SignedRecord = canonical::decode(entry).map_err(BadEntry::Envelope)?;
                Self::read(&envelope.record, &envelope.signature)
            }
        }
    }

    /// From the record's bytes and its signature.
    ///
    /// # Errors
    /// As [`SignedRecord::decode`].
    pub fn from_parts(bytes: Vec<u8>, signature: Vec<u8>) -> Result<Self, BadEntry> {
        Self::read(&bytes, &signature)
    }

    fn read(bytes: &[u8], signature: &[u8]) -> Result<Self, BadEntry> {
        let length = envelope::length(bytes.len(), signature.len());
        if length > MAX_ENTRY_BYTES {
            return Err(BadEntry::TooLong(length));
        }
        let record: v1::Record = canonical::decode(bytes).map_err(BadEntry::Record)?;
        let signature = match &record.event {
            None => return Err(BadEntry::NoEvent),
            Some(Event::BlockSeal(_)) => {
                if !(signature.is_empty() && record.author.is_empty() && record.author_key.is_empty()) {
                    return Err(BadEntry::SignedSeal);
                }
                None
            }
            Some(_) => Some(signature.try_into().map_err(|_| BadEntry::SignatureLength(signature.len()))?),
        };
        let context_and_bytes = [RECORD_CONTEXT, bytes].concat();
        Ok(Self { id: RecordId::of_prefixed(&context_and_bytes), record, context_and_bytes, signature })
    }

    /// Encodes and signs a record. Sets its key; everything else is the author's statement.
    ///
    /// # Errors
    /// [`BadEntry`] when the record is too long or says nothing.
    pub fn sign(mut record: v1::Record, key: &SecretKey) -> Result<Self, BadEntry> {
        record.author_key = key.public().as_bytes().to_vec();
        let bytes = record.encode_to_vec();
        let signature = key.sign_record(&bytes).to_vec();
        Self::from_parts(bytes, signature)
    }

    /// The entry's bytes, as they are a leaf of the log.
    #[must_use]
    pub fn entry(&self) -> Vec<u8> {
        envelope::seal(self.bytes(), self.signature())
    }

    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// The statement.
    #[must_use]
    pub const fn record(&self) -> &v1::Record {
        &self.record
    }

    /// What is said. Decoding refuses a record without an event.
    #[must_use]
    pub fn event(&self) -> &Event {
        self.record.event.as_ref().expect("decode refuses a record without an event")
    }

    /// The canonical bytes that were signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.context_and_bytes[RECORD_CONTEXT.len()..]
    }

    /// The signature: 64 bytes, or none for a seal.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.signature.as_ref().map_or(&[], <[u8; SIGNATURE_BYTES]>::as_slice)
    }

    /// Whether it is a seal, which the ledger writes and nobody signs.
    #[must_use]
    pub fn is_seal(&self) -> bool {
        matches!(self.record.event, Some(Event::BlockSeal(_)))
    }

    /// Context and record: what the signature covers.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        self.context_and_bytes.clone()
    }

    /// As [`SignedRecord::signed_bytes`], without a copy.
    pub(crate) fn context_and_bytes(&self) -> &[u8] {
        &self.context_and_bytes
    }

    /// Checks the signature by itself (ZIP-215). [`crate::batch`] gives the same answer, faster, for many.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(self) -> Result<VerifiedRecord, BadSignature> {
        if self.is_seal() {
            return Err(BadSignature::Seal);
        }
        let author = || self.record.author.clone();
        match signature::zip215(&self.record.author_key, &self.context_and_bytes, self.signature()) {
            Ok(()) => Ok(VerifiedRecord(self)),
            Err(Refused::Key) => Err(BadSignature::Key { author: author() }),
            Err(Refused::Signature) => Err(BadSignature::Invalid { author: author() }),
        }
    }

    /// Whether stricter verifiers (RFC 8032 without cofactor, as OpenSSL, Go and WebCrypto) accept it
    /// too. If not, its author crafted it (rule S1).
    #[must_use]
    pub fn strict(&self) -> bool {
        signature::strict(&self.record.author_key, &self.context_and_bytes, self.signature()).is_ok()
    }
}

/// A record whose signature verifies under the key that it names. Whether that key is its
/// author's is for the custody rules to say, which know the members.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedRecord(pub(crate) SignedRecord);

impl VerifiedRecord {
    /// The record with its signature.
    #[must_use]
    pub const fn signed(&self) -> &SignedRecord {
        &self.0
    }

    /// The statement.
    #[must_use]
    pub const fn record(&self) -> &v1::Record {
        &self.0.record
    }

    /// What is said.
    #[must_use]
    pub fn event(&self) -> &Event {
        self.0.event()
    }

    /// The record's id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        self.0.id
    }

    /// Back to the record, for storing.
    #[must_use]
    pub fn into_signed(self) -> SignedRecord {
        self.0
    }
}
