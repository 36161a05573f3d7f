//! A broker's message, whoever sent it, and the events in it.
//!
//! **Constraints.** The same message always gives the same events under the same ids, whichever instance reads it, and
//! however often. One bad line spoils no other. What holds no event is told with all that is needed to find it.

mod protobuf;
mod source;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{Event, EventId, Offset, Origin, Record, Stream};
use crate::formats::{Fault, json};
use crate::intake::{EVENTS_PER_REQUEST_MAX, StreamRules, on_one_line};
use crate::log::{Source, Unreadable};
use crate::pieces::Pieces;
use crate::schema::{CurrentRegistry, STORE};
use crate::sink::Refusal;
use crate::time::Timestamp;
use crate::transit::{self, Arrival, TransitError};

/// What a message's value is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueFormat {
    /// One JSON object.
    #[default]
    Json,
    /// One JSON object a line.
    Lines,
    /// One Protobuf message of the registry: the event is its JSON, as `/store` makes it.
    Protobuf,
    /// Anything: the event is an object with the value as its member `value`, or, where that is no text, as `base64`.
    Raw,
}

/// A message as its broker gives it.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Topic, stream or queue.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// Its place there.
    pub offset: Offset,
    /// When it was sent or came to the broker, as the topic has it.
    pub at: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Vec<(&'a str, Option<&'a [u8]>)>,
    /// Its value; `None` is null. What is kept of it is copied.
    pub value: Option<&'a [u8]>,
}

/// The events in a message, and what in it is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The events.
    pub records: Vec<Record>,
    /// The rest.
    pub unreadable: Vec<Unreadable>,
}

impl Content {
    /// Adds what comes behind it.
    pub fn append(&mut self, Self { records, unreadable }: Self) {
        self.records.extend(records);
        self.unreadable.extend(unreadable);
    }
}

/// Finds the events in the messages of one input.
#[derive(Clone, Debug)]
pub struct MessageReader {
    /// What the broker is, as it stands in credentials: `kafka`.
    pub kind: &'static str,
    /// The stream that all are of; without it, what their headers say, or `events`, or `store` for Protobuf.
    pub stream: Option<Stream>,
    /// What values are.
    pub format: ValueFormat,
    /// The messages that Protobuf can be.
    pub schemas: CurrentRegistry,
    /// Of which type Protobuf is; without it, what the header `event_name` says, or the key.
    pub message: Option<String>,
    /// What streams ask of their events; others ask only that an event be a JSON object.
    pub rules: BTreeMap<Stream, StreamRules>,
    /// The longest value that is looked into.
    pub value_max_bytes: usize,
}

/// What is kept of the message before, by whoever reads one after the other: it saves work, and changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Before {
    credential: String,
    transit: transit::Before,
    pieces: Pieces,
}

impl MessageReader {
    /// The events in the message.
    pub fn read(&self, message: &Message<'_>) -> Content {
        let mut content = Content::default();
        self.read_on(message, &mut Before::default(), &mut content);
        content
    }

    /// Adds the events in the message to `content`.
    pub fn read_on(&self, message: &Message<'_>, before: &mut Before, content: &mut Content) {
        let headers = message.headers.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let Before { credential, transit, pieces } = before.of(self.kind, message.topic);
        let arrival = Arrival::read(headers, credential, transit);
        let stream = self.stream_of(message, arrival.as_ref().ok().and_then(Option::as_ref));
        let reading = Reading { reader: self, message, stream: &stream, credential };
        let read = match (self.value(message), arrival) {
            (Err(fault), _) => Err(fault),
            (Ok(_), Err(error)) => Err(Fault::new("broken_headers", error.to_string())),
            (Ok(value), Ok(Some(arrival))) => {
                reading.ours(arrival, value, pieces).map(|record| content.records.push(record))
            }
            (Ok(value), Ok(None)) => reading.anybodys(value, pieces, content),
        };
        if let Err(fault) = read {
            content.unreadable.push(reading.unreadable(fault, None, message.value));
        }
    }

    fn value<'a>(&self, message: &Message<'a>) -> Result<&'a [u8], Fault> {
        match message.value {
            None => Err(Fault::new(
                "null_value",
                "the value is null, which deletes its key from a compacted topic",
            )),
            Some(value) if value.len() > self.value_max_bytes => Err(Fault::new(
                "too_large",
                format!("the value has {} bytes; at most {} are taken", value.len(), self.value_max_bytes),
            )),
            Some(value) => Ok(value),
        }
    }

    fn stream_of(&self, message: &Message<'_>, arrival: Option<&Arrival>) -> Stream {
        let said = || arrival.map(|arrival| arrival.stream().clone()).or_else(|| named(message));
        self.stream.clone().or_else(said).unwrap_or_else(|| self.stream_unsaid())
    }

    /// The stream of what does not say which it is of.
    pub fn stream_unsaid(&self) -> Stream {
        let name = if self.format == ValueFormat::Protobuf { STORE } else { "events" };
        let built_in = || Stream::new(name).unwrap_or_else(|| unreachable!("it is a plain word"));
        self.stream.clone().unwrap_or_else(built_in)
    }
}

impl Before {
    /// With the credential of whoever let it in, which is the topic. It is not this input, so that another one that reads
    /// the same topic gives the same ids.
    fn of(&mut self, kind: &str, topic: &str) -> &mut Self {
        let known = self.credential.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':'));
        if known != Some(topic) {
            self.credential = format!("{kind}:{topic}");
        }
        self
    }
}

/// What a header of somebody else's message says of its stream.
fn named(message: &Message<'_>) -> Option<Stream> {
    let (_, value) = message.headers.iter().rev().find(|(name, _)| *name == "stream")?;
    Stream::new(std::str::from_utf8((*value)?).ok()?)
}

/// One message on its way.
struct Reading<'a> {
    reader: &'a MessageReader,
    message: &'a Message<'a>,
    stream: &'a Stream,
    credential: &'a str,
}

impl Reading<'_> {
    /// A message that Weir itself has sent: the event is what it was.
    fn ours(&self, arrival: Arrival, value: &[u8], pieces: &mut Pieces) -> Result<Record, Fault> {
        let broken = |error: TransitError| Fault::new("broken_headers", error.to_string());
        let value = match protobuf::is_told(self.message) {
            true => Cow::Owned(self.reader.event_of_wire(self.message, value)?.into()),
            false => Cow::Borrowed(value),
        };
        let mut record = arrival.record(self.message.offset, &value, pieces).map_err(broken)?;
        self.rules().check_again(&record.event.body)?;
        record.stream = self.stream.clone();
        Ok(record)
    }

    fn anybodys(&self, value: &[u8], pieces: &mut Pieces, content: &mut Content) -> Result<(), Fault> {
        let bodies = match self.reader.format {
            ValueFormat::Json => vec![pieces.keep([trimmed(value), b""])],
            ValueFormat::Lines => lines(&pieces.keep([trimmed(value), b""]))?,
            ValueFormat::Protobuf => {
                content.records.push(self.wire(value)?);
                return Ok(());
            }
            ValueFormat::Raw => {
                content.records.push(self.raw(value));
                return Ok(());
            }
        };
        let (is_alone, origin) = (bodies.len() == 1, Arc::new(self.origin()));
        for (index, body) in bodies.into_iter().enumerate() {
            let place = if is_alone { None } else { Some(index) };
            match self.event(body.clone(), place) {
                Ok(event) => content.records.push(self.record(event, origin.clone())),
                Err(fault) => content.unreadable.push(self.unreadable(fault, place, Some(&body))),
            }
        }
        Ok(())
    }

    fn event(&self, body: Bytes, index: Option<usize>) -> Result<Event, Fault> {
        let facts = self.rules().read(&body)?;
        let id = match facts.client_id.as_deref() {
            Some(name) => EventId::named(self.stream, self.credential, &format!("id:{name}")),
            None => self.id_by_place(index),
        };
        Ok(Event {
            id,
            occurred_at: facts.occurred_at.unwrap_or(self.message.at),
            client_id: facts.client_id,
            user_id: facts.user_id,
            body: on_one_line(body),
        })
    }

    /// Offsets begin again where a topic is made anew, so the message's time is part of the name.
    fn id_by_place(&self, index: Option<usize>) -> EventId {
        let Message { partition, offset, at, .. } = self.message;
        let index = index.map(|index| format!("/{index}")).unwrap_or_default();
        let name = format!("at:{partition}/{offset}{index}@{}", at.as_micros());
        EventId::named(self.stream, self.credential, &name)
    }

    /// What is kept of one that is none is what was sent.
    fn wire(&self, value: &[u8]) -> Result<Record, Fault> {
        let event = self.event(self.reader.event_of_wire(self.message, value)?, None)?;
        Ok(self.record(event, Arc::new(self.origin())))
    }

    /// Whatever it is, it is an event; no rule is asked, as nobody has said anything in JSON.
    fn raw(&self, value: &[u8]) -> Record {
        let (name, text) = match std::str::from_utf8(value) {
            Ok(text) => ("value", Cow::Borrowed(text)),
            Err(_) => ("base64", Cow::Owned(source::base64(value))),
        };
        let body = serde_json::json!({ name: text }).to_string().into();
        let (occurred_at, id) = (self.message.at, self.id_by_place(None));
        let event = Event { id, occurred_at, client_id: None, user_id: None, body };
        self.record(event, Arc::new(self.origin()))
    }

    fn record(&self, event: Event, origin: Arc<Origin>) -> Record {
        let (offset, received_at) = (self.message.offset, self.message.at);
        Record { offset, stream: self.stream.clone(), received_at, origin, event }
    }

    fn origin(&self) -> Origin {
        Origin { credential: self.credential.to_owned(), ..Origin::default() }
    }

    fn rules(&self) -> Cow<'_, StreamRules> {
        match self.reader.rules.get(self.stream) {
            Some(rules) => Cow::Borrowed(rules),
            None => Cow::Owned(StreamRules::configured(self.stream.clone(), None, None, None, [])),
        }
    }

    fn unreadable(&self, fault: Fault, index: Option<usize>, bytes: Option<&[u8]>) -> Unreadable {
        let Message { topic, partition, offset, .. } = self.message;
        let kept = bytes.filter(|bytes| bytes.len() <= self.reader.value_max_bytes);
        let record = kept.map(|body| {
            let (id, occurred_at) = (self.id_by_place(index), self.message.at);
            let body = Bytes::copy_from_slice(body);
            let event = Event { id, occurred_at, client_id: None, user_id: None, body };
            self.record(event, Arc::new(self.origin()))
        });
        let source = Source {
            topic: (*topic).to_owned(),
            partition: *partition,
            offset: offset.0.cast_signed(),
            key: self.message.key.map(source::text),
            headers: source::headers(&self.message.headers),
        };
        let refusal = Refusal { reason: fault.code.to_owned(), detail: fault.detail };
        Unreadable { offset: *offset, stream: self.stream.clone(), record, refusal, source }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn trimmed(value: &[u8]) -> &[u8] {
    value.strip_prefix(BYTE_ORDER_MARK).unwrap_or(value).trim_ascii()
}

fn lines(value: &Bytes) -> Result<Vec<Bytes>, Fault> {
    let lines: Vec<Bytes> = json::split_lines(value).into_iter().collect::<Result<_, _>>()?;
    match lines.len() {
        0 => Err(Fault::new("no_event", "the value has no line with an event in it")),
        count if count > EVENTS_PER_REQUEST_MAX => Err(Fault::new(
            "too_many_events",
            format!("the value has {count} lines; at most {EVENTS_PER_REQUEST_MAX} are taken"),
        )),
        _ => Ok(lines),
    }
}
