//! Runs one delivery for each sink and partition, and answers what people ask of sinks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use weir_core::catalog::{Account, AccountKey, CatalogError, DeadLetterFilter, Opening};
use weir_core::delivery::{Assignment, BatchLimits, Delivery, RetryPolicy, Route, Surroundings};
use weir_core::event::Offset;
use weir_core::ledger::State;
use weir_core::log::{LogError, Partition};
use weir_core::sink::{Sink, SinkName};
use weir_core::time::Timestamp;

/// How long a delivery that cannot go on waits before it begins anew.
const RESTART_DELAY: Duration = Duration::from_secs(10);

/// A sink as it is configured.
#[derive(Clone)]
pub struct ConfiguredSink {
    /// Its name.
    pub name: SinkName,
    /// What it takes.
    pub route: Route,
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
    resend_wanted: Mutex<BTreeMap<AccountKey, Arc<Notify>>>,
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
    ) -> Result<Arc<Self>, CatalogError> {
        let sinks: BTreeMap<_, _> = sinks.into_iter().map(|sink| (sink.name.clone(), sink)).collect();
        let deliveries = Arc::new(Self {
            surroundings,
            sinks,
            resend_wanted: Mutex::default(),
            tasks: Mutex::default(),
            stop: watch::Sender::new(false),
        });
        let mut accounts = deliveries.take_up_known_accounts().await?;
        for partition in deliveries.surroundings.log.partitions() {
            for sink in deliveries.sinks.values() {
                accounts.push((sink.clone(), deliveries.open(sink, &partition).await?));
            }
        }
        // Every account holds the log before the first delivery could release any of it.
        for (sink, account) in &accounts {
            deliveries.hold(account, Some(sink.route.clone())).await?;
        }
        for (sink, account) in accounts {
            deliveries.spawn(&sink, account);
        }
        Ok(deliveries)
    }

    /// Sends the matching dead letters again. How many.
    pub async fn resend(&self, filter: &DeadLetterFilter, id: Option<i64>) -> Result<u64, CatalogError> {
        let released = self.surroundings.catalog.resend(filter, id).await?;
        for (key, count) in &released {
            self.surroundings.ledger.resending(key, *count);
            if let Some(wanted) = self.wanted().get(key) {
                wanted.notify_one();
            }
        }
        Ok(released.iter().map(|(_, count)| count).sum())
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
            let opening = Opening { from: first, until: Some(end), accepted_before: BTreeMap::new() };
            let account = catalog.open_account(&key, &opening).await?;
            self.hold(&account, Some(sink.route.clone())).await?;
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

    /// Sinks that are gone still hold the log. Replays that were under way, which go on, are given back.
    async fn take_up_known_accounts(&self) -> Result<Vec<(ConfiguredSink, Account)>, CatalogError> {
        let mut replays = Vec::new();
        for account in self.surroundings.catalog.accounts().await? {
            match self.sinks.get(&account.key.sink) {
                Some(sink) if !account.key.lane.is_empty() => replays.push((sink.clone(), account)),
                Some(_) => {}
                None => {
                    tracing::warn!(
                        sink = %account.key.sink,
                        "this sink is no longer configured; the log keeps what it has not delivered until it is forgotten"
                    );
                    self.hold(&account, None).await?;
                }
            }
        }
        Ok(replays)
    }

    async fn open(&self, sink: &ConfiguredSink, partition: &Partition) -> Result<Account, CatalogError> {
        let Surroundings { log, catalog, .. } = &self.surroundings;
        let extent = log.extent(partition);
        let opening = Opening { from: extent.end, until: None, accepted_before: extent.accepted };
        catalog.open_account(&AccountKey::main(&sink.name, partition), &opening).await
    }

    async fn hold(&self, account: &Account, route: Option<Route>) -> Result<(), CatalogError> {
        let Surroundings { ledger, catalog, .. } = &self.surroundings;
        ledger.open(catalog.as_ref(), account.clone(), route).await
    }

    fn spawn(&self, sink: &ConfiguredSink, account: Account) {
        let wanted = self.wanted().entry(account.key.clone()).or_default().clone();
        let assignment = Assignment {
            key: account.key,
            opening: account.opening,
            route: sink.route.clone(),
            limits: sink.limits,
            retry: sink.retry,
            sink: sink.sink.clone(),
        };
        let run = run(self.surroundings.clone(), assignment, wanted, self.stop.subscribe());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(run);
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, BTreeMap<AccountKey, Arc<Notify>>> {
        self.resend_wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One delivery, begun again whenever it could not go on, until told to stop or done.
async fn run(
    surroundings: Surroundings,
    assignment: Assignment,
    wanted: Arc<Notify>,
    stop: watch::Receiver<bool>,
) {
    let Surroundings { ledger, catalog, .. } = &surroundings;
    let key = assignment.key.clone();
    tokio::spawn(check(key.sink.clone(), assignment.sink.clone()));
    loop {
        let delivery = Delivery::new(surroundings.clone(), assignment.clone(), wanted.clone());
        match delivery.run(stop.clone()).await {
            Ok(()) if assignment.opening.until.is_some() && !*stop.borrow() => {
                tracing::info!(sink = %key.sink, replay = %key.lane, "replay done");
                ledger.close(&key);
                if let Err(error) = catalog.forget(&key.sink, &key.lane).await {
                    tracing::warn!(%error, "the finished replay could not be removed; it ends again after the next start");
                }
                return;
            }
            Ok(()) => return,
            Err(error) => {
                let text = format!("{error:#}");
                tracing::error!(sink = %key.sink, error = %text, "delivery stopped; it begins anew in {RESTART_DELAY:?}");
                ledger.condition(&key, |condition| condition.state = State::Blocked);
                let mut stop = stop.clone();
                let stopped = stop.wait_for(|stop| *stop);
                if tokio::time::timeout(RESTART_DELAY, stopped).await.is_ok() {
                    return;
                }
            }
        }
    }
}

/// Lets a sink make what it needs, and tells early what would keep it from working. Nothing waits for it.
async fn check(name: SinkName, sink: Arc<dyn Sink>) {
    if let Err(error) = sink.check().await {
        tracing::warn!(sink = %name, error = %format_args!("{error:#}"), "the sink is not ready; it is tried on");
    }
}
