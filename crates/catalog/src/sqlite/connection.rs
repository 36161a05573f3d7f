//! Where a database is, and how it is opened.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What a connection keeps of the file in memory.
const CACHE_MAX_KIB: i64 = 2_048;
/// The write-ahead log is folded into the file when it has so many pages.
const CHECKPOINT_PAGES: u32 = 1_000;
const COMMIT_PAUSE: Duration = Duration::from_millis(5);
/// The write-ahead log is cut back to this after it grew under a long read.
const JOURNAL_MAX_BYTES: i64 = 16 * 1024 * 1024;

/// The file of a catalog, or of its lineage.
#[derive(Clone)]
pub(super) struct Place {
    /// What is kept there, in one word.
    pub what: &'static str,
    /// Absolute: SQLite gives names such as `:memory:` a meaning of their own.
    pub path: PathBuf,
    /// How long SQLite waits for another process that holds a lock.
    pub busy_timeout: Duration,
    /// The file may not grow beyond this.
    pub pages_max: Option<u32>,
    /// What the connection that writes keeps of the file in memory.
    pub writer_cache_max_kib: i64,
    /// When the write-ahead log is folded into the file.
    pub checkpoint_pages: u32,
    /// Under load, commits come no closer.
    pub commit_pause: Duration,
}

impl Place {
    pub(super) fn new(path: &Path) -> Result<Self, Fault> {
        let path = std::path::absolute(path).map_err(|error| io_fault("finding", path, &error))?;
        Ok(Self {
            what: "catalog",
            path,
            busy_timeout: BUSY_TIMEOUT,
            pages_max: None,
            writer_cache_max_kib: CACHE_MAX_KIB,
            checkpoint_pages: CHECKPOINT_PAGES,
            commit_pause: COMMIT_PAUSE,
        })
    }

    /// The file and its write-ahead log.
    pub(super) fn size_bytes(&self) -> u64 {
        let mut journal = self.path.clone().into_os_string();
        journal.push("-wal");
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        size(&self.path) + size(Path::new(&journal))
    }

    /// Makes the file where it is missing, for its owner's eyes only, and makes sure that its name is on disk.
    pub(super) fn create_file(&self) -> Result<(), Fault> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .create(directory)
            .map_err(|error| io_fault("making the directory of", &self.path, &error))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made
                .and_then(|_| File::open(directory)?.sync_all())
                .map_err(|error| io_fault("making", &self.path, &error)),
        }
    }

    /// A connection that writes: durable at each commit, because nobody could tell what else was lost.
    pub(super) fn connect_to_write(&self) -> Result<Connection, Fault> {
        let connection = self.connect()?;
        // Only has an effect on an empty file: space is given back piece by piece, never by a rewrite of the whole.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            let path = self.path.display();
            return Err(Fault::Broken(format!(
                "{path} cannot have a write-ahead log; put the {} on a local disk",
                self.what
            )));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "journal_size_limit", JOURNAL_MAX_BYTES)?;
        connection.pragma_update(None, "wal_autocheckpoint", self.checkpoint_pages)?;
        connection.pragma_update(None, "cache_size", -self.writer_cache_max_kib)?;
        if let Some(pages_max) = self.pages_max {
            connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
        }
        Ok(connection)
    }

    /// A connection that only reads. It may write to the shared memory of the write-ahead log, which reading needs.
    pub(super) fn connect_to_read(&self) -> Result<Connection, Fault> {
        let connection = self.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Never makes the file: where it has vanished, an empty one in its place would be a lie.
    fn connect(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&self.path, flags);
        let connection = opened.map_err(|error| match Fault::from(error) {
            Fault::Retry(why) => Fault::Retry(format!("{}: {why}", self.path.display())),
            Fault::Broken(why) => Fault::Broken(format!("{}: {why}", self.path.display())),
        })?;
        // A statement that is kept is not planned anew for other values: each of ours has the index that it needs.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "cache_size", -CACHE_MAX_KIB)?;
        Ok(connection)
    }
}

fn io_fault(what: &str, path: &Path, error: &io::Error) -> Fault {
    Fault::Retry(format!("{what} {}: {error}", path.display()))
}
