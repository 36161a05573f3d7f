//! The account of every sink, in one place: **accepted = delivered + dead + filtered + pending**, at every moment.
//!
//! What was delivered, refused and left out is counted in the catalog, in the transaction that settles a batch, and
//! mirrored here once that is durable. What was accepted is counted by the log; of a broker's partition, it is what was
//! settled here before and what has been read since. Pending is what is between the two, so a snapshot, taken under one
//! lock, always adds up; that it is also true is what the tests show.

mod entry;
mod leading;
pub(crate) mod letters;
mod standing;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::{Account, AccountKey, Catalog, CatalogError, Resent, Settlement};
use crate::event::{Offset, Stream};
use crate::log::{EventLog, Partition};
use crate::sink::SinkName;
use crate::time::Timestamp;

use entry::Entry;
pub use letters::InputLetters;
pub use standing::{Condition, Failure, Snapshot, Standing, State};
pub use waiting::Awaited;
use waiting::Places;

/// Keeps the accounts of a process.
pub struct Ledger {
    log: Arc<dyn EventLog>,
    accounts: Mutex<Accounts>,
}

#[derive(Default)]
struct Accounts {
    entries: BTreeMap<AccountKey, Entry>,
    paused: BTreeSet<SinkName>,
    /// Events that brokers brought, by stream, since the start.
    brought: BTreeMap<Stream, u64>,
}

impl Ledger {
    /// A ledger of accounts over `log`.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, accounts: Mutex::default() }
    }

    /// All accounts, now. Replays, which count nothing that was accepted, are left out unless asked for.
    pub fn snapshot(&self) -> Snapshot {
        let accounts = self.lock();
        let mut snapshot = Snapshot { accepted: accounts.brought.clone(), ..Snapshot::default() };
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
        let standing = |(key, entry): (&AccountKey, &Entry)| {
            let accepted = extents.get(&key.partition).unwrap_or(&nothing);
            entry.standing(accepted, accounts.paused.contains(&key.sink))
        };
        let standings = accounts.entries.iter().map(standing);
        (snapshot.inputs, snapshot.sinks) = standings.partition(|standing| standing.sink.input().is_some());
        snapshot
    }

    /// Everything before this offset is settled by every sink that holds the log.
    pub fn settled_before(&self, partition: &Partition) -> Option<Offset> {
        let accounts = self.lock();
        let concerned =
            |(key, entry): &(&AccountKey, &Entry)| key.partition == *partition && entry.holds_log();
        let of_partition = accounts.entries.iter().filter(concerned);
        of_partition.map(|(_, entry)| entry.settled_before()).min()
    }

    /// Takes an account up, with its batches under way; `is_configured` is false for a sink that
    /// is so no longer.
    ///
    /// From here on it holds the log. All accounts must be open before the first delivery runs: whoever is not here
    /// yet holds nothing.
    pub async fn open(
        &self,
        catalog: &dyn Catalog,
        account: Account,
        is_configured: bool,
    ) -> Result<(), CatalogError> {
        let unsettled = unsettled(catalog, &account.key).await?;
        let state = if is_configured { State::Running } else { State::Removed };
        let condition = Condition { state, ..Condition::default() };
        let key = account.key.clone();
        let places = Places::new(account.planned);
        let entry =
            Entry { account, unsettled, gathering_since: None, read: 0, condition, places, follows: false };
        entry.places.settled(entry.settled_before());
        self.lock().entries.insert(key, entry);
        Ok(())
    }

    /// Takes an account up anew, as the catalog has it now: for when an answer was lost, and with it what was counted.
    /// Neither its delivery nor anybody else may be changing it meanwhile.
    pub async fn reopen(&self, catalog: &dyn Catalog, account: Account) -> Result<(), CatalogError> {
        let unsettled = unsettled(catalog, &account.key).await?;
        self.with(&account.key.clone(), |entry| {
            (entry.account, entry.unsettled) = (account, unsettled);
            (entry.gathering_since, entry.read) = (None, 0);
        });
        Ok(())
    }

    /// Drops an account.
    pub fn close(&self, key: &AccountKey) {
        self.lock().entries.remove(key);
    }

    /// Drops all accounts over a partition.
    pub fn close_partition(&self, partition: &Partition) {
        self.lock().entries.retain(|key, _| key.partition != *partition);
    }

    /// Drops all accounts of a sink.
    pub fn forget(&self, sink: &SinkName) {
        let mut accounts = self.lock();
        accounts.entries.retain(|key, _| key.sink != *sink);
        accounts.paused.remove(sink);
    }

    /// A sink is paused, or it is no longer.
    pub fn pause(&self, sink: &SinkName, paused: bool) {
        let mut accounts = self.lock();
        match paused {
            true => accounts.paused.insert(sink.clone()),
            false => accounts.paused.remove(sink),
        };
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

    /// So many events were read that the account has to account for.
    pub fn read(&self, key: &AccountKey, events: u64) {
        self.with(key, |entry| entry.read += events);
    }

    /// A broker brought these events.
    pub fn brought(&self, events: &BTreeMap<Stream, u64>) {
        let mut accounts = self.lock();
        for (stream, count) in events {
            *accounts.brought.entry(stream.clone()).or_default() += count;
        }
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

    /// Returns when everything of the account before `end` is settled: delivered, left out or dead. Its delivery holds
    /// none of it back meanwhile to make larger batches. False where there is no such account, or it is closed.
    pub async fn until_settled(&self, key: &AccountKey, end: Offset) -> bool {
        let waiting = self.lock().entries.get(key).map(|entry| entry.places.wait_for(end));
        match waiting {
            Some(mut settled_before) => settled_before.wait_for(|before| *before >= end).await.is_ok(),
            None => false,
        }
    }

    /// How far somebody waits for the account.
    pub fn awaited(&self, key: &AccountKey) -> Awaited {
        self.lock().entries.get(key).map(|entry| entry.places.awaited()).unwrap_or_default()
    }

    /// How deliveries fare has changed.
    pub fn condition(&self, key: &AccountKey, change: impl FnOnce(&mut Condition)) {
        self.with(key, |entry| change(&mut entry.condition));
    }

    fn with(&self, key: &AccountKey, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.lock().entries.get_mut(key) {
            change(entry);
            entry.places.settled(entry.settled_before());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Accounts> {
        // No change can panic half-way, so a poisoned lock still guards whole accounts.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the account's batches under way begin; when their first events came is not kept.
async fn unsettled(
    catalog: &dyn Catalog,
    key: &AccountKey,
) -> Result<BTreeMap<Offset, Option<Timestamp>>, CatalogError> {
    Ok(catalog.unsettled(key).await?.into_iter().map(|plan| (plan.first, None)).collect())
}
