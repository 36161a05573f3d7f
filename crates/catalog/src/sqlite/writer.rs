//! The one writer: a thread that takes what waits, makes one transaction of it, and answers after the commit.
//!
//! **Constraints.** A change that fails takes no other with it: each has a savepoint of its own. Under load commits
//! come no closer than [`Place::commit_pause`], so that many share one sync and the disk is left to the log; a change
//! that comes alone waits for nobody. The thread does not panic; a connection that fails is opened anew.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::ANSWER_TIMEOUT;
use super::connection::Place;
use super::fault::Fault;

/// Changes that may wait, and that share a commit.
const WAITING_MAX_CHANGES: usize = 512;
/// From so many unused pages on, each commit gives some back to the file system.
const FREE_MAX_PAGES: i64 = 1_024;

/// Hands changes to the thread.
pub(super) struct Writer {
    what: &'static str,
    waiting: Mutex<Option<mpsc::Sender<Box<dyn Waiting>>>>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    /// Starts the thread. It ends when the writer is closed or dropped and what waits is written.
    pub(super) fn start(place: Place, connection: Connection) -> Result<Self, Fault> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX_CHANGES);
        let (end, ended) = oneshot::channel();
        let what = place.what;
        let worker = Worker { place, connection: Some(connection), waiting: receiver, last_commit: None };
        std::thread::Builder::new()
            .name(format!("{what}-writer"))
            .spawn(move || {
                worker.run();
                // Nobody listens when the database was dropped rather than closed.
                let _ = end.send(());
            })
            .map_err(|error| Fault::Retry(format!("starting the {what}'s thread: {error}")))?;
        Ok(Self { what, waiting: Mutex::new(Some(sender)), ended: Mutex::new(Some(ended)) })
    }

    /// Has the change made, and returns once it is durable.
    pub(super) async fn write<T: Send + 'static, E: From<Fault>>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, E> {
        let sender = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        let change = Box::new(Change { change: Some(change), result: None, answer });
        let closed = || Fault::Broken(format!("the {} is closed", self.what));
        let exchange = async {
            sender.ok_or_else(closed)?.send(change).await.map_err(|_| closed())?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        };
        let answer = timeout(ANSWER_TIMEOUT, exchange).await;
        Ok(answer.unwrap_or_else(|_| Err(Fault::Retry("the disk did not answer in time".to_owned())))?)
    }

    /// Returns once the thread has written what waits and closed the file.
    pub(super) async fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended
            && timeout(ANSWER_TIMEOUT, ended).await.is_err()
        {
            tracing::warn!("the {}'s disk did not answer; what was acknowledged is safe", self.what);
        }
    }
}

/// A change of whatever kind, between its request and its answer.
trait Waiting: Send {
    /// Makes the change within the open transaction.
    fn run(&mut self, connection: &Connection);
    /// Tells what became of it, or why it could not be made at all.
    fn answer(self: Box<Self>, committed: Result<(), Fault>);
}

struct Change<T, F> {
    change: Option<F>,
    result: Option<Result<T, Fault>>,
    answer: oneshot::Sender<Result<T, Fault>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T, Fault> + Send> Waiting for Change<T, F> {
    fn run(&mut self, connection: &Connection) {
        // Who has stopped waiting will ask again, or does not want it any more.
        if let Some(change) = self.change.take().filter(|_| !self.answer.is_closed()) {
            self.result = Some(in_savepoint(connection, change));
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), Fault>) {
        let not_run = || Err(Fault::Retry("the change was not made".to_owned()));
        let Self { result, answer, .. } = *self;
        // The caller may have given up; then the answer is lost, as the contract allows.
        let _ = answer.send(committed.and_then(|()| result.unwrap_or_else(not_run)));
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.prepare_cached("SAVEPOINT change")?.execute([])?;
    let result = change(connection);
    let undone = if result.is_ok() { Ok(()) } else { connection.execute_batch("ROLLBACK TO change") };
    let ended = undone.and_then(|()| connection.prepare_cached("RELEASE change")?.execute([]).map(drop));
    // The change's own error tells more than that of undoing it.
    result.and_then(|value| Ok(ended.map(|()| value)?))
}

struct Worker {
    place: Place,
    /// `None` after a failure, until it could be opened again.
    connection: Option<Connection>,
    waiting: mpsc::Receiver<Box<dyn Waiting>>,
    last_commit: Option<Instant>,
}

impl Worker {
    fn run(mut self) {
        while let Some(first) = self.waiting.blocking_recv() {
            if let Some(last) = self.last_commit {
                std::thread::sleep(self.place.commit_pause.saturating_sub(last.elapsed()));
            }
            let mut group = vec![first];
            while group.len() < WAITING_MAX_CHANGES
                && let Ok(next) = self.waiting.try_recv()
            {
                group.push(next);
            }
            let committed = self.make(&mut group);
            self.last_commit = Some(Instant::now());
            for change in group {
                change.answer(committed.clone());
            }
        }
        self.finish();
    }

    /// Makes all changes of the group durable, or none of them.
    fn make(&mut self, group: &mut [Box<dyn Waiting>]) -> Result<(), Fault> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.place.connect_to_write()?,
        };
        match transact(&connection, group) {
            Ok(()) => self.connection = Some(connection),
            Err(fault) => {
                // Dropping the connection rolls back whatever is open; the next group gets a new one.
                tracing::warn!(
                    changes = group.len(),
                    error = fault.message(),
                    "{}: nothing was committed",
                    self.place.what
                );
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Leaves one file behind. Failing to costs nothing: the write-ahead log is taken in at the next start.
    fn finish(self) {
        if let Some(connection) = self.connection {
            let folded = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
            if let Err(error) = folded {
                tracing::warn!(%error, "{}: the write-ahead log stays until the next start", self.place.what);
            }
        }
    }
}

fn transact(connection: &Connection, group: &mut [Box<dyn Waiting>]) -> Result<(), Fault> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for change in group {
        change.run(connection);
        // On some errors SQLite rolls everything back by itself; going on would commit each statement alone.
        if connection.is_autocommit() {
            return Err(Fault::Retry(
                "the transaction was rolled back; the disk is full or failing".to_owned(),
            ));
        }
    }
    give_space_back(connection)?;
    Ok(connection.execute_batch("COMMIT")?)
}

fn give_space_back(connection: &Connection) -> Result<(), Fault> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free > FREE_MAX_PAGES {
        // Each step of the statement gives back one page.
        let mut statement = connection.prepare_cached("PRAGMA incremental_vacuum(64)")?;
        let mut steps = statement.query([])?;
        while steps.next()?.is_some() {}
    }
    Ok(())
}
