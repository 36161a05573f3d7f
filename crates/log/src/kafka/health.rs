//! How an input stands, for people and metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weir_core::log::Partition;
use weir_kafka::Events;
use weir_kafka::rdkafka::error::KafkaError;

/// How an input stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputStatus {
    /// The partitions that are here.
    pub partitions: Vec<PartitionStatus>,
    /// Events that the broker's retention took before they were read, since the start, counted by places.
    pub lost: u64,
    /// What keeps it from reading, if something does.
    pub trouble: Option<String>,
}

/// How a partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Its name.
    pub partition: Partition,
    /// Everything before this is settled by every sink; `None` before the first commit of this instance.
    pub committed: Option<u64>,
    /// Where it ends, as of some seconds ago.
    pub end: u64,
}

impl PartitionStatus {
    /// Places that not every sink has settled.
    pub fn lag(&self) -> u64 {
        self.committed.map_or(0, |committed| self.end.saturating_sub(committed))
    }
}

/// How often it is tried whether a trouble is over.
const PROOF_EVERY: Duration = Duration::from_secs(1);

/// What troubles the clients of an input.
pub(super) struct Health {
    events: Arc<Events>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Option<String>,
    tried_at: Option<Instant>,
}

impl Health {
    pub fn new(events: Arc<Events>) -> Self {
        Self { events, state: Mutex::default() }
    }

    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Takes note of what clients say.
    pub fn listen(&self) {
        if let Some(trouble) = self.events.take_trouble() {
            self.state().trouble = Some(trouble.words);
        }
    }

    /// Whether the broker is to be asked something, to see whether a trouble is over.
    pub fn wants_proof(&self) -> bool {
        let state = self.state();
        state.trouble.is_some() && state.tried_at.is_none_or(|at| at.elapsed() >= PROOF_EVERY)
    }

    /// It answered.
    pub fn is_well(&self) {
        *self.state() = State::default();
    }

    /// It did not.
    pub fn is_ill(&self, error: &KafkaError) {
        let mut state = self.state();
        state.tried_at = Some(Instant::now());
        state.trouble.get_or_insert_with(|| error.to_string());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
