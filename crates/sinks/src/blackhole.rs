//! The sink that keeps nothing: it counts and discards. For measuring what comes before a sink.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use weir_core::sink::{Batch, Receipt, Sink, SinkError};

/// Takes everything, stores nothing, never fails.
#[derive(Debug, Default)]
pub struct Blackhole {
    events: AtomicU64,
}

impl Blackhole {
    /// A sink that has taken nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Events taken since it was made, repeats included.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Sink for Blackhole {
    async fn check(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        self.events.fetch_add(batch.records.len() as u64, Ordering::Relaxed);
        Ok(Receipt::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_core::testkit::record;
    use weir_core::testkit::sink::batch;

    #[tokio::test]
    async fn it_counts_whatever_it_is_given() {
        let sink = Blackhole::new();
        sink.check().await.unwrap();
        let batch = batch("p", (0..3).map(|offset| record(offset, "events", 0)).collect());
        for _ in 0..2 {
            assert_eq!(sink.deliver(&batch).await.unwrap(), Receipt::default());
        }
        assert_eq!(sink.events(), 6);
    }
}
