//! What the embedded log can be told, and why it may refuse to open.

use std::path::PathBuf;
use std::time::Duration;

use weir_core::event::Offset;
use weir_core::log::Partition;

/// The largest entry that a block's 32-bit lengths allow for, with room to spare.
const APPEND_LIMIT_BYTES: u64 = 1 << 30;
/// Below this, headers would outweigh events.
const SEGMENT_MIN_BYTES: u64 = 64 << 10;

/// When an event counts as durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After `fdatasync`: it outlives a loss of power.
    Fsync,
    /// After `write`: it outlives the process, but not the machine. Faster where syncing is slow.
    Os,
}

/// Settings of the embedded log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// The folder, made when missing; nothing else may be kept in it.
    pub dir: PathBuf,
    /// The name of the log's only partition.
    pub partition: Partition,
    /// The next event gets this offset or a later one. What has been seen of the log elsewhere must not come again
    /// with other events, should the log have lost its end (without syncing), or have been restored from a backup.
    /// What is left out so counts as accepted and lost.
    pub continue_at: Offset,
    /// When an event counts as durable.
    pub durability: Durability,
    /// The most that all segment files may take; appends are refused beyond it.
    pub max_bytes: u64,
    /// Appends are refused while the file system has less than this left.
    pub free_min_bytes: u64,
    /// Released events are kept this long, to be replayed.
    pub retention: Duration,
    /// Released events are kept up to this size; the older go first.
    pub retention_max_bytes: u64,
    /// The size of a segment file; held to an eighth of `max_bytes`.
    pub segment_bytes: u64,
    /// The largest entry, as it is written.
    pub append_max_bytes: u64,
    /// Entries that wait for the disk; beyond it `append` waits for room.
    pub queue_max_bytes: u64,
    /// How long `append` waits for room, and for a disk that does not answer.
    pub append_timeout: Duration,
}

impl LogSettings {
    /// The defaults, for a log in `dir`.
    pub fn new(dir: impl Into<PathBuf>, partition: Partition) -> Self {
        Self {
            dir: dir.into(),
            partition,
            continue_at: Offset(0),
            durability: Durability::Fsync,
            max_bytes: 64 << 30,
            free_min_bytes: 1 << 30,
            retention: Duration::from_secs(3600),
            retention_max_bytes: 4 << 30,
            segment_bytes: 64 << 20,
            append_max_bytes: 128 << 20,
            queue_max_bytes: 32 << 20,
            append_timeout: Duration::from_secs(10),
        }
    }

    /// The same, within what the format and one another allow.
    pub(super) fn bounded(self) -> Self {
        let segment_max_bytes = (self.max_bytes / 8).max(SEGMENT_MIN_BYTES);
        Self {
            segment_bytes: self.segment_bytes.clamp(SEGMENT_MIN_BYTES, segment_max_bytes),
            append_max_bytes: self.append_max_bytes.min(APPEND_LIMIT_BYTES),
            queue_max_bytes: self.queue_max_bytes.clamp(1, APPEND_LIMIT_BYTES),
            ..self
        }
    }
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses it.
    #[error("the log in {dir} is in use by process {pid}; stop it first, or give this one another data_dir")]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// Its user; `?` where it has not told.
        pid: String,
    },
    /// It was written by a newer Weir.
    #[error("{file} has format version {version}, this Weir knows up to {known}: run a newer Weir")]
    Version {
        /// The segment file.
        file: PathBuf,
        /// Its version.
        version: u16,
        /// The newest known.
        known: u16,
    },
    /// The file system does not let it.
    #[error("the log cannot {doing} {path}: {cause}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
}

impl OpenError {
    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { doing, path, cause }
    }
}
