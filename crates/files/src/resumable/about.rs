//! What is written down of an upload when it begins, and when its file is stored.
//!
//! **Constraint.** It is whole on the disk or not there: written beside its place, synced, and moved there.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use weir_core::files::FilesError;
use weir_core::time::Timestamp;

use crate::fault::at;

/// What it is written under; later ones will read this one.
const VERSION: u32 = 1;

/// What is known of an upload from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The credential that began it; others do not see it.
    pub owner: String,
    /// Bytes that the file will have.
    pub length: u64,
    /// The file's key, told or issued: so that storing it again makes no other file.
    pub key: String,
    /// What its sender told of it, in the sender's own writing.
    pub told: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The file's number.
    pub file: i64,
    /// Where the last part began, so that it can be known again.
    pub last_offset: u64,
}

/// As it lies on the disk.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Written {
    version: u32,
    pub about: About,
    /// When it is given up.
    pub expires_at: Timestamp,
    pub done: Option<Done>,
}

impl Written {
    pub(super) fn new(about: About, expires_at: Timestamp, done: Option<Done>) -> Self {
        Self { version: VERSION, about, expires_at, done }
    }

    /// Durable on return.
    pub(super) fn write(&self, path: &Path) -> Result<(), FilesError> {
        let beside = path.with_extension(super::BESIDE);
        let written = || {
            let mut file = File::create(&beside)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
            path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        written().map_err(at("writing", path))
    }

    /// An error where it is damaged, or of a newer version.
    pub(super) fn read(path: &Path) -> Result<Self, FilesError> {
        let read = || {
            let written: Self = serde_json::from_slice(&fs::read(path)?)?;
            let newer = || io::Error::new(io::ErrorKind::InvalidData, "a newer Weir has written it");
            (written.version == VERSION).then_some(written).ok_or_else(newer)
        };
        read().map_err(at("reading", path))
    }
}
