//! The partitions that are here, as a log.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use weir_core::event::Offset;
use weir_core::log::{EventLog, Extent, LogError, Lost, Mark, Partition, PassedOver, ReadLimit, Slice};
use weir_core::message::MessageReader;
use weir_core::streams::Streams;
use weir_core::time::Timestamp;
use weir_kafka::rdkafka::Offset as RawOffset;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer};

use super::group::{Group, MemberContext, Place};
use super::reader::{Obstacle, Readers};
use super::reading::{Around, Attempt, Reading};

/// How long a read waits for what the broker is known to have.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one question to the broker may take.
pub(super) const QUESTION_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// However many partitions there are, each has a window of this size.
const WINDOW_MIN_BYTES: usize = 256 << 10;
/// Sinks that may each be at another place of a partition, behind the others.
const BEHIND_MAX: usize = 64;

/// Kafka's partitions that are assigned to this instance, as one input reads them.
pub struct KafkaLog {
    pub(super) input: String,
    pub(super) group: Arc<Group>,
    pub(super) member: Arc<BaseConsumer<MemberContext>>,
    pub(super) readers: Arc<Readers>,
    pub(super) messages: MessageReader,
    pub(super) window_max_bytes: usize,
    pub(super) readings: RwLock<BTreeMap<Partition, Arc<Reading>>>,
    /// Events that retention took before they were read, counted by places.
    pub(super) lost: AtomicU64,
}

impl KafkaLog {
    pub(super) fn all(&self) -> Vec<(Partition, Arc<Reading>)> {
        let readings = self.readings.read().unwrap_or_else(PoisonError::into_inner);
        readings.iter().map(|(partition, reading)| (partition.clone(), reading.clone())).collect()
    }

    pub(super) fn put(&self, partition: Partition, reading: Reading) {
        let mut readings = self.readings.write().unwrap_or_else(PoisonError::into_inner);
        readings.insert(partition, Arc::new(reading));
    }

    pub(super) fn remove(&self, partition: &Partition) {
        let gone = self.readings.write().unwrap_or_else(PoisonError::into_inner).remove(partition);
        if let Some(reading) = gone {
            reading.begin_anew();
            reading.arrived.notify_waiters();
        }
    }

    /// Where the partition begins and ends now, by the broker's word.
    pub(super) async fn extent_of(&self, place: &Place) -> Result<(u64, u64), LogError> {
        let (member, place) = (self.member.clone(), place.clone());
        let asked = move || member.fetch_watermarks(&place.topic, place.number, QUESTION_TIMEOUT);
        let (start, end) = asking(asked).await?;
        Ok((start.cast_unsigned(), end.cast_unsigned()))
    }

    fn reading(&self, partition: &Partition) -> Result<(Arc<Reading>, usize), LogError> {
        let readings = self.readings.read().unwrap_or_else(PoisonError::into_inner);
        let reading = readings.get(partition).cloned().ok_or(LogError::Closed)?;
        Ok((reading, (self.window_max_bytes / readings.len()).max(WINDOW_MIN_BYTES)))
    }

    fn around(&self, window_max_bytes: usize) -> Around<'_> {
        Around { readers: &self.readers, messages: &self.messages, window_max_bytes, behind_max: BEHIND_MAX }
    }

    /// The broker has nothing at this place: retention was faster, or the partition is not what it was.
    async fn out_of_range(&self, reading: &Reading, from: u64, limit: ReadLimit) -> Result<Slice, LogError> {
        let partition = self.group.partition(&reading.place);
        reading.begin_anew();
        let (start, end) = self.extent_of(&reading.place).await?;
        reading.learn(start, end);
        if from < start {
            let end = start.min(from.saturating_add((limit.max_events as u64).max(1)));
            let new = reading.lose(from, end);
            self.lost.fetch_add(new, Ordering::Relaxed);
            if new > 0 {
                tracing::error!(
                    input = self.input, %partition, from, end, begins = start,
                    "Kafka's retention took messages before every sink had them; they are in the dead letters, by their places"
                );
            }
            return Ok(Slice { end: Offset(end), lost: vec![self.lost(end - from)], ..Slice::default() });
        }
        if from > end {
            tracing::error!(
                input = self.input, %partition, from, ends = end,
                "the partition ends before what was read of it: it was made anew, or it lost its end with a broker"
            );
            self.group.take_up_again(&reading.place);
        }
        Err(LogError::Retry {
            reason: format!("partition {partition} has no offset {from}"),
            after: RETRY_AFTER,
        })
    }

    /// Which streams the events were of, nobody can tell any more but by the settings.
    fn lost(&self, count: u64) -> Lost {
        Lost {
            stream: self.messages.stream_unsaid(),
            count,
            reason: "retention_passed",
            detail: "Kafka's retention took these messages before they were read; they are counted by their places".to_owned(),
        }
    }
}

#[async_trait]
impl EventLog for KafkaLog {
    fn partitions(&self) -> Vec<Partition> {
        self.all().into_iter().map(|(partition, _)| partition).collect()
    }

    fn extent(&self, partition: &Partition) -> Extent {
        let Ok((reading, _)) = self.reading(partition) else { return Extent::default() };
        Extent { start: Offset(reading.start()), end: Offset(reading.end()), accepted: BTreeMap::new() }
    }

    /// What was accepted before a place, nobody has counted.
    fn mark(&self, _partition: &Partition, _at: Offset) -> Option<Mark> {
        None
    }

    async fn read(&self, partition: &Partition, from: Offset, limit: ReadLimit) -> Result<Slice, LogError> {
        let (reading, window_max_bytes) = self.reading(partition)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let arrived = reading.arrived.notified();
            tokio::pin!(arrived);
            // Whatever comes from here on is heard of.
            arrived.as_mut().enable();
            match reading.attempt(from.0, limit, &self.around(window_max_bytes)) {
                Ok(Attempt::Slice(slice)) => return Ok(slice),
                Ok(Attempt::AtEnd) => return Ok(Slice { end: from, ..Slice::default() }),
                Ok(Attempt::Pending) => {}
                Err(Obstacle::OutOfRange) => return self.out_of_range(&reading, from.0, limit).await,
                Err(Obstacle::Trouble(reason)) => return Err(LogError::Retry { reason, after: RETRY_AFTER }),
            }
            self.reading(partition)?;
            if tokio::time::timeout_at(until, arrived).await.is_err() {
                let reason = format!("Kafka has not given {partition} at {from} within {PATIENCE:?}");
                return Err(LogError::Retry { reason, after: Duration::ZERO });
            }
        }
    }

    async fn wait(&self, partition: &Partition, from: Offset) -> Result<(), LogError> {
        let limit = ReadLimit { max_events: usize::MAX, max_bytes: 0 };
        loop {
            let (reading, window_max_bytes) = self.reading(partition)?;
            if from.0 < reading.end() {
                return Ok(());
            }
            let arrived = reading.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            // What is wrong shows when it is read.
            if !matches!(
                reading.attempt(from.0, limit, &self.around(window_max_bytes)),
                Ok(Attempt::AtEnd | Attempt::Pending)
            ) {
                return Ok(());
            }
            self.reading(partition)?;
            arrived.await;
        }
    }

    async fn passed_over(
        &self,
        partition: &Partition,
        from: Offset,
        streams: &Streams,
        patience: Duration,
    ) -> Option<PassedOver> {
        let until = Instant::now() + patience;
        loop {
            let (reading, _) = self.reading(partition).ok()?;
            let arrived = reading.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if let Some(passed) = reading.passed_over(from.0, streams) {
                return Some(passed);
            }
            tokio::time::timeout_at(until, arrived).await.ok()?;
        }
    }

    async fn seek(&self, partition: &Partition, time: Timestamp) -> Result<Offset, LogError> {
        let (reading, _) = self.reading(partition)?;
        let (member, place) = (self.member.clone(), reading.place.clone());
        let millis = time.as_micros().max(0).unsigned_abs().div_ceil(1_000).cast_signed();
        let asked = move || {
            let list = member.offsets_for_times(place.at(RawOffset::Offset(millis))?, QUESTION_TIMEOUT)?;
            let found = list.find_partition(&place.topic, place.number);
            found.map_or(Ok(RawOffset::End), |found| found.error().map(|()| found.offset()))
        };
        match asking(asked).await? {
            RawOffset::Offset(offset) => Ok(Offset(offset.cast_unsigned())),
            _ => Ok(Offset(self.extent_of(&reading.place).await?.1)),
        }
    }

    /// Kafka keeps its own retention.
    async fn release(&self, _partition: &Partition, _before: Offset) -> Result<(), LogError> {
        Ok(())
    }
}

/// Asks the broker something, off the runtime's threads.
pub(super) async fn asking<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, weir_kafka::rdkafka::error::KafkaError> + Send + 'static,
) -> Result<T, LogError> {
    let retry = |reason: String| LogError::Retry { reason, after: RETRY_AFTER };
    let answer = tokio::task::spawn_blocking(question).await.map_err(|error| retry(error.to_string()))?;
    answer.map_err(|error| retry(format!("Kafka does not answer: {error}")))
}
