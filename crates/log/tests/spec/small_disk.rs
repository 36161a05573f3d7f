//! A file system that is really full: a tmpfs of a few megabytes, where the tests run as root on Linux.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;
use weir_core::log::{EventLog, LogError};
use weir_log::segment::LogSettings;

struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "weir-test"]).arg(dir.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[tokio::test]
async fn a_full_file_system_refuses_and_nothing_acknowledged_is_lost() {
    let Some(disk) = SmallDisk::mount(4) else {
        assert!(std::env::var_os("CI").is_none(), "no tmpfs can be mounted here, and CI skips nothing");
        println!("skipped: no tmpfs can be mounted here (not root, or not Linux)");
        return;
    };
    let dir: PathBuf = disk.path().join("log");
    let large_segments = LogSettings { segment_bytes: 64 << 20, ..settings(&dir) };
    let (log, _) = open(large_segments.clone());
    let mut end = 0;
    let reason = loop {
        match append(&log, "events", end, 200).await {
            Ok(span) => end = span.end.0,
            Err(LogError::Retry { reason, .. }) => break reason,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(reason.contains("No space left"), "{reason}");
    assert!(end > 20_000, "most of the disk was used: {end}");
    assert_eq!(read_all(&log).await.records.len() as u64, end);
    drop(log);

    let (log, _) = open(LogSettings { retention: std::time::Duration::ZERO, ..large_segments });
    assert_eq!(
        read_all(&log).await.records.len() as u64,
        end,
        "a full disk keeps it neither from opening nor reading"
    );
    log.release(&log.partitions()[0], weir_core::event::Offset(end)).await.unwrap();
    eventually("it takes events again", async || append(&log, "events", end, 1).await.is_ok()).await;
}
