//! Exports on the disk: a folder each, with what was asked for, its parts, and of each part a note.
//!
//! | file | what |
//! |---|---|
//! | `order.json` | what was asked for; its time tells when somebody last asked |
//! | `000001.json` | the note of a part: its name, size and hash, and where the next one begins |
//! | `telemetry-000001.ndjson.zst` | the part |
//! | `….new` | what is not whole yet |
//!
//! **Constraint.** A note is there only while its part was whole before it; a part without a note is none.

mod upkeep;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::contents::{Order, Place};
use super::error::{ExportError, at};
use super::id::ExportId;
use super::part_file::PartFile;

pub use upkeep::Kept;

const ORDER: &str = "order.json";
/// What the names of files end with that are not whole yet.
const UNFINISHED: &str = "new";

/// Where exports lie.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
}

/// A part, as it is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PartFacts {
    /// Its place among the export's parts, from 1.
    pub number: u32,
    /// The name of its file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// What is noted when a part is whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The part; none where there was nothing more.
    pub part: Option<PartFacts>,
    /// Where the next part begins; nothing where the export is whole.
    pub then: Option<Place>,
}

/// Some of an export's parts.
pub struct Listing {
    /// The parts, in order.
    pub parts: Vec<PartFacts>,
    /// Whether nothing follows the last one.
    pub is_whole: bool,
}

impl Folder {
    /// Made where it is missing.
    pub fn open(path: &Path) -> Result<Self, ExportError> {
        fs::create_dir_all(path).map_err(at("making", path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Begins an export.
    pub fn begin(&self, id: &ExportId, order: &Order) -> Result<(), ExportError> {
        let path = self.of(id);
        fs::create_dir(&path).map_err(at("making", &path))?;
        write(&path.join(ORDER), order)?;
        sync(&self.path)
    }

    /// What was asked for.
    pub fn order(&self, id: &ExportId) -> Result<Order, ExportError> {
        read(&self.of(id).join(ORDER))?.ok_or_else(|| unknown(id))
    }

    /// Somebody asks for it.
    pub fn touch(&self, id: &ExportId) -> Result<(), ExportError> {
        let path = self.of(id).join(ORDER);
        match File::options().write(true).open(&path) {
            Ok(order) => order.set_modified(SystemTime::now()).map_err(at("touching", &path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(unknown(id)),
            Err(error) => Err(at("opening", &path)(error)),
        }
    }

    /// Parts after this one that are whole.
    pub fn list(&self, id: &ExportId, after: u32, limit: usize) -> Result<Listing, ExportError> {
        let mut listing = Listing { parts: Vec::new(), is_whole: false };
        // Whether anything follows is told by the note of the part before.
        let mut number = after;
        while listing.parts.len() < limit {
            if number > 0 {
                match self.note(id, number)? {
                    None => {
                        return Err(ExportError::Unknown(format!("the export {id} has no part {number}")));
                    }
                    Some(Note { then: None, .. }) => {
                        listing.is_whole = true;
                        break;
                    }
                    Some(_) => {}
                }
            }
            number = number.saturating_add(1);
            match self.note(id, number)? {
                None => break,
                Some(note) => listing.parts.extend(note.part),
            }
        }
        Ok(listing)
    }

    /// The last part's number, and its note; nothing where none is whole.
    pub fn last(&self, id: &ExportId) -> Result<Option<(u32, Note)>, ExportError> {
        let mut last = None;
        for number in 1.. {
            match self.note(id, number)? {
                Some(note) => last = Some((number, note)),
                None => break,
            }
        }
        Ok(last)
    }

    fn note(&self, id: &ExportId, number: u32) -> Result<Option<Note>, ExportError> {
        read(&self.of(id).join(note_name(number)))
    }

    /// A file for a part that is being made.
    pub fn grow(&self, id: &ExportId, number: u32) -> Result<PartFile, ExportError> {
        PartFile::make(self.of(id).join(format!("part-{number:06}.{UNFINISHED}")))
    }

    /// Has a part under its name, and then its note.
    pub fn keep(
        &self,
        id: &ExportId,
        (number, name): (u32, String),
        part: PartFile,
        then: Option<Place>,
    ) -> Result<Note, ExportError> {
        let finished = part.keep(&self.of(id).join(&name))?;
        sync(&self.of(id))?;
        let facts = PartFacts { number, name, bytes: finished.bytes, sha256: finished.sha256 };
        let note = Note { part: Some(facts), then };
        self.write_note(id, number, &note)?;
        Ok(note)
    }

    /// Notes that nothing follows.
    pub fn end(&self, id: &ExportId, number: u32) -> Result<(), ExportError> {
        self.write_note(id, number, &Note { part: None, then: None })
    }

    fn write_note(&self, id: &ExportId, number: u32, note: &Note) -> Result<(), ExportError> {
        write(&self.of(id).join(note_name(number)), note)
    }

    /// A part of this name, opened.
    pub fn part(&self, id: &ExportId, name: &str) -> Result<(PartFacts, File), ExportError> {
        let unknown = || ExportError::Unknown(format!("the export {id} has no part {name:?}"));
        let stem = name.split('.').next().unwrap_or_default();
        let number = stem.rsplit_once('-').and_then(|(_, digits)| digits.parse().ok()).ok_or_else(unknown)?;
        let note = self.note(id, number)?.and_then(|note| note.part);
        // No name from outside is ever a path: it must be the one that was noted.
        let facts = note.filter(|facts| facts.name == name).ok_or_else(unknown)?;
        let path = self.of(id).join(&facts.name);
        match File::open(&path) {
            Ok(file) => Ok((facts, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ExportError::Gone(format!(
                "the part {name} has made room for those that follow it; ask for the export anew"
            ))),
            Err(error) => Err(at("opening", &path)(error)),
        }
    }

    fn of(&self, id: &ExportId) -> PathBuf {
        self.path.join(id.as_str())
    }
}

fn unknown(id: &ExportId) -> ExportError {
    ExportError::Unknown(format!("there is no export {id}, or no longer; ask for it anew"))
}

fn note_name(number: u32) -> String {
    format!("{number:06}.json")
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ExportError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at("reading", path)(error)),
    };
    let damaged = |error| ExportError::Broken(format!("{} is damaged: {error}", path.display()));
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

/// Whole and durable, or not there.
fn write(path: &Path, value: &impl Serialize) -> Result<(), ExportError> {
    let growing = path.with_extension(UNFINISHED);
    let text = serde_json::to_vec(value).map_err(|error| ExportError::Broken(error.to_string()))?;
    let mut file = File::create(&growing).map_err(at("making", &growing))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(at("writing", &growing))?;
    fs::rename(&growing, path).map_err(at("renaming", &growing))?;
    path.parent().map_or(Ok(()), sync)
}

/// Has the names in a folder on the disk.
fn sync(folder: &Path) -> Result<(), ExportError> {
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(at("syncing", folder))
}
