//! What validators tell each other about checkpoints: notes, a question, and its answer.
//!
//! A note is a C2SP signed note as it is. Question and answer begin with a word and a space, which the
//! first line of a note (an origin) cannot contain. Everything is bounded before it is looked at.

use ore_checkpoint::SignedCheckpoint;

/// Longest note that is read from another node, in bytes: a hundred members' lines.
pub const MAX_NOTE_BYTES: usize = 16 << 10;
/// Most notes in an answer: the end of a term, and the newest of three kinds.
pub const MAX_NOTES: usize = 4;

/// Longest message, in bytes: an answer of the longest notes.
pub const MAX_MESSAGE_BYTES: usize = (MAX_NOTE_BYTES + 4) * MAX_NOTES + 16;

const ASK: &[u8] = b"ask ";
const ANSWER: &[u8] = b"answer ";

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Somebody's signatures under a checkpoint.
    Note(SignedCheckpoint),
    /// What is the newest that you hold, and the newest of mine that you saw? With the size that the
    /// one who asks has published, 0 for none.
    Ask(u64),
    /// At most [`MAX_NOTES`].
    Answer(Vec<SignedCheckpoint>),
}

/// Bytes that are no message: the sender is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a message about checkpoints: {0}")]
pub struct BadMessage(pub String);

fn bad(why: impl ToString) -> BadMessage {
    BadMessage(why.to_string())
}

fn note(bytes: &[u8]) -> Result<SignedCheckpoint, BadMessage> {
    if bytes.len() > MAX_NOTE_BYTES {
        return Err(bad(format!("a note of {} bytes", bytes.len())));
    }
    let note = SignedCheckpoint::parse(bytes).map_err(bad)?;
    note.unverified().require_strict().map_err(bad)?;
    Ok(note)
}

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// [`BadMessage`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BadMessage> {
        if let Some(size) = bytes.strip_prefix(ASK) {
            let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
            return size.map(Self::Ask).ok_or_else(|| bad("a question without a size"));
        }
        let Some(mut rest) = bytes.strip_prefix(ANSWER) else { return note(bytes).map(Self::Note) };
        let mut notes = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (one, after) = after.split_at_checked(length).ok_or_else(|| bad("an answer cut short"))?;
            if notes.len() == MAX_NOTES {
                return Err(bad("an answer of too many notes"));
            }
            notes.push(note(one)?);
            rest = after;
        }
        if rest.is_empty() { Ok(Self::Answer(notes)) } else { Err(bad("an answer with bytes behind it")) }
    }

    /// The bytes that are sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Note(note) => note.to_string().into_bytes(),
            Self::Ask(size) => [ASK, size.to_string().as_bytes()].concat(),
            Self::Answer(notes) => {
                let mut bytes = ANSWER.to_vec();
                for note in notes.iter().take(MAX_NOTES) {
                    let note = note.to_string();
                    bytes.extend_from_slice(&(note.len() as u32).to_be_bytes());
                    bytes.extend_from_slice(note.as_bytes());
                }
                bytes
            }
        }
    }
}
