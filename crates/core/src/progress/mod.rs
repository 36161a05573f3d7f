//! Progress over a broker's partition, kept where the partition is: in the commit of its consumer group.
//!
//! **Constraints.** Whoever a partition is assigned to next, on whatever machine, finds in the commit alone which batches
//! are fixed and which of them are not settled, and takes up the same ones under the same names. So a commit comes before
//! a batch is first sent, and its offset is what every sink has settled. A commit that the broker refuses to this instance
//! ends its deliveries of the partition: it is somebody else's.
//!
//! Counts and dead letters stay with the instance that made them, in its own catalog. They are written before the commit
//! that lets a batch go, once: what the catalog has settled is not sent again by the same instance.

mod catalog;
mod course;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod text;

use async_trait::async_trait;

pub use catalog::{CommitCatalog, Found};
pub use course::Course;
pub use text::Newer;

use crate::event::Offset;
use crate::sink::SinkName;

/// What a broker takes beside an offset, by default, is 4,096 bytes.
pub const METADATA_MAX_BYTES: usize = 3_500;

/// What is committed for a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Everything before it is settled by every sink.
    pub offset: Offset,
    /// How far each sink is beyond it.
    pub metadata: String,
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// It was not, or it was and the answer was lost. The same or a later one may be made.
    #[error("{0:#}")]
    Retry(anyhow::Error),
    /// The partition is no longer this instance's. Nothing may be sent any more that is not committed.
    #[error("{0}")]
    Fenced(String),
}

/// Commits for one partition, for as long as it is assigned to this instance.
#[async_trait]
pub trait Committer: Send + Sync + 'static {
    /// Durable on return. Commits land in the order in which they were asked for; one whose future was dropped may land
    /// or not, but not after a later one.
    async fn commit(&self, commit: Commit) -> Result<(), CommitError>;
}

/// How many batches each of these sinks may have fixed and not settled, so that the commit can tell of all of them.
pub fn unsettled_max<'a>(sinks: impl IntoIterator<Item = &'a SinkName>) -> usize {
    /// An offset and a length, as they come in practice.
    const PLAN_BYTES: usize = 12;
    /// Version and era; for each sink how far its batches are fixed.
    const HEAD_BYTES: usize = 32;
    const PLACE_BYTES: usize = 16;
    let lengths: Vec<usize> = sinks.into_iter().map(|sink| sink.0.len() + PLACE_BYTES).collect();
    let left = METADATA_MAX_BYTES.saturating_sub(HEAD_BYTES + lengths.iter().sum::<usize>());
    (left / PLAN_BYTES / lengths.len().max(1)).max(1)
}
