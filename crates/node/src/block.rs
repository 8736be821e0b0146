//! Blocks: their bytes, their seal and their header.
//!
//! A block travels as the canonical encoding of the proto `Block`, written and read here without
//! copying an entry twice.

use bytes::Bytes;
use ore_merkle::RootHash;
use ore_record::{SignedRecord, canonical, state::block_id, v1};
use ore_wire::v1 as wire_v1;
use prost::Message;

/// Largest block, header and entries, in bytes.
pub const MAX_BLOCK_BYTES: usize = ore_consensus::limits::BLOCK_BYTES;
/// Room kept for header, seal and framing: a header below 512 bytes, a seal below 512, 4 bytes an entry.
pub const BLOCK_RESERVE_BYTES: usize = 32 << 10;

/// Why bytes are no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlock {
    /// Too long.
    #[error("a block of {0} bytes is longer than the limit")]
    TooLong(usize),
    /// Not the canonical encoding of a `Block`.
    #[error("not the canonical encoding of a block (byte {0})")]
    Encoding(usize),
    /// The header is not canonical.
    #[error("the header is {0}")]
    Header(canonical::NotCanonical),
    /// There is no seal at the end, or one before it.
    #[error("a block ends with its only seal")]
    Seal,
}

/// A block taken apart; entries still share its memory.
#[derive(Clone, Debug)]
pub struct BlockParts {
    /// SHA-256 of the header.
    pub id: [u8; 32],
    /// The header's bytes.
    pub header_bytes: Bytes,
    /// What it says.
    pub header: v1::BlockHeader,
    /// Canonical SignedRecords, the seal last.
    pub entries: Vec<Bytes>,
}

/// Writes a block.
#[must_use]
pub fn encode(header: &[u8], entries: &[Bytes]) -> Vec<u8> {
    let body: usize = entries.iter().map(|entry| 4 + entry.len()).sum();
    let mut bytes = Vec::with_capacity(8 + header.len() + body);
    push_field(&mut bytes, 0x0a, header);
    for entry in entries {
        push_field(&mut bytes, 0x12, entry);
    }
    bytes
}

fn push_field(bytes: &mut Vec<u8>, tag: u8, field: &[u8]) {
    bytes.push(tag);
    prost::encoding::encode_varint(field.len() as u64, bytes);
    bytes.extend_from_slice(field);
}

/// Reads a block.
///
/// # Errors
/// [`BadBlock`].
pub fn decode(block: &Bytes, max_bytes: usize) -> Result<BlockParts, BadBlock> {
    if block.len() > max_bytes {
        return Err(BadBlock::TooLong(block.len()));
    }
    let mut at = 0;
    let header_bytes = take_field(block, &mut at, 0x0a).ok_or(BadBlock::Encoding(at))?;
    let mut entries = Vec::new();
    // Each entry takes two bytes at least, so the length bounds the number.
    while at < block.len() {
        entries.push(take_field(block, &mut at, 0x12).ok_or(BadBlock::Encoding(at))?);
    }
    if entries.is_empty() {
        return Err(BadBlock::Seal);
    }
    let header = canonical::decode(&header_bytes).map_err(BadBlock::Header)?;
    Ok(BlockParts { id: block_id(&header_bytes), header_bytes, header, entries })
}

fn take_field(block: &Bytes, at: &mut usize, tag: u8) -> Option<Bytes> {
    let rest = block.get(*at..)?;
    let mut cursor = rest.strip_prefix(&[tag])?;
    let length = prost::encoding::decode_varint(&mut cursor).ok()?;
    let prefix = rest.len() - cursor.len();
    let length = usize::try_from(length).ok()?;
    // A longer spelling of the same length is not canonical, and neither is an empty field.
    if length == 0
        || length > cursor.len()
        || prefix != 1 + prost::encoding::encoded_len_varint(length as u64)
    {
        return None;
    }
    let begin = *at + prefix;
    *at = begin + length;
    Some(block.slice(begin..begin + length))
}

/// What a block's seal and header say, apart from the tree.
#[derive(Clone, Copy, Debug)]
pub struct Sealing<'a> {
    /// Name of the ledger.
    pub origin: &'a str,
    /// Height of the block.
    pub height: u64,
    /// Id of the block before.
    pub previous: [u8; 32],
    /// Block time, milliseconds since 1970.
    pub time_ms: u64,
    /// State root after its records.
    pub state_root: [u8; 32],
    /// Records, the seal not counted.
    pub records: u32,
}

impl Sealing<'_> {
    /// The block's last entry.
    ///
    /// # Panics
    /// Never: a seal is short and has an event.
    #[must_use]
    pub fn seal(&self) -> SignedRecord {
        let seal = v1::BlockSeal {
            height: self.height,
            previous_header: self.previous.to_vec(),
            time_ms: self.time_ms,
            state_root: self.state_root.to_vec(),
            records: self.records,
        };
        let record = v1::Record {
            origin: self.origin.to_owned(),
            event: Some(v1::record::Event::BlockSeal(seal)),
            ..v1::Record::default()
        };
        SignedRecord::from_parts(record.encode_to_vec(), Vec::new())
            .expect("a seal is a short unsigned record")
    }

    /// The header's canonical bytes.
    #[must_use]
    pub fn header(
        &self,
        tree_size: u64,
        tree_root: &RootHash,
        next_validators: [u8; 32],
        proposer: &str,
    ) -> Vec<u8> {
        v1::BlockHeader {
            origin: self.origin.to_owned(),
            height: self.height,
            previous_header: self.previous.to_vec(),
            time_ms: self.time_ms,
            tree_size,
            tree_root: tree_root.as_bytes().to_vec(),
            state_root: self.state_root.to_vec(),
            next_validators: next_validators.to_vec(),
            proposer: proposer.to_owned(),
        }
        .encode_to_vec()
    }
}

/// What readers of the live feed are told about a block.
#[must_use]
pub fn watch_response(parts: &BlockParts) -> wire_v1::WatchResponse {
    let records = parts.entries.len().saturating_sub(1);
    let first =
        parts.entries.first().filter(|_| records > 0).map(|entry| ore_store::positions::record_id(entry));
    wire_v1::WatchResponse {
        height: parts.header.height,
        block_id: Bytes::copy_from_slice(&parts.id),
        tree_size: parts.header.tree_size,
        records: records as u32,
        time_ms: parts.header.time_ms,
        first_record: first.map(|id| Bytes::copy_from_slice(id.as_bytes())).unwrap_or_default(),
        header: parts.header_bytes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let sealing = Sealing {
            origin: "ledger.example/ta",
            height: 3,
            previous: [1; 32],
            time_ms: 5,
            state_root: [2; 32],
            records: 0,
        };
        sealing.header(9, &RootHash::from_bytes([4; 32]), [5; 32], "refiner-a")
    }

    #[test]
    fn a_block_is_the_encoding_of_its_proto() {
        let (header, entries) = (header(), vec![Bytes::from(vec![7; 300]), Bytes::from_static(b"x")]);
        let bytes = encode(&header, &entries);
        let proto = v1::Block { header, entries: entries.iter().map(|entry| entry.to_vec()).collect() };
        assert_eq!(bytes, proto.encode_to_vec());
        let parts = decode(&bytes.into(), 1 << 20).expect("our own block");
        assert_eq!((parts.entries, parts.header.height), (entries, 3));
    }

    #[test]
    fn no_other_spelling_of_a_block_is_read() {
        let good = encode(&header(), &[Bytes::from_static(b"abc")]);
        let longer_length = [&good[..good.len() - 4], &[0x83, 0, b'a', b'b', b'c']].concat();
        let trailing = [&good[..], &[0]].concat();
        let second_header = [&good[..], &good[..]].concat();
        for bad in [longer_length, trailing, second_header, good[..good.len() - 1].to_vec(), Vec::new()] {
            assert!(decode(&bad.into(), 1 << 20).is_err());
        }
    }
}
