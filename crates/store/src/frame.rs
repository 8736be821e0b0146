//! Frames: how one block lies in a segment of the record log.
//!
//! ```text
//! frame  = length u32 | crc32 u32 | height u64 | kind u8 | 7 zero bytes | body | zeros up to a multiple of 8
//! body   = header length u32 | certificate length u32 | entries u32 | header | certificate | entry*
//! entry  = length u16 | bytes            exactly as a C2SP entries bundle has it
//! ```
//!
//! Numbers are big-endian. The CRC is CRC-32 (IEEE) over length, height, kind, zero bytes and body: every
//! byte of a frame is covered, or must be zero. It finds accidents; tampering is found by the hashes.

use bytes::Bytes;

/// Bytes before the body.
pub const FRAME_HEADER_BYTES: usize = 24;
/// Frames begin at multiples of this.
pub const FRAME_ALIGNMENT: u64 = 8;
/// Longest body: a block of 2 MiB, a genesis somewhat larger, a certificate.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Kind of a frame that holds one block.
const KIND_BLOCK: u8 = 1;
/// Bytes before the header in a body.
const BODY_PREFIX_BYTES: usize = 12;

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the body in bytes.
    pub length: u32,
    crc: u32,
    /// Height of the block.
    pub height: u64,
}

impl FrameHeader {
    /// Reads a frame's header; `None` when these bytes cannot be one.
    #[must_use]
    pub fn parse(bytes: &[u8; FRAME_HEADER_BYTES]) -> Option<Self> {
        let length = u32::from_be_bytes(bytes[0..4].try_into().ok()?);
        let crc = u32::from_be_bytes(bytes[4..8].try_into().ok()?);
        let height = u64::from_be_bytes(bytes[8..16].try_into().ok()?);
        let sane = (BODY_PREFIX_BYTES..=MAX_BODY_BYTES).contains(&(length as usize));
        let kind = bytes[16] == KIND_BLOCK && bytes[17..].iter().all(|byte| *byte == 0);
        (sane && kind).then_some(Self { length, crc, height })
    }

    /// Whether `body` is what was framed.
    #[must_use]
    pub fn covers(&self, body: &[u8]) -> bool {
        body.len() == self.length as usize && self.crc == checksum(self.length, self.height, body)
    }

    /// Bytes of the whole frame, padding included.
    #[must_use]
    pub const fn frame_bytes(&self) -> u64 {
        padded(FRAME_HEADER_BYTES as u64 + self.length as u64)
    }
}

const fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(FRAME_ALIGNMENT)
}

fn checksum(length: u32, height: u64, body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&length.to_be_bytes());
    crc.update(&height.to_be_bytes());
    crc.update(&[KIND_BLOCK, 0, 0, 0, 0, 0, 0, 0]);
    crc.update(body);
    crc.finalize()
}

/// Writes the frame of one block into `out`, which is emptied first. `None` when it is too long, or an
/// entry is.
#[must_use]
pub fn encode(
    out: &mut Vec<u8>,
    height: u64,
    header: &[u8],
    certificate: &[u8],
    entries: &[Bytes],
) -> Option<()> {
    out.clear();
    let entry_bytes: usize = entries.iter().map(|entry| 2 + entry.len()).sum();
    let length = BODY_PREFIX_BYTES + header.len() + certificate.len() + entry_bytes;
    if length > MAX_BODY_BYTES {
        return None;
    }
    out.reserve(FRAME_HEADER_BYTES + length + FRAME_ALIGNMENT as usize);
    let length = u32::try_from(length).ok()?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&[KIND_BLOCK, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&u32::try_from(header.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&u32::try_from(certificate.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&u32::try_from(entries.len()).ok()?.to_be_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(certificate);
    for entry in entries {
        out.extend_from_slice(&u16::try_from(entry.len()).ok()?.to_be_bytes());
        out.extend_from_slice(entry);
    }
    let crc = checksum(length, height, &out[FRAME_HEADER_BYTES..]);
    out[4..8].copy_from_slice(&crc.to_be_bytes());
    out.resize(padded(out.len() as u64) as usize, 0);
    Some(())
}

/// A block as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// Its height.
    pub height: u64,
    /// Canonical BlockHeader.
    pub header: Bytes,
    /// The ordering engine's certificate; empty for genesis.
    pub certificate: Bytes,
    /// Canonical SignedRecords, the seal last.
    pub entries: Vec<Bytes>,
    /// Where the entries begin in the body: each is u16 length and bytes.
    pub entries_at: usize,
}

/// Takes a body apart without copying; says what is wrong with it.
///
/// # Errors
/// What does not add up, in words.
pub fn parse_body(height: u64, body: &Bytes) -> Result<StoredBlock, &'static str> {
    let number = |at: usize| -> Option<usize> {
        Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?) as usize)
    };
    let (Some(header), Some(certificate), Some(count)) = (number(0), number(4), number(8)) else {
        return Err("a body shorter than its lengths");
    };
    let certificate_at = BODY_PREFIX_BYTES + header;
    let entries_at = certificate_at + certificate;
    if entries_at > body.len() {
        return Err("a header and certificate longer than the body");
    }
    // Each entry takes two bytes at least, so the count cannot make us reserve more than the body's size.
    let mut entries = Vec::with_capacity(count.min(body.len() / 2));
    let mut at = entries_at;
    for _ in 0..count {
        let Some(prefix) = body.get(at..at + 2) else { return Err("fewer entries than it counts") };
        let length = usize::from(u16::from_be_bytes([prefix[0], prefix[1]]));
        if at + 2 + length > body.len() {
            return Err("an entry that runs over its end");
        }
        entries.push(body.slice(at + 2..at + 2 + length));
        at += 2 + length;
    }
    if at != body.len() {
        return Err("bytes after its last entry");
    }
    Ok(StoredBlock {
        height,
        header: body.slice(BODY_PREFIX_BYTES..certificate_at),
        certificate: body.slice(certificate_at..entries_at),
        entries,
        entries_at,
    })
}
