//! The one who writes: takes what waits, joins it in one transaction, and answers after the commit.
//!
//! **Constraints.** A batch that cannot be joined takes no other with it. What waits is bounded; who has stopped waiting
//! for an answer is passed over.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use weir_core::lineage::TelemetryRecord;

use super::ANSWER_TIMEOUT;
use super::database::Database;
use super::joining::{self, JoinedGroup};
use crate::postgres::fault::Fault;

const WAITING_MAX_BATCHES: usize = 64;
/// A group takes no further batch when it has so many records.
const GROUP_MIN_RECORDS: usize = 8_000;

/// Hands batches on.
pub(super) struct Writer {
    waiting: Mutex<Option<mpsc::Sender<Waiting>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Waiting {
    records: Vec<TelemetryRecord>,
    answer: oneshot::Sender<Result<u64, Fault>>,
}

impl Writer {
    pub fn start(database: Arc<Database>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX_BATCHES);
        let task = tokio::spawn(run(database, receiver));
        Self { waiting: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }

    /// Has the records joined, and returns once that is durable. How many were there before.
    pub async fn join(&self, records: Vec<TelemetryRecord>) -> Result<u64, Fault> {
        let sender = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let closed = || Fault::Broken("the lineage is closed".to_owned());
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { records, answer };
        let exchange = async {
            sender.ok_or_else(closed)?.send(waiting).await.map_err(|_| closed())?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        };
        let late = || Fault::Retry(format!("no answer within {ANSWER_TIMEOUT:?}"));
        tokio::time::timeout(ANSWER_TIMEOUT, exchange).await.unwrap_or_else(|_| Err(late()))
    }

    /// Returns once what waits is written.
    pub async fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && tokio::time::timeout(ANSWER_TIMEOUT, task).await.is_err()
        {
            tracing::warn!("Postgres did not answer; what was acknowledged is safe");
        }
    }
}

async fn run(database: Arc<Database>, mut waiting: mpsc::Receiver<Waiting>) {
    while let Some(first) = waiting.recv().await {
        let mut group = vec![first];
        let count = |group: &[Waiting]| group.iter().map(|batch| batch.records.len()).sum::<usize>();
        while count(&group) < GROUP_MIN_RECORDS
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        group.retain(|batch| !batch.answer.is_closed());
        if let Err(fault) = database.ready().await {
            group.into_iter().for_each(|batch| tell(batch, Err(fault.clone())));
            continue;
        }
        let database = database.clone();
        // Whatever ends it early drops the answers, and those who wait are told.
        let _ = tokio::task::spawn_blocking(move || join_group(&database, group)).await;
    }
}

fn join_group(database: &Database, group: Vec<Waiting>) {
    match join(database, &group) {
        Ok(JoinedGroup { repeats, replaced_bytes }) => {
            database.upkeep.told_of(replaced_bytes);
            group.into_iter().zip(repeats).for_each(|(batch, repeats)| tell(batch, Ok(repeats)));
        }
        // One of them; each is tried alone.
        Err(Fault::Broken(_)) if group.len() > 1 => {
            group.into_iter().for_each(|batch| join_group(database, vec![batch]));
        }
        Err(fault) => group.into_iter().for_each(|batch| tell(batch, Err(fault.clone()))),
    }
}

fn join(database: &Database, group: &[Waiting]) -> Result<JoinedGroup, Fault> {
    let batches: Vec<&[TelemetryRecord]> = group.iter().map(|batch| batch.records.as_slice()).collect();
    database.with_tables(|tables| joining::join(tables, &batches, &database.row_ids))
}

fn tell(batch: Waiting, answer: Result<u64, Fault>) {
    // The caller may have given up; then the answer is lost, as the contract allows.
    let _ = batch.answer.send(answer);
}
