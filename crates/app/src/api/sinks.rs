//! `/v1/sinks`: how sinks stand, and what a person may have them do.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, json};
use super::body::BodyError;
use super::entry::{Api, Call};
use super::json_body;
use super::problem::{Problem, ProblemDocument};
use super::query::Query;
use super::route::decoded;
use super::status::SinkStatus;
use crate::deliveries::TendError;

const CATALOG_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A page of sinks, by name.
#[derive(Serialize, ToSchema)]
pub struct SinksPage {
    /// The sinks, those taken out of the configuration included.
    items: Vec<SinkStatus>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// What a sink says of itself.
#[derive(Serialize, ToSchema)]
pub struct Checked<'a> {
    /// Its name.
    name: &'a str,
    /// Whether deliveries would succeed.
    ok: bool,
    /// What is wrong and what would mend it, such as the `ALTER TABLE` of a column that lacks; null where all is well.
    detail: Option<String>,
}

/// Whether a sink is paused now.
#[derive(Serialize, ToSchema)]
pub struct Paused<'a> {
    /// Its name.
    name: &'a str,
    /// Whether it is.
    paused: bool,
}

/// That it is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The sink's name, once more.
    confirm: Option<String>,
}

/// What was given up.
#[derive(Serialize, ToSchema)]
pub struct GivenUp<'a> {
    /// The sink's name.
    forgotten: &'a str,
    /// Events that it had not got.
    pending: u64,
    /// Dead letters of it.
    dead: u64,
}

/// Every sink with its account, by name; those taken out of the configuration are `removed`.
#[utoipa::path(
    get, path = "/v1/sinks", tag = "sinks",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = SinksPage),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub fn list(api: &Api, call: &Call<'_>) -> Answer {
    let query = Query::parse(call.head.uri.query())?.only(&["limit", "cursor"])?;
    let (limit, cursor) = (query.limit()?, query.get("cursor"));
    let after = |name: &str| cursor.is_none_or(|cursor| name > cursor);
    let snapshot = api.surroundings.ledger.snapshot();
    let main = snapshot.sinks.into_iter().filter(|standing| standing.lane.is_empty());
    let mut items = main.filter(|standing| after(&standing.sink.0));
    let page: Vec<_> = items.by_ref().take(limit).collect();
    let last = page.last().map(|standing| standing.sink.to_string());
    let next = last.filter(|_| items.next().is_some());
    json(StatusCode::OK, &SinksPage { items: page.into_iter().map(SinkStatus::of).collect(), next })
}

/// Asks a sink whether deliveries would succeed: whether its store is reachable and has what it needs.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/check", tag = "sinks",
    params(("name" = String, Path, description = "The sink")),
    responses(
        (status = 200, description = "What it says, be it well or not", body = Checked),
        (status = 404, description = "No such sink", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is no longer configured, or of another role", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn check(api: &Api, sink: &str) -> Answer {
    let name = decoded(sink)?;
    let outcome = api.surroundings.deliveries.check(&name).await.map_err(|error| problem(&error))?;
    json(StatusCode::OK, &Checked { name: &name, ok: outcome.is_ok(), detail: outcome.err() })
}

/// Has a sink wait, also after a restart: its events stay pending, and the log keeps them. What is with the store
/// already is finished.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/pause", tag = "sinks",
    params(("name" = String, Path, description = "The sink")),
    responses(
        (status = 200, description = "It is paused", body = Paused),
        (status = 404, description = "No such sink", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is no longer configured, or of another role", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn pause(api: &Api, sink: &str) -> Answer {
    set_paused(api, sink, true).await
}

/// Has a paused sink go on where it stood.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/resume", tag = "sinks",
    params(("name" = String, Path, description = "The sink")),
    responses(
        (status = 200, description = "It goes on", body = Paused),
        (status = 404, description = "No such sink", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is no longer configured, or of another role", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn resume(api: &Api, sink: &str) -> Answer {
    set_paused(api, sink, false).await
}

async fn set_paused(api: &Api, sink: &str, paused: bool) -> Answer {
    let name = decoded(sink)?;
    api.surroundings.deliveries.pause(&name, paused).await.map_err(|error| problem(&error))?;
    json(StatusCode::OK, &Paused { name: &name, paused })
}

/// Gives up a sink that was taken out of the configuration: its account, what is pending for it, and its dead letters.
/// From then on it holds the log no longer. Without `confirm`, nothing is done, and the answer says what would be lost.
#[utoipa::path(
    post, path = "/v1/sinks/{name}/forget", tag = "sinks",
    params(("name" = String, Path, description = "The sink")),
    request_body = Confirmation,
    responses(
        (status = 200, description = "It is forgotten", body = GivenUp),
        (status = 404, description = "No such sink", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It is configured", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`confirm` is not its name; `pending` and `dead` say what would be lost", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn forget<B>(api: &Api, call: Call<'_>, sink: &str, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let name = decoded(sink)?;
    let Confirmation { confirm } = json_body::read(&api.bodies, &call, body).await?;
    let forgetting = api.surroundings.deliveries.forget(&name, confirm.as_deref().unwrap_or_default());
    let lost = forgetting.await.map_err(|error| problem(&error))?;
    json(StatusCode::OK, &GivenUp { forgotten: &name, pending: lost.pending, dead: lost.dead })
}

fn problem(error: &TendError) -> Problem {
    let detail = error.to_string();
    match error {
        TendError::Unknown(_) => Problem::not_found(detail),
        TendError::Removed(_) => Problem::new(StatusCode::CONFLICT, "sink-removed", detail),
        TendError::Elsewhere { .. } => Problem::new(StatusCode::CONFLICT, "sink-elsewhere", detail),
        TendError::Configured(_) => Problem::new(StatusCode::CONFLICT, "sink-configured", detail),
        TendError::Unconfirmed { lost, .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unconfirmed", detail)
                .with("pending", lost.pending)
                .with("dead", lost.dead)
        }
        TendError::Catalog(_) => Problem::unavailable("catalog", detail, CATALOG_RETRY_AFTER),
    }
}
