//! Tiles: the tree and its entries as static files that never change.
//!
//! C2SP tlog-tiles. A tile holds up to 256 neighbouring hashes of every eighth level; an entries
//! bundle holds the entries under one level-0 tile. Here is only the arithmetic, the names and the
//! bytes; who stores or serves them is another crate's affair.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::hash::{HASH_BYTES, NodeHash, hash_children};
use crate::position::TreeSize;

/// Levels of the tree per level of tiles: 2^8 = 256 hashes in a full tile.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Highest tile level that the format can name; a tree of 64-bit size never has more than eight.
pub const MAX_TILE_LEVEL: u8 = 63;
/// Longest entry: its length is a 16-bit number.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;
/// Largest entries bundle: 256 entries of 2 + 65535 bytes, 16 MiB.
pub const MAX_BUNDLE_BYTES: usize = TILE_WIDTH as usize * (2 + MAX_ENTRY_BYTES);

/// Name of one tile of hashes, full or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

/// Name of one bundle of entries, full or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    index: u64,
    width: u16,
}

/// What a path under the log's prefix names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileResource {
    /// `tile/<L>/<N>[.p/<W>]`
    Tile(TileId),
    /// `tile/entries/<N>[.p/<W>]`
    Entries(BundleId),
}

/// A tile or bundle name outside the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TilePathError {
    /// Not `tile/<L>/...` or `tile/entries/...`.
    #[error("not a tile path")]
    NotATile,
    /// The level is not a plain decimal of 0 to 63.
    #[error("tile level is not a decimal from 0 to 63")]
    BadLevel,
    /// The index is not written in groups of three digits, or does not fit 64 bits.
    #[error("tile index is not written as x-prefixed groups of three digits")]
    BadIndex,
    /// The width is not a plain decimal, or not 1 to 256 (1 to 255 when written in a path).
    #[error("partial tile width is not a decimal from 1 to 255")]
    BadWidth,
}

/// Bytes that are not the tile they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tile of {width} hashes has {} bytes, this one has {got}", usize::from(*.width) * HASH_BYTES)]
pub struct TileError {
    /// Hashes the tile should hold.
    pub width: u16,
    /// Bytes there are.
    pub got: usize,
}

/// Bytes that are not the entries bundle they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end within an entry.
    #[error("entries bundle ends within entry {entry}")]
    Truncated {
        /// Position of the entry within the bundle.
        entry: u16,
    },
    /// Bytes follow the last entry.
    #[error("entries bundle has {extra} bytes after its last entry")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// An entry too long for its length field.
    #[error("an entry of {got} bytes exceeds {MAX_ENTRY_BYTES}")]
    EntryTooLong {
        /// Bytes given.
        got: usize,
    },
}

impl TileId {
    /// A tile of `width` hashes.
    ///
    /// # Errors
    ///
    /// [`TilePathError::BadLevel`] above 63, [`TilePathError::BadWidth`] outside 1 to 256.
    pub const fn new(level: u8, index: u64, width: u16) -> Result<Self, TilePathError> {
        if level > MAX_TILE_LEVEL {
            return Err(TilePathError::BadLevel);
        }
        if width == 0 || width as u64 > TILE_WIDTH {
            return Err(TilePathError::BadWidth);
        }
        Ok(Self { level, index, width })
    }

    /// The tile at (`level`, `index`) in the tree of this `size`; `None` when it would be empty.
    pub fn at_size(level: u8, index: u64, size: TreeSize) -> Option<Self> {
        let width = width_at(level, index, size)?;
        Self::new(level, index, width).ok()
    }

    /// The tile that holds, or whose hashes make, the tree node (`node_level`, `node_index`) in the
    /// tree of this `size`; `None` when that node is not complete.
    pub fn of_node(node_level: u8, node_index: u64, size: TreeSize) -> Option<Self> {
        let complete = size.get().checked_shr(u32::from(node_level))?;
        (node_index < complete).then_some(())?;
        let (level, height) = split_level(node_level);
        // At most 7 bits, and node_index < size >> node_level leaves room for them.
        Self::at_size(level, (node_index << height) / TILE_WIDTH, size)
    }

    /// Tile level: hashes of tree level 8 * `level`.
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Position within the level, in tiles.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Hashes in it, 1 to 256.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all 256 hashes.
    pub const fn is_full(self) -> bool {
        self.width as u64 == TILE_WIDTH
    }
}

impl BundleId {
    /// A bundle of `width` entries.
    ///
    /// # Errors
    ///
    /// [`TilePathError::BadWidth`] outside 1 to 256.
    pub const fn new(index: u64, width: u16) -> Result<Self, TilePathError> {
        if width == 0 || width as u64 > TILE_WIDTH {
            return Err(TilePathError::BadWidth);
        }
        Ok(Self { index, width })
    }

    /// The bundle `index` in the tree of this `size`; `None` when it would be empty.
    pub fn at_size(index: u64, size: TreeSize) -> Option<Self> {
        Self::new(index, width_at(0, index, size)?).ok()
    }

    /// Position, in bundles: the first entry is `index * 256`.
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Entries in it, 1 to 256.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it has all 256 entries.
    pub const fn is_full(self) -> bool {
        self.width as u64 == TILE_WIDTH
    }
}

/// Every tile of the tree of this size, by level and index: full ones, then at most one partial per
/// level. `size / 255` of them, so bound the size before collecting.
pub fn tiles_at(size: TreeSize) -> impl Iterator<Item = TileId> {
    (0..=MAX_TILE_LEVEL)
        .map_while(move |level| Some((level, hashes_on_level(level, size))).filter(|(_, n)| *n > 0))
        .flat_map(move |(level, hashes)| {
            (0..hashes.div_ceil(TILE_WIDTH)).filter_map(move |index| TileId::at_size(level, index, size))
        })
}

/// Every entries bundle of the tree of this size, by index.
pub fn bundles_at(size: TreeSize) -> impl Iterator<Item = BundleId> {
    (0..size.get().div_ceil(TILE_WIDTH)).filter_map(move |index| BundleId::at_size(index, size))
}

/// Reads the hashes of `tile`.
///
/// # Errors
///
/// [`TileError`] unless there are exactly as many bytes as its width asks for.
pub fn parse_tile(tile: TileId, bytes: &[u8]) -> Result<Vec<NodeHash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    if !rest.is_empty() || hashes.len() != usize::from(tile.width) {
        return Err(TileError { width: tile.width, got: bytes.len() });
    }
    Ok(hashes.iter().copied().map(NodeHash::from_bytes).collect())
}

/// The bytes of a tile with these hashes.
pub fn print_tile(hashes: &[NodeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The tree node (`node_level`, `node_index`) from the hashes of its tile, [`TileId::of_node`].
/// `None` when the tile lacks a hash it needs. At most 127 hashes.
pub fn node_in_tile(hashes: &[NodeHash], node_level: u8, node_index: u64) -> Option<NodeHash> {
    let (_, height) = split_level(node_level);
    let begin = (node_index << height) % TILE_WIDTH;
    let under = hashes.get(begin as usize..(begin + (1 << height)) as usize)?;
    let mut row = under.to_vec();
    while row.len() > 1 {
        // A power of two to begin with, so pairs always come out even.
        row = row.as_chunks().0.iter().map(|[left, right]| hash_children(left, right)).collect();
    }
    row.pop()
}

/// The entries of one bundle, borrowed from its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRef<'a>(Vec<&'a [u8]>);

impl<'a> BundleRef<'a> {
    /// Reads the entries of `bundle`: each a 16-bit big-endian length and that many bytes.
    ///
    /// # Errors
    ///
    /// [`BundleError`] unless there are exactly as many entries as its width says.
    pub fn parse(bundle: BundleId, mut bytes: &'a [u8]) -> Result<Self, BundleError> {
        let mut entries = Vec::with_capacity(usize::from(bundle.width));
        for entry in 0..bundle.width {
            let (entry_bytes, rest) = split_entry(bytes).ok_or(BundleError::Truncated { entry })?;
            entries.push(entry_bytes);
            bytes = rest;
        }
        if !bytes.is_empty() {
            return Err(BundleError::TrailingBytes { extra: bytes.len() });
        }
        Ok(Self(entries))
    }

    /// The entries in order of their index.
    pub fn entries(&self) -> &[&'a [u8]] {
        &self.0
    }
}

/// Appends one entry to the bytes of a bundle.
///
/// # Errors
///
/// [`BundleError::EntryTooLong`] above [`MAX_ENTRY_BYTES`]; nothing is written then.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong { got: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Tile level and the height above its hashes.
const fn split_level(node_level: u8) -> (u8, u32) {
    (node_level / TILE_HEIGHT as u8, node_level as u32 % TILE_HEIGHT)
}

fn hashes_on_level(level: u8, size: TreeSize) -> u64 {
    size.get().checked_shr(u32::from(level) * TILE_HEIGHT).unwrap_or(0)
}

fn width_at(level: u8, index: u64, size: TreeSize) -> Option<u16> {
    let before = index.checked_mul(TILE_WIDTH)?;
    let width = hashes_on_level(level, size).checked_sub(before)?.min(TILE_WIDTH);
    u16::try_from(width).ok().filter(|width| *width > 0)
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_index_and_width(f, self.index, self.width)
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_index_and_width(f, self.index, self.width)
    }
}

impl fmt::Display for TileResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tile(tile) => tile.fmt(f),
            Self::Entries(bundle) => bundle.fmt(f),
        }
    }
}

/// Groups of three digits, all but the last with an `x`: 1234067 is `x001/x234/067`.
fn write_index_and_width(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    // 2^64 has 20 digits: seven groups.
    for group in (1..7).rev() {
        let above = index / 1000_u64.pow(group);
        if above > 0 {
            write!(f, "x{:03}/", above % 1000)?;
        }
    }
    write!(f, "{:03}", index % 1000)?;
    if u64::from(width) < TILE_WIDTH {
        write!(f, ".p/{width}")?;
    }
    Ok(())
}

impl FromStr for TileResource {
    type Err = TilePathError;

    /// Reads a path under the log's prefix, without a leading slash. Only the one canonical spelling
    /// of each name is accepted.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let rest = path.strip_prefix("tile/").ok_or(TilePathError::NotATile)?;
        let (kind, name) = rest.split_once('/').ok_or(TilePathError::NotATile)?;
        let (index, width) = parse_index_and_width(name)?;
        if kind == "entries" {
            return Ok(Self::Entries(BundleId::new(index, width)?));
        }
        let level = canonical_decimal(kind).ok_or(TilePathError::BadLevel)?;
        let level = u8::try_from(level).map_err(|_| TilePathError::BadLevel)?;
        Ok(Self::Tile(TileId::new(level, index, width)?))
    }
}

fn parse_index_and_width(name: &str) -> Result<(u64, u16), TilePathError> {
    let (index, width) = match name.split_once(".p/") {
        None => (name, TILE_WIDTH as u16),
        Some((index, width)) => {
            let width = canonical_decimal(width).ok_or(TilePathError::BadWidth)?;
            // A full tile is never spelled as a partial one.
            let width = u16::try_from(width).ok().filter(|width| u64::from(*width) < TILE_WIDTH);
            (index, width.ok_or(TilePathError::BadWidth)?)
        }
    };
    Ok((parse_index(index).ok_or(TilePathError::BadIndex)?, width))
}

fn parse_index(name: &str) -> Option<u64> {
    let mut index = 0_u64;
    let mut groups = name.split('/').peekable();
    let mut first = true;
    while let Some(group) = groups.next() {
        let is_last = groups.peek().is_none();
        let digits = if is_last { group } else { group.strip_prefix('x')? };
        let value = three_digits(digits)?;
        // A leading group of zeros would be a second spelling.
        if first && !is_last && value == 0 {
            return None;
        }
        first = false;
        // Overflow ends the loop after seven groups at most.
        index = index.checked_mul(1000)?.checked_add(value)?;
    }
    Some(index)
}

fn three_digits(text: &str) -> Option<u64> {
    (text.len() == 3 && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A decimal of at most three digits without leading zeros or sign.
fn canonical_decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|digit| digit.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}
