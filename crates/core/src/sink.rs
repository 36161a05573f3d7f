//! The sink's contract: where events go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::event::{Offset, Record};
use crate::log::{Partition, Unreadable};

/// A sink's name: the key of its section in the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkName(pub Arc<str>);

/// Stands in no name that a person can give a sink.
const INPUT_PREFIX: &str = "input:";

impl SinkName {
    /// What stands for an input where dead letters name their sink.
    pub fn of_input(input: &str) -> Self {
        Self(format!("{INPUT_PREFIX}{input}").into())
    }

    /// The input's name, where it is one's.
    pub fn input(&self) -> Option<&str> {
        self.0.strip_prefix(INPUT_PREFIX)
    }
}

impl fmt::Display for SinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a batch, the same at every attempt and after every restart: its sink, partition and bounds, fixed before
/// it is first sent. Its text is what stores use to know a repeat (a de-duplication token, an object's name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// The sink that it is for.
    pub sink: SinkName,
    /// The partition that it was read from.
    pub partition: Partition,
    /// Its first offset.
    pub first: Offset,
    /// The offset after its last.
    pub end: Offset,
    /// What sets batches of equal bounds apart: `""`, a replay's name, or the half that a division left (`".0.1"`).
    pub part: String,
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}-{}{}", self.sink, self.partition, self.first, self.end, self.part)
    }
}

/// What is handed to a sink at once: the events between the batch's bounds that are meant for it; at least one. For an
/// input's dead letters, what is no event.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The batch's name.
    pub id: BatchId,
    /// Its events, by rising offset; shared, as a sink works on them beside whoever may have to send them again.
    pub records: Arc<Vec<Record>>,
    /// What an input could not read; there is none beside events. It is kept whatever the sink does with it.
    pub unreadable: Arc<Vec<Unreadable>>,
}

/// What became of a batch that the store answered. Every event without an exception is stored, durably.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Of the stored ones, how many were there before.
    pub duplicates: u64,
    /// The events that are not stored, by rising index.
    pub exceptions: Vec<Exception>,
    /// Where the stored ones are, if that is another place for each batch: the names of objects. For people to find them.
    pub places: Vec<String>,
}

/// One event of a batch that is not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its index in [`Batch::records`].
    pub index: usize,
    /// What to do with it.
    pub verdict: Verdict,
}

/// What to do with an event that was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send it again later, alone or with others; the store's own words.
    Retry(String),
    /// Never send it again by itself: it goes to the dead letters.
    Refused(Refusal),
}

/// Why a store will not have something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A short word for counting and filtering, such as `mapper_parsing_exception`.
    pub reason: String,
    /// The store's own words.
    pub detail: String,
}

/// What went wrong with a whole batch, by what to do.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// Try the same batch again: the store is away, busy, or its answer was lost.
    #[error("{cause:#}")]
    Retry {
        /// What happened.
        cause: anyhow::Error,
        /// When the store said to come back.
        after: Option<Duration>,
    },
    /// Nothing will do until a person has mended something (rights, a password, a schema); tried on, unhurriedly.
    #[error("{cause:#}")]
    Blocked {
        /// What happened and what to do about it.
        cause: anyhow::Error,
    },
    /// The store refused the batch as a whole for what is in it. It is divided until the guilty stand alone.
    #[error("{}: {}", .0.reason, .0.detail)]
    Refused(Refusal),
}

impl SinkError {
    /// To be tried again at delivery's own pace.
    pub fn retry(cause: impl Into<anyhow::Error>) -> Self {
        Self::Retry { cause: cause.into(), after: None }
    }
}

/// Stores batches.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Whether deliveries would succeed: reachable, right credentials, what has to be there is there or was made.
    /// Called at start and on request; a failure keeps nothing from being tried.
    async fn check(&self) -> Result<(), SinkError>;

    /// Stores the batch. On `Ok`, everything without an exception is durable in the store.
    ///
    /// Delivering the same batch again, after whatever outcome, has the effect of delivering it once; so has
    /// delivering an event again in another batch, as far as the store's reach goes. Several batches may be under
    /// way at once. When the future is dropped the batch may or may not be stored. Returns within the sink's own
    /// time limit, whatever the store does.
    async fn deliver(&self, batch: &Batch) -> Result<Receipt, SinkError>;

    /// Makes ready what the delivery of this batch will need, while others are on their way; nothing is stored by it. Only
    /// a hint: a batch may be delivered that was not made ready, and one that was may never be.
    async fn prepare(&self, _batch: &Batch) {}
}
