//! Sinks over several lives: with other streams, paused, renamed, forgotten.

use weir_core::catalog::Catalog;
use weir_core::event::{Offset, Stream};
use weir_core::ledger::State;

use super::*;

/// What outlives a life.
pub(super) struct World {
    pub log: MemoryLog,
    pub catalog: MemoryCatalog,
    sink: MemorySink,
}

/// From a start to an end.
pub(super) struct Life {
    pub deliveries: Arc<Deliveries>,
    pub ledger: Arc<Ledger>,
    log: Arc<MemoryLog>,
}

impl World {
    pub fn new() -> Self {
        Self { log: MemoryLog::new("p1"), catalog: MemoryCatalog::new(), sink: MemorySink::new() }
    }

    pub async fn begin(&self, sinks: impl IntoIterator<Item = (&str, Route)>) -> Life {
        self.begin_beside(&[], sinks).await
    }

    /// Beside sinks that are of another role.
    pub async fn begin_beside(
        &self,
        elsewhere: &[&str],
        sinks: impl IntoIterator<Item = (&str, Route)>,
    ) -> Life {
        let log = Arc::new(self.log.reopen());
        let (clock, ledger) = (Arc::new(TestClock::start()), Arc::new(Ledger::new(log.clone())));
        let surroundings = Surroundings {
            log: log.clone(),
            catalog: Arc::new(self.catalog.clone()),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            row_ids: Arc::new(RowIds::new(clock, 1)),
            observer: Arc::new(Metrics::new()),
        };
        let one = |(name, route): (&str, Route)| ConfiguredSink {
            name: SinkName(name.into()),
            route,
            ..configured(self.sink.clone())
        };
        let elsewhere = elsewhere.iter().map(|name| (SinkName((*name).into()), "loader".to_owned()));
        let elsewhere = SinksElsewhere(elsewhere.collect());
        let deliveries =
            Deliveries::start(surroundings, sinks.into_iter().map(one), elsewhere).await.unwrap();
        Life { deliveries, ledger, log }
    }
}

impl Life {
    pub async fn accept(&self, stream: &str, count: usize) {
        self.log.append(Sample::new(stream, count).entry()).await.unwrap();
    }

    pub fn standing(&self, sink: &str) -> Standing {
        let standing = self.ledger.snapshot().sinks.into_iter().find(|standing| &*standing.sink.0 == sink);
        let standing = standing.unwrap();
        let settled = standing.delivered + standing.dead + standing.filtered;
        assert_eq!(standing.routed, settled + standing.pending, "{standing:?}");
        standing
    }

    /// Delivered and pending, once nothing moves any more.
    pub async fn at_rest(&self, sink: &str) -> (u64, u64) {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let standing = self.standing(sink);
        (standing.delivered, standing.pending)
    }

    pub async fn end(self) {
        assert!(self.deliveries.shut_down(Duration::from_secs(5)).await, "it ends when it is told to");
    }
}

fn only(stream: &str) -> Route {
    Route::of([Stream::new(stream).unwrap()])
}

#[tokio::test(start_paused = true)]
async fn other_streams_after_a_restart_leave_the_account_balanced() {
    let world = World::new();
    let life = world.begin([("a", Route::all())]).await;
    life.accept("events", 3).await;
    life.accept("actions", 2).await;
    assert_eq!(life.at_rest("a").await, (5, 0));
    life.deliveries.pause("a", true).await.unwrap();
    life.accept("events", 4).await;
    life.accept("actions", 1).await;
    assert_eq!(life.at_rest("a").await, (5, 5));
    life.end().await;

    // Of the backlog, the new selection's; of what is settled, all.
    let life = world.begin([("a", only("actions"))]).await;
    assert_eq!(life.at_rest("a").await, (5, 1));
    life.deliveries.pause("a", false).await.unwrap();
    assert_eq!(life.at_rest("a").await, (6, 0));
    life.accept("events", 7).await;
    life.accept("actions", 2).await;
    assert_eq!(life.at_rest("a").await, (8, 0));
    life.end().await;

    let life = world.begin([("a", Route::all())]).await;
    assert_eq!((life.standing("a").routed, life.at_rest("a").await), (8, (8, 0)));
    life.accept("events", 1).await;
    assert_eq!(life.at_rest("a").await, (9, 0));
}

#[tokio::test(start_paused = true)]
async fn a_paused_sink_keeps_its_events_across_a_restart_and_goes_on_when_it_is_resumed() {
    let world = World::new();
    let life = world.begin([("a", Route::all())]).await;
    life.deliveries.pause("a", true).await.unwrap();
    life.accept("events", 3).await;
    assert_eq!((life.at_rest("a").await, life.standing("a").condition.state), ((0, 3), State::Paused));
    life.end().await;

    let life = world.begin([("a", Route::all())]).await;
    assert_eq!((life.at_rest("a").await, life.standing("a").condition.state), ((0, 3), State::Paused));
    let account = world.catalog.accounts().await.unwrap().remove(0);
    assert_eq!((account.planned, world.sink.count()), (Offset(0), 0), "it plans nothing and sends nothing");
    life.deliveries.pause("a", false).await.unwrap();
    assert_eq!((life.at_rest("a").await, life.standing("a").condition.state), ((3, 0), State::Running));
}

#[tokio::test(start_paused = true)]
async fn a_removed_sink_says_what_it_lacks_and_holds_the_log_until_it_is_forgotten() {
    let world = World::new();
    let life = world.begin([("old", Route::all())]).await;
    life.deliveries.pause("old", true).await.unwrap();
    life.accept("events", 3).await;
    life.end().await;

    let life = world.begin([("new", Route::all())]).await;
    life.accept("events", 2).await;
    assert_eq!(life.at_rest("new").await, (2, 0));
    let old = life.standing("old");
    assert_eq!((old.pending, old.condition.state, world.log.released()), (5, State::Removed, Offset(0)));
    assert!(matches!(life.deliveries.pause("old", false).await, Err(TendError::Removed(_))));
    assert!(matches!(life.deliveries.check("old").await, Err(TendError::Removed(_))));
    assert!(matches!(life.deliveries.forget("new", "new").await, Err(TendError::Configured(_))));
    let lost = Forgotten { pending: 5, dead: 0 };
    for other in ["", "new", "Old", "old "] {
        let refused = life.deliveries.forget("old", other).await.unwrap_err();
        assert!(matches!(refused, TendError::Unconfirmed { lost: told, .. } if told == lost), "{refused}");
    }
    assert_eq!(life.deliveries.forget("old", "old").await.unwrap(), lost);
    assert_eq!(world.log.released(), Offset(5));
    assert_eq!(life.ledger.snapshot().sinks.len(), 1);
    assert!(matches!(life.deliveries.forget("old", "old").await, Err(TendError::Unknown(_))));
    life.end().await;

    let life = world.begin([("old", Route::all()), ("new", Route::all())]).await;
    assert_eq!((life.at_rest("old").await, life.standing("old").condition.state), ((0, 0), State::Running));
}
