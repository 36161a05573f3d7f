//! `GET /v1/exports/all`: everything, to be taken away.

use super::files::all_files;
use super::manifest::{self, Manifest};
use super::options::{coding, files_part_max_bytes};
use super::{exports, problem};
use crate::api::answer::Answer;
use crate::api::entry::{Api, Call};
use crate::api::problem::ProblemDocument;
use crate::api::query::Query;
use crate::exports::{Contents, Order};

/// Begins an export of all records and all stored files. Answers its first parts; the others by `next`.
///
/// Parts of records come first, then parts of files.
#[utoipa::path(
    get, path = "/v1/exports/all", tag = "exports",
    params(
        ("part_max_bytes" = Option<String>, Query, description = "Bytes of one part at most: 64KiB to 1GiB, default 64MiB"),
        ("coding" = Option<String>, Query, description = "How records are packed: zstd, which is the default, or gzip"),
    ),
    responses(
        (status = 200, description = "Its first parts", body = Manifest),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "There is no room for its parts", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn all(api: &Api, call: &Call<'_>) -> Answer {
    let exports = exports(api)?;
    let query = Query::parse(call.head.uri.query())?.only(&["part_max_bytes", "coding"])?;
    let (part_max_bytes, coding) = (files_part_max_bytes(&query)?, coding(&query)?);
    let order = Order { contents: Contents::All(all_files(api).await?), part_max_bytes, coding };
    let id = exports.begin(order).await.map_err(|error| problem(&error))?;
    manifest::answer(api, &id, 0).await
}
