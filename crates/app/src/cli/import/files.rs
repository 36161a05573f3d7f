//! Stored files, back to a server.
//!
//! **Constraints.** One file is on the disk beside the parts while it is sent, and never in memory. A part is done when every
//! file that has bytes in it was answered: a file in pieces holds its parts open until it is whole.

mod upload;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::json;

use super::archive::{self, Contained};
use super::position::PositionFile;
use crate::cli::arguments::ImportOptions;
use crate::cli::client::Client;
use crate::cli::export::manifest::{Part, told_of};
use crate::cli::progress::Progress;
use crate::cli::retry::Retry;
use crate::cli::{Verdict, output};
use crate::exports::FileLine;
use crate::logging::escaped;
use upload::{Uploaded, Uploading};

/// The file that is put together before it is sent.
const SPOOL: &str = "import-file.new";

/// Stores files, part by part.
pub struct FilesImport<'a> {
    client: &'a Client,
    options: &'a ImportOptions,
    json: bool,
    spool: PathBuf,
    /// The number of the file that is not whole yet.
    growing: Option<String>,
    /// Hashes of parts that wait for it.
    waiting: Vec<String>,
    retry: Retry,
}

#[derive(Default)]
struct Counts {
    stored: u64,
    known: u64,
    refused: u64,
    left_out: u64,
}

impl<'a> FilesImport<'a> {
    /// None yet.
    pub fn new(client: &'a Client, options: &'a ImportOptions, json: bool) -> Self {
        let (spool, retry) = (options.directory.join(SPOOL), Retry::new(options.retry_for));
        Self { client, options, json, spool, growing: None, waiting: Vec::new(), retry }
    }

    /// Stores what a part holds.
    pub async fn store(&mut self, part: &Part, position: &mut PositionFile) -> anyhow::Result<Verdict> {
        let path = self.options.directory.join(&part.name);
        let shown = || path.display().to_string();
        let Contained { mut files, left_out } = archive::contained(&path)?;
        let (mut counts, progress) = (Counts::default(), Progress::start(None, 0, self.json));
        for line in &left_out {
            let why = escaped(line.left_out.as_deref().unwrap_or_default());
            progress.say(&format!("{}: was left out of the export: {why}", escaped(&line.key)));
            counts.left_out += 1;
            // What of it came in pieces is no file.
            self.growing.take_if(|growing| *growing == line.id);
        }
        for entry in archive::open(&path)?.entries().with_context(shown)? {
            let mut entry = entry.with_context(shown)?;
            let entry_path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let Some(line) = files.remove(&entry_path) else { continue };
            if self.grow(&line, &mut entry).with_context(shown)? {
                self.send(&line, &mut counts, &progress).await?;
            }
        }
        progress.end();
        if let Some(line) = files.values().next() {
            bail!("{} lacks the bytes of {}, which its list names", shown(), escaped(&line.key));
        }
        self.waiting.push(part.sha256.clone());
        if self.growing.is_none() {
            self.waiting.drain(..).for_each(|part| position.done(&part));
        }
        counts.tell(&part.name, self.json)
    }

    /// Nothing follows.
    pub fn end(self) -> anyhow::Result<()> {
        if self.spool.exists() {
            fs::remove_file(&self.spool).with_context(|| self.spool.display().to_string())?;
        }
        Ok(())
    }

    /// Takes bytes of a file; whether it is whole now.
    fn grow(&mut self, line: &FileLine, bytes: &mut impl Read) -> anyhow::Result<bool> {
        let offset = line.piece.as_ref().map_or(0, |piece| piece.offset);
        let mut spool = match (offset, self.growing.as_ref() == Some(&line.id)) {
            (0, _) => File::create(&self.spool)?,
            (_, true) => File::options().append(true).open(&self.spool)?,
            (_, false) => bail!("{} goes on in it, and has not begun before it", escaped(&line.key)),
        };
        let count = io::copy(bytes, &mut spool)?;
        let is_whole = offset + count == line.bytes;
        self.growing = (!is_whole).then(|| line.id.clone());
        Ok(is_whole)
    }

    async fn send(
        &mut self,
        line: &FileLine,
        counts: &mut Counts,
        progress: &Progress,
    ) -> anyhow::Result<()> {
        if told_of(&self.spool)? != Some((line.bytes, line.sha256.clone())) {
            bail!("{} is not what the export's list tells: the export is damaged", escaped(&line.key));
        }
        let uploading = Uploading { client: self.client, line, path: &self.spool, progress };
        match uploading.run(&mut self.retry).await? {
            Uploaded::Stored => counts.stored += 1,
            Uploaded::Known => counts.known += 1,
            Uploaded::Refused(why) => {
                counts.refused += 1;
                progress.say(&format!("{}: {why}", escaped(&line.key)));
            }
        }
        Ok(())
    }
}

impl Counts {
    fn tell(&self, part: &str, json: bool) -> anyhow::Result<Verdict> {
        let Self { stored, known, refused, left_out } = self;
        match json {
            true => output::print_json(&json!({
                "part": part, "stored": stored, "known": known, "refused": refused, "left_out": left_out,
            }))?,
            false => output::print(&format!(
                "{part}: {stored} files stored, {known} there before, {refused} refused, {left_out} left out of the export\n"
            ))?,
        }
        Ok(if self.refused == 0 { Verdict::Well } else { Verdict::Wrong })
    }
}
