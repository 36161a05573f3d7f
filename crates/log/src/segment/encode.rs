//! An entry as it will stand on disk, but for its place. Made on the caller's task, outside any lock.

use weir_core::event::{Event, Origin, Stream};
use weir_core::log::Entry;
use weir_core::time::Timestamp;

use super::block::{BlockHead, HEAD_MAX_BYTES, measure, seal};

/// Large entries are cut into blocks of about this size: damage takes no more than one, and a reader that wants a
/// few events out of the middle has to check no more than one.
const BLOCK_BYTES: usize = 64 << 10;
/// What an event takes besides its texts.
const EVENT_FIXED_BYTES: usize = 36;

/// An entry that only wants its place.
#[derive(Debug)]
pub(super) struct Encoded {
    pub bytes: Vec<u8>,
    pub stream: Stream,
    pub events: u64,
    pub received_at: Timestamp,
}

impl Encoded {
    /// Encodes the entry. `None` where it would take more than `max_bytes`.
    pub(super) fn new(entry: &Entry<'_>, max_bytes: u64) -> Option<Self> {
        let origin_bytes = origin_bytes(entry.origin);
        let events_bytes: usize = entry.events.iter().map(event_bytes).sum();
        let blocks = events_bytes / BLOCK_BYTES + 1;
        let total = events_bytes + blocks * (HEAD_MAX_BYTES + origin_bytes);
        if total as u64 > max_bytes {
            return None;
        }
        let mut bytes = Vec::with_capacity(total);
        let mut rest = entry.events;
        while !rest.is_empty() {
            let (block, after) = rest.split_at(events_in_block(rest));
            rest = after;
            put_block(&mut bytes, entry, block, rest.is_empty());
        }
        Some(Self {
            bytes,
            stream: entry.stream.clone(),
            events: entry.events.len() as u64,
            received_at: entry.received_at,
        })
    }

    /// Fills in the place.
    pub(super) fn seal(&mut self, salt: u32, mut first: u64, mut sequence: u64) {
        let mut rest = self.bytes.as_mut_slice();
        while let Some((size, count)) = measure(rest) {
            seal(rest, salt, first, sequence);
            first += count;
            sequence += count;
            rest = &mut rest[size..];
        }
    }
}

/// How many of these events the next block takes: at least one.
fn events_in_block(events: &[Event]) -> usize {
    let mut bytes = 0;
    let over = events.iter().position(|event| {
        bytes += event_bytes(event);
        bytes > BLOCK_BYTES
    });
    over.unwrap_or(events.len()).max(1)
}

fn put_block(bytes: &mut Vec<u8>, entry: &Entry<'_>, events: &[Event], last: bool) {
    let mut head = BlockHead {
        payload_crc: 0,
        payload_bytes: 0,
        count: events.len() as u32,
        first: 0,
        sequence: 0,
        received_at: entry.received_at,
        last,
        stream: entry.stream.clone(),
    };
    let head_at = bytes.len();
    let payload_at = head_at + head.head_bytes();
    bytes.resize(payload_at, 0);
    put_origin(bytes, entry.origin);
    for event in events {
        put_event(bytes, event);
    }
    head.payload_crc = crc32c::crc32c(&bytes[payload_at..]);
    head.payload_bytes = (bytes.len() - payload_at) as u32;
    head.encode(&mut bytes[head_at..payload_at]);
}

/// The texts that an origin may have, in the order of their flags.
fn optional_texts(origin: &Origin) -> [Option<&str>; 6] {
    let Origin { credential: _, user_id, device_uuid, app_version, os_version, user_agent, client_ip } =
        origin;
    [user_id, device_uuid, app_version, os_version, user_agent, client_ip].map(|text| text.as_deref())
}

fn origin_bytes(origin: &Origin) -> usize {
    let texts = optional_texts(origin).into_iter().flatten();
    1 + 4 + origin.credential.len() + texts.map(|text| 4 + text.len()).sum::<usize>()
}

fn put_origin(bytes: &mut Vec<u8>, origin: &Origin) {
    let texts = optional_texts(origin);
    let flags = texts.iter().enumerate().map(|(bit, text)| u8::from(text.is_some()) << bit);
    bytes.push(flags.sum());
    for text in [Some(origin.credential.as_str())].into_iter().chain(texts).flatten() {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
}

fn event_bytes(event: &Event) -> usize {
    let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
    EVENT_FIXED_BYTES + text(&event.client_id) + text(&event.user_id) + event.body.len()
}

fn put_event(bytes: &mut Vec<u8>, event: &Event) {
    let (client_id, user_id) = (event.client_id.as_deref(), event.user_id.as_deref());
    let length = |text: Option<&str>| text.map_or(0, |text| text.len() as u32 + 1);
    let mut fixed = [0; EVENT_FIXED_BYTES];
    fixed[..16].copy_from_slice(&event.id.0);
    fixed[16..24].copy_from_slice(&event.occurred_at.as_micros().to_le_bytes());
    fixed[24..28].copy_from_slice(&(event.body.len() as u32).to_le_bytes());
    fixed[28..32].copy_from_slice(&length(client_id).to_le_bytes());
    fixed[32..].copy_from_slice(&length(user_id).to_le_bytes());
    bytes.extend_from_slice(&fixed);
    bytes.extend_from_slice(client_id.unwrap_or_default().as_bytes());
    bytes.extend_from_slice(user_id.unwrap_or_default().as_bytes());
    bytes.extend_from_slice(&event.body);
}
