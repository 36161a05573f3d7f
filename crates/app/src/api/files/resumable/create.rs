//! `POST /v1/uploads`: an upload begins.

use bytes::Bytes;
use http_body::Body;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use weir_files::About;

use super::super::incoming::too_large;
use super::append::{Advance, finish};
use super::form::Standing;
use super::told::Metadata;
use super::{FileDesk, PART, UPLOAD_LENGTH, number, problem};
use crate::api::answer::Answer;
use crate::api::body::{BodyError, content_length};
use crate::api::entry::{Api, Call};
use crate::api::issued_key::issued_key;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

/// Begins an upload that goes on over many requests (tus 1.0.0). A body is its first part.
#[utoipa::path(
    post, path = "/v1/uploads", tag = "files",
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes of the file"),
        ("Upload-Metadata" = Option<String>, Header, description = "key, name, group, trace, user, content_type, sha256: each name with its value in Base64, divided by commas"),
        ("Upload-Checksum" = Option<String>, Header, description = "sha256 BASE64 of the body"),
    ),
    request_body(content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 201, description = "Begun; Location is where its parts go, Upload-Expires until when"),
        (status = 400, description = "A header cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus, or none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "Larger than the limit", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no part", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "What is told of the file is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn create<B>(api: &Api, call: &Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    let desk = FileDesk::of(api)?;
    Query::parse(call.head.uri.query())?.only(&[])?;
    let headers = &call.head.headers;
    let about = about(api, desk, call)?;
    let advance = is_with_part(headers)?.then(|| Advance::of(headers)).transpose()?;
    let upload = desk.resumable.begin(about).await.map_err(|error| problem(&error))?;
    let lost = || Problem::not_found("the upload was removed meanwhile");
    let mut held = desk.take(api, call, &upload).await?.ok_or_else(lost)?;
    if let Some(advance) = advance {
        held = advance.take(api, call, held, body).await?;
    }
    let file = finish(api, call, &mut held, 0).await?;
    let offset = held.offset().await.map_err(|error| problem(&error))?;
    Ok(Standing { upload: &upload, offset, file: file.as_ref() }.created())
}

fn about(api: &Api, desk: &FileDesk, call: &Call<'_>) -> Result<About, Problem> {
    let headers = &call.head.headers;
    let (metadata, told) = Metadata::of_headers(headers)?;
    let missing =
        || Problem::bad_request("bad-header", "Upload-Length must tell how many bytes the file has");
    let length = number(headers, &UPLOAD_LENGTH)?.ok_or_else(missing)?;
    if length > desk.file_max_bytes() {
        return Err(too_large(desk.file_max_bytes()));
    }
    let issued = || format!("file:{}", issued_key(api.surroundings.clock.now()));
    let key = metadata.told.key.unwrap_or_else(issued);
    Ok(About { owner: call.caller.credential.to_string(), length, key, told })
}

/// Whether a part comes along.
fn is_with_part(headers: &HeaderMap) -> Result<bool, Problem> {
    let kind = headers.get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind == PART) {
        return Ok(true);
    }
    match content_length(headers) {
        None | Some(0) => Ok(false),
        Some(_) => Err(no_part()),
    }
}

/// 415, with what would be right.
pub fn no_part() -> Problem {
    let detail = format!("a part of a file comes with Content-Type: {PART}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "no-part", detail)
}
