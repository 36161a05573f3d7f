//! A catalog that fails, and that fails after having done what it was asked: the answer that gets lost.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;

use crate::catalog::{
    Account, AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Opening, Place, Plan, Resent,
    Settlement,
};
use crate::event::Stream;
use crate::sink::SinkName;
use crate::streams::Streams;
use crate::testkit::world::SeededRandom;
use crate::world::Random;

/// How often what goes wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct CatalogFaults {
    /// Of a hundred calls, how many fail with nothing done.
    pub failing_percent: u64,
    /// Of a hundred calls, how many are done and then fail.
    pub lying_percent: u64,
    /// Each call waits up to this long before its effect, and again before its answer.
    pub delay_max: Duration,
}

/// Passes calls on to another catalog, but for the faults. Its handles share the dice and the switch.
#[derive(Clone)]
pub struct FaultyCatalog<C> {
    inner: C,
    faults: CatalogFaults,
    random: Arc<SeededRandom>,
    healed: Arc<AtomicBool>,
}

impl<C: Catalog> FaultyCatalog<C> {
    /// Faults that fall the same way for the same seed and the same calls.
    pub fn new(inner: C, faults: CatalogFaults, seed: u64) -> Self {
        Self {
            inner,
            faults,
            random: Arc::new(SeededRandom::new(seed)),
            healed: Arc::new(AtomicBool::new(false)),
        }
    }

    /// From now on everything succeeds at once.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// From now on the faults strike again.
    pub fn relapse(&self) {
        self.healed.store(false, Ordering::Relaxed);
    }

    /// Waits here are where a simulated crash can fall between effect and answer.
    async fn delay(&self) {
        let limit_us = u64::try_from(self.faults.delay_max.as_micros()).unwrap_or(u64::MAX);
        if limit_us > 0 && !self.healed.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_micros(self.random.next() % limit_us)).await;
        }
    }

    async fn through<T>(
        &self,
        call: impl Future<Output = Result<T, CatalogError>> + Send,
    ) -> Result<T, CatalogError> {
        let throw = self.random.below(100);
        let healed = self.healed.load(Ordering::Relaxed);
        self.delay().await;
        if !healed && throw < self.faults.failing_percent {
            return Err(CatalogError::Retry(anyhow!("injected: nothing was done")));
        }
        let answer = call.await;
        self.delay().await;
        if !healed && throw < self.faults.failing_percent + self.faults.lying_percent {
            return Err(CatalogError::Retry(anyhow!("injected: the answer was lost")));
        }
        answer
    }
}

#[async_trait]
impl<C: Catalog> Catalog for FaultyCatalog<C> {
    async fn open_account(&self, key: &AccountKey, opening: &Opening) -> Result<Account, CatalogError> {
        self.through(self.inner.open_account(key, opening)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        self.through(self.inner.accounts()).await
    }

    async fn claim(
        &self,
        key: &AccountKey,
        streams: &Streams,
        accepted_before: &BTreeMap<Stream, u64>,
        under_way: u64,
    ) -> Result<Account, CatalogError> {
        self.through(self.inner.claim(key, streams, accepted_before, under_way)).await
    }

    async fn take_up(&self, key: &AccountKey, place: &Place) -> Result<Place, CatalogError> {
        self.through(self.inner.take_up(key, place)).await
    }

    async fn pause(&self, sink: &SinkName, paused: bool) -> Result<(), CatalogError> {
        self.through(self.inner.pause(sink, paused)).await
    }

    async fn paused(&self) -> Result<BTreeSet<SinkName>, CatalogError> {
        self.through(self.inner.paused()).await
    }

    async fn forget(&self, sink: &SinkName, lane: &str) -> Result<bool, CatalogError> {
        self.through(self.inner.forget(sink, lane)).await
    }

    async fn plan(&self, plans: &[Plan]) -> Result<(), CatalogError> {
        self.through(self.inner.plan(plans)).await
    }

    async fn unsettled(&self, key: &AccountKey) -> Result<Vec<Plan>, CatalogError> {
        self.through(self.inner.unsettled(key)).await
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), CatalogError> {
        self.through(self.inner.settle(settlement)).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CatalogError> {
        self.through(self.inner.dead_letters(filter, before, limit)).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CatalogError> {
        self.through(self.inner.dead_letter(id)).await
    }

    async fn delete_dead_letter(&self, id: i64) -> Result<bool, CatalogError> {
        self.through(self.inner.delete_dead_letter(id)).await
    }

    async fn resend(
        &self,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<Vec<(AccountKey, u64)>, CatalogError> {
        self.through(self.inner.resend(filter, id)).await
    }

    async fn resending(&self, key: &AccountKey, limit: usize) -> Result<Vec<DeadLetter>, CatalogError> {
        self.through(self.inner.resending(key, limit)).await
    }

    async fn settle_resent(&self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError> {
        self.through(self.inner.settle_resent(key, outcomes)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Partition;
    use crate::testkit::catalog::MemoryCatalog;

    fn key() -> AccountKey {
        AccountKey::main(&SinkName("a".into()), &Partition("p".into()))
    }

    async fn opened_through(faults: CatalogFaults) -> (bool, usize) {
        let inner = MemoryCatalog::new();
        let catalog = FaultyCatalog::new(inner.clone(), faults, 1);
        let answer = catalog.open_account(&key(), &Opening::default()).await;
        (answer.is_ok(), inner.accounts().await.unwrap().len())
    }

    #[tokio::test]
    async fn a_failing_call_does_nothing_and_a_lying_one_everything() {
        let none = CatalogFaults::default();
        assert_eq!(opened_through(none).await, (true, 1));
        assert_eq!(opened_through(CatalogFaults { failing_percent: 100, ..none }).await, (false, 0));
        assert_eq!(opened_through(CatalogFaults { lying_percent: 100, ..none }).await, (false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crash_can_fall_before_the_effect_and_after_it() {
        let faults = CatalogFaults { delay_max: Duration::from_secs(10), ..CatalogFaults::default() };
        let (key, opening) = (key(), Opening::default());
        let mut seen = [0, 0];
        for seed in 0..100 {
            let inner = MemoryCatalog::new();
            let catalog = FaultyCatalog::new(inner.clone(), faults, seed);
            let call = catalog.open_account(&key, &opening);
            let crash = tokio::time::timeout(Duration::from_secs(5), call).await.is_err();
            if crash {
                seen[inner.accounts().await.unwrap().len()] += 1;
            }
        }
        assert!(seen.iter().all(|&times| times > 0), "{seen:?}");
    }

    #[tokio::test]
    async fn the_same_seed_fails_the_same_calls_until_healed() {
        let faults = CatalogFaults { failing_percent: 50, ..CatalogFaults::default() };
        let catalogs = [7, 7].map(|seed| FaultyCatalog::new(MemoryCatalog::new(), faults, seed));
        let mut failed = 0;
        for _ in 0..100 {
            let [first, second] =
                [catalogs[0].accounts().await.is_err(), catalogs[1].accounts().await.is_err()];
            assert_eq!(first, second);
            failed += u32::from(first);
        }
        assert!((20..80).contains(&failed), "{failed}");
        catalogs[0].clone().heal();
        for _ in 0..100 {
            catalogs[0].accounts().await.unwrap();
        }
    }
}
