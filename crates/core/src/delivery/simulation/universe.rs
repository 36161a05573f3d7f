//! What is durable, and the lives that are lived over it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use super::crash::CrashAfter;
use super::store::{Line, POISON, Store, StoreSink};
use crate::catalog::{AccountKey, Catalog, DeadLetterFilter, Opening};
use crate::delivery::{Assignment, BatchLimits, Delivery, RetryPolicy, Route, Surroundings};
use crate::event::{EventId, Origin, Stream};
use crate::formats::BodyFormat;
use crate::intake::{Intake, StreamRules, Submission};
use crate::ledger::{Ledger, Snapshot};
use crate::log::{EventLog, Partition};
use crate::observe::Unobserved;
use crate::row_id::RowIds;
use crate::sink::{Sink, SinkName};
use crate::testkit::catalog::{CatalogFaults, FaultyCatalog, MemoryCatalog};
use crate::testkit::log::{FaultyLog, MemoryLog, Odds};
use crate::testkit::world::{SeededRandom, TestClock};
use crate::world::Clock;

const SINKS: [&str; 2] = ["first", "second"];
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
    stores: BTreeMap<&'static str, Store>,
    /// What clients were told is accepted, and whether it is poisoned.
    acknowledged: Mutex<BTreeMap<EventId, bool>>,
    sent: Mutex<u64>,
}

/// What is gone with one.
struct Life {
    surroundings: Surroundings,
    intake: Intake,
    deliveries: Vec<Delivery>,
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
            stores: SINKS.into_iter().map(|name| (name, Store::default())).collect(),
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
        for store in self.stores.values() {
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
        let odds = if faulty { self.log_odds() } else { Odds::default() };
        let faults = if faulty { self.catalog_faults() } else { CatalogFaults::default() };
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
        let intake =
            Intake::new(log, [StreamRules::events()], self.clock.clone(), self.dice.clone(), observer);
        let mut deliveries = Vec::new();
        for (name, store) in &self.stores {
            let line = if faulty { self.line() } else { Line::default() };
            let sink = Arc::new(StoreSink { store: store.clone(), line, dice: self.dice.clone() });
            // All accounts are open before the first delivery runs, as a start does: each holds the log.
            let account = self.catalog.open_account(&key(name), &Opening::default()).await.unwrap();
            surroundings.ledger.open(&self.catalog, account, Some(Route::all())).await.unwrap();
            let assignment = self.assignment(name, sink);
            deliveries.push(Delivery::new(surroundings.clone(), assignment, Arc::new(Notify::new())));
        }
        Life { surroundings, intake, deliveries, stop: watch::Sender::new(false) }
    }

    fn assignment(&self, name: &str, sink: Arc<dyn Sink>) -> Assignment {
        let limits = BatchLimits {
            max_events: 1 + self.dice.below(8) as usize,
            max_bytes: 64 + self.dice.below(400) as usize,
            max_age: Duration::from_millis(self.dice.below(500)),
            in_flight: 1 + self.dice.below(4) as usize,
            buffer_max_events: 1 + self.dice.below(40) as usize,
            buffer_max_bytes: 1 + self.dice.below(8192) as usize,
        };
        Assignment {
            key: key(name),
            opening: Opening::default(),
            route: Route::all(),
            limits,
            retry: RetryPolicy::default(),
            sink,
        }
    }

    fn log_odds(&self) -> Odds {
        let percent = || self.dice.below(20);
        Odds {
            append_fails: percent(),
            append_lies: percent(),
            read_fails: percent(),
            release_fails: percent(),
            slow: percent(),
        }
    }

    fn catalog_faults(&self) -> CatalogFaults {
        CatalogFaults {
            failing_percent: self.dice.below(20),
            lying_percent: self.dice.below(20),
            delay_max: Duration::from_millis(self.dice.below(40)),
        }
    }

    fn line(&self) -> Line {
        Line {
            failing: self.dice.below(50),
            lying: self.dice.below(30),
            blocked: self.dice.below(10),
            item_again: self.dice.below(30),
            refuses_whole: self.dice.chance(50),
            delay_max_ms: self.dice.below(300),
        }
    }

    /// A body of some events, a few of them poisoned, and some sent before.
    fn body(&self) -> String {
        let mut sent = self.sent.lock().unwrap();
        let event = |_| {
            let repeated = *sent > 0 && self.dice.chance(20);
            let number = if repeated { self.dice.below(*sent) } else { *sent };
            *sent += u64::from(!repeated);
            // By its number, so that a repeat is the same event.
            let page = if number % 13 == 5 { POISON } else { "/" };
            format!(r#"{{"log_id":"{number}","page":"{page}","event":"e"}}"#)
        };
        (0..1 + self.dice.below(6)).map(event).collect::<Vec<String>>().join("\n")
    }

    /// Of what clients were told is accepted, what the stores do not take at first.
    fn poisoned(&self) -> BTreeSet<EventId> {
        let acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.iter().filter(|(_, poisoned)| **poisoned).map(|(id, _)| *id).collect()
    }

    async fn dead_letters(&self) -> BTreeSet<EventId> {
        let letters =
            self.catalog.dead_letters(&DeadLetterFilter::default(), None, usize::MAX).await.unwrap();
        letters.into_iter().filter_map(|letter| letter.record).map(|record| record.event.id).collect()
    }

    /// Everything acknowledged is in each store, but for what is dead.
    fn check(&self, dead: &BTreeSet<EventId>) {
        for (name, store) in &self.stores {
            let stored = store.ids();
            for id in self.acknowledged.lock().unwrap().keys() {
                assert!(
                    stored.contains(id) != dead.contains(id),
                    "{id} in {name}: stored {}",
                    stored.contains(id)
                );
            }
        }
    }

    /// Invariants 4 and 8: the catalog says what the ledger says, and both add up to what the log took.
    async fn accounts_agree(&self, snapshot: &Snapshot) {
        let accepted = self.log.extent(&Partition(PARTITION.into())).accepted.values().sum::<u64>();
        let accounts = self.catalog.accounts().await.unwrap();
        for (standing, account) in snapshot.sinks.iter().zip(&accounts) {
            assert_eq!((standing.delivered, standing.dead), (account.delivered, account.dead));
            assert_eq!(account.delivered + account.dead, accepted, "{standing:?}");
            let store = &self.stores[account.key.sink.0.as_ref()];
            let stored = store.ids().len() as u64;
            assert!(
                account.delivered - account.duplicates <= stored && stored <= account.delivered,
                "{account:?}"
            );
        }
    }
}

impl Life {
    /// Clients send, deliveries deliver, and somebody looks at the accounts all the while.
    async fn live(&self, universe: &Universe) {
        let clients = async {
            for _ in 0..3 + universe.dice.below(20) {
                self.send(universe).await;
                universe.clock.sleep(Duration::from_millis(universe.dice.below(200))).await;
                self.snapshot();
            }
            self.stop.send_replace(true);
        };
        let deliver = async |delivery: &Delivery| delivery.run(self.stop.subscribe()).await.unwrap();
        let deliveries = futures::future::join_all(self.deliveries.iter().map(deliver));
        tokio::join!(deliveries, clients);
    }

    async fn send(&self, universe: &Universe) {
        let body = Bytes::from(universe.body());
        let stream = Stream::new("events").unwrap();
        let origin = Origin { credential: "key:simulated".into(), ..Origin::default() };
        let submission = Submission {
            stream: &stream,
            format: BodyFormat::Lines,
            body: &body,
            origin: &origin,
            idempotency_key: None,
            atomic: false,
        };
        if let Ok(outcome) = self.intake.accept(submission).await {
            let text = String::from_utf8(body.to_vec()).unwrap();
            let poisoned = text.lines().map(|line| line.contains(POISON));
            universe.acknowledged.lock().unwrap().extend(outcome.ids.into_iter().zip(poisoned));
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

fn key(sink: &str) -> AccountKey {
    AccountKey::main(&SinkName(sink.into()), &Partition(PARTITION.into()))
}
