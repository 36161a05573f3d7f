//! `weir export`: records and stored files, as parts that lie in a directory.
//!
//! **Constraints.** A part has its name only when it is whole and its hash is right. What is asked for next is asked for only
//! when all parts before it are there: the server may then give them up.

pub mod manifest;
mod part;

use std::fs;

use anyhow::{Context, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::address::with_query;
use super::arguments::{ChosenContents, ExportOptions};
use super::client::Client;
use super::progress::Progress;
use super::readable::size;
use super::{Verdict, output};
use manifest::{ManifestFile, Part};

/// Some parts, as the server tells them.
#[derive(Deserialize)]
struct Page {
    parts: Vec<Part>,
    next: Option<String>,
}

/// Brings an export into its directory.
pub async fn export(client: &Client, options: &ExportOptions, json: bool) -> anyhow::Result<Verdict> {
    let directory = &options.out;
    fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    let asked = asked(options);
    let mut manifest = ManifestFile::open(directory, &asked)?;
    let progress = Progress::start(None, 0, json);
    if let Ending::Lost = fetch(client, &mut manifest, &asked, &progress).await? {
        progress.say("The server no longer has what was begun; beginning anew.");
        manifest.forget();
        if let Ending::Lost = fetch(client, &mut manifest, &asked, &progress).await? {
            bail!(
                "the server gives its parts up before they can be fetched; its exports.max_bytes may be too small"
            );
        }
    }
    progress.end();
    let (count, bytes) = (manifest.parts().len(), manifest.bytes());
    match json {
        true => output::print_json(&json!({ "parts": count, "bytes": bytes }))?,
        false => output::print(&format!("{}: {count} parts, {}\n", directory.display(), size(bytes)))?,
    }
    Ok(Verdict::Well)
}

/// How fetching ended.
enum Ending {
    /// Everything is there.
    Whole,
    /// The server does not know the export any more.
    Lost,
}

async fn fetch(
    client: &Client,
    manifest: &mut ManifestFile,
    asked: &str,
    progress: &Progress,
) -> anyhow::Result<Ending> {
    let mut bytes = 0;
    for part in manifest.parts() {
        if !part::fetch(client, manifest.directory(), part, bytes, progress).await? {
            return Ok(Ending::Lost);
        }
        bytes += part.bytes;
    }
    let mut next = if manifest.is_begun() { manifest.next() } else { Some(asked.to_owned()) };
    while let Some(path) = next {
        let Some(page) = page(client, &path).await? else { return Ok(Ending::Lost) };
        manifest.add(page.parts.clone(), page.next.clone())?;
        for part in &page.parts {
            if !part::fetch(client, manifest.directory(), part, bytes, progress).await? {
                return Ok(Ending::Lost);
            }
            bytes += part.bytes;
        }
        next = page.next;
    }
    Ok(Ending::Whole)
}

/// A page of the manifest; nothing where the export that it goes on with is no longer there.
async fn page(client: &Client, path: &str) -> anyhow::Result<Option<Page>> {
    let answer = client.request(Method::GET, path).send().await;
    let goes_on = path.contains("after=");
    if goes_on && answer.as_ref().is_ok_and(|answer| is_lost(answer.status())) {
        return Ok(None);
    }
    let body = client.answered(answer).await?.bytes().await.context("the server's answer broke off")?;
    let page = serde_json::from_slice(&body).context("the server's answer is no manifest: is it Weir?")?;
    Ok(Some(page))
}

/// Whether what was asked for was there once, or is not known any more.
fn is_lost(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

/// The address that begins the export.
fn asked(options: &ExportOptions) -> String {
    let ExportOptions { chosen, part_max_bytes, coding, .. } = options;
    let ChosenContents { trace, file, from, to, day, group, files, all } = chosen;
    let path = match (files, all) {
        (true, _) => "/v1/exports/files",
        (_, true) => "/v1/exports/all",
        _ => "/v1/exports/telemetry",
    };
    let members = [
        ("trace", trace),
        ("file", file),
        ("from", from),
        ("to", to),
        ("day", day),
        ("group", group),
        ("part_max_bytes", part_max_bytes),
        ("coding", coding),
    ];
    let given = members.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    with_query(path, &given.collect::<Vec<_>>())
}
