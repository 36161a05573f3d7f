//! A partition that goes from one instance to another while both run, each with a catalog of its own.

use weir_core::catalog::{Catalog, DeadLetter};
use weir_core::event::{Offset, Stream};
use weir_core::ledger::{Snapshot, State};
use weir_core::progress::CommitCatalog;
use weir_core::testkit::broker::{CommitOdds, MemoryBroker};
use weir_core::time::Timestamp;

use super::*;

struct Instance {
    deliveries: Arc<Deliveries>,
    ledger: Arc<Ledger>,
    catalog: MemoryCatalog,
}

impl Instance {
    /// As a loader starts: its own log is empty, and stays so.
    async fn start(catalog: &MemoryCatalog, sinks: impl IntoIterator<Item = (&str, &MemorySink)>) -> Self {
        let log = Arc::new(MemoryLog::new("instance"));
        let (clock, ledger) = (Arc::new(TestClock::start()), Arc::new(Ledger::new(log.clone())));
        let surroundings = Surroundings {
            log,
            catalog: Arc::new(catalog.clone()),
            ledger: ledger.clone(),
            clock: clock.clone(),
            random: Arc::new(SeededRandom::new(1)),
            row_ids: Arc::new(RowIds::new(clock, 1)),
            observer: Arc::new(Metrics::new()),
        };
        let one = |(name, sink): (&str, &MemorySink)| ConfiguredSink {
            name: SinkName(name.into()),
            ..configured(sink.clone())
        };
        let deliveries =
            Deliveries::start(surroundings, sinks.into_iter().map(one), SinksElsewhere::default())
                .await
                .unwrap();
        Self { deliveries, ledger, catalog: catalog.clone() }
    }

    async fn assign(&self, broker: &MemoryBroker) {
        let (found, committer) = broker.assign(&Arc::new(SeededRandom::new(1)), CommitOdds::default());
        let (own, committer) = (Arc::new(self.catalog.clone()), Arc::new(committer));
        let progress = CommitCatalog::take_up(found, broker.generation(), own, committer).unwrap();
        let assigned = Assigned {
            input: "bus".to_owned(),
            partition: MemoryBroker::partition(),
            log: Arc::new(broker.log.reopen()),
            progress: Arc::new(progress),
            letters: Arc::new(Nowhere),
        };
        self.deliveries.assign(assigned).await.unwrap();
    }

    async fn revoke(&self) {
        self.deliveries.revoke(&MemoryBroker::partition()).await;
    }

    /// The broker's accounts, which add up at every moment.
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.ledger.snapshot();
        snapshot.sinks.retain(|standing| standing.partition.is_of_topic());
        for standing in snapshot.sinks.iter().chain(&snapshot.inputs) {
            let settled = standing.delivered + standing.dead + standing.filtered;
            assert_eq!(standing.routed, settled + standing.pending, "{standing:?}");
        }
        snapshot
    }

    /// Delivered, dead and pending of the only sink that has an account, once nothing moves any more.
    async fn at_rest(&self) -> (u64, u64, u64) {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let snapshot = self.snapshot();
        let [standing] = &snapshot.sinks[..] else { panic!("{snapshot:?}") };
        (standing.delivered, standing.dead, standing.pending)
    }
}

async fn produce(broker: &MemoryBroker, count: usize) {
    broker.log.append(Sample::new("events", count).entry()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_goes_on_with_another_instance_and_each_keeps_its_own_account() {
    let (broker, sink) = (MemoryBroker::default(), MemorySink::new());
    let (one, other) = (MemoryCatalog::new(), MemoryCatalog::new());
    let one = Instance::start(&one, [("a", &sink)]).await;
    let other = Instance::start(&other, [("a", &sink)]).await;
    produce(&broker, 5).await;
    one.assign(&broker).await;
    assert_eq!(one.at_rest().await, (5, 0, 0));

    one.revoke().await;
    other.assign(&broker).await;
    produce(&broker, 3).await;
    assert_eq!((one.at_rest().await, other.at_rest().await), ((5, 0, 0), (3, 0, 0)));
    other.revoke().await;
    one.assign(&broker).await;
    produce(&broker, 2).await;
    assert_eq!((one.at_rest().await, other.at_rest().await), ((7, 0, 0), (3, 0, 0)));
    assert_eq!(broker.commit().unwrap().offset, Offset(10));
    assert_eq!(one.snapshot().accepted.values().sum::<u64>(), 7);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_sent_again_by_the_instance_that_has_them_whoever_has_the_partition() {
    let (broker, mended) = (MemoryBroker::default(), Arc::new(AtomicBool::new(false)));
    let is_mended = mended.clone();
    let sink = MemorySink::refusing(move |_| !is_mended.load(Ordering::Relaxed));
    let catalog = MemoryCatalog::new();
    let one = Instance::start(&catalog, [("a", &sink)]).await;
    produce(&broker, 3).await;
    one.assign(&broker).await;
    assert_eq!(one.at_rest().await, (0, 3, 0));
    one.revoke().await;
    assert_eq!(one.at_rest().await, (0, 3, 0));

    mended.store(true, Ordering::Relaxed);
    let letter = catalog.dead_letters(&DeadLetterFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!(one.deliveries.resend(&DeadLetterFilter::default(), Some(letter.id)).await.unwrap(), 1);
    assert_eq!((one.at_rest().await, sink.count()), ((1, 2, 0), 1));

    // And so after a restart, before anything is assigned.
    assert!(one.deliveries.shut_down(Duration::from_secs(5)).await);
    let one = Instance::start(&catalog, [("a", &sink)]).await;
    assert_eq!(one.at_rest().await, (1, 2, 0));
    assert_eq!(one.deliveries.resend(&DeadLetterFilter::default(), None).await.unwrap(), 2);
    assert_eq!((one.at_rest().await, sink.count()), ((3, 0, 0), 3));
    one.assign(&broker).await;
    assert_eq!(one.at_rest().await, (3, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_a_dead_letter_of_the_input_and_in_no_sinks_account() {
    let (broker, sink, catalog) = (MemoryBroker::default(), MemorySink::new(), MemoryCatalog::new());
    let one = Instance::start(&catalog, [("a", &sink)]).await;
    produce(&broker, 2).await;
    broker.log.garble(&Stream::new("events").unwrap());
    broker.log.skip(4);
    produce(&broker, 1).await;
    one.assign(&broker).await;
    assert_eq!(one.at_rest().await, (3, 0, 0));
    let snapshot = one.snapshot();
    let [input] = &snapshot.inputs[..] else { panic!("{snapshot:?}") };
    assert_eq!((input.sink.input(), input.dead, input.pending), (Some("bus"), 1, 0));

    let letters = catalog.dead_letters(&DeadLetterFilter::default(), None, 9).await.unwrap();
    let [DeadLetter { key, source: Some(source), reason, .. }] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((&*key.sink.0, source.offset, reason.as_str()), ("input:bus", 2, "garbled"));
    assert_eq!(one.deliveries.resend(&DeadLetterFilter::default(), None).await.unwrap(), 0);
    // What it has passed is written down, too.
    assert_eq!(broker.commit().unwrap().offset, Offset(8));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_was_removed_holds_the_commit_until_it_is_forgotten() {
    let (broker, sink, catalog) = (MemoryBroker::default(), MemorySink::new(), MemoryCatalog::new());
    let before = Instance::start(&catalog, [("old", &sink)]).await;
    before.deliveries.pause("old", true).await.unwrap();
    before.assign(&broker).await;
    produce(&broker, 4).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(before.deliveries.shut_down(Duration::from_secs(5)).await);

    let after = Instance::start(&catalog, [("new", &sink)]).await;
    after.assign(&broker).await;
    produce(&broker, 1).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let snapshot = after.snapshot();
    let told: Vec<_> = snapshot.sinks.iter().map(|s| (&*s.sink.0, s.condition.state, s.pending)).collect();
    assert_eq!(told, [("new", State::Running, 0), ("old", State::Removed, 4)]);
    assert_eq!(broker.commit().unwrap().offset, Offset(0));
    after.deliveries.forget("old", "old").await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!((broker.commit().unwrap().offset, sink.count()), (Offset(5), 1));
    assert_eq!(after.snapshot().sinks.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_partition_keeps_can_be_replayed_while_it_is_here() {
    let (broker, sink, catalog) = (MemoryBroker::default(), MemorySink::new(), MemoryCatalog::new());
    let one = Instance::start(&catalog, [("a", &sink)]).await;
    produce(&broker, 4).await;
    let (from, to) = (Timestamp::from_micros(0), Timestamp::from_micros(i64::MAX));
    assert_eq!(one.deliveries.replay("a", from, to).await.unwrap(), []);
    one.assign(&broker).await;
    assert_eq!(one.at_rest().await, (4, 0, 0));
    let committed = broker.commit();
    let begun = one.deliveries.replay("a", from, to).await.unwrap();
    assert_eq!(
        begun.iter().map(|replay| (replay.first, replay.end)).collect::<Vec<_>>(),
        [(Offset(0), Offset(4))]
    );
    assert_eq!(one.at_rest().await, (4, 0, 0), "a replay counts nowhere, and leaves nothing behind");
    assert_eq!((broker.commit(), sink.count()), (committed, 4));
}
