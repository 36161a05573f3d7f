//! `GET /v1/schemas`: the event types that are in force.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::schema::EventType;

use super::answer::{Answer, json};
use super::entry::{Api, Call};
use super::problem::ProblemDocument;
use super::query::Query;

/// A page of event types, by full name.
#[derive(Serialize, ToSchema)]
pub struct SchemasPage {
    /// The event types.
    items: Vec<EventTypeForm>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
    /// Why a newer version of the files is not in force; null where there is none.
    trouble: Option<String>,
}

/// An event type.
#[derive(Serialize, ToSchema)]
#[schema(as = EventType)]
pub struct EventTypeForm {
    /// What `event_name` says: the simple name, or the full one where two packages have it.
    pub name: String,
    /// The name with its package.
    pub full_name: String,
    /// The package.
    pub package: String,
    /// The file, from the registry's folder.
    pub file: String,
    /// Its fields, by number.
    pub fields: Vec<FieldForm>,
}

/// A field of an event type.
#[derive(Serialize, ToSchema)]
#[schema(as = EventTypeField)]
pub struct FieldForm {
    /// On the wire.
    pub number: u32,
    /// In the file.
    pub name: String,
    /// In JSON.
    pub json_name: String,
    /// As the file has it: `optional int64`, `repeated events.Item`, `map<string, bool>`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl EventTypeForm {
    /// As it is shown.
    pub fn of(event_type: &EventType) -> Self {
        let field = |field: weir_core::schema::FieldOutline| FieldForm {
            number: field.number,
            name: field.name,
            json_name: field.json_name,
            kind: field.kind,
        };
        Self {
            name: event_type.name().to_owned(),
            full_name: event_type.full_name().to_owned(),
            package: event_type.package().to_owned(),
            file: event_type.file(),
            fields: event_type.fields().into_iter().map(field).collect(),
        }
    }
}

/// The event types that `/store` takes, by full name.
#[utoipa::path(
    get, path = "/v1/schemas", tag = "operation",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = SchemasPage),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub fn list(api: &Api, call: &Call<'_>) -> Answer {
    let query = Query::parse(call.head.uri.query())?.only(&["limit", "cursor"])?;
    let (limit, cursor) = (query.limit()?, query.get("cursor"));
    let schemas = &api.surroundings.schemas;
    let registry = schemas.get();
    let after = |name: &str| cursor.is_none_or(|cursor| name > cursor);
    let mut types = registry.event_types().filter(|event_type| after(event_type.full_name()));
    let items: Vec<_> = types.by_ref().take(limit).map(EventTypeForm::of).collect();
    let last = items.last().map(|event_type| event_type.full_name.clone());
    let next = last.filter(|_| types.next().is_some());
    json(StatusCode::OK, &SchemasPage { items, next, trouble: schemas.trouble() })
}
