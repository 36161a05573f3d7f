//! A wrapper that makes any sink fail, by the dice: away, busy, slow, lying, in part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::sink::{Batch, Exception, Receipt, Sink, SinkError, Verdict};
use crate::testkit::world::SeededRandom;
use crate::time::Timestamp;
use crate::world::Clock;

/// How often each fault strikes, in a hundred deliveries. The rest go well.
#[derive(Clone, Copy, Debug, Default)]
pub struct SinkOdds {
    /// Nothing is stored, come again; half of the time the store says when.
    pub retry: u64,
    /// All is stored, and the answer lost.
    pub answer_lost: u64,
    /// The first part is stored, and the answer lost.
    pub part_stored: u64,
    /// Some events are to be sent again, though all are stored.
    pub some_again: u64,
    /// The store cannot be used for a while.
    pub blocked: u64,
    /// Deliveries that take up to [`SinkOdds::slow_max`], whatever else befalls them.
    pub slow: u64,
    /// The longest a slow delivery takes.
    pub slow_max: Duration,
}

/// A sink with faults.
pub struct FaultySink<S> {
    inner: S,
    odds: SinkOdds,
    random: SeededRandom,
    clock: Arc<dyn Clock>,
    blocked_until: std::sync::Mutex<Timestamp>,
    healed: AtomicBool,
}

impl<S: Sink> FaultySink<S> {
    /// Wraps `inner`; the same seed and the same calls bring the same faults.
    pub fn new(inner: S, odds: SinkOdds, seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            odds,
            random: SeededRandom::new(seed),
            clock,
            blocked_until: std::sync::Mutex::default(),
            healed: AtomicBool::new(false),
        }
    }

    /// No fault strikes any more; what is under way may still meet one.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// Whether the store is, or now becomes, unusable for a while.
    fn is_blocked(&self) -> bool {
        let now = self.clock.now();
        let Ok(mut until) = self.blocked_until.lock() else { return false };
        if now >= *until && self.random.chance(self.odds.blocked) {
            *until = now.after(Duration::from_secs(1 + self.random.below(120)));
        }
        now < *until
    }

    fn away(&self) -> SinkError {
        let after = self.random.chance(50).then(|| Duration::from_millis(self.random.below(5_000)));
        SinkError::Retry { cause: anyhow::anyhow!("the store is busy (injected)"), after }
    }

    async fn store_part(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let count = self.random.below(batch.records.len() as u64) as usize;
        if count > 0 {
            let mut part = batch.clone();
            Arc::make_mut(&mut part.records).truncate(count);
            // To the store this is no batch of its own, only rows that came to stand there.
            part.id.part.push_str(&format!("~first-{count}"));
            drop(self.inner.deliver(&part).await);
        }
        Err(lost("the store fell over in the middle"))
    }

    async fn store_and_ask_for_some_again(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        let mut receipt = self.inner.deliver(batch).await?;
        for index in 0..batch.records.len() {
            let excepted = receipt.exceptions.iter().any(|exception| exception.index == index);
            if !excepted && self.random.chance(20) {
                let verdict = Verdict::Retry("the store is not sure (injected)".to_owned());
                receipt.exceptions.push(Exception { index, verdict });
            }
        }
        receipt.exceptions.sort_by_key(|exception| exception.index);
        let stored = (batch.records.len() - receipt.exceptions.len()) as u64;
        receipt.duplicates = receipt.duplicates.min(stored);
        Ok(receipt)
    }
}

fn lost(what: &'static str) -> SinkError {
    SinkError::retry(anyhow::anyhow!("{what}; its answer is lost (injected)"))
}

#[async_trait]
impl<S: Sink> Sink for FaultySink<S> {
    async fn check(&self) -> Result<(), SinkError> {
        self.inner.check().await
    }

    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError> {
        if self.healed.load(Ordering::Relaxed) {
            return self.inner.deliver(batch).await;
        }
        if self.random.chance(self.odds.slow) {
            let most = u64::try_from(self.odds.slow_max.as_millis()).unwrap_or(u64::MAX);
            self.clock.sleep(Duration::from_millis(self.random.below(most.max(1)))).await;
        }
        if self.is_blocked() {
            return Err(SinkError::Blocked { cause: anyhow::anyhow!("the store is locked (injected)") });
        }
        let SinkOdds { retry, answer_lost, part_stored, some_again, .. } = self.odds;
        let thrown = self.random.below(100);
        match thrown {
            _ if thrown < retry => Err(self.away()),
            _ if thrown < retry + answer_lost => {
                self.inner.deliver(batch).await?;
                Err(lost("the store has it all"))
            }
            _ if thrown < retry + answer_lost + part_stored => self.store_part(batch).await,
            _ if thrown < retry + answer_lost + part_stored + some_again => {
                self.store_and_ask_for_some_again(batch).await
            }
            _ => self.inner.deliver(batch).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::record;
    use crate::testkit::sink::{MemorySink, batch};
    use crate::testkit::world::TestClock;

    const ODDS: SinkOdds = SinkOdds {
        retry: 15,
        answer_lost: 15,
        part_stored: 15,
        some_again: 15,
        blocked: 5,
        slow: 20,
        slow_max: Duration::from_secs(5),
    };

    /// What happens in so many deliveries of one batch: how often each outcome, in words.
    async fn outcomes(seed: u64, deliveries: usize) -> Vec<&'static str> {
        let memory = MemorySink::new();
        let sink = FaultySink::new(memory.clone(), ODDS, seed, Arc::new(TestClock::start()));
        let batch = batch("p", (0..10).map(|offset| record(offset, "events", 1)).collect());
        let mut outcomes = Vec::new();
        for _ in 0..deliveries {
            outcomes.push(match sink.deliver(&batch).await {
                Ok(receipt) if receipt.exceptions.is_empty() => "stored",
                Ok(_) => "in part",
                Err(SinkError::Retry { after: None, .. }) => "again",
                Err(SinkError::Retry { .. }) => "again, later",
                Err(SinkError::Blocked { .. }) => "blocked",
                Err(SinkError::Refused(_)) => "refused",
            });
        }
        assert_eq!(memory.violations(), [""; 0]);
        sink.heal();
        assert!(sink.deliver(&batch).await.unwrap().exceptions.is_empty());
        assert_eq!(memory.count(), 10);
        outcomes
    }

    #[tokio::test(start_paused = true)]
    async fn every_fault_strikes_now_and_then_and_a_healed_sink_stores_all() {
        let outcomes = outcomes(1, 500).await;
        for outcome in ["stored", "in part", "again", "again, later", "blocked"] {
            assert!(outcomes.contains(&outcome), "{outcome}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_seed_brings_the_same_faults_again() {
        assert_eq!(outcomes(7, 50).await, outcomes(7, 50).await);
        assert_ne!(outcomes(7, 50).await, outcomes(8, 50).await);
    }
}
