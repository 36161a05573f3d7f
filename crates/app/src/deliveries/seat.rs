//! Brokers' partitions, which come to this instance and go from it while it runs.
//!
//! **Constraints.** A partition that goes is dropped as by a crash: what is under way is its next owner's, under the same
//! names. Its accounts stay here with what this instance has counted, and its dead letters can be sent again. All sinks of
//! a partition have their places before the first of them delivers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{join_all, try_join_all};
use tokio::task::JoinSet;
use weir_core::catalog::{Account, AccountKey, Catalog, CatalogError, Opening};
use weir_core::delivery::{BatchLimits, DeliveryError, RetryPolicy, Route, Surroundings, claim};
use weir_core::event::Offset;
use weir_core::log::{EventLog, Partition};
use weir_core::progress::{CommitCatalog, unsettled_max};
use weir_core::sink::{Batch, Receipt, Sink, SinkError, SinkName};
use weir_core::streams::Streams;

use super::running::{Part, Running};
use super::{ConfiguredSink, Deliveries};

/// A partition that is this instance's for now.
#[derive(Clone)]
pub struct Assigned {
    /// The input's name.
    pub input: String,
    /// The partition.
    pub partition: Partition,
    /// What reads it.
    pub log: Arc<dyn EventLog>,
    /// What keeps its progress.
    pub progress: Arc<CommitCatalog>,
    /// Where what cannot be read goes, beside the dead letters.
    pub letters: Arc<dyn Sink>,
}

/// What runs over one partition.
#[derive(Default)]
pub(super) struct Seat {
    tasks: JoinSet<()>,
    /// `None` while another instance has it.
    assigned: Option<Assigned>,
}

impl Seat {
    pub fn spawn(&mut self, running: Running) {
        self.tasks.spawn(running.run());
    }

    pub fn log(&self) -> Option<Arc<dyn EventLog>> {
        self.assigned.as_ref().map(|assigned| assigned.log.clone())
    }

    pub async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Deliveries {
    /// Delivers from a partition as well, from where its progress stands. To be repeated where the catalog or the broker
    /// did not answer; where the partition has gone meanwhile, there is nothing to repeat.
    pub async fn assign(&self, assigned: Assigned) -> Result<(), DeliveryError> {
        let Assigned { input, partition, log, progress, letters } = &assigned;
        if *self.stop.borrow() {
            return Ok(());
        }
        self.vacate(partition).await;
        let sinks = self.sinks_of(input, letters.clone());
        let extent = log.extent(partition);
        let wish = |sink: &ConfiguredSink| if sink.begins_with_oldest { extent.start } else { extent.end };
        progress.begin(sinks.iter().map(|sink| (sink.name.clone(), wish(sink)))).await?;

        let surroundings =
            Surroundings { log: log.clone(), catalog: progress.clone(), ..self.surroundings.clone() };
        let accounts = sinks.iter().map(|sink| open(&surroundings, partition, sink));
        let accounts = try_join_all(accounts).await?;
        self.hold_removed(&assigned, extent.end).await?;
        let all = progress.sinks();
        let mut seat = Seat::default();
        for (sink, account) in sinks.iter().zip(accounts) {
            let limits = BatchLimits { unsettled_max: unsettled_max(&all), ..sink.limits };
            let sink = ConfiguredSink { limits, ..sink.clone() };
            seat.spawn(self.running(&sink, account, surroundings.clone(), Part::Whole));
        }
        let replays = self.replays(partition).await?;
        seat.assigned = Some(assigned.clone());
        self.seats().insert(partition.clone(), seat);
        for (sink, account) in replays {
            self.hold(&account, true).await?;
            self.spawn_replay(&sink, account, log.clone());
        }
        Ok(())
    }

    /// Drops what runs over a partition, which is no longer this instance's. Returns when nothing of it runs any more.
    pub async fn revoke(&self, partition: &Partition) {
        self.vacate(partition).await;
        match self.surroundings.catalog.accounts().await {
            Ok(known) => {
                let of_partition: Vec<_> =
                    known.into_iter().filter(|account| account.key.partition == *partition).collect();
                self.let_rest(&of_partition).await;
            }
            Err(error) => tell_unread(partition, &error.into()),
        }
    }

    /// Keeps in sight the accounts of brokers' partitions that this instance had, and sends their dead letters again
    /// when it is told to.
    pub(super) async fn let_rest(&self, known: &[Account]) {
        let mut by_partition: BTreeMap<&Partition, Vec<&Account>> = BTreeMap::new();
        for account in known.iter().filter(|account| account.key.partition.is_of_topic()) {
            by_partition.entry(&account.key.partition).or_default().push(account);
        }
        let partitions = by_partition.into_iter().map(|(partition, accounts)| async move {
            match self.at_rest(&accounts).await {
                Ok(seat) => drop(self.seats().insert(partition.clone(), seat)),
                Err(error) => tell_unread(partition, &error),
            }
        });
        join_all(partitions).await;
    }

    async fn at_rest(&self, accounts: &[&Account]) -> Result<Seat, DeliveryError> {
        let mut seat = Seat::default();
        let main = accounts.iter().filter(|account| account.key.lane.is_empty());
        for account in main {
            let (key, sink) = (&account.key, self.sinks.get(&account.key.sink));
            if sink.is_none() && key.sink.input().is_none() {
                continue;
            }
            let streams = sink.map_or(Streams::Named([].into()), |sink| sink.route.streams().clone());
            let account = claim(&self.surroundings, (*account).clone(), &streams).await?;
            self.hold(&account, true).await?;
            if let Some(sink) = sink {
                seat.spawn(self.running(sink, account, self.surroundings.clone(), Part::Resending));
            }
        }
        Ok(seat)
    }

    /// Ends whatever runs over the partition, and closes its accounts.
    async fn vacate(&self, partition: &Partition) {
        let seat = self.seats().remove(partition);
        if let Some(mut seat) = seat {
            seat.tasks.shutdown().await;
        }
        self.surroundings.ledger.close_partition(partition);
        self.wishes().retain(|key, _| key.partition != *partition);
    }

    /// Every sink, and what stands for the input where something cannot be read.
    fn sinks_of(&self, input: &str, letters: Arc<dyn Sink>) -> Vec<ConfiguredSink> {
        let unreadable = ConfiguredSink {
            name: SinkName::of_input(input),
            route: Route::unreadable(),
            begins_with_oldest: true,
            limits: BatchLimits { max_age: Duration::from_secs(1), ..BatchLimits::default() },
            retry: RetryPolicy::default(),
            sink: letters,
        };
        std::iter::once(unreadable).chain(self.sinks.values().cloned()).collect()
    }

    /// Sinks that have a place in the commit and are not configured any more hold it. What they lack is told by places, as
    /// nobody reads it.
    async fn hold_removed(&self, assigned: &Assigned, end: Offset) -> Result<(), DeliveryError> {
        let Assigned { input, partition, progress, .. } = assigned;
        let removed = progress.sinks().into_iter();
        for sink in removed.filter(|name| name.input() != Some(input) && !self.sinks.contains_key(name)) {
            let Some(before) = progress.settled_before(&sink) else { continue };
            tracing::warn!(
                %sink, %partition,
                "this sink is no longer configured; the group's commit stays where the sink is, until it is configured \
                 again, or forgotten: `weir sinks forget {sink}`"
            );
            let key = AccountKey::main(&sink, partition);
            let account = progress.open_account(&key, &Opening::default()).await?;
            let streams = account.claim.as_ref().map_or(Streams::All, |claim| claim.streams.clone());
            let account = progress.claim(&key, &streams, &BTreeMap::new(), 0).await?;
            self.surroundings.ledger.open(progress.as_ref(), account, false).await?;
            self.surroundings.ledger.read(&key, end.0.saturating_sub(before.0));
        }
        Ok(())
    }

    /// Replays over the partition that were under way when it was last here.
    async fn replays(&self, partition: &Partition) -> Result<Vec<(ConfiguredSink, Account)>, CatalogError> {
        let known = self.surroundings.catalog.accounts().await?.into_iter();
        let replays =
            known.filter(|account| account.key.partition == *partition && !account.key.lane.is_empty());
        Ok(replays
            .filter_map(|account| Some((self.sinks.get(&account.key.sink)?.clone(), account)))
            .collect())
    }

    /// The partitions that are assigned now.
    pub(super) fn progress_of_all(&self) -> Vec<Arc<CommitCatalog>> {
        let seats = self.seats();
        seats.values().filter_map(|seat| Some(seat.assigned.as_ref()?.progress.clone())).collect()
    }
}

async fn open(
    surroundings: &Surroundings,
    partition: &Partition,
    sink: &ConfiguredSink,
) -> Result<Account, DeliveryError> {
    let Surroundings { catalog, ledger, .. } = surroundings;
    let key = AccountKey::main(&sink.name, partition);
    let account = catalog.open_account(&key, &Opening::default()).await?;
    let account = claim(surroundings, account, sink.route.streams()).await?;
    ledger.open(catalog.as_ref(), account.clone(), true).await?;
    Ok(account)
}

fn tell_unread(partition: &Partition, error: &DeliveryError) {
    tracing::warn!(
        %partition, error = %format_args!("{error:#}"),
        "what was counted of a partition that is not here now cannot be read; it is not told of until it comes again"
    );
}

/// Stands where a delivery has nowhere to hand things over to.
pub struct Nowhere;

#[async_trait]
impl Sink for Nowhere {
    async fn check(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn deliver(&self, _batch: &Batch) -> Result<Receipt, SinkError> {
        Ok(Receipt::default())
    }
}
