//! A dead letter, as it is written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use weir_core::catalog::DeadLetter;

/// An event that a sink refused.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterForm<'a> {
    /// Its number, as text: it has more digits than a JavaScript number can hold.
    id: String,
    /// The sink that refused it.
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
    source: Option<Source>,
}

/// Where a broker had a message.
#[derive(Serialize, ToSchema)]
struct Source {
    /// Topic, stream or queue.
    topic: String,
    /// The partition.
    partition: i32,
    /// Its place there.
    offset: i64,
    /// Its key.
    key: Option<String>,
    /// Its headers.
    #[schema(value_type = Object)]
    headers: serde_json::Map<String, serde_json::Value>,
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
            source: None,
        }
    }
}
