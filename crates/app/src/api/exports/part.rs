//! `GET /v1/exports/{id}/{part}`: a part, whole or from where it broke off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use http_body::Frame;
use hyper::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use tokio::sync::mpsc;
use weir_core::files::ByteRange;

use super::{exports, named, problem};
use crate::api::answer::{Answer, AnswerBody};
use crate::api::entry::{Api, Call};
use crate::api::files::{Wanted, known, no_such_range, wanted};
use crate::api::problem::ProblemDocument;
use crate::api::query::Query;
use crate::api::route::decoded;
use crate::exports::{Coding, PartFacts};

/// What is read at once.
const PIECE_BYTES: u64 = 256 << 10;
/// Pieces that wait for the client.
const PIECES_MAX: usize = 2;

/// A part of an export, whole or in part.
#[utoipa::path(
    get, path = "/v1/exports/{id}/{part}", tag = "exports",
    params(
        ("id" = String, Path, description = "The export"),
        ("part" = String, Path, description = "The name of the part"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-Range" = Option<String>, Header, description = "The ETag of what the client has a part of"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has"),
    ),
    responses(
        (status = 200, description = "The part; its ETag is its SHA-256", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The range", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The client has it"),
        (status = 404, description = "There is no such part, or no longer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It has made room for those that follow it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 416, description = "It does not have this range", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn part(api: &Api, call: &Call<'_>, id: &str, part: &str) -> Answer {
    Query::parse(call.head.uri.query())?.only(&[])?;
    let found = exports(api)?.part(&named(id)?, &decoded(part)?).await;
    let (facts, file) = found.map_err(|error| problem(&error))?;
    let tag = format!("\"{}\"", facts.sha256);
    let (status, range) = match wanted(&call.head.headers, &tag, facts.bytes) {
        Wanted::Whole => (StatusCode::OK, ByteRange { start: 0, end: facts.bytes }),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Known => return Ok(known(&tag)),
        Wanted::Nothing => return Err(no_such_range(facts.bytes)),
    };
    let body = match call.head.method == "HEAD" {
        true => AnswerBody::Whole(Bytes::new()),
        false => streamed(file, range),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    describe(&mut answer, &facts, &tag, range);
    Ok(answer)
}

/// The range of a file, no faster than the client takes it. One that cannot be read ends the connection, and the client sees
/// that something is missing.
fn streamed(file: File, range: ByteRange) -> AnswerBody {
    let (sender, bits) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(file, range, &sender) {
            tracing::error!(%error, "a part of an export could not be read to its end");
        }
    });
    AnswerBody::Live { bits, under_way: None }
}

fn send(mut file: File, range: ByteRange, to: &mpsc::Sender<Frame<Bytes>>) -> io::Result<()> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut left = range.end - range.start;
    while left > 0 {
        let mut piece = vec![0; usize::try_from(left.min(PIECE_BYTES)).unwrap_or_default()];
        file.read_exact(&mut piece)?;
        left -= piece.len() as u64;
        // Whoever went away needs no more.
        if to.blocking_send(Frame::data(piece.into())).is_err() {
            break;
        }
    }
    Ok(())
}

fn describe(answer: &mut Response<AnswerBody>, facts: &PartFacts, tag: &str, range: ByteRange) {
    let content_type = Coding::of_name(&facts.name).map_or("application/octet-stream", Coding::content_type);
    let mut tell = |header: HeaderName, text: String| {
        // Digits, and names that Weir gives: always a header's value.
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().insert(header, value);
        }
    };
    tell(CONTENT_TYPE, content_type.to_owned());
    tell(CONTENT_LENGTH, (range.end - range.start).to_string());
    tell(CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", facts.name));
    tell(ETAG, tag.to_owned());
    tell(ACCEPT_RANGES, "bytes".to_owned());
    tell(X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    if range.end - range.start < facts.bytes {
        tell(CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), facts.bytes));
    }
}
