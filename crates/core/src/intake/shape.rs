//! What a member of a submission is: the event itself, or what it is yet to be made of.

use bytes::Bytes;

use crate::formats::Fault;
use crate::schema::{EventType, MemberFault, MessageType, Registry, envelope};
use crate::time::Timestamp;

/// What stands in the members of a submission.
#[derive(Clone, Copy, Debug, Default)]
pub enum Shape<'a> {
    /// The event, as JSON.
    #[default]
    Event,
    /// An event as `/store` takes it, as JSON; checked by its type.
    Envelope(&'a Registry),
    /// An event of `/store` of this type, as Protobuf.
    StoreMessage(&'a EventType),
    /// A message of this type, as Protobuf.
    Message(&'a MessageType),
}

impl Shape<'_> {
    /// Whether events are made, so that their size says nothing about what was sent.
    pub(super) fn makes_anew(self) -> bool {
        !matches!(self, Self::Event)
    }

    /// The event that a member is.
    pub(super) fn event(self, member: Bytes, now: Timestamp) -> Result<Bytes, Fault> {
        let not_utf8 = |_| Fault::new("invalid_utf8", "not UTF-8");
        match self {
            Self::Event => Ok(member),
            Self::Envelope(registry) => {
                let text = std::str::from_utf8(&member).map_err(not_utf8)?;
                envelope::read(text, registry, now).map_err(envelope::EnvelopeError::into_fault)
            }
            Self::StoreMessage(event_type) => {
                let read = envelope::read_wire(event_type, &member, now);
                read.map_err(envelope::EnvelopeError::into_fault)
            }
            Self::Message(message) => match message.json_of_wire(&member) {
                Ok(json) => Ok(json.into()),
                Err(fault) => Err(MemberFault::in_one(&[fault])),
            },
        }
    }
}
