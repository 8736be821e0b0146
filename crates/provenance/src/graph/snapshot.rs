//! Snapshots: the arrays as bytes, so that a store need not replay the ledger.
//!
//! ```text
//! "oreledger/lot-graph" || u32 version || seven u32 counts || sections || SHA-256 of all before
//! ```
//!
//! All numbers are little-endian. Only what cannot be derived is written: links,
//! masses taken and makers are computed again, so no byte can make them disagree.
//! Every index is checked before it is used; the digest finds accidents, not forgers. It is known last, yet told
//! first: where a byte changed, a row that is impossible is no writer's fault.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::append::HEAVIEST;
use super::{
    Content12, ContentRow, EdgeRow, Graph, Leaf, LotRow, NONE, OriginRow, Revision, StepClass, StepRow, Void,
};
use crate::types::{ContentKind, Mixing, Origin, Route, SourceId, SourceKind};

const MAGIC: &[u8] = b"oreledger/lot-graph";
const VERSION: u32 = 1;
const DIGEST: usize = 32;

/// Bytes of one row, in the order of the sections.
const ORIGIN: usize = 4 + 2 + 1 + 2 + 1;
const CONTENT: usize = 4 + 4 + 1 + 1 + 1;
const STEP: usize = 8 + 4 + 4 + 4 + 1 + 1;
const LOT: usize = 8 + 4;
const EDGE: usize = 8 + 4 + 4;
const REVISION: usize = 8 + 4 + 4 + 8;
const VOID: usize = 8 + 4;

/// Why bytes are not a snapshot of a lot graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Another kind of file.
    #[error("not a lot graph: it does not start with the magic words")]
    NotASnapshot,
    /// Written by a newer or older program.
    #[error("lot graph of version {found}, this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// Counts and length do not agree.
    #[error("lot graph of {length} bytes, its counts ask for {wanted}")]
    Length {
        /// Bytes given.
        length: u64,
        /// Bytes that the counts ask for.
        wanted: u64,
    },
    /// Some byte changed.
    #[error("lot graph does not match its SHA-256")]
    Digest,
    /// The bytes ended, or could not be read.
    #[error("the bytes of the lot graph cannot be read")]
    Unreadable,
    /// The digest fits, yet a row contradicts another: written by a faulty program.
    #[error("row {row} of the {section} in the lot graph is impossible")]
    Row {
        /// Which section.
        section: &'static str,
        /// Which row.
        row: u32,
    },
}

impl Graph {
    /// The graph as bytes; see the module's head for the layout.
    #[must_use]
    pub fn export(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes_in_use() + 128);
        out.extend_from_slice(MAGIC);
        put(&mut out, VERSION);
        for count in self.counts() {
            put(&mut out, count as u32);
        }
        for OriginRow { origin, kind } in &self.origins {
            put(&mut out, origin.source.0);
            out.extend_from_slice(&origin.country);
            out.push(origin.route as u8);
            out.extend_from_slice(&origin.generation.to_le_bytes());
            out.push(*kind as u8);
        }
        for row in &self.contents {
            put(&mut out, row.content.ppb);
            put(&mut out, row.content.uncertainty);
            out.extend_from_slice(&[row.content.kind as u8, row.element, u8::from(row.last)]);
        }
        for row in &self.steps {
            put_long(&mut out, row.leaf.get());
            put(&mut out, row.first_lot);
            put(&mut out, row.first_edge);
            put(&mut out, row.origin);
            out.extend_from_slice(&[row.class as u8, row.mixing as u8]);
        }
        for row in &self.lots {
            put_long(&mut out, row.dry_mg);
            put(&mut out, row.composition);
        }
        for row in &self.edges {
            put_long(&mut out, row.dry_mg);
            put(&mut out, row.lot);
            put(&mut out, row.composition);
        }
        for row in &self.revisions {
            put_long(&mut out, row.leaf.get());
            put(&mut out, row.lot);
            put(&mut out, row.composition_before);
            put_long(&mut out, row.dry_mg_before);
        }
        for row in &self.voids {
            put_long(&mut out, row.leaf.get());
            put(&mut out, row.step);
        }
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
        out
    }

    /// Reads what [`Graph::export`] wrote.
    ///
    /// # Errors
    /// Anything that the graph itself could not have written; arbitrary bytes do no harm.
    pub fn import(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut rest = bytes;
        Self::import_from(bytes.len() as u64, &mut |into| {
            let Some((head, tail)) = rest.split_at_checked(into.len()) else { return false };
            into.copy_from_slice(head);
            rest = tail;
            true
        })
    }

    /// The same of `length` bytes that come piece by piece, so that they need not lie in memory beside the graph.
    /// `read` fills what it is given with the bytes that come next, or says that it cannot.
    ///
    /// # Errors
    /// As [`Graph::import`]; [`SnapshotError::Unreadable`].
    pub fn import_from(length: u64, read: &mut dyn FnMut(&mut [u8]) -> bool) -> Result<Self, SnapshotError> {
        let mut rows = Pieces::new(length, read);
        let counts = rows.frame()?;
        let mut graph = Self::default();
        let sound = graph.read_rows(&mut rows, counts);
        rows.check_digest()?;
        sound?;
        graph.check_masses()?;
        Ok(graph)
    }

    fn read_rows(&mut self, rows: &mut Pieces<'_>, counts: [u32; 7]) -> Result<(), SnapshotError> {
        let [origins, contents, steps, lots, edges, revisions, voids] = counts;
        self.reserve(counts);
        self.read_origins(rows, origins)?;
        self.read_contents(rows, contents)?;
        self.read_steps(rows, steps, lots, edges)?;
        self.read_lots(rows, lots)?;
        self.read_edges(rows, edges)?;
        self.read_revisions(rows, revisions)?;
        self.read_voids(rows, voids)
    }

    /// Room at once, for no more rows than there are bytes to read: a growing array leaves its smaller selves behind, and
    /// the allocator keeps them.
    fn reserve(&mut self, counts: [u32; 7]) {
        let [origins, contents, steps, lots, edges, revisions, voids] = counts.map(|count| count as usize);
        self.origins.reserve_exact(origins);
        self.contents.reserve_exact(contents);
        self.steps.reserve_exact(steps);
        self.lots.reserve_exact(lots);
        self.maker.reserve_exact(lots);
        self.revised.reserve_exact(lots);
        self.edges.reserve_exact(edges);
        self.revisions.reserve_exact(revisions);
        self.voids.reserve_exact(voids);
    }

    fn counts(&self) -> [usize; 7] {
        [
            self.origins.len(),
            self.contents.len(),
            self.steps.len(),
            self.lots.len(),
            self.edges.len(),
            self.revisions.len(),
            self.voids.len(),
        ]
    }

    fn read_origins(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "origins", row };
            let mut field = rows.take(ORIGIN);
            let source = SourceId(field.word());
            let country = [field.byte(), field.byte()];
            let route = match field.byte() {
                0 => Route::Primary,
                1 => Route::PreConsumer,
                2 => Route::PostConsumer,
                _ => return Err(impossible),
            };
            let generation = u16::from_le_bytes([field.byte(), field.byte()]);
            let kind = match field.byte() {
                0 => SourceKind::Mine,
                1 => SourceKind::DeclaredUnknown,
                2 => SourceKind::ScrapCollection,
                _ => return Err(impossible),
            };
            let origin = OriginRow { origin: Origin { source, country, route, generation }, kind };
            if self.origin_index.insert(origin, row).is_some() {
                return Err(impossible);
            }
            self.origins.push(origin);
        }
        Ok(())
    }

    fn read_contents(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        let mut before: Option<u8> = None;
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "contents", row };
            let mut field = rows.take(CONTENT);
            let (ppb, uncertainty) = (field.word(), field.word());
            let kind = match field.byte() {
                0 => ContentKind::Measured,
                1 => ContentKind::Declared,
                2 => ContentKind::BelowDetection,
                _ => return Err(impossible),
            };
            let (element, last) = (field.byte(), field.byte());
            // Element 0 stands for "nothing stated" and is alone in its composition.
            let alone = before.is_none() && last == 1;
            if last > 1
                || element > HEAVIEST
                || element == 0 && !alone
                || before.is_some_and(|it| it >= element)
            {
                return Err(impossible);
            }
            before = (last == 0).then_some(element);
            let content = Content12 { ppb, uncertainty, kind };
            self.contents.push(ContentRow { content, element, last: last == 1 });
        }
        match before {
            Some(_) => Err(SnapshotError::Row { section: "contents", row: count }),
            None => Ok(()),
        }
    }

    fn read_steps(
        &mut self,
        rows: &mut Pieces<'_>,
        count: u32,
        lots: u32,
        edges: u32,
    ) -> Result<(), SnapshotError> {
        let mut before = StepRow {
            leaf: Leaf::default(),
            first_lot: 0,
            first_edge: 0,
            origin: NONE,
            class: StepClass::Leave,
            mixing: Mixing::Homogenised,
            void: false,
        };
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "steps", row };
            let mut field = rows.take(STEP);
            let leaf = field.leaf().ok_or(impossible)?;
            let (first_lot, first_edge, origin) = (field.word(), field.word(), field.word());
            let class = class(field.byte()).ok_or(impossible)?;
            let mixing = match field.byte() {
                0 => Mixing::Homogenised,
                1 => Mixing::NotHomogenised,
                2 => Mixing::Segregated,
                _ => return Err(impossible),
            };
            let first = row == 0 && (first_lot, first_edge) != (0, 0);
            let backwards =
                leaf < before.leaf || first_lot < before.first_lot || first_edge < before.first_edge;
            let odd_before = row > 0 && !is_possible(&before, first_lot, first_edge);
            let known = if class == StepClass::Source {
                (origin as usize) < self.origins.len()
            } else {
                origin == NONE
            };
            if first || backwards || odd_before || !known || first_lot > lots || first_edge > edges {
                return Err(impossible);
            }
            before = StepRow { leaf, first_lot, first_edge, origin, class, mixing, void: false };
            self.steps.push(before);
        }
        let odd_end = match self.steps.last() {
            None => lots > 0 || edges > 0,
            Some(last) => !is_possible(last, lots, edges),
        };
        if odd_end {
            return Err(SnapshotError::Row { section: "steps", row: count });
        }
        Ok(())
    }

    fn read_lots(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        let mut step = 0usize;
        for row in 0..count {
            let mut field = rows.take(LOT);
            let dry_mg = field.long();
            let composition = self.composition_at(field.word(), "lots", row)?;
            // The last step that starts at or before this lot made it.
            while self.steps.get(step + 1).is_some_and(|next| next.first_lot <= row) {
                step += 1;
            }
            self.maker.push(step as u32);
            self.revised.push(NONE);
            self.lots.push(LotRow { dry_mg, taken_mg: 0, composition, newest_use: NONE });
        }
        Ok(())
    }

    fn read_edges(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        let mut step = 0usize;
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "parts", row };
            let mut field = rows.take(EDGE);
            let (dry_mg, lot) = (field.long(), field.word());
            let composition = self.composition_at(field.word(), "parts", row)?;
            while self.steps.get(step + 1).is_some_and(|next| next.first_edge <= row) {
                step += 1;
            }
            // Inputs are older than outputs: the graph has no cycle.
            if self.steps.get(step).is_none_or(|taker| lot >= taker.first_lot) {
                return Err(impossible);
            }
            let older_use = core::mem::replace(&mut self.lots[lot as usize].newest_use, row);
            if older_use != NONE {
                self.share(lot);
            }
            self.edges.push(EdgeRow { dry_mg, lot, composition, older_use, step: step as u32 });
        }
        Ok(())
    }

    fn read_revisions(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        let mut newest = Leaf::default();
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "revisions", row };
            let mut field = rows.take(REVISION);
            let (leaf, lot) = (field.leaf().ok_or(impossible)?, field.word());
            let composition_before = self.composition_at(field.word(), "revisions", row)?;
            let dry_mg_before = field.long();
            let too_early =
                self.maker.get(lot as usize).is_none_or(|step| self.steps[*step as usize].leaf > leaf);
            if leaf < newest || too_early {
                return Err(impossible);
            }
            newest = leaf;
            let older = core::mem::replace(&mut self.revised[lot as usize], row);
            self.revisions.push(Revision { leaf, lot, composition_before, dry_mg_before, older });
        }
        Ok(())
    }

    fn read_voids(&mut self, rows: &mut Pieces<'_>, count: u32) -> Result<(), SnapshotError> {
        let mut newest = Leaf::default();
        for row in 0..count {
            let impossible = SnapshotError::Row { section: "voids", row };
            let mut field = rows.take(VOID);
            let (leaf, step) = (field.leaf().ok_or(impossible)?, field.word());
            let standing = self.steps.get(step as usize).is_some_and(|it| !it.void && it.leaf <= leaf);
            if leaf < newest || !standing {
                return Err(impossible);
            }
            newest = leaf;
            self.voids.push(Void { leaf, step });
            self.voided.insert(step, leaf);
            self.set_void(step as usize, true);
        }
        Ok(())
    }

    /// Nothing takes more than there is, and nothing standing takes from what was withdrawn. What was taken is summed
    /// here, where it is known which steps stand: with those that were withdrawn the sum may have no room.
    fn check_masses(&mut self) -> Result<(), SnapshotError> {
        for (row, edge) in self.edges.iter().enumerate() {
            if !self.steps[edge.step as usize].void {
                let taken = &mut self.lots[edge.lot as usize].taken_mg;
                let impossible = SnapshotError::Row { section: "parts", row: row as u32 };
                *taken = taken.checked_add(edge.dry_mg).ok_or(impossible)?;
            }
        }
        for (row, lot) in self.lots.iter().enumerate() {
            if lot.taken_mg > lot.dry_mg {
                return Err(SnapshotError::Row { section: "lots", row: row as u32 });
            }
        }
        for (row, edge) in self.edges.iter().enumerate() {
            let maker = self.maker[edge.lot as usize];
            if self.steps[maker as usize].void && !self.steps[edge.step as usize].void {
                return Err(SnapshotError::Row { section: "parts", row: row as u32 });
            }
        }
        Ok(())
    }

    /// An offset that is the start of a composition.
    fn composition_at(&self, start: u32, section: &'static str, row: u32) -> Result<u32, SnapshotError> {
        let index = start as usize;
        let starts = index < self.contents.len() && (index == 0 || self.contents[index - 1].last);
        if starts { Ok(start) } else { Err(SnapshotError::Row { section, row }) }
    }
}

/// Whether a step may end where the next one starts: a source has one lot and no parts, any other
/// step has parts if it has lots.
fn is_possible(step: &StepRow, next_lot: u32, next_edge: u32) -> bool {
    let lots = next_lot.checked_sub(step.first_lot);
    let edges = next_edge.checked_sub(step.first_edge);
    match (step.class, lots, edges) {
        (StepClass::Source, lots, edges) => (lots, edges) == (Some(1), Some(0)),
        (_, Some(lots), Some(edges)) => lots == 0 || edges > 0,
        _ => false,
    }
}

fn class(byte: u8) -> Option<StepClass> {
    Some(match byte {
        0 => StepClass::Source,
        1 => StepClass::Transform,
        2 => StepClass::Split,
        3 => StepClass::RunAround,
        4 => StepClass::RecyclePre,
        5 => StepClass::RecyclePost,
        6 => StepClass::Leave,
        _ => return None,
    })
}

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_long(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Bytes of one piece.
const PIECE: usize = 1 << 18;

/// The content of a snapshot in the order of its bytes, hashed as it comes. What was read in vain is zeros, which is
/// told before anything that they may mean.
struct Pieces<'a> {
    read: &'a mut dyn FnMut(&mut [u8]) -> bool,
    /// Bytes of content that were not read yet.
    left: u64,
    piece: Vec<u8>,
    /// Where in `piece` it goes on.
    from: usize,
    digest: Sha256,
    failed: bool,
}

impl<'a> Pieces<'a> {
    fn new(length: u64, read: &'a mut dyn FnMut(&mut [u8]) -> bool) -> Self {
        let left = length.saturating_sub(DIGEST as u64);
        Self { read, left, piece: Vec::new(), from: 0, digest: Sha256::new(), failed: false }
    }

    /// Magic words, version and counts, which the length must fit.
    fn frame(&mut self) -> Result<[u32; 7], SnapshotError> {
        const HEAD: usize = MAGIC.len() + 4 + 7 * 4;
        let left = self.left;
        self.refill();
        if self.failed {
            return Err(SnapshotError::Unreadable);
        }
        let mut head = self.take(HEAD);
        if left < HEAD as u64 || head.rest.strip_prefix(MAGIC).is_none() {
            return Err(SnapshotError::NotASnapshot);
        }
        head.rest = &head.rest[MAGIC.len()..];
        let found = head.word();
        if found != VERSION {
            return Err(SnapshotError::Version { found });
        }
        let counts: [u32; 7] = core::array::from_fn(|_| head.word());
        let sizes = [ORIGIN, CONTENT, STEP, LOT, EDGE, REVISION, VOID];
        // Seven products below 2^37: no overflow.
        let body: u64 = counts.iter().zip(sizes).map(|(count, size)| u64::from(*count) * size as u64).sum();
        let (length, wanted) = (left - HEAD as u64 + DIGEST as u64, body + DIGEST as u64);
        if length != wanted || counts.contains(&NONE) {
            return Err(SnapshotError::Length { length, wanted });
        }
        Ok(counts)
    }

    /// The next row.
    fn take(&mut self, length: usize) -> Rows<'_> {
        if self.piece.len() - self.from < length {
            self.refill();
        }
        let begin = self.from;
        self.from = (begin + length).min(self.piece.len());
        Rows { rest: &self.piece[begin..self.from] }
    }

    fn refill(&mut self) {
        self.piece.drain(..self.from);
        self.from = 0;
        let kept = self.piece.len();
        let more = self.left.min(PIECE as u64);
        self.left -= more;
        self.piece.resize(kept + more as usize, 0);
        self.failed |= !(self.read)(&mut self.piece[kept..]);
        self.digest.update(&self.piece[kept..]);
    }

    /// After the last row, or one that is impossible: what is left is read for the digest only.
    fn check_digest(mut self) -> Result<(), SnapshotError> {
        while self.left > 0 && !self.failed {
            self.from = self.piece.len();
            self.refill();
        }
        let mut digest = [0; DIGEST];
        if self.failed || !(self.read)(&mut digest) {
            return Err(SnapshotError::Unreadable);
        }
        if self.digest.finalize()[..] != digest { Err(SnapshotError::Digest) } else { Ok(()) }
    }
}

/// Reads fields; past the end it reads zeros, which the length check has ruled out.
struct Rows<'a> {
    rest: &'a [u8],
}

impl Rows<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk::<N>() {
            Some((chunk, rest)) => {
                self.rest = rest;
                *chunk
            }
            None => [0; N],
        }
    }

    fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn leaf(&mut self) -> Option<Leaf> {
        Leaf::new(self.long())
    }
}
