//! `GET /v1/exports/telemetry`: records, to be taken away.

use super::manifest::{self, Manifest};
use super::options::{bad, coding, part_max_bytes};
use super::{exports, problem};
use crate::api::answer::Answer;
use crate::api::entry::{Api, Call};
use crate::api::lineage::Lineage;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::exports::{Contents, Order, TelemetryChoice};

/// Begins an export of records: of a trace, of everything up- and downstream of a file, of a period, or of all. Answers its
/// first parts; the others by `next`.
#[utoipa::path(
    get, path = "/v1/exports/telemetry", tag = "exports",
    params(
        ("trace" = Option<String>, Query, description = "All of this trace: its number, its UUID, or its senders' key"),
        ("file" = Option<String>, Query, description = "All of everything up- and downstream of this key, in every trace that has it"),
        ("from" = Option<String>, Query, description = "What happened at or after"),
        ("to" = Option<String>, Query, description = "What happened before"),
        ("part_max_bytes" = Option<String>, Query, description = "Bytes of one part at most: 1KiB to 1GiB, default 64MiB. A record that alone is larger is a part of its own"),
        ("coding" = Option<String>, Query, description = "zstd, which is the default, or gzip"),
    ),
    responses(
        (status = 200, description = "Its first parts", body = Manifest),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such trace, and no record that names the file", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "There is no room for its parts", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn telemetry(api: &Api, call: &Call<'_>) -> Answer {
    let exports = exports(api)?;
    let known = ["trace", "file", "from", "to", "part_max_bytes", "coding"];
    let query = Query::parse(call.head.uri.query())?.only(&known)?;
    let (part_max_bytes, coding) = (part_max_bytes(&query)?, coding(&query)?);
    let contents = Contents::Telemetry(choice(api, &query).await?);
    let order = Order { contents, part_max_bytes, coding };
    let id = exports.begin(order).await.map_err(|error| problem(&error))?;
    manifest::answer(api, &id, 0).await
}

async fn choice(api: &Api, query: &Query) -> Result<TelemetryChoice, Problem> {
    let lineage = Lineage::of(api)?;
    let (from, to) = (query.moment("from")?, query.moment("to")?);
    let is_period = from.is_some() || to.is_some();
    match (query.get("trace"), query.get("file")) {
        (Some(_), Some(_)) => {
            Err(bad("file", "cannot stand beside \"trace\": an export is of one or the other"))
        }
        (Some(_), None) if is_period => Err(bad("trace", "cannot stand beside a period")),
        (None, Some(_)) if is_period => Err(bad("file", "cannot stand beside a period")),
        (Some(trace), None) => Ok(TelemetryChoice::Trace(lineage.trace(trace).await?.id)),
        (None, Some(file)) => {
            lineage.check_known(file).await?;
            Ok(TelemetryChoice::File(file.into()))
        }
        (None, None) if from.is_some() && to.is_some() && from >= to => {
            Err(bad("from", "must be before \"to\""))
        }
        (None, None) => Ok(TelemetryChoice::Period { from, to }),
    }
}
