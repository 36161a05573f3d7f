//! `/v1/dead-letters`: what sinks refused, to be looked at, sent again, or thrown away.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_core::catalog::{CatalogError, DeadLetter, DeadLetterFilter};

use super::answer::{Answer, json, nothing};
use super::body::BodyError;
use super::dead_letter_form::DeadLetterForm;
use super::entry::{Api, Call};
use super::json_body::{self, Moment};
use super::problem::{Problem, ProblemDocument};
use super::query::Query;
use super::route::decoded;

/// How many are read from the catalog at once, so that large ones do not come in their thousands.
const PAGE_STEP: usize = 50;
/// An answer with this much in it ends there, and goes on at its cursor.
const PAGE_MAX_BYTES: usize = 4 * 1024 * 1024;
const CATALOG_RETRY_AFTER: Duration = Duration::from_secs(1);

/// A page of dead letters, the newest first.
#[derive(Serialize, ToSchema)]
pub struct Page<'a> {
    /// The letters.
    items: Vec<DeadLetterForm<'a>>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// Which dead letters are meant: every given member must hold; `{}` means all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Of this sink.
    sink: Option<String>,
    /// Of this stream.
    stream: Option<String>,
    /// For this reason.
    reason: Option<String>,
    /// Last refused at or after.
    from: Option<Moment>,
    /// Last refused before.
    to: Option<Moment>,
}

/// How many are sent again.
#[derive(Serialize, ToSchema)]
pub struct SentAgain {
    /// How many.
    resent: u64,
}

/// Dead letters that match, the newest first.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "dead letters",
    params(
        ("sink" = Option<String>, Query, description = "Of this sink"),
        ("stream" = Option<String>, Query, description = "Of this stream"),
        ("reason" = Option<String>, Query, description = "For this reason"),
        ("from" = Option<String>, Query, description = "Last refused at or after"),
        ("to" = Option<String>, Query, description = "Last refused before"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = Page),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(api: &Api, call: &Call<'_>) -> Answer {
    let known = ["sink", "stream", "reason", "from", "to", "limit", "cursor"];
    let query = Query::parse(call.head.uri.query())?.only(&known)?;
    let limit = query.limit()?;
    let cursor = query.cursor()?;
    let text = |name| query.get(name).map(str::to_owned);
    let filter = DeadLetterFilter {
        sink: text("sink"),
        stream: text("stream"),
        reason: text("reason"),
        from: query.moment("from")?,
        to: query.moment("to")?,
    };
    let (letters, more) = page(api, &filter, cursor, limit).await?;
    let next = letters.last().filter(|_| more).map(|letter| letter.id.to_string());
    json(StatusCode::OK, &Page { items: letters.iter().map(DeadLetterForm::of).collect(), next })
}

/// As many as wanted, or as fit, and whether there are more.
async fn page(
    api: &Api,
    filter: &DeadLetterFilter,
    mut before: Option<i64>,
    limit: usize,
) -> Result<(Vec<DeadLetter>, bool), Problem> {
    let mut letters: Vec<DeadLetter> = Vec::new();
    let mut size_bytes = 0;
    loop {
        // One more than wanted tells whether there is another page.
        let wanted = PAGE_STEP.min(limit + 1 - letters.len());
        let read = api
            .surroundings
            .catalog
            .dead_letters(filter, before, wanted)
            .await
            .map_err(|error| catalog_problem(&error))?;
        let is_last = read.len() < wanted;
        for letter in read {
            if letters.len() == limit || size_bytes > PAGE_MAX_BYTES {
                return Ok((letters, true));
            }
            size_bytes += letter.record.as_ref().map_or(0, |record| record.event.body.len());
            before = Some(letter.id);
            letters.push(letter);
        }
        if is_last {
            return Ok((letters, false));
        }
    }
}

/// One dead letter.
#[utoipa::path(
    get, path = "/v1/dead-letters/{id}", tag = "dead letters",
    params(("id" = String, Path, description = "Its number")),
    responses(
        (status = 200, description = "The letter", body = DeadLetterForm),
        (status = 404, description = "No such letter", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(api: &Api, id: &str) -> Answer {
    let letter = find(api, number(id)?).await?;
    json(StatusCode::OK, &DeadLetterForm::of(&letter))
}

/// Throws a dead letter away. Its event stays counted as dead.
#[utoipa::path(
    delete, path = "/v1/dead-letters/{id}", tag = "dead letters",
    params(("id" = String, Path, description = "Its number")),
    responses(
        (status = 204, description = "Gone"),
        (status = 404, description = "No such letter", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete(api: &Api, id: &str) -> Answer {
    match api
        .surroundings
        .catalog
        .delete_dead_letter(number(id)?)
        .await
        .map_err(|error| catalog_problem(&error))?
    {
        true => Ok(nothing()),
        false => Err(no_letter()),
    }
}

/// Sends a dead letter again, under the same event id.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/replay", tag = "dead letters",
    params(("id" = String, Path, description = "Its number")),
    responses(
        (status = 202, description = "On its way", body = SentAgain),
        (status = 404, description = "No such letter", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Its bytes are gone, or it is no sink's", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn replay_one(api: &Api, id: &str) -> Answer {
    let id = number(id)?;
    let letter = find(api, id).await?;
    if letter.source.is_some() {
        let detail =
            "an input could not read this message; no sink waits for it. Mend what sent it, and send it anew";
        return Err(Problem::new(StatusCode::CONFLICT, "unreadable", detail));
    }
    if letter.record.is_none() {
        let detail = "the event's bytes were lost to damage on disk; there is nothing to send";
        return Err(Problem::new(StatusCode::CONFLICT, "bytes-lost", detail));
    }
    let around = &api.surroundings;
    let resent = around
        .deliveries
        .resend(&DeadLetterFilter::default(), Some(id))
        .await
        .map_err(|error| catalog_problem(&error))?;
    match resent {
        0 => Err(no_letter()),
        resent => json(StatusCode::ACCEPTED, &SentAgain { resent }),
    }
}

/// Sends all dead letters again that match and still have their bytes.
#[utoipa::path(
    post, path = "/v1/dead-letters/replay", tag = "dead letters",
    request_body = Selection,
    responses(
        (status = 202, description = "On their way", body = SentAgain),
        (status = 400, description = "Not valid JSON", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "A member is unknown or wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn replay_matching<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let selection: Selection = json_body::read(&api.bodies, &call, body).await?;
    let filter = DeadLetterFilter {
        sink: selection.sink,
        stream: selection.stream,
        reason: selection.reason,
        from: selection.from.map(|moment| moment.read("from")).transpose()?,
        to: selection.to.map(|moment| moment.read("to")).transpose()?,
    };
    let resent =
        api.surroundings.deliveries.resend(&filter, None).await.map_err(|error| catalog_problem(&error))?;
    json(StatusCode::ACCEPTED, &SentAgain { resent })
}

async fn find(api: &Api, id: i64) -> Result<DeadLetter, Problem> {
    api.surroundings
        .catalog
        .dead_letter(id)
        .await
        .map_err(|error| catalog_problem(&error))?
        .ok_or_else(no_letter)
}

fn number(id: &str) -> Result<i64, Problem> {
    decoded(id)?.parse().map_err(|_| no_letter())
}

fn no_letter() -> Problem {
    Problem::not_found("there is no dead letter of this number; it may be on its way to its sink again")
}

fn catalog_problem(error: &CatalogError) -> Problem {
    match error {
        CatalogError::Retry(_) => Problem::unavailable("catalog", error.to_string(), CATALOG_RETRY_AFTER),
        CatalogError::Broken(_) => Problem::internal(error),
    }
}
