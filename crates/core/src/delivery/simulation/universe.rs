//! What is durable, and the lives that are lived over it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::crash::CrashAfter;
use super::sent::{STREAMS, Sent};
use super::store::{Line, Store, StoreSink};
use super::taste::Taste;
use super::weather;
use crate::catalog::{Account, AccountKey, Catalog, CatalogError, DeadLetterFilter, Opening};
use crate::delivery::{
    Assignment, Buffer, Delivery, DeliveryError, Gate, RetryPolicy, Route, Surroundings, claim,
};
use crate::event::{EventId, Origin, Stream};
use crate::formats::BodyFormat;
use crate::formats::pick::Pointer;
use crate::intake::{Intake, Shape, StreamRules, Submission};
use crate::ledger::{Ledger, Snapshot};
use crate::log::{EventLog, Partition};
use crate::observe::Unobserved;
use crate::row_id::RowIds;
use crate::sink::{Sink, SinkName};
use crate::testkit::catalog::{CatalogFaults, FaultyCatalog, MemoryCatalog};
use crate::testkit::log::{FaultyLog, MemoryLog, Odds};
use crate::testkit::world::{SeededRandom, TestClock};
use crate::world::Clock;

const PARTITION: &str = "simulated";

pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

/// What outlives a crash.
pub struct Universe {
    dice: Arc<SeededRandom>,
    clock: Arc<dyn Clock>,
    /// Shared by all lives: simulated ones begin within the same millisecond, which real ones do not.
    row_ids: Arc<RowIds>,
    log: MemoryLog,
    catalog: MemoryCatalog,
    /// By sink.
    stores: BTreeMap<&'static str, (Taste, Store)>,
    /// What clients were told is accepted.
    acknowledged: Mutex<BTreeMap<EventId, Sent>>,
    sent: Mutex<u64>,
}

/// What is gone with one.
struct Life {
    surroundings: Surroundings,
    intake: Intake,
    deliveries: Vec<Delivery>,
    /// Of all sinks.
    gate: Gate,
    stop: watch::Sender<bool>,
}

impl Universe {
    pub fn new(seed: u64) -> Self {
        let clock = Arc::new(TestClock::start());
        Self {
            dice: Arc::new(SeededRandom::new(seed)),
            row_ids: Arc::new(RowIds::new(clock.clone(), 1)),
            clock,
            log: MemoryLog::new(PARTITION),
            catalog: MemoryCatalog::new(),
            stores: BTreeMap::from([
                ("first", (Taste::Everything, Store::default())),
                ("second", (Taste::of(seed), Store::default())),
            ]),
            acknowledged: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    pub async fn live_to_the_end(self) {
        for _ in 0..self.dice.below(5) {
            let life = self.life(true).await;
            let polls = 1 + self.dice.below(400);
            CrashAfter::new(polls, life.live(&self)).await;
        }
        self.finish().await;
        self.check(&self.poisoned());
        for (_, store) in self.stores.values() {
            store.cure();
        }
        self.catalog.resend(&DeadLetterFilter::default(), None).await.unwrap();
        let life = self.life(true).await;
        CrashAfter::new(self.dice.below(100), life.live(&self)).await;
        self.finish().await;
        let dead_before_the_cure = self.dead_letters().await;
        self.check(&dead_before_the_cure);
    }

    /// A life without faults, until nothing is pending.
    async fn finish(&self) {
        let life = self.life(false).await;
        let idle = async {
            while life.snapshot().sinks.iter().any(|standing| standing.pending > 0) {
                self.clock.sleep(Duration::from_millis(50)).await;
            }
            life.stop.send_replace(true);
        };
        let deliver = async |delivery: &Delivery| delivery.run(life.stop.subscribe()).await.unwrap();
        let all = futures::future::join_all(life.deliveries.iter().map(deliver));
        let patience = Duration::from_secs(3600);
        let settled = tokio::time::timeout(patience, async { tokio::join!(all, idle) }).await;
        settled.unwrap_or_else(|_| panic!("it hangs: {:#?}", life.snapshot()));
        self.accounts_agree(&life.snapshot()).await;
    }

    async fn life(&self, faulty: bool) -> Life {
        let odds = if faulty { weather::log(&self.dice) } else { Odds::default() };
        let faults = if faulty { weather::catalog(&self.dice) } else { CatalogFaults::default() };
        let log = Arc::new(FaultyLog::new(self.log.reopen(), self.dice.clone(), odds));
        let catalog = Arc::new(FaultyCatalog::new(self.catalog.clone(), faults, self.dice.below(u64::MAX)));
        let surroundings = Surroundings {
            log: log.clone(),
            catalog,
            ledger: Arc::new(Ledger::new(log.clone())),
            clock: self.clock.clone(),
            random: self.dice.clone(),
            row_ids: self.row_ids.clone(),
            observer: Arc::new(Unobserved),
        };
        let observer = Arc::new(Unobserved);
        let intake = Intake::new(log, streams(), self.clock.clone(), self.dice.clone(), observer);
        let (mut deliveries, gate) = (Vec::new(), Gate::default());
        for (name, (taste, store)) in &self.stores {
            let route = taste.route(&self.dice);
            let line = if faulty { weather::line(&self.dice) } else { Line::default() };
            let (store, dice) = (store.clone(), self.dice.clone());
            let sink = Arc::new(StoreSink { store, line, dice, gate: gate.clone() });
            // All accounts are open before the first delivery runs, as a start does: each holds the log.
            let account = self.opened(&surroundings, name, &route).await;
            surroundings.ledger.open(&self.catalog, account, true).await.unwrap();
            let assignment = Assignment { gate: gate.clone(), ..self.assignment(name, route, sink) };
            deliveries.push(Delivery::new(surroundings.clone(), assignment, Arc::new(Notify::new())));
        }
        Life { surroundings, intake, deliveries, gate, stop: watch::Sender::new(false) }
    }

    /// As often as it takes; a lost answer is no harm.
    async fn opened(&self, surroundings: &Surroundings, name: &str, route: &Route) -> Account {
        loop {
            let account = self.catalog.open_account(&key(name), &Opening::default()).await.unwrap();
            match claim(surroundings, account, route.streams()).await {
                Ok(account) => return account,
                Err(error) => {
                    let passing = matches!(error, DeliveryError::Catalog(CatalogError::Retry(_)));
                    assert!(passing, "{error}");
                }
            }
        }
    }

    fn assignment(&self, name: &str, route: Route, sink: Arc<dyn Sink>) -> Assignment {
        let limits = weather::limits(&self.dice);
        Assignment {
            key: key(name),
            opening: Opening::default(),
            route,
            limits,
            buffer: Buffer::new(&limits),
            retry: RetryPolicy::default(),
            sink,
            gate: Gate::default(),
        }
    }

    /// A body of some events of the first one's stream, a few of them poisoned, and some sent before.
    fn body(&self) -> Vec<Sent> {
        let mut sent = self.sent.lock().unwrap();
        let event = |_| {
            let repeated = *sent > 0 && self.dice.chance(20);
            let number = if repeated { self.dice.below(*sent) } else { *sent };
            *sent += u64::from(!repeated);
            Sent { number }
        };
        let mut events: Vec<Sent> = (0..1 + self.dice.below(6)).map(event).collect();
        let stream = events[0].stream();
        events.retain(|sent| sent.stream() == stream);
        events
    }

    /// Of what clients were told is accepted, what the stores do not take at first.
    fn poisoned(&self) -> BTreeSet<EventId> {
        let acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.iter().filter(|(_, sent)| sent.is_poisoned()).map(|(id, _)| *id).collect()
    }

    async fn dead_letters(&self) -> BTreeSet<EventId> {
        let letters =
            self.catalog.dead_letters(&DeadLetterFilter::default(), None, usize::MAX).await.unwrap();
        letters.into_iter().filter_map(|letter| letter.record).map(|record| record.event.id).collect()
    }

    /// Everything acknowledged that a sink wants is in its store, but for what is dead; and nothing that it leaves out.
    fn check(&self, dead: &BTreeSet<EventId>) {
        for (name, (taste, store)) in &self.stores {
            let stored = store.ids();
            for (id, sent) in self.acknowledged.lock().unwrap().iter() {
                let is_stored = stored.contains(id);
                if let Some(wanted) = taste.wants(*sent) {
                    assert_eq!(is_stored, wanted && !dead.contains(id), "{id} ({sent:?}) in {name}");
                }
            }
        }
    }

    /// Invariants 4 and 8: the catalog says what the ledger says, and both add up to what the log took.
    async fn accounts_agree(&self, snapshot: &Snapshot) {
        let accepted = self.log.extent(&Partition(PARTITION.into())).accepted.values().sum::<u64>();
        let accounts = self.catalog.accounts().await.unwrap();
        for (standing, account) in snapshot.sinks.iter().zip(&accounts) {
            assert_eq!((standing.delivered, standing.dead), (account.delivered, account.dead));
            assert_eq!(standing.filtered, account.filtered);
            let settled = account.delivered + account.dead + account.filtered;
            assert_eq!((standing.routed, standing.pending), (settled, 0), "{standing:?}");
            let (taste, store) = &self.stores[account.key.sink.0.as_ref()];
            assert!(settled == accepted || *taste == Taste::Wandering, "{standing:?}");
            let stored = store.ids().len() as u64;
            // What was stored and not settled may be left out in the next life.
            let most = match taste {
                Taste::Everything | Taste::Picky => account.delivered,
                Taste::Fickle | Taste::Wandering => accepted,
            };
            assert!(account.delivered - account.duplicates <= stored && stored <= most, "{account:?}");
        }
    }
}

impl Life {
    /// Clients send, deliveries deliver, and somebody looks at the accounts all the while.
    async fn live(&self, universe: &Universe) {
        let clients = async {
            for _ in 0..3 + universe.dice.below(20) {
                self.send(universe).await;
                self.gate.set_open(!universe.dice.chance(20));
                universe.clock.sleep(Duration::from_millis(universe.dice.below(200))).await;
                self.snapshot();
            }
            self.gate.set_open(true);
            self.stop.send_replace(true);
        };
        let deliver = async |delivery: &Delivery| delivery.run(self.stop.subscribe()).await.unwrap();
        let deliveries = futures::future::join_all(self.deliveries.iter().map(deliver));
        tokio::join!(deliveries, clients);
    }

    async fn send(&self, universe: &Universe) {
        let events = universe.body();
        let stream = events[0].stream();
        let lines: Vec<String> = events.iter().map(|sent| sent.body()).collect();
        let body = Bytes::from(lines.join("\n"));
        let origin = Origin { credential: "key:simulated".into(), ..Origin::default() };
        let submission = Submission {
            stream: &stream,
            format: BodyFormat::Lines,
            shape: Shape::Event,
            body: &body,
            origin: &origin,
            idempotency_key: None,
            atomic: false,
        };
        if let Ok(outcome) = self.intake.accept(submission).await {
            universe.acknowledged.lock().unwrap().extend(outcome.ids.into_iter().zip(events));
        }
    }

    /// Invariant 8, at this moment.
    fn snapshot(&self) -> Snapshot {
        let snapshot = self.surroundings.ledger.snapshot();
        for standing in &snapshot.sinks {
            let settled = standing.delivered + standing.dead + standing.filtered;
            assert_eq!(standing.routed, settled + standing.pending, "{standing:?}");
        }
        snapshot
    }
}

fn streams() -> [StreamRules; 2] {
    let other = Stream::new(STREAMS[1]).unwrap();
    [StreamRules::events(), StreamRules::configured(other, Pointer::parse("/log_id"), None, None, [])]
}

fn key(sink: &str) -> AccountKey {
    AccountKey::main(&SinkName(sink.into()), &Partition(PARTITION.into()))
}
