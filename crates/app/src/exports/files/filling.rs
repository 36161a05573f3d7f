//! One part of files, as it is filled.

use std::collections::BTreeMap;
use std::io;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use weir_core::files::{ByteRange, FilesError, StoredFile};
use weir_files::Files;

use super::FilesPlace;
use super::choice::{FilesChoice, Standing};
use super::line::{FileLine, FilePiece};
use super::part::FilePart;
use super::path;
use crate::exports::error::{ExportError, unwritten};
use crate::tarball::Content;

/// Rows that are asked for at once.
const PAGE: usize = 100;

/// Files that cannot be had, and why.
pub type Lost = BTreeMap<i64, String>;

/// Why a part could not be filled.
pub enum Halt {
    /// The file cannot be had to its end, and a part of it is in the part.
    Lost(i64, String),
    /// Something else.
    Failed(ExportError),
}

/// What a part is filled with, and from.
pub struct Filling<'a> {
    pub files: &'a Files,
    pub choice: &'a FilesChoice,
    pub stop: &'a CancellationToken,
    pub lost: &'a Lost,
    pub part_max_bytes: u64,
    pub runtime: Handle,
}

/// How far a file went into the part.
enum Reached {
    End,
    /// The part is full; the file goes on here.
    Offset(u64),
}

impl Filling<'_> {
    /// From this place on. Where the next part begins; nothing where nothing follows.
    pub fn fill(&self, part: &mut FilePart, from: FilesPlace) -> Result<Option<FilesPlace>, Halt> {
        let (filter, mut place) = (self.choice.filter(), from);
        loop {
            let page = self.runtime.block_on(self.files.catalog().list(&filter, place.after, PAGE))?;
            for file in &page.items {
                if self.choice.is_over_at(file) {
                    return Ok(None);
                }
                if self.stop.is_cancelled() {
                    return Err(ExportError::Retry("the program ends; ask again".to_owned()).into());
                }
                let offset = place.split.filter(|(id, _)| *id == file.id).map_or(0, |(_, offset)| offset);
                match self.add(part, file, offset)? {
                    Reached::End => place = FilesPlace { after: Some(file.id), split: None },
                    Reached::Offset(offset) => {
                        return Ok(Some(FilesPlace { split: Some((file.id, offset)), ..place }));
                    }
                }
            }
            if page.next.is_none() {
                return Ok(None);
            }
        }
    }

    fn add(&self, part: &mut FilePart, file: &StoredFile, offset: u64) -> Result<Reached, Halt> {
        if let Some(reason) = self.lost.get(&file.id) {
            return leave_out(part, file, offset, reason);
        }
        match self.choice.standing(file) {
            Standing::Other => return Ok(Reached::End),
            Standing::Vanished(reason) => return leave_out(part, file, offset, &reason),
            Standing::Meant => {}
        }
        match offset == 0 && part.could_hold(&FileLine::of(file), file.facts.bytes)? {
            true => self.add_whole(part, file),
            false => self.add_pieces(part, file, offset),
        }
    }

    fn add_whole(&self, part: &mut FilePart, file: &StoredFile) -> Result<Reached, Halt> {
        let (mut line, bytes) = (FileLine::of(file), file.facts.bytes);
        if !part.is_empty() && !part.fits(&line, bytes)? {
            return Ok(Reached::Offset(0));
        }
        let mut content = match self.open(file, ByteRange { start: 0, end: bytes })? {
            Ok(content) => content,
            Err(reason) => return leave_out(part, file, 0, &reason),
        };
        let path = path::whole(file);
        let appended = part.append(&path, file.facts.stored_at, bytes, &mut content);
        self.check(file, appended, &mut content)?;
        if content.hash() != file.facts.hash {
            return Err(Halt::Lost(file.id, "its bytes are not those that were stored".to_owned()));
        }
        line.path = Some(path);
        part.tell(&line)?;
        Ok(Reached::End)
    }

    /// A file that is larger than a part: as much of it as there is room for.
    fn add_pieces(&self, part: &mut FilePart, file: &StoredFile, from: u64) -> Result<Reached, Halt> {
        let (mut line, mut offset) = (FileLine::of(file), from);
        while offset < file.facts.bytes {
            let (room, left) = (part.room(&line)?, file.facts.bytes - offset);
            if room < left && room < self.part_max_bytes / 2 && !part.is_empty() {
                return Ok(Reached::Offset(offset));
            }
            let end = offset + room.min(left);
            let mut content = match self.open(file, ByteRange { start: offset, end })? {
                Ok(content) => content,
                Err(reason) => return leave_out(part, file, offset, &reason),
            };
            let path = path::piece(file, offset);
            let appended = part.append(&path, file.facts.stored_at, end - offset, &mut content);
            self.check(file, appended, &mut content)?;
            line.piece = Some(FilePiece { offset, bytes: end - offset, sha256: content.hash().to_string() });
            line.path = Some(path);
            part.tell(&line)?;
            offset = end;
        }
        Ok(Reached::End)
    }

    /// Some bytes of a file, or why they cannot be had.
    fn open(&self, file: &StoredFile, range: ByteRange) -> Result<Result<Content<'_>, String>, Halt> {
        match self.runtime.block_on(self.files.read(file, range)) {
            Ok(pieces) => Ok(Ok(Content::new(pieces, range.end - range.start, &self.runtime))),
            Err(error) => Ok(Err(self.reason(file, error)?)),
        }
    }

    /// Tells a file that cannot be read from a part that cannot be written.
    fn check(
        &self,
        file: &StoredFile,
        appended: io::Result<()>,
        content: &mut Content<'_>,
    ) -> Result<(), Halt> {
        match (appended, content.failure()) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(error)) => Err(Halt::Lost(file.id, self.reason(file, error)?)),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Why a file's bytes cannot be had, now and later.
    fn reason(&self, file: &StoredFile, error: FilesError) -> Result<String, Halt> {
        let FilesError::Broken(cause) = error else { return Err(error.into()) };
        let found = self.runtime.block_on(self.files.catalog().find(&file.id.to_string()))?;
        match found.map(|file| self.choice.standing(&file)) {
            Some(Standing::Vanished(reason)) => Ok(reason),
            _ => {
                tracing::error!(key = %file.facts.key, error = %cause, "a file cannot be exported");
                Ok(format!("its bytes cannot be read: {cause}"))
            }
        }
    }
}

fn leave_out(part: &mut FilePart, file: &StoredFile, offset: u64, reason: &str) -> Result<Reached, Halt> {
    let mut line = FileLine::of(file);
    line.left_out = Some(reason.to_owned());
    if !part.is_empty() && !part.fits(&line, 0)? {
        return Ok(Reached::Offset(offset));
    }
    part.tell(&line)?;
    Ok(Reached::End)
}

impl From<ExportError> for Halt {
    fn from(error: ExportError) -> Self {
        Self::Failed(error)
    }
}

impl From<FilesError> for Halt {
    fn from(error: FilesError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Failed(unwritten(&error))
    }
}
