//! The record log: append-only segments, one fdatasync per block, nothing else is the truth.
//!
//! A segment is named by the height of its first block. It grows in preallocated steps, so that a full
//! disk refuses a block before a byte of it is written, and is cut to its length when the next one
//! begins. What lies after the last good frame of the last segment is a torn tail if nothing good
//! follows it; anything else is damage, named and never cut off.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    damage::{Damage, Fault, Place},
    disk::{Access, Disk, DiskFile},
    error::StoreError,
    frame::{self, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameHeader, StoredBlock},
};

/// Folder of the segments, below the ledger's.
pub const LOG_DIR: &str = "log";
/// Bytes before the first frame: magic 16, first height u64, CRC-32 of both, 4 zero bytes.
pub const SEGMENT_HEADER_BYTES: u64 = 32;
const SEGMENT_MAGIC: &[u8; 16] = b"oreledger/log/1\n";

/// How the log is cut and grown.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// A segment that would grow beyond this ends. Default 256 MiB.
    pub segment_bytes: u64,
    /// Space reserved ahead, at a time. Default 16 MiB.
    pub preallocate_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 256 << 20, preallocate_bytes: 16 << 20 }
    }
}

/// One file of the log.
#[derive(Debug)]
pub struct Segment {
    /// Height of its first block.
    pub first_height: u64,
    /// Name below the ledger's folder, for messages.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// Where one frame lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameAt {
    /// First height of its segment.
    pub segment: u64,
    /// Byte at which the frame begins.
    pub offset: u64,
    /// Length of its body in bytes.
    pub body_bytes: u32,
}

/// File name of the segment that begins at a height.
#[must_use]
pub fn segment_name(first_height: u64) -> String {
    format!("{first_height:020}.seg")
}

fn segment_header(first_height: u64) -> [u8; SEGMENT_HEADER_BYTES as usize] {
    let mut bytes = [0; SEGMENT_HEADER_BYTES as usize];
    bytes[..16].copy_from_slice(SEGMENT_MAGIC);
    bytes[16..24].copy_from_slice(&first_height.to_be_bytes());
    let crc = crc32fast::hash(&bytes[..24]);
    bytes[24..28].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Opens the segments in order and checks their headers.
///
/// # Errors
/// [`StoreError::Damaged`] when a name or header is not what it must be.
pub fn open_segments(disk: &dyn Disk, dir: &Path, access: Access) -> Result<Vec<Arc<Segment>>, StoreError> {
    let mut heights = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| StoreError::io("list", dir, e))? {
        let name = entry.map_err(|e| StoreError::io("list", dir, e))?.file_name();
        let name = name.to_string_lossy().into_owned();
        let height = name.strip_suffix(".seg").and_then(|stem| stem.parse::<u64>().ok());
        match height {
            Some(height) if name == segment_name(height) => heights.push(height),
            // Left by a crash between creating and naming a segment; nothing in it was acknowledged.
            None if name.ends_with(".new") => {}
            _ => {
                let place = Place { file: format!("{LOG_DIR}/{name}"), ..Place::default() };
                return Err(Damage::new(Fault::Segment, place, "segments named by height", name).into());
            }
        }
    }
    heights.sort_unstable();
    heights.into_iter().map(|height| open_segment(disk, dir, height, access).map(Arc::new)).collect()
}

fn open_segment(
    disk: &dyn Disk,
    dir: &Path,
    first_height: u64,
    access: Access,
) -> Result<Segment, StoreError> {
    let path = dir.join(segment_name(first_height));
    let file = disk.open(&path, access).map_err(|e| StoreError::io("open", &path, e))?;
    let name = format!("{LOG_DIR}/{}", segment_name(first_height));
    let mut header = [0; SEGMENT_HEADER_BYTES as usize];
    let read = file.read_at(&mut header, 0);
    if read.is_err() || header != segment_header(first_height) {
        let place = Place::in_file(&name, 0).at_height(first_height);
        return Err(Damage::new(
            Fault::Segment,
            place,
            "the header of a segment with this first height",
            "another",
        )
        .into());
    }
    Ok(Segment { first_height, name, path, file })
}

/// What a walk through a segment met.
#[derive(Debug)]
pub enum Step {
    /// A good block.
    Block(FrameAt, StoredBlock),
    /// Nothing but zeros, or nothing at all, from this byte on.
    End(u64),
    /// Something that is no good frame.
    Bad(Damage),
}

/// Reads a segment frame by frame through a window of some MiB.
#[derive(Debug)]
pub struct Walk {
    segment: Arc<Segment>,
    size: u64,
    at: u64,
    height: u64,
    window: Bytes,
    window_at: u64,
}

/// Read ahead this much: a few system calls per second of work, and little memory.
const WINDOW_BYTES: u64 = 2 << 20;
/// What a segment holds that nothing was written to yet.
static ZEROS: [u8; 4096] = [0; 4096];

impl Walk {
    /// Begins at a frame of this height.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(segment: Arc<Segment>, at: u64, height: u64) -> Result<Self, StoreError> {
        let size = segment.file.size().map_err(|e| StoreError::io("measure", &segment.path, e))?;
        Ok(Self { segment, size, at, height, window: Bytes::new(), window_at: 0 })
    }

    /// The byte and height that come next.
    #[must_use]
    pub const fn position(&self) -> (u64, u64) {
        (self.at, self.height)
    }

    /// The next frame.
    ///
    /// # Errors
    /// When the file cannot be read; bad bytes are [`Step::Bad`].
    pub fn step(&mut self) -> Result<Step, StoreError> {
        let left = self.size.saturating_sub(self.at);
        if left == 0 {
            return Ok(Step::End(self.at));
        }
        if left < FRAME_HEADER_BYTES as u64 {
            return Ok(match self.rest_is_zero()? {
                true => Step::End(self.at),
                false => self.bad(Fault::TrailingBytes, "a whole frame or nothing", "a few bytes"),
            });
        }
        let head = self.read(self.at, FRAME_HEADER_BYTES as u64)?;
        let Some(header) = FrameHeader::parse(head[..].try_into().expect("read gives what was asked for"))
        else {
            let zero = head.iter().all(|byte| *byte == 0) && self.rest_is_zero()?;
            return Ok(match zero {
                true => Step::End(self.at),
                false => self.bad(Fault::Frame, "a frame header", "other bytes"),
            });
        };
        if header.frame_bytes() > left {
            return Ok(self.bad(
                Fault::Frame,
                format!("at most {left} bytes, the rest of the file"),
                format!("a frame of {}", header.frame_bytes()),
            ));
        }
        if header.height != self.height {
            return Ok(self.bad(
                Fault::Frame,
                format!("height {}", self.height),
                format!("height {}", header.height),
            ));
        }
        self.body(header)
    }

    fn body(&mut self, header: FrameHeader) -> Result<Step, StoreError> {
        let frame = self.read(self.at, header.frame_bytes())?;
        let end = FRAME_HEADER_BYTES + header.length as usize;
        let body = frame.slice(FRAME_HEADER_BYTES..end);
        if !header.covers(&body) {
            return Ok(self.bad(Fault::Frame, "bytes that match the frame's CRC", "others"));
        }
        if frame[end..].iter().any(|byte| *byte != 0) {
            return Ok(self.bad(Fault::TrailingBytes, "zeros up to the next frame", "others"));
        }
        let block = match frame::parse_body(self.height, &body) {
            Ok(block) => block,
            Err(why) => return Ok(self.bad(Fault::Frame, "a body that adds up", why)),
        };
        let at = FrameAt { segment: self.segment.first_height, offset: self.at, body_bytes: header.length };
        self.at += header.frame_bytes();
        self.height += 1;
        Ok(Step::Block(at, block))
    }

    fn bad(&self, fault: Fault, expected: impl Into<String>, found: impl Into<String>) -> Step {
        let place = Place::in_file(&self.segment.name, self.at).at_height(self.height);
        Step::Bad(Damage::new(fault, place, expected, found))
    }

    fn read(&mut self, at: u64, bytes: u64) -> Result<Bytes, StoreError> {
        let end = self.window_at + self.window.len() as u64;
        if at < self.window_at || at + bytes > end {
            let length = bytes.max(WINDOW_BYTES).min(self.size - at);
            let mut window = vec![0; usize::try_from(length).expect("a frame fits memory")];
            self.segment
                .file
                .read_at(&mut window, at)
                .map_err(|e| StoreError::io("read", &self.segment.path, e))?;
            self.window = Bytes::from(window);
            self.window_at = at;
        }
        let from = (at - self.window_at) as usize;
        Ok(self.window.slice(from..from + bytes as usize))
    }

    /// Whether only zeros follow.
    fn rest_is_zero(&mut self) -> Result<bool, StoreError> {
        let mut at = self.at;
        while at < self.size {
            let length = WINDOW_BYTES.min(self.size - at);
            // Compared in pieces, as memory: a segment has tens of megabytes laid out ahead.
            if self.read(at, length)?.chunks(ZEROS.len()).any(|piece| *piece != ZEROS[..piece.len()]) {
                return Ok(false);
            }
            at += length;
        }
        Ok(true)
    }

    /// Whether some good frame lies after the present place: then what is here is no torn tail.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn frame_follows(&mut self) -> Result<bool, StoreError> {
        let mut at = self.at + FRAME_ALIGNMENT;
        while at + FRAME_HEADER_BYTES as u64 <= self.size {
            let head = self.read(at, FRAME_HEADER_BYTES as u64)?;
            let header = FrameHeader::parse(head[..].try_into().expect("read gives what was asked for"));
            if let Some(header) = header
                && header.height > self.height
                && at + header.frame_bytes() <= self.size
            {
                let frame = self.read(at, FRAME_HEADER_BYTES as u64 + u64::from(header.length))?;
                if header.covers(&frame[FRAME_HEADER_BYTES..]) {
                    return Ok(true);
                }
            }
            at += FRAME_ALIGNMENT;
        }
        Ok(false)
    }
}

/// Where a walk through the log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Place in the list of segments.
    pub segment: usize,
    /// Byte of the first frame.
    pub offset: u64,
    /// Its height.
    pub height: u64,
}

impl Start {
    /// The first block of all.
    pub const GENESIS: Self = Self { segment: 0, offset: SEGMENT_HEADER_BYTES, height: 0 };
}

/// How a walk through the log ended.
#[derive(Debug)]
pub enum LogEnd {
    /// At the end of the last segment.
    End {
        /// Byte after the last good frame.
        offset: u64,
        /// What follows it, if it is not nothing; with whether a good frame lies further on.
        tail: Option<(Damage, bool)>,
    },
    /// At damage before the tail.
    Damaged(Damage),
    /// The visitor had seen enough.
    Stopped,
}

/// Walks through all segments from `start`; the visitor says whether to go on.
///
/// # Errors
/// When a file cannot be read.
pub fn walk_log(
    segments: &[Arc<Segment>],
    start: Start,
    mut visit: impl FnMut(FrameAt, StoredBlock, &Arc<Segment>) -> bool,
) -> Result<LogEnd, StoreError> {
    let (mut offset, mut height) = (start.offset, start.height);
    for (at, segment) in segments.iter().enumerate().skip(start.segment) {
        if segment.first_height != height && (at > start.segment || offset == SEGMENT_HEADER_BYTES) {
            let place = Place::in_file(&segment.name, 0).at_height(height);
            let found = format!("one that begins at {}", segment.first_height);
            let expected = format!("a segment that begins at height {height}");
            return Ok(LogEnd::Damaged(Damage::new(Fault::Segment, place, expected, found)));
        }
        let mut walk = Walk::new(Arc::clone(segment), offset, height)?;
        let last = at + 1 == segments.len();
        loop {
            match walk.step()? {
                Step::Block(frame, block) => {
                    if !visit(frame, block, segment) {
                        return Ok(LogEnd::Stopped);
                    }
                }
                Step::End(offset) if last => return Ok(LogEnd::End { offset, tail: None }),
                Step::Bad(damage) if last => {
                    let follows = walk.frame_follows()?;
                    return Ok(LogEnd::End { offset: walk.position().0, tail: Some((damage, follows)) });
                }
                Step::Bad(damage) => return Ok(LogEnd::Damaged(damage)),
                Step::End(end) if end == walk.size => break,
                Step::End(end) => {
                    let place = Place::in_file(&segment.name, end).at_height(walk.height);
                    let (expected, found) = (format!("its end at {end}"), format!("{} bytes", walk.size));
                    return Ok(LogEnd::Damaged(Damage::new(Fault::TrailingBytes, place, expected, found)));
                }
            }
        }
        height = walk.height;
        offset = SEGMENT_HEADER_BYTES;
    }
    Ok(LogEnd::End { offset, tail: None })
}

/// Reads one block.
///
/// # Errors
/// [`StoreError::Damaged`] when the frame there is no longer what was written.
pub fn read_block(segment: &Segment, at: FrameAt, height: u64) -> Result<StoredBlock, StoreError> {
    let mut frame = vec![0; FRAME_HEADER_BYTES + at.body_bytes as usize];
    segment
        .file
        .read_at(&mut frame, at.offset)
        .map_err(|e| StoreError::io("read a block from", &segment.path, e))?;
    let damaged = |found: &str| {
        let place = Place::in_file(&segment.name, at.offset).at_height(height);
        StoreError::from(Damage::new(Fault::Frame, place, "the block that was written there", found))
    };
    let head = frame[..FRAME_HEADER_BYTES].try_into().expect("sliced to its length");
    let header = FrameHeader::parse(head).ok_or_else(|| damaged("no frame header"))?;
    let body = Bytes::from(frame).slice(FRAME_HEADER_BYTES..);
    if header.height != height || !header.covers(&body) {
        return Err(damaged("other bytes"));
    }
    frame::parse_body(height, &body).map_err(damaged)
}

/// What the writer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    /// A write failed: cut off what it may have left, then go on.
    Repair,
    /// A sync failed: the page cache may claim what the medium does not hold.
    Stopped(&'static str),
}

/// The one writer of the log.
#[derive(Debug)]
pub struct LogWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    options: LogOptions,
    active: Option<Arc<Segment>>,
    end: u64,
    allocated: u64,
    can_allocate: bool,
    condition: Condition,
    buffer: Vec<u8>,
}

impl LogWriter {
    /// Continues after the last good frame. Cuts off what follows it, and writes that frame once more:
    /// after a failed sync the page cache may show bytes that the medium never got.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn resume(
        disk: Arc<dyn Disk>,
        dir: PathBuf,
        options: LogOptions,
        active: Option<Arc<Segment>>,
        end: u64,
        last: Option<FrameAt>,
    ) -> Result<Self, StoreError> {
        if let Some(segment) = &active {
            let fail = |e| StoreError::io("settle the end of", &segment.path, e);
            let size = segment.file.size().map_err(fail)?;
            if size > end {
                segment.file.set_len(end).map_err(fail)?;
            }
            if let Some(last) = last.filter(|last| last.segment == segment.first_height) {
                let mut bytes = vec![0; usize::try_from(end - last.offset).expect("a frame fits memory")];
                segment.file.read_at(&mut bytes, last.offset).map_err(fail)?;
                segment.file.write_at(&bytes, last.offset).map_err(fail)?;
            }
            segment.file.sync_data().map_err(fail)?;
        }
        Ok(Self {
            disk,
            dir,
            options,
            active,
            end,
            allocated: end,
            can_allocate: true,
            condition: Condition::Ready,
            buffer: Vec::new(),
        })
    }

    /// Appends one block; it is durable when this returns. One fdatasync, and three more with a rename
    /// when a segment begins.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::Io`]: the block is not in the log and may be appended again.
    /// [`StoreError::Stopped`] and every error of the final sync: the log must be opened again to see.
    pub fn append(
        &mut self,
        height: u64,
        header: &[u8],
        certificate: &[u8],
        entries: &[Bytes],
    ) -> Result<(FrameAt, Arc<Segment>), StoreError> {
        self.settle()?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let encoded = frame::encode(&mut buffer, height, header, certificate, entries);
        let result = match encoded {
            Some(()) => self.write(height, &buffer),
            None => Err(StoreError::DoesNotFit { height, why: "it is longer than a frame may be".into() }),
        };
        self.buffer = buffer;
        result
    }

    fn write(&mut self, height: u64, frame: &[u8]) -> Result<(FrameAt, Arc<Segment>), StoreError> {
        let bytes = frame.len() as u64;
        let segment = match &self.active {
            Some(active)
                if self.end == SEGMENT_HEADER_BYTES || self.end + bytes <= self.options.segment_bytes =>
            {
                Arc::clone(active)
            }
            _ => self.begin_segment(height)?,
        };
        self.reserve(&segment, bytes)?;
        let offset = self.end;
        if let Err(error) = segment.file.write_at(frame, offset) {
            self.condition = Condition::Repair;
            return Err(StoreError::io("append a block to", &segment.path, error));
        }
        if let Err(error) = segment.file.sync_data() {
            self.condition = Condition::Stopped("fdatasync of the log");
            // Said as it is, even when the cause is a full disk: what the medium holds is unknown.
            return Err(StoreError::Io { doing: "sync", path: segment.path.clone(), source: error });
        }
        self.end += bytes;
        let length = u32::from_be_bytes(frame[..4].try_into().expect("a frame begins with its length"));
        Ok((FrameAt { segment: segment.first_height, offset, body_bytes: length }, segment))
    }

    /// Cuts off what a failed write may have left.
    fn settle(&mut self) -> Result<(), StoreError> {
        match self.condition {
            Condition::Ready => return Ok(()),
            Condition::Stopped(after) => return Err(StoreError::Stopped { after }),
            Condition::Repair => {}
        }
        if let Some(segment) = &self.active {
            let fail = |e| StoreError::io("cut a failed write off", &segment.path, e);
            segment.file.set_len(self.end).map_err(fail)?;
            self.allocated = self.end;
            segment.file.sync_data().map_err(fail)?;
        }
        self.condition = Condition::Ready;
        Ok(())
    }

    /// Reserves space for the next frame, so that writing it cannot run out.
    fn reserve(&mut self, segment: &Segment, bytes: u64) -> Result<(), StoreError> {
        if !self.can_allocate || self.allocated >= self.end + bytes {
            return Ok(());
        }
        let step = self.options.preallocate_bytes.max(bytes);
        let most = self.options.segment_bytes.max(self.end + bytes);
        let target = (self.end + step).min(most);
        match segment.file.allocate(self.end, target - self.end) {
            Ok(()) => self.allocated = target,
            Err(error) if crate::disk::is_full(&error) => {
                // A nearly full disk: just what is needed now. ext4 keeps what a refused reservation got, which would
                // be all that was left for promise, checkpoint and view: it is given back first.
                let fail = |e| StoreError::io("reserve space in", &segment.path, e);
                segment.file.set_len(self.end).map_err(fail)?;
                self.allocated = self.end;
                if target == self.end + bytes {
                    return Err(fail(error));
                }
                if let Err(error) = segment.file.allocate(self.end, bytes) {
                    segment.file.set_len(self.end).map_err(fail)?;
                    return Err(fail(error));
                }
                self.allocated = self.end + bytes;
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::Unsupported) => {
                self.can_allocate = false;
            }
            Err(error) => return Err(StoreError::io("reserve space in", &segment.path, error)),
        }
        Ok(())
    }

    /// Ends the active segment and begins the next. Can be repeated after any failure.
    fn begin_segment(&mut self, height: u64) -> Result<Arc<Segment>, StoreError> {
        if let Some(active) = &self.active {
            let fail = |e| StoreError::io("end", &active.path, e);
            active.file.set_len(self.end).map_err(fail)?;
            self.allocated = self.end;
            active.file.sync_data().map_err(fail)?;
        }
        let path = self.dir.join(segment_name(height));
        let beside = path.with_extension("new");
        let fail = |e| StoreError::io("begin", &path, e);
        let file = self.disk.open(&beside, Access::Create).map_err(fail)?;
        file.write_at(&segment_header(height), 0).map_err(fail)?;
        file.sync_data().map_err(fail)?;
        self.disk.rename(&beside, &path).map_err(fail)?;
        self.disk.sync_dir(&self.dir).map_err(fail)?;
        let name = format!("{LOG_DIR}/{}", segment_name(height));
        let segment = Arc::new(Segment { first_height: height, name, path, file });
        self.active = Some(Arc::clone(&segment));
        self.end = SEGMENT_HEADER_BYTES;
        self.allocated = SEGMENT_HEADER_BYTES;
        Ok(segment)
    }
}
