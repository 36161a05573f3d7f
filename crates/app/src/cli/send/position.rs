//! How far a file was sent: `FILE.weir-position`, beside it.
//!
//! It is advice. Where it is missing, damaged, or about another file, sending begins at the first line, and the
//! server knows what it had.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::chunks::{Chunk, Place};
use crate::cli::output;

/// By so much of its beginning a file is known again.
const HEAD_MAX_BYTES: u64 = 4096;

/// What the position is a position of, beside the file.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The server's address.
    pub server: &'a str,
    /// The stream.
    pub stream: &'a str,
    /// The sending's name.
    pub run: &'a str,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Position {
    version: u32,
    server: String,
    stream: String,
    run: String,
    /// Bytes sent, and answered.
    offset: u64,
    /// Lines sent, and answered.
    lines: u64,
    /// Where the chunk ends that was being sent.
    sending_to: Option<u64>,
    /// SHA-256 of the file's beginning, at most `offset` bytes of it.
    head: String,
}

/// The position's file, or nothing for a source that cannot be gone back in.
pub struct PositionFile {
    file: Option<(PathBuf, PathBuf)>,
    position: Position,
}

impl PositionFile {
    /// For standard input.
    pub fn none() -> Self {
        Self { file: None, position: Position::new(Subject { server: "", stream: "", run: "" }) }
    }

    /// For this file.
    pub fn of(source: &Path, subject: Subject<'_>) -> Self {
        let mut path = source.as_os_str().to_owned();
        path.push(".weir-position");
        Self { file: Some((source.to_owned(), path.into())), position: Position::new(subject) }
    }

    /// Where to go on, and where the chunk under way ends; `None` where to begin at the beginning.
    pub fn read(&mut self, source: &mut File) -> anyhow::Result<Option<(Place, Option<u64>)>> {
        let Some((_, path)) = &self.file else { return Ok(None) };
        let Ok(text) = std::fs::read(path) else { return Ok(None) };
        let found: Option<Position> = serde_json::from_slice(&text).ok();
        let Some(found) = found.filter(|found| found.is_of(&self.position)) else {
            output::note(&format!("{} is of another sending; beginning at the first line", path.display()));
            return Ok(None);
        };
        if head_of(source, found.offset).context("reading the file")? != found.head {
            output::note("the file is another one than was sent; beginning at the first line");
            return Ok(None);
        }
        self.position = found;
        let place = Place { offset: self.position.offset, lines: self.position.lines };
        Ok(Some((place, self.position.sending_to)))
    }

    /// `chunk` is about to be sent.
    pub fn plan(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        self.position.sending_to = Some(chunk.end.offset);
        self.write()
    }

    /// Everything before `end` was answered. Written down with the next plan, or at the end.
    pub fn done(&mut self, end: Place) {
        self.position.offset = end.offset;
        self.position.lines = end.lines;
        self.position.sending_to = None;
    }

    /// Everything was answered.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.write()
    }

    // Not synced: if the machine fails, sending begins earlier, and what the server had has no second effect.
    fn write(&mut self) -> anyhow::Result<()> {
        let Some((source, path)) = &self.file else { return Ok(()) };
        let write = || -> anyhow::Result<String> {
            let head = head_of(&mut File::open(source)?, self.position.offset)?;
            let position = Position { head, ..self.position.clone() };
            let beside = path.with_extension("weir-position-new");
            std::fs::write(&beside, serde_json::to_vec(&position)?)?;
            std::fs::rename(&beside, path)?;
            Ok(position.head)
        };
        match write() {
            Ok(head) => self.position.head = head,
            Err(error) => {
                output::note(&format!(
                    "{} cannot be written ({error:#}); going on without it",
                    path.display()
                ));
                self.file = None;
            }
        }
        Ok(())
    }
}

impl Position {
    fn new(subject: Subject<'_>) -> Self {
        Self {
            version: 1,
            server: subject.server.to_owned(),
            stream: subject.stream.to_owned(),
            run: subject.run.to_owned(),
            offset: 0,
            lines: 0,
            sending_to: None,
            head: String::new(),
        }
    }

    fn is_of(&self, other: &Self) -> bool {
        let subject = |position: &Self| {
            (position.version, position.server.clone(), position.stream.clone(), position.run.clone())
        };
        subject(self) == subject(other)
    }
}

/// SHA-256 of the first `offset` bytes, at most [`HEAD_MAX_BYTES`]; another one where the file has fewer.
fn head_of(source: &mut File, offset: u64) -> std::io::Result<String> {
    let mut head = Vec::new();
    source.rewind()?;
    source.take(HEAD_MAX_BYTES.min(offset)).read_to_end(&mut head)?;
    if source.metadata()?.len() < offset {
        return Ok(String::new());
    }
    Ok(Sha256::digest(&head).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject<'static> = Subject { server: "http://h", stream: "events", run: "" };

    fn resumed(path: &Path, subject: Subject<'_>) -> Option<(Place, Option<u64>)> {
        PositionFile::of(path, subject).read(&mut File::open(path).unwrap()).unwrap()
    }

    /// A file of three lines of which one was answered and the second was under way.
    fn interrupted(directory: &Path) -> PathBuf {
        let path = directory.join("f");
        std::fs::write(&path, "a\nb\nc\n").unwrap();
        let mut position = PositionFile::of(&path, SUBJECT);
        position.done(Place { offset: 2, lines: 1 });
        position.plan(&Chunk { end: Place { offset: 4, lines: 2 }, ..Chunk::default() }).unwrap();
        path
    }

    #[test]
    fn sending_goes_on_with_the_chunk_that_was_under_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = interrupted(directory.path());
        let expected = Some((Place { offset: 2, lines: 1 }, Some(4)));
        assert_eq!(resumed(&path, SUBJECT), expected);
        std::fs::write(&path, "a\nb\nc\nand more\n").unwrap();
        assert_eq!(resumed(&path, SUBJECT), expected, "a file may grow");
    }

    #[test]
    fn another_file_stream_or_server_begins_at_the_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let path = interrupted(directory.path());
        assert_eq!(resumed(&path, Subject { stream: "actions", ..SUBJECT }), None);
        assert_eq!(resumed(&path, Subject { server: "http://other", ..SUBJECT }), None);
        assert_eq!(resumed(&path, Subject { run: "again", ..SUBJECT }), None);
        std::fs::write(&path, "x\nb\nc\n").unwrap();
        assert_eq!(resumed(&path, SUBJECT), None, "another beginning");
        std::fs::write(&path, "a").unwrap();
        assert_eq!(resumed(&path, SUBJECT), None, "shorter than what was sent");
    }

    #[test]
    fn a_damaged_position_is_no_position() {
        let directory = tempfile::tempdir().unwrap();
        let path = interrupted(directory.path());
        std::fs::write(directory.path().join("f.weir-position"), "{\"version\":1,").unwrap();
        assert_eq!(resumed(&path, SUBJECT), None);
    }
}
