//! `/v1/uploads`: files that come over many requests, by the protocol tus 1.0.0.
//!
//! **Constraints.** An offset is told only when what lies before it is durable. What is whole becomes a file as
//! `POST /v1/files` would make it, once: asking again after a lost answer gives the same answer. An upload belongs to the
//! credential that began it.

mod append;
mod ask;
mod create;
mod form;
mod told;

use bytes::Bytes;
use http_body::Body;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, StatusCode};
use weir_files::{Held, ResumableUpload};

use std::sync::Arc;

use super::{FileDesk, problem};
use crate::api::answer::Answer;
use crate::api::body::BodyError;
use crate::api::entry::{Api, Call};
use crate::api::problem::Problem;

pub use append::{__path_append, append};
pub use ask::{__path_about, __path_about_one, __path_end, __path_offset, about, about_one, end, offset};
pub use create::{__path_create, create};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration,checksum";
/// The type of a body that is a part of a file.
const PART: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Answers whatever is asked there, of the upload of this id where there is one.
pub async fn resumable<B>(api: &Api, call: Call<'_>, id: Option<&str>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    let answering = Box::pin(answer(api, &call, id, body)).await;
    let mut answer = answering.unwrap_or_else(Problem::into_response);
    answer.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    Ok(answer)
}

async fn answer<B>(api: &Api, call: &Call<'_>, id: Option<&str>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin + Send,
    B::Error: Into<BodyError>,
{
    if call.head.method == Method::OPTIONS {
        return match id {
            None => about(api),
            Some(_) => about_one(api),
        };
    }
    api.check_takes_events()?;
    check_version(&call.head.headers)?;
    match (id, &call.head.method) {
        (None, _) => create(api, call, body).await,
        (Some(id), &Method::HEAD) => offset(api, call, id).await,
        (Some(id), &Method::PATCH) => append(api, call, id, body).await,
        (Some(id), _) => end(api, call, id).await,
    }
}

impl FileDesk {
    /// The upload of this id, for the caller alone.
    async fn held(&self, api: &Api, call: &Call<'_>, id: &str) -> Result<Held, Problem> {
        let none = || Problem::not_found("there is no such upload, or it is somebody else's: begin another");
        let upload = self.resumable.find(id, &call.caller.credential).ok_or_else(none)?;
        if self.resumable.is_over(&upload) {
            let detail = format!("the upload expired at {}: begin another", upload.expires_at());
            return Err(Problem::new(StatusCode::GONE, "gone", detail));
        }
        self.take(api, call, &upload).await?.ok_or_else(none)
    }

    /// As soon as whoever has it lets go.
    async fn take(
        &self,
        api: &Api,
        call: &Call<'_>,
        upload: &Arc<ResumableUpload>,
    ) -> Result<Option<Held>, Problem> {
        let taken = call.patience.within(api.settings.body_timeout, upload.take()).await;
        let busy = |_| Problem::new(StatusCode::LOCKED, "busy", "another request has this upload; try again");
        taken.map_err(busy)
    }
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get(TUS_RESUMABLE).is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    let detail = format!("Tus-Resumable must be {VERSION}: this is the protocol tus, in that version");
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "tus-version", detail)
        .with_header(TUS_VERSION, VERSION))
}

/// A header that is a number.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    let bad = || Problem::bad_request("bad-header", format!("{name} must be a number of bytes"));
    number.ok_or_else(bad).map(Some)
}
