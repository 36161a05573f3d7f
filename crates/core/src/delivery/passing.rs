//! What a sink does not take is passed over, and that is written down, so that it holds nothing up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::{Assignment, BatchLimits, Buffer, Delivery, Gate, RetryPolicy, Route, Surroundings, claim};
use crate::catalog::{AccountKey, Catalog, Opening};
use crate::event::{Offset, Stream};
use crate::ledger::Ledger;
use crate::log::{Append, Partition};
use crate::observe::Unobserved;
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::log::{MemoryLog, Sample};
use crate::testkit::sink::MemorySink;
use crate::testkit::world::{SeededRandom, TestClock};
use crate::world::Clock;

#[tokio::test(start_paused = true)]
async fn a_sink_lets_the_log_go_on_while_events_of_other_streams_never_cease() {
    let (log, catalog) = (Arc::new(MemoryLog::new("p")), Arc::new(MemoryCatalog::new()));
    let clock = Arc::new(TestClock::start());
    let surroundings = Surroundings {
        log: log.clone(),
        catalog: catalog.clone(),
        ledger: Arc::new(Ledger::new(log.clone())),
        clock: clock.clone(),
        random: Arc::new(SeededRandom::new(1)),
        row_ids: Arc::new(RowIds::new(clock.clone(), 1)),
        observer: Arc::new(Unobserved),
    };
    let assignment = Assignment {
        key: AccountKey::main(&SinkName("s".into()), &Partition("p".into())),
        opening: Opening::default(),
        route: Route::of([Stream::new("rare").unwrap()]),
        limits: BatchLimits::default(),
        buffer: Buffer::new(&BatchLimits::default()),
        retry: RetryPolicy::default(),
        sink: Arc::new(MemorySink::new()),
        gate: Gate::default(),
    };
    let account = catalog.open_account(&assignment.key, &assignment.opening).await.unwrap();
    let account = claim(&surroundings, account, assignment.route.streams()).await.unwrap();
    surroundings.ledger.open(catalog.as_ref(), account, true).await.unwrap();

    let stop = watch::Sender::new(false);
    let delivery = Delivery::new(surroundings, assignment, Arc::new(Notify::new()));
    let busy = async {
        for _ in 0..100 {
            log.append(Sample::new("events", 1).entry()).await.unwrap();
            clock.sleep(Duration::from_millis(200)).await;
        }
        assert!(log.released() >= Offset(40), "half of the time, it has passed over {}", log.released());
        stop.send_replace(true);
    };
    let (ended, ()) = tokio::join!(delivery.run(stop.subscribe()), busy);
    ended.unwrap();
}
