//! What a message holds of its event.

use bytes::{Bytes, BytesMut};
use weir_core::event::Record;
use weir_core::formats;
use weir_core::line::{self, Last};
use weir_core::schema::{CurrentRegistry, EVENT_NAME, event_name};
use weir_core::sink::Refusal;
use weir_core::transit::OWN_HEADER;

use super::settings::{Format, KafkaSettings};
use crate::fields::refusal;

/// A piece of memory that lines share.
const ARENA_BYTES: usize = 1 << 20;

/// How an event is written.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    Json,
    Raw,
    Protobuf(CurrentRegistry),
}

/// The value of a message, and what tells what it is.
pub(super) struct Written {
    pub value: Bytes,
    pub content_type: &'static str,
    /// A header more: how the event comes out of the value again, or what it is a message of.
    pub further: Option<(&'static str, String)>,
}

impl Payload {
    pub fn new(settings: &KafkaSettings) -> Self {
        match settings.format {
            Format::Json => Self::Json,
            Format::Raw => Self::Raw,
            Format::Protobuf => Self::Protobuf(settings.schemas.clone()),
        }
    }

    /// Writes the event; lines, which are made anew, into the `arena` that a batch's values share.
    pub fn write(&self, record: &Record, last: &mut Last, arena: &mut Arena) -> Result<Written, Refusal> {
        let body = &record.event.body;
        match self {
            Self::Json => {
                let (value, own) = arena.line(record, last).map_err(refusal)?;
                let further = Some((OWN_HEADER, own.to_string()));
                Ok(Written { further, ..Written::new(value, "application/json") })
            }
            Self::Raw => Ok(Written::new(body.clone(), "application/json")),
            Self::Protobuf(schemas) => {
                let text = std::str::from_utf8(body).map_err(refusal)?;
                let name = event_name(text).map_err(of_fault)?;
                let value = schemas.get().wire_of_logged(body).map_err(of_fault)?;
                let further = Some((EVENT_NAME, name));
                Ok(Written { further, ..Written::new(value, "application/x-protobuf") })
            }
        }
    }
}

/// Where the lines of a batch are written, many in one piece of memory: a value a message would be one more to find and to
/// give back.
#[derive(Default)]
pub(super) struct Arena {
    line: Vec<u8>,
    lines: BytesMut,
}

impl Arena {
    fn line(&mut self, record: &Record, last: &mut Last) -> serde_json::Result<(Bytes, line::Own)> {
        self.line.clear();
        let own = line::write(&mut self.line, record, last)?;
        if self.lines.capacity() < self.line.len() {
            self.lines = BytesMut::with_capacity(ARENA_BYTES.max(self.line.len()));
        }
        self.lines.extend_from_slice(&self.line);
        Ok((self.lines.split().freeze(), own))
    }
}

impl Written {
    fn new(value: impl Into<Bytes>, content_type: &'static str) -> Self {
        Self { value: value.into(), content_type, further: None }
    }
}

fn of_fault(formats::Fault { code, detail }: formats::Fault) -> Refusal {
    Refusal { reason: code.to_owned(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;

    #[test]
    fn what_has_no_type_is_refused_alone_and_says_why() {
        let payload = Payload::Protobuf(CurrentRegistry::default());
        for (body, reason) in
            [("{}", "missing_member"), ("{", "invalid_json"), (r#"{"event_name":"X"}"#, "unknown_event")]
        {
            let mut record = record(0, "store", 0);
            record.event.body = body.into();
            let refused = payload.write(&record, &mut Last::default(), &mut Arena::default()).err().unwrap();
            assert_eq!(refused.reason, reason, "{refused:?}");
        }
    }
}
