//! Values in Protobuf: of which type they are, and the events that they are.
//!
//! **Constraint.** No clock is asked, so that a message is the same event whenever it is read: of the context's rules, that
//! nothing is in the future is left to whoever let it in.

use bytes::Bytes;
use uuid::Uuid;

use super::{Message, MessageReader};
use crate::formats::Fault;
use crate::schema::envelope::{self, EnvelopeError};
use crate::schema::{MemberFault, NameError};
use crate::time::Timestamp;

/// The header that says of which type a value is.
const NAME_HEADER: &str = "event_name";

/// Whether a message's own headers say that its value is Protobuf.
pub fn is_told(message: &Message<'_>) -> bool {
    header(message, "content-type").is_some_and(|content_type| content_type.contains("protobuf"))
}

impl MessageReader {
    /// The event that a value is.
    pub(super) fn event_of_wire(&self, message: &Message<'_>, value: &[u8]) -> Result<Bytes, Fault> {
        let told = || header(message, NAME_HEADER).or_else(|| key(message));
        let name = self.message.as_deref().or_else(told).ok_or_else(|| {
            let detail = "neither a header event_name nor the key says of which type it is; set `message`";
            Fault::new("no_event_name", detail)
        })?;
        let registry = self.schemas.get();
        let unknown = |error: NameError| Fault::new("unknown_event", error.to_string());
        match registry.event_type(name) {
            Ok(event_type) => {
                let at_the_end_of_time = Timestamp::from_micros(i64::MAX);
                let read = envelope::read_wire(event_type, value, at_the_end_of_time);
                read.map_err(EnvelopeError::into_fault)
            }
            Err(error) => {
                let plain = registry.message(name).map_err(|_| unknown(error))?;
                let json = plain.json_of_wire(value);
                json.map(Bytes::from).map_err(|fault| MemberFault::in_one(&[fault]))
            }
        }
    }
}

fn header<'a>(message: &Message<'a>, wanted: &str) -> Option<&'a str> {
    let (_, value) = message.headers.iter().rev().find(|(name, _)| *name == wanted)?;
    std::str::from_utf8((*value)?).ok()
}

/// `TestEvent`, or `TestEvent_UUID`.
fn key<'a>(message: &Message<'a>) -> Option<&'a str> {
    let key = std::str::from_utf8(message.key?).ok()?;
    let is_unique = |(_, rest): &(&str, &str)| Uuid::parse_str(rest).is_ok();
    Some(key.rsplit_once('_').filter(is_unique).map_or(key, |(name, _)| name))
}
