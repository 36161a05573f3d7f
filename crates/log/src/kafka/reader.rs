//! Clients that read: they are told where, and each reads many partitions, each of them at one place.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use weir_core::event::Offset;
use weir_core::message::{Before, Content, Message, MessageReader};
use weir_core::time::Timestamp;
use weir_kafka::Events;
use weir_kafka::rdkafka::consumer::base_consumer::PartitionQueue;
use weir_kafka::rdkafka::consumer::{BaseConsumer, Consumer};
use weir_kafka::rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use weir_kafka::rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, Message as _};
use weir_kafka::rdkafka::{ClientConfig, Offset as RawOffset};

use super::group::Place;
use super::passed::ReaderContext;

/// As many as are needed, so that each partition can be read at several places at once.
pub(super) struct Readers {
    config: ClientConfig,
    events: Arc<Events>,
    readers: Mutex<Vec<Arc<Reader>>>,
}

/// One client.
pub(super) struct Reader {
    consumer: Arc<BaseConsumer<ReaderContext>>,
    taken: Mutex<BTreeSet<Place>>,
}

/// Where a client reads a partition.
pub(super) struct Slot {
    reader: Arc<Reader>,
    place: Place,
    queue: PartitionQueue<ReaderContext>,
    /// Everything before this has come, or holds nothing.
    position: u64,
    /// Everything before this was given.
    given: u64,
    is_at_end: bool,
    /// What came and was not wanted yet.
    held: Option<(u64, Content)>,
    /// What went wrong behind it, told once all before it was taken.
    obstacle: Option<Obstacle>,
    before: Before,
}

/// Why nothing can be read at a place.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// The broker has nothing there: it lies before the partition's beginning, or after its end.
    OutOfRange,
    /// What librdkafka says.
    Trouble(String),
}

/// How much to take at once.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Offsets below this one.
    pub stop: u64,
    pub max_messages: usize,
    pub max_bytes: usize,
}

impl Readers {
    pub fn new(config: ClientConfig, events: Arc<Events>) -> Self {
        Self { config, events, readers: Mutex::default() }
    }

    /// Reads the partition from `at` on. `arrived` is told of what comes.
    pub fn slot(&self, place: &Place, at: u64, arrived: &Arc<Notify>) -> KafkaResult<Slot> {
        self.free(place)?.slot(place, at, arrived)
    }

    /// Serves what clients have to say; nothing that is read comes this way.
    pub fn serve(&self) {
        for reader in self.readers().iter() {
            while let Some(said) = reader.consumer.poll(Duration::ZERO) {
                if let Err(error) = said {
                    tracing::debug!(%error, "a reader of Kafka");
                }
            }
        }
    }

    /// One that does not read this partition yet.
    fn free(&self, place: &Place) -> KafkaResult<Arc<Reader>> {
        let mut readers = self.readers();
        if let Some(reader) = readers.iter().find(|reader| !reader.taken().contains(place)) {
            return Ok(reader.clone());
        }
        let consumer = self.config.create_with_context(ReaderContext::new(self.events.clone()))?;
        let reader = Arc::new(Reader { consumer: Arc::new(consumer), taken: Mutex::default() });
        readers.push(reader.clone());
        Ok(reader)
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Arc<Reader>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    fn taken(&self) -> MutexGuard<'_, BTreeSet<Place>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(self: Arc<Self>, place: &Place, at: u64, arrived: &Arc<Notify>) -> KafkaResult<Slot> {
        let unknown = || KafkaError::Subscription(format!("{} is no topic", place.topic));
        let mut queue =
            self.consumer.split_partition_queue(&place.topic, place.number).ok_or_else(unknown)?;
        let told = arrived.clone();
        queue.set_nonempty_callback(move || told.notify_waiters());
        self.consumer.context().watch(place, arrived);
        self.consumer.incremental_assign(&place.at(RawOffset::Offset(at.cast_signed()))?)?;
        self.taken().insert(place.clone());
        Ok(Slot {
            reader: self,
            place: place.clone(),
            queue,
            position: at,
            given: at,
            is_at_end: false,
            held: None,
            obstacle: None,
            before: Before::default(),
        })
    }
}

impl Slot {
    /// Everything before this was given.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// Whether everything was given that was there, by the word of whichever broker leads.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end && self.held.is_none()
    }

    /// Takes what has come, up to the room's limits, and at least one message where there is one. Waits for nothing.
    pub fn take(&mut self, messages: &MessageReader, room: Room) -> Result<(Content, u64), Obstacle> {
        // Asked first: what it has passed stands in the queue, or holds nothing.
        let passed = self.reader.consumer.context().next(&self.place);
        let mut taken = Content::default();
        let (mut count, mut bytes) = (0, 0);
        while count < room.max_messages {
            let (records, unreadable) = (taken.records.len(), taken.unreadable.len());
            let offset = match self.next(messages, passed, &mut taken) {
                Ok(Some(offset)) => offset,
                Ok(None) => break,
                Err(obstacle) if count == 0 => return Err(obstacle),
                Err(obstacle) => {
                    self.obstacle = Some(obstacle);
                    break;
                }
            };
            let size: usize = taken.records[records..].iter().map(|record| record.event.body.len()).sum();
            if offset >= room.stop || (count > 0 && bytes + size > room.max_bytes) {
                let (records, unreadable) =
                    (taken.records.split_off(records), taken.unreadable.split_off(unreadable));
                self.held = Some((offset, Content { records, unreadable }));
                self.given = self.given.max(offset.min(room.stop));
                return Ok((taken, self.given));
            }
            count += 1;
            bytes += size;
            self.given = offset + 1;
        }
        self.given = self.given.max(self.position.min(room.stop));
        Ok((taken, self.given))
    }

    /// Adds what the next message holds, and gives its offset.
    fn next(
        &mut self,
        messages: &MessageReader,
        passed: u64,
        taken: &mut Content,
    ) -> Result<Option<u64>, Obstacle> {
        if let Some((offset, held)) = self.held.take() {
            taken.append(held);
            return Ok(Some(offset));
        }
        if let Some(obstacle) = self.obstacle.take() {
            return Err(obstacle);
        }
        loop {
            match self.queue.poll(Duration::ZERO) {
                None => {
                    self.position = self.position.max(passed);
                    return Ok(None);
                }
                Some(Ok(message)) if message.offset().cast_unsigned() < self.position => {}
                Some(Ok(message)) => {
                    let offset = message.offset().cast_unsigned();
                    messages.read_on(&view(&message), &mut self.before, taken);
                    (self.position, self.is_at_end) = (offset + 1, false);
                    return Ok(Some(offset));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.is_at_end = true,
                Some(Err(error)) => return Err(obstacle(&error)),
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let unassigned = self
            .place
            .at(RawOffset::Invalid)
            .and_then(|list| self.reader.consumer.incremental_unassign(&list));
        if let Err(error) = unassigned {
            tracing::debug!(%error, "a place of reading could not be given up");
        }
        self.reader.consumer.context().forget(&self.place);
        self.reader.taken().remove(&self.place);
    }
}

fn obstacle(error: &KafkaError) -> Obstacle {
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::AutoOffsetReset
            | RDKafkaErrorCode::OffsetOutOfRange
            | RDKafkaErrorCode::LogTruncation,
        ) => Obstacle::OutOfRange,
        _ => Obstacle::Trouble(error.to_string()),
    }
}

fn view<'a>(message: &'a BorrowedMessage<'_>) -> Message<'a> {
    let at = message.timestamp().to_millis().unwrap_or(0);
    Message {
        topic: message.topic(),
        partition: message.partition(),
        offset: Offset(message.offset().cast_unsigned()),
        at: Timestamp::from_micros(at.saturating_mul(1_000)),
        key: message.key(),
        headers: message.headers().map_or_else(Vec::new, told),
        value: message.payload(),
    }
}

fn told(headers: &BorrowedHeaders) -> Vec<(&str, Option<&[u8]>)> {
    let mut told = Vec::with_capacity(headers.count());
    told.extend(headers.iter().map(|header| (header.key, header.value)));
    told
}
