//! `{event_name, context, data}`, as `/store` takes an event.
//!
//! **Constraint.** The checks go in the order that clients of the original know: an unknown name first, then the rules
//! of the context, then the shape of everything.

use bytes::Bytes;
use prost_reflect::{DynamicMessage, Kind, Value};

use super::event_type::{CONTEXT, CONTEXT_INTEGERS, CONTEXT_TEXTS, EventType};
use super::fault::{Faults, MemberFault, Path, quoted};
use super::json::{Json, Member};
use super::read::{Reader, whole};
use super::registry::{NameError, Registry};
use super::{EVENT_NAME, wire};
use crate::formats::{Fault, Malformed};
use crate::time::Timestamp;

const DATA: &str = "data";

/// Why an event is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeError {
    /// It is no JSON.
    Malformed(Malformed),
    /// No event type goes by its name.
    Name(NameError),
    /// Its context breaks rules.
    Rules(Vec<MemberFault>),
    /// Members are missing, too many, or of another type.
    Shape(Vec<MemberFault>),
}

impl EnvelopeError {
    /// A short word, stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "invalid_json",
            Self::Name(_) => "unknown_event",
            Self::Rules(_) => "context",
            Self::Shape(_) => "schema",
        }
    }

    /// The same in one line, for an event in a batch.
    pub fn into_fault(self) -> Fault {
        let code = self.code();
        match self {
            Self::Malformed(malformed) => Fault::new(code, malformed.detail),
            Self::Name(error) => Fault::new(code, format!("{EVENT_NAME} {error}")),
            Self::Rules(faults) | Self::Shape(faults) => Fault { code, ..MemberFault::in_one(&faults) },
        }
    }
}

/// Reads an event, checks it by its type, and gives it as the log has it.
pub fn read(text: &str, registry: &Registry, now: Timestamp) -> Result<Bytes, EnvelopeError> {
    let json = Json::parse(text).map_err(EnvelopeError::Malformed)?;
    let mut reader = Reader::default();
    let root = Path::beginning("");
    let Json::Object(members) = &json else {
        let what = format!("must be an object with {EVENT_NAME}, {CONTEXT} and {DATA}, not {}", json.kind());
        return Err(EnvelopeError::Shape(vec![MemberFault::at(&root, what)]));
    };
    let parts = Parts::of(members, &mut reader.faults);
    let event_type = match parts.name {
        Some(name) => Some(registry.event_type(name).map_err(EnvelopeError::Name)?),
        None => None,
    };
    let broken = parts.context.map(|context| broken_rules(context, event_type, now, &mut reader.faults));
    if let Some(broken) = broken.filter(|broken| !broken.is_empty()) {
        return Err(EnvelopeError::Rules(broken));
    }
    let message = event_type.map(|event_type| (event_type, message(event_type, &parts, &mut reader)));
    match message.filter(|_| reader.faults.is_empty()) {
        Some((event_type, message)) => {
            let logged = wire::encode(&message).and_then(|_| event_type.logged(&message));
            logged.map_err(|fault| EnvelopeError::Shape(vec![fault]))
        }
        None => Err(EnvelopeError::Shape(reader.faults.into_vec())),
    }
}

/// Checks an event in the wire form of its type, and gives it as the log has it.
pub fn read_wire(event_type: &EventType, bytes: &[u8], now: Timestamp) -> Result<Bytes, EnvelopeError> {
    let logged = event_type.logged_of_wire(bytes).map_err(|fault| EnvelopeError::Shape(vec![fault]))?;
    let text = String::from_utf8_lossy(&logged);
    let json = Json::parse(&text).map_err(EnvelopeError::Malformed)?;
    let context = match &json {
        Json::Object(members) => members.iter().find(|(name, _)| name == event_type.context.json_name()),
        _ => None,
    };
    let mut missing = Faults::default();
    let members = match context {
        Some((_, Json::Object(members))) => members.as_slice(),
        _ => &[],
    };
    let broken = broken_rules(members, Some(event_type), now, &mut missing);
    match (broken.is_empty(), missing.is_empty()) {
        (false, _) => Err(EnvelopeError::Rules(broken)),
        (true, false) => Err(EnvelopeError::Shape(missing.into_vec())),
        (true, true) => Ok(logged),
    }
}

/// The three members, those of them that are there and of the right kind.
struct Parts<'j> {
    name: Option<&'j str>,
    context: Option<&'j [Member<'j>]>,
    data: Option<&'j [Member<'j>]>,
}

impl<'j> Parts<'j> {
    fn of(members: &'j [Member<'j>], faults: &mut Faults) -> Self {
        let root = Path::beginning("");
        for (index, (name, _)) in members.iter().enumerate() {
            if ![EVENT_NAME, CONTEXT, DATA].contains(&name.as_ref()) {
                faults.add(
                    &root.member(name),
                    format!("is unknown; there are {EVENT_NAME}, {CONTEXT} and {DATA}"),
                );
            } else if members[..index].iter().any(|(other, _)| other == name) {
                faults.add(&root.member(name), "stands twice");
            }
        }
        let mut find = |wanted: &'static str, kind: &str, fits: fn(&Json<'_>) -> bool| {
            let found = members.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
            match found {
                Some(value) if fits(value) => return Some(value),
                Some(value) => {
                    faults.add(&root.member(wanted), format!("must be {kind}, not {}", value.kind()));
                }
                None => faults.add(&root.member(wanted), "is required"),
            }
            None
        };
        let is_object = |value: &Json<'_>| matches!(value, Json::Object(_));
        let name = find(EVENT_NAME, "a string", |value| matches!(value, Json::Text(_)));
        let (context, data) = (find(CONTEXT, "an object", is_object), find(DATA, "an object", is_object));
        let members = |value: &'j Json<'j>| match value {
            Json::Object(members) => Some(members.as_slice()),
            _ => None,
        };
        let text = |value: &'j Json<'j>| match value {
            Json::Text(text) => Some(text.as_ref()),
            _ => None,
        };
        Self { name: name.and_then(text), context: context.and_then(members), data: data.and_then(members) }
    }
}

/// The rules of the context that are broken. What is missing is a fault of the shape.
fn broken_rules(
    context: &[Member<'_>],
    event_type: Option<&EventType>,
    now: Timestamp,
    missing: &mut Faults,
) -> Vec<MemberFault> {
    let path = Path::beginning("/context");
    let json_name = |name: &str| match event_type.map(|event_type| event_type.context.kind()) {
        Some(Kind::Message(kind)) => kind.get_field_by_name(name).map(|field| field.json_name().to_owned()),
        _ => None,
    };
    let mut broken = Faults::default();
    for name in CONTEXT_INTEGERS.into_iter().chain(CONTEXT_TEXTS) {
        let other = json_name(name);
        let is_it = |(found, _): &&Member<'_>| found == name || Some(found.as_ref()) == other.as_deref();
        match context.iter().find(is_it).filter(|(_, value)| *value != Json::Null) {
            None => missing.add(&path.member(name), "is required"),
            Some((found, value)) => {
                if let Some(rule) = broken_rule(name, value, now) {
                    broken.add(&path.member(found), rule);
                }
            }
        }
    }
    broken.into_vec()
}

/// What is wrong with a value of the right type; whether the type is right is asked later.
fn broken_rule(name: &str, value: &Json<'_>, now: Timestamp) -> Option<String> {
    if let Some(seconds) = whole(value).filter(|_| CONTEXT_INTEGERS.contains(&name)) {
        return match seconds {
            seconds if seconds < 0 => Some("must not be before January 1, 1970".to_owned()),
            seconds if seconds.saturating_mul(1_000_000) > now.as_micros().into() => {
                Some("is in the future".to_owned())
            }
            _ => None,
        };
    }
    match (name, value) {
        ("message_id", Json::Text(id)) if uuid::Uuid::parse_str(id).is_err() => {
            Some(format!("must be a UUID, not {}", quoted(id)))
        }
        ("user_agent", Json::Text(agent)) if agent.is_empty() => Some("must not be empty".to_owned()),
        _ => None,
    }
}

/// The message out of its two halves.
fn message(event_type: &EventType, parts: &Parts<'_>, reader: &mut Reader) -> DynamicMessage {
    let mut message = DynamicMessage::new(event_type.message.descriptor.clone());
    if let (Some(members), Kind::Message(kind)) = (parts.context, event_type.context.kind()) {
        let mut context = DynamicMessage::new(kind);
        reader.members(&mut context, members, None, &Path::beginning("/context"), 1);
        message.set_field(&event_type.context, Value::Message(context));
    }
    if let Some(data) = parts.data {
        reader.members(&mut message, data, Some(&event_type.context), &Path::beginning("/data"), 0);
    }
    message
}
