//! Delivery: from the log into one sink, with the effect of once.
//!
//! **Constraints.** A batch's bounds are recorded before it is first sent and never change; it is sent until each of
//! its events is stored or refused for good; then its place, its counts and its dead letters are settled in one
//! transaction. Whatever is dropped or killed in between is taken up again at the next start, under the same names.
//!
//! One [`Delivery`] serves one sink over one partition. It is a single future without tasks of its own: dropping it
//! is the same as a crash. Its parts run side by side: [`plan`] cuts batches and records them, the sink makes one ready
//! while [`send`] brings it those before, [`resend`] does the same for dead letters that a person wants sent again.

#[cfg(test)]
mod awaited;
mod batcher;
mod buffer;
mod claim;
mod disclaim;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod filling;
mod following;
mod gate;
#[cfg(test)]
mod passing;
mod persist;
mod plan;
mod resend;
mod retry;
mod route;
mod send;
#[cfg(test)]
pub(crate) mod simulation;
#[cfg(test)]
mod stage;

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, watch};

pub use batcher::{AgesFrom, BatchLimits, Batcher, Cut};
pub use buffer::Buffer;
use buffer::Room;
pub use claim::claim;
pub use disclaim::{disclaim, take_back};
pub use gate::Gate;
pub use retry::{Backoff, RetryPolicy};
pub use route::{Passage, Route};

use crate::catalog::{AccountKey, Catalog, CatalogError, DeadLetter, Opening, Plan, Settlement};
use crate::event::Record;
use crate::ledger::Ledger;
use crate::ledger::letters::letter;
use crate::log::{EventLog, LogError, Lost, Unreadable};
use crate::observe::{BatchWay, Observer};
use crate::row_id::RowIds;
use crate::sink::{Batch, BatchId, Sink};
use crate::time::Timestamp;
use crate::world::{Clock, Random};

use persist::Persist;
use send::Sender;

/// What every delivery of a process shares.
#[derive(Clone)]
pub struct Surroundings {
    /// Where events come from.
    pub log: Arc<dyn EventLog>,
    /// Where progress is kept.
    pub catalog: Arc<dyn Catalog>,
    /// The accounts.
    pub ledger: Arc<Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The dice.
    pub random: Arc<dyn Random>,
    /// Numbers for dead letters.
    pub row_ids: Arc<RowIds>,
    /// Who hears of it.
    pub observer: Arc<dyn Observer>,
}

/// What is particular to one sink.
#[derive(Clone)]
pub struct Assignment {
    /// The account to work on.
    pub key: AccountKey,
    /// What the account begins with, should it not be there yet.
    pub opening: Opening,
    /// What the sink takes.
    pub route: Route,
    /// How batches are made.
    pub limits: BatchLimits,
    /// Where they wait; all deliveries of the sink share it.
    pub buffer: Buffer,
    /// When failed attempts are repeated.
    pub retry: RetryPolicy,
    /// Where they go.
    pub sink: Arc<dyn Sink>,
    /// What holds them while the sink is paused.
    pub gate: Gate,
}

/// Why a delivery ended before it was told to. Nothing is lost: it can be started again.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The catalog cannot do its work until somebody mends it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log no longer has what the account says comes next.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Brings events from the log to one sink.
pub struct Delivery {
    surroundings: Surroundings,
    assignment: Assignment,
    persist: Persist,
    sender: Sender,
    resend_wanted: Arc<Notify>,
}

/// A batch that is recorded, with its place in memory.
pub(crate) struct Planned {
    plan: Plan,
    cut: Cut,
    at: Timestamp,
    place: Place,
}

/// A batch's place among those that are not settled, and in memory; given back when it is dropped.
pub(crate) struct Place {
    _unsettled: Option<OwnedSemaphorePermit>,
    _room: Room,
}

/// A batch for which all is there that sending it needs.
struct Prepared {
    plan: Plan,
    /// `None` where nothing is to be sent.
    batch: Option<Batch>,
    /// What else lies between its bounds.
    cut: Cut,
    oldest_at: Option<Timestamp>,
    planned_at: Timestamp,
    place: Place,
}

/// A batch of which each event is decided, and not settled.
struct Answered {
    settlement: Settlement,
    bytes: usize,
    places: Vec<String>,
    attempts: u32,
    oldest_at: Option<Timestamp>,
    planned_at: Timestamp,
    begun_at: Timestamp,
    answered_at: Timestamp,
    _place: Place,
}

impl Delivery {
    /// A delivery that has not begun. `resend_wanted` wakes it when dead letters were released to be sent again.
    pub fn new(surroundings: Surroundings, assignment: Assignment, resend_wanted: Arc<Notify>) -> Self {
        let Surroundings { ledger, clock, random, observer, .. } = surroundings.clone();
        let backoff = Backoff::new(assignment.retry, clock.clone(), random.clone());
        let Assignment { key, sink, gate, .. } = assignment.clone();
        let sender = Sender { key, sink, gate, backoff, ledger, clock: clock.clone(), observer };
        let persist = Persist::new(clock, random);
        Self { surroundings, assignment, persist, sender, resend_wanted }
    }

    /// Runs until `stop` turns true and what was read by then is settled, or until the account's end is reached.
    ///
    /// The account must be open in the ledger.
    pub async fn run(&self, stop: watch::Receiver<bool>) -> Result<(), DeliveryError> {
        let Assignment { key, opening, limits, .. } = &self.assignment;
        let catalog = self.surroundings.catalog.as_ref();
        let account = self.persist.until_done(|| catalog.open_account(key, opening)).await?;
        let unsettled = self.persist.until_done(|| catalog.unsettled(key)).await?;

        let (to_prepare, planned) = mpsc::channel(1);
        let (to_send, prepared) = mpsc::channel(limits.in_flight.max(1));
        let planner = plan::Planner::new(&self.surroundings, &self.assignment, &self.persist);
        let planning = planner.run(account, unsettled, to_prepare, stop.clone());
        let preparing = self.prepare_all(planned, to_send);
        let sending = self.send_all(prepared);
        let resending = async {
            match opening.until {
                None => self.resend_until(stop).await,
                // What a replay has refused is sent again by the sink's main delivery.
                Some(_) => Ok(()),
            }
        };
        tokio::try_join!(planning, preparing, sending, resending).map(|_| ())
    }

    /// Sends again, until `stop`, what is released to be sent again, and nothing else: for an account whose partition
    /// another instance reads.
    pub async fn run_resending(&self, stop: watch::Receiver<bool>) -> Result<(), DeliveryError> {
        self.resend_until(stop).await
    }

    /// Has the sink make ready what is sent next, until no more comes.
    async fn prepare_all(
        &self,
        mut planned: mpsc::Receiver<Planned>,
        to_send: mpsc::Sender<Prepared>,
    ) -> Result<(), DeliveryError> {
        while let Ok(place) = to_send.reserve().await
            && let Some(planned) = planned.recv().await
        {
            let prepared = self.prepared(planned);
            if let Some(batch) = &prepared.batch {
                self.assignment.sink.prepare(batch).await;
            }
            place.send(prepared);
        }
        Ok(())
    }

    fn prepared(&self, planned: Planned) -> Prepared {
        let Planned { plan, mut cut, at: planned_at, place } = planned;
        let oldest_at = cut.oldest_at();
        let (records, unreadable) = (std::mem::take(&mut cut.records), std::mem::take(&mut cut.unreadable));
        let is_empty = records.is_empty() && unreadable.is_empty();
        let batch = (!is_empty).then(|| self.batch(&plan, records, unreadable));
        Prepared { plan, batch, cut, oldest_at, planned_at, place }
    }

    /// Sends and settles what is prepared, so many at a time, until no more comes. The next is on its way while one settles.
    async fn send_all(&self, mut prepared: mpsc::Receiver<Prepared>) -> Result<(), DeliveryError> {
        let in_flight = self.assignment.limits.in_flight.max(1);
        let stream = futures::stream::poll_fn(|context| prepared.poll_recv(context));
        let answered = stream.map(|prepared| self.send_one(prepared)).buffer_unordered(in_flight);
        let mut done = answered.map(|answered| self.settle_one(answered)).buffer_unordered(in_flight + 1);
        while let Some(settled) = done.next().await {
            settled?;
        }
        Ok(())
    }

    async fn send_one(&self, prepared: Prepared) -> Answered {
        let Prepared { plan, batch, cut, oldest_at, planned_at, place } = prepared;
        let clock = &self.surroundings.clock;
        let begun_at = clock.now();
        let mut dead = self.lost_letters(&cut, begun_at);
        let unreadable = batch.iter().flat_map(|batch| batch.unreadable.iter());
        dead.extend(unreadable.map(|unreadable| self.unreadable_letter(unreadable, begun_at)));
        let send::Delivered { stored, duplicates, refused, places, attempts } = match batch {
            None => send::Delivered::default(),
            Some(batch) => self.sender.send(batch).await,
        };
        let answered_at = clock.now();
        dead.extend(refused.into_iter().map(|refused| self.dead_letter(refused, begun_at)));
        Answered {
            settlement: Settlement { plan, delivered: stored, duplicates, filtered: cut.filtered, dead },
            bytes: cut.bytes,
            places,
            attempts,
            oldest_at,
            planned_at,
            begun_at,
            answered_at,
            _place: place,
        }
    }

    async fn settle_one(&self, answered: Answered) -> Result<(), DeliveryError> {
        self.settle(&answered.settlement).await?;
        let Answered { bytes, attempts, oldest_at, planned_at, begun_at, answered_at, .. } = answered;
        self.surroundings.observer.settled(BatchWay {
            settlement: &answered.settlement,
            bytes,
            places: &answered.places,
            attempts,
            oldest_at,
            planned_at,
            begun_at,
            answered_at,
            settled_at: self.surroundings.clock.now(),
        });
        Ok(())
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), DeliveryError> {
        let Surroundings { catalog, ledger, log, .. } = &self.surroundings;
        self.persist.until_done(|| catalog.settle(settlement)).await?;
        ledger.settled(settlement);
        let partition = &self.assignment.key.partition;
        if let Some(before) = ledger.settled_before(partition)
            && let Err(error) = log.release(partition, before).await
        {
            tracing::warn!(%error, "the log could not be trimmed; it is tried again with the next batch");
        }
        Ok(())
    }

    /// Named after its bounds, and after all else that says which events are in it.
    fn batch(&self, plan: &Plan, records: Vec<Record>, unreadable: Vec<Unreadable>) -> Batch {
        let AccountKey { sink, partition, lane } = plan.key.clone();
        let lane = if lane.is_empty() { lane } else { format!("@{lane}") };
        let part = format!("{}{lane}", self.assignment.route.mark());
        Batch {
            id: BatchId { sink, partition, first: plan.first, end: plan.end, part },
            records: Arc::new(records),
            unreadable: Arc::new(unreadable),
        }
    }

    fn dead_letter(&self, refused: send::Refused, first_at: Timestamp) -> DeadLetter {
        let send::Refused { record, refusal, attempts } = refused;
        let key = &self.assignment.key;
        DeadLetter {
            id: self.surroundings.row_ids.next(),
            key: AccountKey::main(&key.sink, &key.partition),
            // What a replay brings was accounted for when it was first delivered.
            count: u64::from(key.lane.is_empty()),
            stream: record.stream.clone(),
            record: Some(record),
            source: None,
            reason: refusal.reason,
            detail: refusal.detail,
            attempts,
            first_at,
            last_at: self.surroundings.clock.now(),
        }
    }

    fn lost_letters(&self, cut: &Cut, at: Timestamp) -> Vec<DeadLetter> {
        let letter = |lost: &Lost| DeadLetter {
            id: self.surroundings.row_ids.next(),
            key: self.assignment.key.clone(),
            count: lost.count,
            stream: lost.stream.clone(),
            record: None,
            source: None,
            reason: lost.reason.to_owned(),
            detail: lost.detail.clone(),
            attempts: 0,
            first_at: at,
            last_at: at,
        };
        let concerned = self.assignment.key.lane.is_empty();
        cut.lost.iter().filter(|_| concerned).map(letter).collect()
    }

    fn unreadable_letter(&self, unreadable: &Unreadable, at: Timestamp) -> DeadLetter {
        letter(self.surroundings.row_ids.next(), &self.assignment.key, unreadable, at)
    }
}
