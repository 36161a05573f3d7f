//! `weir files get`: a file comes back, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::{Method, Response};
use serde_json::Value;

use super::known;
use super::put::digest;
use crate::cli::arguments::GetOptions;
use crate::cli::client::{Client, root_cause};
use crate::cli::progress::Progress;
use crate::cli::readable::size;
use crate::cli::retry::{Busy, Retry, answered};
use crate::cli::{Verdict, output};
use crate::logging::escaped;

/// A large file comes slowly over a slow line; that nothing comes at all is noticed by the connection.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(86_400);
/// Digits of the digest in the name of what is not whole yet: what another content left is not gone on with.
const MARK_DIGITS: usize = 16;

/// Fetches it.
pub async fn get(client: &Client, options: &GetOptions, json: bool) -> anyhow::Result<Verdict> {
    let mut retry = Retry::new(options.retry_for);
    let file = known(client, &options.key, &mut retry, &Progress::start(None, 0, true)).await?;
    let text = |member: &str| {
        file[member].as_str().ok_or_else(|| anyhow!("the server's answer has no {member}: is it Weir?"))
    };
    let (id, sha256) = (text("id")?, text("sha256")?);
    let bytes = file["bytes"].as_u64().context("the server's answer has no bytes: is it Weir?")?;
    let out = match &options.out {
        Some(out) => out.clone(),
        None => own_name(text("name")?)?,
    };
    let shown = escaped(&out.display().to_string());
    if out.exists() {
        bail!("{shown} is there already\n    Name another place with --out.");
    }
    let mark = sha256.get(..MARK_DIGITS).unwrap_or(sha256);
    let half = Half { path: beside(&out, &format!(".{mark}.part")), bytes };
    let progress = Progress::start(Some(bytes), half.length()?, json);
    let fetched = half.fetch(client, id, retry, &progress).await;
    progress.end();
    fetched.with_context(|| shown.clone())?;
    half.check(sha256)?;
    fs::rename(&half.path, &out).with_context(|| shown.clone())?;
    match json {
        true => output::print_json(&Value::Object(told(&file, &out)))?,
        false => output::print(&format!("{shown}  {}  {sha256}\n", size(bytes)))?,
    }
    Ok(Verdict::Well)
}

fn told(file: &Value, out: &Path) -> serde_json::Map<String, Value> {
    let mut told = file.as_object().cloned().unwrap_or_default();
    told.insert("path".to_owned(), out.display().to_string().into());
    told
}

/// The name that the file has on the server, which is to be a name here as well.
fn own_name(name: &str) -> anyhow::Result<PathBuf> {
    match Path::new(name).file_name().is_some_and(|own| own == name) {
        true => Ok(PathBuf::from(name)),
        false => bail!("the file's name is {:?}: name a place with --out", escaped(name)),
    }
}

fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}

/// Takes what comes to its end, and tells what that was.
async fn take(
    mut answer: Response,
    file: &mut File,
    mut at: u64,
    progress: &Progress,
) -> anyhow::Result<String> {
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                file.write_all(&chunk)?;
                at += chunk.len() as u64;
                progress.reached(at);
            }
            Ok(None) => return Ok("the answer ended before the file did".to_owned()),
            Err(error) => return Ok(root_cause(&error)),
        }
    }
}

/// What has come so far.
struct Half {
    path: PathBuf,
    /// Of so many.
    bytes: u64,
}

impl Half {
    fn length(&self) -> anyhow::Result<u64> {
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            found => Ok(found.with_context(|| self.path.display().to_string())?.len()),
        }
    }

    async fn fetch(
        &self,
        client: &Client,
        id: &str,
        mut retry: Retry,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        loop {
            let from = self.length()?;
            if from >= self.bytes {
                return Ok(file.sync_all()?);
            }
            let request = client.request(Method::GET, &format!("/v1/files/{id}")).timeout(DOWNLOAD_TIMEOUT);
            let sent = request.header("range", format!("bytes={from}-")).send().await;
            let busy = match answered(client, sent).await? {
                Err(busy) => busy,
                Ok(answer) => {
                    let broke = take(answer, &mut file, from, progress).await?;
                    if self.length()? > from {
                        retry.is_well();
                    }
                    Busy { why: broke, after: None }
                }
            };
            if self.length()? < self.bytes {
                retry.pause(busy, progress).await?;
            }
        }
    }

    /// Whether it is what the server has; else it is removed.
    fn check(&self, sha256: &str) -> anyhow::Result<()> {
        let found = digest(&mut File::open(&self.path)?)?.1;
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        if found == sha256 {
            return Ok(());
        }
        fs::remove_file(&self.path)?;
        bail!(
            "what came has another SHA-256, {found} and not {sha256}; it is removed: run the same command again"
        )
    }
}
