//! `weir import`: what an export wrote, sent to a server.
//!
//! **Constraints.** Nothing is sent before every part was found whole. A record goes out as it lies there, with the user and
//! the sender it had: it stays theirs, whoever imports it. A stored file keeps its key, its names and its time. What is sent
//! twice has its effect once.

mod archive;
mod body;
mod files;
mod lines;
mod position;

use anyhow::bail;

use super::arguments::ImportOptions;
use super::client::Client;
use super::export::manifest::{ManifestFile, Part, told_of};
use super::progress::Progress;
use super::send::chunks::Chunks;
use super::send::courier::{Courier, Errand};
use super::send::summary::Summary;
use super::{Verdict, output};
use files::FilesImport;
use position::PositionFile;

/// Sends all parts, and tells what became of them.
pub async fn import(client: &Client, options: &ImportOptions, json: bool) -> anyhow::Result<Verdict> {
    let manifest = ManifestFile::whole(&options.directory)?;
    check(&manifest)?;
    let mut position = PositionFile::open(&options.directory, client.address(), options.restart);
    let (mut verdict, mut files) = (Verdict::Well, FilesImport::new(client, options, json));
    for part in manifest.parts() {
        if position.is_done(&part.sha256) {
            continue;
        }
        let sent = match is_archive(&part.name) {
            true => files.store(part, &mut position).await?,
            false => send(client, options, part, &mut position, json).await?,
        };
        if sent == Verdict::Wrong {
            verdict = Verdict::Wrong;
        }
    }
    files.end()?;
    if manifest.parts().is_empty() {
        output::note("The export holds nothing.");
    }
    Ok(verdict)
}

/// Whether a part of this name holds files.
fn is_archive(part: &str) -> bool {
    part.ends_with(".tar.gz")
}

/// Every part is what the manifest tells.
fn check(manifest: &ManifestFile) -> anyhow::Result<()> {
    for part in manifest.parts() {
        let path = manifest.directory().join(&part.name);
        match told_of(&path)? {
            Some((bytes, sha256)) if bytes == part.bytes && sha256 == part.sha256 => {}
            Some(_) => bail!(
                "{} is not what the manifest tells: it has changed since it was exported\n    \
                 Run the same `weir export` again; it fetches what is wrong.",
                path.display()
            ),
            None => bail!(
                "{} is missing\n    Run the same `weir export` again; it fetches what is missing.",
                path.display()
            ),
        }
    }
    Ok(())
}

async fn send(
    client: &Client,
    options: &ImportOptions,
    part: &Part,
    position: &mut PositionFile,
    json: bool,
) -> anyhow::Result<Verdict> {
    let path = options.directory.join(&part.name);
    let start = position.of(&part.sha256);
    let reader = lines::open(&path, start.offset)?;
    let progress = Progress::start(None, start.offset, json);
    let errand = Errand {
        path: "/v1/telemetry".to_owned(),
        stream: "telemetry",
        run: &part.sha256,
        retry_for: options.retry_for,
    };
    let courier = Courier::new(client, errand, &progress);
    let mut summary = Summary::new(part.name.clone(), json);
    let mut chunks = Chunks::new(reader, start);
    while let Some(chunk) = chunks.next(None)? {
        let outcome = courier.carry(&chunk).await?;
        position.reached(&part.sha256, chunk.end);
        summary.add(&chunk, outcome, &progress);
        progress.reached(chunk.end.offset);
    }
    position.done(&part.sha256);
    progress.end();
    summary.tell()
}
