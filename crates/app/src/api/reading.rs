//! How a body of events is to be read: what its head and address say together.

use hyper::HeaderMap;
use weir_core::event::Stream;
use weir_core::formats::BodyFormat;
use weir_core::intake::Shape;
use weir_core::schema::{EventType, MessageType, NameError, Registry, STORE};

use super::content_type;
use super::problem::Problem;
use super::query::Query;

/// What is read from a request before its body is.
pub struct Reading {
    /// How the body is cut into members.
    pub format: BodyFormat,
    /// All events or none.
    pub atomic: bool,
    kind: Kind,
}

/// What the members are.
enum Kind {
    Event,
    Envelope,
    StoreMessage(EventType),
    Message(MessageType),
}

impl Reading {
    /// Reads the head and the address's query.
    pub fn of(
        headers: &HeaderMap,
        query: Option<&str>,
        stream: &Stream,
        registry: &Registry,
    ) -> Result<Self, Problem> {
        let query = query.map(|query| Query::parse(Some(query))).transpose()?;
        let flag = |name| query.as_ref().map_or(Ok(false), |query| query.flag(name));
        let (atomic, delimited) = (flag("atomic")?, flag("delimited")?);
        let message_name = query.as_ref().and_then(|query| query.get("type"));
        let is_store = stream.as_str() == STORE;
        let format = content_type::format(headers)?;
        let kind = match (format, message_name) {
            (BodyFormat::Message | BodyFormat::Messages, Some(name)) => message(name, is_store, registry)?,
            (BodyFormat::Message | BodyFormat::Messages, None) => return Err(nameless()),
            (_, None) if !delimited => {
                if is_store {
                    Kind::Envelope
                } else {
                    Kind::Event
                }
            }
            _ => return Err(not_protobuf()),
        };
        let format = if delimited { BodyFormat::Messages } else { format };
        Ok(Self { format, atomic, kind })
    }

    /// What the members are, for the intake.
    pub fn shape<'a>(&'a self, registry: &'a Registry) -> Shape<'a> {
        match &self.kind {
            Kind::Event => Shape::Event,
            Kind::Envelope => Shape::Envelope(registry),
            Kind::StoreMessage(event_type) => Shape::StoreMessage(event_type),
            Kind::Message(message) => Shape::Message(message),
        }
    }
}

fn message(name: &str, is_store: bool, registry: &Registry) -> Result<Kind, Problem> {
    let unknown = |error: NameError| Problem::bad_request("unknown-type", format!("type {error}"));
    Ok(match is_store {
        true => Kind::StoreMessage(registry.event_type(name).map_err(unknown)?.clone()),
        false => Kind::Message(registry.message(name).map_err(unknown)?),
    })
}

fn nameless() -> Problem {
    let detail =
        "a Protobuf body does not say which message it is: add ?type=NAME, a message of the registry";
    Problem::bad_request("bad-query", detail)
}

fn not_protobuf() -> Problem {
    let detail = "query parameters \"type\" and \"delimited\" are for Protobuf: send Content-Type: application/x-protobuf";
    Problem::bad_request("bad-query", detail)
}
