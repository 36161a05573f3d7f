//! Runs one delivery for each sink and partition, and answers what people ask of sinks.
//!
//! The log's own partition is there from the start to the end; brokers' partitions come and go ([`Deliveries::assign`],
//! [`Deliveries::revoke`]).

mod elsewhere;
mod replay;
mod resending;
mod running;
mod seat;
mod tending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use weir_core::catalog::{Account, AccountKey, CatalogError, Opening};
use weir_core::delivery::{
    Assignment, BatchLimits, Buffer, DeliveryError, Gate, RetryPolicy, Route, Surroundings, claim, take_back,
};
use weir_core::log::Partition;
use weir_core::sink::{Sink, SinkName};

pub use elsewhere::SinksElsewhere;
pub use replay::{Replay, ReplayError};
use running::{Part, Running, Wishes};
use seat::Seat;
pub use seat::{Assigned, Nowhere};
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
    elsewhere: SinksElsewhere,
    /// Of every sink that is delivered to here; closed while it is paused.
    gates: BTreeMap<SinkName, Gate>,
    /// Of each of them, what its batches may take up, over all partitions.
    buffers: BTreeMap<SinkName, Buffer>,
    wishes: Mutex<BTreeMap<AccountKey, Arc<Wishes>>>,
    /// Held while dead letters are released and accounts are read, so that neither counts what the other did.
    releasing: Arc<tokio::sync::Mutex<()>>,
    /// Held while a sink is paused, resumed or forgotten, so that memory and catalog change in the same order.
    tending: tokio::sync::Mutex<()>,
    tasks: Mutex<JoinSet<()>>,
    /// What runs over each broker's partition that this instance has, or had.
    seats: Mutex<BTreeMap<Partition, Seat>>,
    stop: watch::Sender<bool>,
}

impl Deliveries {
    /// Opens every sink's accounts and starts to deliver. Events that are accepted afterwards reach all of them.
    pub async fn start(
        surroundings: Surroundings,
        sinks: impl IntoIterator<Item = ConfiguredSink>,
        elsewhere: SinksElsewhere,
    ) -> Result<Arc<Self>, DeliveryError> {
        let sinks: BTreeMap<_, _> = sinks.into_iter().map(|sink| (sink.name.clone(), sink)).collect();
        let paused = surroundings.catalog.paused().await?;
        let gates = gates(sinks.keys(), &paused);
        let buffers = sinks.values().map(|sink| (sink.name.clone(), Buffer::new(&sink.limits))).collect();
        let deliveries = Arc::new(Self {
            surroundings,
            sinks,
            elsewhere,
            gates,
            buffers,
            wishes: Mutex::default(),
            releasing: Arc::default(),
            tending: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            seats: Mutex::default(),
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
        for sink in deliveries.sinks.values() {
            tokio::spawn(check(sink.name.clone(), sink.sink.clone()));
        }
        for (sink, account) in accounts {
            deliveries.spawn(&sink, account);
        }
        deliveries.let_rest(&known).await;
        Ok(deliveries)
    }

    /// Stops reading, brings what was read to the sinks, and ends. What is not settled within `limit` is left for the
    /// next start. Whether everything was settled.
    pub async fn shut_down(&self, limit: Duration) -> bool {
        self.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut seats = std::mem::take(&mut *self.seats());
        let all = async {
            while tasks.join_next().await.is_some() {}
            for seat in seats.values_mut() {
                seat.ended().await;
            }
        };
        tokio::time::timeout(limit, all).await.is_ok()
    }

    /// Sinks that are gone still hold the log. Replays that were under way, which go on, are given back.
    async fn take_up(&self, known: &[Account]) -> Result<Vec<(ConfiguredSink, Account)>, DeliveryError> {
        let mut replays = Vec::new();
        let partitions = self.surroundings.log.partitions();
        for account in known.iter().filter(|account| partitions.contains(&account.key.partition)) {
            match self.sinks.get(&account.key.sink) {
                Some(sink) if !account.key.lane.is_empty() => replays.push((sink.clone(), account.clone())),
                Some(_) => {}
                None if self.elsewhere.has(&account.key.sink) => self.set_aside(account).await?,
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
        let account = take_back(&self.surroundings, account, sink.begins_with_oldest).await?;
        claim(&self.surroundings, account, sink.route.streams()).await
    }

    async fn hold(&self, account: &Account, is_configured: bool) -> Result<(), CatalogError> {
        let Surroundings { ledger, catalog, .. } = &self.surroundings;
        ledger.open(catalog.as_ref(), account.clone(), is_configured).await
    }

    fn spawn(&self, sink: &ConfiguredSink, account: Account) {
        let running = self.running(sink, account, self.surroundings.clone(), Part::Whole);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(running.run());
    }

    fn running(
        &self,
        sink: &ConfiguredSink,
        account: Account,
        surroundings: Surroundings,
        part: Part,
    ) -> Running {
        let wishes = self.wishes().entry(account.key.clone()).or_default().clone();
        let assignment = Assignment {
            key: account.key,
            opening: account.opening,
            route: sink.route.clone(),
            limits: sink.limits,
            buffer: self.buffers.get(&sink.name).cloned().unwrap_or_else(|| Buffer::new(&sink.limits)),
            retry: sink.retry,
            sink: sink.sink.clone(),
            gate: self.gates.get(&sink.name).cloned().unwrap_or_default(),
        };
        let (releasing, stop) = (self.releasing.clone(), self.stop.subscribe());
        Running { surroundings, assignment, wishes, releasing, part, stop }
    }

    fn wishes(&self) -> MutexGuard<'_, BTreeMap<AccountKey, Arc<Wishes>>> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<Partition, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a sink make what it needs, and tells early what would keep it from working. Nothing waits for it.
async fn check(name: SinkName, sink: Arc<dyn Sink>) {
    if let Err(error) = sink.check().await {
        tracing::warn!(sink = %name, error = %format_args!("{error:#}"), "the sink is not ready; it is tried on");
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
