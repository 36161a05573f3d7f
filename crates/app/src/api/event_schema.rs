//! What the document says of an event. Events are checked by the core as they come; none is ever read into these.

#![expect(dead_code, reason = "they are told, not used")]

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::json_body::Moment;

/// One event, or an array of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Events)]
pub enum EventsBody {
    /// One.
    One(EventBody),
    /// Many.
    Many(Vec<EventBody>),
}

/// Text or an integer.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Name {
    /// Text.
    Text(String),
    /// An integer.
    Number(i64),
}

/// One event of the stream `events`. Further members are kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventBody {
    /// Where it happened.
    #[schema(min_length = 1)]
    page: String,
    /// What happened.
    #[schema(min_length = 1)]
    event: String,
    /// The event's own id: sent again under it, it is the same event.
    log_id: Option<Name>,
    /// What it was called.
    label: Option<String>,
    /// What it happened to.
    target: Option<String>,
    /// In which part of the page.
    section: Option<String>,
    /// Anything.
    param: Option<serde_json::Value>,
    /// When it happened.
    occurred_at: Option<Moment>,
    /// Whatever else is sent.
    #[serde(flatten)]
    extra: BTreeMap<String, serde_json::Value>,
}
