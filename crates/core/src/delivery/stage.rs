//! One delivery, from a log to a sink in memory.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::{
    Assignment, BatchLimits, Buffer, Delivery, DeliveryError, Gate, RetryPolicy, Route, Surroundings, claim,
};
use crate::catalog::{AccountKey, Catalog, Opening};
use crate::event::Offset;
use crate::ledger::Ledger;
use crate::log::{Append, Partition};
use crate::observe::Unobserved;
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::log::{MemoryLog, Sample};
use crate::testkit::sink::MemorySink;
use crate::testkit::world::{SeededRandom, TestClock};

/// What it has around it.
pub struct Stage {
    pub log: Arc<MemoryLog>,
    pub ledger: Arc<Ledger>,
    pub sink: Arc<MemorySink>,
    pub key: AccountKey,
    pub stop: watch::Sender<bool>,
}

impl Stage {
    /// The delivery has not begun.
    pub async fn set(partition: &str, route: Route, limits: BatchLimits) -> (Self, Delivery) {
        let (log, catalog) = (Arc::new(MemoryLog::new(partition)), Arc::new(MemoryCatalog::new()));
        let (clock, sink) = (Arc::new(TestClock::start()), Arc::new(MemorySink::new()));
        let ledger = Arc::new(Ledger::new(log.clone()));
        let surroundings = Surroundings {
            log: log.clone(),
            catalog: catalog.clone(),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            row_ids: Arc::new(RowIds::new(clock, 1)),
            observer: Arc::new(Unobserved),
        };
        let key = AccountKey::main(&SinkName("s".into()), &Partition(partition.into()));
        let assignment = Assignment {
            key: key.clone(),
            opening: Opening::default(),
            route,
            limits,
            buffer: Buffer::new(&limits),
            retry: RetryPolicy::default(),
            sink: sink.clone(),
            gate: Gate::default(),
        };
        let account = catalog.open_account(&key, &assignment.opening).await.unwrap();
        let account = claim(&surroundings, account, assignment.route.streams()).await.unwrap();
        ledger.open(catalog.as_ref(), account, true).await.unwrap();
        let delivery = Delivery::new(surroundings, assignment, Arc::new(Notify::new()));
        (Self { log, ledger, sink, key, stop: watch::Sender::new(false) }, delivery)
    }

    /// Begins the delivery; it ends by `stop`.
    pub fn begin(&self, delivery: Delivery) -> JoinHandle<Result<(), DeliveryError>> {
        let told = self.stop.subscribe();
        tokio::spawn(async move { delivery.run(told).await })
    }

    /// Accepts so many, and says where the log then ends.
    pub async fn accept(&self, events: usize) -> Offset {
        self.log.append(Sample::new("events", events).entry()).await.unwrap().end
    }
}
