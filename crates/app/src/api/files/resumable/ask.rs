//! What can be asked of uploads, and their end before they are whole.

use hyper::StatusCode;
use hyper::header::HeaderValue;

use super::append::finish;
use super::form::Standing;
use super::{
    EXTENSIONS, FileDesk, TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_VERSION, UPLOAD_METADATA,
    VERSION, problem,
};
use crate::api::answer::{Answer, nothing};
use crate::api::entry::{Api, Call};
use crate::api::problem::ProblemDocument;

/// How far an upload has come: go on there. Where it is whole, its file is told as `PATCH` tells it.
#[utoipa::path(
    head, path = "/v1/uploads/{id}", tag = "files",
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
    ),
    responses(
        (status = 200, description = "Upload-Offset bytes of Upload-Length are durable"),
        (status = 404, description = "No such upload", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It has expired", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus, or none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Another request has it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn offset(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let mut held = FileDesk::of(api)?.held(api, call, id).await?;
    let upload = held.upload().clone();
    let offset = held.offset().await.map_err(|error| problem(&error))?;
    // Who asks when all has come would take it for stored.
    let file = finish(api, call, &mut held, offset).await?;
    let mut answer = Standing { upload: &upload, offset, file: file.as_ref() }.answer();
    *answer.status_mut() = StatusCode::OK;
    if let Ok(told) = HeaderValue::from_str(&upload.about().told)
        && !told.is_empty()
    {
        answer.headers_mut().insert(UPLOAD_METADATA, told);
    }
    Ok(answer)
}

/// Gives an upload up, and removes what has come of it. A file that it has become stays.
#[utoipa::path(
    delete, path = "/v1/uploads/{id}", tag = "files",
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such upload", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It has expired", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus, or none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Another request has it", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn end(api: &Api, call: &Call<'_>, id: &str) -> Answer {
    let desk = FileDesk::of(api)?;
    let mut held = desk.held(api, call, id).await?;
    desk.resumable.remove(&mut held).await.map_err(|error| problem(&error))?;
    Ok(nothing())
}

/// What of tus is spoken here.
#[utoipa::path(
    options, path = "/v1/uploads", tag = "files",
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm"))
)]
pub fn about(api: &Api) -> Answer {
    let mut answer = nothing();
    let headers = answer.headers_mut();
    headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
    headers.insert(TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS));
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static("sha256"));
    headers.insert(TUS_MAX_SIZE, HeaderValue::from(FileDesk::of(api)?.file_max_bytes()));
    Ok(answer)
}

/// The same.
#[utoipa::path(
    options, path = "/v1/uploads/{id}", tag = "files",
    params(("id" = String, Path, description = "The upload")),
    responses((status = 204, description = "Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm"))
)]
pub fn about_one(api: &Api) -> Answer {
    about(api)
}
