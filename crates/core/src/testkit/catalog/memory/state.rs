//! The rules of the catalog over maps. Every change checks all of itself before it assigns anything.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;

use crate::catalog::{
    Account, AccountKey, CatalogError, Claim, DeadLetter, DeadLetterFilter, Opening, Place, Plan, Resent,
    Settlement,
};
use crate::event::Offset;
use crate::sink::SinkName;

#[derive(Default)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<AccountKey, Entry>,
    pub(super) letters: BTreeMap<i64, Kept>,
    pub(super) paused: BTreeSet<SinkName>,
}

pub(super) struct Entry {
    pub(super) account: Account,
    pub(super) plans: BTreeMap<Offset, Offset>,
    pub(super) era: Option<u64>,
}

pub(super) struct Kept {
    pub(super) letter: DeadLetter,
    pub(super) state: LetterState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LetterState {
    Dead,
    Resending,
    /// Its account was forgotten: it is kept to be read, and counts nowhere.
    Orphaned,
}

impl State {
    fn entry(&mut self, key: &AccountKey) -> Result<&mut Entry, CatalogError> {
        let missing = || broken(format!("there is no account {key:?}"));
        self.accounts.get_mut(key).ok_or_else(missing)
    }

    /// The claim as it is asked for carries what is under way; the rest is found here.
    pub(super) fn claim(&mut self, key: &AccountKey, asked: Claim) -> Result<Account, CatalogError> {
        let waiting = self.letters.values().filter(|kept| kept.state == LetterState::Resending);
        let waiting: u64 = waiting.map(|kept| &kept.letter).filter(|l| l.key == *key).map(|l| l.count).sum();
        let account = &mut self.entry(key)?.account;
        let settled = account.delivered + account.dead + account.filtered;
        account.claim = Some(Claim { carried: asked.carried + settled + waiting, ..asked });
        Ok(account.clone())
    }

    pub(super) fn take_up(&mut self, key: &AccountKey, place: &Place) -> Result<Place, CatalogError> {
        let entry = self.entry(key)?;
        let kept = entry.era.map(|era| Place {
            era,
            planned: entry.account.planned,
            unsettled: entry.plans.clone(),
        });
        let joined = place.joined(kept.as_ref());
        entry.era = Some(joined.era);
        entry.plans = joined.unsettled.clone();
        entry.account.planned = joined.planned;
        entry.account.opening.from = entry.account.opening.from.min(joined.settled_before());
        Ok(joined)
    }

    pub(super) fn forget(&mut self, sink: &SinkName, lane: &str) -> bool {
        let meant = |key: &AccountKey| key.sink == *sink && (lane.is_empty() || key.lane == lane);
        let before = self.accounts.len();
        self.accounts.retain(|key, _| !meant(key));
        if lane.is_empty() {
            self.letters.retain(|_, kept| kept.letter.key.sink != *sink);
            self.paused.remove(sink);
        }
        for kept in self.letters.values_mut().filter(|kept| meant(&kept.letter.key)) {
            kept.state = LetterState::Orphaned;
        }
        self.accounts.len() < before
    }

    pub(super) fn plan(&mut self, plans: &[Plan]) -> Result<(), CatalogError> {
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

    pub(super) fn settle(&mut self, settlement: &Settlement) -> Result<(), CatalogError> {
        let plan = &settlement.plan;
        let entry = self.entry(&plan.key)?;
        if entry.plans.get(&plan.first) != Some(&plan.end) {
            let settled_before = repeats(entry, plan, entry.account.planned);
            return settled_before.then_some(()).ok_or_else(|| broken(format!("{plan:?} was never planned")));
        }
        self.check_letters(&settlement.dead)?;
        let entry = self.entry(&plan.key)?;
        entry.plans.remove(&plan.first);
        entry.account.delivered += settlement.delivered;
        entry.account.duplicates += settlement.duplicates;
        entry.account.filtered += settlement.filtered;
        for letter in &settlement.dead {
            self.entry(&letter.key)?.account.dead += letter.count;
            let kept = Kept { letter: letter.clone(), state: LetterState::Dead };
            self.letters.insert(letter.id, kept);
        }
        Ok(())
    }

    fn check_letters(&mut self, letters: &[DeadLetter]) -> Result<(), CatalogError> {
        let mut numbers = BTreeSet::new();
        for letter in letters {
            self.entry(&letter.key)?;
            if self.letters.contains_key(&letter.id) || !numbers.insert(letter.id) {
                return Err(broken(format!("there is a dead letter {} already", letter.id)));
            }
        }
        Ok(())
    }

    pub(super) fn resend(&mut self, filter: &DeadLetterFilter, id: Option<i64>) -> Vec<(AccountKey, u64)> {
        let mut taken: BTreeMap<AccountKey, u64> = BTreeMap::new();
        for kept in self.letters.values_mut() {
            let letter = &kept.letter;
            let meant = id.is_none_or(|id| id == letter.id) && matches(filter, letter);
            let can_be_sent = letter.record.is_some() && letter.source.is_none();
            if !meant || kept.state != LetterState::Dead || !can_be_sent {
                continue;
            }
            if let Some(entry) = self.accounts.get_mut(&letter.key) {
                entry.account.dead -= letter.count;
                kept.state = LetterState::Resending;
                *taken.entry(letter.key.clone()).or_default() += letter.count;
            }
        }
        taken.into_iter().collect()
    }

    pub(super) fn settle_resent(
        &mut self,
        key: &AccountKey,
        outcomes: &[Resent],
    ) -> Result<(), CatalogError> {
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
        let (id, count) = match outcome {
            Resent::Delivered { id, count, .. } => (*id, *count),
            Resent::Refused(letter) => (letter.id, letter.count),
        };
        let Some(Kept { letter, .. }) = self.waiting(id) else {
            return Ok(());
        };
        let moved = matches!(outcome, Resent::Refused(again) if again.key != *key);
        if letter.key != *key || letter.count != count || moved {
            return Err(broken(format!("dead letter {id} is of another account or count")));
        }
        Ok(())
    }

    fn apply_resent(&mut self, key: &AccountKey, outcome: &Resent) -> Result<(), CatalogError> {
        match outcome {
            Resent::Delivered { id, count, duplicate } => {
                if self.waiting(*id).is_some() {
                    self.letters.remove(id);
                    let account = &mut self.entry(key)?.account;
                    account.delivered += count;
                    account.duplicates += if *duplicate { *count } else { 0 };
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

pub(super) fn opened(key: &AccountKey, opening: &Opening) -> Account {
    Account {
        key: key.clone(),
        planned: opening.from,
        opening: *opening,
        claim: None,
        delivered: 0,
        duplicates: 0,
        dead: 0,
        filtered: 0,
    }
}

pub(super) fn matches(filter: &DeadLetterFilter, letter: &DeadLetter) -> bool {
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
