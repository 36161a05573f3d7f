//! `GET /v1/exports/files`: stored files, to be taken away.

use std::time::Duration;

use weir_core::files::{FileCatalog, FileFilter};
use weir_core::time::Timestamp;

use super::manifest::{self, Manifest};
use super::options::{bad, files_part_max_bytes};
use super::{exports, problem};
use crate::api::answer::Answer;
use crate::api::entry::{Api, Call};
use crate::api::files::FileDesk;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;
use crate::exports::{Coding, Contents, ExportError, FilesChoice, Order};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Begins an export of stored files: of those of a day, of a group, or of all. Answers its first parts; the others by `next`.
///
/// Each part is a `tar.gz` of its own, and ends with a list of what is in it.
#[utoipa::path(
    get, path = "/v1/exports/files", tag = "exports",
    params(
        ("day" = Option<String>, Query, description = "Stored on this day, in UTC: 2026-11-20"),
        ("group" = Option<String>, Query, description = "Stored with this group"),
        ("part_max_bytes" = Option<String>, Query, description = "Bytes of one part at most: 64KiB to 1GiB, default 64MiB. A file that alone is larger comes in pieces"),
    ),
    responses(
        (status = 200, description = "Its first parts", body = Manifest),
        (status = 400, description = "A parameter is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No file of this group is kept", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "There is no room for its parts", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn files(api: &Api, call: &Call<'_>) -> Answer {
    let exports = exports(api)?;
    let catalog = FileDesk::of(api)?.catalog();
    let query = Query::parse(call.head.uri.query())?.only(&["day", "group", "part_max_bytes"])?;
    let part_max_bytes = files_part_max_bytes(&query)?;
    let (group, period) = match (query.get("group"), query.get("day")) {
        (Some(_), Some(_)) => {
            return Err(bad("group", "cannot stand beside \"day\": an export is of one or the other"));
        }
        (Some(group), None) => {
            check_known(catalog, group).await?;
            (Some(group.into()), (None, None))
        }
        (None, Some(day)) => (None, period_of(day)?),
        (None, None) => (None, (None, None)),
    };
    let choice = FilesChoice::now(catalog, api.surroundings.clock.now(), group, period).await;
    let contents = Contents::Files(choice.map_err(|error| problem(&error))?);
    let order = Order { contents, part_max_bytes, coding: Coding::Gzip };
    let id = exports.begin(order).await.map_err(|error| problem(&error))?;
    manifest::answer(api, &id, 0).await
}

/// All files that are kept now; nothing where none are kept here.
pub(super) async fn all_files(api: &Api) -> Result<Option<FilesChoice>, Problem> {
    let Ok(desk) = FileDesk::of(api) else { return Ok(None) };
    let choice = FilesChoice::now(desk.catalog(), api.surroundings.clock.now(), None, (None, None)).await;
    choice.map(Some).map_err(|error| problem(&error))
}

async fn check_known(catalog: &dyn FileCatalog, group: &str) -> Result<(), Problem> {
    let filter = FileFilter { group: Some(group.into()), ..FileFilter::default() };
    let found = catalog.list(&filter, None, 1).await;
    match found.map_err(|error| problem(&ExportError::from(error)))?.items.is_empty() {
        true => Err(Problem::not_found(format!("no file of the group {group:?} is kept"))),
        false => Ok(()),
    }
}

/// From the first moment of a day to that of the next.
fn period_of(day: &str) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let first = (day.len() == "2026-11-20".len()).then(|| Timestamp::parse(&format!("{day}T00:00:00Z")));
    let first = first.flatten().ok_or_else(|| bad("day", "must be a day, as 2026-11-20"))?;
    Ok((Some(first), Some(first.after(DAY))))
}
