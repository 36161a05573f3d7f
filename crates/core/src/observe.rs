//! What the core and the log tell of their work, for metrics. Nothing may depend on anybody listening.

use std::time::Duration;

use crate::event::Stream;
use crate::sink::SinkName;

/// Hears of work done. Called on hot paths, so an implementation must not block.
pub trait Observer: Send + Sync + 'static {
    /// Events were refused at the door, for the reason `code`.
    fn rejected(&self, _stream: &Stream, _code: &'static str, _events: u64) {}

    /// A sink answered for a batch of `events` after `took`.
    fn answered(&self, _sink: &SinkName, _events: usize, _took: Duration) {}

    /// An attempt to deliver failed and will be repeated.
    fn attempt_failed(&self, _sink: &SinkName) {}

    /// The log made `bytes` durable with one sync, which took `took`.
    fn synced(&self, _bytes: u64, _took: Duration) {}

    /// The log met a block that cannot be read and set it aside.
    fn corrupt_block(&self) {}
}

/// Hears nothing.
pub struct Unobserved;

impl Observer for Unobserved {}
