//! `GET /v1/exports/{id}`: the parts of an export, as they are made.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{exports, named, problem};
use crate::api::answer::{Answer, json};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::exports::{ExportId, Page, PartFacts};

/// Parts of an export.
#[derive(Serialize, ToSchema)]
pub struct Manifest {
    /// Those that are made by now; there may be none although there are more.
    parts: Vec<PartForm>,
    /// The address that goes on; null where the export is whole.
    next: Option<String>,
}

/// A part, which can be had and checked by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportPart)]
struct PartForm {
    /// The name of its file.
    name: String,
    /// Its size.
    bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    sha256: String,
    /// Its address.
    url: String,
}

/// The parts of an export that has begun, after those that the client has. Waits a few seconds for more to be made.
#[utoipa::path(
    get, path = "/v1/exports/{id}", tag = "exports",
    params(
        ("id" = String, Path, description = "The export, as the `next` of its manifest has it"),
        ("after" = Option<u32>, Query, description = "The last part that the client has: it may make room for others. Default 0"),
    ),
    responses(
        (status = 200, description = "Its parts", body = Manifest),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such export, or no longer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "There is no room for its parts", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn manifest(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let query = Query::parse(call.head.uri.query())?.only(&["after"])?;
    let after = query.count("after")?.unwrap_or(0);
    let after = u32::try_from(after).map_err(|_| Problem::not_found("no export has so many parts"))?;
    answer(api, &named(id)?, after).await
}

/// The manifest of an export from one of its parts on.
pub(super) async fn answer(api: &Api, id: &ExportId, after: u32) -> Answer {
    let page = exports(api)?.page(id, after).await.map_err(|error| problem(&error))?;
    json(StatusCode::OK, &Manifest::of(id, page))
}

impl Manifest {
    fn of(id: &ExportId, Page { parts, next }: Page) -> Self {
        let form = |PartFacts { name, bytes, sha256, .. }: PartFacts| PartForm {
            url: format!("/v1/exports/{id}/{name}"),
            name,
            bytes,
            sha256,
        };
        Self {
            parts: parts.into_iter().map(form).collect(),
            next: next.map(|after| format!("/v1/exports/{id}?after={after}")),
        }
    }
}
