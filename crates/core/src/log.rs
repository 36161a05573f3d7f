//! The log's contract. An event lives here from before it is acknowledged until every sink has settled it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::event::{Event, Offset, Origin, Record, Stream};
use crate::sink::Refusal;
use crate::streams::Streams;
use crate::time::Timestamp;

/// One ordered sequence of a log. The embedded log has one, named after the instance; Kafka has many.
///
/// The name is part of every batch's id, so it must differ between instances that share a store; but where a partition
/// goes from one instance to another, it is the same on each of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub Arc<str>);

impl Partition {
    /// A partition of a broker's topic, as an input reads it.
    pub fn of_topic(kind: &str, input: &str, topic: &str, number: i32) -> Self {
        Self(format!("{kind}:{input}/{topic}/{number}").into())
    }

    /// Whether it is a broker's: read by whichever instance it is assigned to. No instance has a name like it.
    pub fn is_of_topic(&self) -> bool {
        self.0.contains(':')
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one request brings: appended whole or not at all, in this order, at consecutive offsets.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The stream that the events belong to.
    pub stream: &'a Stream,
    /// When Weir took them in.
    pub received_at: Timestamp,
    /// What they have in common.
    pub origin: &'a Origin,
    /// The events; at least one.
    pub events: &'a [Event],
}

/// Where an entry came to stand: `first` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first event's offset.
    pub first: Offset,
    /// The offset after the last event's.
    pub end: Offset,
}

/// How much to read at once. At least one place is passed where there is one, however large the events that it holds.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// Offsets: places of events that are given, or lost, or none.
    pub max_events: usize,
    /// Bytes of the bodies of those that are given.
    pub max_bytes: usize,
}

/// What a read gave: what stands at the places from the one asked for up to `end`.
///
/// Offsets rise. A log that is somebody else's may have places without an event (a message that was compacted away, a
/// mark of a transaction, a message that could not be read): they are passed over. It may also have places with several
/// events (a message of several lines): their records share the offset, and come in one slice.
///
/// It spans at most [`ReadLimit::max_events`] offsets, those that are passed over included, and never more than was asked
/// for. So what is lost or unreadable always falls to the range that was asked for, and the same range tells the same again.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    /// Intact events, by rising offset; none where events are lost.
    pub records: Vec<Record>,
    /// Read up to here, not included: the place to read from next. Equals the place asked for when there is nothing.
    pub end: Offset,
    /// Events that cannot be read any more: from the offset asked for up to `end`, each of them.
    pub lost: Vec<Lost>,
    /// What stands between the bounds and is no event.
    pub unreadable: Vec<Unreadable>,
}

/// Events that one reader can leave to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// They end here: the place to read from next.
    pub end: Offset,
    /// How many there are of each stream, where that is still known.
    pub events: Option<BTreeMap<Stream, u64>>,
}

/// Events of one stream that were in the log and are no longer. They are told to every reader, in the slice that they
/// belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Their stream.
    pub stream: Stream,
    /// How many.
    pub count: u64,
    /// A short word: `log_damaged`, or `retention_passed` where a broker deleted what was not read yet.
    pub reason: &'static str,
    /// Where their bytes were set aside, and what is wrong with them; for a person.
    pub detail: String,
}

/// A broker's message, or one line of it, that holds no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its place.
    pub offset: Offset,
    /// The stream it would have been of.
    pub stream: Stream,
    /// Its bytes as the body of an event; `None` where there are none, or too many.
    pub record: Option<Record>,
    /// Why it is no event.
    pub refusal: Refusal,
    /// Where it stands.
    pub source: Source,
}

/// Where a broker had a message, and what it had beside its value. Text is as it came; bytes that are no text are
/// written as base64 behind `base64:`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Topic, stream or queue.
    pub topic: String,
    /// The partition; 0 where there is but one.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// Its key.
    pub key: Option<String>,
    /// Its headers, in their order; a name may occur more than once.
    pub headers: Vec<(String, String)>,
}

/// The part of a log that is there: from `start` (older is trimmed) up to, not including, `end`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The oldest offset that can be read.
    pub start: Offset,
    /// The offset that the next event will get.
    pub end: Offset,
    /// Events ever appended, by stream. Never falls.
    pub accepted: BTreeMap<Stream, u64>,
}

/// What had been accepted when the event at `offset` was the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The offset.
    pub offset: Offset,
    /// Events appended before it, by stream.
    pub accepted: BTreeMap<Stream, u64>,
}

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// Nothing of the entry is, or will be, acknowledged. The same entry may succeed later.
    #[error("{reason}")]
    Retry {
        /// What is wrong and what would mend it.
        reason: String,
        /// When to try again.
        after: Duration,
    },
    /// This entry can never be taken: it is larger than the log allows.
    #[error("{0}")]
    Refused(String),
    /// The offset asked for was trimmed; reading can go on at `start`.
    #[error("offset is older than what the log keeps; the oldest is {start}")]
    Trimmed {
        /// The oldest offset there is.
        start: Offset,
    },
    /// The log has been closed; nothing will come any more.
    #[error("the log is closed")]
    Closed,
}

/// Takes events in.
#[async_trait]
pub trait Append: Send + Sync + 'static {
    /// Puts the entry at the end, whole.
    ///
    /// Returns only when it is durable. After an error, or when the future is dropped before it is done, the entry
    /// may or may not turn up for readers, whole, never in part; it was not acknowledged, so both are right.
    async fn append(&self, entry: Entry<'_>) -> Result<Span, LogError>;
}

/// Gives events back, as often as asked, until they are released.
///
/// Readers see only what is durable, in order of offset; they neither block writers nor one another, and reading
/// costs in proportion to what is read, wherever it stands.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The partitions this log has now.
    fn partitions(&self) -> Vec<Partition>;

    /// What the partition holds, and what it ever took. `accepted` and `end` are of one moment.
    fn extent(&self, partition: &Partition) -> Extent;

    /// The nearest mark at or before `at` that the log has without reading; `None` where it has none.
    fn mark(&self, partition: &Partition, at: Offset) -> Option<Mark>;

    /// Reads from `from` on. Gives an empty slice at the end; never waits for events to come.
    ///
    /// Damaged places are passed over and told in [`Slice::lost`], in slices of their own; everything intact around
    /// them is given.
    async fn read(&self, partition: &Partition, from: Offset, limit: ReadLimit) -> Result<Slice, LogError>;

    /// Returns when there is something at or after `from`, or with [`LogError::Closed`].
    async fn wait(&self, partition: &Partition, from: Offset) -> Result<(), LogError>;

    /// What, from `from` on, another reader has found, up to the first event of these streams or the first that is
    /// unreadable; waits for one for so long at most, and `None` where none came. It spares who takes nothing the reading
    /// where a log has to fetch; one that lies here passes nothing over.
    async fn passed_over(
        &self,
        _partition: &Partition,
        from: Offset,
        _streams: &Streams,
        _patience: Duration,
    ) -> Option<PassedOver> {
        Some(PassedOver { end: from, events: None })
    }

    /// The first offset whose event was received at or after `time`; the end where there is none.
    async fn seek(&self, partition: &Partition, time: Timestamp) -> Result<Offset, LogError>;

    /// Everything before `before` is settled by all sinks and may be trimmed, as the log's retention has it.
    /// Calling it again, or with less, changes nothing. A broker's log keeps its own retention.
    async fn release(&self, partition: &Partition, before: Offset) -> Result<(), LogError>;
}
