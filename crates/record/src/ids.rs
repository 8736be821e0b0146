//! Identifiers: of records by hash, of members and lots by the names that people gave them.

use alloc::{boxed::Box, string::String};
use core::fmt;

use sha2::{Digest, Sha256};

/// Context of record signatures and ids. It starts with a zero byte, which no signed note
/// contains, so that a signature made for one purpose never serves another.
pub const RECORD_CONTEXT: &[u8] = b"\0oreledger/record/v1\0";

/// SHA-256 of the record context and the record's bytes. The signature is not part of it:
/// signing again does not make a new record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 32]);

impl RecordId {
    /// The id of a record's canonical bytes.
    #[must_use]
    pub fn of(record: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(RECORD_CONTEXT);
        hash.update(record);
        Self(hash.finalize().into())
    }

    /// The id of bytes that start with [`RECORD_CONTEXT`] already.
    pub(crate) fn of_prefixed(context_and_record: &[u8]) -> Self {
        Self(Sha256::digest(context_and_record).into())
    }

    /// An id that came from elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl TryFrom<&[u8]> for RecordId {
    type Error = BadId;

    fn try_from(bytes: &[u8]) -> Result<Self, BadId> {
        bytes.try_into().map(Self).map_err(|_| BadId::RecordIdLength(bytes.len()))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// A record id has 32 bytes.
    #[error("a record id has 32 bytes, this has {0}")]
    RecordIdLength(usize),
    /// Not a member's slug.
    #[error("member id {0:?} is not 2 to 32 of a-z, 0-9 and hyphen, starting with a letter")]
    Member(Box<str>),
    /// Not `<member>/<number>`.
    #[error(
        "id {0:?} is not <member>/<number>, the number being 1 to 63 of letters, digits, '.', '-' and '_'"
    )]
    Scoped(Box<str>),
}

/// A member's slug: 2 to 32 of a-z, 0-9 and hyphen, starting with a letter. Unique for ever.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MemberId(Box<str>);

impl MemberId {
    /// Reads a member's slug.
    ///
    /// # Errors
    /// [`BadId::Member`] when the text is none.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let bytes = text.as_bytes();
        let good = (2..=32).contains(&bytes.len())
            && bytes[0].is_ascii_lowercase()
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if good { Ok(Self(text.into())) } else { Err(BadId::Member(shorten(text))) }
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `<member>/<number>`: a lot, a facility or an attestation. The number is the one on the member's own label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LotId(Box<str>);

impl LotId {
    /// Reads `<member>/<number>`.
    ///
    /// # Errors
    /// [`BadId`] when either part is malformed.
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let Some((member, number)) = text.split_once('/') else {
            return Err(BadId::Scoped(shorten(text)));
        };
        MemberId::parse(member)?;
        let good = (1..=63).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if good { Ok(Self(text.into())) } else { Err(BadId::Scoped(shorten(text))) }
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The member whose label it is.
    #[must_use]
    pub fn member(&self) -> &str {
        self.0.split_once('/').map_or("", |(member, _)| member)
    }
}

impl fmt::Display for LotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// At most 80 characters of somebody's text, for an error message.
pub(crate) fn shorten(text: &str) -> Box<str> {
    text.chars().take(80).collect::<String>().into_boxed_str()
}
