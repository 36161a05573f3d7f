//! A batch as messages.
//!
//! **Constraint.** The same batch makes the same messages, in order, whenever it is asked for.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use weir_core::event::Record;
use weir_core::line::Last;
use weir_core::sink::{Batch, Exception, Refusal, Verdict};
use weir_core::transit::{self, HEADERS_MAX};
use weir_kafka::rdkafka::message::{Header, OwnedHeaders};

use super::payload::{Arena, Payload};
use super::topic_name::topic_fault;
use crate::brokers::Template;
use crate::fields::refusal;
use crate::seen::Seen;

/// What librdkafka may add to a message's own bytes, at most; and to each of its headers.
const MESSAGE_OVERHEAD_BYTES: usize = 64;
const HEADER_OVERHEAD_BYTES: usize = 10;

/// How events become messages.
pub(super) struct Form {
    pub topic: Template,
    pub key: Option<Template>,
    pub payload: Payload,
    /// What is larger never goes on its way.
    pub message_max_bytes: usize,
}

/// One event on its way.
pub(super) struct Message {
    /// Its place in the batch.
    pub index: usize,
    pub topic: Arc<str>,
    pub key: Option<String>,
    pub headers: Headers,
    pub value: Bytes,
}

/// Headers in librdkafka's own form, made once.
#[derive(Default)]
pub(super) struct Headers {
    made: Option<OwnedHeaders>,
    bytes: usize,
}

/// What a batch comes to.
#[derive(Default)]
pub(super) struct Messages {
    pub messages: Vec<Message>,
    /// Events that stand in the batch already.
    pub repeats: u64,
    /// The events that can be no message.
    pub refused: Vec<Exception>,
}

/// What the events of a batch have in common, and where their lines are.
#[derive(Default)]
struct Like {
    topic: Option<Arc<str>>,
    last: Last,
    arena: Arena,
}

impl Form {
    pub fn messages(&self, batch: &Batch) -> Messages {
        let mut made = Messages::default();
        let mut seen = Seen::with_capacity(batch.records.len());
        let mut like = Like::default();
        for (index, record) in batch.records.iter().enumerate() {
            if !seen.is_first(record.event.id) {
                made.repeats += 1;
                continue;
            }
            match self.message(index, record, &mut like) {
                Ok(message) => made.messages.push(message),
                Err(refusal) => {
                    // Another of the same id may be better.
                    seen.forget(record.event.id);
                    made.refused.push(Exception { index, verdict: Verdict::Refused(refusal) });
                }
            }
        }
        made
    }

    fn message(&self, index: usize, record: &Record, like: &mut Like) -> Result<Message, Refusal> {
        let topic = self.topic(record)?;
        let topic = match &like.topic {
            Some(last) if **last == *topic => last.clone(),
            _ => like.topic.insert(Arc::from(topic)).clone(),
        };
        let key = match &self.key {
            Some(template) => template.fill(record).map_err(refusal)?.map(Cow::into_owned),
            None => None,
        };
        let written = self.payload.write(record, &mut like.last, &mut like.arena)?;
        let mut headers = Headers::default();
        transit::each_header(record, &mut like.last, |name, text| headers.add(name, text));
        headers.add("content-type", written.content_type);
        if let Some((name, text)) = written.further {
            headers.add(name, &text);
        }
        let message = Message { index, topic, key, headers, value: written.value };
        match message.bytes() {
            bytes if bytes > self.message_max_bytes => Err(self.too_large(bytes)),
            _ => Ok(message),
        }
    }

    fn topic<'a>(&'a self, record: &'a Record) -> Result<Cow<'a, str>, Refusal> {
        let refused = |detail: String| Refusal { reason: "no_topic".to_owned(), detail };
        let topic = self.topic.fill(record).map_err(refusal)?;
        let topic =
            topic.ok_or_else(|| refused("the event lacks what its topic is named after".to_owned()))?;
        match topic_fault(&topic) {
            Some(why) => {
                let shown: String = topic.chars().take(100).collect();
                Err(refused(format!("{shown:?} cannot be its topic: {why}")))
            }
            None => Ok(topic),
        }
    }

    fn too_large(&self, bytes: usize) -> Refusal {
        let limit = self.message_max_bytes;
        Refusal {
            reason: "message_too_large".to_owned(),
            detail: format!(
                "its message has {bytes} bytes, and kafka.\"message.max.bytes\" is {limit}; raise it, and the \
                 topic's max.message.bytes with it"
            ),
        }
    }
}

impl Message {
    /// No less than librdkafka counts, so that it does not refuse what was let through here.
    pub fn bytes(&self) -> usize {
        let key = self.key.as_ref().map_or(0, String::len);
        self.value.len() + key + self.headers.bytes + MESSAGE_OVERHEAD_BYTES
    }
}

impl Headers {
    pub fn add(&mut self, name: &str, text: &str) {
        self.bytes += name.len() + text.len() + HEADER_OVERHEAD_BYTES;
        let made = self.made.take().unwrap_or_else(|| OwnedHeaders::new_with_capacity(HEADERS_MAX + 2));
        self.made = Some(made.insert(Header { key: name, value: Some(text) }));
    }

    /// Gives them up.
    pub fn take(&mut self) -> OwnedHeaders {
        self.made.take().unwrap_or_default()
    }
}
