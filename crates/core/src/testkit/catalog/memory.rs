//! The catalog in memory: deterministic, without a wait in it. Its handles share one state, so dropping all that
//! uses a handle and starting anew with another is a restart.

mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::catalog::{
    Account, AccountKey, Catalog, CatalogError, Claim, DeadLetter, DeadLetterFilter, Opening, Place, Plan,
    Resent, Settlement,
};
use crate::event::Stream;
use crate::sink::SinkName;
use crate::streams::Streams;

use state::{Entry, LetterState, State, matches, opened};

/// Keeps everything for as long as one of its handles lives.
#[derive(Clone, Default)]
pub struct MemoryCatalog(Arc<Mutex<State>>);

impl MemoryCatalog {
    /// An empty catalog.
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change checks first and then only assigns, so a panic cannot have left half of one behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn open_account(&self, key: &AccountKey, opening: &Opening) -> Result<Account, CatalogError> {
        let mut state = self.state();
        let entry = state.accounts.entry(key.clone()).or_insert_with(|| Entry {
            account: opened(key, opening),
            plans: BTreeMap::new(),
            era: None,
        });
        Ok(entry.account.clone())
    }

    async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        Ok(self.state().accounts.values().map(|e| e.account.clone()).collect())
    }

    async fn claim(
        &self,
        key: &AccountKey,
        streams: &Streams,
        accepted_before: &BTreeMap<Stream, u64>,
        under_way: u64,
    ) -> Result<Account, CatalogError> {
        let (streams, accepted_before) = (streams.clone(), accepted_before.clone());
        self.state().claim(key, Claim { streams, accepted_before, carried: under_way })
    }

    async fn take_up(&self, key: &AccountKey, place: &Place) -> Result<Place, CatalogError> {
        self.state().take_up(key, place)
    }

    async fn pause(&self, sink: &SinkName, paused: bool) -> Result<(), CatalogError> {
        let mut state = self.state();
        match paused {
            true => state.paused.insert(sink.clone()),
            false => state.paused.remove(sink),
        };
        Ok(())
    }

    async fn paused(&self) -> Result<BTreeSet<SinkName>, CatalogError> {
        Ok(self.state().paused.clone())
    }

    async fn forget(&self, sink: &SinkName, lane: &str) -> Result<bool, CatalogError> {
        Ok(self.state().forget(sink, lane))
    }

    async fn plan(&self, plans: &[Plan]) -> Result<(), CatalogError> {
        self.state().plan(plans)
    }

    async fn unsettled(&self, key: &AccountKey) -> Result<Vec<Plan>, CatalogError> {
        let state = self.state();
        let plans = state.accounts.get(key).into_iter().flat_map(|entry| &entry.plans);
        Ok(plans.map(|(&first, &end)| Plan { key: key.clone(), first, end }).collect())
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), CatalogError> {
        self.state().settle(settlement)
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CatalogError> {
        let state = self.state();
        let below = before.map_or(Bound::Unbounded, Bound::Excluded);
        let page = state.letters.range((Bound::Unbounded, below)).rev().map(|(_, kept)| kept);
        let wanted = page.filter(|k| k.state != LetterState::Resending && matches(filter, &k.letter));
        Ok(wanted.take(limit).map(|kept| kept.letter.clone()).collect())
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CatalogError> {
        Ok(self.state().letters.get(&id).map(|kept| kept.letter.clone()))
    }

    async fn delete_dead_letter(&self, id: i64) -> Result<bool, CatalogError> {
        let mut state = self.state();
        let there = state.letters.get(&id).is_some_and(|k| k.state != LetterState::Resending);
        if there {
            state.letters.remove(&id);
        }
        Ok(there)
    }

    async fn resend(
        &self,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<Vec<(AccountKey, u64)>, CatalogError> {
        Ok(self.state().resend(filter, id))
    }

    async fn resending(&self, key: &AccountKey, limit: usize) -> Result<Vec<DeadLetter>, CatalogError> {
        let state = self.state();
        let letters = state.letters.values();
        let waiting = letters.filter(|k| k.state == LetterState::Resending && k.letter.key == *key);
        Ok(waiting.take(limit).map(|kept| kept.letter.clone()).collect())
    }

    async fn settle_resent(&self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError> {
        self.state().settle_resent(key, outcomes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testkit::catalog::{CatalogFaults, FaultyCatalog, Step, contract, hold_the_account};

    #[tokio::test]
    async fn keeps_the_contract() {
        contract(async || MemoryCatalog::new()).await;
    }

    #[tokio::test]
    async fn a_restart_finds_what_was_there() {
        let catalog = MemoryCatalog::new();
        let key = AccountKey::main(&SinkName("a".into()), &crate::log::Partition("p".into()));
        catalog.open_account(&key, &Opening::default()).await.unwrap();
        let after_restart = catalog.clone();
        drop(catalog);
        assert_eq!(after_restart.accounts().await.unwrap().len(), 1);
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    proptest! {
        #[test]
        fn the_account_holds_whatever_is_asked(numbers in prop::collection::vec(any::<u64>(), 1..80)) {
            let steps: Vec<_> = numbers.into_iter().map(Step::of).collect();
            block_on(hold_the_account(&MemoryCatalog::new(), &steps));
        }

        #[test]
        fn the_account_holds_when_answers_are_lost(
            numbers in prop::collection::vec(any::<u64>(), 1..40), seed: u64,
        ) {
            let faults = CatalogFaults { failing_percent: 20, lying_percent: 30, ..CatalogFaults::default() };
            let steps: Vec<_> = numbers.into_iter().map(Step::of).collect();
            block_on(hold_the_account(&FaultyCatalog::new(MemoryCatalog::new(), faults, seed), &steps));
        }
    }
}
