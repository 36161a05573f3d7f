//! `weir files put`: files go to the server, large ones in parts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::known;
use super::part::Uploading;
use crate::cli::address::with_query;
use crate::cli::arguments::{Names, PutOptions};
use crate::cli::client::Client;
use crate::cli::progress::Progress;
use crate::cli::readable::size;
use crate::cli::retry::{Retry, answered, read_json};
use crate::cli::{Verdict, output};
use crate::logging::escaped;

/// What goes in one request; also the most that is held in memory.
pub const PART_MAX_BYTES: u64 = 8 << 20;

const READ_BUFFER_BYTES: usize = 256 << 10;

/// A file of this machine, and what is told of it.
pub struct Source {
    pub shown: String,
    pub bytes: u64,
    pub sha256: [u8; 32],
    name: String,
    file: File,
}

/// Stores the files, one after the other.
pub async fn put(client: &Client, options: &PutOptions, json: bool) -> anyhow::Result<Verdict> {
    if options.names.key.is_some() && options.paths.len() > 1 {
        bail!(
            "--key names one file, and there are {}: leave it out, or store them one by one",
            options.paths.len()
        );
    }
    let mut stored = Vec::new();
    for path in &options.paths {
        let mut source = Source::open(path)?;
        let progress = Progress::start(Some(source.bytes), 0, json);
        let mut retry = Retry::new(options.retry_for);
        let putting = async {
            if source.bytes > PART_MAX_BYTES {
                let mut uploading =
                    Uploading::begin(client, &source, &options.names, &mut retry, &progress).await?;
                let file = uploading.run(&mut source, &mut retry, &progress).await?;
                known(client, &file, &mut retry, &progress).await
            } else {
                at_once(client, &mut source, &options.names, &mut retry, &progress).await
            }
        };
        let file = putting.await.with_context(|| source_context(path));
        progress.end();
        let file = file?;
        if !json {
            let bytes = size(file["bytes"].as_u64().unwrap_or_default());
            let key = escaped(file["key"].as_str().unwrap_or_default());
            output::print(&format!("{key}  {bytes}  {}\n", file["sha256"].as_str().unwrap_or_default()))?;
        }
        stored.push(file);
    }
    if json {
        output::print_json(&json!({ "items": stored, "next": null }))?;
    }
    Ok(Verdict::Well)
}

fn source_context(path: &Path) -> String {
    escaped(&path.display().to_string())
}

/// In one request. Whose answer is lost is sent again: under a key it is the same file, without one it is issued another.
async fn at_once(
    client: &Client,
    source: &mut Source,
    names: &Names,
    retry: &mut Retry,
    progress: &Progress,
) -> anyhow::Result<Value> {
    let query: Vec<_> = source.told(names).collect();
    let body = source.part(0)?;
    let digest = format!("sha-256=:{}:", STANDARD.encode(source.sha256));
    loop {
        let request = client.request(Method::POST, &with_query("/v1/files", &query));
        let sent = request.header("content-digest", &digest).body(body.clone()).send().await;
        let busy = match answered(client, sent).await? {
            Err(busy) => busy,
            Ok(answer) => match read_json(answer).await? {
                Ok(file) => return Ok(file),
                Err(busy) => busy,
            },
        };
        retry.pause(busy, progress).await?;
    }
}

impl Source {
    /// Reads it once, for its digest.
    fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = escaped(&path.display().to_string());
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| anyhow!("{shown} has no name that is UTF-8"))?.to_owned();
        let mut file = File::open(path).with_context(|| shown.clone())?;
        let (bytes, sha256) = digest(&mut file).with_context(|| shown.clone())?;
        Ok(Self { shown, bytes, sha256, name, file })
    }

    /// What is told of it, beside its bytes.
    pub fn told(&self, names: &Names) -> impl Iterator<Item = (&'static str, String)> {
        let Names { key, group, trace, user } = names;
        let name = Some(self.name.clone());
        let members = [
            ("key", key.clone()),
            ("name", name),
            ("group", group.clone()),
            ("trace", trace.clone()),
            ("user", user.clone()),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// What goes in the request that begins there.
    pub fn part(&mut self, offset: u64) -> anyhow::Result<Vec<u8>> {
        let mut part = Vec::new();
        let wanted = PART_MAX_BYTES.min(self.bytes - offset.min(self.bytes));
        let mut read = || -> io::Result<usize> {
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.by_ref().take(wanted).read_to_end(&mut part)
        };
        let count = read().with_context(|| self.shown.clone())?;
        if count as u64 != wanted {
            bail!("{} has become shorter meanwhile", self.shown);
        }
        Ok(part)
    }
}

/// Bytes of a file, and their SHA-256.
pub fn digest(file: &mut File) -> io::Result<(u64, [u8; 32])> {
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; READ_BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((bytes, hasher.finalize().into())),
            count => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
        }
    }
}
