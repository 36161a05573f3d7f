//! `DELETE /v1/files/{key}`: a file ends because somebody wants it to.

use weir_core::files::Ending;

use super::{FileDesk, problem, telling};
use crate::api::answer::{Answer, nothing};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};

/// Deletes a version of a file; its bytes go with the last file that has them.
#[utoipa::path(
    delete, path = "/v1/files/{key}", tag = "files",
    params(("key" = String, Path, description = "Its key, percent-encoded, for the latest version; the number or UUID of a version")),
    responses(
        (status = 204, description = "It is deleted, and its trace knows"),
        (status = 404, description = "No such file", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It ended before", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn delete(api: &Api, call: &Call<'_>, key: &str) -> Answer {
    api.check_takes_events()?;
    let desk = FileDesk::of(api)?;
    let file = desk.kept_at(key).await?;
    let ending = Ending::Deleted { by: call.caller.credential.to_string().into() };
    let ended = desk.files.end(file.id, ending).await.map_err(|error| problem(&error))?;
    if ended.is_none() {
        return Err(Problem::new(hyper::StatusCode::GONE, "gone", "somebody else was faster"));
    }
    // What cannot be told now is told later; the file is gone in any case.
    if let Err(error) = telling::tell(desk.files.catalog(), &api.surroundings.intake).await {
        tracing::warn!(%error, "the trace of a deleted file is told later");
    }
    Ok(nothing())
}
