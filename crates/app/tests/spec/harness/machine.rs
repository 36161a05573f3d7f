//! What the machine under the tests can and cannot give.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Notes for the closing summary that these specs were not run, and why. With `CI=true` that is a failure.
#[track_caller]
pub fn skipped(suite: &str, reason: &str) {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{suite} cannot be skipped in CI: {reason}");
    let default = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("../skipped-suites.txt");
    let file = std::env::var_os("WEIR_SKIPPED_SUITES").map_or_else(default, PathBuf::from);
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    writeln!(file, "{suite}: {}", reason.trim()).unwrap();
}

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

    /// Fills it but for about `left_bytes`; the file that does so, to be removed again.
    pub fn fill(&self, left_bytes: u64) -> PathBuf {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let free_bytes = text.lines().nth(1).unwrap().trim().parse::<u64>().unwrap();
        let ballast = self.path().join("ballast");
        let length = usize::try_from(free_bytes.saturating_sub(left_bytes)).unwrap();
        fs::write(&ballast, vec![0; length]).unwrap();
        ballast
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}
