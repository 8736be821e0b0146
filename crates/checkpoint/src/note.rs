//! Signed notes: a text, a blank line, signature lines.
//!
//! C2SP signed-note. The text means nothing until a trusted key's signature has been verified, so a
//! parsed [`Note`] and a [`VerifiedNote`] are different types. Signatures by unknown keys are ignored;
//! a bad signature under a known key condemns the whole note.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str;

use ore_merkle::thousands;

use crate::key::{BadSignature, KeyId, KeyName, SignatureStatement, VerifierKey};
use crate::text;

/// Largest note we read, in bytes. A hundred post-quantum signatures fit.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signature lines we read. The specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;
/// Em dash and space: the start of every signature line.
const LINE_START: &str = "\u{2014} ";

/// A note as it was written: well formed, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One line `— name base64(id || signature)`.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

/// The keys a reader trusts, no two of one name and id.
#[derive(Clone, Debug, Default)]
pub struct VerifierSet(Vec<VerifierKey>);

/// A note whose signatures were checked: the only way to a text that may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNote {
    text: String,
    /// Position in the set, and what was stated.
    verified: Vec<(VerifierKey, SignatureStatement)>,
    unverified: Vec<SignatureLine>,
}

/// Bytes that are no note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedNote {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note has {} bytes, the limit is 1,048,576", thousands(*.0 as u128))]
    TooLong(usize),
    /// Notes are UTF-8.
    #[error("a note is valid UTF-8")]
    NotUtf8,
    /// Only newline is allowed below U+0020.
    #[error("a note has no control character but newline")]
    ControlCharacter,
    /// No blank line between text and signatures.
    #[error("a note has a blank line between text and signatures")]
    NoSignatureBlock,
    /// The text must end in a newline; an empty text does not.
    #[error("the text of a note ends in a newline")]
    TextWithoutNewline,
    /// Nothing follows the blank line.
    #[error("a note has at least one signature line")]
    NoSignature,
    /// The last line lacks its newline.
    #[error("a note ends in a newline")]
    NoFinalNewline,
    /// More than [`MAX_SIGNATURES`].
    #[error("a note has at most {MAX_SIGNATURES} signature lines")]
    TooManySignatures,
    /// Not `— name base64`.
    #[error("signature line {0} is not written as em dash, key name, base64")]
    SignatureLine(usize),
}

/// Two trusted keys share name and id, so nobody could tell whose signature is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two trusted keys are both named {name} with id {id}")]
pub struct AmbiguousKey {
    /// The shared name.
    pub name: KeyName,
    /// The shared id.
    pub id: KeyId,
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteFailure {
    /// None of the lines is by a trusted key.
    #[error("no signature by a trusted key")]
    NoKnownSignature,
    /// A line under a trusted key's name and id does not verify.
    #[error("signature of {name}")]
    InvalidSignature {
        /// Whose signature it claims to be.
        name: KeyName,
        /// What is wrong with it.
        #[source]
        source: BadSignature,
    },
}

impl Note {
    /// Puts signatures under a text.
    ///
    /// # Errors
    ///
    /// [`MalformedNote`] when the result could not be read back.
    pub fn new(text: &str, signatures: Vec<SignatureLine>) -> Result<Self, MalformedNote> {
        check_text(text)?;
        if signatures.is_empty() {
            return Err(MalformedNote::NoSignature);
        }
        if signatures.len() > MAX_SIGNATURES {
            return Err(MalformedNote::TooManySignatures);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Reads a note.
    ///
    /// # Errors
    ///
    /// [`MalformedNote`].
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedNote> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(MalformedNote::TooLong(bytes.len()));
        }
        let note = str::from_utf8(bytes).map_err(|_| MalformedNote::NotUtf8)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(MalformedNote::ControlCharacter);
        }
        // The text may contain blank lines of its own: the last one counts.
        let (body, block) = note.rsplit_once("\n\n").ok_or(MalformedNote::NoSignatureBlock)?;
        if block.is_empty() {
            return Err(MalformedNote::NoSignature);
        }
        let text = &note[..body.len() + 1];
        Ok(Self { text: text.to_owned(), signatures: parse_signature_lines(block)? })
    }

    /// The text, final newline included. Not to be believed before [`Self::verify`].
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a signature line unless the very same line is there.
    ///
    /// # Errors
    ///
    /// [`MalformedNote::TooManySignatures`].
    pub fn add(&mut self, line: SignatureLine) -> Result<(), MalformedNote> {
        if self.signatures.contains(&line) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(MalformedNote::TooManySignatures);
        }
        self.signatures.push(line);
        Ok(())
    }

    /// Checks every line that claims a trusted key. Repeated lines count once; of several by one key
    /// the first counts, as its timestamp does.
    ///
    /// # Errors
    ///
    /// [`NoteFailure`].
    pub fn verify(&self, trusted: &VerifierSet) -> Result<VerifiedNote, NoteFailure> {
        let mut verified: Vec<(VerifierKey, SignatureStatement)> = Vec::new();
        let mut unverified: Vec<SignatureLine> = Vec::new();
        for line in &self.signatures {
            let Some(key) = trusted.find(line) else {
                if !unverified.contains(line) {
                    unverified.push(line.clone());
                }
                continue;
            };
            if verified.iter().any(|(seen, _)| seen == key) {
                continue;
            }
            let statement = key
                .verify(&self.text, &line.signature)
                .map_err(|source| NoteFailure::InvalidSignature { name: line.name.clone(), source })?;
            verified.push((key.clone(), statement));
        }
        if verified.is_empty() {
            return Err(NoteFailure::NoKnownSignature);
        }
        Ok(VerifiedNote { text: self.text.clone(), verified, unverified })
    }
}

/// The note, byte for byte as it was read.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl SignatureLine {
    pub(crate) fn made(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name().clone(), id: key.id(), signature }
    }

    /// Reads one line, without its newline.
    ///
    /// # Errors
    ///
    /// [`MalformedNote::SignatureLine`] with line number 1.
    pub fn parse(line: &str) -> Result<Self, MalformedNote> {
        Self::read(line).ok_or(MalformedNote::SignatureLine(1))
    }

    fn read(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix(LINE_START)?.split_once(' ')?;
        let name = KeyName::new(name).ok()?;
        let bytes = text::from_base64(encoded)?;
        let (id, signature) = bytes.split_first_chunk()?;
        (!signature.is_empty()).then(|| Self {
            name,
            id: KeyId::from_bytes(*id),
            signature: signature.to_vec(),
        })
    }

    /// Whose signature it claims to be.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key it claims.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature after the id; for a cosignature, 8 bytes of time and 64 of Ed25519.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// The line without its newline.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(4 + self.signature.len());
        bytes.extend_from_slice(&self.id.to_bytes());
        bytes.extend_from_slice(&self.signature);
        write!(f, "{LINE_START}{} {}", self.name, text::base64(&bytes))
    }
}

impl fmt::Debug for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignatureLine({self})")
    }
}

impl VerifierSet {
    /// Takes the keys to trust.
    ///
    /// # Errors
    ///
    /// [`AmbiguousKey`] when two share name and id.
    pub fn new(keys: Vec<VerifierKey>) -> Result<Self, AmbiguousKey> {
        for (position, key) in keys.iter().enumerate() {
            if keys[..position].iter().any(|other| other.name() == key.name() && other.id() == key.id()) {
                return Err(AmbiguousKey { name: key.name().clone(), id: key.id() });
            }
        }
        Ok(Self(keys))
    }

    /// The trusted keys.
    pub fn keys(&self) -> &[VerifierKey] {
        &self.0
    }

    fn find(&self, line: &SignatureLine) -> Option<&VerifierKey> {
        self.0.iter().find(|key| key.claims(line))
    }
}

impl VerifiedNote {
    /// The text, final newline included, vouched for by every key in [`Self::verified`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The keys whose signatures hold, and what each states.
    pub fn verified(&self) -> &[(VerifierKey, SignatureStatement)] {
        &self.verified
    }

    /// Lines by keys that are not trusted here; they say nothing.
    pub fn unverified(&self) -> &[SignatureLine] {
        &self.unverified
    }
}

/// Reads newline-terminated signature lines: the end of a note, or a witness's answer.
pub(crate) fn parse_signature_lines(block: &str) -> Result<Vec<SignatureLine>, MalformedNote> {
    let lines = block.strip_suffix('\n').ok_or(MalformedNote::NoFinalNewline)?;
    let mut signatures = Vec::new();
    for (position, line) in lines.split('\n').enumerate() {
        if position == MAX_SIGNATURES {
            return Err(MalformedNote::TooManySignatures);
        }
        signatures.push(SignatureLine::read(line).ok_or(MalformedNote::SignatureLine(position + 1))?);
    }
    Ok(signatures)
}

fn check_text(text: &str) -> Result<(), MalformedNote> {
    if text.len() > MAX_NOTE_BYTES {
        return Err(MalformedNote::TooLong(text.len()));
    }
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(MalformedNote::ControlCharacter);
    }
    if !text.ends_with('\n') {
        return Err(MalformedNote::TextWithoutNewline);
    }
    Ok(())
}
