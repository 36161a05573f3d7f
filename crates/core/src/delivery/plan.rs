//! Reads the log, cuts batches, and records their bounds before anybody sees them.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};

use crate::catalog::{Account, Plan};
use crate::event::{Offset, by_stream};
use crate::ledger::Awaited;
use crate::log::{LogError, PassedOver, ReadLimit, Slice};

use super::batcher::{AgesFrom, Batcher, Cut};
use super::buffer::permits;
use super::following::Following;
use super::persist::Persist;
use super::{Assignment, DeliveryError, Place, Planned, Surroundings};

/// How long others' events are passed over before that is written down.
const PASSING_OVER_MAX: Duration = Duration::from_secs(10);

pub(super) struct Planner<'a> {
    surroundings: &'a Surroundings,
    assignment: &'a Assignment,
    persist: &'a Persist,
    unsettled: Arc<Semaphore>,
}

/// Where events come one by one, some are let come together before they are read: a read for each would cost more than
/// the events. It is the most that this adds to the time an event takes to its store.
const GATHERING: Duration = Duration::from_millis(10);

/// While a broker has more ready, a batch is filled rather than closed by its age, as many small ones would make all wait
/// longer; but none waits longer than this for it.
const FILLING_MAX: Duration = Duration::from_secs(1);
/// While the one before is under way, it could not be sent sooner in any case.
const FILLING_BUSY_MAX: Duration = Duration::from_secs(10);
/// How soon it is seen that there is no more, or that the sink is free.
const FILLING_CHECK: Duration = Duration::from_millis(20);

/// A filter looks into every event; after so many, others have their turn.
const FILTERED_AT_ONCE: usize = 256;

/// What ended a wait.
enum Wake {
    MoreToRead,
    Due,
    Stop,
    Closed,
}

impl<'a> Planner<'a> {
    pub fn new(surroundings: &'a Surroundings, assignment: &'a Assignment, persist: &'a Persist) -> Self {
        let unsettled = Arc::new(Semaphore::new(permits(assignment.limits.unsettled_max)));
        Self { surroundings, assignment, persist, unsettled }
    }

    /// Takes up the batches under way, then plans on until `stop` or the account's end.
    pub async fn run(
        &self,
        account: Account,
        unsettled: Vec<Plan>,
        to_send: mpsc::Sender<Planned>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), DeliveryError> {
        for plan in unsettled {
            let cut = self.read_again(&plan).await?;
            let place = self.place_for(&cut).await;
            self.surroundings.ledger.planned(&plan.key, plan.first, plan.end, cut.oldest_at());
            let planned = Planned { plan, cut, at: self.surroundings.clock.now(), place };
            if to_send.send(planned).await.is_err() || *stop.borrow() {
                return Ok(());
            }
        }
        let mut batcher = Batcher::new(self.assignment.limits, self.ages_from(), account.planned);
        let awaited = self.surroundings.ledger.awaited(&self.assignment.key);
        let mut following = Following::default();
        let until = account.opening.until;
        while until.is_none_or(|until| batcher.end() < until) {
            // Asked before the log is read: what was accepted before the end was asked for is read in any case.
            let is_last = *stop.borrow();
            let passed_over = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => None,
                passed = following.passed_over(self.surroundings, self.assignment, &batcher) => passed,
            };
            let passed_over = passed_over.filter(|passed| until.is_none_or(|until| passed.end <= until));
            let mut cuts = match passed_over {
                Some(passed) => self.pass_over(&mut batcher, passed).await,
                None => self.read_until_due(&mut batcher, until).await?,
            };
            if awaited.is_past(batcher.first()) {
                cuts.extend(batcher.cut());
            }
            let idle = cuts.is_empty();
            self.hand_over(cuts, &to_send).await?;
            self.note_gathering(&batcher);
            if is_last {
                break;
            }
            match if idle { self.wait(&batcher, &awaited, &mut stop).await } else { Wake::MoreToRead } {
                Wake::MoreToRead | Wake::Stop => {}
                Wake::Due => self.hand_over(batcher.cut().into_iter().collect(), &to_send).await?,
                Wake::Closed => break,
            }
        }
        self.hand_over(batcher.cut().into_iter().collect(), &to_send).await
    }

    /// The batch as it was when it was planned: its bounds are recorded, and the log does not change.
    async fn read_again(&self, plan: &Plan) -> Result<Cut, DeliveryError> {
        let Assignment { route, limits, .. } = self.assignment;
        let unlimited = super::BatchLimits { max_events: usize::MAX, max_bytes: usize::MAX, ..*limits };
        let mut batcher = Batcher::new(unlimited, self.ages_from(), plan.first);
        while batcher.end() < plan.end {
            let before = batcher.end();
            let slice = self.read_slice(&batcher, Some(plan.end)).await?;
            self.gather(&mut batcher, slice).await;
            if batcher.end() == before {
                // A log that did not sync may have lost its end with the power.
                break;
            }
        }
        let rest = Slice { end: plan.end, ..Slice::default() };
        batcher.advance(rest, route, self.surroundings.clock.now());
        Ok(batcher.cut().unwrap_or_default())
    }

    async fn pass_over(&self, batcher: &mut Batcher, passed: PassedOver) -> Vec<Cut> {
        if self.assignment.route.is_for_unreadable() {
            self.surroundings.ledger.brought(&passed.events.unwrap_or_default());
        }
        self.gather(batcher, Slice { end: passed.end, ..Slice::default() }).await
    }

    /// Reads once, and gives the batches that it filled, or what was gathered where its time is over before a broker gives more.
    async fn read_until_due(
        &self,
        batcher: &mut Batcher,
        until: Option<Offset>,
    ) -> Result<Vec<Cut>, DeliveryError> {
        let slice = tokio::select! {
            biased;
            slice = self.read_slice(batcher, until) => Some(slice?),
            () = self.due(batcher), if self.is_of_broker() => None,
        };
        let Some(slice) = slice else {
            return Ok(batcher.cut().into_iter().collect());
        };
        let cuts = self.gather(batcher, slice).await;
        if self.is_of_broker() {
            // Who follows reads it while it is at hand.
            give_way().await;
        }
        Ok(cuts)
    }

    /// A passing failure to read must not look like the end of the log, so it is not told but waited out.
    async fn read_slice(&self, batcher: &Batcher, until: Option<Offset>) -> Result<Slice, DeliveryError> {
        let Surroundings { log, clock, .. } = self.surroundings;
        let Assignment { key, limits, .. } = self.assignment;
        let room = until.map_or(usize::MAX, |until| (until.0 - batcher.end().0) as usize);
        let limit = ReadLimit {
            max_events: limits.max_events.saturating_mul(limits.in_flight.max(1)).min(room),
            max_bytes: limits.max_bytes,
        };
        loop {
            match log.read(&key.partition, batcher.end(), limit).await {
                Err(LogError::Retry { reason, after }) => {
                    tracing::warn!(sink = %key.sink, error = %reason, "the log could not be read; it is tried again");
                    clock.sleep(after).await;
                }
                decided => return Ok(decided?),
            }
        }
    }

    /// Takes in what was read, and gives the batches that it filled.
    async fn gather(&self, batcher: &mut Batcher, mut slice: Slice) -> Vec<Cut> {
        let route = &self.assignment.route;
        let now = self.surroundings.clock.now();
        if route.is_for_unreadable() {
            self.surroundings.ledger.brought(&by_stream(&slice.records));
        }
        let (mut cuts, gathered_before) = (Vec::new(), batcher.events());
        let mut left = slice.records.len();
        batcher.expect(left);
        for (count, record) in std::mem::take(&mut slice.records).into_iter().enumerate() {
            if route.has_filter() && (count + 1).is_multiple_of(FILTERED_AT_ONCE) {
                give_way().await;
            }
            if let Some(cut) = batcher.offer(record, route, now) {
                cuts.push(cut);
                batcher.expect(left);
            }
            left -= 1;
        }
        batcher.advance(slice, route, now);
        if batcher.is_full() {
            cuts.extend(batcher.cut());
        }
        let gathered: u64 = cuts.iter().map(Cut::events).sum::<u64>() + batcher.events();
        self.surroundings.ledger.read(&self.assignment.key, gathered - gathered_before);
        cuts
    }

    /// Records the cuts' bounds, durably, then gives them on. Waits for room in memory before.
    async fn hand_over(&self, cuts: Vec<Cut>, to_send: &mpsc::Sender<Planned>) -> Result<(), DeliveryError> {
        let mut ready = Vec::new();
        for cut in cuts {
            let place = match self.try_place_for(&cut) {
                Some(place) => place,
                None => {
                    // What is ready must go first: it is what makes room.
                    self.record(std::mem::take(&mut ready), to_send).await?;
                    self.place_for(&cut).await
                }
            };
            let plan = Plan { key: self.assignment.key.clone(), first: cut.first, end: cut.end };
            ready.push(Planned { plan, cut, at: self.surroundings.clock.now(), place });
        }
        self.record(ready, to_send).await
    }

    async fn record(
        &self,
        ready: Vec<Planned>,
        to_send: &mpsc::Sender<Planned>,
    ) -> Result<(), DeliveryError> {
        if ready.is_empty() {
            return Ok(());
        }
        self.assignment.gate.passed().await;
        let plans: Vec<Plan> = ready.iter().map(|planned| planned.plan.clone()).collect();
        self.persist.until_done(|| self.surroundings.catalog.plan(&plans)).await?;
        for planned in &ready {
            let Planned { plan, cut, .. } = planned;
            self.surroundings.ledger.planned(&plan.key, plan.first, plan.end, cut.oldest_at());
        }
        for planned in ready {
            if to_send.send(planned).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn wait(&self, batcher: &Batcher, awaited: &Awaited, stop: &mut watch::Receiver<bool>) -> Wake {
        let Surroundings { log, clock, .. } = self.surroundings;
        let due = async {
            tokio::select! {
                () = self.due(batcher) => {}
                () = awaited.past(batcher.first()), if batcher.moving_since().is_some() => {}
            }
        };
        let more = async {
            let partition = &self.assignment.key.partition;
            if log.extent(partition).end <= batcher.end() {
                log.wait(partition, batcher.end()).await?;
                tokio::select! {
                    () = clock.sleep(GATHERING.min(self.assignment.limits.max_age)) => {}
                    () = awaited.past(batcher.end()) => {}
                }
            }
            Ok(())
        };
        tokio::select! {
            biased;
            told = stop.wait_for(|stop| *stop) => match told {
                Ok(_) => Wake::Stop,
                Err(_nobody_is_left_to_tell) => Wake::Closed,
            },
            () = due => Wake::Due,
            more = more => match more {
                Err(LogError::Closed) => Wake::Closed,
                // What is wrong shows when it is read.
                Ok(()) | Err(_) => Wake::MoreToRead,
            },
        }
    }

    fn ages_from(&self) -> AgesFrom {
        if self.is_of_broker() { AgesFrom::Reading } else { AgesFrom::Arrival }
    }

    /// Returns when the gathered events have waited long enough.
    async fn due(&self, batcher: &Batcher) {
        let clock = &self.surroundings.clock;
        let may_fill = self.may_fill(batcher);
        while let Some(moving_since) = batcher.moving_since() {
            let filling_max = if may_fill { self.filling_max(batcher) } else { None };
            let due_at = match batcher.waiting_since() {
                Some(since) => {
                    since.after(self.assignment.limits.max_age.max(filling_max.unwrap_or_default()))
                }
                None => moving_since.after(PASSING_OVER_MAX),
            };
            match due_at.since(clock.now()) {
                Duration::ZERO => return,
                left => clock.sleep(filling_max.map_or(left, |_| left.min(FILLING_CHECK))).await,
            }
        }
        std::future::pending::<()>().await;
    }

    /// Whether a batch is filled whatever its age: what all partitions of a broker gather has to fit into what the sink may
    /// take of memory.
    fn may_fill(&self, batcher: &Batcher) -> bool {
        let partitions = || self.surroundings.log.partitions().len().max(1);
        let memory_max = self.assignment.limits.buffer_max_bytes;
        self.is_of_broker() && batcher.memory_bytes() < memory_max / partitions()
    }

    /// How long it is filled then; `None` where there is nothing to fill it with.
    fn filling_max(&self, batcher: &Batcher) -> Option<Duration> {
        let Assignment { key, limits, .. } = self.assignment;
        let has_more = self.surroundings.log.extent(&key.partition).end > batcher.end();
        let is_busy = self.unsettled.available_permits() < permits(limits.unsettled_max);
        let max = if is_busy { FILLING_BUSY_MAX } else { FILLING_MAX };
        has_more.then_some(max)
    }

    fn is_of_broker(&self) -> bool {
        self.assignment.key.partition.is_of_topic()
    }

    fn note_gathering(&self, batcher: &Batcher) {
        self.surroundings.ledger.gathering(&self.assignment.key, batcher.oldest_at());
    }

    fn try_place_for(&self, cut: &Cut) -> Option<Place> {
        let unsettled = self.unsettled.clone().try_acquire_owned().ok()?;
        let room = self.assignment.buffer.try_take(cut)?;
        Some(Place { _unsettled: Some(unsettled), _room: room })
    }

    async fn place_for(&self, cut: &Cut) -> Place {
        // Its own first: while it waits for one, it keeps no other delivery from the room.
        let unsettled = self.unsettled.clone().acquire_owned().await;
        let room = self.assignment.buffer.take(cut).await;
        // The semaphore is never closed.
        Place { _unsettled: unsettled.ok(), _room: room }
    }
}

/// Lets other tasks of the thread go first, once.
async fn give_way() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
