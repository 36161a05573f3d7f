//! The catalog's contract: the accounts of the sinks, the batches under way, and the dead letters.
//!
//! Every change is one transaction, durable on return, and may be repeated: a caller that lost the answer asks
//! again, and the second time nothing happens. Several changes may share one commit.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::event::{Offset, Record, Stream};
use crate::log::{Partition, Source};
use crate::sink::SinkName;
use crate::streams::Streams;
use crate::time::Timestamp;

/// Names an account: a sink's progress over one partition, in one lane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// The sink.
    pub sink: SinkName,
    /// The partition.
    pub partition: Partition,
    /// `""` for what is accepted; a replay of kept events runs in a lane of its own, with its own counts.
    pub lane: String,
}

impl AccountKey {
    /// The account of what is accepted.
    pub fn main(sink: &SinkName, partition: &Partition) -> Self {
        Self { sink: sink.clone(), partition: partition.clone(), lane: String::new() }
    }
}

/// What an account begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// The first offset that counts.
    pub from: Offset,
    /// Where it ends, not included; `None` for an account that never does.
    pub until: Option<Offset>,
}

/// Which of the accepted events an account has to account for: those `carried`, and of `streams` all that were
/// accepted after `accepted_before`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The streams that the sink takes.
    pub streams: Streams,
    /// Events accepted before the claim was made, by stream.
    pub accepted_before: BTreeMap<Stream, u64>,
    /// Events that were the account's own by then.
    pub carried: u64,
}

impl Claim {
    /// How many events that is, where so many are `accepted` by now.
    pub fn count(&self, accepted: &BTreeMap<Stream, u64>) -> u64 {
        let before = |stream| self.accepted_before.get(stream).copied().unwrap_or(0);
        let taken = accepted.iter().filter(|(stream, _)| self.streams.contains(stream));
        let since: u64 = taken.map(|(stream, count)| count.saturating_sub(before(stream))).sum();
        self.carried + since
    }
}

/// How a sink stands. Counts are of events, since the account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub key: AccountKey,
    /// What it began with.
    pub opening: Opening,
    /// What it has to account for; `None` for a replay, and before the first [`Catalog::claim`].
    pub claim: Option<Claim>,
    /// Batches are fixed up to here, not included.
    pub planned: Offset,
    /// Stored by the sink, those that were there before included.
    pub delivered: u64,
    /// Of those, how many the sink had already.
    pub duplicates: u64,
    /// In the dead letters, or deleted from them; one that is sent again leaves this count.
    pub dead: u64,
    /// Of streams the sink takes, but left out by its filter.
    pub filtered: u64,
}

impl Account {
    /// Of what it had to account for when it claimed its streams, so much is not settled.
    pub fn lacks(&self) -> u64 {
        let carried = self.claim.as_ref().map_or(0, |claim| claim.carried);
        carried.saturating_sub(self.delivered + self.dead + self.filtered)
    }
}

/// A batch whose bounds are fixed: `first` up to, not including, `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The account that it belongs to.
    pub key: AccountKey,
    /// Equals the account's `planned` before it.
    pub first: Offset,
    /// The account's `planned` after it.
    pub end: Offset,
}

/// How far an account is by the word of somebody else: of the commit in which a broker's partition keeps its progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names a run of progress without a break. Another one begins where somebody sets the progress back.
    pub era: u64,
    /// Batches are fixed up to here, not included.
    pub planned: Offset,
    /// Those that are not settled: where each begins and ends.
    pub unsettled: BTreeMap<Offset, Offset>,
}

impl Place {
    /// The place that follows from this one, which is brought, and from the one that is kept.
    ///
    /// Of the same era, what was settled here is settled: whoever brought the place may not have heard of it. And should a
    /// broker have lost a commit, what was fixed here is fixed.
    pub fn joined(&self, kept: Option<&Self>) -> Self {
        let Some(kept) = kept.filter(|kept| kept.era == self.era) else { return self.clone() };
        let mut joined = self.clone();
        joined.unsettled.retain(|first, end| *end > kept.planned || kept.unsettled.get(first) == Some(end));
        if kept.planned > self.planned {
            joined.planned = kept.planned;
            joined.unsettled.extend(kept.unsettled.range(self.planned..).map(|(first, end)| (*first, *end)));
        }
        joined
    }

    /// What is settled: everything before it.
    pub fn settled_before(&self) -> Offset {
        self.unsettled.keys().next().copied().unwrap_or(self.planned)
    }
}

/// What became of a planned batch, all of it.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The batch.
    pub plan: Plan,
    /// Events stored, duplicates included.
    pub delivered: u64,
    /// Of those, how many were there before.
    pub duplicates: u64,
    /// Events that the sink's filter left out.
    pub filtered: u64,
    /// Events refused for good. Each counts [`DeadLetter::count`] in the account.
    pub dead: Vec<DeadLetter>,
}

/// An event that a sink refused, with its bytes, so that it can be looked at, mended and sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number; unique, given by delivery.
    pub id: i64,
    /// The account that it counts in.
    pub key: AccountKey,
    /// How many events of its account's `dead` it stands for: 1; more where damage on disk took the events themselves;
    /// 0 for what a replay brought, which was accounted for when it was first delivered.
    pub count: u64,
    /// The stream it came by.
    pub stream: Stream,
    /// The event; `None` where its bytes are gone.
    pub record: Option<Record>,
    /// Where a broker has it, where an input could not read it. Such a letter is no sink's, and is not sent again.
    pub source: Option<Source>,
    /// A short word for counting and filtering.
    pub reason: String,
    /// The store's own words.
    pub detail: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first refused.
    pub first_at: Timestamp,
    /// When it was last refused.
    pub last_at: Timestamp,
}

/// Which dead letters are meant; every given member must hold.
#[derive(Clone, Debug, Default)]
pub struct DeadLetterFilter {
    /// Of this sink.
    pub sink: Option<String>,
    /// Of this stream.
    pub stream: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
    /// Last refused at or after.
    pub from: Option<Timestamp>,
    /// Last refused before.
    pub to: Option<Timestamp>,
}

/// How a dead letter that was sent again fared.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a few hundred at a time, each of them short-lived")]
pub enum Resent {
    /// The sink has it now; `duplicate` when it had it before.
    Delivered {
        /// The dead letter's number.
        id: i64,
        /// Its [`DeadLetter::count`], which is delivered now.
        count: u64,
        /// Whether it was there before.
        duplicate: bool,
    },
    /// Refused again; the letter takes the place of the old one of the same number.
    Refused(DeadLetter),
}

/// What went wrong, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not done, or done and the answer lost: ask again.
    #[error("catalog: {0:#}")]
    Retry(anyhow::Error),
    /// Asking again cannot help: the request contradicts what is stored, or the catalog is of a newer version.
    #[error("catalog: {0:#}")]
    Broken(anyhow::Error),
}

/// Keeps accounts, plans and dead letters.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// The account, opened as told if it was not there.
    async fn open_account(&self, key: &AccountKey, opening: &Opening) -> Result<Account, CatalogError>;

    /// All accounts, by key.
    async fn accounts(&self) -> Result<Vec<Account>, CatalogError>;

    /// Has the account count these streams from its `planned` on, `accepted_before` being what the log had accepted by
    /// then. What is settled, what waits to be sent again, and the events `under_way` are carried over.
    ///
    /// Nothing of the account may be changing meanwhile.
    async fn claim(
        &self,
        key: &AccountKey,
        streams: &Streams,
        accepted_before: &BTreeMap<Stream, u64>,
        under_way: u64,
    ) -> Result<Account, CatalogError>;

    /// Brings an account that is open to where `place` and what is kept [lead](Place::joined), and gives that back. It
    /// begins no later than there.
    async fn take_up(&self, key: &AccountKey, place: &Place) -> Result<Place, CatalogError>;

    /// Keeps that a sink is paused, or that it is no longer.
    async fn pause(&self, sink: &SinkName, paused: bool) -> Result<(), CatalogError>;

    /// The sinks that are paused.
    async fn paused(&self) -> Result<BTreeSet<SinkName>, CatalogError>;

    /// Removes all of a sink's accounts in this lane (every lane where it is `""`), with their plans and, for the
    /// main lane, the sink's dead letters and that it is paused. Whether there was one.
    async fn forget(&self, sink: &SinkName, lane: &str) -> Result<bool, CatalogError>;

    /// Fixes the batches' bounds, in order, each beginning where the account's plans end. A plan that is there
    /// already, or was settled, is left as it is.
    async fn plan(&self, plans: &[Plan]) -> Result<(), CatalogError>;

    /// The account's planned batches that are not settled, by rising `first`.
    async fn unsettled(&self, key: &AccountKey) -> Result<Vec<Plan>, CatalogError>;

    /// Takes the plan away, adds its counts, and keeps its dead letters: all or nothing, and once.
    async fn settle(&self, settlement: &Settlement) -> Result<(), CatalogError>;

    /// Dead letters that match, by falling number, from below `before` on, at most `limit`. Those on their way to
    /// their sink again are not among them.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CatalogError>;

    /// One dead letter, by number.
    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CatalogError>;

    /// Removes a dead letter, whose events stay counted as dead. Whether it was there.
    async fn delete_dead_letter(&self, id: i64) -> Result<bool, CatalogError>;

    /// Takes the matching dead letters of sinks that still have their bytes (of `id` only, where given) out of their
    /// accounts' `dead`, to be sent again. Of which accounts, and how many events ([`DeadLetter::count`]) each.
    async fn resend(
        &self,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<Vec<(AccountKey, u64)>, CatalogError>;

    /// Letters of the account that wait to be sent again, by rising number, at most `limit`.
    async fn resending(&self, key: &AccountKey, limit: usize) -> Result<Vec<DeadLetter>, CatalogError>;

    /// Records how letters that were sent again fared: all or nothing, and each once.
    async fn settle_resent(&self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError>;
}
