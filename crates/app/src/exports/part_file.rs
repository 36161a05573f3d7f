//! A part as it grows.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::error::{ExportError, at};

/// A file that is hashed and counted as it is written; removed when dropped, unless it was kept.
pub struct PartFile {
    file: BufWriter<File>,
    path: PathBuf,
    digest: Sha256,
    bytes: u64,
    is_kept: bool,
}

/// A file that is whole and on the disk, under the name it grew by.
pub struct Finished {
    /// Bytes of it.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl PartFile {
    /// A new file; one that lies there is overwritten.
    pub fn make(path: PathBuf) -> Result<Self, ExportError> {
        let file = BufWriter::with_capacity(256 << 10, File::create(&path).map_err(at("making", &path))?);
        Ok(Self { file, path, digest: Sha256::new(), bytes: 0, is_kept: false })
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Has it on the disk, and gives it its name.
    pub fn keep(mut self, name: &std::path::Path) -> Result<Finished, ExportError> {
        self.file.flush().map_err(at("writing", &self.path))?;
        self.file.get_ref().sync_all().map_err(at("syncing", &self.path))?;
        fs::rename(&self.path, name).map_err(at("renaming", &self.path))?;
        self.is_kept = true;
        let sha256 = self.digest.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Finished { bytes: self.bytes, sha256 })
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digest.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    // What the encoder has is written out so that it is counted; the disk need not have it yet.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}
