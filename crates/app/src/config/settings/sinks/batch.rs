//! `[sinks.NAME.batch]` and `[sinks.NAME.retry]`: the same for every type of sink.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::key::Key;
use crate::config::problem::Report;
use crate::config::{duration, size};

/// When a batch is full, and how much of the log is held in memory for the sink.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BatchSettings {
    /// Events in a batch.
    pub max_events: usize,
    /// Bytes of the events of a batch.
    #[serde(with = "size")]
    pub max_bytes: u64,
    /// How long a batch waits for more events.
    #[serde(with = "duration")]
    pub max_age: Duration,
    /// Batches under way at once.
    pub in_flight: usize,
    /// Events held in memory; more wait in the log.
    pub buffer_max_events: usize,
    /// Bytes of events held in memory; more wait in the log.
    #[serde(with = "size")]
    pub buffer_max_bytes: u64,
}

/// How long to wait before a batch is tried again: longer each time, and by chance.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct RetrySettings {
    /// Before the second attempt, at most.
    #[serde(with = "duration")]
    pub initial: Duration,
    /// Before any attempt, at most.
    #[serde(with = "duration")]
    pub max: Duration,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            max_events: 1000,
            max_bytes: 4 << 20,
            max_age: Duration::from_secs(1),
            in_flight: 10,
            buffer_max_events: 100_000,
            buffer_max_bytes: 32 << 20,
        }
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self { initial: Duration::from_millis(200), max: Duration::from_secs(60) }
    }
}

impl BatchSettings {
    pub(super) fn check(&self, key: &Key, report: &mut Report<'_>) {
        for (name, zero) in [
            ("max_events", self.max_events == 0),
            ("max_bytes", self.max_bytes == 0),
            ("max_age", self.max_age.is_zero()),
            ("in_flight", self.in_flight == 0),
            ("buffer_max_events", self.buffer_max_events == 0),
            ("buffer_max_bytes", self.buffer_max_bytes == 0),
        ] {
            report.not_zero(&key.child(name), zero);
        }
        let remedy = "The buffer holds at least one batch: raise it, or make the batches smaller.";
        if self.buffer_max_events < self.max_events {
            report.wrong(&key.child("buffer_max_events"), "is less than `max_events`", remedy);
        }
        if self.buffer_max_bytes < self.max_bytes {
            report.wrong(&key.child("buffer_max_bytes"), "is less than `max_bytes`", remedy);
        }
    }
}

impl RetrySettings {
    pub(super) fn check(&self, key: &Key, report: &mut Report<'_>) {
        report.not_zero(&key.child("initial"), self.initial.is_zero());
        if self.max < self.initial {
            report.wrong(&key.child("max"), "is less than `initial`", "Raise it, or lower `initial`.");
        }
    }
}
