//! Room for the next part.
//!
//! **Constraint.** Exports together stay below their limit, and the disk keeps what has to stay free. Where room lacks,
//! exports go that nobody has asked for in a while, the longest idle first, and then those parts of the same export that
//! the client said it has: asking for what follows a part says so.

use std::time::Duration;

use super::error::ExportError;
use super::folder::{Folder, Kept};
use super::id::ExportId;

/// An export that somebody asked for within this time is not given up.
const REST: Duration = Duration::from_secs(600);

/// How much exports may take up.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes of all of them.
    pub max_bytes: u64,
    /// Bytes that stay free on the disk.
    pub free_min_bytes: u64,
}

/// Makes place for one more among so many exports.
pub fn make_place(folder: &Folder, exports_max: usize) -> Result<(), ExportError> {
    let there = folder.exports()?;
    if there.len() < exports_max {
        return Ok(());
    }
    match there.first().filter(|kept| kept.idle > REST) {
        Some(kept) => folder.remove(&kept.id),
        None => Err(ExportError::Full(format!(
            "there are {exports_max} exports that somebody has just asked for; ask again in a few minutes"
        ))),
    }
}

impl Room {
    /// Makes room for so many bytes more of this export, of which the client has all parts up to `had`.
    pub fn make(&self, folder: &Folder, id: &ExportId, had: u32, bytes: u64) -> Result<(), ExportError> {
        if self.is_there(folder, bytes)? {
            return Ok(());
        }
        let others: Vec<Kept> = folder.exports()?.into_iter().filter(|kept| kept.id != *id).collect();
        for kept in others.iter().filter(|kept| kept.idle > REST) {
            folder.remove(&kept.id)?;
            if self.is_there(folder, bytes)? {
                return Ok(());
            }
        }
        folder.remove_parts(id, had)?;
        match self.is_there(folder, bytes)? {
            true => Ok(()),
            false => Err(ExportError::Full(format!(
                "there is no room for a part of {bytes} bytes: exports may take up {} bytes (exports.max_bytes), and {} are to stay \
                 free on the disk (exports.free_min_bytes); ask for smaller parts, or later",
                self.max_bytes, self.free_min_bytes
            ))),
        }
    }

    fn is_there(&self, folder: &Folder, bytes: u64) -> Result<bool, ExportError> {
        let taken: u64 = folder.exports()?.iter().map(|kept| kept.bytes).sum();
        let is_free = folder.free_bytes()?.saturating_sub(bytes) >= self.free_min_bytes;
        Ok(is_free && taken.saturating_add(bytes) <= self.max_bytes)
    }
}
