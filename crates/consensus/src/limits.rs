//! Upper bounds of everything that another member can make us hold.

/// Largest block body, bytes.
pub const BLOCK_BYTES: usize = 2 * 1024 * 1024;
/// Longest member id or origin, bytes.
pub const NAME_BYTES: usize = 255;
/// Most members of a validator set.
pub const MEMBERS: usize = 256;
/// Largest frame of votes and proposals: two names, ids, a signature.
pub const CONSENSUS_FRAME_BYTES: usize = 2 * 1024;
/// Largest frame of certificates of votes: 256 members of at most 400 bytes each.
pub const LIVENESS_FRAME_BYTES: usize = 128 * 1024;
/// Largest frame with a block body.
pub const BODY_FRAME_BYTES: usize = BLOCK_BYTES + 4 * 1024;
/// Largest status frame.
pub const STATUS_FRAME_BYTES: usize = 64;
/// Largest catch-up request.
pub const REQUEST_BYTES: usize = 64;
/// Largest catch-up response: a few blocks, under the 16 MiB of a gRPC message.
pub const RESPONSE_BYTES: usize = 12 * 1024 * 1024;
/// Most blocks in one catch-up response.
pub const BLOCKS_PER_RESPONSE: usize = 64;
/// Frames from one peer within a second; above it they are dropped. 7 members at 100 blocks/s send each other 200.
pub const FRAMES_PER_SECOND: u32 = 4_000;
/// Bytes of frames from one peer within a second; above it they are dropped.
pub const FRAME_BYTES_PER_SECOND: u64 = 128 * 1024 * 1024;
/// Bodies of the current height that are kept although not decided. Rounds follow each other only while a
/// quorum is there, and each waits longer: the 64th waits half a minute.
pub const UNDECIDED_BLOCKS: usize = 64;
/// Bodies of one round that are looked at: its proposer's, and a second one as evidence.
pub const BODIES_PER_ROUND: usize = 2;
/// How many rounds ahead of ours a body may be; the engine looks as far with votes.
pub const ROUNDS_AHEAD: u32 = 10;
/// Block bodies for heights or rounds that have not begun here.
pub const EARLY_BODIES: usize = 8;
