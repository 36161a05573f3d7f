//! The log of a process that has none.

use async_trait::async_trait;
use weir_core::event::Offset;
use weir_core::log::{Append, Entry, EventLog, Extent, LogError, Mark, Partition, ReadLimit, Slice, Span};
use weir_core::time::Timestamp;

use crate::api::LogGauge;

/// Has no partition, and takes nothing in.
pub(super) struct NoLog;

#[async_trait]
impl Append for NoLog {
    async fn append(&self, _entry: Entry<'_>) -> Result<Span, LogError> {
        Err(LogError::Closed)
    }
}

#[async_trait]
impl EventLog for NoLog {
    fn partitions(&self) -> Vec<Partition> {
        Vec::new()
    }

    fn extent(&self, _partition: &Partition) -> Extent {
        Extent::default()
    }

    fn mark(&self, _partition: &Partition, _at: Offset) -> Option<Mark> {
        None
    }

    async fn read(
        &self,
        _partition: &Partition,
        _from: Offset,
        _limit: ReadLimit,
    ) -> Result<Slice, LogError> {
        Err(LogError::Closed)
    }

    async fn wait(&self, _partition: &Partition, _from: Offset) -> Result<(), LogError> {
        Err(LogError::Closed)
    }

    async fn seek(&self, _partition: &Partition, _time: Timestamp) -> Result<Offset, LogError> {
        Err(LogError::Closed)
    }

    async fn release(&self, _partition: &Partition, _before: Offset) -> Result<(), LogError> {
        Ok(())
    }
}

impl LogGauge for NoLog {
    fn trouble(&self) -> Option<String> {
        None
    }

    fn size_bytes(&self) -> u64 {
        0
    }
}
