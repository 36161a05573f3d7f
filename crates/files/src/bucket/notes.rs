//! Notes of what is half put, in a folder of this machine.
//!
//! **Constraint.** A note is durable before the first part goes: whatever is killed, no part is left that nobody knows of. They
//! are ours alone, so that several programs can share a bucket.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use weir_core::files::FilesError;

use crate::fault::{at, blocking};

/// An object that was begun in parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Its name.
    pub path: String,
    /// The server's own name for the beginning.
    pub upload: String,
}

/// The folder; clones are the same.
#[derive(Clone)]
pub(super) struct Notes {
    folder: PathBuf,
    /// Notes of what this run is about.
    current: Arc<Mutex<HashSet<PathBuf>>>,
}

/// One of them.
pub(super) struct Note {
    path: PathBuf,
    current: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Notes {
    pub fn open(folder: &Path) -> Result<Self, FilesError> {
        fs::create_dir_all(folder).map_err(at("making", folder))?;
        Ok(Self { folder: folder.to_owned(), current: Arc::default() })
    }

    /// Durable on return.
    pub async fn begin(&self, begun: Begun) -> Result<Note, FilesError> {
        // The server's names may be long, and have anything in them.
        let name: String = Sha256::digest(&begun.upload).iter().map(|byte| format!("{byte:02x}")).collect();
        let note = Note::of(self.folder.join(name), self.current.clone());
        let (folder, path) = (self.folder.clone(), note.path.clone());
        let write = move || {
            let mut file = File::create(&path)?;
            file.write_all(&serde_json::to_vec(&begun)?)?;
            file.sync_all()?;
            File::open(&folder)?.sync_all()
        };
        let shown = note.path.clone();
        blocking(move || write().map_err(at("writing", &shown))).await?;
        Ok(note)
    }

    /// Those of former runs. One that is torn was of something that had not begun to grow.
    pub async fn left_over(&self) -> Result<Vec<(Begun, Note)>, FilesError> {
        let notes = self.clone();
        blocking(move || {
            let folder = &notes.folder;
            let mut found = Vec::new();
            for entry in fs::read_dir(folder).map_err(at("listing", folder))? {
                let path = entry.map_err(at("listing", folder))?.path();
                if notes.current.lock().unwrap_or_else(PoisonError::into_inner).contains(&path) {
                    continue;
                }
                let text = match fs::read(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    text => text.map_err(at("reading", &path))?,
                };
                match serde_json::from_slice(&text) {
                    Ok(begun) => found.push((begun, Note::of(path, notes.current.clone()))),
                    Err(_) => fs::remove_file(&path).map_err(at("removing", &path))?,
                }
            }
            Ok(found)
        })
        .await
    }
}

impl Note {
    fn of(path: PathBuf, current: Arc<Mutex<HashSet<PathBuf>>>) -> Self {
        current.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Self { path, current }
    }

    /// It is whole, or taken back.
    pub async fn end(self) -> Result<(), FilesError> {
        let path = self.path.clone();
        blocking(move || fs::remove_file(&path).map_err(at("removing", &path))).await
    }
}

/// Given up in the middle, it is left over.
impl Drop for Note {
    fn drop(&mut self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.path);
    }
}
