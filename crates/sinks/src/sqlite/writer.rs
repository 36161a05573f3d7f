//! The thread that writes. It holds the one connection, and opens it anew after trouble.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use weir_core::world::Clock;

use super::column::Kind;
use super::fault::Fault;
use super::insert::{Rows, store};
use super::retention::Retention;
use super::{Reply, SqliteSettings, schema};
use crate::columns::Mapping;
use weir_core::sink::Receipt;

/// Batches that share one transaction, and so one sync.
const BATCHES_AT_ONCE: usize = 10;
/// How long to wait for work where nothing else is to be done.
const IDLE: Duration = Duration::from_secs(3600);

/// What the thread is asked.
pub(super) enum Job {
    /// Is the file there, or can it be made, and is its table as it should be?
    Check(Reply<()>),
    /// Store a batch.
    Store { rows: Rows, reply: Reply<Receipt> },
}

pub(super) struct Writer {
    settings: SqliteSettings,
    mapping: Arc<Mapping<Kind>>,
    insert: String,
    retention: Retention,
    open: Option<Open>,
}

/// A connection, and the file that it was opened on.
struct Open {
    connection: Connection,
    file: Option<FileIdentity>,
}

impl Writer {
    pub fn new(settings: SqliteSettings, mapping: Arc<Mapping<Kind>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            insert: schema::insert(&settings.table, &mapping),
            retention: Retention::new(settings.retention, clock),
            settings,
            mapping,
            open: None,
        }
    }

    /// Works until nobody can ask any more.
    pub fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(self.pause()) {
                Ok(first) => self.work(first, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.expire();
        }
    }

    fn pause(&self) -> Duration {
        let retention = self.open.as_ref().and_then(|_| self.retention.pause());
        retention.unwrap_or(IDLE)
    }

    /// Does the first job and whatever waits behind it; the batches together.
    fn work(&mut self, first: Job, jobs: &Receiver<Job>) {
        let (mut batches, mut replies) = (Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(jobs.try_iter()) {
            match job {
                // Nobody waits for this one any more; it will be asked again.
                Job::Store { reply, .. } if reply.is_closed() => {}
                Job::Store { rows, reply } => {
                    batches.push(rows);
                    replies.push(reply);
                }
                Job::Check(reply) => drop(reply.send(self.check().map_err(Into::into))),
            }
            if batches.len() == BATCHES_AT_ONCE {
                break;
            }
        }
        if !batches.is_empty() {
            self.answer(&batches, replies);
        }
    }

    fn answer(&mut self, batches: &[Rows], replies: Vec<Reply<Receipt>>) {
        let place = self.settings.path.display().to_string();
        match self.store(batches).map_err(|fault| fault.at(&place)) {
            Ok(receipts) => {
                for (reply, receipt) in replies.into_iter().zip(receipts) {
                    // Whoever stopped waiting delivers again, which changes nothing.
                    let _ = reply.send(Ok(receipt));
                }
            }
            Err(fault) => {
                for reply in replies {
                    let _ = reply.send(Err(fault.clone().into()));
                }
            }
        }
    }

    /// A connection that was good may have become stale (the table dropped, the disk away for a moment), so what
    /// fails on one is tried once more on a new one.
    fn store(&mut self, batches: &[Rows]) -> Result<Vec<Receipt>, Fault> {
        let was_open = self.open.is_some();
        let insert = self.insert.clone();
        let stored = self.connection().and_then(|connection| store(connection, &insert, batches));
        match stored {
            Err(Fault::Blocked(_)) if was_open => {
                self.open = None;
                let stored = self.connection().and_then(|connection| store(connection, &insert, batches));
                stored.inspect_err(|_| self.open = None)
            }
            other => other.inspect_err(|_| self.open = None),
        }
    }

    fn check(&mut self) -> Result<(), Fault> {
        let (table, mapping) = (self.settings.table.clone(), self.mapping.clone());
        let place = self.settings.path.display().to_string();
        let checked = self.connection().and_then(|connection| schema::prepare(connection, &table, &mapping));
        checked.map_err(|fault| {
            self.open = None;
            fault.at(&place)
        })
    }

    /// Retention is housekeeping: its failure is told and tried again, and is no batch's concern.
    fn expire(&mut self) {
        if let Some(Open { connection, .. }) = &self.open
            && let Err(error) = self.retention.run(connection, &self.settings.table)
        {
            tracing::warn!(error = %error, path = %self.settings.path.display(), "old rows could not be deleted; trying again in a minute");
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        let SqliteSettings { path, table, busy_timeout, .. } = &self.settings;
        // A file that was moved or deleted would go on taking rows that nobody finds.
        if self.open.as_ref().is_some_and(|open| open.file != file_identity(path)) {
            self.open = None;
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => open_file(path, table, &self.mapping, *busy_timeout)?,
        };
        Ok(&mut self.open.insert(open).connection)
    }
}

fn open_file(
    path: &Path,
    table: &str,
    mapping: &Mapping<Kind>,
    busy_timeout: Duration,
) -> Result<Open, Fault> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Fault::Blocked(format!("the folder cannot be made ({error}): make it, or set another `path`"))
        })?;
    }
    // An absolute path is a path, never `:memory:` or `file:…`.
    let path =
        std::path::absolute(path).map_err(|error| Fault::Blocked(format!("not a usable path: {error}")))?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    for (name, value) in PRAGMAS {
        connection.pragma_update(None, name, value)?;
    }
    schema::prepare(&mut connection, table, mapping)?;
    Ok(Open { connection, file: file_identity(&path) })
}

/// A commit is synced before it returns; readers are not in its way, nor it in theirs.
const PRAGMAS: [(&str, &str); 5] = [
    ("journal_mode", "wal"),
    ("synchronous", "full"),
    ("cache_size", "-16000"),
    ("wal_autocheckpoint", "4000"),
    ("journal_size_limit", "67108864"),
];

#[derive(PartialEq, Eq)]
struct FileIdentity(u64, u64);

#[cfg(unix)]
fn file_identity(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some(FileIdentity(metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_identity(_: &Path) -> Option<FileIdentity> {
    None
}
