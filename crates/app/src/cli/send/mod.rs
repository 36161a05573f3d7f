//! `weir send`: a file of events, once, whatever crashes on the way.
//!
//! A chunk's key follows from its content and its place, and its bounds are written down before it is sent
//! ([`position`]): so after a crash the same bytes go out under the same key, even if the file has grown meanwhile.

pub(super) mod chunks;
pub(super) mod courier;
mod position;
pub(super) mod summary;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;

use super::Verdict;
use super::arguments::SendOptions;
use super::client::Client;
use super::progress::Progress;
use chunks::Chunks;
use courier::{Courier, Errand};
use position::{PositionFile, Subject};
use summary::Summary;

const READ_BUFFER_BYTES: usize = 256 * 1024;

/// Sends the file, and tells what became of it.
pub async fn send(client: &Client, options: &SendOptions, json: bool) -> anyhow::Result<Verdict> {
    let mut source = Source::open(client, options)?;
    let mut summary = Summary::new(source.name.clone(), json);
    let progress = Progress::start(source.size, source.start.offset, json);
    let courier = Courier::new(client, Errand::of(options), &progress);
    let mut chunks = Chunks::new(source.reader, source.start);
    while let Some(chunk) = chunks.next(source.planned_end.take()).context("reading the file")? {
        source.position.plan(&chunk)?;
        let outcome = courier.carry(&chunk).await?;
        source.position.done(chunk.end);
        summary.add(&chunk, outcome, &progress);
        progress.reached(chunk.end.offset);
    }
    source.position.finish()?;
    progress.end();
    summary.tell()
}

/// What is sent, and from where on.
struct Source {
    name: String,
    reader: Box<dyn BufRead>,
    size: Option<u64>,
    start: chunks::Place,
    /// Where the chunk ends that was under way when the last sending stopped.
    planned_end: Option<u64>,
    position: PositionFile,
}

impl Source {
    fn open(client: &Client, options: &SendOptions) -> anyhow::Result<Self> {
        if options.file == Path::new("-") {
            let reader = Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, io::stdin()));
            let start = chunks::Place::default();
            let position = PositionFile::none();
            return Ok(Self {
                name: "standard input".into(),
                reader,
                size: None,
                start,
                planned_end: None,
                position,
            });
        }
        let name = options.file.display().to_string();
        let mut file = File::open(&options.file).with_context(|| name.clone())?;
        let size = file.metadata().with_context(|| name.clone())?.len();
        let subject = Subject { server: client.address(), stream: &options.stream, run: &options.run };
        let mut position = PositionFile::of(&options.file, subject);
        let resumed = if options.restart { None } else { position.read(&mut file)? };
        let (start, planned_end) = resumed.unwrap_or_default();
        file.seek(SeekFrom::Start(start.offset)).with_context(|| name.clone())?;
        let reader = Box::new(BufReader::with_capacity(READ_BUFFER_BYTES, file));
        Ok(Self { name, reader, size: Some(size), start, planned_end, position })
    }
}
