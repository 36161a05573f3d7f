//! A part of files: a `tar.gz`, with a list of what is in it at its end.
//!
//! **Constraint.** A part is never larger than it may be: before an entry begins there is room for all of it, for the list,
//! and for tar's end.

use std::io::{self, Write};

use weir_core::time::Timestamp;

use super::line::FileLine;
use crate::exports::packed::{Packed, at_worst};
use crate::exports::part_file::PartFile;
use crate::tarball::{Content, append};

/// An entry's head, the head and the block of a long name, and what fills up the last block.
const ENTRY_BYTES: u64 = 4 * 512;
/// The entry of the list, and the two blocks that end an archive.
const END_BYTES: u64 = ENTRY_BYTES + 2 * 512;
/// What a line says more when its path, its piece or its absence is known.
const LINE_MORE_BYTES: u64 = 1_024;
/// A list is in memory until its part ends.
const LIST_MAX_BYTES: usize = 4 << 20;

/// Files and pieces, and where they go.
pub struct FilePart {
    archive: tar::Builder<Packed>,
    list: Vec<u8>,
    max_bytes: u64,
}

impl FilePart {
    /// Into this file.
    pub fn new(file: PartFile, max_bytes: u64) -> Self {
        Self { archive: tar::Builder::new(Packed::archive(file, max_bytes)), list: Vec::new(), max_bytes }
    }

    /// Whether nothing is told in it.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a part that holds nothing else has room for so many bytes with this line.
    pub fn could_hold(&self, line: &FileLine, bytes: u64) -> io::Result<bool> {
        Ok(at_worst(bytes + ENTRY_BYTES + line_bytes(line)? + END_BYTES) + 128 <= self.max_bytes)
    }

    /// Whether there is room for so many bytes with this line.
    pub fn fits(&mut self, line: &FileLine, bytes: u64) -> io::Result<bool> {
        if self.list.len() > LIST_MAX_BYTES {
            return Ok(false);
        }
        let around = ENTRY_BYTES + line_bytes(line)? + self.list.len() as u64 + END_BYTES;
        self.archive.get_mut().fits(bytes + around)
    }

    /// So many bytes have room with this line.
    pub fn room(&mut self, line: &FileLine) -> io::Result<u64> {
        let around = ENTRY_BYTES + line_bytes(line)? + self.list.len() as u64 + END_BYTES;
        Ok(self.archive.get_mut().room()?.saturating_sub(around))
    }

    /// Appends an entry.
    pub fn append(
        &mut self,
        path: &str,
        stored_at: Timestamp,
        bytes: u64,
        content: &mut Content<'_>,
    ) -> io::Result<()> {
        append(&mut self.archive, path, stored_at, bytes, content)
    }

    /// Tells of something in the list.
    pub fn tell(&mut self, line: &FileLine) -> io::Result<()> {
        serde_json::to_writer(&mut self.list, line)?;
        self.list.write_all(b"\n")
    }

    /// The file, with the list under this name at its end.
    pub fn finish(mut self, list_name: &str, at: Timestamp) -> io::Result<PartFile> {
        append(&mut self.archive, list_name, at, self.list.len() as u64, self.list.as_slice())?;
        self.archive.into_inner()?.finish()
    }
}

fn line_bytes(line: &FileLine) -> io::Result<u64> {
    Ok(serde_json::to_vec(line)?.len() as u64 + LINE_MORE_BYTES)
}
