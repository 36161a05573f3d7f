//! A catalog whose plans are kept in a partition's commit, and everything else in the instance's own catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;
use async_trait::async_trait;

use crate::catalog::{
    Account, AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Opening, Place, Plan, Resent,
    Settlement,
};
use crate::event::{Offset, Stream};
use crate::log::Partition;
use crate::sink::SinkName;
use crate::streams::Streams;

use super::course::Course;
use super::text::{self, Newer};
use super::{CommitError, Committer, METADATA_MAX_BYTES};

/// What was found of a partition when it was assigned.
#[derive(Clone, Debug)]
pub struct Found {
    /// The partition.
    pub partition: Partition,
    /// What the group has committed for it.
    pub commit: Option<super::Commit>,
    /// Where the partition ends.
    pub end: Offset,
    /// Where to begin where nothing is committed.
    pub otherwise: Offset,
}

/// Serves the deliveries of one partition while it is assigned to this instance.
pub struct CommitCatalog {
    partition: Partition,
    own: Arc<dyn Catalog>,
    committer: Arc<dyn Committer>,
    state: Mutex<State>,
    /// Up to which change the course is committed. Held while a commit is under way, so that one takes all that waits.
    committed: tokio::sync::Mutex<u64>,
    is_fenced: AtomicBool,
}

struct State {
    course: Course,
    /// Counts what was changed.
    changes: u64,
    /// Where sinks begin that have no place, if not where they wish.
    beginning: Option<Offset>,
}

impl CommitCatalog {
    /// Takes up what is committed. `era` names a new run of progress, should one begin.
    pub fn take_up(
        found: Found,
        era: u64,
        own: Arc<dyn Catalog>,
        committer: Arc<dyn Committer>,
    ) -> Result<Self, Newer> {
        let Found { partition, commit, end, otherwise } = found;
        let course = commit.as_ref().map(text::decode).transpose()?.flatten();
        let furthest =
            course.as_ref().and_then(Course::furthest).max(commit.as_ref().map(|commit| commit.offset));
        let (course, beginning) = match (course, commit) {
            (_, Some(commit)) if furthest > Some(end) => {
                tracing::error!(
                    %partition, %end, committed = %commit.offset,
                    "the partition ends before what this group has had of it: it was made anew, or it lost its end with \
                     a broker. It is read from {otherwise} on"
                );
                (Course::begin(era), Some(otherwise))
            }
            (Some(course), _) => (course, None),
            (None, Some(commit)) => (Course::begin(era), Some(commit.offset)),
            (None, None) => (Course::begin(era), Some(otherwise)),
        };
        Ok(Self {
            partition,
            own,
            committer,
            // The first one is that the course is here.
            state: Mutex::new(State { course, changes: 1, beginning }),
            committed: tokio::sync::Mutex::new(0),
            is_fenced: AtomicBool::new(false),
        })
    }

    /// Has each of these sinks begin, if it has no place yet: where the group has come to, or, where others of its sinks have
    /// their places, where it wishes to. All of them in one commit, so that none is taken for a newcomer after a crash.
    pub async fn begin(
        &self,
        wishes: impl IntoIterator<Item = (SinkName, Offset)>,
    ) -> Result<(), CatalogError> {
        let begin = |state: &mut State| {
            let mut is_new = false;
            for (sink, wish) in wishes {
                is_new |= state.course.open(&sink, state.beginning.unwrap_or(wish));
            }
            Ok(((), is_new))
        };
        self.change(begin).await
    }

    /// The sinks that have a place in the commit, configured or not.
    pub fn sinks(&self) -> Vec<SinkName> {
        self.state().course.sinks().cloned().collect()
    }

    /// What the sink has settled, where it has a place.
    pub fn settled_before(&self, sink: &SinkName) -> Option<Offset> {
        self.state().course.place(sink).map(|place| place.settled_before())
    }

    /// Replays and other partitions' accounts are the instance's own affair.
    fn keeps(&self, key: &AccountKey) -> bool {
        key.lane.is_empty() && key.partition == self.partition
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change checks first and then only assigns, so a panic cannot have left half of one behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the change, and returns once it is committed.
    async fn change<T>(
        &self,
        change: impl FnOnce(&mut State) -> Result<(T, bool), CatalogError>,
    ) -> Result<T, CatalogError> {
        self.expect_own()?;
        let (value, wanted) = {
            let mut state = self.state();
            let (value, has_changed) = change(&mut state)?;
            state.changes += u64::from(has_changed);
            (value, state.changes)
        };
        let mut committed = self.committed.lock().await;
        if *committed >= wanted {
            return Ok(value);
        }
        let (commit, changes) = {
            let state = self.state();
            (text::encode(&state.course), state.changes)
        };
        if let Some(commit) = commit {
            self.expect_own()?;
            self.committer.commit(commit).await.map_err(|error| self.refused(error))?;
        }
        *committed = changes;
        Ok(value)
    }

    /// It is committed with the next change: until then it is only said again.
    fn put(&self, sink: &SinkName, place: Place) {
        let mut state = self.state();
        state.changes += u64::from(state.course.put(sink, place));
    }

    fn expect_own(&self) -> Result<(), CatalogError> {
        match self.is_fenced.load(Ordering::SeqCst) {
            false => Ok(()),
            true => Err(CatalogError::Broken(anyhow!(
                "partition {} is no longer assigned to this instance",
                self.partition
            ))),
        }
    }

    fn refused(&self, error: CommitError) -> CatalogError {
        match error {
            CommitError::Retry(error) => CatalogError::Retry(error),
            CommitError::Fenced(reason) => {
                self.is_fenced.store(true, Ordering::SeqCst);
                let partition = &self.partition;
                tracing::warn!(%partition, reason, "a commit was refused: the partition is another instance's now");
                CatalogError::Broken(anyhow!(
                    "partition {partition} is no longer assigned to this instance: {reason}"
                ))
            }
        }
    }
}

/// Fixes the batches; all of them or none.
fn fix(state: &mut State, plans: &[Plan]) -> Result<bool, CatalogError> {
    let mut course = state.course.clone();
    let mut is_new = false;
    for plan in plans {
        is_new |= course.plan(plan).map_err(|what| CatalogError::Broken(anyhow!(what)))?;
    }
    if is_new && text::encode(&course).is_some_and(|commit| commit.metadata.len() > METADATA_MAX_BYTES) {
        return Err(CatalogError::Retry(anyhow!(
            "more batches are under way than a commit can tell of; some must be settled first"
        )));
    }
    state.course = course;
    Ok(is_new)
}

#[async_trait]
impl Catalog for CommitCatalog {
    /// The account as the commit has it. What this instance has settled and not committed any more is committed so.
    async fn open_account(&self, key: &AccountKey, opening: &Opening) -> Result<Account, CatalogError> {
        if !self.keeps(key) {
            return self.own.open_account(key, opening).await;
        }
        let place = self.change(|state| Ok((state.course.place(&key.sink), false))).await?;
        let missing = || CatalogError::Broken(anyhow!("sink {:?} has no place in the commit", &*key.sink.0));
        let place = place.ok_or_else(missing)?;
        self.own.open_account(key, &Opening { from: place.planned, until: None }).await?;
        let taken = self.own.take_up(key, &place).await?;
        self.put(&key.sink, taken);
        self.own.open_account(key, opening).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, CatalogError> {
        self.own.accounts().await
    }

    async fn claim(
        &self,
        key: &AccountKey,
        streams: &Streams,
        accepted_before: &BTreeMap<Stream, u64>,
        under_way: u64,
    ) -> Result<Account, CatalogError> {
        self.own.claim(key, streams, accepted_before, under_way).await
    }

    async fn take_up(&self, key: &AccountKey, place: &Place) -> Result<Place, CatalogError> {
        self.own.take_up(key, place).await
    }

    async fn pause(&self, sink: &SinkName, paused: bool) -> Result<(), CatalogError> {
        self.own.pause(sink, paused).await
    }

    async fn paused(&self) -> Result<BTreeSet<SinkName>, CatalogError> {
        self.own.paused().await
    }

    /// A forgotten sink holds the commit no longer.
    async fn forget(&self, sink: &SinkName, lane: &str) -> Result<bool, CatalogError> {
        if lane.is_empty() {
            self.change(|state| Ok(((), state.course.forget(sink)))).await?;
        }
        self.own.forget(sink, lane).await
    }

    async fn plan(&self, plans: &[Plan]) -> Result<(), CatalogError> {
        let (kept, others): (Vec<_>, Vec<_>) = plans.iter().cloned().partition(|plan| self.keeps(&plan.key));
        if !kept.is_empty() {
            self.change(|state| Ok(((), fix(state, &kept)?))).await?;
            self.own.plan(&kept).await?;
        }
        match others.is_empty() {
            true => Ok(()),
            false => self.own.plan(&others).await,
        }
    }

    async fn unsettled(&self, key: &AccountKey) -> Result<Vec<Plan>, CatalogError> {
        if !self.keeps(key) {
            return self.own.unsettled(key).await;
        }
        // What is not committed must not be sent, so it is before it is told of.
        let place = self.change(|state| Ok((state.course.place(&key.sink), false))).await?;
        let unsettled = place.map(|place| place.unsettled).unwrap_or_default();
        Ok(unsettled.into_iter().map(|(first, end)| Plan { key: key.clone(), first, end }).collect())
    }

    async fn settle(&self, settlement: &Settlement) -> Result<(), CatalogError> {
        let plan = &settlement.plan;
        if !self.keeps(&plan.key) {
            return self.own.settle(settlement).await;
        }
        // Whoever has the partition now sends the batch again, and counts it.
        self.expect_own()?;
        self.own.settle(settlement).await?;
        self.change(|state| Ok(((), state.course.settle(plan)))).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, CatalogError> {
        self.own.dead_letters(filter, before, limit).await
    }

    async fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CatalogError> {
        self.own.dead_letter(id).await
    }

    async fn delete_dead_letter(&self, id: i64) -> Result<bool, CatalogError> {
        self.own.delete_dead_letter(id).await
    }

    async fn resend(
        &self,
        filter: &DeadLetterFilter,
        id: Option<i64>,
    ) -> Result<Vec<(AccountKey, u64)>, CatalogError> {
        self.own.resend(filter, id).await
    }

    async fn resending(&self, key: &AccountKey, limit: usize) -> Result<Vec<DeadLetter>, CatalogError> {
        self.own.resending(key, limit).await
    }

    async fn settle_resent(&self, key: &AccountKey, outcomes: &[Resent]) -> Result<(), CatalogError> {
        self.own.settle_resent(key, outcomes).await
    }
}
