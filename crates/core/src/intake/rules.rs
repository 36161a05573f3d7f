//! What a stream asks of its events, and how Weir reads from them what it must know.

use bytes::Bytes;

use serde_json::value::RawValue;

use crate::event::Stream;
use crate::formats::Fault;
use crate::formats::pick::{Pointer, pick};
use crate::lineage::TelemetryRecord;
use crate::schema::{EVENT_NAME, STORE};
use crate::time::Timestamp;

/// The longest id that a client may give an event, in bytes.
pub const CLIENT_ID_MAX_BYTES: usize = 512;

/// The rules of one stream.
#[derive(Clone, Debug)]
pub struct StreamRules {
    stream: Stream,
    /// First the id, the time and the user, where the stream has them; then the checked members.
    pointers: Vec<Pointer>,
    id: Option<usize>,
    time: Option<usize>,
    user: Option<usize>,
    checks: Vec<(usize, Check)>,
    /// Each event is a record of telemetry, which has rules of its own.
    is_telemetry: bool,
}

#[derive(Clone, Copy, Debug)]
enum Check {
    Required,
    RequiredText,
    OptionalText,
}

/// What was read from one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The client's id for it.
    pub client_id: Option<Box<str>>,
    /// The client's time.
    pub occurred_at: Option<Timestamp>,
    /// The user it names.
    pub user_id: Option<Box<str>>,
}

impl StreamRules {
    /// The built-in stream `events`: `page` and `event` are required; `log_id`, `label`, `target`, `section` are text.
    pub fn events() -> Self {
        let member = pointer;
        let mut rules =
            Self::configured(events_stream(), Some(member("log_id")), Some(member("occurred_at")), None, []);
        for name in ["page", "event"] {
            rules.ask(member(name), Check::RequiredText);
        }
        for name in ["label", "target", "section"] {
            rules.ask(member(name), Check::OptionalText);
        }
        rules
    }

    /// The built-in stream `store`: the JSON of a message, with its type's name. `message_id` is the event's id.
    pub fn store() -> Self {
        let at = |text: &str| Pointer::parse(text);
        let mut rules =
            Self::configured(store_stream(), at("/context/messageId"), at("/context/sentAt"), None, []);
        rules.ask(pointer(EVENT_NAME), Check::RequiredText);
        rules
    }

    /// The built-in stream `telemetry`: what becomes of files, as [`TelemetryRecord`] reads it.
    pub fn telemetry() -> Self {
        let rules = Self::configured(Stream::telemetry(), None, None, None, []);
        Self { is_telemetry: true, ..rules }
    }

    /// A stream that the configuration declares.
    pub fn configured(
        stream: Stream,
        id: Option<Pointer>,
        time: Option<Pointer>,
        user: Option<Pointer>,
        required: impl IntoIterator<Item = Pointer>,
    ) -> Self {
        let mut rules = Self {
            stream,
            pointers: Vec::new(),
            id: None,
            time: None,
            user: None,
            checks: Vec::new(),
            is_telemetry: false,
        };
        rules.id = id.map(|pointer| rules.place(pointer));
        rules.time = time.map(|pointer| rules.place(pointer));
        rules.user = user.map(|pointer| rules.place(pointer));
        for pointer in required {
            rules.ask(pointer, Check::Required);
        }
        rules
    }

    /// The stream they are for.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Checks an event that was let in before: its facts are known, and what a built-in stream asks it was asked then.
    pub fn check_again(&self, member: &Bytes) -> Result<(), Fault> {
        let asks_more = self.checks.iter().any(|(_, check)| matches!(check, Check::Required));
        if self.is_telemetry || asks_more {
            return self.read(member).map(drop);
        }
        pick(utf8(member)?, &[]).map(drop)
    }

    /// Checks one event and reads from it what Weir must know. The whole of it is validated.
    pub fn read(&self, member: &Bytes) -> Result<Facts, Fault> {
        let text = utf8(member)?;
        if self.is_telemetry {
            let record = TelemetryRecord::read(text)?;
            return Ok(Facts { client_id: None, occurred_at: Some(record.created_at), user_id: record.user });
        }
        let values = pick(text, &self.pointers)?;
        for (place, check) in &self.checks {
            check.apply(&self.pointers[*place], values[*place])?;
        }
        let at = |place: Option<usize>| place.and_then(|p| values[p].map(|value| (&self.pointers[p], value)));
        Ok(Facts {
            client_id: at(self.id).map(|(pointer, value)| client_id(pointer, value)).transpose()?,
            occurred_at: at(self.time).map(|(pointer, value)| moment_of(name(pointer), value)).transpose()?,
            user_id: at(self.user).map(|(pointer, value)| word_of(name(pointer), value)).transpose()?,
        })
    }

    fn ask(&mut self, pointer: Pointer, check: Check) {
        let place = self.place(pointer);
        self.checks.push((place, check));
    }

    fn place(&mut self, pointer: Pointer) -> usize {
        self.pointers.iter().position(|known| *known == pointer).unwrap_or_else(|| {
            self.pointers.push(pointer);
            self.pointers.len() - 1
        })
    }
}

fn utf8(member: &[u8]) -> Result<&str, Fault> {
    simdutf8::basic::from_utf8(member).map_err(|_| Fault::new("invalid_utf8", "not UTF-8"))
}

impl Check {
    fn apply(self, pointer: &Pointer, value: Option<&RawValue>) -> Result<(), Fault> {
        match (self, value.map(|value| value.get())) {
            (Self::OptionalText, None) => Ok(()),
            (_, None) => Err(Fault::new("missing_member", format!("{} is required", name(pointer)))),
            (Self::Required, Some(_)) => Ok(()),
            (_, Some(text)) if !text.starts_with('"') => Err(Fault::new(
                "wrong_type",
                format!("{} must be a string, not {}", name(pointer), kind(text)),
            )),
            (Self::RequiredText, Some("\"\"")) => {
                Err(Fault::new("empty_member", format!("{} must not be empty", name(pointer))))
            }
            (_, Some(_)) => Ok(()),
        }
    }
}

fn events_stream() -> Stream {
    Stream::new("events").unwrap_or_else(|| unreachable!("a plain word is a stream's name"))
}

fn store_stream() -> Stream {
    Stream::new(STORE).unwrap_or_else(|| unreachable!("a plain word is a stream's name"))
}

fn pointer(member: &str) -> Pointer {
    Pointer::parse(&format!("/{member}")).unwrap_or_else(|| unreachable!("it begins with a slash"))
}

/// `page` for `/page`, and the pointer itself where it goes deeper.
fn name(pointer: &Pointer) -> &str {
    match &pointer.as_str()[1..] {
        deep if deep.contains(['/', '~']) => pointer.as_str(),
        member => member,
    }
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        _ => "a number",
    }
}

fn client_id(pointer: &Pointer, value: &RawValue) -> Result<Box<str>, Fault> {
    let id = word_of(name(pointer), value)?;
    match id.len() {
        0 => Err(Fault::new(
            "empty_member",
            format!("{} must not be empty; leave it out instead", name(pointer)),
        )),
        1..=CLIENT_ID_MAX_BYTES => Ok(id),
        size => Err(Fault::new(
            "too_long",
            format!("{} has {size} bytes; at most {CLIENT_ID_MAX_BYTES} are taken", name(pointer)),
        )),
    }
}

/// A string's text, or an integer's digits; `name` is the member it stands in.
pub(crate) fn word_of(name: &str, value: &RawValue) -> Result<Box<str>, Fault> {
    let text = value.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.into());
    }
    serde_json::from_str::<String>(text).map(String::into_boxed_str).map_err(|_| {
        Fault::new("wrong_type", format!("{name} must be a string or an integer, not {}", kind(text)))
    })
}

/// A moment, as clients write it; `name` is the member it stands in.
pub(crate) fn moment_of(name: &str, value: &RawValue) -> Result<Timestamp, Fault> {
    let text = value.get();
    let read = match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(text).ok().and_then(|text| written_moment(&text)),
        Some(b'-' | b'0'..=b'9') => text.parse().ok().and_then(Timestamp::from_number),
        _ => None,
    };
    read.ok_or_else(|| {
        let expected =
            "an RFC 3339 time with its offset, or a number of seconds, milliseconds or microseconds";
        Fault::new("invalid_time", format!("{name} must be {expected}"))
    })
}

/// A time as text. A number is taken there, too: CSV and forms have nothing but texts, and Protobuf's JSON writes large
/// integers so.
fn written_moment(text: &str) -> Option<Timestamp> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    match !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        true => text.parse().ok().and_then(Timestamp::from_number),
        false => Timestamp::parse(text),
    }
}
