//! `GET /v1/files` and `/v1/groups/{group}/files`: which there are.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use weir_core::files::FileFilter;

use super::file_form::FileForm;
use super::{FileDesk, problem};
use crate::api::answer::{Answer, json};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::api::route::decoded;

/// A page of files, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct FilesPage<'a> {
    /// The files.
    items: Vec<FileForm<'a>>,
    /// Where the next page begins; null on the last one.
    next: Option<String>,
}

/// Versions of files that are kept, in the order in which they were stored.
#[utoipa::path(
    get, path = "/v1/files", tag = "files",
    params(
        ("key" = Option<String>, Query, description = "All versions of this key"),
        ("group" = Option<String>, Query, description = "Of this group"),
        ("user" = Option<String>, Query, description = "Of this user"),
        ("trace" = Option<String>, Query, description = "Of this trace"),
        ("from" = Option<String>, Query, description = "Stored at or after"),
        ("to" = Option<String>, Query, description = "Stored before"),
        ("ended" = Option<bool>, Query, description = "Those that were deleted or expired as well"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses(
        (status = 200, description = "A page", body = FilesPage),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(api: &Api, call: &Call<'_>) -> Answer {
    let known = ["key", "group", "user", "trace", "from", "to", "ended", "limit", "cursor"];
    let query = Query::parse(call.head.uri.query())?.only(&known)?;
    page(api, &query, filter(&query)?).await
}

/// The files that were stored with a group.
#[utoipa::path(
    get, path = "/v1/groups/{group}/files", tag = "files",
    params(
        ("group" = String, Path, description = "The group, percent-encoded"),
        ("limit" = Option<usize>, Query, description = "At most so many: 1 to 1000, default 100"),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before"),
    ),
    responses((status = 200, description = "A page", body = FilesPage))
)]
pub async fn group(api: &Api, call: &Call<'_>, group: &str) -> Answer {
    let query = Query::parse(call.head.uri.query())?.only(&["limit", "cursor"])?;
    let group = Some(decoded(group)?.as_ref().into());
    page(api, &query, FileFilter { group, ..FileFilter::default() }).await
}

fn filter(query: &Query) -> Result<FileFilter, Problem> {
    let text = |name| query.get(name).map(Into::into);
    Ok(FileFilter {
        key: text("key"),
        group: text("group"),
        user: text("user"),
        trace: text("trace"),
        stored_from: query.moment("from")?,
        stored_to: query.moment("to")?,
        with_ended: query.flag("ended")?,
    })
}

async fn page(api: &Api, query: &Query, filter: FileFilter) -> Answer {
    let desk = FileDesk::of(api)?;
    let page = desk.files.catalog().list(&filter, query.cursor()?, query.limit()?).await;
    let page = page.map_err(|error| problem(&error))?;
    let items = page.items.iter().map(FileForm::of).collect();
    json(StatusCode::OK, &FilesPage { items, next: page.next.map(|next| next.to_string()) })
}
