//! A broker's partition in memory: its messages, what is committed for it, and to whom it is assigned.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use async_trait::async_trait;

use crate::event::Offset;
use crate::log::{EventLog, Partition};
use crate::progress::{Commit, CommitError, Committer, Found};
use crate::testkit::log::MemoryLog;
use crate::testkit::world::SeededRandom;

/// Outlives all instances that it is assigned to. Its handles are one broker.
#[derive(Clone)]
pub struct MemoryBroker {
    /// What it holds. A handle of its own for each instance is made by [`MemoryLog::reopen`].
    pub log: Arc<MemoryLog>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Of the group; another one with each assignment.
    generation: u64,
    commit: Option<Commit>,
}

impl Default for MemoryBroker {
    fn default() -> Self {
        let partition = Self::partition();
        Self { log: Arc::new(MemoryLog::keeping(&partition.0)), state: Arc::default() }
    }
}

impl MemoryBroker {
    /// Its one partition.
    pub fn partition() -> Partition {
        Partition::of_topic("kafka", "bus", "t", 0)
    }

    /// The partition goes to somebody, who finds this, and may commit with that.
    pub fn assign(&self, dice: &Arc<SeededRandom>, odds: CommitOdds) -> (Found, MemoryCommitter) {
        let mut state = self.state.lock().unwrap();
        state.generation += 1;
        let partition = Self::partition();
        let extent = self.log.extent(&partition);
        let found =
            Found { partition, commit: state.commit.clone(), end: extent.end, otherwise: extent.start };
        let generation = state.generation;
        (found, MemoryCommitter { broker: self.clone(), generation, dice: dice.clone(), odds })
    }

    /// What is committed.
    pub fn commit(&self) -> Option<Commit> {
        self.state.lock().unwrap().commit.clone()
    }

    /// Commits as a person does it with the broker's own tools.
    pub fn reset(&self, offset: u64) {
        let commit = Commit { offset: Offset(offset), metadata: String::new() };
        self.state.lock().unwrap().commit = Some(commit);
    }

    /// The group's generation: how often the partition was assigned.
    pub fn generation(&self) -> u64 {
        self.state.lock().unwrap().generation
    }
}

/// How often what goes wrong, in percent of commits.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitOdds {
    /// It fails and nothing is committed.
    pub failing: u64,
    /// It is committed and fails.
    pub lying: u64,
    /// Each waits up to this long before its effect, and again before its answer.
    pub delay_max_ms: u64,
}

/// Commits as a member of one generation.
#[derive(Clone)]
pub struct MemoryCommitter {
    broker: MemoryBroker,
    /// The generation.
    pub generation: u64,
    dice: Arc<SeededRandom>,
    odds: CommitOdds,
}

impl MemoryCommitter {
    async fn dawdle(&self) {
        if self.odds.delay_max_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.dice.below(self.odds.delay_max_ms))).await;
        }
    }
}

#[async_trait]
impl Committer for MemoryCommitter {
    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.dawdle().await;
        if self.dice.chance(self.odds.failing) {
            return Err(CommitError::Retry(anyhow!("injected: no coordinator")));
        }
        {
            let mut state = self.broker.state.lock().unwrap();
            if state.generation != self.generation {
                return Err(CommitError::Fenced("injected: illegal generation".to_owned()));
            }
            state.commit = Some(commit);
        }
        self.dawdle().await;
        if self.dice.chance(self.odds.lying) {
            return Err(CommitError::Retry(anyhow!("injected: the answer was lost")));
        }
        Ok(())
    }
}
