//! An event type: a message with a field `context`, as `/store` takes it.

use std::sync::Arc;

use bytes::Bytes;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::EVENT_NAME;
use super::fault::{MemberFault, Path};
use super::json::Json;
use super::message_type::MessageType;
use super::outline::{FieldOutline, outline};
use super::read::Reader;
use super::wire;

/// The field that makes a message an event type.
pub(super) const CONTEXT: &str = "context";

/// What every context has: Unix seconds, an id, a name.
pub(super) const CONTEXT_INTEGERS: [&str; 3] = ["sent_at", "received_at", "processed_at"];
pub(super) const CONTEXT_TEXTS: [&str; 2] = ["message_id", "user_agent"];

/// A kind of event that the registry knows.
#[derive(Clone, Debug)]
pub struct EventType {
    pub(super) name: Arc<str>,
    pub(super) message: MessageType,
    pub(super) context: FieldDescriptor,
}

impl EventType {
    /// The type that a message is, by its simple name; `None` where it has no field `context`, and why where that is
    /// not what it must be.
    pub(super) fn of(descriptor: MessageDescriptor) -> Option<Result<Self, String>> {
        let context = descriptor.get_field_by_name(CONTEXT)?;
        let flaw = context_flaw(&context).or_else(|| name_flaw(&descriptor));
        let name = descriptor.name().into();
        Some(match flaw {
            Some(flaw) => Err(flaw),
            None => Ok(Self { name, message: MessageType { descriptor }, context }),
        })
    }

    /// The name it goes by: the simple one, or the full one where two packages have it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name with its package.
    pub fn full_name(&self) -> &str {
        self.message.full_name()
    }

    /// The package; empty where there is none.
    pub fn package(&self) -> &str {
        self.message.descriptor.package_name()
    }

    /// The file, relative to the registry's folder.
    pub fn file(&self) -> String {
        self.message.descriptor.parent_file().name().to_owned()
    }

    /// The fields, by number.
    pub fn fields(&self) -> Vec<FieldOutline> {
        outline(&self.message.descriptor)
    }

    /// The event as the log has it, out of its wire form.
    pub fn logged_of_wire(&self, bytes: &[u8]) -> Result<Bytes, MemberFault> {
        self.logged(&wire::decode(&self.message.descriptor, bytes)?)
    }

    /// The wire form of an event as the log has it.
    pub fn wire_of_logged(&self, text: &str) -> Result<Vec<u8>, Vec<MemberFault>> {
        let root = Path::beginning("");
        let parsed = Json::parse(text).map_err(|error| vec![MemberFault::at(&root, error.to_string())])?;
        let Json::Object(mut members) = parsed else {
            return Err(vec![MemberFault::at(&root, format!("must be an object, not {}", parsed.kind()))]);
        };
        members.retain(|(name, _)| name != EVENT_NAME);
        let mut message = DynamicMessage::new(self.message.descriptor.clone());
        let mut reader = Reader::default();
        reader.members(&mut message, &members, None, &root, 0);
        match reader.faults.is_empty() {
            true => wire::encode(&message).map_err(|fault| vec![fault]),
            false => Err(reader.faults.into_vec()),
        }
    }

    /// The message as the log has it: its JSON, with the event's name before the other members.
    pub(super) fn logged(&self, message: &DynamicMessage) -> Result<Bytes, MemberFault> {
        let json = self.message.json(message)?;
        let mut out = Vec::with_capacity(json.len() + EVENT_NAME.len() + self.name.len() + 8);
        out.extend_from_slice(format!("{{\"{EVENT_NAME}\":").as_bytes());
        // Writing text into memory cannot fail.
        let _ = serde_json::to_writer(&mut out, self.name.as_ref());
        // All of it, but for its opening brace.
        out.push(if json.len() > 2 { b',' } else { b' ' });
        out.extend_from_slice(&json[1..]);
        Ok(out.into())
    }
}

fn context_flaw(context: &FieldDescriptor) -> Option<String> {
    let kind = match context.kind() {
        Kind::Message(kind) if context.cardinality() != Cardinality::Repeated => kind,
        _ => return Some(format!("its field {CONTEXT} is not one message")),
    };
    let lacks = |name: &&str, fits: fn(&Kind) -> bool| {
        let field = kind.get_field_by_name(name);
        !field.is_some_and(|field| field.cardinality() != Cardinality::Repeated && fits(&field.kind()))
    };
    let integer = CONTEXT_INTEGERS.iter().find(|name| lacks(name, is_integer)).map(|name| (name, "integer"));
    let text = || CONTEXT_TEXTS.iter().find(|name| lacks(name, is_text)).map(|name| (name, "string"));
    let (name, what) = integer.or_else(text)?;
    Some(format!("its {CONTEXT}, {}, has no {what} {name}", kind.full_name()))
}

/// The log keeps the event's name among its members.
fn name_flaw(descriptor: &MessageDescriptor) -> Option<String> {
    let taken = descriptor.fields().find(|field| field.json_name() == EVENT_NAME)?;
    Some(format!("its field {} is called {EVENT_NAME} in JSON, which is the event's own name", taken.name()))
}

fn is_integer(kind: &Kind) -> bool {
    use Kind::{Fixed32, Fixed64, Int32, Int64, Sfixed32, Sfixed64, Sint32, Sint64, Uint32, Uint64};
    let narrow = matches!(kind, Int32 | Sint32 | Sfixed32 | Uint32 | Fixed32);
    narrow || matches!(kind, Int64 | Sint64 | Sfixed64 | Uint64 | Fixed64)
}

fn is_text(kind: &Kind) -> bool {
    matches!(kind, Kind::String)
}
