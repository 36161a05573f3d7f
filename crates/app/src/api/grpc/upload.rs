//! `weir.v1.Files/Upload`: a file, chunk by chunk, on the way of `POST /v1/files`.

use bytes::Bytes;
use http_body::Body;
use weir_core::files::{Added, ContentHash};
use weir_core::row_id;

use super::{answered, read};
use crate::api::answer::Answer;
use crate::api::body::{BodyError, MessageLimit, Messages};
use crate::api::entry::{Api, Call};
use crate::api::files::{FileDesk, Pace, Receiving, Told, keep};
use crate::api::problem::Problem;

/// `weir.v1.UploadRequest`; what stands in its `oneof` are fields like others on the wire.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UploadRequest {
    #[prost(message, optional, tag = "1")]
    names: Option<FileNames>,
    #[prost(bytes = "bytes", optional, tag = "2")]
    chunk: Option<Bytes>,
}

/// `weir.v1.FileNames`
#[derive(Clone, PartialEq, prost::Message)]
pub struct FileNames {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(string, optional, tag = "3")]
    group: Option<String>,
    #[prost(string, optional, tag = "4")]
    trace: Option<String>,
    #[prost(string, optional, tag = "5")]
    user: Option<String>,
    #[prost(string, optional, tag = "6")]
    content_type: Option<String>,
    #[prost(bytes = "vec", optional, tag = "7")]
    sha256: Option<Vec<u8>>,
}

/// `weir.v1.UploadResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct UploadResponse {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(int64, tag = "2")]
    id: i64,
    #[prost(string, tag = "3")]
    uuid: String,
    #[prost(string, tag = "4")]
    sha256: String,
    #[prost(uint64, tag = "5")]
    bytes: u64,
    #[prost(bool, tag = "6")]
    known: bool,
}

/// Takes a file in.
pub async fn upload<B>(api: &Api, call: Call<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BodyError>,
{
    let desk = FileDesk::of(api)?;
    let _place = desk.place_for_upload(call.patience, None).await?;
    let mut pace = Pace::new(api.settings.body_timeout, desk.file_max_bytes());
    let mut messages = Messages::of(&api.bodies, call.head, body, call.patience, MessageLimit::Body)?;
    let first = messages.next().await?.ok_or_else(|| Problem::invalid("there is no message"))?;
    let names = read::<UploadRequest>(first.bytes)?.names;
    let (told, digest) =
        names.ok_or_else(|| Problem::invalid("the first message must have the names"))?.told()?;
    let mut receiving = Receiving::begin(desk);
    while let Some(message) = messages.next().await? {
        let UploadRequest { names, chunk } = read(message.bytes)?;
        if names.is_some() {
            return Err(Problem::invalid("names come once, in the first message: one stream is one file"));
        }
        let chunk = chunk.unwrap_or_default();
        pace.take(chunk.len())?;
        receiving.add(chunk).await?;
    }
    let added = keep(api, &call, receiving.finish().await?, told, digest).await?;
    Ok(answered(&UploadResponse::of(added)))
}

impl FileNames {
    fn told(self) -> Result<(Told, Option<ContentHash>), Problem> {
        let Self { key, name, group, trace, user, content_type, sha256 } = self;
        let told = Told { key, name, group, trace, user, content_type, stored_at: None };
        told.check()?;
        let digest = sha256.map(|bytes| bytes.try_into().map(ContentHash)).transpose();
        Ok((told, digest.map_err(|_| Problem::invalid("sha256 must be 32 bytes"))?))
    }
}

impl UploadResponse {
    fn of(added: Added) -> Self {
        let (known, file) = match added {
            Added::New(file) => (false, file),
            Added::Known(file) => (true, file),
        };
        Self {
            uuid: row_id::to_uuid(file.id).to_string(),
            id: file.id,
            sha256: file.facts.hash.to_string(),
            bytes: file.facts.bytes,
            key: file.facts.key.into(),
            known,
        }
    }
}
