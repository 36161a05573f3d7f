//! One producer of librdkafka's, with a thread that hears what became of its messages.
//!
//! **Constraint.** Everything here blocks, no longer than until the deadline that it is given; dropping a client takes
//! back what it has not sent. It belongs on a thread that may wait.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weir_kafka::Events;
use weir_kafka::rdkafka::client::{ClientContext, OAuthToken};
use weir_kafka::rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use weir_kafka::rdkafka::consumer::ConsumerGroupMetadata;
use weir_kafka::rdkafka::error::{KafkaError, RDKafkaErrorCode};
use weir_kafka::rdkafka::message::DeliveryResult;
use weir_kafka::rdkafka::metadata::Metadata;
use weir_kafka::rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use weir_kafka::rdkafka::{Offset, TopicPartitionList};

use super::fault::{Fault, Meaning};
use super::message::Message;

/// How long to wait between two looks at what nobody tells of.
const LOOK_INTERVAL: Duration = Duration::from_micros(200);
/// How long to wait for brokers before looking at what is in the way.
const REACH_INTERVAL: Duration = Duration::from_millis(500);
/// How long librdkafka may take to forget messages that it has told of.
const FORGETTING_MAX: Duration = Duration::from_millis(20);

/// A moment that nothing waits beyond.
#[derive(Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration)
    }

    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    pub fn is_over_since(self, duration: Duration) -> bool {
        self.0.elapsed() >= duration
    }
}

/// A producer.
pub(super) struct Client(ThreadedProducer<Ears>);

/// Of some messages, those that were not stored.
#[derive(Debug)]
pub(super) struct Failed {
    /// Its place among the messages.
    pub place: usize,
    pub code: RDKafkaErrorCode,
}

impl Client {
    pub fn new(config: &ClientConfig, events: Events) -> Result<Self, Fault> {
        let ears = Ears { events, tally: Tally::default() };
        // librdkafka refuses settings that do not go together only here.
        config.create_with_context(ears).map(Self).map_err(|error| Fault::plain(error.to_string()))
    }

    /// Sends the messages in order, without their headers from then on, and waits until each is stored, on as many brokers
    /// as are to have it, or is not.
    pub fn send(&self, messages: &mut [Message], deadline: Deadline) -> Result<Vec<Failed>, Fault> {
        let tally = &self.0.context().tally;
        tally.expect(messages.len());
        for (place, message) in messages.iter_mut().enumerate() {
            self.enqueue(place, message, deadline)?;
        }
        // Nothing more comes that a request could wait for.
        let _ = self.0.flush(deadline.left());
        let failed =
            tally.all_told(deadline).ok_or_else(|| self.late("not every message was acknowledged"))?;
        let forgetting = Deadline::after(FORGETTING_MAX);
        // To librdkafka the last one is under way until after it has told of it, and no transaction ends before.
        while self.0.in_flight_count() > 0 && !forgetting.is_over() {
            std::thread::sleep(LOOK_INTERVAL);
        }
        Ok(failed)
    }

    fn enqueue(&self, place: usize, message: &mut Message, deadline: Deadline) -> Result<(), Fault> {
        let headers = message.headers.take();
        let mut record =
            BaseRecord::with_opaque_to(&message.topic, place).payload(&*message.value).headers(headers);
        if let Some(key) = &message.key {
            record = record.key(key.as_bytes());
        }
        loop {
            match self.0.send(record) {
                Ok(()) => return Ok(()),
                // It is full of the messages before; some of them will leave it.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if deadline.is_over() {
                        return Err(self.late("the messages before are not acknowledged"));
                    }
                    std::thread::sleep(LOOK_INTERVAL);
                    record = back;
                }
                Err((error, _)) => return Err(self.fault(&error)),
            }
        }
    }

    /// Ends what an earlier producer of this name has begun, and shuts it out.
    pub fn init_transactions(&self, deadline: Deadline) -> Result<(), Fault> {
        self.0.init_transactions(deadline.left()).map_err(|error| self.fault(&error))
    }

    pub fn begin(&self) -> Result<(), Fault> {
        self.0.begin_transaction().map_err(|error| self.fault(&error))
    }

    pub fn abort(&self, deadline: Deadline) -> Result<(), Fault> {
        self.0.abort_transaction(deadline.left()).map_err(|error| self.fault(&error))
    }

    /// Commits, together with `note` as what the group says of its offset in the topic's first partition.
    pub fn commit(
        &self,
        group: &ConsumerGroupMetadata,
        (topic, offset, note): (&str, i64, &str),
        deadline: Deadline,
    ) -> Result<(), Fault> {
        let mut offsets = TopicPartitionList::with_capacity(1);
        offsets.add_partition(topic, 0).set_metadata(note);
        let committed = offsets
            .set_partition_offset(topic, 0, Offset::Offset(offset))
            .and_then(|()| self.0.send_offsets_to_transaction(&offsets, group, deadline.left()))
            .and_then(|()| self.0.commit_transaction(deadline.left()));
        committed.map_err(|error| self.fault(&error))
    }

    /// Waits until a broker lets it in. What a person has to mend is told at once, and not when the time is over.
    pub fn reach(&self, deadline: Deadline) -> Result<(), Fault> {
        let mut met = None;
        while self.0.client().fetch_cluster_id(REACH_INTERVAL.min(deadline.left())).is_none() {
            met = self.0.context().events.take_trouble().or(met);
            let fault = Fault::coded(RDKafkaErrorCode::OperationTimedOut, "no broker has answered in time");
            let fault = fault.because(met.clone());
            if matches!(fault.meaning(), Meaning::Person(_)) || deadline.is_over() {
                return Err(fault);
            }
        }
        Ok(())
    }

    /// What the brokers know of a topic.
    pub fn metadata(&self, topic: &str, deadline: Deadline) -> Result<Metadata, Fault> {
        let metadata = self.0.client().fetch_metadata(Some(topic), deadline.left());
        metadata.map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &KafkaError) -> Fault {
        self.explained(Fault::of(error))
    }

    /// With what is known of why it went wrong: what made the producer useless, or what it met on its way.
    pub fn explained(&self, fault: Fault) -> Fault {
        match self.0.client().fatal_error() {
            Some((code, words)) => Fault::coded(code, words),
            None => fault.because(self.0.context().events.take_trouble()),
        }
    }

    fn late(&self, words: &str) -> Fault {
        self.explained(Fault::coded(RDKafkaErrorCode::OperationTimedOut, format!("{words} in time")))
    }
}

/// What a producer's thread hears.
struct Ears {
    events: Events,
    tally: Tally,
}

impl ClientContext for Ears {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Events::ENABLE_REFRESH_OAUTH_TOKEN;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.events.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.events.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.events.error(error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.events.stats_raw(statistics);
    }
}

impl ProducerContext for Ears {
    /// The message's place among those that were sent together.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, place: usize) {
        let failure = result.as_ref().err().map(|(error, _)| error);
        let code = |error: &KafkaError| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        self.tally.tell(failure.map(|error| Failed { place, code: code(error) }));
    }
}

/// What became of the messages that were sent together. A producer sends no others before all are told, or it is given up.
#[derive(Default)]
struct Tally {
    under_way: AtomicUsize,
    failed: Mutex<Vec<Failed>>,
    told: Condvar,
}

impl Tally {
    fn expect(&self, messages: usize) {
        self.under_way.store(messages, Ordering::Release);
    }

    fn tell(&self, failed: Option<Failed>) {
        if let Some(failed) = failed {
            self.lock().push(failed);
        }
        if self.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Under the lock: whoever has just looked is waiting by now.
            let _waiting = self.lock();
            self.told.notify_all();
        }
    }

    /// Those that failed, by their places; `None` when the deadline came first.
    fn all_told(&self, deadline: Deadline) -> Option<Vec<Failed>> {
        let is_open = |_: &mut Vec<Failed>| self.under_way.load(Ordering::Acquire) > 0;
        let waited = self.told.wait_timeout_while(self.lock(), deadline.left(), is_open);
        let (mut failed, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let mut failed = std::mem::take(&mut *failed);
        failed.sort_by_key(|failed| failed.place);
        (self.under_way.load(Ordering::Acquire) == 0).then_some(failed)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
