//! Where uploads grow until they are whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use bytes::Bytes;
use weir_core::files::{ContentHash, FilesError, Packed};
use weir_core::world::Random;

use crate::fault::at;
use crate::packing::Progress;

const ENDING: &str = "part";

/// A folder for what is not whole yet.
#[derive(Clone)]
pub struct Staging {
    folder: PathBuf,
    free_min_bytes: u64,
    random: Arc<dyn Random>,
}

/// A file of the folder; removed when dropped, unless it was taken away.
#[derive(Debug)]
pub(crate) struct Part {
    path: PathBuf,
}

/// A content that has come in whole, packed.
#[derive(Debug)]
pub struct Staged {
    place: StagedPlace,
    /// Its hash.
    pub hash: ContentHash,
    /// Its bytes, unpacked.
    pub bytes: u64,
    /// Bytes that it takes up.
    pub stored_bytes: u64,
}

/// Where it lies: in memory what is one piece, else in a file of the folder, durable.
#[derive(Debug)]
enum StagedPlace {
    Here(Bytes),
    File(Part),
}

impl Staging {
    /// The folder is made where it is missing, and what former runs left in it is removed. An upload is refused where the
    /// disk would have less than `free_min_bytes` left.
    pub fn open(folder: &Path, free_min_bytes: u64, random: Arc<dyn Random>) -> Result<Self, FilesError> {
        fs::create_dir_all(folder).map_err(at("making", folder))?;
        for entry in fs::read_dir(folder).map_err(at("listing", folder))? {
            let path = entry.map_err(at("listing", folder))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) {
                fs::remove_file(&path).map_err(at("removing", &path))?;
            }
        }
        Ok(Self { folder: folder.to_owned(), free_min_bytes, random })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the disk has room for so many bytes more.
    pub(crate) fn check_room(&self, bytes: u64) -> Result<(), FilesError> {
        let told =
            rustix::fs::statvfs(&self.folder).map_err(io::Error::from).map_err(at("asking", &self.folder))?;
        let free = told.f_bavail.saturating_mul(told.f_frsize);
        match free.saturating_sub(bytes) < self.free_min_bytes {
            true => Err(FilesError::Full(anyhow!(
                "the disk of {} has {free} bytes free, and files.free_min_bytes, {}, are to stay so: free some space",
                self.folder.display(),
                self.free_min_bytes
            ))),
            false => Ok(()),
        }
    }

    /// A new file of a name that nobody else has.
    pub(crate) fn make(&self) -> Result<(Part, File), FilesError> {
        let path = self.fresh_path();
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(at("making", &path))?;
        Ok((Part { path }, file))
    }

    /// A further name for a file of the same disk, under which it can be taken away.
    pub(crate) fn link(&self, file: &Path) -> Result<Part, FilesError> {
        let path = self.fresh_path();
        fs::hard_link(file, &path).map_err(at("linking", &path))?;
        Ok(Part { path })
    }

    fn fresh_path(&self) -> PathBuf {
        self.folder.join(format!("{:016x}.{ENDING}", self.random.next()))
    }
}

impl Staged {
    /// What lies in this file.
    pub(crate) fn file(part: Part, progress: &Progress) -> Self {
        Self::at(StagedPlace::File(part), progress)
    }

    /// What lies in memory.
    pub(crate) fn here(packed: Bytes, progress: &Progress) -> Self {
        Self::at(StagedPlace::Here(packed), progress)
    }

    fn at(place: StagedPlace, progress: &Progress) -> Self {
        let (hash, bytes, stored_bytes) = (progress.hash(), progress.bytes(), progress.stored_bytes());
        Self { place, hash, bytes, stored_bytes }
    }

    /// What is to be kept.
    pub(crate) fn packed(&self) -> Packed<'_> {
        match &self.place {
            StagedPlace::Here(packed) => Packed::Here(packed),
            StagedPlace::File(part) => Packed::File(part.path()),
        }
    }
}

impl Part {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Kept contents are not there any more; what cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}
