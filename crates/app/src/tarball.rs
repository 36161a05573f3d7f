//! Kept files in tar archives.
//!
//! **Constraint.** One piece of one file is in memory at a time. An entry has as many bytes as it says, or is an error: what
//! comes after it would be read as something else.

use std::io::{self, Read, Write};

use bytes::Bytes;
use futures::StreamExt;
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use weir_core::files::{ContentHash, ContentReader, FilesError};
use weir_core::time::Timestamp;

/// Appends an entry of so many bytes, dated when the file was stored.
pub fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    path: &str,
    stored_at: Timestamp,
    bytes: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_mtime(u64::try_from(stored_at.as_micros() / 1_000_000).unwrap_or(0));
    archive.append_data(&mut header, path, content)
}

/// A file's bytes, for who reads and waits: hashed on their way, and as many as there are to be.
pub struct Content<'a> {
    pieces: ContentReader,
    rest: Bytes,
    left_bytes: u64,
    digest: Sha256,
    failure: Option<FilesError>,
    runtime: &'a Handle,
}

impl<'a> Content<'a> {
    /// These, which are to be so many bytes.
    pub fn new(pieces: ContentReader, bytes: u64, runtime: &'a Handle) -> Self {
        let digest = Sha256::new();
        Self { pieces, rest: Bytes::new(), left_bytes: bytes, digest, failure: None, runtime }
    }

    /// The hash of what was read.
    pub fn hash(&self) -> ContentHash {
        ContentHash(self.digest.clone().finalize().into())
    }

    /// Why reading failed, where it did.
    pub fn failure(&mut self) -> Option<FilesError> {
        self.failure.take()
    }

    fn fill(&mut self) -> Result<(), FilesError> {
        while self.rest.is_empty() && self.left_bytes > 0 {
            match self.runtime.block_on(self.pieces.next()) {
                Some(piece) => self.rest = piece?,
                None => return Err(FilesError::Broken(anyhow::anyhow!("a content ends early"))),
            }
        }
        match self.rest.len() as u64 > self.left_bytes {
            true => Err(FilesError::Broken(anyhow::anyhow!("a content has more bytes than its row tells"))),
            false => Ok(()),
        }
    }
}

impl Read for Content<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Err(error) = self.fill() {
            let told = io::Error::other(error.to_string());
            self.failure = Some(error);
            return Err(told);
        }
        let count = out.len().min(self.rest.len());
        out[..count].copy_from_slice(&self.rest.split_to(count));
        self.digest.update(&out[..count]);
        self.left_bytes -= count as u64;
        Ok(count)
    }
}
