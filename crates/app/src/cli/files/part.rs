//! A large file on its way, part by part.

use std::time::Duration;

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};

use super::put::Source;
use crate::cli::arguments::Names;
use crate::cli::client::Client;
use crate::cli::progress::Progress;
use crate::cli::retry::{Busy, Retry, answered};

/// The last part is answered when the file is stored, which takes its time where that is elsewhere.
const PART_TIMEOUT: Duration = Duration::from_secs(3_600);

/// An upload that has begun.
pub struct Uploading<'a> {
    client: &'a Client,
    address: String,
    /// Bytes that the server has on its disk.
    offset: u64,
    /// The number of the file that it has become.
    file: Option<String>,
}

impl<'a> Uploading<'a> {
    /// Begins one.
    pub async fn begin(
        client: &'a Client,
        source: &Source,
        names: &Names,
        retry: &mut Retry,
        progress: &Progress,
    ) -> anyhow::Result<Self> {
        let digest = source.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let told = source.told(names).chain([("sha256", digest)]);
        let pairs: Vec<_> = told.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).collect();
        loop {
            let request = tus(client, Method::POST, "/v1/uploads")
                .header("upload-length", source.bytes)
                .header("upload-metadata", pairs.join(","));
            match answered(client, request.send().await).await? {
                Ok(answer) => {
                    let address = text(answer.headers(), "location");
                    let address = address.context("the server's answer names no upload: is it Weir?")?;
                    return Ok(Self { client, address, offset: 0, file: None });
                }
                Err(busy) => retry.pause(busy, progress).await?,
            }
        }
    }

    /// Sends all of it; the number of the file that it has become.
    pub async fn run(
        &mut self,
        source: &mut Source,
        retry: &mut Retry,
        progress: &Progress,
    ) -> anyhow::Result<String> {
        loop {
            if let Some(file) = self.file.take() {
                return Ok(file);
            }
            let part = source.part(self.offset)?;
            match self.send(part).await? {
                Ok(()) => retry.is_well(),
                Err(busy) => {
                    retry.pause(busy, progress).await?;
                    self.ask(retry, progress).await?;
                }
            }
            progress.reached(self.offset);
        }
    }

    async fn send(&mut self, part: Vec<u8>) -> anyhow::Result<Result<(), Busy>> {
        let request = tus(self.client, Method::PATCH, &self.address)
            .header("upload-offset", self.offset)
            .header("content-type", "application/offset+octet-stream")
            .body(part)
            .timeout(PART_TIMEOUT);
        let sent = request.send().await;
        if sent.as_ref().is_ok_and(|answer| answer.status() == StatusCode::CONFLICT) {
            let why = "the server stands elsewhere than it did".to_owned();
            return Ok(Err(Busy { why, after: Some(Duration::ZERO) }));
        }
        let answer = answered(self.client, sent).await?;
        answer
            .map(|answer| self.note(answer.headers()))
            .map_or_else(|busy| Ok(Err(busy)), |noted| noted.map(Ok))
    }

    /// Where it stands.
    async fn ask(&mut self, retry: &mut Retry, progress: &Progress) -> anyhow::Result<()> {
        loop {
            let asked = tus(self.client, Method::HEAD, &self.address).timeout(PART_TIMEOUT).send().await;
            match answered(self.client, asked).await? {
                Ok(answer) => return self.note(answer.headers()),
                Err(busy) => retry.pause(busy, progress).await?,
            }
        }
    }

    fn note(&mut self, headers: &HeaderMap) -> anyhow::Result<()> {
        let offset = text(headers, "upload-offset").and_then(|offset| offset.parse().ok());
        self.offset = offset.ok_or_else(|| anyhow!("the server does not tell how far it is: is it Weir?"))?;
        self.file = text(headers, "weir-file-id");
        Ok(())
    }
}

fn tus(client: &Client, method: Method, path: &str) -> RequestBuilder {
    client.request(method, path).header("tus-resumable", "1.0.0")
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
