//! `GET /v1/files/{key}` and `…/metadata`: a file goes out.

use bytes::Bytes;
use futures::StreamExt;
use http_body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::mpsc;
use weir_core::files::{ByteRange, ContentReader, StoredFile};

use super::file_form::FileForm;
use super::range::{Wanted, wanted};
use super::{FileDesk, digest, problem};
use crate::api::answer::{Answer, AnswerBody, json};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::query::Query;

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");
/// Pieces that wait for the client.
const PIECES_MAX: usize = 2;
/// What stands unquoted in `filename*` (RFC 8187).
const FILENAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A file, whole or in part.
#[utoipa::path(
    get, path = "/v1/files/{key}", tag = "files",
    params(
        ("key" = String, Path, description = "Its key, percent-encoded, for the latest version; the number or UUID of a version"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The ETag of what the client has a part of"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has"),
    ),
    responses(
        (status = 200, description = "The file", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "No such file", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It was deleted, or expired: when, and by which rule", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "It does not have this range", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn download(api: &Api, call: &Call<'_>, key: &str) -> Answer {
    let desk = FileDesk::of(api)?;
    Query::parse(call.head.uri.query())?.only(&[])?;
    let file = desk.kept_at(key).await?;
    let tag = format!("\"{}\"", file.facts.hash);
    let bytes = file.facts.bytes;
    let (status, range) = match wanted(&call.head.headers, &tag, bytes) {
        Wanted::Whole => (StatusCode::OK, ByteRange { start: 0, end: bytes }),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Known => return Ok(known(&tag)),
        Wanted::Nothing => return Err(no_such_range(bytes)),
    };
    let body = match call.head.method == "HEAD" || range.start == range.end {
        true => AnswerBody::Whole(Bytes::new()),
        false => streamed(desk.files.read(&file, range).await.map_err(|error| problem(&error))?),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    describe(&mut answer, &file, &tag, range);
    Ok(answer)
}

/// What is known of a file, also after its end.
#[utoipa::path(
    get, path = "/v1/files/{key}/metadata", tag = "files",
    params(("key" = String, Path, description = "Its key, percent-encoded, or the number or UUID of a version")),
    responses(
        (status = 200, description = "What is known of it", body = FileForm),
        (status = 404, description = "No such file", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn metadata(api: &Api, key: &str) -> Answer {
    let file = FileDesk::of(api)?.file_at(key).await?;
    json(StatusCode::OK, &FileForm::of(&file))
}

/// Pieces, one after the other, no faster than the client takes them. One that cannot be read ends the connection, and
/// the client sees that something is missing.
pub fn streamed(mut pieces: ContentReader) -> AnswerBody {
    let (sender, bits) = mpsc::channel(PIECES_MAX);
    tokio::spawn(async move {
        while let Some(piece) = pieces.next().await {
            let sent = match piece {
                Ok(piece) => sender.send(Frame::data(piece)).await,
                Err(error) => return tracing::error!(%error, "a file could not be read to its end"),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    AnswerBody::Live { bits, under_way: None }
}

fn describe(answer: &mut Response<AnswerBody>, file: &StoredFile, tag: &str, range: ByteRange) {
    let facts = &file.facts;
    let name = utf8_percent_encode(&facts.name, FILENAME);
    let plain: String = facts.name.chars().map(|mark| if is_plain(mark) { mark } else { '_' }).collect();
    let mut tell = |header: HeaderName, text: String| {
        // A content type is whatever the sender said; what is no header is left out.
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().insert(header, value);
        }
    };
    tell(CONTENT_TYPE, "application/octet-stream".to_owned());
    if let Some(kind) = &facts.content_type {
        tell(CONTENT_TYPE, kind.to_string());
    }
    tell(CONTENT_LENGTH, (range.end - range.start).to_string());
    tell(CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{name}"));
    tell(ETAG, tag.to_owned());
    tell(ACCEPT_RANGES, "bytes".to_owned());
    tell(REPR_DIGEST, digest::written(facts.hash));
    tell(X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    if range.end - range.start < facts.bytes {
        tell(CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), facts.bytes));
    }
}

/// Whether it may stand in a quoted `filename`.
fn is_plain(mark: char) -> bool {
    mark.is_ascii_graphic() && !matches!(mark, '"' | '\\' | '%') || mark == ' '
}

/// The client has what is of this tag.
pub fn known(tag: &str) -> Response<AnswerBody> {
    let mut answer = Response::new(AnswerBody::Whole(Bytes::new()));
    *answer.status_mut() = StatusCode::NOT_MODIFIED;
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

/// What has so many bytes does not have those that are asked for.
pub fn no_such_range(bytes: u64) -> Problem {
    let detail = format!("the file has {bytes} bytes, and none in this range");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "no-such-range", detail).with("bytes", bytes)
}
