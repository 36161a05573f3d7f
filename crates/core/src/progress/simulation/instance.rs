//! One instance while it has the partition, or believes so.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::catalog::{AccountKey, CatalogError, Opening};
use crate::delivery::simulation::crash::CrashAfter;
use crate::delivery::simulation::store::{Line, Store, StoreSink};
use crate::delivery::simulation::weather;
use crate::delivery::{
    Assignment, BatchLimits, Buffer, Delivery, DeliveryError, Gate, RetryPolicy, Route, Surroundings, claim,
};
use crate::event::Offset;
use crate::ledger::{Ledger, Snapshot};
use crate::observe::Unobserved;
use crate::progress::CommitCatalog;
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::testkit::broker::{CommitOdds, MemoryBroker};
use crate::testkit::catalog::{CatalogFaults, FaultyCatalog, MemoryCatalog};
use crate::testkit::log::{FaultyLog, Odds};
use crate::testkit::world::SeededRandom;
use crate::world::Clock;

/// What an instance has around it.
#[derive(Clone)]
pub struct Around {
    pub broker: MemoryBroker,
    pub dice: Arc<SeededRandom>,
    pub clock: Arc<dyn Clock>,
    pub row_ids: Arc<RowIds>,
    /// By sink, with what it takes; the input's own takes what is no event.
    pub stores: Vec<(SinkName, Route, Store)>,
    /// Whether anything fails.
    pub is_faulty: bool,
}

/// A tenure of one instance.
pub struct Tenure {
    around: Around,
    surroundings: Surroundings,
    catalog: Arc<CommitCatalog>,
    generation: u64,
    assignments: Vec<Assignment>,
    pub stop: watch::Sender<bool>,
}

impl Tenure {
    /// Takes up what the broker has.
    pub fn begin(around: &Around, own: &MemoryCatalog) -> Self {
        let Around { dice, broker, is_faulty, .. } = around;
        let odds = if *is_faulty { weather::log(dice) } else { Odds::default() };
        let faults = if *is_faulty { weather::catalog(dice) } else { CatalogFaults::default() };
        let commits = match is_faulty {
            true => {
                CommitOdds { failing: dice.below(30), lying: dice.below(30), delay_max_ms: dice.below(50) }
            }
            false => CommitOdds::default(),
        };
        let log = Arc::new(FaultyLog::new(broker.log.reopen(), dice.clone(), odds));
        let own = Arc::new(FaultyCatalog::new(own.clone(), faults, dice.below(u64::MAX)));
        let (found, committer) = broker.assign(dice, commits);
        let generation = committer.generation;
        let era = dice.below(1 << 40);
        let catalog = Arc::new(CommitCatalog::take_up(found, era, own, Arc::new(committer)).unwrap());
        let surroundings = Surroundings {
            log: log.clone(),
            catalog: catalog.clone(),
            ledger: Arc::new(Ledger::new(log)),
            clock: around.clock.clone(),
            random: dice.clone(),
            row_ids: around.row_ids.clone(),
            observer: Arc::new(Unobserved),
        };
        let assignments = around.stores.iter().map(|store| assignment(around, store)).collect();
        let around = around.clone();
        Self { around, surroundings, catalog, generation, assignments, stop: watch::Sender::new(false) }
    }

    /// Delivers until told to stop, or until the partition is somebody else's.
    pub async fn live(&self) {
        if self.opened(async || Ok(self.catalog.begin(self.beginnings()).await?)).await.is_none() {
            return;
        }
        for assignment in &self.assignments {
            if self.open(assignment).await.is_none() {
                return;
            }
        }
        futures::future::join_all(self.assignments.iter().map(|assignment| self.deliver(assignment))).await;
    }

    /// Begins anew a few times, as a delivery does within a process.
    async fn deliver(&self, assignment: &Assignment) {
        let dice = &self.around.dice;
        let mut restarts = if self.around.is_faulty { dice.below(3) } else { 0 };
        loop {
            let delivery =
                Delivery::new(self.surroundings.clone(), assignment.clone(), Arc::new(Notify::new()));
            let polls = if restarts > 0 { 1 + dice.below(200) } else { u64::MAX };
            match CrashAfter::new(polls, delivery.run(self.stop.subscribe())).await {
                Some(Ok(())) => return,
                Some(Err(error)) => return self.expect_fenced(&error),
                None => restarts -= 1,
            }
            if self.open(assignment).await.is_none() {
                return;
            }
        }
    }

    fn beginnings(&self) -> impl Iterator<Item = (SinkName, Offset)> {
        self.assignments.iter().map(|assignment| (assignment.key.sink.clone(), Offset(0)))
    }

    async fn open(&self, assignment: &Assignment) -> Option<()> {
        let Surroundings { catalog, ledger, .. } = &self.surroundings;
        let open = async || {
            let account = catalog.open_account(&assignment.key, &assignment.opening).await?;
            let account = claim(&self.surroundings, account, assignment.route.streams()).await?;
            Ok(ledger.open(catalog.as_ref(), account, true).await?)
        };
        self.opened(open).await
    }

    /// As often as it takes; `None` where the partition is somebody else's.
    async fn opened(&self, open: impl AsyncFn() -> Result<(), DeliveryError>) -> Option<()> {
        loop {
            match open().await {
                Ok(()) => return Some(()),
                Err(DeliveryError::Catalog(CatalogError::Retry(_))) => {}
                Err(error) => {
                    self.expect_fenced(&error);
                    return None;
                }
            }
        }
    }

    fn expect_fenced(&self, error: &DeliveryError) {
        assert_ne!(
            self.around.broker.generation(),
            self.generation,
            "it ended, but nobody else has it: {error:#}"
        );
    }

    /// At every moment, the accounts add up.
    pub fn snapshot(&self) -> Snapshot {
        let snapshot = self.surroundings.ledger.snapshot();
        for standing in snapshot.sinks.iter().chain(&snapshot.inputs) {
            let settled = standing.delivered + standing.dead + standing.filtered;
            assert_eq!(standing.routed, settled + standing.pending, "{standing:?}");
        }
        snapshot
    }
}

fn assignment(around: &Around, (name, route, store): &(SinkName, Route, Store)) -> Assignment {
    let dice = around.dice.clone();
    let line = if around.is_faulty { weather::line(&dice) } else { Line::default() };
    let limits = match around.is_faulty {
        true => weather::limits(&dice),
        false => BatchLimits { unsettled_max: 3, ..weather::limits(&dice) },
    };
    Assignment {
        key: AccountKey::main(name, &MemoryBroker::partition()),
        opening: Opening::default(),
        route: route.clone(),
        limits,
        buffer: Buffer::new(&limits),
        retry: RetryPolicy::default(),
        sink: Arc::new(StoreSink { store: store.clone(), line, dice, gate: Gate::default() }),
        gate: Gate::default(),
    }
}
