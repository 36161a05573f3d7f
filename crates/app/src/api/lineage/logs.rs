//! `GET /v1/traces/{id}/logs`: the log lines of a trace, one record a line.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use hyper::StatusCode;
use hyper::header::{HeaderValue, LINK};
use weir_core::lineage::{PageLimits, RecordChoice, RecordPlace, TelemetryRecord, Trace};

use super::{Lineage, store_problem};
use crate::api::answer::{Answer, of_type};
use crate::api::entry::{Api, Call};
use crate::api::own_records;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

/// A page ends at this size, about.
const PAGE_MAX_BYTES: usize = 4 << 20;
/// How often the store is asked for one page: a level that hardly any line has must not keep it busy for ever.
const STEPS_MAX: usize = 32;
/// More than any place has.
const CURSOR_MAX_BYTES: usize = 1_024;

/// Which lines are meant.
struct Wish {
    choice: RecordChoice,
    level: Option<String>,
    limit: usize,
}

/// The `LOG` records of a trace, by moment, one a line. Where there are more, the header `Link` names the next page.
#[utoipa::path(
    get, path = "/v1/traces/{id}/logs", tag = "lineage",
    params(
        ("id" = String, Path, description = "Its number, its UUID, or its senders' key, percent-encoded"),
        ("key" = Option<String>, Query, description = "Only those that go with this node"),
        ("level" = Option<String>, Query, description = "Only those of this level; large and small letters are one"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "Where the page begins, from the `Link` of the page before"),
    ),
    responses(
        (
            status = 200, description = "The lines; there may be fewer than wanted, or none, although there are more pages",
            body = String, content_type = "application/x-ndjson",
            headers(("Link" = String, description = "The next page, as `<…>; rel=\"next\"`; absent on the last one")),
        ),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No record of the trace, or none of it that names the node, has come", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn logs(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let lineage = Lineage::of(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["key", "level", "limit", "cursor"])?;
    let (limit, cursor) = (query.limit()?, query.get("cursor").map(place).transpose()?);
    let trace = lineage.trace_at(id).await?;
    let node = match query.get("key") {
        Some(key) => Some(lineage.node_of(&trace, key).await?.id),
        None => None,
    };
    let choice = RecordChoice { logs_only: true, node, ..RecordChoice::default() };
    let wish = Wish { choice, level: query.get("level").map(str::to_owned), limit };
    let (lines, next) = lineage.log_lines(&trace, &wish, cursor).await?;
    let mut body = own_records::lines(&lines).to_vec();
    if !body.is_empty() {
        body.push(b'\n');
    }
    let mut answer = of_type(StatusCode::OK, "application/x-ndjson", body);
    if let Some(next) = next {
        let link = link(call.head.uri.path(), &query, &next);
        let link = HeaderValue::from_str(&link).map_err(|error| Problem::internal(&error))?;
        answer.headers_mut().insert(LINK, link);
    }
    Ok(answer)
}

impl Lineage {
    async fn log_lines(
        &self,
        trace: &Trace,
        wish: &Wish,
        cursor: Option<RecordPlace>,
    ) -> Result<(Vec<TelemetryRecord>, Option<RecordPlace>), Problem> {
        let (mut lines, mut next) = (Vec::new(), cursor);
        for _ in 0..STEPS_MAX {
            let limits = PageLimits { max_records: wish.limit - lines.len(), max_bytes: PAGE_MAX_BYTES };
            let page = self.store.records(trace.id, wish.choice, next, limits).await;
            let page = page.map_err(|error| store_problem(&error))?;
            let is_whole = wish.level.is_none();
            lines.extend(page.records.into_iter().filter(|line| wish.takes(line)));
            next = page.next;
            if next.is_none() || is_whole || lines.len() == wish.limit {
                break;
            }
        }
        Ok((lines, next))
    }
}

impl Wish {
    fn takes(&self, line: &TelemetryRecord) -> bool {
        let level = line.attr_text("level");
        let is_it = |wanted: &String| level.is_some_and(|level| level.eq_ignore_ascii_case(wanted));
        self.level.as_ref().is_none_or(is_it)
    }
}

fn place(cursor: &str) -> Result<RecordPlace, Problem> {
    let not_ours = || Problem::bad_request("bad-query", "cursor is not one of ours");
    let place = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| not_ours())?;
    (place.len() <= CURSOR_MAX_BYTES).then_some(place).ok_or_else(not_ours)
}

/// The same question, from there on.
fn link(path: &str, query: &Query, next: &RecordPlace) -> String {
    let mut pairs = Serializer::new(String::new());
    for name in ["key", "level", "limit"] {
        if let Some(value) = query.get(name) {
            pairs.append_pair(name, value);
        }
    }
    pairs.append_pair("cursor", &URL_SAFE_NO_PAD.encode(next));
    format!("<{path}?{}>; rel=\"next\"", pairs.finish())
}
