//! `GET /v1/traces`, `GET /v1/traces/{id}`.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::lineage::{Trace, TraceFilter, TraceState};
use weir_core::time::Timestamp;

use super::trace_form::TraceForm;
use super::{Lineage, store_problem};
use crate::api::answer::{Answer, json};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

/// How often the store is asked for one page: a filter that takes hardly any trace must not keep it busy for ever.
const STEPS_MAX: usize = 16;

/// A page of traces, the newest first.
#[derive(Serialize, ToSchema)]
pub struct TracesPage<'a> {
    /// The traces; there may be fewer than wanted, or none, although there are more pages.
    items: Vec<TraceForm<'a>>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// Traces that match, the one that was last heard of for the first time first.
#[utoipa::path(
    get, path = "/v1/traces", tag = "lineage",
    params(
        ("user" = Option<String>, Query, description = "Of this user"),
        ("from" = Option<String>, Query, description = "With a record at or after"),
        ("to" = Option<String>, Query, description = "With a record before"),
        ("state" = Option<String>, Query, description = "open, ended or quiet"),
        ("has_drops" = Option<bool>, Query, description = "With a dropped file, or without any"),
        ("text" = Option<String>, Query, description = "With this text in their key or user"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = TracesPage),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Lineage is turned off", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(api: &Api, call: &Call<'_>) -> Answer {
    let lineage = Lineage::of(api)?;
    let known = ["user", "from", "to", "state", "has_drops", "text", "limit", "cursor"];
    let query = Query::parse(call.head.uri.query())?.only(&known)?;
    let cursor = query.cursor()?;
    let quiet_before = lineage.quiet_before(api.surroundings.clock.now());
    let filter = filter(&query, quiet_before)?;
    let (traces, next) = page(lineage, &filter, cursor, query.limit()?).await?;
    let items = traces.iter().map(|trace| TraceForm::of(trace, quiet_before)).collect();
    json(StatusCode::OK, &TracesPage { items, next: next.map(|next| next.to_string()) })
}

fn filter(query: &Query, quiet_before: Timestamp) -> Result<TraceFilter, Problem> {
    let state = query.get("state").map(|name| {
        let unknown = || Problem::bad_request("bad-query", "state must be open, ended or quiet");
        TraceState::parse(name).ok_or_else(unknown)
    });
    let has_drops = query.get("has_drops").map(|_| query.flag("has_drops"));
    let text = |name| query.get(name).map(str::to_owned);
    Ok(TraceFilter {
        user: text("user"),
        from: query.moment("from")?,
        to: query.moment("to")?,
        state: state.transpose()?.map(|state| (state, quiet_before)),
        has_drops: has_drops.transpose()?,
        text: text("text"),
    })
}

async fn page(
    lineage: &Lineage,
    filter: &TraceFilter,
    cursor: Option<i64>,
    limit: usize,
) -> Result<(Vec<Trace>, Option<i64>), Problem> {
    let (mut traces, mut next) = (Vec::new(), cursor);
    for _ in 0..STEPS_MAX {
        let page = lineage.store.traces(filter, next, limit - traces.len()).await;
        let page = page.map_err(|error| store_problem(&error))?;
        traces.extend(page.traces);
        next = page.next;
        if next.is_none() || traces.len() == limit {
            break;
        }
    }
    Ok((traces, next))
}

/// What is known of a trace: whose it is, how it stands, and what its files became.
#[utoipa::path(
    get, path = "/v1/traces/{id}", tag = "lineage",
    params(("id" = String, Path, description = "Its number, its UUID, or its senders' key, percent-encoded")),
    responses(
        (status = 200, description = "The trace", body = TraceForm),
        (status = 404, description = "No record of it has come", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn show(api: &Api, id: &str) -> Answer {
    let lineage = Lineage::of(api)?;
    let trace = lineage.trace_at(id).await?;
    json(StatusCode::OK, &TraceForm::of(&trace, lineage.quiet_before(api.surroundings.clock.now())))
}
