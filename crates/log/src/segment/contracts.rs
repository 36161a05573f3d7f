//! The contracts of [`weir_core::log`], kept by the embedded log.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use tokio::sync::{SemaphorePermit, oneshot};
use weir_core::event::Offset;
use weir_core::log::{Append, Entry, EventLog, Extent, LogError, Mark, Partition, ReadLimit, Slice, Span};
use weir_core::time::Timestamp;

use super::encode::Encoded;
use super::health::refused;
use super::inner::{Inner, Published};
use super::log::SegmentLog;
use super::queue::Pending;
use super::read::{self, Obstacle};
use super::seek;
use super::shelf::Segment;
use super::window::Mode;

#[async_trait]
impl Append for SegmentLog {
    async fn append(&self, entry: Entry<'_>) -> Result<Span, LogError> {
        let inner = &self.inner;
        inner.check_open()?;
        if let Some(error) = inner.health.refusal() {
            return Err(error);
        }
        let Some(encoded) = Encoded::new(&entry, inner.settings.append_max_bytes) else {
            let limit = inner.settings.append_max_bytes;
            return Err(LogError::Refused(format!(
                "an entry may take {limit} bytes in the log; send fewer at once"
            )));
        };
        let permits = (encoded.bytes.len() as u64).min(inner.settings.queue_max_bytes) as u32;
        let room = match inner.room.try_acquire_many(permits) {
            Ok(room) => room,
            Err(_) => wait_for_room(inner, permits).await?,
        };
        let (answer, outcome) = oneshot::channel();
        inner.queue.push(Pending { encoded, answer, permits: permits as usize })?;
        // From here on the writer gives the room back, whatever becomes of this future.
        room.forget();
        outcome.await.unwrap_or(Err(LogError::Closed))
    }
}

async fn wait_for_room(inner: &Inner, permits: u32) -> Result<SemaphorePermit<'_>, LogError> {
    let waiting = inner.room.acquire_many(permits);
    match tokio::time::timeout(inner.settings.append_timeout, waiting).await {
        Ok(room) => room.map_err(|_| LogError::Closed),
        Err(_) => Err(refused("the disk does not keep up: the log's queue has been full for too long")),
    }
}

#[async_trait]
impl EventLog for SegmentLog {
    fn partitions(&self) -> Vec<Partition> {
        vec![self.inner.settings.partition.clone()]
    }

    fn extent(&self, _partition: &Partition) -> Extent {
        let Published { end, accepted } = self.inner.published().clone();
        Extent { start: Offset(self.inner.shelf.start()), end: Offset(end), accepted }
    }

    /// Each segment's head has one.
    fn mark(&self, _partition: &Partition, at: Offset) -> Option<Mark> {
        let before = |segment: &Arc<Segment>| segment.base <= at.0;
        let known = self.inner.shelf.all().into_iter().rev().filter(before);
        let mut marks = known.filter_map(|segment| {
            let accepted = segment.opening.clone()?;
            Some(Mark { offset: Offset(segment.base), accepted })
        });
        marks.next()
    }

    async fn read(&self, _partition: &Partition, from: Offset, limit: ReadLimit) -> Result<Slice, LogError> {
        self.inner.check_open()?;
        self.inner.check_kept(from.0)?;
        if from.0 >= self.inner.end() {
            return Ok(Slice { end: from, ..Slice::default() });
        }
        if read::is_small(&self.inner, from.0, limit) {
            match read::slice(&self.inner, from.0, limit, Mode::Cached) {
                Err(Obstacle::WouldBlock) => {}
                Err(Obstacle::Failed(error)) => return Err(error),
                Ok(slice) => return Ok(slice),
            }
        }
        let inner = Arc::clone(&self.inner);
        blocking(move || match read::slice(&inner, from.0, limit, Mode::Waiting) {
            Ok(slice) => Ok(slice),
            Err(Obstacle::Failed(error)) => Err(error),
            Err(Obstacle::WouldBlock) => Err(refused("the disk would not be read")),
        })
        .await
    }

    async fn wait(&self, _partition: &Partition, from: Offset) -> Result<(), LogError> {
        let mut tip = self.inner.tip.subscribe();
        let reached = tip.wait_for(|tip| tip.closed || from.0 < tip.end).await;
        match reached {
            Ok(tip) if !tip.closed => Ok(()),
            _ => Err(LogError::Closed),
        }
    }

    async fn seek(&self, _partition: &Partition, time: Timestamp) -> Result<Offset, LogError> {
        self.inner.check_open()?;
        let inner = Arc::clone(&self.inner);
        blocking(move || seek::seek(&inner, time).map(Offset)).await
    }

    async fn release(&self, _partition: &Partition, before: Offset) -> Result<(), LogError> {
        self.inner.check_open()?;
        let before = before.0.min(self.inner.end());
        let released = self.inner.released.fetch_max(before, Ordering::AcqRel);
        if released < before && self.inner.shelf.bytes_before(before) > 0 {
            self.inner.bell.ring();
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(refused(format!("a read was interrupted: {error}"))),
    }
}
