//! The head of a segment file, version 1. It is written twice, so that one bad page does not take it.
//!
//! ```text
//! at   bytes
//!  0   8     magic
//!  8   4     CRC32C of what follows, up to `length`
//! 12   2     version
//! 14   2     zero
//! 16   4     length
//! 20   4     number of streams
//! 24   8     base: the offset of the first event
//! 32   8     created at, µs
//! 40   8     the latest `received_at` of all events before, µs; the least number where there are none
//! 48   16    id of the log
//! 64   …     for each stream: events accepted before (8), length of the name (1), the name
//! ```
//!
//! A copy takes [`COPY_BYTES`], or twice that and so on until it fits; the second copy follows, then the blocks.

use std::collections::BTreeMap;

use weir_core::event::Stream;
use weir_core::time::Timestamp;

use super::disk::{DiskFile, read_full};

/// The newest version of the format, and the one that is written.
pub const VERSION: u16 = 1;
const MAGIC: [u8; 8] = *b"\xF5weirsg\xFF";
const FIXED_BYTES: usize = 64;
/// The least that a copy of the header takes.
pub(super) const COPY_BYTES: usize = 4096;
/// More streams than this could name are not believed.
const COPY_MAX_BYTES: usize = 16 << 20;

/// What a segment file says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub base: u64,
    pub created_at: Timestamp,
    pub received_max: Option<Timestamp>,
    pub log_id: [u8; 16],
    /// Events accepted before the segment, by stream.
    pub accepted: BTreeMap<Stream, u64>,
}

/// What was found at the head of a file.
#[derive(Debug)]
pub(super) enum Head {
    /// The header, and where the blocks begin. `mended` where only the second copy was good.
    Good { header: SegmentHeader, blocks_at: u64, mended: bool },
    /// A version that is not known here.
    Foreign(u16),
    /// Neither copy is good.
    Lost,
}

impl SegmentHeader {
    /// Both copies, as they stand in the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * COPY_BYTES);
        bytes.extend(MAGIC);
        bytes.extend([0; 4]);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend((self.accepted.len() as u32).to_le_bytes());
        bytes.extend(self.base.to_le_bytes());
        bytes.extend(self.created_at.as_micros().to_le_bytes());
        bytes.extend(self.received_max.map_or(i64::MIN, Timestamp::as_micros).to_le_bytes());
        bytes.extend(self.log_id);
        for (stream, count) in &self.accepted {
            bytes.extend(count.to_le_bytes());
            bytes.push(stream.as_str().len() as u8);
            bytes.extend(stream.as_str().as_bytes());
        }
        let length = bytes.len();
        bytes[16..20].copy_from_slice(&(length as u32).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        bytes.resize(copy_bytes(length), 0);
        bytes.extend_from_within(..);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let moment = |at: usize| Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let received_max = moment(40)?;
        let mut header = Self {
            base: moment(24)? as u64,
            created_at: Timestamp::from_micros(moment(32)?),
            received_max: (received_max != i64::MIN).then(|| Timestamp::from_micros(received_max)),
            log_id: bytes.get(48..64)?.try_into().ok()?,
            accepted: BTreeMap::new(),
        };
        let mut at = FIXED_BYTES;
        for _ in 0..u32_at(bytes, 20)? {
            let count = moment(at)? as u64;
            let name_at = at + 9;
            at = name_at + usize::from(*bytes.get(at + 8)?);
            let name = std::str::from_utf8(bytes.get(name_at..at)?).ok()?;
            header.accepted.insert(Stream::new(name)?, count);
        }
        Some(header)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn copy_bytes(length: usize) -> usize {
    length.next_power_of_two().max(COPY_BYTES)
}

/// Reads the header from whichever copy is good.
pub(super) fn read_head(file: &dyn DiskFile) -> std::io::Result<Head> {
    let mut foreign = None;
    let mut at = 0;
    while at <= COPY_MAX_BYTES {
        match read_copy(file, at)? {
            Some(Copy::Known(header, size)) if at == 0 || at == size => {
                return Ok(Head::Good { header, blocks_at: 2 * size as u64, mended: at != 0 });
            }
            Some(Copy::Foreign(version)) => foreign = foreign.or(Some(version)),
            _ => {}
        }
        at = (2 * at).max(COPY_BYTES);
    }
    Ok(foreign.map_or(Head::Lost, Head::Foreign))
}

enum Copy {
    Known(SegmentHeader, usize),
    Foreign(u16),
}

fn read_copy(file: &dyn DiskFile, at: usize) -> std::io::Result<Option<Copy>> {
    let mut bytes = vec![0; COPY_BYTES];
    // A page that cannot be read is one that is not good.
    let Ok(COPY_BYTES) = read_full(file, &mut bytes, at as u64) else { return Ok(None) };
    let length = u32_at(&bytes, 16).unwrap_or_default() as usize;
    if bytes[..8] != MAGIC || !(FIXED_BYTES..=COPY_MAX_BYTES).contains(&length) {
        return Ok(None);
    }
    let size = copy_bytes(length);
    bytes.resize(size, 0);
    if size > COPY_BYTES && !matches!(read_full(file, &mut bytes, at as u64), Ok(count) if count == size) {
        return Ok(None);
    }
    if u32_at(&bytes, 8) != Some(crc32c::crc32c(&bytes[12..length])) {
        return Ok(None);
    }
    let version = u16::from_le_bytes([bytes[12], bytes[13]]);
    if version != VERSION {
        return Ok(Some(Copy::Foreign(version)));
    }
    Ok(SegmentHeader::decode(&bytes[..length]).map(|header| Copy::Known(header, size)))
}

/// What a segment's blocks are sealed with: neither bytes of another log or segment, nor anything that a client
/// sends, can pass for one of them. It follows from the log's id and the file's name, so it cannot be lost alone.
pub(super) fn salt(log_id: &[u8; 16], base: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(log_id), &base.to_le_bytes())
}
