//! What somebody waits for is brought to its sink at once, however long batches may wait for more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::{Assignment, BatchLimits, Buffer, Delivery, Gate, RetryPolicy, Route, Surroundings, claim};
use crate::catalog::{AccountKey, Catalog, Opening};
use crate::event::Offset;
use crate::ledger::Ledger;
use crate::log::{Append, Partition};
use crate::observe::Unobserved;
use crate::routing::{Condition, Filter};
use crate::row_id::RowIds;
use crate::selection::Source;
use crate::sink::SinkName;
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::log::{MemoryLog, Sample};
use crate::testkit::sink::MemorySink;
use crate::testkit::world::{SeededRandom, TestClock};

/// Far more than any of these tests waits for.
const FOR_MORE: Duration = Duration::from_secs(3600);
const AT_ONCE: Duration = Duration::from_millis(10);

struct Stage {
    log: Arc<MemoryLog>,
    ledger: Arc<Ledger>,
    key: AccountKey,
    stop: watch::Sender<bool>,
}

impl Stage {
    async fn with(route: Route) -> Self {
        let (log, catalog) = (Arc::new(MemoryLog::new("p")), Arc::new(MemoryCatalog::new()));
        let clock = Arc::new(TestClock::start());
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
        let key = AccountKey::main(&SinkName("s".into()), &Partition("p".into()));
        let limits = BatchLimits { max_age: FOR_MORE, ..BatchLimits::default() };
        let assignment = Assignment {
            key: key.clone(),
            opening: Opening::default(),
            route,
            limits,
            buffer: Buffer::new(&limits),
            retry: RetryPolicy::default(),
            sink: Arc::new(MemorySink::new()),
            gate: Gate::default(),
        };
        let account = catalog.open_account(&key, &assignment.opening).await.unwrap();
        let account = claim(&surroundings, account, assignment.route.streams()).await.unwrap();
        ledger.open(catalog.as_ref(), account, true).await.unwrap();
        let stop = watch::Sender::new(false);
        let told = stop.subscribe();
        let delivery = Delivery::new(surroundings, assignment, Arc::new(Notify::new()));
        tokio::spawn(async move { delivery.run(told).await });
        Self { log, ledger, key, stop }
    }

    async fn accept(&self, events: usize) -> Offset {
        self.log.append(Sample::new("events", events).entry()).await.unwrap().end
    }

    fn delivered(&self) -> u64 {
        self.ledger.snapshot().sinks[0].delivered
    }

    /// Waits for it, and says how long that took.
    async fn settled(&self, end: Offset) -> Duration {
        let begun = Instant::now();
        assert!(self.ledger.until_settled(&self.key, end).await);
        begun.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_somebody_waits_for_is_delivered_at_once_and_others_gather() {
    let stage = Stage::with(Route::all()).await;
    for count in 1..4 {
        let end = stage.accept(1).await;
        assert!(stage.settled(end).await <= AT_ONCE);
        assert_eq!(stage.delivered(), count);
    }
    stage.accept(1).await;
    tokio::time::sleep(FOR_MORE / 2).await;
    assert_eq!(stage.delivered(), 3, "nobody waits for this one");
    stage.stop.send_replace(true);
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_before_somebody_waits_for_it_is_held_back_no_longer() {
    let stage = Stage::with(Route::all()).await;
    let end = stage.accept(5).await;
    tokio::time::sleep(FOR_MORE / 2).await;
    assert_eq!(stage.delivered(), 0);
    assert!(stage.settled(end).await <= AT_ONCE);
    assert_eq!(stage.delivered(), 5);
    assert!(stage.settled(Offset(2)).await <= AT_ONCE, "what is settled already is not waited for");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_the_sink_leaves_out_is_settled_too() {
    let nothing = Filter::new([(Source::parse("nowhere").unwrap(), Condition::Exists(true))]);
    let stage = Stage::with(Route::all().with_filter(nothing)).await;
    let end = stage.accept(2).await;
    assert!(stage.settled(end).await <= AT_ONCE);
    assert_eq!((stage.delivered(), stage.ledger.snapshot().sinks[0].filtered), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_an_account_that_is_not_there() {
    let stage = Stage::with(Route::all()).await;
    let other = AccountKey::main(&SinkName("other".into()), &Partition("p".into()));
    assert!(!stage.ledger.until_settled(&other, Offset(1)).await);
    let waiting = stage.ledger.until_settled(&stage.key, Offset(1));
    let ((), settled) = tokio::join!(async { stage.ledger.close(&stage.key) }, waiting);
    assert!(!settled);
}
