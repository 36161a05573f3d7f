//! How far clients have come, by their own statistics: past places that hold nothing for anybody.
//!
//! A client gives messages; of what it passes over (marks of transactions, aborted messages, what was compacted away) it
//! says nothing. That it has reached an end says little, as the end that a new leader tells may be an earlier one for a
//! while. But where it fetches next, it has passed.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use weir_kafka::Events;
use weir_kafka::rdkafka::Statistics;
use weir_kafka::rdkafka::client::{ClientContext, OAuthToken};
use weir_kafka::rdkafka::config::RDKafkaLogLevel;
use weir_kafka::rdkafka::consumer::ConsumerContext;
use weir_kafka::rdkafka::error::KafkaError;

use super::group::Place;

/// Statistics that were made when a place was taken may still be of the one before.
const STALE_FOR: Duration = Duration::from_secs(1);

/// Hears what one client says that only reads.
pub(super) struct ReaderContext {
    events: Arc<Events>,
    begun: Instant,
    passed: Mutex<BTreeMap<Place, Passed>>,
}

struct Passed {
    /// Statistics count from here on, by the client's age.
    since: Duration,
    next: u64,
    arrived: Arc<Notify>,
}

impl ReaderContext {
    pub fn new(events: Arc<Events>) -> Self {
        Self { events, begun: Instant::now(), passed: Mutex::default() }
    }

    /// Begins anew with a partition.
    pub fn watch(&self, place: &Place, arrived: &Arc<Notify>) {
        let since = self.begun.elapsed() + STALE_FOR;
        self.places().insert(place.clone(), Passed { since, next: 0, arrived: arrived.clone() });
    }

    pub fn forget(&self, place: &Place) {
        self.places().remove(place);
    }

    /// Everything before this has come, or holds nothing.
    pub fn next(&self, place: &Place) -> u64 {
        self.places().get(place).map_or(0, |passed| passed.next)
    }

    fn places(&self) -> MutexGuard<'_, BTreeMap<Place, Passed>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for ReaderContext {
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

    fn stats(&self, statistics: Statistics) {
        let age = Duration::from_micros(statistics.age.max(0).unsigned_abs());
        for (place, passed) in self.places().iter_mut().filter(|(_, passed)| age >= passed.since) {
            let topic = statistics.topics.get(place.topic.as_ref());
            let Some(partition) = topic.and_then(|topic| topic.partitions.get(&place.number)) else {
                continue;
            };
            let next = partition.next_offset.max(0).unsigned_abs();
            if next > passed.next {
                passed.next = next;
                passed.arrived.notify_waiters();
            }
        }
    }
}

impl ConsumerContext for ReaderContext {}
