//! The event types that a set of compiled `.proto` files has.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use bytes::Bytes;
use prost_reflect::{DescriptorPool, MessageDescriptor};

use super::EVENT_NAME;
use super::event_type::EventType;
use super::fault::MemberFault;
use super::message_type::MessageType;
use crate::formats::Fault;
use crate::formats::pick::{Pointer, pick};

/// The most names that an error lists.
const NAMED_MAX: usize = 20;

/// The event types of one version of the files. Never changes; [`CurrentRegistry`](super::CurrentRegistry) does.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pool: DescriptorPool,
    /// By full name.
    types: BTreeMap<String, EventType>,
    /// Messages with a field `context` that are no event types all the same, and why.
    flawed: Vec<(String, String)>,
}

/// No event type, or more than one, goes by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// None.
    Unknown {
        /// The name.
        name: String,
        /// Names that would do, where they are few.
        known: Vec<String>,
    },
    /// Several packages have it.
    Ambiguous {
        /// The name.
        name: String,
        /// The full names.
        full_names: Vec<String>,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } if known.is_empty() => {
                write!(
                    f,
                    "{} is not supported: the registry has no type of this name",
                    super::fault::quoted(name)
                )
            }
            Self::Unknown { name, known } => {
                let name = super::fault::quoted(name);
                write!(f, "{name} is not supported; the registry has {}", known.join(", "))
            }
            Self::Ambiguous { name, full_names } => {
                write!(f, "{name:?} is in several packages; say {}", full_names.join(" or "))
            }
        }
    }
}

impl std::error::Error for NameError {}

impl Registry {
    /// The event types of these files.
    pub fn new(pool: DescriptorPool) -> Self {
        let (mut types, mut flawed) = (BTreeMap::new(), Vec::new());
        for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
            let full_name = message.full_name().to_owned();
            match EventType::of(message) {
                None => {}
                Some(Ok(event_type)) => drop(types.insert(full_name, event_type)),
                Some(Err(why)) => flawed.push((full_name, why)),
            }
        }
        name_apart(&mut types);
        Self { pool, types, flawed }
    }

    /// The event types, by full name.
    pub fn event_types(&self) -> impl Iterator<Item = &EventType> {
        self.types.values()
    }

    /// Messages with a field `context` that are no event types all the same, by full name, and why.
    pub fn flawed(&self) -> &[(String, String)] {
        &self.flawed
    }

    /// The event type of this name, simple or full.
    pub fn event_type(&self, name: &str) -> Result<&EventType, NameError> {
        if let Some(found) = self.types.get(name) {
            return Ok(found);
        }
        let same: Vec<_> =
            self.types.values().filter(|found| found.message.descriptor.name() == name).collect();
        match same.as_slice() {
            [one] => Ok(one),
            [] => Err(unknown(name, self.types.values().map(|known| known.name.to_string()))),
            several => Err(ambiguous(name, several.iter().map(|one| one.full_name()))),
        }
    }

    /// The message of this name, simple or full, be it an event type or not.
    pub fn message(&self, name: &str) -> Result<MessageType, NameError> {
        if let Some(descriptor) = self.pool.get_message_by_name(name) {
            return Ok(MessageType { descriptor });
        }
        let is_it = |message: &MessageDescriptor| message.name() == name && !message.is_map_entry();
        let same: Vec<_> = self.pool.all_messages().filter(is_it).collect();
        match same.as_slice() {
            [one] => Ok(MessageType { descriptor: one.clone() }),
            [] => Err(unknown(name, self.types.values().map(|known| known.name.to_string()))),
            several => Err(ambiguous(name, several.iter().map(MessageDescriptor::full_name))),
        }
    }

    /// The wire form of an event as the log has it: [`EVENT_NAME`] among its members says of which type it is.
    pub fn wire_of_logged(&self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let text = std::str::from_utf8(body).map_err(|_| Fault::new("invalid_utf8", "not UTF-8"))?;
        let name = event_name(text)?;
        let event_type =
            self.event_type(&name).map_err(|error| Fault::new("unknown_event", error.to_string()))?;
        event_type.wire_of_logged(text).map_err(|faults| MemberFault::in_one(&faults))
    }

    /// An event as the log has it, out of the wire form of the type of this name.
    pub fn logged_of_wire(&self, name: &str, bytes: &[u8]) -> Result<Bytes, Fault> {
        let event_type =
            self.event_type(name).map_err(|error| Fault::new("unknown_event", error.to_string()))?;
        event_type.logged_of_wire(bytes).map_err(|fault| MemberFault::in_one(&[fault]))
    }
}

/// The event's name, out of an event as the log has it.
pub fn event_name(text: &str) -> Result<String, Fault> {
    let found = pick(text, &[Pointer::to_member(EVENT_NAME)])?;
    let name = found.first().copied().flatten().and_then(|value| serde_json::from_str(value.get()).ok());
    name.ok_or_else(|| {
        Fault::new("missing_member", format!("{EVENT_NAME} is required, and must be a string"))
    })
}

/// Where two packages have a simple name, both go by their full ones.
fn name_apart(types: &mut BTreeMap<String, EventType>) {
    let (mut once, mut twice) = (HashSet::new(), HashSet::new());
    for event_type in types.values() {
        if !once.insert(event_type.name.clone()) {
            twice.insert(event_type.name.clone());
        }
    }
    for event_type in types.values_mut().filter(|event_type| twice.contains(&event_type.name)) {
        event_type.name = event_type.message.full_name().into();
    }
}

fn unknown(name: &str, known: impl Iterator<Item = String>) -> NameError {
    let mut known: Vec<String> = known.take(NAMED_MAX + 1).collect();
    if known.len() > NAMED_MAX {
        known.clear();
    }
    NameError::Unknown { name: name.to_owned(), known }
}

fn ambiguous<'a>(name: &str, full_names: impl Iterator<Item = &'a str>) -> NameError {
    NameError::Ambiguous { name: name.to_owned(), full_names: full_names.map(str::to_owned).collect() }
}
