//! The SQLite sink: one row an event, in a file that others may read while it is written.
//!
//! **Constraint.** One thread writes; every commit is synced (WAL, `synchronous = full`) before a batch is answered.
//! The event id is unique, so a repeat changes nothing and is counted; it reaches as far back as the rows do.
//!
//! [`row`] reads the columns from an event, [`column`] knows the types of those that were added, on the caller's side, so that parsing and inserting run in parallel;
//! [`writer`] takes what waits, up to ten batches, into one transaction of [`insert`]; [`retention`] runs between.

mod column;
mod fault;
mod insert;
mod retention;
mod row;
mod schema;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;
use tokio::sync::oneshot;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};
use weir_core::world::Clock;

use crate::SettingsError;
use crate::columns::{ColumnSettings, Mapping};
use column::Kind;
use row::Row;
use writer::{Job, Writer};

/// Batches that may wait for the writer. Delivery has fewer under way, so only forgotten ones can fill it.
const JOBS_MAX: usize = 64;
const TABLE_NAME_MAX_BYTES: usize = 63;

/// How the SQLite sink is set.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The database file; made when missing, with its folder.
    pub path: PathBuf,
    /// The table; made when missing.
    pub table: String,
    /// Columns beside those that every table has; added to the table where it lacks them.
    pub columns: Vec<ColumnSettings>,
    /// Rows received longer ago than this are deleted; `None` keeps them all.
    pub retention: Option<Duration>,
    /// How long another program may hold the file's write lock before a batch is given back.
    pub busy_timeout: Duration,
    /// How long a delivery may take, waiting included.
    pub time_limit: Duration,
}

impl SqliteSettings {
    /// The default settings for this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            table: "events".to_owned(),
            columns: Vec::new(),
            retention: None,
            busy_timeout: Duration::from_secs(5),
            time_limit: Duration::from_secs(60),
        }
    }

    fn mapping(&self) -> Result<Mapping<Kind>, SettingsError> {
        Mapping::new(&self.columns, Kind::parse)
    }

    /// Whether they can be used, without touching the file.
    pub fn check(&self) -> Result<(), SettingsError> {
        let table = &self.table;
        let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
        let valid = table.bytes().next().is_some_and(letter)
            && table.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
            && table.len() <= TABLE_NAME_MAX_BYTES;
        if !valid {
            return Err(SettingsError(format!(
                "table = {table:?}: a table's name is 1 to {TABLE_NAME_MAX_BYTES} of a-z, A-Z, 0-9 and _, the first no digit"
            )));
        }
        let taken = ["sqlite_", "weir_"];
        match taken.iter().find(|prefix| table.to_ascii_lowercase().starts_with(*prefix)) {
            Some(prefix) => Err(SettingsError(format!(
                "table = {table:?}: names that begin with {prefix} are taken; choose another"
            ))),
            None => self.mapping().map(drop),
        }
    }
}

/// Stores events in a table of a SQLite file.
pub struct SqliteSink {
    jobs: SyncSender<Job>,
    mapping: Arc<Mapping<Kind>>,
    time_limit: Duration,
}

impl SqliteSink {
    /// Starts the writer. The file is opened at the first check or delivery, and again after trouble.
    pub fn start(settings: SqliteSettings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        settings.check()?;
        let time_limit = settings.time_limit;
        let mapping = Arc::new(settings.mapping()?);
        let columns = mapping.clone();
        let (jobs, waiting) = sync_channel(JOBS_MAX);
        std::thread::Builder::new()
            .name("sqlite-sink".to_owned())
            .spawn(move || Writer::new(settings, columns, clock).run(&waiting))
            .map_err(|error| SettingsError(format!("the SQLite sink's thread cannot be started: {error}")))?;
        Ok(Self { jobs, mapping, time_limit })
    }

    /// Gives the writer a job and waits for its answer. Does not block: a full queue is given back.
    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, SinkError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(job(reply)).map_err(|error| match error {
            TrySendError::Full(_) => SinkError::retry(anyhow!("{JOBS_MAX} batches wait for SQLite already")),
            TrySendError::Disconnected(_) => SinkError::retry(anyhow!("the SQLite sink's thread has ended")),
        })?;
        match tokio::time::timeout(self.time_limit, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(SinkError::retry(anyhow!("the SQLite sink's thread has ended"))),
            Err(_) => Err(SinkError::retry(anyhow!("SQLite did not finish within {:?}", self.time_limit))),
        }
    }
}

type Reply<T> = oneshot::Sender<Result<T, SinkError>>;

#[async_trait]
impl Sink for SqliteSink {
    async fn check(&self) -> Result<(), SinkError> {
        self.ask(Job::Check).await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let (records, mapping) = (batch.records.clone(), self.mapping.clone());
        let read = move || records.iter().map(|record| Row::read(record.clone(), &mapping)).collect();
        let rows = tokio::task::spawn_blocking(read).await.map_err(SinkError::retry)?;
        self.ask(|reply| Job::Store { rows, reply }).await
    }
}
