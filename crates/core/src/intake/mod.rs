//! Taking events in: decode, check, name, append, and only then answer.
//!
//! **Constraints.** An event is acknowledged only after the log has it. A bad event never spoils its neighbours,
//! unless the client asked for all or nothing.

mod brought;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

pub use rules::{CLIENT_ID_MAX_BYTES, Facts, StreamRules};
pub(crate) use rules::{moment_of, word_of};
pub use shape::Shape;

use crate::event::{Event, EventId, Origin, Stream};
pub use crate::formats::EVENTS_PER_REQUEST_MAX;
use crate::formats::{self, BodyFormat, Fault, Malformed, Members, SplitError, TRANSLATED_MAX_BYTES};
use crate::log::{Append, Entry, LogError, Span};
use crate::observe::Observer;
use crate::time::Timestamp;
use crate::world::{Clock, Random};

/// What a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The stream it is for; one of the intake's.
    pub stream: &'a Stream,
    /// What the client says its body is.
    pub format: BodyFormat,
    /// What its members are.
    pub shape: Shape<'a>,
    /// The body, unpacked.
    pub body: &'a Bytes,
    /// Who sent it, and from what.
    pub origin: &'a Origin,
    /// Repeated with the same key, the request has its effect once.
    pub idempotency_key: Option<&'a str>,
    /// All events or none.
    pub atomic: bool,
}

/// What became of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The ids of the accepted events, in the order they came.
    pub ids: Vec<EventId>,
    /// Those that were not accepted, by rising index.
    pub rejected: Vec<Rejection>,
    /// Where the accepted ones stand in the log; `None` where there are none.
    pub span: Option<Span>,
}

/// Why one event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its place among the events of the request, from 0.
    pub index: usize,
    /// A short word, stable.
    pub code: &'static str,
    /// What is wrong and what is expected.
    pub detail: String,
}

/// Nothing of a submission was accepted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IntakeError {
    /// The body is not what it should be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The body has no event in it.
    #[error("the body holds no event")]
    Empty,
    /// More events than one request may bring.
    #[error("the body holds {count} events; at most {max} are taken at once")]
    TooManyEvents {
        /// How many it holds.
        count: usize,
        /// How many are taken.
        max: usize,
    },
    /// The body is in another format, and would be too large as JSON.
    #[error("as JSON, the events have more than {TRANSLATED_MAX_BYTES} bytes; send fewer at a time")]
    TooLarge,
    /// No such stream is configured.
    #[error("there is no stream \"{0}\"; declare it as [streams.{0}]")]
    UnknownStream(Stream),
    /// The log could not take it.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl From<SplitError> for IntakeError {
    fn from(error: SplitError) -> Self {
        match error {
            SplitError::Malformed(malformed) => Self::Malformed(malformed),
            SplitError::TooManyEvents { count } => Self::TooManyEvents { count, max: EVENTS_PER_REQUEST_MAX },
            SplitError::TooLarge => Self::TooLarge,
        }
    }
}

/// The door: one for all inputs.
pub struct Intake {
    log: Arc<dyn Append>,
    streams: BTreeMap<Stream, StreamRules>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    observer: Arc<dyn Observer>,
}

impl Intake {
    /// A door to `log` for these streams.
    pub fn new(
        log: Arc<dyn Append>,
        streams: impl IntoIterator<Item = StreamRules>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let streams = streams.into_iter().map(|rules| (rules.stream().clone(), rules)).collect();
        Self { log, streams, clock, random, observer }
    }

    /// The stream of this name, if it is one of the intake's.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.keys().find(|stream| stream.as_str() == name)
    }

    /// Takes in what is good of the submission; returns when that is durable.
    pub async fn accept(&self, submission: Submission<'_>) -> Result<Outcome, IntakeError> {
        let unknown = || IntakeError::UnknownStream(submission.stream.clone());
        let rules = self.streams.get(submission.stream).ok_or_else(unknown)?;
        let members = formats::split(submission.body, submission.format)?;
        match members.len() {
            0 => return Err(IntakeError::Empty),
            count if count > EVENTS_PER_REQUEST_MAX => {
                return Err(IntakeError::TooManyEvents { count, max: EVENTS_PER_REQUEST_MAX });
            }
            _ => {}
        }
        let received_at = self.clock.now();
        let (mut events, rejected) = self.read(rules, members, received_at, &submission)?;
        if submission.atomic && !rejected.is_empty() {
            events.clear();
        }
        let span = if events.is_empty() {
            None
        } else {
            let Submission { stream, origin, .. } = submission;
            Some(self.log.append(Entry { stream, received_at, origin, events: &events }).await?)
        };
        self.report(submission.stream, &rejected);
        Ok(Outcome { ids: events.iter().map(|event| event.id).collect(), rejected, span })
    }

    fn read(
        &self,
        rules: &StreamRules,
        members: Members,
        received_at: Timestamp,
        submission: &Submission<'_>,
    ) -> Result<(Vec<Event>, Vec<Rejection>), IntakeError> {
        let mut events = Vec::with_capacity(members.len());
        let (mut rejected, mut made_bytes) = (Vec::new(), 0);
        let names = Names { submission, issued: IssuedIds::new(received_at, self.random.as_ref()) };
        for (index, member) in members.into_iter().enumerate() {
            let shaped = member.and_then(|member| submission.shape.event(member, received_at));
            if let (Ok(event), true) = (&shaped, submission.shape.makes_anew()) {
                made_bytes += event.len();
            }
            if made_bytes > TRANSLATED_MAX_BYTES {
                return Err(IntakeError::TooLarge);
            }
            match shaped.and_then(|body| Ok((rules.read(&body)?, body))) {
                Ok((facts, body)) => events.push(Event {
                    id: names.id(index, facts.client_id.as_deref()),
                    occurred_at: facts.occurred_at.unwrap_or(received_at),
                    client_id: facts.client_id,
                    user_id: facts.user_id,
                    body: on_one_line(body),
                }),
                Err(Fault { code, detail }) => rejected.push(Rejection { index, code, detail }),
            }
        }
        Ok((events, rejected))
    }

    fn report(&self, stream: &Stream, rejected: &[Rejection]) {
        for rejection in rejected {
            self.observer.rejected(stream, rejection.code, 1);
        }
    }
}

/// Line ends in valid JSON stand only between its parts; stores that take a line each must not see them.
pub(crate) fn on_one_line(body: Bytes) -> Bytes {
    match memchr::memchr2(b'\n', b'\r', &body) {
        None => body,
        Some(_) => body.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect(),
    }
}

/// What the events of one submission are called.
struct Names<'a> {
    submission: &'a Submission<'a>,
    issued: IssuedIds,
}

impl Names<'_> {
    fn id(&self, index: usize, client_id: Option<&str>) -> EventId {
        let Submission { stream, origin, idempotency_key, .. } = self.submission;
        match (client_id, idempotency_key) {
            (Some(name), _) => EventId::named(stream, &origin.credential, &format!("id:{name}")),
            (None, Some(key)) => EventId::named(stream, &origin.credential, &format!("key:{index}:{key}")),
            (None, None) => self.issued.nth(index),
        }
    }
}

/// Ids for events that bring none: UUIDs of version 7 (RFC 9562, section 5.7), counted up from one random place.
struct IssuedIds {
    millis: u64,
    upper: u16,
    lower: u64,
}

impl IssuedIds {
    fn new(at: Timestamp, random: &dyn Random) -> Self {
        let millis = (at.as_micros() / 1000).max(0).unsigned_abs();
        let upper = (random.next() >> 48) as u16;
        Self { millis, upper, lower: random.next() }
    }

    fn nth(&self, index: usize) -> EventId {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&self.millis.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(self.upper & 0x0FFF | 0x7000).to_be_bytes());
        let lower = self.lower.wrapping_add(index as u64) & (u64::MAX >> 2) | 1 << 63;
        bytes[8..].copy_from_slice(&lower.to_be_bytes());
        EventId(bytes)
    }
}
