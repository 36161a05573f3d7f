//! What is durable, and the tenures over it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Fuse, LocalBoxFuture, join};

use super::instance::{Around, Tenure};
use crate::catalog::{Catalog, DeadLetterFilter};
use crate::delivery::Route;
use crate::delivery::simulation::crash::CrashAfter;
use crate::delivery::simulation::sent::{STREAMS, Sent};
use crate::delivery::simulation::store::Store;
use crate::delivery::simulation::taste::Taste;
use crate::event::{Event, EventId, Origin, Stream};
use crate::log::{Append, Entry, EventLog};
use crate::row_id::RowIds;
use crate::sink::SinkName;
use crate::testkit::broker::MemoryBroker;
use crate::testkit::catalog::MemoryCatalog;
use crate::testkit::world::{SeededRandom, TestClock};
use crate::world::Clock;

/// A tenure that goes on, whoever has the partition.
type Living = Pin<Box<Fuse<LocalBoxFuture<'static, ()>>>>;

pub struct Universe {
    around: Around,
    /// Of each of two instances, or of both.
    catalogs: Vec<MemoryCatalog>,
    taste: Taste,
    sent: Vec<(EventId, Sent)>,
    garbled: BTreeSet<i64>,
}

impl Universe {
    pub fn new(seed: u64) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TestClock::start());
        let taste = if seed.is_multiple_of(2) { Taste::Everything } else { Taste::Picky };
        let dice = Arc::new(SeededRandom::new(seed));
        let catalogs =
            (0..if seed.is_multiple_of(3) { 1 } else { 2 }).map(|_| MemoryCatalog::new()).collect();
        let stores = vec![
            (SinkName("first".into()), Route::all(), Store::default()),
            (SinkName("second".into()), taste.route(&dice), Store::default()),
            (SinkName::of_input("bus"), Route::unreadable(), Store::default()),
        ];
        let row_ids = Arc::new(RowIds::new(clock.clone(), 1));
        let around =
            Around { broker: MemoryBroker::default(), dice, clock, row_ids, stores, is_faulty: true };
        Self { around, catalogs, taste, sent: Vec::new(), garbled: BTreeSet::new() }
    }

    pub async fn live_to_the_end(mut self) {
        let mut zombie: Option<Living> = None;
        for _ in 0..self.around.dice.below(7) {
            self.produce().await;
            let whose = self.around.dice.below(self.catalogs.len() as u64) as usize;
            let tenure = Tenure::begin(&self.around, &self.catalogs[whose]);
            let mut living: Living = Box::pin(watched(tenure).boxed_local().fuse());
            let polls = 1 + self.around.dice.below(400);
            // Neither of them is done; both may go on.
            let _ = match zombie.take() {
                Some(mut zombie) => {
                    CrashAfter::new(polls, join(zombie.as_mut(), living.as_mut()).map(drop)).await
                }
                None => CrashAfter::new(polls, living.as_mut()).await,
            };
            zombie = self.around.dice.chance(40).then_some(living);
        }
        self.produce().await;
        self.finish(zombie).await;
        self.check().await;
    }

    /// Messages, some of them none that can be read, and places without one.
    async fn produce(&mut self) {
        let log = self.around.broker.log.clone();
        for _ in 0..self.around.dice.below(12) {
            match self.around.dice.below(10) {
                0 => log.skip(1 + self.around.dice.below(9) as usize),
                1 => {
                    let end = log.extent(&log.partitions()[0]).end;
                    self.garbled.insert(end.0.cast_signed());
                    log.garble(&Stream::new(STREAMS[0]).unwrap());
                }
                _ => self.send(log.as_ref()).await,
            }
        }
    }

    async fn send(&mut self, log: &dyn Append) {
        let sent = Sent { number: self.sent.len() as u64 };
        let (stream, received_at) = (sent.stream(), self.around.clock.now());
        let id = EventId::named(&stream, "kafka", &sent.number.to_string());
        let event =
            Event { id, occurred_at: received_at, client_id: None, user_id: None, body: sent.body().into() };
        let origin = Origin::default();
        let entry = Entry { stream: &stream, received_at, origin: &origin, events: &[event] };
        log.append(entry).await.unwrap();
        self.sent.push((id, sent));
    }

    /// A tenure without faults, beside what may be left of the last one, until everything is settled and committed.
    async fn finish(&mut self, zombie: Option<Living>) {
        self.around.is_faulty = false;
        let tenure = Tenure::begin(&self.around, &self.catalogs[0]);
        let end = self.around.broker.log.extent(&self.around.broker.log.partitions()[0]).end;
        let until_committed = async {
            while self.around.broker.commit().is_none_or(|commit| commit.offset < end) {
                self.around.clock.sleep(Duration::from_millis(100)).await;
                tenure.snapshot();
            }
            tenure.stop.send_replace(true);
        };
        let zombie = async {
            if let Some(zombie) = zombie {
                tokio::select! {
                    () = zombie => {}
                    () = self.around.clock.sleep(Duration::from_secs(60)) => {}
                }
            }
        };
        let all = async { tokio::join!(tenure.live(), until_committed, zombie) };
        let settled = tokio::time::timeout(Duration::from_secs(7200), all).await;
        settled.unwrap_or_else(|_| {
            panic!("it hangs: {:#?}, {:?}", tenure.snapshot(), self.around.broker.commit())
        });
        let snapshot = tenure.snapshot();
        let pending =
            snapshot.sinks.iter().chain(&snapshot.inputs).map(|standing| standing.pending).sum::<u64>();
        assert_eq!(pending, 0, "{snapshot:#?}");
    }

    async fn check(&self) {
        let mut dead: BTreeSet<(String, EventId)> = BTreeSet::new();
        let mut garbled = BTreeSet::new();
        for catalog in &self.catalogs {
            let letters = catalog.dead_letters(&DeadLetterFilter::default(), None, usize::MAX).await.unwrap();
            let mut once = BTreeSet::new();
            for letter in letters {
                let (sink, id) =
                    (letter.key.sink.to_string(), letter.record.as_ref().map(|record| record.event.id));
                let offset = letter.source.as_ref().map(|source| source.offset);
                assert!(once.insert((sink.clone(), id, offset)), "a letter came twice: {letter:?}");
                dead.extend(id.map(|id| (sink, id)));
                garbled.extend(offset);
            }
        }
        assert_eq!(garbled, self.garbled, "what is no event");
        for (sink, _, store) in self.around.stores.iter().filter(|(sink, ..)| sink.input().is_none()) {
            let stored = store.ids();
            let taste = if &*sink.0 == "first" { Taste::Everything } else { self.taste };
            for (id, sent) in &self.sent {
                let is_wanted = taste.wants(*sent).unwrap();
                let is_dead = dead.contains(&(sink.to_string(), *id));
                assert_eq!(is_dead, is_wanted && sent.is_poisoned(), "{sent:?} among the dead of {sink}");
                assert_eq!(stored.contains(id), is_wanted && !is_dead, "{sent:?} in {sink}");
            }
            self.counts_agree(sink, stored.len() as u64).await;
        }
    }

    /// What instances count together is what the store has, but for batches that two of them brought.
    async fn counts_agree(&self, sink: &SinkName, stored: u64) {
        let (mut delivered, mut new) = (0, 0);
        for catalog in &self.catalogs {
            for account in
                catalog.accounts().await.unwrap().iter().filter(|account| account.key.sink == *sink)
            {
                delivered += account.delivered;
                new += account.delivered - account.duplicates;
            }
        }
        assert!(
            new <= stored && stored <= delivered,
            "{sink}: {new} new of {delivered}, and {stored} are stored"
        );
    }
}

async fn watched(tenure: Tenure) {
    let watching = async {
        loop {
            tenure.snapshot();
            tokio::time::sleep(Duration::from_millis(70)).await;
        }
    };
    tokio::select! {
        () = tenure.live() => {}
        () = watching => {}
    }
}
