//! The memory that a sink's events may take up until they are settled.
//!
//! **Constraint.** Whoever waits for a place here holds none for a batch that is not handed over yet: what is handed over
//! makes room by itself, so nobody waits for ever, however many deliveries share it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::batcher::{BatchLimits, Cut};

/// Memory is accounted in steps of this many bytes.
const MEMORY_UNIT_BYTES: usize = 1024;

/// Room for so many events and bytes. Its handles are one buffer: all deliveries of a sink share it, over however many
/// partitions.
#[derive(Clone, Debug)]
pub struct Buffer {
    events: Arc<Semaphore>,
    events_max: usize,
    memory: Arc<Semaphore>,
    memory_max: usize,
}

impl Buffer {
    /// An empty one.
    pub fn new(limits: &BatchLimits) -> Self {
        let events_max = permits(limits.buffer_max_events);
        let memory_max = permits(limits.buffer_max_bytes / MEMORY_UNIT_BYTES);
        Self {
            events: Arc::new(Semaphore::new(events_max)),
            events_max,
            memory: Arc::new(Semaphore::new(memory_max)),
            memory_max,
        }
    }

    /// Room for the batch, if it is there now.
    pub(super) fn try_take(&self, cut: &Cut) -> Option<Room> {
        let (events, memory) = self.need(cut);
        let events = self.events.clone().try_acquire_many_owned(events).ok()?;
        let memory = self.memory.clone().try_acquire_many_owned(memory).ok()?;
        Some(Room { _permits: vec![events, memory] })
    }

    /// Waits for room for the batch.
    pub(super) async fn take(&self, cut: &Cut) -> Room {
        let (events, memory) = self.need(cut);
        let mut permits = Vec::with_capacity(2);
        // The semaphores are never closed.
        permits.extend(self.events.clone().acquire_many_owned(events).await);
        permits.extend(self.memory.clone().acquire_many_owned(memory).await);
        Room { _permits: permits }
    }

    /// An event that is larger than all of the memory takes all of it, rather than waiting for ever.
    fn need(&self, cut: &Cut) -> (u32, u32) {
        let events = permits(cut.records.len() + cut.unreadable.len()).min(self.events_max);
        let memory = permits(cut.memory_bytes() / MEMORY_UNIT_BYTES).min(self.memory_max);
        (events as u32, memory as u32)
    }
}

/// A batch's place; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permits: Vec<OwnedSemaphorePermit>,
}

/// At least one, and no more than a semaphore can count.
pub(super) fn permits(count: usize) -> usize {
    count.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::record;

    fn cut(events: u64) -> Cut {
        Cut { records: (0..events).map(|offset| record(offset, "events", 0)).collect(), ..Cut::default() }
    }

    fn buffer(events: usize) -> Buffer {
        Buffer::new(&BatchLimits { buffer_max_events: events, ..BatchLimits::default() })
    }

    #[test]
    fn its_handles_share_one_room() {
        let [one, other] = {
            let buffer = buffer(10);
            [buffer.clone(), buffer]
        };
        let room = one.try_take(&cut(7)).unwrap();
        assert!(other.try_take(&cut(4)).is_none());
        assert!(other.try_take(&cut(3)).is_some());
        drop(room);
        assert!(other.try_take(&cut(10)).is_some());
    }

    #[test]
    fn what_is_larger_than_all_of_it_takes_all_of_it() {
        let buffer = buffer(10);
        let room = buffer.try_take(&cut(20)).unwrap();
        assert!(buffer.try_take(&cut(1)).is_none());
        drop(room);
        assert!(buffer.try_take(&cut(1)).is_some());
    }
}
