//! Runs one delivery for each sink and partition, and answers what people ask of sinks.

mod running;
mod tending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use weir_core::catalog::{Account, AccountKey, CatalogError, DeadLetterFilter, Opening};
use weir_core::delivery::{
    Assignment, BatchLimits, DeliveryError, Gate, RetryPolicy, Route, Surroundings, claim,
};
use weir_core::event::Offset;
use weir_core::log::{LogError, Partition};
use weir_core::sink::{Sink, SinkName};
use weir_core::time::Timestamp;

use running::{Running, Wishes};
pub use tending::{Forgotten, TendError};

/// A sink as it is configured.
#[derive(Clone)]
pub struct ConfiguredSink {
    /// Its name.
    pub name: SinkName,
    /// What it takes.
    pub route: Route,
    /// Whether it begins with all that the log keeps, should it be new; else with what is accepted from then on.
    pub begins_with_oldest: bool,
    /// How its batches are made.
    pub limits: BatchLimits,
    /// When failed attempts are repeated.
    pub retry: RetryPolicy,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
}

/// The deliveries of a process.
pub struct Deliveries {
    surroundings: Surroundings,
    sinks: BTreeMap<SinkName, ConfiguredSink>,
    /// Of every sink that is configured; closed while it is paused.
    gates: BTreeMap<SinkName, Gate>,
    wishes: Mutex<BTreeMap<AccountKey, Arc<Wishes>>>,
    /// Held while dead letters are released and accounts are read, so that neither counts what the other did.
    releasing: Arc<tokio::sync::Mutex<()>>,
    /// Held while a sink is paused, resumed or forgotten, so that memory and catalog change in the same order.
    tending: tokio::sync::Mutex<()>,
    tasks: Mutex<JoinSet<()>>,
    stop: watch::Sender<bool>,
}

/// Why a replay was not begun.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No such sink.
    #[error("there is no sink \"{0}\"")]
    UnknownSink(String),
    /// The log does not answer.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The catalog does not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// A replay that was begun: which events are sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its name: the lane that it runs in.
    pub lane: String,
    /// The first offset.
    pub first: Offset,
    /// The offset after the last.
    pub end: Offset,
}

impl Deliveries {
    /// Opens every sink's accounts and starts to deliver. Events that are accepted afterwards reach all of them.
    pub async fn start(
        surroundings: Surroundings,
        sinks: impl IntoIterator<Item = ConfiguredSink>,
    ) -> Result<Arc<Self>, DeliveryError> {
        let sinks: BTreeMap<_, _> = sinks.into_iter().map(|sink| (sink.name.clone(), sink)).collect();
        let paused = surroundings.catalog.paused().await?;
        let gates = gates(sinks.keys(), &paused);
        let deliveries = Arc::new(Self {
            surroundings,
            sinks,
            gates,
            wishes: Mutex::default(),
            releasing: Arc::default(),
            tending: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            stop: watch::Sender::new(false),
        });
        for sink in &paused {
            deliveries.surroundings.ledger.pause(sink, true);
        }
        let known = deliveries.surroundings.catalog.accounts().await?;
        let mut accounts = deliveries.take_up(&known).await?;
        for partition in deliveries.surroundings.log.partitions() {
            for sink in deliveries.sinks.values() {
                accounts.push((sink.clone(), deliveries.open(sink, &partition).await?));
            }
        }
        // Every account holds the log before the first delivery could release any of it.
        for (_, account) in &accounts {
            deliveries.hold(account, true).await?;
        }
        deliveries.warn_of_renaming(&known);
        for (sink, account) in accounts {
            deliveries.spawn(&sink, account);
        }
        Ok(deliveries)
    }

    /// Sends the matching dead letters again. How many.
    ///
    /// It goes on when the caller no longer waits: what the catalog has released must not be forgotten here.
    pub async fn resend(
        self: &Arc<Self>,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<u64, CatalogError> {
        let (deliveries, filter) = (Arc::clone(self), filter.clone());
        let released = tokio::spawn(async move { deliveries.release(&filter, id).await });
        released.await.unwrap_or_else(|error| Err(CatalogError::Retry(error.into())))
    }

    /// Sends to a sink once more what the log keeps of a time; it counts in none of the sink's figures.
    pub async fn replay(
        &self,
        sink: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Replay>, ReplayError> {
        let name = SinkName(sink.into());
        let sink = self.sinks.get(&name).ok_or_else(|| ReplayError::UnknownSink(sink.to_owned()))?;
        let Surroundings { log, catalog, row_ids, .. } = &self.surroundings;
        let mut begun = Vec::new();
        for partition in log.partitions() {
            let first = log.seek(&partition, from).await?.max(log.extent(&partition).start);
            let end = log.seek(&partition, to).await?;
            if first >= end {
                continue;
            }
            let lane = format!("replay-{}", row_ids.next());
            let key = AccountKey { sink: name.clone(), partition, lane: lane.clone() };
            let opening = Opening { from: first, until: Some(end) };
            let account = catalog.open_account(&key, &opening).await?;
            self.hold(&account, true).await?;
            self.spawn(sink, account);
            begun.push(Replay { lane, first, end });
        }
        Ok(begun)
    }

    /// Stops reading, brings what was read to the sinks, and ends. What is not settled within `limit` is left for the
    /// next start. Whether everything was settled.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let done = tokio::time::timeout(limit, async { while tasks.join_next().await.is_some() {} }).await;
        done.is_ok()
    }

    async fn release(&self, filter: &DeadLetterFilter, id: Option<i64>) -> Result<u64, CatalogError> {
        let _alone = self.releasing.lock().await;
        let released = match self.surroundings.catalog.resend(filter, id).await {
            Ok(released) => released,
            Err(error) => {
                self.count_again(filter).await;
                return Err(error);
            }
        };
        for (key, count) in &released {
            self.surroundings.ledger.resending(key, *count);
            if let Some(wishes) = self.wishes().get(key) {
                wishes.resend.notify_one();
            }
        }
        Ok(released.iter().map(|(_, count)| count).sum())
    }

    /// After a lost answer, which may have released letters all the same: every account that is concerned is read
    /// again, and what waits in it is sent.
    async fn count_again(&self, filter: &DeadLetterFilter) {
        let concerned = |key: &AccountKey| {
            key.lane.is_empty() && filter.sink.as_deref().is_none_or(|sink| *key.sink.0 == *sink)
        };
        for (_, wishes) in self.wishes().iter().filter(|(key, _)| concerned(key)) {
            wishes.begin_anew.notify_one();
        }
        // Sinks that are no longer configured have no delivery that could do it.
        let gone = |key: &AccountKey| concerned(key) && !self.sinks.contains_key(&key.sink);
        if let Err(error) = self.reopen(gone).await {
            tracing::warn!(%error, "the dead letters of sinks that are no longer configured could not be counted again");
        }
    }

    async fn reopen(&self, concerned: impl Fn(&AccountKey) -> bool) -> Result<(), CatalogError> {
        let Surroundings { ledger, catalog, .. } = &self.surroundings;
        for account in catalog.accounts().await? {
            if concerned(&account.key) {
                ledger.reopen(catalog.as_ref(), account).await?;
            }
        }
        Ok(())
    }

    /// Sinks that are gone still hold the log. Replays that were under way, which go on, are given back.
    async fn take_up(&self, known: &[Account]) -> Result<Vec<(ConfiguredSink, Account)>, CatalogError> {
        let mut replays = Vec::new();
        for account in known {
            match self.sinks.get(&account.key.sink) {
                Some(sink) if !account.key.lane.is_empty() => replays.push((sink.clone(), account.clone())),
                Some(_) => {}
                None => {
                    tracing::warn!(
                        sink = %account.key.sink,
                        "this sink is no longer configured; the log keeps what it has not delivered until it is configured \
                         again, or forgotten: `weir sinks forget {}`", account.key.sink
                    );
                    self.hold(account, false).await?;
                }
            }
        }
        Ok(replays)
    }

    async fn open(&self, sink: &ConfiguredSink, partition: &Partition) -> Result<Account, DeliveryError> {
        let Surroundings { log, catalog, .. } = &self.surroundings;
        let extent = log.extent(partition);
        // Where there is an account already, it stands as it stood.
        let from = if sink.begins_with_oldest { extent.start } else { extent.end };
        let key = AccountKey::main(&sink.name, partition);
        let account = catalog.open_account(&key, &Opening { from, until: None }).await?;
        claim(&self.surroundings, account, sink.route.streams()).await
    }

    async fn hold(&self, account: &Account, is_configured: bool) -> Result<(), CatalogError> {
        let Surroundings { ledger, catalog, .. } = &self.surroundings;
        ledger.open(catalog.as_ref(), account.clone(), is_configured).await
    }

    fn spawn(&self, sink: &ConfiguredSink, account: Account) {
        let wishes = self.wishes().entry(account.key.clone()).or_default().clone();
        let assignment = Assignment {
            key: account.key,
            opening: account.opening,
            route: sink.route.clone(),
            limits: sink.limits,
            retry: sink.retry,
            sink: sink.sink.clone(),
            gate: self.gates.get(&sink.name).cloned().unwrap_or_default(),
        };
        let running = Running {
            surroundings: self.surroundings.clone(),
            assignment,
            wishes,
            releasing: self.releasing.clone(),
            stop: self.stop.subscribe(),
        };
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(running.run());
    }

    fn wishes(&self) -> MutexGuard<'_, BTreeMap<AccountKey, Arc<Wishes>>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn gates<'a>(
    sinks: impl Iterator<Item = &'a SinkName>,
    paused: &BTreeSet<SinkName>,
) -> BTreeMap<SinkName, Gate> {
    let gate = |name: &SinkName| {
        let gate = Gate::default();
        gate.set_open(!paused.contains(name));
        (name.clone(), gate)
    };
    sinks.map(gate).collect()
}
