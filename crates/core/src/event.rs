//! The event: a few facts that Weir itself needs, beside the bytes as the client sent them.
//!
//! The bytes are kept as they came, checked but never re-written, so nothing a client said is lost to a
//! round trip; each sink reads from them what it needs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::time::Timestamp;

/// The longest name a stream may have, in bytes.
pub const STREAM_NAME_MAX_BYTES: usize = 64;
/// How long an event's id is when it is written.
pub const ID_TEXT_BYTES: usize = uuid::fmt::Hyphenated::LENGTH;

/// The columns that every table has, in their order.
pub const COLUMNS: [&str; 18] = [
    "event_id",
    "stream",
    "log_id",
    "page",
    "event",
    "label",
    "target",
    "section",
    "param",
    "user_id",
    "device_uuid",
    "app_version",
    "os_version",
    "user_agent",
    "client_ip",
    "occurred_at",
    "received_at",
    "extra",
];

/// The name of a stream: `events`, `store`, `telemetry`, or one that the configuration declares.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(Arc<str>);

impl Stream {
    /// A name of 1 to 64 of `a-z A-Z 0-9 _ - .`, the first a letter or digit. `None` for any other.
    pub fn new(name: &str) -> Option<Self> {
        let first = name.bytes().next()?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let valid = first.is_ascii_alphanumeric() && name.bytes().all(allowed);
        (valid && name.len() <= STREAM_NAME_MAX_BYTES).then(|| Self(name.into()))
    }

    /// The built-in stream of what becomes of files.
    pub fn telemetry() -> Self {
        Self(Arc::from("telemetry"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", self.0)
    }
}

/// What makes an event that event: the same id again is the same event. Written as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The id of an event whose client named it: the same for the same stream, credential and name, for ever.
    ///
    /// SHA-256 over the length-prefixed parts, shaped as a UUID of version 8 (RFC 9562, section 5.8).
    pub fn named(stream: &Stream, credential: &str, name: &str) -> Self {
        let mut digest = Sha256::new();
        for part in [stream.as_str(), credential, name] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&digest.finalize()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes())
    }

    /// Reads the form that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::parse_str(text).ok().map(|id| Self(id.into_bytes()))
    }

    /// The form that [`fmt::Display`] writes, for whoever writes many.
    pub fn encode(self, buffer: &mut [u8; ID_TEXT_BYTES]) -> &str {
        uuid::Uuid::from_bytes(self.0).hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; ID_TEXT_BYTES]))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

/// What the events of one request have in common: who sent them, and from what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The credential's name, as `key:default` or `jwt:alice`. Never the secret.
    pub credential: String,
    /// The token's subject.
    pub user_id: Option<String>,
    /// Header `device-uuid`.
    pub device_uuid: Option<String>,
    /// Header `app-version`.
    pub app_version: Option<String>,
    /// Header `os-version`.
    pub os_version: Option<String>,
    /// Header `user-agent`.
    pub user_agent: Option<String>,
    /// The client's address, as trusted proxies tell it.
    pub client_ip: Option<String>,
}

impl Origin {
    /// Whom the credential is for: a token's subject; of a key, which has none, its name.
    pub fn subject(&self) -> Option<&str> {
        let named = || self.credential.split_once(':').map(|(_, name)| name);
        self.user_id.as_deref().or_else(named).filter(|subject| !subject.is_empty())
    }
}

/// One event, ready for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identity for every sink.
    pub id: EventId,
    /// The client's time; `received_at` where it told none.
    pub occurred_at: Timestamp,
    /// The client's own id, as it sent it.
    pub client_id: Option<Box<str>>,
    /// The user that the event itself names; it goes before the [`Origin`]'s.
    pub user_id: Option<Box<str>>,
    /// The event as it came: one JSON object in UTF-8, without a line end around it.
    pub body: Bytes,
}

/// A place in a partition of a log, counted from 0. In Weir's own log each holds one event; in a broker's, none, one or
/// several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The place after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event as the log gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub offset: Offset,
    /// The stream it belongs to.
    pub stream: Stream,
    /// When Weir took it in.
    pub received_at: Timestamp,
    /// Shared by all events of one request.
    pub origin: Arc<Origin>,
    /// The event.
    pub event: Event,
}

impl Record {
    /// The user: the event's own word first, then the credential's subject.
    pub fn user_id(&self) -> Option<&str> {
        self.event.user_id.as_deref().or(self.origin.user_id.as_deref())
    }
}

/// How many there are of each stream.
pub fn by_stream<'a>(records: impl IntoIterator<Item = &'a Record>) -> BTreeMap<Stream, u64> {
    let mut counts = BTreeMap::new();
    for record in records {
        match counts.get_mut(&record.stream) {
            Some(count) => *count += 1,
            None => drop(counts.insert(record.stream.clone(), 1)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_name_is_a_plain_word() {
        for good in ["events", "a", "Order-77", "x.y_z", "0"] {
            assert!(Stream::new(good).is_some(), "{good}");
        }
        for bad in ["", "_x", "-x", ".x", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(Stream::new(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_named_id_depends_on_each_part_and_on_their_bounds() {
        let events = Stream::new("events").unwrap();
        let id = EventId::named(&events, "key:a", "1");
        assert_eq!(id, EventId::named(&events, "key:a", "1"));
        assert_ne!(id, EventId::named(&events, "key:a", "2"));
        assert_ne!(id, EventId::named(&events, "key:", "a1"));
        assert_ne!(id, EventId::named(&Stream::new("store").unwrap(), "key:a", "1"));
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        // Frozen: what was once stored under this id must be found under it again.
        assert_eq!(id.to_string(), "80acee76-f9d9-892e-bed9-622ee66e2bbe");
    }
}
