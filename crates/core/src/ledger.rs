//! The account of every sink, in one place: **accepted = delivered + dead + filtered + pending**, at every moment.
//!
//! What was delivered, refused and left out is counted in the catalog, in the transaction that settles a batch, and
//! mirrored here once that is durable. What was accepted is counted by the log. Pending is what is between the two,
//! so a snapshot, taken under one lock, always adds up; that it is also true is what the tests show.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::{Account, AccountKey, Catalog, CatalogError, Resent, Settlement};
use crate::delivery::Route;
use crate::event::{Offset, Stream};
use crate::log::{EventLog, Partition};
use crate::sink::SinkName;
use crate::time::Timestamp;

/// Keeps the accounts of a process.
pub struct Ledger {
    log: Arc<dyn EventLog>,
    entries: Mutex<BTreeMap<AccountKey, Entry>>,
}

struct Entry {
    account: Account,
    /// `None` for a sink that is no longer configured: it takes nothing more, but still holds the log.
    route: Option<Route>,
    /// Planned batches that are not settled: where they begin, and when their first event came.
    unsettled: BTreeMap<Offset, Option<Timestamp>>,
    /// When the oldest event came that is read but not planned.
    gathering_since: Option<Timestamp>,
    /// Batches that failed and are waiting to be tried again.
    condition: Condition,
}

/// How deliveries to a sink fare.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Running, retrying, or blocked.
    pub state: State,
    /// The last failure, which stays to be read after things went well again.
    pub last_error: Option<Failure>,
    /// When the next attempt is due, while retrying or blocked.
    pub next_try_at: Option<Timestamp>,
}

/// What a sink is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Deliveries succeed, or there are none.
    #[default]
    Running,
    /// The last delivery failed; it is repeated.
    Retrying,
    /// A person has to mend something; it is tried on.
    Blocked,
    /// No longer configured. It holds the log until it is forgotten.
    Removed,
}

impl State {
    /// The word for it in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Blocked => "blocked",
            Self::Removed => "removed",
        }
    }
}

/// A failed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the sink said.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// All accounts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Events ever accepted, by stream.
    pub accepted: BTreeMap<Stream, u64>,
    /// One for each account.
    pub sinks: Vec<Standing>,
}

/// One account at one moment. `routed == delivered + dead + filtered + pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The sink.
    pub sink: SinkName,
    /// The partition.
    pub partition: Partition,
    /// `""`, or the replay that this is.
    pub lane: String,
    /// Accepted since the account began, of the streams that the sink takes.
    pub routed: u64,
    /// Stored, duplicates included.
    pub delivered: u64,
    /// Of those, there before.
    pub duplicates: u64,
    /// Refused for good.
    pub dead: u64,
    /// Left out by the sink's filter.
    pub filtered: u64,
    /// Not yet any of these.
    pub pending: u64,
    /// When the oldest pending event that was read came in.
    pub oldest_pending_at: Option<Timestamp>,
    /// How deliveries fare.
    pub condition: Condition,
}

impl Ledger {
    /// A ledger of accounts over `log`.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, entries: Mutex::default() }
    }

    /// All accounts, now. Replays, which count nothing that was accepted, are left out unless asked for.
    pub fn snapshot(&self) -> Snapshot {
        let entries = self.lock();
        let mut snapshot = Snapshot::default();
        // Read under the lock: nothing can be settled after this that is not in these numbers.
        let mut extents = BTreeMap::new();
        for partition in self.log.partitions() {
            let accepted = self.log.extent(&partition).accepted;
            for (stream, count) in &accepted {
                *snapshot.accepted.entry(stream.clone()).or_default() += count;
            }
            extents.insert(partition, accepted);
        }
        let nothing = BTreeMap::new();
        snapshot.sinks = entries
            .values()
            .map(|entry| entry.standing(extents.get(&entry.account.key.partition).unwrap_or(&nothing)))
            .collect();
        snapshot
    }

    /// Everything before this offset is settled by every sink.
    pub fn settled_before(&self, partition: &Partition) -> Option<Offset> {
        let entries = self.lock();
        entries
            .values()
            .filter(|entry| entry.account.key.partition == *partition)
            .map(Entry::settled_before)
            .min()
    }

    /// Takes an account up, with its batches under way; `route` is absent for a sink that is no longer configured.
    ///
    /// From here on it holds the log. All accounts must be open before the first delivery runs: whoever is not here
    /// yet holds nothing.
    pub async fn open(
        &self,
        catalog: &dyn Catalog,
        account: Account,
        route: Option<Route>,
    ) -> Result<(), CatalogError> {
        let unsettled = unsettled(catalog, &account.key).await?;
        let state = if route.is_some() { State::Running } else { State::Removed };
        let condition = Condition { state, ..Condition::default() };
        let key = account.key.clone();
        let entry = Entry { account, route, unsettled, gathering_since: None, condition };
        self.lock().insert(key, entry);
        Ok(())
    }

    /// Takes an account up anew, as the catalog has it now: for when an answer was lost, and with it what was counted.
    /// Neither its delivery nor anybody else may be changing it meanwhile.
    pub async fn reopen(&self, catalog: &dyn Catalog, account: Account) -> Result<(), CatalogError> {
        let unsettled = unsettled(catalog, &account.key).await?;
        self.with(&account.key.clone(), |entry| {
            (entry.account, entry.unsettled, entry.gathering_since) = (account, unsettled, None);
        });
        Ok(())
    }

    /// Drops an account.
    pub fn close(&self, key: &AccountKey) {
        self.lock().remove(key);
    }

    /// Drops all accounts of a sink.
    pub fn forget(&self, sink: &SinkName) {
        self.lock().retain(|key, _| key.sink != *sink);
    }

    /// A batch from `first` up to `end` is planned; its oldest event came at `oldest_at`.
    pub fn planned(&self, key: &AccountKey, first: Offset, end: Offset, oldest_at: Option<Timestamp>) {
        self.with(key, |entry| {
            entry.account.planned = entry.account.planned.max(end);
            entry.unsettled.insert(first, oldest_at);
        });
    }

    /// Events are read and not planned, the oldest of this time.
    pub fn gathering(&self, key: &AccountKey, since: Option<Timestamp>) {
        self.with(key, |entry| entry.gathering_since = since);
    }

    /// A settlement is durable.
    pub fn settled(&self, settlement: &Settlement) {
        self.with(&settlement.plan.key, |entry| {
            if entry.unsettled.remove(&settlement.plan.first).is_some() {
                entry.account.delivered += settlement.delivered;
                entry.account.duplicates += settlement.duplicates;
                entry.account.filtered += settlement.filtered;
                entry.account.dead += settlement.dead.iter().map(|letter| letter.count).sum::<u64>();
            }
        });
    }

    /// `count` dead events are on their way to their sink again.
    pub fn resending(&self, key: &AccountKey, count: u64) {
        self.with(key, |entry| entry.account.dead = entry.account.dead.saturating_sub(count));
    }

    /// What became of dead letters that were sent again is durable.
    pub fn resent(&self, key: &AccountKey, outcomes: &[Resent]) {
        self.with(key, |entry| {
            for outcome in outcomes {
                match outcome {
                    Resent::Delivered { count, duplicate, .. } => {
                        entry.account.delivered += count;
                        entry.account.duplicates += if *duplicate { *count } else { 0 };
                    }
                    Resent::Refused(letter) => entry.account.dead += letter.count,
                }
            }
        });
    }

    /// How deliveries fare has changed.
    pub fn condition(&self, key: &AccountKey, change: impl FnOnce(&mut Condition)) {
        self.with(key, |entry| change(&mut entry.condition));
    }

    fn with(&self, key: &AccountKey, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().get_mut(key) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AccountKey, Entry>> {
        // No change can panic half-way, so a poisoned lock still guards whole accounts.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the account's batches under way begin; when their first events came is not kept.
async fn unsettled(
    catalog: &dyn Catalog,
    key: &AccountKey,
) -> Result<BTreeMap<Offset, Option<Timestamp>>, CatalogError> {
    Ok(catalog.unsettled(key).await?.into_iter().map(|plan| (plan.first, None)).collect())
}

impl Entry {
    fn settled_before(&self) -> Offset {
        self.unsettled.keys().next().copied().unwrap_or(self.account.planned)
    }

    fn standing(&self, accepted: &BTreeMap<Stream, u64>) -> Standing {
        let Account { key, opening, delivered, duplicates, dead, filtered, .. } = &self.account;
        let settled = delivered + dead + filtered;
        let routed = match (&self.route, &opening.until) {
            (Some(route), None) => route.count(accepted, &opening.accepted_before),
            // A replay, or a sink that takes nothing more: there is no telling but by what came of it.
            _ => settled,
        };
        let pending = routed.saturating_sub(settled);
        let oldest_planned = self.unsettled.values().next().copied().flatten();
        Standing {
            sink: key.sink.clone(),
            partition: key.partition.clone(),
            lane: key.lane.clone(),
            routed,
            delivered: *delivered,
            duplicates: *duplicates,
            dead: *dead,
            filtered: *filtered,
            pending,
            oldest_pending_at: oldest_planned.or(self.gathering_since).filter(|_| pending > 0),
            condition: self.condition.clone(),
        }
    }
}
