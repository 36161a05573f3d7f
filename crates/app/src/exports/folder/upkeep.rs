//! What exports take up, and their end.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Folder, ORDER, UNFINISHED};
use crate::exports::error::{ExportError, at};
use crate::exports::id::ExportId;

/// An export that lies there.
pub struct Kept {
    /// Its name.
    pub id: ExportId,
    /// Bytes of all its files.
    pub bytes: u64,
    /// For how long nobody has asked for it.
    pub idle: Duration,
}

impl Folder {
    /// All exports, those first that nobody has asked for the longest.
    pub fn exports(&self) -> Result<Vec<Kept>, ExportError> {
        let (mut kept, now) = (Vec::new(), SystemTime::now());
        for entry in fs::read_dir(&self.path).map_err(at("listing", &self.path))? {
            let name = entry.map_err(at("listing", &self.path))?.file_name();
            // What has another name is nobody's export, and stays.
            if let Some(id) = name.to_str().and_then(ExportId::parse) {
                kept.extend(self.kept(id, now)?);
            }
        }
        kept.sort_by_key(|kept| std::cmp::Reverse(kept.idle));
        Ok(kept)
    }

    /// Nothing where it has been removed meanwhile.
    fn kept(&self, id: ExportId, now: SystemTime) -> Result<Option<Kept>, ExportError> {
        let folder = self.of(&id);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at("listing", &folder)(error)),
        };
        // A file that has just been renamed or removed counts the next time.
        let size =
            |entry: io::Result<fs::DirEntry>| entry.and_then(|entry| entry.metadata()).map(|file| file.len());
        let bytes = entries.map(|entry| size(entry).unwrap_or(0)).sum();
        // A beginning that broke off has no order, and is as old as its folder.
        let touched = modified(&folder.join(ORDER)).or_else(|_| modified(&folder));
        let idle = touched.map(|touched| now.duration_since(touched).unwrap_or_default());
        Ok(idle.ok().map(|idle| Kept { id, bytes, idle }))
    }

    /// Removes what is not whole. Nobody may be making anything.
    pub fn sweep_unfinished(&self) -> Result<(), ExportError> {
        for Kept { id, .. } in self.exports()? {
            let folder = self.of(&id);
            for entry in fs::read_dir(&folder).map_err(at("listing", &folder))? {
                let path = entry.map_err(at("listing", &folder))?.path();
                if path.extension().is_some_and(|ending| ending == UNFINISHED) {
                    fs::remove_file(&path).map_err(at("removing", &path))?;
                }
            }
        }
        Ok(())
    }

    /// Removes exports that nobody has asked for in so long.
    pub fn sweep_idle(&self, keep: Duration) -> Result<(), ExportError> {
        for Kept { id, idle, .. } in self.exports()? {
            if idle > keep {
                self.remove(&id)?;
            }
        }
        Ok(())
    }

    /// Removes an export. Who reads a part of it reads it to its end.
    pub fn remove(&self, id: &ExportId) -> Result<(), ExportError> {
        let folder = self.of(id);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at("removing", &folder)(error)),
            _ => Ok(()),
        }
    }

    /// Removes the bytes of an export's parts up to this one; their notes stay.
    pub fn remove_parts(&self, id: &ExportId, up_to: u32) -> Result<(), ExportError> {
        for number in 1..=up_to {
            let Some(facts) = self.note(id, number)?.and_then(|note| note.part) else { continue };
            let path = self.of(id).join(&facts.name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(at("removing", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes that are free on the disk.
    pub fn free_bytes(&self) -> Result<u64, ExportError> {
        let told =
            rustix::fs::statvfs(&self.path).map_err(io::Error::from).map_err(at("asking", &self.path))?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}
