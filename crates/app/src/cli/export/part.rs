//! A part on its way.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::header::{IF_RANGE, RANGE};
use reqwest::{Method, Response, StatusCode};

use super::is_lost;
use super::manifest::{Part, told_of};
use crate::cli::client::Client;
use crate::cli::progress::Progress;

/// How often one that comes with a wrong hash is fetched.
const ATTEMPTS: usize = 3;
/// Nothing of a part may come for so long.
const PIECE_TIMEOUT: Duration = Duration::from_secs(60);

/// Has a part in the directory; whether the server still had what was missing. `before` are the bytes of those before it.
pub async fn fetch(
    client: &Client,
    directory: &Path,
    part: &Part,
    before: u64,
    progress: &Progress,
) -> anyhow::Result<bool> {
    let path = directory.join(&part.name);
    let told = Some((part.bytes, part.sha256.clone()));
    if told_of(&path)? == told {
        progress.reached(before + part.bytes);
        return Ok(true);
    }
    let growing = directory.join(format!("{}.new", part.name));
    for _ in 0..ATTEMPTS {
        let Some(answer) = ask(client, part, &growing).await? else { return Ok(false) };
        receive(answer, &growing, before, progress).await?;
        if told_of(&growing)? == told {
            fs::rename(&growing, &path).with_context(|| path.display().to_string())?;
            return Ok(true);
        }
        // What lay there was of something else.
        fs::remove_file(&growing).with_context(|| growing.display().to_string())?;
    }
    bail!("{} comes with another hash than the manifest tells; something on the way changes it", part.name)
}

/// Asks for what is missing; nothing where the part is no longer there.
async fn ask(client: &Client, part: &Part, growing: &Path) -> anyhow::Result<Option<Response>> {
    let there = fs::metadata(growing).map_or(0, |metadata| metadata.len());
    let mut request = client.download(Method::GET, &part.url);
    if there > 0 && there < part.bytes {
        request =
            request.header(RANGE, format!("bytes={there}-")).header(IF_RANGE, format!("\"{}\"", part.sha256));
    }
    let answer = request.send().await;
    if answer.as_ref().is_ok_and(|answer| is_lost(answer.status())) {
        return Ok(None);
    }
    client.answered(answer).await.map(Some)
}

async fn receive(
    mut answer: Response,
    growing: &Path,
    before: u64,
    progress: &Progress,
) -> anyhow::Result<()> {
    let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT;
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(goes_on)
        .truncate(!goes_on)
        .open(growing)
        .with_context(|| growing.display().to_string())?;
    let mut there = if goes_on { length(&file)? } else { 0 };
    while let Some(piece) = piece(&mut answer).await? {
        file.write_all(&piece).with_context(|| growing.display().to_string())?;
        there += piece.len() as u64;
        progress.reached(before + there);
    }
    file.sync_all().with_context(|| growing.display().to_string())
}

async fn piece(answer: &mut Response) -> anyhow::Result<Option<Bytes>> {
    let again = "the server's answer broke off\n    Run the same command again; it goes on from there.";
    tokio::time::timeout(PIECE_TIMEOUT, answer.chunk()).await.context(again)?.context(again)
}

fn length(file: &File) -> anyhow::Result<u64> {
    Ok(file.metadata()?.len())
}
