//! What becomes of dead letters when the catalog releases them and its answer gets lost.

mod elsewhere;
mod seats;
mod tending;

use std::sync::atomic::{AtomicBool, Ordering};

use weir_core::catalog::DeadLetterFilter;
use weir_core::ledger::{Ledger, Standing};
use weir_core::log::Append;
use weir_core::row_id::RowIds;
use weir_core::testkit::catalog::{CatalogFaults, FaultyCatalog, MemoryCatalog};
use weir_core::testkit::log::{MemoryLog, Sample};
use weir_core::testkit::sink::MemorySink;
use weir_core::testkit::world::{SeededRandom, TestClock};

use crate::metrics::Metrics;

use super::*;

/// A sink of one delivery that refuses all events until it is mended, over a catalog that can lose its answers.
struct Stage {
    deliveries: Arc<Deliveries>,
    ledger: Arc<Ledger>,
    catalog: FaultyCatalog<MemoryCatalog>,
    sink: MemorySink,
    mended: Arc<AtomicBool>,
}

impl Stage {
    /// With so many events dead already.
    async fn with_dead_letters(count: usize) -> Self {
        let answers_are_lost = CatalogFaults { lying_percent: 100, ..CatalogFaults::default() };
        let catalog = FaultyCatalog::new(MemoryCatalog::new(), answers_are_lost, 1);
        catalog.heal();
        let mended = Arc::new(AtomicBool::new(false));
        let is_mended = mended.clone();
        let sink = MemorySink::refusing(move |_| !is_mended.load(Ordering::Relaxed));
        let log = Arc::new(MemoryLog::keeping("p1"));
        let ledger = Arc::new(Ledger::new(log.clone()));
        let clock = Arc::new(TestClock::start());
        let surroundings = Surroundings {
            log: log.clone(),
            catalog: Arc::new(catalog.clone()),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            row_ids: Arc::new(RowIds::new(clock, 1)),
            observer: Arc::new(Metrics::new()),
        };
        let deliveries =
            Deliveries::start(surroundings, [configured(sink.clone())], SinksElsewhere::default())
                .await
                .unwrap();
        log.append(Sample::new("events", count).entry()).await.unwrap();
        let stage = Self { deliveries, ledger, catalog, sink, mended };
        stage.until(|standing| standing.dead == count as u64).await;
        stage
    }

    fn standing(&self) -> Standing {
        self.ledger.snapshot().sinks.remove(0)
    }

    async fn until(&self, holds: impl Fn(&Standing) -> bool) {
        for _ in 0..10_000 {
            if holds(&self.standing()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come about: {:?}", self.standing());
    }
}

fn configured(sink: MemorySink) -> ConfiguredSink {
    ConfiguredSink {
        name: SinkName("strict".into()),
        route: Route::all(),
        begins_with_oldest: false,
        limits: BatchLimits { max_age: Duration::from_millis(50), ..BatchLimits::default() },
        retry: RetryPolicy::default(),
        sink: Arc::new(sink),
    }
}

#[tokio::test(start_paused = true)]
async fn letters_whose_release_was_never_confirmed_are_sent_and_counted_all_the_same() {
    let stage = Stage::with_dead_letters(3).await;
    stage.mended.store(true, Ordering::Relaxed);
    stage.catalog.relapse();
    let every = DeadLetterFilter::default();
    let answer = stage.deliveries.resend(&every, None).await;
    assert!(matches!(answer, Err(CatalogError::Retry(_))), "{answer:?}");
    stage.catalog.heal();

    stage.until(|standing| standing.delivered == 3).await;
    let Standing { routed, dead, pending, duplicates, .. } = stage.standing();
    assert_eq!((routed, dead, pending, duplicates), (3, 0, 0, 0));
    assert_eq!(stage.sink.count(), 3);
    assert_eq!(stage.deliveries.resend(&every, None).await.unwrap(), 0, "nothing is left to send again");
}

#[tokio::test(start_paused = true)]
async fn a_release_goes_on_when_nobody_waits_for_its_answer() {
    let stage = Stage::with_dead_letters(2).await;
    stage.mended.store(true, Ordering::Relaxed);
    let every = DeadLetterFilter::default();
    let given_up = tokio::time::timeout(Duration::ZERO, stage.deliveries.resend(&every, None));
    assert!(given_up.await.is_err());

    stage.until(|standing| standing.delivered == 2).await;
    assert_eq!((stage.standing().dead, stage.sink.count()), (0, 2));
}
