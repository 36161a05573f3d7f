//! How a delivery ends when it is told to.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::{Assignment, BatchLimits, Buffer, Delivery, Gate, RetryPolicy, Route, Surroundings, claim};
use crate::catalog::{AccountKey, Catalog, Opening};
use crate::ledger::Ledger;
use crate::log::{Append, Partition};
use crate::observe::Unobserved;
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::log::{MemoryLog, Sample};
use crate::testkit::sink::MemorySink;
use crate::testkit::world::{SeededRandom, TestClock};

#[tokio::test]
async fn told_to_stop_before_it_could_begin_it_still_delivers_what_was_accepted() {
    let (log, catalog) = (Arc::new(MemoryLog::new("p")), Arc::new(MemoryCatalog::new()));
    let (clock, sink) = (Arc::new(TestClock::start()), Arc::new(MemorySink::new()));
    let surroundings = Surroundings {
        log: log.clone(),
        catalog: catalog.clone(),
        ledger: Arc::new(Ledger::new(log.clone())),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(1)),
        row_ids: Arc::new(RowIds::new(clock, 1)),
        observer: Arc::new(Unobserved),
    };
    let assignment = Assignment {
        key: AccountKey::main(&SinkName("s".into()), &Partition("p".into())),
        opening: Opening::default(),
        route: Route::all(),
        limits: BatchLimits::default(),
        buffer: Buffer::new(&BatchLimits::default()),
        retry: RetryPolicy::default(),
        sink: sink.clone(),
        gate: Gate::default(),
    };
    let account = catalog.open_account(&assignment.key, &assignment.opening).await.unwrap();
    let account = claim(&surroundings, account, assignment.route.streams()).await.unwrap();
    surroundings.ledger.open(catalog.as_ref(), account, true).await.unwrap();
    log.append(Sample::new("events", 3).entry()).await.unwrap();

    let stop = watch::Sender::new(true);
    let delivery = Delivery::new(surroundings, assignment, Arc::new(Notify::new()));
    delivery.run(stop.subscribe()).await.unwrap();

    assert_eq!(sink.stored().len(), 3);
}
