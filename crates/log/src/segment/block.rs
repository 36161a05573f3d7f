//! A block: the unit that is checked, and that damage takes. An entry is one block, or several when it is large.
//!
//! ```text
//! at   bytes
//!  0   8     magic; holds bytes that UTF-8 never has, so no event can contain it
//!  8   4     CRC32C of the rest of the head, begun with the segment's salt
//! 12   4     CRC32C of the payload
//! 16   4     length of the payload
//! 20   4     number of events
//! 24   8     offset of the first event
//! 32   8     sequence: events of this stream accepted before
//! 40   8     received at, µs
//! 48   1     1: the last block of its entry
//! 49   1     length of the stream's name
//! 50   …     the stream's name, then the payload
//! ```
//!
//! The payload is the origin (one byte of flags; for each text its length in 4 bytes and its bytes), then for each
//! event: id (16), occurred at (8), lengths of body, client id and user id (4 each, the latter two plus one, 0 for
//! none), client id, user id, body. Numbers are little-endian.

use weir_core::event::{STREAM_NAME_MAX_BYTES, Stream};
use weir_core::time::Timestamp;

pub(super) const MAGIC: [u8; 8] = *b"\xFAweirbl\xFE";
const FIXED_BYTES: usize = 50;
const LAST: u8 = 1;
/// The longest head: a stream's name has at most 64 bytes.
pub(super) const HEAD_MAX_BYTES: usize = FIXED_BYTES + STREAM_NAME_MAX_BYTES;

/// A block's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BlockHead {
    pub payload_crc: u32,
    pub payload_bytes: u32,
    pub count: u32,
    pub first: u64,
    pub sequence: u64,
    pub received_at: Timestamp,
    pub last: bool,
    pub stream: Stream,
}

impl BlockHead {
    /// How many bytes the head takes.
    pub(super) fn head_bytes(&self) -> usize {
        FIXED_BYTES + self.stream.as_str().len()
    }

    /// How many bytes the block takes.
    pub(super) fn bytes(&self) -> u64 {
        self.head_bytes() as u64 + u64::from(self.payload_bytes)
    }

    /// The offset after the last event.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.count)
    }

    /// Writes the head, without what [`seal`] fills in.
    pub(super) fn encode(&self, into: &mut [u8]) {
        let name = self.stream.as_str().as_bytes();
        into[..8].copy_from_slice(&MAGIC);
        into[8..12].fill(0);
        into[12..16].copy_from_slice(&self.payload_crc.to_le_bytes());
        into[16..20].copy_from_slice(&self.payload_bytes.to_le_bytes());
        into[20..24].copy_from_slice(&self.count.to_le_bytes());
        into[24..40].fill(0);
        into[40..48].copy_from_slice(&self.received_at.as_micros().to_le_bytes());
        into[48] = if self.last { LAST } else { 0 };
        into[49] = name.len() as u8;
        into[FIXED_BYTES..].copy_from_slice(name);
    }

    /// Reads a head that was sealed with this salt. `previous` lends its stream where the name is the same.
    pub(super) fn decode(bytes: &[u8], salt: u32, previous: &mut Option<Stream>) -> Option<Self> {
        let name = name(bytes)?;
        let crc = crc32c::crc32c_append(salt, &bytes[12..FIXED_BYTES + name.len()]);
        if !bytes.starts_with(&MAGIC) || bytes[8..12] != crc.to_le_bytes() {
            return None;
        }
        let name = std::str::from_utf8(name).ok()?;
        if previous.as_ref().is_none_or(|stream| stream.as_str() != name) {
            *previous = Some(Stream::new(name)?);
        }
        let head = Self {
            payload_crc: u32_at(bytes, 12)?,
            payload_bytes: u32_at(bytes, 16)?,
            count: u32_at(bytes, 20)?,
            first: u64_at(bytes, 24)?,
            sequence: u64_at(bytes, 32)?,
            received_at: Timestamp::from_micros(u64_at(bytes, 40)? as i64),
            last: bytes[48] & LAST != 0,
            stream: previous.clone()?,
        };
        (head.count > 0 && head.first.checked_add(u64::from(head.count)).is_some()).then_some(head)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn name(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(FIXED_BYTES..FIXED_BYTES + usize::from(*bytes.get(49)?))
}

/// The stream that a head names, though it is not sound.
pub(super) fn stream_hint(bytes: &[u8]) -> Option<Stream> {
    Stream::new(std::str::from_utf8(name(bytes)?).ok()?)
}

/// Bytes and events of a block that was just encoded; `None` at the end.
pub(super) fn measure(bytes: &[u8]) -> Option<(usize, u64)> {
    let size = FIXED_BYTES + name(bytes)?.len() + u32_at(bytes, 16)? as usize;
    Some((size, u64::from(u32_at(bytes, 20)?)))
}

/// Gives the block at the beginning of `bytes` its place, and seals the head.
pub(super) fn seal(bytes: &mut [u8], salt: u32, first: u64, sequence: u64) {
    bytes[24..32].copy_from_slice(&first.to_le_bytes());
    bytes[32..40].copy_from_slice(&sequence.to_le_bytes());
    let head_bytes = FIXED_BYTES + usize::from(bytes[49]);
    let crc = crc32c::crc32c_append(salt, &bytes[12..head_bytes]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(salt: u32) -> Vec<u8> {
        let head = BlockHead {
            payload_crc: 1,
            payload_bytes: 2,
            count: 3,
            first: 0,
            sequence: 0,
            received_at: Timestamp::from_micros(-4),
            last: true,
            stream: Stream::new("events").unwrap(),
        };
        let mut bytes = vec![0; head.head_bytes()];
        head.encode(&mut bytes);
        seal(&mut bytes, salt, 77, 5);
        bytes
    }

    #[test]
    fn a_sealed_head_is_read_back_with_its_place() {
        let bytes = sealed(9);
        let head = BlockHead::decode(&bytes, 9, &mut None).unwrap();
        assert_eq!((head.first, head.sequence, head.end()), (77, 5, 80));
        assert_eq!((head.received_at.as_micros(), head.last, head.stream.as_str()), (-4, true, "events"));
    }

    #[test]
    fn a_head_of_another_segment_or_with_any_bit_turned_is_none() {
        assert_eq!(BlockHead::decode(&sealed(9), 8, &mut None), None);
        for bit in 0..sealed(9).len() * 8 {
            let mut bytes = sealed(9);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(BlockHead::decode(&bytes, 9, &mut None), None, "bit {bit}");
        }
    }

    #[test]
    fn the_magic_can_be_part_of_no_text() {
        assert!(std::str::from_utf8(&MAGIC[..1]).is_err());
        assert!(std::str::from_utf8(&MAGIC[7..]).is_err());
    }
}
