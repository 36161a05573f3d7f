//! `PATCH /v1/uploads/{id}`: some more comes, and the last of it makes the file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::Body;
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use weir_core::files::{Added, StoredFile};
use weir_files::{Done, Growing, Held};

use super::super::incoming::Incoming;
use super::super::{digest, upload};
use super::create::no_part;
use super::form::Standing;
use super::told::Metadata;
use super::{FileDesk, PART, UPLOAD_CHECKSUM, UPLOAD_OFFSET, number, problem};
use crate::api::answer::Answer;
use crate::api::body::{BodyError, content_length};
use crate::api::entry::{Api, Call};
use crate::api::problem::{Problem, ProblemDocument};

/// Status of tus for a part whose checksum is another.
const CHECKSUM_MISMATCH: u16 = 460;

/// Takes some more of an upload, at the offset where it stands. The last part makes the file: its address is then told as
/// `Location`, and what else is known of it in `Weir-File-…`. The last part again is answered the same.
#[utoipa::path(
    patch, path = "/v1/uploads/{id}", tag = "files",
    params(
        ("id" = String, Path, description = "The upload"),
        ("Tus-Resumable" = String, Header, description = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Bytes that have come before"),
        ("Upload-Checksum" = Option<String>, Header, description = "sha256 BASE64 of the body"),
    ),
    request_body(content((Vec<u8> = "application/offset+octet-stream"))),
    responses(
        (status = 204, description = "Durable up to Upload-Offset; with Location, the file is stored"),
        (status = 400, description = "A header or the body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "No such upload", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "It came too slowly; what has come is kept", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It stands at another offset, which is told", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "It has expired", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "Another version of tus, or none", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "More than Upload-Length", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no part", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The whole file has another digest; the upload is gone", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Another request has it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 460, description = "The part has another checksum, and is not taken", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The disk is full; what has come is kept", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Not now; see Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn append<B>(api: &Api, call: &Call<'_>, id: &str, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    let desk = FileDesk::of(api)?;
    let headers = &call.head.headers;
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != PART) {
        return Err(no_part());
    }
    let missing =
        || Problem::bad_request("bad-header", "Upload-Offset must tell how many bytes have come before");
    let from = number(headers, &UPLOAD_OFFSET)?.ok_or_else(missing)?;
    let advance = Advance::of(headers)?;
    let mut held = desk.held(api, call, id).await?;
    let upload = held.upload().clone();
    let is_last_again = held.outcome().is_some_and(|done| done.last_offset == from);
    if !is_last_again {
        let stands = held.offset().await.map_err(|error| problem(&error))?;
        if stands != from {
            let detail = format!("the upload stands at {stands}, not at {from}: go on there");
            return Err(Problem::new(StatusCode::CONFLICT, "other-offset", detail)
                .with("offset", stands)
                .with_number(UPLOAD_OFFSET, stands));
        }
        if stands < upload.about().length {
            held = advance.take(api, call, held, body).await?;
        }
    }
    let file = finish(api, call, &mut held, from).await?;
    let offset = held.offset().await.map_err(|error| problem(&error))?;
    Ok(Standing { upload: &upload, offset, file: file.as_ref() }.answer())
}

/// The file of an upload that is whole, stored where it is not yet.
pub async fn finish(
    api: &Api,
    call: &Call<'_>,
    held: &mut Held,
    last_offset: u64,
) -> Result<Option<StoredFile>, Problem> {
    let desk = FileDesk::of(api)?;
    let told = |error| problem(&error);
    if let Some(done) = held.outcome() {
        return desk.files.catalog().find(&done.file.to_string()).await.map_err(told);
    }
    let about = held.upload().about().clone();
    if held.offset().await.map_err(told)? < about.length {
        return Ok(None);
    }
    let _place = desk.place_for_upload(call.patience, None).await?;
    let Metadata { told: names, digest: told_digest } = Metadata::of_upload(&about)?;
    let staged = held.staged().await.map_err(told)?;
    if let Err(wrong) = digest::check(told_digest, staged.hash) {
        // Nothing that comes can make it right.
        desk.resumable.remove(held).await.map_err(told)?;
        return Err(wrong);
    }
    let added = upload::keep(api, call, staged, names, None).await?;
    let (Added::New(file) | Added::Known(file)) = added;
    desk.resumable.done(held, Done { file: file.id, last_offset }).await.map_err(told)?;
    Ok(Some(file))
}

/// A part that is to come.
pub struct Advance {
    bytes: Option<u64>,
    checksum: Option<[u8; 32]>,
}

impl Advance {
    /// What is told of it.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let checksum = headers.get(UPLOAD_CHECKSUM).map(|value| {
            let (algorithm, digest) = value.to_str().ok()?.split_once(' ')?;
            let digest = STANDARD.decode(digest.trim()).ok()?;
            digest.try_into().ok().filter(|_| algorithm == "sha256")
        });
        let malformed =
            || Problem::bad_request("bad-checksum", "Upload-Checksum must be sha256 and 32 bytes in Base64");
        let checksum = checksum.map(|checksum| checksum.ok_or_else(malformed)).transpose()?;
        Ok(Self { bytes: content_length(headers).map(|bytes| bytes as u64), checksum })
    }

    /// Takes it. What has come when something goes wrong is kept, unless it is wrong itself.
    pub async fn take<B>(&self, api: &Api, call: &Call<'_>, mut held: Held, body: B) -> Result<Held, Problem>
    where
        B: Body<Data = Bytes> + Unpin + Send,
        B::Error: Into<BodyError>,
    {
        let _place = FileDesk::of(api)?.place_for_upload(call.patience, None).await?;
        let told = |error| problem(&error);
        let length = held.upload().about().length;
        let left = length - held.offset().await.map_err(told)?;
        if self.bytes.is_some_and(|bytes| bytes > left) {
            return Err(too_much(length));
        }
        let mut growing = held.grow().await.map_err(told)?;
        let incoming = Incoming::new(body, call.patience, api.settings.body_timeout, u64::MAX);
        let (come, is_wrong) = match self.receive(&mut growing, incoming, left).await? {
            Come::Whole => (Ok(()), false),
            Come::Broken(problem) => (Err(problem), self.checksum.is_some()),
            Come::Wrong(problem) => (Err(problem), true),
        };
        let held = if is_wrong { growing.take_back().await } else { growing.pause().await };
        let held = held.map_err(told)?;
        come.map(|()| held)
    }

    async fn receive<B>(
        &self,
        growing: &mut Growing,
        mut incoming: Incoming<B>,
        mut left: u64,
    ) -> Result<Come, Problem>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<BodyError>,
    {
        let upload = growing.upload().clone();
        let mut wanted = std::pin::pin!(upload.wanted());
        let mut hasher = Sha256::new();
        loop {
            let bit = tokio::select! {
                biased;
                () = &mut wanted => return Ok(Come::Broken(taken_over())),
                bit = incoming.next() => bit,
            };
            match bit {
                Ok(Some(bytes)) if bytes.len() as u64 > left => {
                    return Ok(Come::Wrong(too_much(upload.about().length)));
                }
                Ok(Some(bytes)) => {
                    left -= bytes.len() as u64;
                    if self.checksum.is_some() {
                        hasher.update(&bytes);
                    }
                    growing.write(bytes).await.map_err(|error| problem(&error))?;
                }
                Ok(None) if self.checksum.is_some_and(|checksum| checksum != *hasher.clone().finalize()) => {
                    return Ok(Come::Wrong(other_checksum()));
                }
                Ok(None) => return Ok(Come::Whole),
                Err(problem) => return Ok(Come::Broken(problem)),
            }
        }
    }
}

/// How a part has come.
enum Come {
    Whole,
    /// Not to its end.
    Broken(Problem),
    /// What has come is wrong.
    Wrong(Problem),
}

fn too_much(length: u64) -> Problem {
    let detail = format!("more comes than Upload-Length told, {length}; nothing of this part is kept");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail).with("limit_bytes", length)
}

fn taken_over() -> Problem {
    let detail = "another request of yours goes on with this upload; ask where it stands";
    Problem::new(StatusCode::CONFLICT, "taken-over", detail)
}

fn other_checksum() -> Problem {
    // Three digits, as a status has.
    let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    Problem::new(
        status,
        "other-checksum",
        "the part came as other bytes than its checksum is of; send it again",
    )
}
