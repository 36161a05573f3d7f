//! A dead letter, as it is written.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::catalog::DeadLetter;
use weir_core::log;

/// An event that a sink refused, or a message that an input could not read.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterForm<'a> {
    /// Its number, as text: it has more digits than a JavaScript number can hold.
    id: String,
    /// The sink that refused it; `input:NAME` for what that input could not read.
    sink: &'a str,
    /// The stream it came by.
    stream: &'a str,
    /// The event's id.
    event_id: Option<String>,
    /// A short word, for counting and filtering.
    reason: &'a str,
    /// The sink's own words.
    detail: &'a str,
    /// How often it was tried.
    attempts: u32,
    /// When it was first refused.
    first_at: String,
    /// When it was last refused.
    last_at: String,
    /// The event as it came; null where its bytes are gone or are no JSON.
    #[schema(value_type = Option<Object>)]
    event: Option<&'a RawValue>,
    /// The event's bytes as base64, where they are no JSON.
    bytes: Option<String>,
    /// Where a broker had it.
    source: Option<Source<'a>>,
}

/// Where a broker had a message.
#[derive(Serialize, ToSchema)]
struct Source<'a> {
    /// Topic, stream or queue.
    topic: &'a str,
    /// The partition.
    partition: i32,
    /// Its place there.
    offset: i64,
    /// Its key; bytes that are no text as base64, behind `base64:`, and so with headers.
    key: Option<&'a str>,
    /// Its headers, each a text; a list of texts where a name occurs more than once.
    #[schema(value_type = Object)]
    headers: BTreeMap<&'a str, Header<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Header<'a> {
    One(&'a str),
    Several(Vec<&'a str>),
}

impl<'a> Source<'a> {
    fn of(source: &'a log::Source) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &source.headers {
            by_name.entry(name).or_default().push(value);
        }
        let header = |values: Vec<&'a str>| match values[..] {
            [one] => Header::One(one),
            _ => Header::Several(values),
        };
        Self {
            topic: &source.topic,
            partition: source.partition,
            offset: source.offset,
            key: source.key.as_deref(),
            headers: by_name.into_iter().map(|(name, values)| (name, header(values))).collect(),
        }
    }
}

impl<'a> DeadLetterForm<'a> {
    /// The form of this letter.
    pub fn of(letter: &'a DeadLetter) -> Self {
        let body = letter.record.as_ref().map(|record| &record.event.body);
        let event = body.and_then(|body| serde_json::from_slice(body).ok());
        Self {
            id: letter.id.to_string(),
            sink: &letter.key.sink.0,
            stream: letter.stream.as_str(),
            event_id: letter.record.as_ref().map(|record| record.event.id.to_string()),
            reason: &letter.reason,
            detail: &letter.detail,
            attempts: letter.attempts,
            first_at: letter.first_at.to_string(),
            last_at: letter.last_at.to_string(),
            bytes: body.filter(|_| event.is_none()).map(|body| STANDARD.encode(body)),
            event,
            source: letter.source.as_ref().map(Source::of),
        }
    }
}
