//! A log that fails now and then, as its dice fall: before anything happened, or after it did and the answer was lost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::event::Offset;
use crate::log::{
    Append, Entry, EventLog, Extent, LogError, Mark, Partition, PassedOver, ReadLimit, Slice, Span,
};
use crate::streams::Streams;
use crate::testkit::world::SeededRandom;
use crate::time::Timestamp;

/// How often what goes wrong, each in a hundred calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// An append fails and has done nothing.
    pub append_fails: u64,
    /// An append fails, yet its events are in the log.
    pub append_lies: u64,
    /// A read, a seek or a wait fails.
    pub read_fails: u64,
    /// A release fails, before or after it took effect.
    pub release_fails: u64,
    /// A call takes its time, at most a second of the test's clock.
    pub slow: u64,
}

/// Passes calls on to another log, or fails them.
pub struct FaultyLog<L> {
    inner: L,
    dice: Arc<SeededRandom>,
    odds: Odds,
}

impl<L> FaultyLog<L> {
    /// Wraps `inner`.
    pub fn new(inner: L, dice: Arc<SeededRandom>, odds: Odds) -> Self {
        Self { inner, dice, odds }
    }

    /// The log behind it.
    pub fn inner(&self) -> &L {
        &self.inner
    }

    fn fails(&self, percent: u64, what: &str) -> Result<(), LogError> {
        if !self.dice.chance(percent) {
            return Ok(());
        }
        Err(LogError::Retry {
            reason: format!("injected: {what}"),
            after: Duration::from_millis(self.dice.below(500)),
        })
    }

    async fn dawdle(&self) {
        if self.dice.chance(self.odds.slow) {
            tokio::time::sleep(Duration::from_millis(self.dice.below(1000))).await;
        }
    }
}

#[async_trait]
impl<L: Append> Append for FaultyLog<L> {
    async fn append(&self, entry: Entry<'_>) -> Result<Span, LogError> {
        self.dawdle().await;
        self.fails(self.odds.append_fails, "the append failed")?;
        let span = self.inner.append(entry).await?;
        self.dawdle().await;
        self.fails(self.odds.append_lies, "the append's answer was lost")?;
        Ok(span)
    }
}

#[async_trait]
impl<L: EventLog> EventLog for FaultyLog<L> {
    fn partitions(&self) -> Vec<Partition> {
        self.inner.partitions()
    }

    fn extent(&self, partition: &Partition) -> Extent {
        self.inner.extent(partition)
    }

    fn mark(&self, partition: &Partition, at: Offset) -> Option<Mark> {
        self.inner.mark(partition, at)
    }

    async fn read(&self, partition: &Partition, from: Offset, limit: ReadLimit) -> Result<Slice, LogError> {
        self.dawdle().await;
        self.fails(self.odds.read_fails, "the read failed")?;
        self.inner.read(partition, from, limit).await
    }

    async fn passed_over(
        &self,
        partition: &Partition,
        from: Offset,
        streams: &Streams,
        patience: Duration,
    ) -> Option<PassedOver> {
        self.inner.passed_over(partition, from, streams, patience).await
    }

    async fn wait(&self, partition: &Partition, from: Offset) -> Result<(), LogError> {
        self.fails(self.odds.read_fails, "the wait failed")?;
        self.inner.wait(partition, from).await
    }

    async fn seek(&self, partition: &Partition, time: Timestamp) -> Result<Offset, LogError> {
        self.dawdle().await;
        self.fails(self.odds.read_fails, "the seek failed")?;
        self.inner.seek(partition, time).await
    }

    async fn release(&self, partition: &Partition, before: Offset) -> Result<(), LogError> {
        self.dawdle().await;
        if self.dice.chance(50) {
            self.fails(self.odds.release_fails, "the release failed")?;
        }
        self.inner.release(partition, before).await?;
        self.fails(self.odds.release_fails / 2, "the release's answer was lost")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MemoryLog, Sample, contract};
    use super::*;

    fn wrapped(inner: MemoryLog, odds: Odds) -> FaultyLog<MemoryLog> {
        FaultyLog::new(inner, Arc::new(SeededRandom::new(7)), odds)
    }

    #[tokio::test]
    async fn without_odds_it_keeps_the_contract() {
        let open = async || wrapped(MemoryLog::new("memory"), Odds::default());
        contract(open, async |log| wrapped(log.inner().reopen(), Odds::default())).await;
    }

    #[tokio::test]
    async fn a_lying_append_fails_and_its_events_are_there() {
        let odds = Odds { append_lies: 100, ..Odds::default() };
        let log = wrapped(MemoryLog::new("memory"), odds);
        let sample = Sample::new("events", 3);
        let outcome = log.append(sample.entry()).await;
        assert!(matches!(outcome, Err(LogError::Retry { .. })), "{outcome:?}");
        assert_eq!(log.extent(&log.partitions()[0]).end, Offset(3));
    }

    #[tokio::test]
    async fn the_same_seed_fails_at_the_same_calls() {
        let odds = Odds { append_fails: 50, ..Odds::default() };
        let mut runs = Vec::new();
        for _ in 0..2 {
            let log = wrapped(MemoryLog::new("memory"), odds);
            let sample = Sample::new("events", 1);
            let mut outcomes = Vec::new();
            for _ in 0..50 {
                outcomes.push(log.append(sample.entry()).await.is_ok());
            }
            runs.push(outcomes);
        }
        assert_eq!(runs[0], runs[1]);
        assert!(runs[0].contains(&true) && runs[0].contains(&false));
    }
}
