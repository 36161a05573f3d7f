//! What the core and the log tell of their work, for metrics and log lines. Nothing may depend on anybody listening.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Settlement;
use crate::event::Stream;
use crate::sink::SinkName;
use crate::time::Timestamp;

/// Hears of work done. Called on hot paths, so an implementation must not block.
pub trait Observer: Send + Sync + 'static {
    /// Events were refused at the door, for the reason `code`.
    fn rejected(&self, _stream: &Stream, _code: &'static str, _events: u64) {}

    /// A sink answered for a batch of `events` after `took`.
    fn answered(&self, _sink: &SinkName, _events: usize, _took: Duration) {}

    /// An attempt to deliver failed and will be repeated.
    fn attempt_failed(&self, _sink: &SinkName) {}

    /// A batch is settled.
    fn settled(&self, _way: BatchWay<'_>) {}

    /// The log made `bytes` durable with one sync, which took `took`.
    fn synced(&self, _bytes: u64, _took: Duration) {}

    /// The log met a block that cannot be read and set it aside.
    fn corrupt_block(&self) {}
}

/// The way of a batch that has come to its end.
#[derive(Clone, Copy, Debug)]
pub struct BatchWay<'a> {
    /// The batch, and what became of it.
    pub settlement: &'a Settlement,
    /// Bytes of its events.
    pub bytes: usize,
    /// Where its events are, as the sink says it.
    pub places: &'a [String],
    /// How often a part of it was handed to the sink.
    pub attempts: u32,
    /// When its first event came in.
    pub oldest_at: Option<Timestamp>,
    /// When its bounds were fixed, or it was taken up again after a start.
    pub planned_at: Timestamp,
    /// When it was first handed to the sink.
    pub begun_at: Timestamp,
    /// When the sink had answered for each of its events.
    pub answered_at: Timestamp,
    /// When that was written down.
    pub settled_at: Timestamp,
}

/// Hears nothing.
pub struct Unobserved;

impl Observer for Unobserved {}

/// Several, each of which hears everything.
pub struct Observers(pub Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn rejected(&self, stream: &Stream, code: &'static str, events: u64) {
        self.0.iter().for_each(|observer| observer.rejected(stream, code, events));
    }

    fn answered(&self, sink: &SinkName, events: usize, took: Duration) {
        self.0.iter().for_each(|observer| observer.answered(sink, events, took));
    }

    fn attempt_failed(&self, sink: &SinkName) {
        self.0.iter().for_each(|observer| observer.attempt_failed(sink));
    }

    fn settled(&self, way: BatchWay<'_>) {
        self.0.iter().for_each(|observer| observer.settled(way));
    }

    fn synced(&self, bytes: u64, took: Duration) {
        self.0.iter().for_each(|observer| observer.synced(bytes, took));
    }

    fn corrupt_block(&self) {
        self.0.iter().for_each(|observer| observer.corrupt_block());
    }
}
