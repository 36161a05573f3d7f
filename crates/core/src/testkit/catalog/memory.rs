//! The catalog in memory: deterministic, without a wait in it. Its handles share one state, so dropping all that
//! uses a handle and starting anew with another is a restart.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use async_trait::async_trait;

use crate::catalog::{
    Account, AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Opening, Plan, Resent,
    Settlement,
};
use crate::event::Offset;
use crate::sink::SinkName;

/// Keeps everything for as long as one of its handles lives.
#[derive(Clone, Default)]
pub struct MemoryCatalog(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    accounts: BTreeMap<AccountKey, Entry>,
    letters: BTreeMap<i64, Kept>,
}

struct Entry {
    account: Account,
    plans: BTreeMap<Offset, Offset>,
}

struct Kept {
    letter: DeadLetter,
    state: LetterState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LetterState {
    Dead,
    Resending,
    /// Its account was forgotten: it is kept to be read, and counts nowhere.
    Orphaned,
}

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
        let entry = state
            .accounts
            .entry(key.clone())
            .or_insert_with(|| Entry { account: opened(key, opening), plans: BTreeMap::new() });
        Ok(entry.account.clone())
    }

    async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        Ok(self.state().accounts.values().map(|e| e.account.clone()).collect())
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

    async fn resend(&self, filter: &DeadLetterFilter, id: Option<i64>) -> Result<u64, CatalogError> {
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

impl State {
    fn entry(&mut self, key: &AccountKey) -> Result<&mut Entry, CatalogError> {
        let missing = || broken(format!("there is no account {key:?}"));
        self.accounts.get_mut(key).ok_or_else(missing)
    }

    fn forget(&mut self, sink: &SinkName, lane: &str) -> bool {
        let meant = |key: &AccountKey| key.sink == *sink && (lane.is_empty() || key.lane == lane);
        let before = self.accounts.len();
        self.accounts.retain(|key, _| !meant(key));
        if lane.is_empty() {
            self.letters.retain(|_, kept| kept.letter.key.sink != *sink);
        }
        for kept in self.letters.values_mut().filter(|kept| meant(&kept.letter.key)) {
            kept.state = LetterState::Orphaned;
        }
        self.accounts.len() < before
    }

    fn plan(&mut self, plans: &[Plan]) -> Result<(), CatalogError> {
        let mut planned: BTreeMap<&AccountKey, Offset> = BTreeMap::new();
        let mut fresh = Vec::new();
        for plan in plans {
            let entry = self.entry(&plan.key)?;
            let end = planned.entry(&plan.key).or_insert(entry.account.planned);
            if plan.first < plan.end && plan.first == *end {
                *end = plan.end;
                fresh.push(plan);
            } else if !repeats(entry, plan, *end) {
                return Err(broken(format!("{plan:?} does not follow on {end}")));
            }
        }
        for plan in fresh {
            let entry = self.entry(&plan.key)?;
            entry.plans.insert(plan.first, plan.end);
            entry.account.planned = plan.end;
        }
        Ok(())
    }

    fn settle(&mut self, settlement: &Settlement) -> Result<(), CatalogError> {
        let plan = &settlement.plan;
        let entry = self.entry(&plan.key)?;
        if entry.plans.get(&plan.first) != Some(&plan.end) {
            let settled_before = repeats(entry, plan, entry.account.planned);
            return settled_before.then_some(()).ok_or_else(|| broken(format!("{plan:?} was never planned")));
        }
        for letter in &settlement.dead {
            if letter.key != plan.key || self.letters.contains_key(&letter.id) {
                return Err(broken(format!("dead letter {} is there, or of another account", letter.id)));
            }
        }
        let entry = self.entry(&plan.key)?;
        entry.plans.remove(&plan.first);
        entry.account.delivered += settlement.delivered;
        entry.account.duplicates += settlement.duplicates;
        entry.account.filtered += settlement.filtered;
        entry.account.dead += settlement.dead.iter().map(|letter| letter.count).sum::<u64>();
        for letter in &settlement.dead {
            let kept = Kept { letter: letter.clone(), state: LetterState::Dead };
            self.letters.insert(letter.id, kept);
        }
        Ok(())
    }

    fn resend(&mut self, filter: &DeadLetterFilter, id: Option<i64>) -> u64 {
        let mut taken = 0;
        for kept in self.letters.values_mut() {
            let letter = &kept.letter;
            let meant = id.is_none_or(|id| id == letter.id) && matches(filter, letter);
            if !meant || kept.state != LetterState::Dead || letter.record.is_none() {
                continue;
            }
            if let Some(entry) = self.accounts.get_mut(&letter.key) {
                entry.account.dead -= letter.count;
                kept.state = LetterState::Resending;
                taken += 1;
            }
        }
        taken
    }

    fn settle_resent(&mut self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError> {
        self.entry(key)?;
        for outcome in outcomes {
            self.check_resent(key, outcome)?;
        }
        for outcome in outcomes {
            self.apply_resent(key, outcome)?;
        }
        Ok(())
    }

    /// The waiting letter that the outcome is about; `None` where it was settled before.
    fn waiting(&self, id: i64) -> Option<&Kept> {
        self.letters.get(&id).filter(|kept| kept.state == LetterState::Resending)
    }

    fn check_resent(&self, key: &AccountKey, outcome: &Resent) -> Result<(), CatalogError> {
        let (id, again) = match outcome {
            Resent::Delivered { id, .. } => (*id, None),
            Resent::Refused(letter) => (letter.id, Some(letter)),
        };
        let Some(Kept { letter, .. }) = self.waiting(id) else {
            return Ok(());
        };
        let changed = again.is_some_and(|again| again.key != letter.key || again.count != letter.count);
        if letter.key != *key || changed {
            return Err(broken(format!("dead letter {id} is of another account or count")));
        }
        Ok(())
    }

    fn apply_resent(&mut self, key: &AccountKey, outcome: &Resent) -> Result<(), CatalogError> {
        match outcome {
            Resent::Delivered { id, duplicate } => {
                if self.waiting(*id).is_some() {
                    let count = self.letters.remove(id).map_or(0, |kept| kept.letter.count);
                    let account = &mut self.entry(key)?.account;
                    account.delivered += count;
                    account.duplicates += if *duplicate { count } else { 0 };
                }
            }
            Resent::Refused(letter) => {
                let waiting = self.letters.get_mut(&letter.id);
                let mut waiting = waiting.filter(|kept| kept.state == LetterState::Resending);
                if let Some(kept) = waiting.take_if(|kept| kept.letter.attempts < letter.attempts) {
                    kept.letter = letter.clone();
                    kept.state = LetterState::Dead;
                    self.entry(key)?.account.dead += letter.count;
                }
            }
        }
        Ok(())
    }
}

/// Whether the plan lies where plans were made before and none that is unsettled speaks against it.
fn repeats(entry: &Entry, plan: &Plan, planned: Offset) -> bool {
    let within = entry.account.opening.from <= plan.first && plan.first < plan.end && plan.end <= planned;
    let overlap = |(&first, &end): (&Offset, &Offset)| {
        let same = first == plan.first && end == plan.end;
        !same && first < plan.end && plan.first < end
    };
    within && !entry.plans.iter().any(overlap)
}

fn opened(key: &AccountKey, opening: &Opening) -> Account {
    Account {
        key: key.clone(),
        planned: opening.from,
        opening: opening.clone(),
        delivered: 0,
        duplicates: 0,
        dead: 0,
        filtered: 0,
    }
}

fn matches(filter: &DeadLetterFilter, letter: &DeadLetter) -> bool {
    let holds = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
    holds(&filter.sink, &letter.key.sink.0)
        && holds(&filter.stream, letter.stream.as_str())
        && holds(&filter.reason, &letter.reason)
        && filter.from.is_none_or(|from| letter.last_at >= from)
        && filter.to.is_none_or(|to| letter.last_at < to)
}

fn broken(what: String) -> CatalogError {
    CatalogError::Broken(anyhow!(what))
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
