//! One file, to the server, unless it has it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use weir_core::files::ContentHash;
use weir_core::time::Timestamp;

use super::super::body::FileBody;
use crate::cli::address::with_query;
use crate::cli::client::{Client, detail_of};
use crate::cli::progress::Progress;
use crate::cli::retry::{Retry, answered, read_json};
use crate::exports::FileLine;

/// A file may take so long, and a second more for so many bytes of it.
const TIMEOUT: Duration = Duration::from_secs(60);
const BYTES_PER_SECOND_MIN: u64 = 16 << 10;

/// A file that lies whole on the disk.
pub struct Uploading<'a> {
    pub client: &'a Client,
    pub line: &'a FileLine,
    pub path: &'a Path,
    pub progress: &'a Progress,
}

/// What became of it.
pub enum Uploaded {
    /// It is there now.
    Stored,
    /// It was there before.
    Known,
    /// The server does not take it, and says why.
    Refused(String),
}

impl Uploading<'_> {
    /// Tries until there is an answer that counts.
    pub async fn run(&self, retry: &mut Retry) -> anyhow::Result<Uploaded> {
        let uploaded = match self.is_known(retry).await? {
            true => Uploaded::Known,
            false => self.send(retry).await?,
        };
        retry.is_well();
        Ok(uploaded)
    }

    /// Whether the server has this version of the key: the same content, stored at the same moment.
    async fn is_known(&self, retry: &mut Retry) -> anyhow::Result<bool> {
        let at = Timestamp::parse(&self.line.stored_at).context("the export's list names no time")?;
        let query = [
            ("key", self.line.key.clone()),
            ("from", at.to_string()),
            ("to", at.after(Duration::from_micros(1)).to_string()),
            ("limit", "1000".to_owned()),
        ];
        loop {
            let sent = self.client.request(Method::GET, &with_query("/v1/files", &query)).send().await;
            let busy = match answered(self.client, sent).await? {
                Err(busy) => busy,
                Ok(answer) => match read_json(answer).await? {
                    Err(busy) => busy,
                    Ok(page) => {
                        let mut items = page["items"].as_array().into_iter().flatten();
                        return Ok(items.any(|file| file["sha256"] == *self.line.sha256));
                    }
                },
            };
            retry.pause(busy, self.progress).await?;
        }
    }

    async fn send(&self, retry: &mut Retry) -> anyhow::Result<Uploaded> {
        loop {
            let sent = match self.request()?.send().await {
                Ok(answer) if is_refusal(&answer) => {
                    let status = answer.status();
                    return Ok(Uploaded::Refused(format!(
                        "refused with {status}{}",
                        detail_of(answer).await
                    )));
                }
                sent => sent,
            };
            match answered(self.client, sent).await? {
                Ok(answer) if answer.status() == StatusCode::CREATED => return Ok(Uploaded::Stored),
                Ok(_) => return Ok(Uploaded::Known),
                Err(busy) => retry.pause(busy, self.progress).await?,
            }
        }
    }

    fn request(&self) -> anyhow::Result<RequestBuilder> {
        let FileLine { key, name, group, trace, user, content_type, stored_at, bytes, sha256, .. } =
            self.line;
        let members = [
            ("key", Some(key)),
            ("name", Some(name)),
            ("group", group.as_ref()),
            ("trace", trace.as_ref()),
            ("user", user.as_ref()),
            ("stored_at", Some(stored_at)),
        ];
        let query: Vec<_> =
            members.into_iter().filter_map(|(name, value)| Some((name, value?.clone()))).collect();
        let hash: ContentHash = sha256.parse().context("the export's list names no hash")?;
        let shown = || self.path.display().to_string();
        let body = reqwest::Body::wrap(FileBody::open(self.path).with_context(shown)?);
        let mut request = self
            .client
            .request(Method::POST, &with_query("/v1/files", &query))
            .timeout(TIMEOUT + Duration::from_secs(bytes / BYTES_PER_SECOND_MIN))
            .header("content-digest", format!("sha-256=:{}:", STANDARD.encode(hash.0)))
            .body(body);
        // A form would be taken apart.
        if let Some(kind) = content_type.as_ref().filter(|kind| !kind.starts_with("multipart/")) {
            request = request.header(CONTENT_TYPE, kind);
        }
        Ok(request)
    }
}

/// Whether the server does not take this file, and may take others.
fn is_refusal(answer: &Response) -> bool {
    matches!(
        answer.status(),
        StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
    )
}
