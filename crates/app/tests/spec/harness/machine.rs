//! What the machine under the tests can and cannot give.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::skipped;

/// A file system of a few megabytes, in memory; unmounted when dropped.
pub struct Tmpfs(TempDir);

impl Tmpfs {
    /// `None`, and noted as skipped, where one may not mount.
    #[track_caller]
    pub fn mount(suite: &str, size_bytes: u64) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let size = format!("size={size_bytes}");
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        match output {
            Ok(output) if output.status.success() => Some(Self(folder)),
            Ok(output) => {
                skipped(suite, &format!("cannot mount a tmpfs: {}", String::from_utf8_lossy(&output.stderr)));
                None
            }
            Err(error) => {
                skipped(suite, &format!("cannot run mount: {error}"));
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A folder on it for somebody else's data.
    pub fn folder(&self) -> TempDir {
        TempDir::new_in(self.path()).unwrap()
    }

    /// Fills it but for about `left_bytes`, or for nothing where others write at the same time; the file that does so, to
    /// be removed again.
    pub fn fill(&self, left_bytes: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free_bytes = text.lines().nth(1).unwrap().trim().parse::<u64>().unwrap();
        let ballast = self.path().join("ballast");
        let length = usize::try_from(free_bytes.saturating_sub(left_bytes)).unwrap();
        match fs::write(&ballast, vec![0; length]) {
            Err(error) if error.kind() == ErrorKind::StorageFull => {}
            written => written.unwrap(),
        }
        ballast
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
