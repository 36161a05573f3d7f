//! From a body's bytes to its members: the first half of taking events in.
//!
//! **Constraint.** JSON is passed over once, without a tree: a member is a slice of the body, and what Weir itself must
//! know is picked from that slice. Other formats become JSON, within [`TRANSLATED_MAX_BYTES`]. One bad member never
//! spoils its neighbours, where the format lets them be told apart.

pub mod csv;
pub mod form;
pub mod json;
pub mod message_pack;
pub mod pick;
pub mod protobuf;
pub mod records;
mod translation;

use std::fmt;

use bytes::Bytes;

pub use translation::TRANSLATED_MAX_BYTES;

/// The most events that one request may bring.
pub const EVENTS_PER_REQUEST_MAX: usize = 100_000;

/// What a client says its body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// One JSON object, an array of them, or, where a second value follows the first, one object a line.
    Any,
    /// One JSON object a line, blank lines left out.
    Lines,
    /// MessagePack: maps, or arrays of maps, one after the other.
    MessagePack,
    /// Comma-separated values, with a line of names first.
    Csv,
    /// One event, as a browser sends a form.
    Form,
    /// One Protobuf message.
    Message,
    /// Protobuf messages, each with its length before it.
    Messages,
    /// Records of telemetry, as one Protobuf message of Weir's own.
    Records,
}

/// Why one member cannot be taken; the others are not concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A short word, stable, for programs: `invalid_json`, `missing_member` …
    pub code: &'static str,
    /// What is wrong and what is expected, for people.
    pub detail: String,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The body as a whole is not what it should be, so that it has no members.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail} at {place}")]
pub struct Malformed {
    /// What is wrong.
    pub detail: String,
    /// Where.
    pub place: Place,
}

/// A place in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a text.
    Text {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// In what is no text: bytes before it.
    Byte(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { line, column } => write!(f, "line {line}, column {column}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
        }
    }
}

/// Why a body cannot be cut into members.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// It is not what it should be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It has more members than one request may bring.
    #[error("the body holds more than {EVENTS_PER_REQUEST_MAX} events")]
    TooManyEvents {
        /// How many there are, as far as was counted.
        count: usize,
    },
    /// Its members would be too large as JSON.
    #[error("as JSON, the events have more than {TRANSLATED_MAX_BYTES} bytes")]
    TooLarge,
}

/// A body's members: the JSON text of each, or for Protobuf its bytes, or why there is none.
pub type Members = Vec<Result<Bytes, Fault>>;

/// Cuts a body into members. Of JSON, none is copied.
pub fn split(body: &Bytes, format: BodyFormat) -> Result<Members, SplitError> {
    match format {
        BodyFormat::Any => Ok(json::split(body)?),
        BodyFormat::Lines => Ok(json::split_lines(body)),
        BodyFormat::MessagePack => message_pack::split(body),
        BodyFormat::Csv => csv::split(body),
        BodyFormat::Form => form::split(body),
        BodyFormat::Message => Ok(protobuf::single(body)),
        BodyFormat::Messages => protobuf::delimited(body),
        BodyFormat::Records => records::split(body),
    }
}
